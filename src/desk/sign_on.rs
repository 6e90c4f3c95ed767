//! Which user somebody is who comes by single sign-on, and what the provider decides about them.
//!
//! 1. whom an administrator lets come as this verified address or this subject, and who has not come yet;
//! 2. else the user that this subject has come as before;
//! 3. else somebody new. Their name is the provider's word and gives no right: they have no worker and so no calls until
//!    an administrator names one, or the claim that an administrator has chosen.
//!
//! That an address or a name looks like a user's makes nobody that user.

use sha2::{Digest as _, Sha256};

use super::accounts::{Accounts, Change, NewUser, NotDone, soon, soon_done};
use super::claims::Person;
use super::id_token::is_subject;
use super::secret::hex;
use super::user::{Role, User, name_of};
use crate::address::Address;

/// What names begin with that we make up.
const MADE_UP: &str = "sso-";

/// What subjects begin with in what an administrator writes, if they could be taken for addresses.
const SUBJECT: &str = "sub:";

/// As whom a user comes by single sign-on, in the form in which it is kept: a verified address, or `sub:` and a subject.
///
/// # Errors
/// It is neither.
pub fn sign_on_of(text: Option<&str>) -> Result<Option<String>, String> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let subject = text.strip_prefix(SUBJECT);
    let kept = match subject {
        None if text.contains('@') => Address::read(text).map(|address| address.to_string()),
        subject => Some(subject.unwrap_or(text))
            .filter(|subject| is_subject(subject))
            .map(|subject| format!("{SUBJECT}{subject}")),
    };
    kept.map(Some)
        .ok_or_else(|| "Use an e-mail address, or sub: and the subject at the identity provider.".to_owned())
}

impl Accounts {
    /// The user who has come, as they are now: role and worker follow the claims where there are any. Who is disabled is
    /// left as they are.
    ///
    /// # Errors
    /// No name is left, or the database is away.
    pub async fn arrive(&self, issuer: &str, person: &Person) -> Result<User, NotDone> {
        let subject = format!("{issuer}|{}", person.subject);
        let user = match self.expected(&subject, person).await? {
            Some(user) => user,
            None => match self.of_subject(&subject).await? {
                Some(user) => user,
                None => self.newcomer(&subject, person).await?,
            },
        };
        if user.disabled {
            return Ok(user);
        }
        self.follow(user, person).await
    }

    /// Who signs in with this issuer and subject.
    ///
    /// # Errors
    /// The database is away.
    pub async fn of_subject(&self, subject: &str) -> Result<Option<User>, sqlx::Error> {
        let query = sqlx::query("SELECT * FROM users WHERE subject = $1").bind(subject.to_owned());
        let row = soon(query.fetch_optional(self.pool())).await?;
        row.as_ref().map(super::accounts::read).transpose()
    }

    /// Whom an administrator lets come as this person and who has not come yet. If they had come as somebody new before,
    /// that user stays, without a way in.
    async fn expected(&self, subject: &str, person: &Person) -> Result<Option<User>, NotDone> {
        let by_subject = format!("{SUBJECT}{}", person.subject);
        let by_address = person.email.verified().map(Address::as_str).unwrap_or_default();
        let text = "SELECT name FROM users WHERE subject IS NULL AND sign_on IN ($1, $2) \
            ORDER BY CASE WHEN sign_on = $3 THEN 0 ELSE 1 END LIMIT 1";
        let query = sqlx::query_scalar(text)
            .bind(by_subject.clone())
            .bind(by_address.to_owned())
            .bind(by_subject);
        let Some(name): Option<String> = soon(query.fetch_optional(self.pool())).await? else {
            return Ok(None);
        };
        let linking = async {
            let mut transaction = self.pool().begin().await?;
            for text in [
                "DELETE FROM sessions WHERE user_name IN (SELECT name FROM users WHERE subject = $1)",
                "UPDATE users SET subject = NULL WHERE subject = $1",
            ] {
                let query = sqlx::query(text).bind(subject.to_owned());
                query.execute(&mut *transaction).await?;
            }
            let text = "UPDATE users SET subject = $2 WHERE name = $1 AND subject IS NULL";
            let query = sqlx::query(text).bind(name.clone()).bind(subject.to_owned());
            query.execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(())
        };
        soon_done(linking).await?;
        tracing::info!(user = %name, "comes by single sign-on from now on, as an administrator has said");
        Ok(self.of_subject(subject).await?)
    }

