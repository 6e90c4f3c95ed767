//! Brings the schema up to date: all that is missing in one transaction, under a lock that ends with it.
//!
//! `sqlx`'s own migrator takes a lock that belongs to a connection, and names its statements, neither of which survives a
//! pooler (see `pool`). The table of what was done is that migrator's, so that databases of earlier versions are known.

use sqlx::migrate::{MigrateError, Migration, MigrationType};
use sqlx::{AssertSqlSafe, Error, Executor as _, Row as _, SqlSafeStr as _};

use super::pool::{Pool, Transaction};

/// Names our lock among those of other programs in the same PostgreSQL database.
const LOCK: i64 = 0x6475_6f6c_6f67_7565;

const TABLE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, \
     description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
     checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";

const TABLE_POSTGRES: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, \
     description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, \
     checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL)";

/// Does what is missing of these, in their order: number, name and text of each.
pub(super) async fn run(
    pool: &Pool,
    sqlite: bool,
    migrations: &[(i64, &'static str, &'static str)],
) -> Result<(), Error> {
    let mut transaction = pool.begin().await?;
    if !sqlite {
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(LOCK)
            .execute(&mut *transaction)
            .await?;
    }
    let table = if sqlite { TABLE_SQLITE } else { TABLE_POSTGRES };
    transaction.execute(AssertSqlSafe(table)).await?;
    let done = done(&mut transaction).await?;
    let known = |version: &i64| migrations.iter().any(|(known, ..)| known == version);
    if let Some((version, _)) = done.iter().find(|(version, _)| !known(version)) {
        return Err(MigrateError::VersionMissing(*version).into());
    }
    for &(version, name, text) in migrations {
        let migration = Migration::new(
            version,
            name.into(),
            MigrationType::Simple,
            text.into_sql_str(),
            false,
        );
        match done.iter().find(|(done, _)| *done == version) {
            Some((_, checksum)) if checksum[..] == migration.checksum[..] => {}
            Some(_) => return Err(MigrateError::VersionMismatch(version).into()),
            None => apply(&mut transaction, &migration).await?,
        }
    }
    transaction.commit().await
}

async fn done(transaction: &mut Transaction) -> Result<Vec<(i64, Vec<u8>)>, Error> {
    let text = "SELECT version, checksum, CASE WHEN success THEN 1 ELSE 0 END AS done FROM _sqlx_migrations";
    let rows = sqlx::query(text).fetch_all(&mut **transaction).await?;
    let mut all = Vec::new();
    for row in rows {
        let version = row.try_get("version")?;
        // What SQLite calls an integer has 64 bits here and 32 there.
        let done = row
            .try_get::<i64, _>("done")
            .or_else(|_| row.try_get::<i32, _>("done").map(i64::from))?;
        if done == 0 {
            return Err(MigrateError::Dirty(version).into());
        }
        all.push((version, row.try_get("checksum")?));
    }
    Ok(all)
}

async fn apply(transaction: &mut Transaction, migration: &Migration) -> Result<(), Error> {
    let version = migration.version;
    transaction
        .execute(AssertSqlSafe(migration.sql.as_str().to_owned()))
        .await
        .map_err(|error| MigrateError::ExecuteMigration(error, version))?;
    let text = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES ($1, $2, TRUE, $3, -1)";
    sqlx::query(text)
        .bind(version)
        .bind(migration.description.to_string())
        .bind(migration.checksum.to_vec())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
