//! What is forgotten: a call, the calls from a number, and what is too old. Their words leave the index with them.
//!
//! What was erased is noted, by the call's id, so that records which wait in a queue or in a spool, here or in another
//! program that uses the same database, do not bring it back. Whatever may be left in the database's files is removed by
//! `traces`.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Row as _};

use super::insert::places;
use super::pool::Transaction;
use super::record::Record;
use super::store::Store;
use super::unix_ms;

/// Calls that are forgotten at once because they are too old.
pub const ERASE_MAX: usize = 500;

/// For so long a record that waits elsewhere cannot come back. A spool that lay about for longer can bring it back.
const NOTED_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Whoever erases has this lock of PostgreSQL alone, whoever writes shares it: so no record slips in between.
const LOCK: i64 = 0x6475_6f6c_6572_6173;

impl Store {
    /// Forgets a call and all that was said in it; the ids of the calls that were there.
    ///
    /// # Errors
    /// The database is away; then nothing is forgotten.
    pub async fn erase_call(&self, id: &str) -> Result<Vec<String>, sqlx::Error> {
        let erased = self.erase(Calls::Id(id)).await?;
        self.remove_traces_soon(true).await;
        Ok(erased)
    }

    /// Forgets all calls from a number, however it is written; their ids. An empty number names no call.
    ///
    /// # Errors
    /// The database is away; then nothing is forgotten.
    pub async fn erase_number(&self, number: &str) -> Result<Vec<String>, sqlx::Error> {
        let number = super::read::bare_number(number);
        if number.is_empty() {
            return Ok(Vec::new());
        }
        let erased = self.erase(Calls::Number(&number)).await?;
        self.remove_traces_soon(true).await;
        Ok(erased)
    }

    /// Forgets calls that began before this moment, the oldest first and [`ERASE_MAX`] at most, so that nobody waits for
    /// long; their ids.
    ///
    /// # Errors
    /// The database is away; then nothing is forgotten.
    pub async fn erase_before(&self, moment: i64) -> Result<Vec<String>, sqlx::Error> {
        let erased = self.erase(Calls::Before(moment)).await?;
        // There is more to come otherwise.
        if erased.len() < ERASE_MAX {
            self.remove_traces_soon(false).await;
        }
        Ok(erased)
    }

