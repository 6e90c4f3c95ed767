//! Users whose names were written before names had one form, or by another program: each gets a name of its own in that
//! form, so that nobody loses access; and what an admin should know of names that have become one is told.

use std::collections::BTreeMap;

use super::accounts::{Accounts, read, soon};
use super::user::User;
use crate::name::fold;

impl Accounts {
    /// Brings users' names into their folded form. Sentences for the log: which user is called otherwise from now on, and
    /// whose worker is another's too.
    ///
    /// # Errors
    /// The database is away.
    pub async fn settle_names(&self) -> Result<Vec<String>, sqlx::Error> {
        let mut told = Vec::new();
        let rows =
            soon(sqlx::query("SELECT * FROM users ORDER BY created, name").fetch_all(self.pool())).await?;
        let mut users: Vec<User> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let mut taken: Vec<String> = users.iter().map(|user| user.name.clone()).collect();
        for user in users.iter_mut().filter(|user| fold(&user.name) != user.name) {
            let plain = fold(&user.name);
            let others = (2..).map(|number| format!("{plain}-{number}"));
            let mut names = std::iter::once(plain.clone()).chain(others);
            let Some(name) = names.find(|name| !taken.contains(name)) else {
                continue;
            };
            self.rename(&user.name, &name).await?;
            let why = if name == plain {
                String::new()
            } else {
                format!(
                    ", since another user is called {plain:?} already; whichever is not needed may be removed"
                )
            };
            told.push(format!(
                "the user {:?} is called {name:?} from now on{why}",
                user.name
            ));
            taken.push(name.clone());
            user.name = name;
        }
        told.extend(shared_workers(&users));
        Ok(told)
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), sqlx::Error> {
        let renaming = async {
            let mut transaction = self.pool().begin().await?;
            for text in [
                "UPDATE users SET name = $2 WHERE name = $1",
                "UPDATE sessions SET user_name = $2 WHERE user_name = $1",
                "UPDATE replies SET owner = $2 WHERE owner = $1",
            ] {
                sqlx::query(text)
                    .bind(from.to_owned())
                    .bind(to.to_owned())
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        };
        soon(renaming).await
    }
}

fn shared_workers(users: &[User]) -> Vec<String> {
    let mut workers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for user in users.iter().filter(|user| !user.disabled) {
        if let Some(worker) = user.worker() {
            workers.entry(fold(worker)).or_default().push(&user.name);
        }
    }
    let shared = workers.into_iter().filter(|(_, users)| users.len() > 1);
    let told = |(worker, mut users): (String, Vec<&str>)| {
        users.sort_unstable();
        let users = users.join(", ");
        format!("the worker {worker:?} is that of several users, each of whom sees the calls of all: {users}")
    };
    shared.map(told).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::secret::Secret;
    use super::*;
    use crate::records::store::Store;

    #[tokio::test]
    async fn names_that_become_one_are_told_and_nobody_is_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("users.db").display());
        let store = Store::new(&url, 1).expect("a database");
        store.prepare().await.expect("a schema");
        let accounts = Accounts::new(Arc::new(store));
        for (name, worker) in [
            ("ada", None),
            ("Ada", None),
            ("RENÉE", Some("Ben@Flex")),
            ("ben", Some("ben@flex")),
        ] {
            let insert = "INSERT INTO users (name, role, worker, created) VALUES ($1, 'agent', $2, 0)";
            let insert = sqlx::query(insert).bind(name).bind(worker);
            insert.execute(accounts.pool()).await.expect("a row");
        }
        let session = Secret::random().expect("random");
        accounts.open("RENÉE", &session, 1_000).await.expect("opened");
        let told = accounts.settle_names().await.expect("settled");
        let users = accounts.users().await.expect("users");
        let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told.iter()
                .any(|line| line.contains("\"RENÉE\" is called \"renée\" from now on")),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|line| line.contains("-2\" from now on, since another")),
            "{told:?}"
        );
        assert!(
            told[2].contains("\"ben@flex\" is that of several users") && told[2].ends_with("ben, renée"),
            "{told:?}"
        );
        assert!(
            names.contains(&"ada") && names.contains(&"ada-2") && names.contains(&"renée"),
            "{names:?}"
        );
        let user = accounts
            .session(&session, 1_001)
            .await
            .expect("read")
            .expect("still signed in");
        assert_eq!(user.name, "renée");
        assert_eq!(
            accounts.settle_names().await.expect("settled").len(),
            1,
            "only the worker is told again"
        );
    }
}
