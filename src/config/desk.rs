//! Settings of the desk: whether there is one, and how people sign in.

use secrecy::SecretString;

use super::Mistake;
use super::oidc::Oidc;
use super::reader::Reader;

/// The agents' page.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Whether a name and a password are enough.
    pub passwords: bool,
    pub oidc: Option<Oidc>,
}

/// The database on its own, for commands that need nothing else.
///
/// # Errors
/// `DATABASE_URL` names no database that we know.
pub fn database_url(source: &dyn Fn(&str) -> Option<String>) -> Result<SecretString, Mistake> {
    let mut reader = Reader {
        source,
        mistakes: Vec::new(),
    };
    let url = reader.database();
    match (url, reader.mistakes.pop()) {
        (Some(url), None) => Ok(url),
        (_, mistake) => Err(mistake.unwrap_or(Mistake {
            name: "DATABASE_URL",
            what: "it cannot be used".into(),
        })),
    }
}

impl Reader<'_> {
    /// Where records and users are.
    pub(super) fn database(&mut self) -> Option<SecretString> {
        let url = self
            .value("DATABASE_URL")
            .unwrap_or_else(|| "sqlite:duologue.db".into());
        let known = ["sqlite:", "postgres://", "postgresql://"];
        if known.iter().any(|scheme| url.starts_with(scheme)) {
            return Some(SecretString::from(url));
        }
        self.mistake(
            "DATABASE_URL",
            "use sqlite:<file> or postgres://user:password@host/database",
        )
    }

    /// `Some(None)` if there is no desk.
    pub(super) fn desk(&mut self) -> Option<Option<Desk>> {
        let wanted = self.choice("DESK", &[("on", true), ("off", false)]);
        let passwords = self.choice("PASSWORD_SIGN_IN", &[("on", true), ("off", false)]);
        let oidc = self.oidc();
        let (wanted, passwords, oidc) = (wanted?, passwords?, oidc?);
        if wanted && !passwords && oidc.is_none() {
            return self.mistake(
                "PASSWORD_SIGN_IN",
                "without OIDC_ISSUER nobody could sign in; leave it on",
            );
        }
        Some(wanted.then_some(Desk { passwords, oidc }))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Option<Desk>, Vec<&'static str>> {
        let source = |name: &str| {
            let found = settings.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut reader = Reader {
            source: &source,
            mistakes: Vec::new(),
        };
        let desk = reader.desk();
        let names: Vec<_> = reader.mistakes.iter().map(|mistake| mistake.name).collect();
        desk.filter(|_| names.is_empty()).ok_or(names)
    }

    #[test]
    fn there_is_a_desk_with_passwords_unless_it_is_turned_off() {
        let desk = read(&[]).expect("no mistake").expect("a desk");
        assert!(desk.passwords && desk.oidc.is_none());
        assert!(read(&[("DESK", "off")]).expect("no mistake").is_none());
    }

    #[test]
    fn somebody_must_be_able_to_sign_in() {
        assert_eq!(read(&[("DESK", "yes")]).expect_err("a mistake"), ["DESK"]);
        for wrong in ["off", "perhaps"] {
            let nobody = read(&[("PASSWORD_SIGN_IN", wrong)]).expect_err("nobody could sign in");
            assert_eq!(nobody, ["PASSWORD_SIGN_IN"], "{wrong}");
        }
    }

    #[test]
    fn a_command_reads_the_database_alone() {
        let url = database_url(&|_| None).expect("the default");
        assert_eq!(url.expose_secret(), "sqlite:duologue.db");
        let wrong = database_url(&|_| Some("mysql://x".into())).expect_err("no such database");
        assert_eq!(wrong.name, "DATABASE_URL");
    }
}
