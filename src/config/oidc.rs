//! Settings of single sign-on by OpenID Connect.

use secrecy::SecretString;
use url::{Host, Url};

use super::reader::Reader;
use crate::address;
use crate::desk::user::Role;

/// Domains of e-mail addresses that may sign in, and values of the role's claim.
const DOMAINS_MAX: usize = 100;
const ROLES_MAX: usize = 100;

/// Standard claims that people write themselves at many providers (OpenID Connect Core 1.0, 5.1): no right hangs on them.
const OWN_WORDS: [&str; 13] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "address",
];

/// Single sign-on by OpenID Connect.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// As the provider writes it, to the letter.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: SecretString,
    /// What stands on the button.
    pub name: String,
    /// What the provider is asked for, with spaces.
    pub scopes: String,
    /// The path of the claim that every sign-in takes the role from; `None`: roles are given at the desk.
    pub role_claim: Option<String>,
    /// Which value of it is which role; empty: the values are the roles' own names.
    pub roles: Vec<(String, Role)>,
    /// The path of the claim that every sign-in takes the worker from; `None`: workers are named at the desk.
    pub worker_claim: Option<String>,
    /// Whether addresses count as verified of which the provider does not say whether they are.
    pub trust_email: bool,
    /// Domains of verified e-mail addresses, in their one form; empty: everybody whom the provider lets in.
    pub domains: Vec<String>,
}

