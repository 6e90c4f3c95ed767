//! `duologue user`: users of the desk, from the command line. So the first admin is made.

use std::io::{BufRead, BufReader, IsTerminal as _, Read as _, Write};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};

use crate::desk::accounts::{Accounts, Change, NewUser, NotDone};
use crate::desk::password;
use crate::desk::secret::Secret;
use crate::desk::sign_on::sign_on_of;
use crate::desk::user::{Role, language_of, name_of, worker_of};
use crate::records::store::Store;

/// Bytes of a line with a password; a character has up to four.
const LINE_MAX: u64 = 1024;

/// Characters of a password that we make: 120 bits.
const GENERATED: usize = 20;

/// What can be done about users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user, and ask for a password
    Add {
        /// 1 to 64 letters of any script, digits or any of . _ - @
        name: String,
        /// agent, supervisor or admin
        #[arg(long, default_value = "agent")]
        role: Role,
        /// How the task queue or the softphone calls this agent, if otherwise than by name
        #[arg(long)]
        worker: Option<String>,
        /// The language that they prefer, such as es-US
        #[arg(long)]
        language: Option<String>,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Give a user a new password; their sessions end
    Password {
        name: String,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Let a user come by single sign-on as somebody; a link there was is undone, and their sessions end
    Link {
        name: String,
        /// An e-mail address that the identity provider has verified, or sub: and the subject there
        sign_on: String,
    },
    /// Let a user no longer come by single sign-on; their sessions end
    Unlink { name: String },
    /// List all users
    List,
    /// Disable a user; their sessions end
    Disable { name: String },
    /// Remove a user, with their sessions and their own replies
    Remove { name: String },
}

/// Where a password comes from; by default somebody types it.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct PasswordFrom {
    /// Read it from the first line of standard input, without a question
    #[arg(long)]
    password_stdin: bool,
    /// Make one, and print it once
    #[arg(long, conflicts_with = "password_stdin")]
    generate: bool,
}

/// Does it, in the database of this URL, whose schema is brought up to date first.
///
/// # Errors
/// The database cannot be used, or what is asked for is no good.
pub async fn run(url: &SecretString, command: UserCommand) -> anyhow::Result<()> {
    let store = Store::new(url.expose_secret(), 1).context("DATABASE_URL cannot be used")?;
    store.prepare().await.context("the database cannot be used")?;
    let accounts = Accounts::new(Arc::new(store));
    let stdin = std::io::stdin();
    let shown = stdin.is_terminal();
    let mut input = BufReader::new(stdin);
    run_with(&accounts, command, &mut input, &mut std::io::stdout(), shown).await
}

/// The same with another input and output. `shown`: what is typed can be read on the screen.
async fn run_with(
    accounts: &Accounts,
    command: UserCommand,
    input: &mut (dyn BufRead + Send),
    output: &mut (dyn Write + Send),
    shown: bool,
) -> anyhow::Result<()> {
    match command {
        UserCommand::Add {
            name,
            role,
            worker,
            language,
            password,
        } => {
            let name = name_of(&name).map_err(anyhow::Error::msg)?;
            let worker = worker_of(worker.as_deref()).map_err(anyhow::Error::msg)?;
            let language = language_of(language.as_deref()).map_err(anyhow::Error::msg)?;
            if accounts.user(&name).await?.is_some() {
                bail!(NotDone::Taken);
            }
            let password = obtain(password, input, output, shown)?;
            let new = NewUser {
                name,
                password: Some(accounts.hash(password).await?),
                subject: None,
                role,
                worker,
                language,
            };
            let user = accounts.add(new).await?;
            writeln!(output, "{} has been added as {}.", user.name, user.role)?;
        }
        UserCommand::Password { name, password } => {
            let name = existing(accounts, &name).await?;
            let password = obtain(password, input, output, shown)?;
            let change = Change {
                password: Some(accounts.hash(password).await?),
                ..Change::default()
            };
            accounts.change(&name, change).await?;
            writeln!(output, "{name} has a new password.")?;
        }
        UserCommand::Link { name, sign_on } => {
            let sign_on = sign_on_of(Some(&sign_on)).map_err(anyhow::Error::msg)?;
            let sign_on = sign_on.context("As whom do they come?")?;
            link(accounts, &name, Some(sign_on), output).await?;
        }
        UserCommand::Unlink { name } => link(accounts, &name, None, output).await?,
        UserCommand::List => list(accounts, output).await?,
        UserCommand::Disable { name } => {
            let name = existing(accounts, &name).await?;
            let change = Change {
                disabled: Some(true),
                ..Change::default()
            };
            accounts.change(&name, change).await?;
            writeln!(output, "{name} has been disabled.")?;
        }
        UserCommand::Remove { name } => {
            let name = existing(accounts, &name).await?;
            accounts.remove(&name).await?;
            writeln!(output, "{name} has been removed.")?;
        }
    }
    Ok(())
}

