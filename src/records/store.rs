//! The database of records: SQLite, or PostgreSQL by its URL, with one text of SQL for both; but for the index of words,
//! which each has in its own way (`search`). What is read stands in `read` and `figures`, what is forgotten in `erase`.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::Executor as _;
use sqlx::any::AnyPoolOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::erase;
use super::insert::Sorted;
use super::migrate;
use super::pool::Pool;
use super::record::Record;
use super::{search, workers};
use crate::files;

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

/// The key of what is signed.
const SECRETS: (i64, &str, &str) = (4, "secrets", include_str!("schema/0004_secrets.sql"));

/// What knows of the index comes after it.
const INSTANCES: (i64, &str, &str) = (5, "instances", include_str!("schema/0005_instances.sql"));
const INSTANCES_SQLITE: &str = concat!(
    include_str!("schema/0005_instances.sql"),
    include_str!("schema/0005_instances_sqlite.sql")
);

/// Spellings of agents' names.
const WORKERS: (i64, &str, &str) = (6, "workers", include_str!("schema/0006_workers.sql"));

/// Settings of each connection to SQLite. Readers do not stop the writer, a power failure costs the last moments at most,
/// and what is deleted is overwritten.
const SQLITE: [&str; 4] = [
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA secure_delete = ON",
];

/// A pool of connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) pool: Pool,
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
        let file = if sqlite { sqlite_file(&full)? } else { None };
        if let Some(file) = file.as_deref().filter(|_| full.contains("mode=rwc")) {
            // Where it cannot be made yet, whoever connects will say so.
            let _ = files::open(OpenOptions::new().append(true).create(true), file);
        }
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ANSWER_MAX)
            .after_connect(move |connection, _| {
                // Its log gets the rights that the file has when it is opened for the first time.
                file.as_deref().map(narrow);
                Box::pin(async move {
                    for pragma in SQLITE.iter().filter(|_| sqlite) {
                        connection.execute(*pragma).await?;
                    }
                    Ok(())
                })
            })
            .connect_lazy(&full)?;
        Ok(Self {
            pool: Pool::new(pool, sqlite),
            sqlite,
        })
    }

    /// The connections, for tables of others in the same database.
    pub(crate) fn pool(&self) -> &Pool {
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
        let (version, name, mut instances) = INSTANCES;
        if self.sqlite {
            instances = INSTANCES_SQLITE;
        }
        let after = [
            (SEARCH, "search", search),
            SECRETS,
            (version, name, instances),
            WORKERS,
        ];
        let migrations: Vec<_> = MIGRATIONS.into_iter().chain(after).collect();
        let preparing = async {
            let _one = if self.sqlite {
                Some(PREPARING.lock().await)
            } else {
                None
            };
            migrate::run(&self.pool, self.sqlite, &migrations).await?;
            workers::catch_up(&self.pool).await?;
            search::catch_up(&self.pool, self.sqlite).await
        };
        tokio::time::timeout(PREPARE_MAX, preparing)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .map_err(explained)
    }

    /// Writes all of them or none, but for those of calls that were erased.
    ///
    /// # Errors
    /// The database is away, slow, or refuses one of them.
    pub async fn write(&self, records: &[Record]) -> Result<(), sqlx::Error> {
        let writing = async {
            let mut transaction = self.pool.begin().await?;
            let spared = erase::spared(records, self.sqlite, &mut transaction).await?;
            let sorted = Sorted::of(&spared);
            sorted.write(self.sqlite, &mut transaction).await?;
            workers::note(sorted.agents(), &mut transaction).await?;
            search::index(sorted.touched(), self.sqlite, &mut transaction).await?;
            transaction.commit().await
        };
        tokio::time::timeout(ANSWER_MAX, writing)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// Leaves nothing behind in the log of SQLite, and closes all connections. What is being asked is answered first.
    pub async fn close(&self) {
        self.leave(true).await;
    }

    /// The same; `last`: nobody else uses these connections.
    pub(super) async fn leave(&self, last: bool) {
        let emptied = tokio::time::timeout(ANSWER_MAX, self.empty_log()).await;
        if let Ok(Err(error)) = emptied {
            tracing::debug!(%error, "the database's log stays as it is");
        }
        if last {
            // What does not end in time is cut off, as it would be anyway.
            let _ = tokio::time::timeout(ANSWER_MAX, self.pool.close()).await;
        }
    }
}

/// Where a database in a file is.
fn sqlite_file(url: &str) -> Result<Option<PathBuf>, sqlx::Error> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Ok(None);
    }
    let options = SqliteConnectOptions::from_str(url)?;
    Ok(Some(options.get_filename().to_owned()))
}

/// Takes a database from others, with the files that SQLite keeps beside it.
fn narrow(file: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = OsString::from(file);
        name.push(end);
        files::narrow(Path::new(&name));
    }
}

/// What an administrator has to do, where that is known.
fn explained(error: sqlx::Error) -> sqlx::Error {
    // PgBouncer knows some of the settings that a connection begins with and refuses the others.
    if error.to_string().contains("extra_float_digits") {
        let what = "PgBouncer refuses connections of this program until its settings have \
            ignore_startup_parameters = extra_float_digits (it works with any pool_mode but statement)";
        return sqlx::Error::Configuration(what.into());
    }
    error
}
