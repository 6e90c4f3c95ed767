//! The database of records: SQLite, or PostgreSQL by its URL, with one text of SQL for both; but for the index of words,
//! which each has in its own way (`search`). What is read stands in `read` and `figures`, what is forgotten in `erase`.

use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyPool, Executor as _, SqlSafeStr as _};

use super::insert::Sorted;
use super::record::Record;
use super::{search, workers};

/// A database that does not answer for so long is away.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Time for bringing the schema up to date, with waiting for another instance that does it.
const PREPARE_MAX: Duration = Duration::from_secs(60);

/// One at a time: SQLite has no lock of its own for that, and the thread that writes and the desk may begin together.
static PREPARING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Migrations, in their order. One that was ever released does not change any more.
const MIGRATIONS: [(i64, &str, &str); 2] = [
    (1, "records", include_str!("schema/0001_records.sql")),
    (2, "desk", include_str!("schema/0002_desk.sql")),
];

/// The index of words follows them, for SQLite and for PostgreSQL.
const SEARCH: i64 = 3;
const SEARCH_SQLITE: &str = include_str!("schema/0003_search_sqlite.sql");
const SEARCH_POSTGRES: &str = include_str!("schema/0003_search_postgres.sql");

/// What has come since.
const LATER: [(i64, &str, &str); 2] = [
    (4, "secrets", include_str!("schema/0004_secrets.sql")),
    (6, "workers", include_str!("schema/0006_workers.sql")),
];

/// A pool of connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) pool: AnyPool,
    pub(super) sqlite: bool,
}

impl Store {
    /// The database of a URL: `sqlite:<file>`, which is made if need be, or `postgres://…`. It is not asked for anything
    /// yet.
    ///
    /// # Errors
    /// The URL is none of these.
    pub fn new(url: &str, connections: u32) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let sqlite = url.starts_with("sqlite:");
        let mut full = url.to_owned();
        if sqlite && !url.contains("mode=") && !url.contains(":memory:") {
            full.push_str(if url.contains('?') {
                "&mode=rwc"
            } else {
                "?mode=rwc"
            });
        }
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ANSWER_MAX)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        // Readers do not stop the writer, and a power failure costs the last moments at most.
                        for pragma in [
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = NORMAL",
                            "PRAGMA busy_timeout = 5000",
                        ] {
                            connection.execute(pragma).await?;
                        }
                    }
                    Ok(())
                })
            })
            .connect_lazy(&full)?;
        Ok(Self { pool, sqlite })
    }

    /// The connections, for tables of others in the same database.
    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Brings the schema up to date, and makes calls searchable that an earlier version has left.
    ///
    /// # Errors
    /// The database is away, or its schema is another program's.
    pub async fn prepare(&self) -> Result<(), sqlx::Error> {
        let search = if self.sqlite {
            SEARCH_SQLITE
        } else {
            SEARCH_POSTGRES
        };
        let all = MIGRATIONS
            .into_iter()
            .chain([(SEARCH, "search", search)])
            .chain(LATER);
        let migrations = all.map(|(version, name, sql)| {
            let sql = sql.into_sql_str();
            Migration::new(version, name.into(), MigrationType::Simple, sql, false)
        });
        let migrator = Migrator::with_migrations(migrations.collect());
        let preparing = async {
            let _one = if self.sqlite {
                Some(PREPARING.lock().await)
            } else {
                None
            };
            migrator.run(&self.pool).await?;
            workers::catch_up(&self.pool).await?;
            search::catch_up(&self.pool, self.sqlite).await
        };
        tokio::time::timeout(PREPARE_MAX, preparing)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// Writes all of them or none.
    ///
    /// # Errors
    /// The database is away, slow, or refuses one of them.
    pub async fn write(&self, records: &[Record]) -> Result<(), sqlx::Error> {
        let writing = async {
            let mut transaction = self.pool.begin().await?;
            let sorted = Sorted::of(records);
            sorted.write(self.sqlite, &mut transaction).await?;
            workers::note(sorted.agents(), &mut transaction).await?;
            search::index(sorted.touched(), self.sqlite, &mut transaction).await?;
            transaction.commit().await
        };
        tokio::time::timeout(ANSWER_MAX, writing)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}