async fn link(
    accounts: &Accounts,
    name: &str,
    sign_on: Option<String>,
    output: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let name = existing(accounts, name).await?;
    let change = Change {
        sign_on: Some(sign_on),
        ..Change::default()
    };
    let user = accounts.change(&name, change).await?;
    match user.sign_on {
        Some(sign_on) => writeln!(output, "{name} comes by single sign-on as {sign_on}.")?,
        None => writeln!(output, "{name} does not come by single sign-on any more.")?,
    }
    Ok(())
}

async fn existing(accounts: &Accounts, name: &str) -> anyhow::Result<String> {
    let name = name_of(name).map_err(anyhow::Error::msg)?;
    match accounts.user(&name).await? {
        Some(_) => Ok(name),
        None => bail!(NotDone::Unknown),
    }
}

async fn list(accounts: &Accounts, output: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let users = accounts.users().await?;
    if users.is_empty() {
        writeln!(
            output,
            "There is no user yet; add one: duologue user add <name> --role admin"
        )?;
    }
    for user in users {
        let mut line = format!("{}\t{}", user.name, user.role);
        let worker = user.worker.map(|worker| format!("worker {worker}"));
        let single = match user.sign_on {
            Some(sign_on) => Some(format!("single sign-on as {sign_on}")),
            None => user.oidc.then(|| "single sign-on".to_owned()),
        };
        let disabled = user.disabled.then(|| "disabled".to_owned());
        for more in [worker, user.language, single, disabled].into_iter().flatten() {
            line.push('\t');
            line.push_str(&more);
        }
        writeln!(output, "{line}")?;
    }
    Ok(())
}

