//! What erased rows leave behind in the files of the database, and how that is removed.
//!
//! SQLite overwrites what is deleted (`secure_delete`), also in the index of words. That leaves: copies in pages from
//! which rows were moved to others before; words that begin a page of the index, which stay there as signposts; and what
//! the write-ahead log holds of earlier versions of pages. The first go with `VACUUM`, the second with a new index, the
//! last when the log is brought home and cut to nothing.
//!
//! PostgreSQL keeps what is deleted until `VACUUM`, which frees the room without overwriting it; docs/erasing.md says what
//! that means.

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{Error, Row as _};

use super::pool::Transaction;
use super::store::Store;
use super::unix_ms;

/// Whoever erases waits so long for the traces; then they are removed while nobody waits.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// A SQLite database up to this size, in bytes, is cleaned whenever calls became too old: that takes seconds. A larger one
/// once a day; but at once where somebody has asked for erasing.
const SMALL: i64 = 256 * 1024 * 1024;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How often the log is cut before that is left for later: somebody may be reading.
const TRIES: u32 = 5;

/// One at a time; whoever waited finds nothing left to do.
static REMOVING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Words that stand in the index as signposts and begin no word that is there.
const STALE: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM searched_words_idx i WHERE LENGTH(i.term) > 1 AND COALESCE(( \
     SELECT SUBSTR(CAST(t.term AS BLOB), 1, LENGTH(i.term) - 1) FROM searched_terms t \
     WHERE t.term >= CAST(SUBSTR(i.term, 2) AS TEXT) LIMIT 1), x'') <> SUBSTR(i.term, 2)";

/// Notes in the transaction that erases that there are traces.
pub(super) async fn note(now: i64, transaction: &mut Transaction) -> Result<(), Error> {
    let text = "INSERT INTO traces (id, first_at, last_at) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE \
         SET last_at = CASE WHEN traces.last_at < excluded.last_at THEN excluded.last_at ELSE traces.last_at + 1 END";
    let query = sqlx::query(text).bind(now).bind(now);
    query.execute(&mut **transaction).await.map(|_| ())
}

impl Store {
    /// Removes traces, if there are any, and waits a while for it. `asked`: somebody has asked for erasing, so it is not
    /// put off. What fails is tried again after the next erasing, and after the next start.
    pub(super) async fn remove_traces_soon(&self, asked: bool) {
        let store = self.clone();
        let removing = tokio::spawn(async move {
            if let Err(error) = store.remove_traces(asked).await {
                tracing::warn!(%error, "what was erased may have left traces in the database's files; they are removed later");
            }
        });
        if tokio::time::timeout(WAIT_MAX, removing).await.is_err() {
            tracing::info!("removing the traces of what was erased takes a while");
        }
    }

    /// Removes all traces of what was erased from the database's files.
    ///
    /// # Errors
    /// The database is away, its disk is full, or somebody reads all the time.
    pub async fn remove_traces(&self, asked: bool) -> Result<(), Error> {
        let _one = REMOVING.lock().await;
        let text = "SELECT first_at, last_at FROM traces WHERE id = 1";
        let Some(row) = sqlx::query(text).fetch_optional(&self.pool).await? else {
            return Ok(());
        };
        let (first, last): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if self.sqlite {
            if !asked && unix_ms() - first < DAY_MS && self.size().await? > SMALL {
                return Ok(());
            }
            self.renew_index().await?;
            self.pool.run_bare("VACUUM").await?;
            self.empty_log().await?;
        } else {
            let tables = "VACUUM calls, utterances, events, usages, searched";
            self.pool.run_bare(tables).await?;
        }
        let text = "DELETE FROM traces WHERE id = 1 AND last_at = $1";
        sqlx::query(text).bind(last).execute(&self.pool).await?;
        Ok(())
    }

    /// Makes the index of words anew if signposts have outlived their words.
    async fn renew_index(&self) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        let stale: i64 = sqlx::query(STALE)
            .fetch_one(&mut *transaction)
            .await?
            .try_get(0)?;
        if stale > 0 {
            sqlx::query("INSERT INTO searched_words (searched_words) VALUES ('rebuild')")
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Brings SQLite's log home and cuts it to nothing. PostgreSQL has one of its own.
    pub(super) async fn empty_log(&self) -> Result<(), Error> {
        if !self.sqlite {
            return Ok(());
        }
        for _ in 0..TRIES {
            // It waits for readers itself, as long as `busy_timeout` says.
            let row = self.pool.run_bare("PRAGMA wal_checkpoint(TRUNCATE)").await?;
            if row.is_some_and(|row| whole(&row, 0) == Some(0)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Error::Protocol("somebody reads the database all the time".into()))
    }

    async fn size(&self) -> Result<i64, Error> {
        let pages = self.pool.run_bare("PRAGMA page_count").await?;
        let bytes = self.pool.run_bare("PRAGMA page_size").await?;
        let both = pages.zip(bytes);
        let size = both.and_then(|(pages, bytes)| Some(whole(&pages, 0)? * whole(&bytes, 0)?));
        Ok(size.unwrap_or(i64::MAX))
    }
}

/// A number of a row, however wide it is taken to be.
fn whole(row: &AnyRow, column: usize) -> Option<i64> {
    let wide = row.try_get::<i64, _>(column).ok();
    wide.or_else(|| row.try_get::<i32, _>(column).ok().map(i64::from))
}