    async fn erase(&self, which: Calls<'_>) -> Result<Vec<String>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        if !self.sqlite {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(LOCK)
                .execute(&mut *transaction)
                .await?;
        }
        let now = unix_ms();
        which.note(now, &mut transaction).await?;
        let condition = which.condition();
        let mut rows = 0;
        for table in PARTS {
            // By an id it goes even if the call itself is not there.
            let text = match which {
                Calls::Id(_) => format!("DELETE FROM {table} WHERE call = $1"),
                _ => format!("DELETE FROM {table} WHERE call IN (SELECT id FROM calls WHERE {condition})"),
            };
            let query = which.bound(sqlx::query(AssertSqlSafe(text)));
            rows += query.execute(&mut *transaction).await?.rows_affected();
        }
        let text = format!("DELETE FROM calls WHERE {condition} RETURNING id");
        let query = which.bound(sqlx::query(AssertSqlSafe(text)));
        let gone = query.fetch_all(&mut *transaction).await?;
        let ids: Vec<String> = gone.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        if rows > 0 || !ids.is_empty() {
            super::traces::note(now, &mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(ids)
    }

    /// Forgets what was erased so long ago that nothing can wait for it any more.
    pub(super) async fn forget_erased(&self) -> Result<(), sqlx::Error> {
        let query = sqlx::query("DELETE FROM erased WHERE at < $1").bind(unix_ms() - NOTED_MS);
        query.execute(&self.pool).await.map(|_| ())
    }
}

/// The tables that hold parts of calls.
const PARTS: [&str; 4] = ["utterances", "events", "usages", "searched"];

/// Which calls are erased.
#[derive(Clone, Copy)]
enum Calls<'a> {
    Id(&'a str),
    /// Bare.
    Number(&'a str),
    Before(i64),
}

type Statement = sqlx::query::Query<'static, sqlx::Any, sqlx::any::AnyArguments>;

impl Calls<'_> {
    fn condition(self) -> String {
        match self {
            Self::Id(_) => "id = $1".to_owned(),
            Self::Number(_) => "caller_number IN ($1, '+' || $1)".to_owned(),
            Self::Before(_) => format!(
                "id IN (SELECT id FROM calls WHERE started < $1 ORDER BY started, id LIMIT {ERASE_MAX})"
            ),
        }
    }

    fn bound(self, statement: Statement) -> Statement {
        match self {
            Self::Id(text) | Self::Number(text) => statement.bind(text.to_owned()),
            Self::Before(moment) => statement.bind(moment),
        }
    }

    /// Notes that they are erased, also what has not reached the database yet.
    async fn note(self, now: i64, transaction: &mut Transaction) -> Result<(), sqlx::Error> {
        match self {
            Self::Id(id) => note(&of_call(id), now, transaction).await?,
            Self::Number(number) => note(&of_number(number), now, transaction).await?,
            Self::Before(_) => {}
        }
        let text = format!(
            "INSERT INTO erased (what, at) SELECT 'call ' || id, CAST($2 AS BIGINT) FROM calls WHERE {} \
             ON CONFLICT (what) DO UPDATE SET at = excluded.at",
            self.condition()
        );
        let query = self.bound(sqlx::query(AssertSqlSafe(text))).bind(now);
        query.execute(&mut **transaction).await.map(|_| ())
    }
}

async fn note(what: &str, now: i64, transaction: &mut Transaction) -> Result<(), sqlx::Error> {
    let text =
        "INSERT INTO erased (what, at) VALUES ($1, $2) ON CONFLICT (what) DO UPDATE SET at = excluded.at";
    let query = sqlx::query(text).bind(what.to_owned()).bind(now);
    query.execute(&mut **transaction).await.map(|_| ())
}

fn of_call(id: &str) -> String {
    format!("call {id}")
}

/// The number itself is forgotten, so it is not what is noted.
fn of_number(bare: &str) -> String {
    let digest = Sha256::digest(format!("duologue: erased number {bare}"));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("number {hex}")
}

/// Those of these records whose calls were not erased. That holds until the transaction ends.
pub(super) async fn spared<'a>(
    records: &'a [Record],
    sqlite: bool,
    transaction: &mut Transaction,
) -> Result<Vec<&'a Record>, sqlx::Error> {
    if !sqlite {
        sqlx::query("SELECT pg_advisory_xact_lock_shared($1)")
            .bind(LOCK)
            .execute(&mut **transaction)
            .await?;
    }
    let mut wanted: BTreeSet<String> = records.iter().map(|record| of_call(record.call())).collect();
    let begun = |record: &'a Record| match record {
        Record::Call(call) => Some((call, of_number(&super::read::bare_number(&call.caller_number)))),
        _ => None,
    };
    let calls: Vec<_> = records.iter().filter_map(begun).collect();
    wanted.extend(calls.iter().map(|(_, number)| number.clone()));
    let text = format!(
        "SELECT what, at FROM erased WHERE what IN ({})",
        places(sqlite, wanted.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text)).persistent(false);
    for what in wanted {
        query = query.bind(what);
    }
    let mut erased = BTreeMap::new();
    for row in query.fetch_all(&mut **transaction).await? {
        erased.insert(row.try_get::<String, _>("what")?, row.try_get::<i64, _>("at")?);
    }
    if erased.is_empty() {
        return Ok(records.iter().collect());
    }
    for (call, number) in calls {
        if let Some(&at) = erased.get(&number).filter(|&&at| call.started < at) {
            // What else of it comes later does not tell the number.
            let what = of_call(&call.call);
            note(&what, at, transaction).await?;
            erased.insert(what, at);
        }
    }
    let is_spared = |record: &&Record| !erased.contains_key(&of_call(record.call()));
    Ok(records.iter().filter(is_spared).collect())
}
