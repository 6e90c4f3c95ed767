//! Users in the database, and who may sign in as one.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::door::{Door, Origin};
use super::password::{Failed, Passwords};
use super::signed::KeyCell;
use super::user::{Role, User};
use super::watch::Watchers;
use crate::records::pool::{Pool, Transaction};
use crate::records::store::Store;
use crate::records::unix_ms;

/// A database that does not answer for so long is away.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Users that are listed.
const USERS_MAX: i64 = 10_000;

/// Users, their passwords and their sessions.
#[derive(Debug)]
pub struct Accounts {
    store: Arc<Store>,
    passwords: Passwords,
    pub(super) key: KeyCell,
    door: Arc<Door>,
    /// Told when rights may have changed.
    watchers: Arc<Watchers>,
}

/// Somebody who is not there yet. All of it has been checked.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub name: String,
    /// Its PHC string.
    pub password: Option<String>,
    /// Issuer and subject at the identity provider.
    pub subject: Option<String>,
    pub role: Role,
    pub worker: Option<String>,
    pub language: Option<String>,
}

/// What is to change about a user; `None` leaves it as it is. All of it has been checked.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub role: Option<Role>,
    pub worker: Option<Option<String>>,
    pub language: Option<Option<String>>,
    pub disabled: Option<bool>,
    /// As whom they come by single sign-on, in the form of [`super::sign_on::sign_on_of`]; the link there was is undone.
    pub sign_on: Option<Option<String>>,
    /// The PHC string of a new password.
    pub password: Option<String>,
}

/// Why a user was not added, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    #[error("There is no such user.")]
    Unknown,
    #[error("There is a user of that name already.")]
    Taken,
    #[error("This is the last admin; make another one first.")]
    LastAdmin,
    #[error("Somebody else comes by single sign-on as that already.")]
    SignOnTaken,
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
}

