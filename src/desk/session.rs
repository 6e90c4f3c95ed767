//! Sessions: a secret in the browser's cookie, its SHA-256 in the database, and two spans of life.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, Row as _};

use super::accounts::{Accounts, read, soon};
use super::secret::Secret;
use super::user::User;
use crate::config::Config;

/// Without a request for so long a session ends, milliseconds.
pub const IDLE_MAX: i64 = 12 * 3_600_000;

/// And after so long in any case.
pub const AGE_MAX: i64 = 7 * 24 * 3_600_000;

/// That a session was used is noted no more often than this.
const SEEN_EVERY: i64 = 60_000;

/// Sessions of one user; the oldest end.
const SESSIONS_MAX: i64 = 20;

impl Accounts {
    /// Opens a session for somebody who has just signed in. `now`: milliseconds since 1970. Sessions that are over go.
    ///
    /// # Errors
    /// The database is away.
    pub async fn open(&self, user: &str, secret: &Secret, now: i64) -> Result<(), sqlx::Error> {
        let opening = async {
            let mut transaction = self.pool().begin().await?;
            sqlx::query("DELETE FROM sessions WHERE created <= $1 OR seen <= $2")
                .bind(now - AGE_MAX)
                .bind(now - IDLE_MAX)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("INSERT INTO sessions (id, user_name, created, seen) VALUES ($1, $2, $3, $4)")
                .bind(secret.id())
                .bind(user.to_owned())
                .bind(now)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
            let newest = "DELETE FROM sessions WHERE user_name = $1 AND id NOT IN \
                (SELECT id FROM sessions WHERE user_name = $2 ORDER BY created DESC, id LIMIT $3)";
            sqlx::query(newest)
                .bind(user.to_owned())
                .bind(user.to_owned())
                .bind(SESSIONS_MAX)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await
        };
        soon(opening).await?;
        self.rights_changed();
        Ok(())
    }

    /// Who has this session, if it lives and they may still sign in. That counts as use.
    ///
    /// # Errors
    /// The database is away.
    pub async fn session(&self, secret: &Secret, now: i64) -> Result<Option<User>, sqlx::Error> {
        let Some((user, seen)) = self.living(secret, now).await? else {
            return Ok(None);
        };
        if now - seen >= SEEN_EVERY {
            let update = sqlx::query("UPDATE sessions SET seen = $2 WHERE id = $1")
                .bind(secret.id())
                .bind(now);
            soon(update.execute(self.pool())).await?;
        }
        Ok(Some(user))
    }

    /// Who has this session, and when it was last noted to be used. To ask is no use of it.
    async fn living(&self, secret: &Secret, now: i64) -> Result<Option<(User, i64)>, sqlx::Error> {
        let text = format!("{LIVING} AND sessions.id = $3");
        let query = sqlx::query(AssertSqlSafe(text))
            .bind(now - AGE_MAX)
            .bind(now - IDLE_MAX)
            .bind(secret.id());
        let Some(row) = soon(query.fetch_optional(self.pool())).await? else {
            return Ok(None);
        };
        Ok(Some((read(&row)?, row.try_get("seen")?)))
    }

    /// Those of these sessions, by their ids, that live, and who has each of them. To ask is no use of them.
    ///
    /// # Errors
    /// The database is away.
    pub async fn living_of(&self, ids: &[String], now: i64) -> Result<HashMap<String, User>, sqlx::Error> {
        let places: Vec<String> = (0..ids.len()).map(|place| format!("${}", place + 3)).collect();
        let text = format!("{LIVING} AND sessions.id IN ({})", places.join(", "));
        let mut query = sqlx::query(AssertSqlSafe(text))
            .persistent(false)
            .bind(now - AGE_MAX)
            .bind(now - IDLE_MAX);
        for id in ids {
            query = query.bind(id.clone());
        }
        let rows = soon(query.fetch_all(self.pool())).await?;
        let living = rows.iter().map(|row| Ok((row.try_get("session")?, read(row)?)));
        living.collect()
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database is away.
    pub async fn close(&self, secret: &Secret) -> Result<(), sqlx::Error> {
        let query = sqlx::query("DELETE FROM sessions WHERE id = $1").bind(secret.id());
        soon(query.execute(self.pool())).await?;
        self.rights_changed();
        Ok(())
    }

    /// Gives a user a new password and ends all their sessions but this one.
    ///
    /// # Errors
    /// The database is away; then nothing has changed.
    pub async fn set_password(&self, user: &str, hash: String, keep: &Secret) -> Result<(), sqlx::Error> {
        let changing = async {
            let mut transaction = self.pool().begin().await?;
            sqlx::query("UPDATE users SET password = $2 WHERE name = $1")
                .bind(user.to_owned())
                .bind(hash)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("DELETE FROM sessions WHERE user_name = $1 AND id <> $2")
                .bind(user.to_owned())
                .bind(keep.id())
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await
        };
        soon(changing).await?;
        self.rights_changed();
        Ok(())
    }
}

/// Sessions that live, and whose they are; after so long, and unused for so long, none does.
const LIVING: &str = "SELECT users.*, sessions.id AS session, sessions.seen AS seen \
    FROM sessions JOIN users ON users.name = sessions.user_name \
    WHERE sessions.created > $1 AND sessions.seen > $2 AND users.disabled = 0";

/// The name of the session's cookie. With https the prefix makes browsers insist on `Secure`, `Path=/` and this very host
/// (RFC 6265bis, 4.1.3.2).
pub fn cookie_name(config: &Config) -> &'static str {
    if is_secure(config) {
        "__Host-duologue_session"
    } else {
        "duologue_session"
    }
}

/// `Set-Cookie` that begins a session.
pub fn cookie(config: &Config, secret: &Secret) -> String {
    set(
        config,
        cookie_name(config),
        secret.reveal(),
        "Strict",
        AGE_MAX / 1000,
    )
}

/// `Set-Cookie` that ends one.
pub fn no_cookie(config: &Config) -> String {
    set(config, cookie_name(config), "", "Strict", 0)
}

/// A cookie that no script can read. `age`: seconds.
pub(super) fn set(config: &Config, name: &str, value: &str, same_site: &str, age: i64) -> String {
    let secure = if is_secure(config) { "; Secure" } else { "" };
    format!("{name}={value}; HttpOnly; SameSite={same_site}; Path=/; Max-Age={age}{secure}")
}

/// Whether browsers reach us through TLS.
pub(super) fn is_secure(config: &Config) -> bool {
    config.public.scheme() == "https"
}
