//! Which programs write to the database, and what becomes of the calls of one that has died.
//!
//! Each program gives itself a name at its start and says every few seconds that it is there. Calls carry the name of
//! their program. A call that is open while its program is not there any more cannot tell its end, so another one, or the
//! next start, closes it as trouble of the service, at the last moment that is known of it. The clock is the database's.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Error, Row as _};

use super::search;
use super::store::Store;
use crate::call::outcome::Reason;

/// A program that has said nothing for so long, in milliseconds, has died. It speaks six times as often.
const DEAD_MS: i64 = 60_000;

/// Calls of versions that did not note whose they are: no call lasts that long. Nobody else uses a SQLite file.
const NAMELESS_MS: i64 = 24 * 60 * 60 * 1_000;

/// Calls that are closed in one transaction.
const CLOSED_MAX: i64 = 100;

/// The event that says that a call was closed by another program. A call counts its own events from 1.
const EVENT: i64 = 0;
const KIND: &str = "process_lost";

impl Store {
    fn now(&self) -> &'static str {
        if self.sqlite {
            "CAST(UNIXEPOCH('subsec') * 1000 AS INTEGER)"
        } else {
            "CAST(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP()) * 1000 AS BIGINT)"
        }
    }

    /// Says that a program is there. Calls of it that others have closed meanwhile, because the database had not heard of
    /// it, are open again.
    ///
    /// # Errors
    /// The database is away.
    pub(super) async fn am_there(&self, me: &str) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        let now = self.now();
        let text = format!("UPDATE instances SET seen = {now} WHERE id = $1");
        let seen = sqlx::query(AssertSqlSafe(text)).bind(me.to_owned());
        if seen.execute(&mut *transaction).await?.rows_affected() == 0 {
            let text = format!("INSERT INTO instances (id, started, seen) VALUES ($1, {now}, {now})");
            let come = sqlx::query(AssertSqlSafe(text)).bind(me.to_owned());
            come.execute(&mut *transaction).await?;
            let closed = format!(
                "id IN (SELECT call FROM events WHERE number = {EVENT} AND kind = '{KIND}') AND instance = $1"
            );
            for text in [
                format!("DELETE FROM searched WHERE call IN (SELECT id FROM calls WHERE {closed})"),
                format!("UPDATE calls SET ended = NULL, class = NULL, reason = NULL WHERE {closed}"),
                format!(
                    "DELETE FROM events WHERE number = {EVENT} AND kind = '{KIND}' AND call IN \
                     (SELECT id FROM calls WHERE instance = $1)"
                ),
            ] {
                let undoing = sqlx::query(AssertSqlSafe(text)).bind(me.to_owned());
                undoing.execute(&mut *transaction).await?;
            }
        }
        transaction.commit().await
    }

    /// A program has ended, in good order or, as its successor knows, otherwise.
    ///
    /// # Errors
    /// The database is away.
    pub(super) async fn is_gone(&self, program: &str) -> Result<(), Error> {
        let query = sqlx::query("DELETE FROM instances WHERE id = $1").bind(program.to_owned());
        query.execute(&self.pool).await.map(|_| ())
    }

    /// Closes the calls of programs that are there no more, but for those of `me`; how many.
    ///
    /// # Errors
    /// The database is away.
    pub(super) async fn close_orphans(&self, me: &str) -> Result<usize, Error> {
        let mut closed = 0;
        loop {
            let some = self.close_some(me).await?;
            closed += some;
            if some < CLOSED_MAX as usize {
                break;
            }
        }
        let text = format!("DELETE FROM instances WHERE seen < {} - {DEAD_MS}", self.now());
        sqlx::query(AssertSqlSafe(text)).execute(&self.pool).await?;
        Ok(closed)
    }

    async fn close_some(&self, me: &str) -> Result<usize, Error> {
        let now = self.now();
        let nameless = if self.sqlite { 0 } else { NAMELESS_MS };
        let text = format!(
            "SELECT c.id, c.started, c.accepted, c.talked, \
             (SELECT MAX(e.at) FROM events e WHERE e.call = c.id) AS told, \
             (SELECT MAX(u.spoken) FROM utterances u WHERE u.call = c.id) AS spoken, \
             (SELECT MAX(u.spoken_end) FROM utterances u WHERE u.call = c.id) AS spoken_end, \
             (SELECT MAX(u.heard_end) FROM utterances u WHERE u.call = c.id) AS heard_end \
             FROM calls c WHERE c.ended IS NULL AND ((c.instance IS NULL AND c.started < {now} - {nameless}) OR \
             (c.instance <> $1 AND c.instance NOT IN (SELECT id FROM instances WHERE seen >= {now} - {DEAD_MS}))) \
             ORDER BY c.id LIMIT {CLOSED_MAX}"
        );
        let mut transaction = self.pool.begin().await?;
        let open = sqlx::query(AssertSqlSafe(text)).bind(me.to_owned());
        let open = open.fetch_all(&mut *transaction).await?;
        let outcome = Reason::Internal.outcome();
        let mut ids = BTreeSet::new();
        for row in &open {
            let id: String = row.try_get("id")?;
            let mut last: i64 = row.try_get("started")?;
            for known in ["accepted", "talked", "told", "spoken", "spoken_end", "heard_end"] {
                last = last.max(row.try_get::<Option<i64>, _>(known)?.unwrap_or(last));
            }
            // Two programs may close it at once; the second waits for the first, and changes nothing.
            let text = "UPDATE calls SET ended = $2, class = $3, reason = $4 WHERE id = $1 AND ended IS NULL";
            let ending = sqlx::query(text).bind(id.clone()).bind(last);
            let ending = ending.bind(outcome.class.name()).bind(outcome.reason.name());
            ending.execute(&mut *transaction).await?;
            let text = "INSERT INTO events (call, number, at, kind, speaker, detail) VALUES ($1, $2, $3, $4, NULL, NULL) \
                 ON CONFLICT (call, number) DO NOTHING";
            let event = sqlx::query(text).bind(id.clone()).bind(EVENT).bind(last);
            event.bind(KIND).execute(&mut *transaction).await?;
            ids.insert(id);
        }
        let touched = ids.iter().map(String::as_str).collect();
        search::index(touched, self.sqlite, &mut transaction).await?;
        transaction.commit().await?;
        Ok(open.len())
    }
}
