//! Connections to the database, in a way that also works through a pooler which gives every transaction another
//! connection (PgBouncer with `pool_mode = transaction`).
//!
//! There a statement with a name lives on in a connection that somebody else gets next, and a statement without one is
//! gone before it is run, unless a transaction holds the connection. So with PostgreSQL no statement has a name, and each
//! is run within a transaction. SQLite keeps its statements prepared; its transactions begin with the lock for writing,
//! since one that reads first may be refused it later.

use std::ops::{Deref, DerefMut};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::any::{AnyArguments, AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::error::BoxDynError;
use sqlx::{Any, AnyPool, AssertSqlSafe, Either, Error, Execute, Executor, SqlStr};

type Step = Either<AnyQueryResult, AnyRow>;

/// A pool of connections.
#[derive(Clone, Debug)]
pub struct Pool {
    all: AnyPool,
    sqlite: bool,
}

/// A transaction. It is undone unless it is committed.
#[derive(Debug)]
pub struct Transaction(Inner);

/// What statements of a transaction are run on.
#[derive(Debug)]
pub struct Inner {
    transaction: sqlx::Transaction<'static, Any>,
    sqlite: bool,
}

impl Pool {
    pub(super) fn new(all: AnyPool, sqlite: bool) -> Self {
        Self { all, sqlite }
    }

    /// Begins a transaction. In SQLite it waits until no other writes.
    ///
    /// # Errors
    /// The database is away.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        let transaction = if self.sqlite {
            self.all.begin_with("BEGIN IMMEDIATE").await?
        } else {
            self.all.begin().await?
        };
        Ok(Transaction(Inner {
            transaction,
            sqlite: self.sqlite,
        }))
    }

    /// Runs a statement that no transaction may hold, such as `VACUUM`; what its first row says, if there is one.
    pub(super) async fn run_bare(&self, text: &'static str) -> Result<Option<AnyRow>, Error> {
        let mut connection = self.all.acquire().await?;
        (&mut *connection).fetch_optional(AssertSqlSafe(text)).await
    }

    /// Waits for what is being asked, and closes all connections.
    pub async fn close(&self) {
        self.all.close().await;
    }
}

impl Transaction {
    /// Ends it, so that it holds.
    ///
    /// # Errors
    /// The database is away, and it most likely does not hold.
    pub async fn commit(self) -> Result<(), Error> {
        self.0.transaction.commit().await
    }

    /// Undoes it.
    ///
    /// # Errors
    /// The database is away, and undoes it by itself.
    pub async fn rollback(self) -> Result<(), Error> {
        self.0.transaction.rollback().await
    }
}

impl Deref for Transaction {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.0
    }
}

/// A statement that gets no name.
struct Unnamed<E>(E);

impl<'q, E: Execute<'q, Any>> Execute<'q, Any> for Unnamed<E> {
    fn sql(self) -> SqlStr {
        self.0.sql()
    }

    fn statement(&self) -> Option<&AnyStatement> {
        self.0.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<AnyArguments>, BoxDynError> {
        self.0.take_arguments()
    }

    fn persistent(&self) -> bool {
        false
    }
}

impl<'c> Executor<'c> for &'c mut Inner {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        if self.sqlite {
            (&mut *self.transaction).fetch_many(query)
        } else {
            (&mut *self.transaction).fetch_many(Unnamed(query))
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        if self.sqlite {
            (&mut *self.transaction).fetch_optional(query)
        } else {
            (&mut *self.transaction).fetch_optional(Unnamed(query))
        }
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        (&mut *self.transaction).prepare_with(sql, parameters)
    }
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Any;

    /// With PostgreSQL all rows are gathered before the first is given: ask for no more than may lie in memory.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        if self.sqlite {
            return (&self.all).fetch_many(query);
        }
        let asking = async move {
            let mut transaction = self.begin().await?;
            let steps: Vec<Step> = transaction.fetch_many(query).try_collect().await?;
            transaction.commit().await?;
            Ok::<_, Error>(stream::iter(steps.into_iter().map(Ok)))
        };
        stream::once(asking).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        if self.sqlite {
            return (&self.all).fetch_optional(query);
        }
        Box::pin(async move {
            let mut transaction = self.begin().await?;
            let row = (&mut *transaction).fetch_optional(query).await?;
            transaction.commit().await?;
            Ok(row)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'p: 'e,
    {
        (&self.all).prepare_with(sql, parameters)
    }
}