    /// Somebody new, by the best name that is left.
    async fn newcomer(&self, subject: &str, person: &Person) -> Result<User, NotDone> {
        let verified = person.email.verified().map(Address::as_str);
        // What nobody has verified must not look like an address that somebody has.
        let preferred = person
            .preferred_name
            .as_deref()
            .map(|name| match name.split_once('@') {
                Some((local, _)) => local,
                None => name,
            });
        let preferred = preferred.and_then(|name| name_of(name).ok());
        let digest = hex(&Sha256::digest(subject.as_bytes()));
        let names = [
            verified.and_then(|name| name_of(name).ok()),
            preferred.filter(|name| !name.starts_with(MADE_UP)),
            Some(format!("{MADE_UP}{}", &digest[..16])),
        ];
        for name in names.into_iter().flatten() {
            let new = NewUser {
                name,
                password: None,
                subject: Some(subject.to_owned()),
                role: person.role.unwrap_or(Role::Agent),
                worker: None,
                language: None,
            };
            match self.add(new).await {
                Err(NotDone::Taken) => {}
                Ok(user) => {
                    tracing::info!(user = %user.name, role = %user.role, subject = ?person.subject,
                        "a user has come by single sign-on");
                    return Ok(user);
                }
                Err(error) => return Err(error),
            }
        }
        // The same person in two windows at once: the other one was faster.
        self.of_subject(subject).await?.ok_or(NotDone::Taken)
    }

    /// Role and worker as the claims say, where the settings name claims for them.
    async fn follow(&self, mut user: User, person: &Person) -> Result<User, NotDone> {
        if let Some(role) = person.role.filter(|role| *role != user.role) {
            let change = Change {
                role: Some(role),
                ..Change::default()
            };
            match self.change(&user.name, change).await {
                Ok(changed) => {
                    tracing::info!(user = %user.name, from = %user.role, to = %role, "a role has followed its claim");
                    user = changed;
                }
                // Somebody must be able to manage users; at their next sign-in they follow.
                Err(NotDone::LastAdmin) => tracing::warn!(user = %user.name, claimed = %role,
                    "the last admin stays admin, though the provider says otherwise"),
                Err(error) => return Err(error),
            }
        }
        if let Some(worker) = &person.worker {
            let (name, pool) = (user.name.clone(), self.pool());
            let query = match worker {
                Some(worker) => {
                    sqlx::query("UPDATE users SET worker = $2, worker_claimed = 1 WHERE name = $1")
                        .bind(name)
                        .bind(worker.clone())
                }
                // What an administrator has named stays.
                None => {
                    let text = "UPDATE users SET worker = NULL, worker_claimed = 0 WHERE name = $1 AND worker_claimed = 1";
                    sqlx::query(text).bind(name)
                }
            };
            soon(query.execute(pool)).await?;
            user = self.user(&user.name).await?.ok_or(NotDone::Unknown)?;
        }
        Ok(user)
    }

    /// Notes that a sign-in has ended well; `false` if it had before. `now` and `expires`: milliseconds since 1970. What
    /// has expired is forgotten.
    ///
    /// # Errors
    /// The database is away.
    pub async fn redeem(&self, state: &str, now: i64, expires: i64) -> Result<bool, sqlx::Error> {
        let forget = sqlx::query("DELETE FROM sign_ins WHERE expires <= $1").bind(now);
        soon(forget.execute(self.pool())).await?;
        let note = "INSERT INTO sign_ins (id, expires) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
        let note = sqlx::query(note)
            .bind(hex(&Sha256::digest(state.as_bytes())))
            .bind(expires);
        Ok(soon(note.execute(self.pool())).await?.rows_affected() == 1)
    }
}

#[cfg(test)]
#[path = "sign_on_tests.rs"]
mod tests;
