//! Settings of the desk: whether there is one, and how people sign in.

use secrecy::SecretString;
use url::{Host, Url};

use super::Mistake;
use super::reader::Reader;

/// Domains of e-mail addresses that may sign in.
const DOMAINS_MAX: usize = 100;

/// The agents' page.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Whether a name and a password are enough.
    pub passwords: bool,
    pub oidc: Option<Oidc>,
}

/// Single sign-on by OpenID Connect.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// As the provider writes it, to the letter.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: SecretString,
    /// What stands on the button.
    pub name: String,
    /// The claim of the ID token that names the role of somebody new.
    pub role_claim: String,
    /// Domains of verified e-mail addresses, lower case; empty: everybody whom the provider lets in.
    pub domains: Vec<String>,
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

    /// `Some(None)` if there is no single sign-on.
    fn oidc(&mut self) -> Option<Option<Oidc>> {
        let name = self.value("OIDC_NAME").unwrap_or_else(|| "Single sign-on".into());
        let role_claim = self
            .value("OIDC_ROLE_CLAIM")
            .unwrap_or_else(|| "duologue_role".into());
        let domains = self.domains();
        let Some(issuer) = self.value("OIDC_ISSUER") else {
            for other in ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ALLOWED_DOMAINS"] {
                if self.value(other).is_some() {
                    return self.mistake("OIDC_ISSUER", format!("set it too, or leave {other} out"));
                }
            }
            return domains.map(|_| None);
        };
        let issuer = self.issuer(issuer);
        let client_id = self.required("OIDC_CLIENT_ID", "the client's id at the identity provider");
        let client_secret = self.required(
            "OIDC_CLIENT_SECRET",
            "the client's secret at the identity provider",
        );
        Some(Some(Oidc {
            issuer: issuer?,
            client_id: client_id?,
            client_secret: client_secret?.into(),
            name,
            role_claim,
            domains: domains?,
        }))
    }

    fn issuer(&mut self, text: String) -> Option<String> {
        let url = self.url("OIDC_ISSUER", &text)?;
        if !is_safe(&url) {
            return self.mistake("OIDC_ISSUER", "http:// is for loopback only; use https://");
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return self.mistake("OIDC_ISSUER", "it may have no query, no fragment and no user");
        }
        Some(text)
    }

    fn domains(&mut self) -> Option<Vec<String>> {
        let text = self.value("OIDC_ALLOWED_DOMAINS").unwrap_or_default();
        let mut domains = Vec::new();
        for domain in text.split(',').map(str::trim).filter(|domain| !domain.is_empty()) {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
            if !domain.contains('.') || !domain.chars().all(plain) || domains.len() == DOMAINS_MAX {
                return self.mistake(
                    "OIDC_ALLOWED_DOMAINS",
                    "it should be domains such as example.com, with commas",
                );
            }
            domains.push(domain.to_ascii_lowercase());
        }
        Some(domains)
    }
}

/// Whether a secret may be sent there: through TLS, or without leaving this machine.
pub fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
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

    const PROVIDER: [(&str, &str); 3] = [
        ("OIDC_ISSUER", "https://id.example.com/realms/talk"),
        ("OIDC_CLIENT_ID", "desk"),
        ("OIDC_CLIENT_SECRET", "very secret"),
    ];

    fn with(more: &[(&'static str, &'static str)]) -> Result<Option<Desk>, Vec<&'static str>> {
        let mut all = more.to_vec();
        all.extend(PROVIDER);
        read(&all)
    }

    #[test]
    fn there_is_a_desk_with_passwords_unless_it_is_turned_off() {
        let desk = read(&[]).expect("no mistake").expect("a desk");
        assert!(desk.passwords && desk.oidc.is_none());
        assert!(read(&[("DESK", "off")]).expect("no mistake").is_none());
    }

    #[test]
    fn single_sign_on_needs_a_provider_and_a_client() {
        let desk = with(&[
            ("OIDC_ALLOWED_DOMAINS", "Example.com, other.example"),
            ("PASSWORD_SIGN_IN", "off"),
        ]);
        let desk = desk.expect("no mistake").expect("a desk");
        let oidc = desk.oidc.clone().expect("single sign-on");
        assert!(!desk.passwords);
        assert_eq!(oidc.domains, ["example.com", "other.example"]);
        assert_eq!(
            (oidc.name.as_str(), oidc.role_claim.as_str()),
            ("Single sign-on", "duologue_role")
        );
        assert_eq!(oidc.client_secret.expose_secret(), "very secret");
        assert!(!format!("{desk:?}").contains("very secret"));
        let missing = read(&PROVIDER[..1]).expect_err("no client");
        assert_eq!(missing, ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"]);
    }

    #[test]
    fn every_mistake_of_the_desk_is_named() {
        for (name, wrong) in [
            ("DESK", "yes"),
            ("PASSWORD_SIGN_IN", "perhaps"),
            ("OIDC_ISSUER", "id.example.com"),
            ("OIDC_ISSUER", "http://id.example.com"),
            ("OIDC_ISSUER", "https://id.example.com/?x=1"),
            ("OIDC_ALLOWED_DOMAINS", "example"),
            ("OIDC_ALLOWED_DOMAINS", "a@example.com"),
        ] {
            assert_eq!(with(&[(name, wrong)]).expect_err("a mistake"), [name], "{wrong}");
        }
        let nobody = read(&[("PASSWORD_SIGN_IN", "off")]).expect_err("nobody could sign in");
        assert_eq!(nobody, ["PASSWORD_SIGN_IN"]);
        assert_eq!(read(&PROVIDER[1..]).expect_err("no issuer"), ["OIDC_ISSUER"]);
    }

    #[test]
    fn a_command_reads_the_database_alone() {
        let url = database_url(&|_| None).expect("the default");
        assert_eq!(url.expose_secret(), "sqlite:duologue.db");
        let wrong = database_url(&|_| Some("mysql://x".into())).expect_err("no such database");
        assert_eq!(wrong.name, "DATABASE_URL");
    }
}
