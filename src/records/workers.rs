//! The agents of calls by their folded names: whoever is spelt otherwise is the same agent.
//!
//! No database folds names as we do, so each spelling stands in a table with its folded form.

use std::collections::BTreeSet;

use sqlx::Row as _;

use super::pool::{Pool, Transaction};
use super::store::Store;
use crate::name::fold;

impl Store {
    /// All spellings of an agent that calls have.
    ///
    /// # Errors
    /// The database is away.
    pub async fn spellings(&self, agent: &str) -> Result<Vec<String>, sqlx::Error> {
        let query = sqlx::query("SELECT name FROM workers WHERE folded = $1 ORDER BY name").bind(fold(agent));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(|row| row.try_get("name")).collect()
    }
}

/// Notes the agents of calls that are written. In one order, so that two instances do not wait for each other.
pub(super) async fn note(agents: BTreeSet<&str>, transaction: &mut Transaction) -> Result<(), sqlx::Error> {
    for agent in agents {
        let insert = "INSERT INTO workers (name, folded) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        sqlx::query(insert)
            .bind(agent.to_owned())
            .bind(fold(agent))
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

/// Notes the agents of calls that an earlier version has written, or one that runs beside us.
pub(super) async fn catch_up(pool: &Pool) -> Result<(), sqlx::Error> {
    let missing = "SELECT DISTINCT c.agent FROM calls c WHERE c.agent IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.name = c.agent)";
    let rows = sqlx::query(missing).fetch_all(pool).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let agents: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let mut transaction = pool.begin().await?;
    note(agents.iter().map(String::as_str).collect(), &mut transaction).await?;
    transaction.commit().await
}
