//! What is forgotten: a call, the calls from a number, and what is too old. Their words leave the index with them.

use sqlx::{Any, AssertSqlSafe, Row as _};

use super::store::Store;

/// Calls that are forgotten at once because they are too old.
pub const ERASE_MAX: usize = 500;

impl Store {
    /// Forgets a call and all that was said in it; the ids of the calls that were there.
    ///
    /// # Errors
    /// The database is away; then nothing is forgotten.
    pub async fn erase_call(&self, id: &str) -> Result<Vec<String>, sqlx::Error> {
        self.erase(Calls::Id(id)).await
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
        self.erase(Calls::Number(&number)).await
    }

    /// Forgets calls that began before this moment, the oldest first and [`ERASE_MAX`] at most, so that nobody waits for
    /// long; their ids.
    ///
    /// # Errors
    /// The database is away; then nothing is forgotten.
    pub async fn erase_before(&self, moment: i64) -> Result<Vec<String>, sqlx::Error> {
        self.erase(Calls::Before(moment)).await
    }

    async fn erase(&self, which: Calls<'_>) -> Result<Vec<String>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let condition = which.condition();
        for table in PARTS {
            // By an id it goes even if the call itself is not there.
            let text = match which {
                Calls::Id(_) => format!("DELETE FROM {table} WHERE call = $1"),
                _ => format!("DELETE FROM {table} WHERE call IN (SELECT id FROM calls WHERE {condition})"),
            };
            which.run(text, &mut transaction).await?;
        }
        let text = format!("DELETE FROM calls WHERE {condition} RETURNING id");
        let ids = which.run(text, &mut transaction).await?;
        transaction.commit().await?;
        Ok(ids)
    }
}

/// The tables that hold parts of calls.
const PARTS: [&str; 4] = ["utterances", "events", "usages", "searched"];

/// Which calls are erased.
#[derive(Clone, Copy)]
enum Calls<'a> {
    Id(&'a str),
    Number(&'a str),
    Before(i64),
}

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

    /// Runs one of the texts above; what it returns.
    async fn run(
        self,
        text: String,
        transaction: &mut sqlx::Transaction<'_, Any>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let query = sqlx::query(AssertSqlSafe(text));
        let query = match self {
            Self::Id(text) | Self::Number(text) => query.bind(text.to_owned()),
            Self::Before(moment) => query.bind(moment),
        };
        let rows = query.fetch_all(&mut **transaction).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}