/// Why somebody could not sign in.
#[derive(Debug, thiserror::Error)]
pub enum NotSignedIn {
    #[error("The name or the password is wrong.")]
    Wrong,
    #[error("too many attempts")]
    Wait(Duration),
    #[error(transparent)]
    Password(#[from] Failed),
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
}

impl Accounts {
    /// The users of a database whose schema is up to date.
    pub fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            passwords: Passwords::default(),
            key: KeyCell::default(),
            door: Arc::default(),
            watchers: Arc::default(),
        }
    }

    pub(super) fn pool(&self) -> &Pool {
        self.store.pool()
    }

    /// Who watches at the desk by the rights that stand here.
    pub fn watchers(&self) -> &Arc<Watchers> {
        &self.watchers
    }

    /// Somebody's rights may have changed.
    pub(super) fn rights_changed(&self) {
        self.watchers.look();
    }

    /// The PHC string of a new password, for somebody who may set it: signed in, or at the command line.
    ///
    /// # Errors
    /// Too many passwords are being checked.
    pub async fn hash(&self, password: String) -> Result<String, Failed> {
        let turn = self.door.enter_signed_in().await.map_err(|_| Failed::Busy)?;
        self.passwords.hash(password, &turn).await
    }

    /// Whose name and password these are; the name is folded. Waits until it is their turn.
    ///
    /// # Errors
    /// They fit nobody who may sign in, the turn does not come soon enough, or the database is away.
    pub async fn check(&self, name: &str, password: String, origin: &Origin) -> Result<User, NotSignedIn> {
        let turn = self.door.enter(name, origin).await.map_err(NotSignedIn::Wait)?;
        let found = self.row(name).await?;
        let kept = found.as_ref().and_then(|(_, password)| password.clone());
        let fits = self.passwords.verify(password, kept, &turn).await?;
        let user = found.map(|(user, _)| user).filter(|user| fits && !user.disabled);
        // That we are of no use is no failure of theirs; but it stays counted, so that nobody can guess meanwhile.
        match &user {
            Some(_) => turn.was_right(),
            None => turn.was_wrong(),
        }
        user.ok_or(NotSignedIn::Wrong)
    }

    /// A user by their folded name.
    ///
    /// # Errors
    /// The database is away.
    pub async fn user(&self, name: &str) -> Result<Option<User>, sqlx::Error> {
        Ok(self.row(name).await?.map(|(user, _)| user))
    }

    /// A user, with the PHC string of the password.
    async fn row(&self, name: &str) -> Result<Option<(User, Option<String>)>, sqlx::Error> {
        let query = sqlx::query("SELECT * FROM users WHERE name = $1").bind(name.to_owned());
        let row = soon(query.fetch_optional(self.pool())).await?;
        row.map(|row| Ok((read(&row)?, row.try_get("password")?)))
            .transpose()
    }

    /// All users, by name.
    ///
    /// # Errors
    /// The database is away.
    pub async fn users(&self) -> Result<Vec<User>, sqlx::Error> {
        let query = sqlx::query("SELECT * FROM users ORDER BY name LIMIT $1").bind(USERS_MAX);
        let rows = soon(query.fetch_all(self.pool())).await?;
        rows.iter().map(read).collect()
    }

    /// Adds a user. Who comes with a subject has been named by the provider.
    ///
    /// # Errors
    /// The name or the subject is taken, or the database is away.
    pub async fn add(&self, new: NewUser) -> Result<User, NotDone> {
        self.add_for(new, None).await
    }

    /// Adds a user who comes by single sign-on as this, in the form of [`super::sign_on::sign_on_of`].
    ///
    /// # Errors
    /// The name, the subject or that is taken, or the database is away.
    pub async fn add_for(&self, new: NewUser, sign_on: Option<String>) -> Result<User, NotDone> {
        let insert = "INSERT INTO users (name, password, subject, role, worker, language, disabled, created, \
            sign_on, named_elsewhere) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)";
        let user = User {
            oidc: new.subject.is_some(),
            named_elsewhere: new.subject.is_some(),
            sign_on,
            name: new.name,
            role: new.role,
            worker: new.worker,
            language: new.language,
            disabled: false,
        };
        let query = sqlx::query(insert)
            .bind(user.name.clone())
            .bind(new.password)
            .bind(new.subject)
            .bind(user.role.name())
            .bind(user.worker.clone())
            .bind(user.language.clone())
            .bind(unix_ms())
            .bind(user.sign_on.clone())
            .bind(i64::from(user.named_elsewhere));
        match soon(query.execute(self.pool())).await {
            Ok(_) => Ok(user),
            // Both databases name what is unique: the column, or its index.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                let sign_on = error.message().contains("sign_on");
                Err(if sign_on {
                    NotDone::SignOnTaken
                } else {
                    NotDone::Taken
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a user. Who is disabled, gets a password from somebody else or another way in is signed out everywhere.
    ///
    /// # Errors
    /// There is no such user, nobody would be left to manage users, somebody else signs on as that, or the database is away.
    pub async fn change(&self, name: &str, change: Change) -> Result<User, NotDone> {
        let (name, ends) = (
            name.to_owned(),
            change.disabled == Some(true) || change.password.is_some() || change.sign_on.is_some(),
        );
        let changing = async {
            let mut transaction = self.pool().begin().await?;
            let (mut user, mut password, others) = admins_held(&mut transaction, &name).await?;
            let was = is_admin(&user);
            let by_hand = change
                .worker
                .as_ref()
                .is_some_and(|worker| *worker != user.worker);
            user.role = change.role.unwrap_or(user.role);
            user.disabled = change.disabled.unwrap_or(user.disabled);
            user.worker = change.worker.unwrap_or(user.worker);
            user.language = change.language.unwrap_or(user.language);
            password = change.password.or(password);
            if was && !is_admin(&user) && others == 0 {
                return Err(NotDone::LastAdmin);
            }
            let update = "UPDATE users SET role = $2, worker = $3, language = $4, disabled = $5, password = $6 \
                WHERE name = $1";
            sqlx::query(update)
                .bind(name.clone())
                .bind(user.role.name())
                .bind(user.worker.clone())
                .bind(user.language.clone())
                .bind(i64::from(user.disabled))
                .bind(password)
                .execute(&mut *transaction)
                .await?;
            if by_hand {
                sqlx::query("UPDATE users SET worker_claimed = 0 WHERE name = $1")
                    .bind(name.clone())
                    .execute(&mut *transaction)
                    .await?;
            }
            if let Some(sign_on) = change.sign_on {
                set_sign_on(&mut transaction, &mut user, sign_on).await?;
            }
            if ends {
                end_sessions(&mut transaction, &name).await?;
            }
            transaction.commit().await?;
            Ok(user)
        };
        let done = soon_done(changing).await;
        self.rights_changed();
        done
    }

    /// Removes a user, with their sessions and their own replies.
    ///
    /// # Errors
    /// There is no such user, nobody would be left to manage users, or the database is away.
    pub async fn remove(&self, name: &str) -> Result<(), NotDone> {
        let name = name.to_owned();
        let removing = async {
            let mut transaction = self.pool().begin().await?;
            let (user, _, others) = admins_held(&mut transaction, &name).await?;
            if is_admin(&user) && others == 0 {
                return Err(NotDone::LastAdmin);
            }
            end_sessions(&mut transaction, &name).await?;
            for text in [
                "DELETE FROM replies WHERE owner = $1",
                "DELETE FROM users WHERE name = $1",
            ] {
                sqlx::query(text)
                    .bind(name.clone())
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            Ok(())
        };
        let done = soon_done(removing).await;
        self.rights_changed();
        done
    }
}

/// A user with the password's PHC string, and how many enabled admins there are beside. Until the transaction ends nobody
/// else changes an admin: the update locks their rows in PostgreSQL, and the whole of SQLite against writers.
async fn admins_held(
    transaction: &mut Transaction,
    name: &str,
) -> Result<(User, Option<String>, i64), NotDone> {
    sqlx::query("UPDATE users SET role = role WHERE role = 'admin'")
        .execute(&mut **transaction)
        .await?;
    let row = sqlx::query("SELECT * FROM users WHERE name = $1")
        .bind(name.to_owned())
        .fetch_optional(&mut **transaction)
        .await?;
    let row = row.ok_or(NotDone::Unknown)?;
    let others = "SELECT COUNT(*) AS others FROM users WHERE role = 'admin' AND disabled = 0 AND name <> $1";
    let others = sqlx::query(others)
        .bind(name.to_owned())
        .fetch_one(&mut **transaction)
        .await?;
    let password = row.try_get("password").map_err(NotDone::Database)?;
    Ok((read(&row)?, password, others.try_get("others")?))
}

fn is_admin(user: &User) -> bool {
    user.role == Role::Admin && !user.disabled
}

async fn set_sign_on(
    transaction: &mut Transaction,
    user: &mut User,
    sign_on: Option<String>,
) -> Result<(), NotDone> {
    let update = sqlx::query("UPDATE users SET sign_on = $2, subject = NULL WHERE name = $1")
        .bind(user.name.clone())
        .bind(sign_on.clone());
    (user.sign_on, user.oidc) = (sign_on, false);
    match update.execute(&mut **transaction).await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Err(NotDone::SignOnTaken),
        Err(error) => Err(error.into()),
    }
}

async fn end_sessions(transaction: &mut Transaction, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM sessions WHERE user_name = $1")
        .bind(name.to_owned())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Waits for the database, but not for ever.
pub(super) async fn soon<T>(asking: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let answer = tokio::time::timeout(ANSWER_MAX, asking).await;
    answer.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

pub(super) async fn soon_done<T>(doing: impl Future<Output = Result<T, NotDone>>) -> Result<T, NotDone> {
    let done = tokio::time::timeout(ANSWER_MAX, doing).await;
    done.unwrap_or(Err(NotDone::Database(sqlx::Error::PoolTimedOut)))
}

/// A user's row. A role that we do not know may do least.
pub(super) fn read(row: &AnyRow) -> Result<User, sqlx::Error> {
    let role: String = row.try_get("role")?;
    let disabled: i64 = row.try_get("disabled")?;
    let subject: Option<String> = row.try_get("subject")?;
    let named_elsewhere: i64 = row.try_get("named_elsewhere")?;
    Ok(User {
        name: row.try_get("name")?,
        role: role.parse().unwrap_or(Role::Agent),
        worker: row.try_get("worker")?,
        language: row.try_get("language")?,
        disabled: disabled != 0,
        oidc: subject.is_some(),
        sign_on: row.try_get("sign_on")?,
        named_elsewhere: named_elsewhere != 0,
    })
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