impl Reader<'_> {
    /// `Some(None)` if there is no single sign-on.
    pub(super) fn oidc(&mut self) -> Option<Option<Oidc>> {
        let name = self.value("OIDC_NAME").unwrap_or_else(|| "Single sign-on".into());
        let scopes = self.scopes();
        let role_claim = self.claim("OIDC_ROLE_CLAIM");
        let roles = self.roles();
        let worker_claim = self.claim("OIDC_WORKER_CLAIM");
        let trust_email = self.choice("OIDC_TRUST_EMAIL", &[("off", false), ("on", true)]);
        let domains = self.domains();
        let Some(issuer) = self.value("OIDC_ISSUER") else {
            for other in [
                "OIDC_CLIENT_ID",
                "OIDC_CLIENT_SECRET",
                "OIDC_ALLOWED_DOMAINS",
                "OIDC_ROLES",
                "OIDC_WORKER_CLAIM",
            ] {
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
            scopes: scopes?,
            role_claim: role_claim?,
            roles: roles?,
            worker_claim: worker_claim?,
            trust_email: trust_email?,
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
        // Their tokens have one issuer for each tenant, and anybody can have a tenant.
        let first = url.path_segments().and_then(|mut segments| segments.next());
        let many = ["common", "organizations", "consumers"]
            .map(Some)
            .contains(&first);
        if url.host_str() == Some("login.microsoftonline.com") && many {
            return self.mistake(
                "OIDC_ISSUER",
                "use that of your own tenant: https://login.microsoftonline.com/<tenant's id>/v2.0",
            );
        }
        Some(text)
    }

    fn scopes(&mut self) -> Option<String> {
        let text = self.value("OIDC_SCOPES");
        let text = text.unwrap_or_else(|| "openid email profile".into());
        let scopes: Vec<_> = text.split_whitespace().collect();
        if !scopes.contains(&"openid") {
            return self.mistake("OIDC_SCOPES", "one of them must be openid");
        }
        Some(scopes.join(" "))
    }

    fn claim(&mut self, name: &'static str) -> Option<Option<String>> {
        let claim = self.value(name);
        let own = |claim: &str| {
            OWN_WORDS.contains(&claim) || (name == "OIDC_ROLE_CLAIM" && claim == "preferred_username")
        };
        if claim.as_deref().is_some_and(own) {
            return self.mistake(
                name,
                "at many providers people write that claim themselves; use another",
            );
        }
        Some(claim)
    }

    fn roles(&mut self) -> Option<Vec<(String, Role)>> {
        let text = self.value("OIDC_ROLES").unwrap_or_default();
        let mut roles: Vec<(String, Role)> = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let read = pair.rsplit_once('=').and_then(|(value, role)| {
                let role = role.trim().parse().ok()?;
                Some((value.trim().to_owned(), role))
            });
            let twice = |value: &str| roles.iter().any(|(known, _)| known == value);
            match read {
                Some((value, role)) if !value.is_empty() && !twice(&value) && roles.len() < ROLES_MAX => {
                    roles.push((value, role));
                }
                _ => {
                    return self.mistake(
                        "OIDC_ROLES",
                        "it should be values and roles such as desk-leads=supervisor, with commas",
                    );
                }
            }
        }
        if !roles.is_empty() && self.value("OIDC_ROLE_CLAIM").is_none() {
            return self.mistake(
                "OIDC_ROLES",
                "set OIDC_ROLE_CLAIM to the claim that has these values",
            );
        }
        Some(roles)
    }

    fn domains(&mut self) -> Option<Vec<String>> {
        let text = self.value("OIDC_ALLOWED_DOMAINS").unwrap_or_default();
        let mut domains = Vec::new();
        for domain in text.split(',').map(str::trim).filter(|domain| !domain.is_empty()) {
            match address::domain(domain) {
                Some(domain) if domains.len() < DOMAINS_MAX => domains.push(domain),
                _ => {
                    return self.mistake(
                        "OIDC_ALLOWED_DOMAINS",
                        "it should be domains such as example.com, with commas",
                    );
                }
            }
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

    fn read(settings: &[(&str, &str)]) -> Result<Option<Oidc>, Vec<&'static str>> {
        let source = |name: &str| {
            let found = settings.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut reader = Reader {
            source: &source,
            mistakes: Vec::new(),
        };
        let oidc = reader.oidc();
        let names: Vec<_> = reader.mistakes.iter().map(|mistake| mistake.name).collect();
        oidc.filter(|_| names.is_empty()).ok_or(names)
    }

    const PROVIDER: [(&str, &str); 3] = [
        ("OIDC_ISSUER", "https://id.example.com/realms/talk"),
        ("OIDC_CLIENT_ID", "desk"),
        ("OIDC_CLIENT_SECRET", "very secret"),
    ];

    fn with(more: &[(&'static str, &'static str)]) -> Result<Option<Oidc>, Vec<&'static str>> {
        let mut all = more.to_vec();
        all.extend(PROVIDER);
        read(&all)
    }

    #[test]
    fn single_sign_on_needs_a_provider_and_a_client() {
        assert!(read(&[]).expect("no mistake").is_none());
        let oidc = with(&[]).expect("no mistake").expect("single sign-on");
        assert_eq!(oidc.name, "Single sign-on");
        assert_eq!(oidc.scopes, "openid email profile");
        assert!(oidc.role_claim.is_none() && oidc.worker_claim.is_none() && !oidc.trust_email);
        assert!(oidc.roles.is_empty() && oidc.domains.is_empty());
        assert_eq!(oidc.client_secret.expose_secret(), "very secret");
        assert!(!format!("{oidc:?}").contains("very secret"));
        let missing = read(&PROVIDER[..1]).expect_err("no client");
        assert_eq!(missing, ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"]);
        assert_eq!(read(&PROVIDER[1..]).expect_err("no issuer"), ["OIDC_ISSUER"]);
    }

    #[test]
    fn claims_roles_and_domains_are_read() {
        let oidc = with(&[
            ("OIDC_ALLOWED_DOMAINS", "Example.com, Bücher.example"),
            ("OIDC_ROLE_CLAIM", "resource_access.desk.roles"),
            ("OIDC_ROLES", "Desk Leads=supervisor, a=b=agent ,8a4f-01=admin,"),
            ("OIDC_WORKER_CLAIM", "https://corp.example/worker"),
            ("OIDC_SCOPES", "  openid  groups"),
            ("OIDC_TRUST_EMAIL", "on"),
        ]);
        let oidc = oidc.expect("no mistake").expect("single sign-on");
        assert_eq!(oidc.domains, ["example.com", "xn--bcher-kva.example"]);
        assert_eq!(oidc.role_claim.as_deref(), Some("resource_access.desk.roles"));
        let roles = [
            ("Desk Leads", Role::Supervisor),
            ("a=b", Role::Agent),
            ("8a4f-01", Role::Admin),
        ];
        assert_eq!(oidc.roles, roles.map(|(value, role)| (value.to_owned(), role)));
        assert_eq!(oidc.worker_claim.as_deref(), Some("https://corp.example/worker"));
        assert_eq!((oidc.scopes.as_str(), oidc.trust_email), ("openid groups", true));
    }

    #[test]
    fn every_mistake_of_single_sign_on_is_named() {
        for (name, wrong) in [
            ("OIDC_ISSUER", "id.example.com"),
            ("OIDC_ISSUER", "http://id.example.com"),
            ("OIDC_ISSUER", "https://id.example.com/?x=1"),
            ("OIDC_ISSUER", "https://login.microsoftonline.com/common/v2.0"),
            ("OIDC_ALLOWED_DOMAINS", "example"),
            ("OIDC_ALLOWED_DOMAINS", "a@example.com"),
            ("OIDC_ALLOWED_DOMAINS", "example.com;example.org"),
            ("OIDC_TRUST_EMAIL", "true"),
            ("OIDC_SCOPES", "email"),
            ("OIDC_ROLE_CLAIM", "nickname"),
            ("OIDC_ROLE_CLAIM", "preferred_username"),
            ("OIDC_WORKER_CLAIM", "name"),
        ] {
            assert_eq!(with(&[(name, wrong)]).expect_err("a mistake"), [name], "{wrong}");
        }
        for wrong in ["x", "x=root", "=admin", "x=agent,x=admin", "x=Admin"] {
            let mistakes = with(&[("OIDC_ROLE_CLAIM", "groups"), ("OIDC_ROLES", wrong)]);
            assert_eq!(mistakes.expect_err("a mistake"), ["OIDC_ROLES"], "{wrong}");
        }
        assert_eq!(
            with(&[("OIDC_ROLES", "x=agent")]).expect_err("no claim"),
            ["OIDC_ROLES"]
        );
    }
}