fn obtain(
    from: PasswordFrom,
    input: &mut (dyn BufRead + Send),
    output: &mut (dyn Write + Send),
    shown: bool,
) -> anyhow::Result<String> {
    if from.generate {
        let secret = Secret::random()?;
        let password = secret.reveal()[..GENERATED].to_owned();
        writeln!(output, "The password is {password}")?;
        return Ok(password);
    }
    if !from.password_stdin {
        let warning = if shown {
            " (it can be read on the screen while you type)"
        } else {
            ""
        };
        write!(output, "Password{warning}: ")?;
        output.flush()?;
    }
    let mut line = String::new();
    input.take(LINE_MAX).read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    password::check(password).map_err(anyhow::Error::msg)?;
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::door::Origin;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: UserCommand,
    }

    async fn accounts(folder: &tempfile::TempDir) -> Accounts {
        let url = format!("sqlite:{}", folder.path().join("users.db").display());
        let store = Store::new(&url, 1).expect("a database");
        store.prepare().await.expect("a schema");
        Accounts::new(Arc::new(store))
    }

    async fn tell(accounts: &Accounts, words: &str, typed: &str) -> Result<String, String> {
        let words = format!("user {words}");
        let line = Line::try_parse_from(words.split(' ')).map_err(|error| error.to_string())?;
        let mut output = Vec::new();
        let mut input = typed.as_bytes();
        run_with(accounts, line.command, &mut input, &mut output, false)
            .await
            .map_err(|error| format!("{error:#}"))?;
        Ok(String::from_utf8(output).expect("text"))
    }

    #[tokio::test]
    async fn users_are_added_listed_disabled_and_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let accounts = accounts(&folder).await;
        let said = tell(&accounts, "list", "").await.expect("a list");
        assert!(said.contains("no user yet"), "{said}");
        let said = tell(&accounts, "add Ada --role admin", "correct horse\n").await;
        assert_eq!(said.as_deref(), Ok("Password: ada has been added as admin.\n"));
        let words = "add ben --worker ben@flex --language spanish --password-stdin";
        tell(&accounts, words, "battery staple\r\n").await.expect("added");
        let found = accounts
            .check("ben", "battery staple".into(), &Origin::Address(None))
            .await;
        assert_eq!(found.expect("signed in").language.as_deref(), Some("es-US"));
        let taken = tell(&accounts, "add ADA", "correct horse").await;
        assert_eq!(taken, Err(NotDone::Taken.to_string()));
        tell(&accounts, "disable ben", "").await.expect("disabled");
        let said = tell(&accounts, "list", "").await.expect("a list");
        assert_eq!(said, "ada\tadmin\nben\tagent\tworker ben@flex\tes-US\tdisabled\n");
        for last in ["disable ada", "remove ada"] {
            let refused = tell(&accounts, last, "").await;
            assert_eq!(refused, Err(NotDone::LastAdmin.to_string()), "{last}");
        }
        tell(&accounts, "remove ben", "").await.expect("removed");
        assert_eq!(
            tell(&accounts, "remove ben", "").await,
            Err(NotDone::Unknown.to_string())
        );
    }

    #[tokio::test]
    async fn a_user_is_let_come_by_single_sign_on_and_no_longer() {
        let folder = tempfile::tempdir().expect("a folder");
        let accounts = accounts(&folder).await;
        for name in ["ada", "ben"] {
            let words = format!("add {name} --role admin");
            tell(&accounts, &words, "correct horse\n").await.expect("added");
        }
        let said = tell(&accounts, "link Ada Ada@Corp.example", "").await;
        assert_eq!(
            said.as_deref(),
            Ok("ada comes by single sign-on as ada@corp.example.\n")
        );
        let taken = tell(&accounts, "link ben ada@corp.example", "").await;
        assert_eq!(taken, Err(NotDone::SignOnTaken.to_string()));
        tell(&accounts, "link ben 00u1", "").await.expect("linked");
        let said = tell(&accounts, "list", "").await.expect("a list");
        assert!(
            said.contains("ada\tadmin\tsingle sign-on as ada@corp.example\n"),
            "{said}"
        );
        assert!(
            said.contains("ben\tadmin\tsingle sign-on as sub:00u1\n"),
            "{said}"
        );
        assert!(tell(&accounts, "link ada a@b@c.example", "").await.is_err());
        assert!(tell(&accounts, "link nobody a@b.example", "").await.is_err());
        tell(&accounts, "unlink ada", "").await.expect("unlinked");
        let said = tell(&accounts, "list", "").await.expect("a list");
        assert!(said.contains("ada\tadmin\n"), "{said}");
    }

    #[tokio::test]
    async fn a_password_is_typed_piped_or_made_and_never_too_short() {
        let folder = tempfile::tempdir().expect("a folder");
        let accounts = accounts(&folder).await;
        let said = tell(&accounts, "add ada --generate", "").await.expect("added");
        let made = said.split_whitespace().nth(3).expect("a password").to_owned();
        assert_eq!(made.len(), GENERATED);
        assert!(
            accounts
                .check("ada", made.clone(), &Origin::Address(None))
                .await
                .is_ok()
        );
        assert!(tell(&accounts, "password ada", "too short\n").await.is_err());
        assert!(
            tell(&accounts, "password nobody", "correct horse\n")
                .await
                .is_err()
        );
        assert!(
            tell(&accounts, "add ben --role root", "correct horse\n")
                .await
                .is_err()
        );
        tell(&accounts, "password ada", "correct horse\n")
            .await
            .expect("changed");
        assert!(
            accounts
                .check("ada", "correct horse".into(), &Origin::Address(None))
                .await
                .is_ok()
        );
        assert!(accounts.check("ada", made, &Origin::Address(None)).await.is_err());
    }
}
