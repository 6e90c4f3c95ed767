//! A user of the desk: name, role, and which calls are theirs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusal::Refusal;
use crate::name::{self, fold};

/// Characters of a name, and of a worker's.
pub const NAME_MAX: usize = 64;
pub const WORKER_MAX: usize = 200;

/// What somebody may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees and controls their own calls.
    Agent,
    /// Sees and controls all calls.
    Supervisor,
    /// Also manages users, and erases.
    Admin,
}

impl Role {
    /// Its name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Agent, Self::Supervisor, Self::Admin]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| "A role is agent, supervisor or admin.".to_owned())
    }
}

/// Somebody who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Folded.
    pub name: String,
    pub role: Role,
    /// How the task queue, the softphone or the desk calls this agent. Without one it is the name, if that was given here.
    pub worker: Option<String>,
    /// The tag of the language that they prefer.
    pub language: Option<String>,
    pub disabled: bool,
    /// Whether they sign in by single sign-on.
    pub oidc: bool,
    /// As whom an administrator lets them come by single sign-on: a verified address, or `sub:` and a subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_on: Option<String>,
    /// Whether the identity provider has named them. Anybody could be called like that there.
    #[serde(skip)]
    pub named_elsewhere: bool,
}

impl User {
    /// The name under which calls are theirs; `None`: no calls are. Only a name that was given here can be a worker's.
    pub fn worker(&self) -> Option<&str> {
        let name = (!self.named_elsewhere).then_some(self.name.as_str());
        self.worker.as_deref().or(name)
    }

    /// The same, for what only a worker can do.
    ///
    /// # Errors
    /// 403: they are none.
    pub fn require_worker(&self) -> Result<&str, Refusal> {
        self.worker().ok_or_else(|| {
            Refusal::forbidden("An administrator has to say which worker you are before you can take calls.")
        })
    }

    /// Whether they may see and control a call that has this agent.
    pub fn may_see(&self, call_agent: Option<&str>) -> bool {
        let theirs = |agent| self.worker().is_some_and(|worker| name::same(agent, worker));
        self.role >= Role::Supervisor || call_agent.is_some_and(theirs)
    }

    /// That they have this role, or one above it.
    ///
    /// # Errors
    /// 403: they have not.
    pub fn require(&self, role: Role) -> Result<(), Refusal> {
        if self.role >= role {
            return Ok(());
        }
        Err(Refusal::forbidden(format!(
            "This needs the role {role}; yours is {}.",
            self.role
        )))
    }
}

/// A name as it is kept and compared: folded, so that two spellings of it are one user.
///
/// # Errors
/// What a name may consist of.
pub fn name_of(text: &str) -> Result<String, String> {
    let short = |text: &str| (1..=NAME_MAX).contains(&text.chars().count());
    let good = short(text) && name::is_visible(text) && text.trim() == text;
    let folded = if good { fold(text) } else { String::new() };
    if !short(&folded) || !name::is_plain(&folded, "._-@") {
        return Err(format!(
            "A name has 1 to {NAME_MAX} letters, digits or any of . _ - @"
        ));
    }
    Ok(folded)
}

/// A worker's name as it is kept, to be compared folded; empty is none.
///
/// # Errors
/// It is too long, or has characters that cannot be seen.
pub fn worker_of(text: Option<&str>) -> Result<Option<String>, String> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.chars().count() > WORKER_MAX || !name::is_visible(text) {
        return Err(format!(
            "A worker has at most {WORKER_MAX} characters, all of which can be seen."
        ));
    }
    Ok(Some(text.to_owned()))
}

/// A language's tag for whatever it was called; empty is none.
///
/// # Errors
/// There is no such language.
pub fn language_of(text: Option<&str>) -> Result<Option<String>, String> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match crate::language::Language::find(text) {
        Some(language) => Ok(Some(language.tag.to_owned())),
        None => Err("There is no such language; use a tag such as es-US.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(role: Role, worker: Option<&str>) -> User {
        User {
            name: "ana".into(),
            role,
            worker: worker.map(str::to_owned),
            language: None,
            disabled: false,
            oidc: false,
            sign_on: None,
            named_elsewhere: false,
        }
    }

    #[test]
    fn an_agent_sees_own_calls_and_a_supervisor_all() {
        let named = user(Role::Agent, None);
        assert!(named.may_see(Some("ana")));
        assert!(!named.may_see(Some("ben")) && !named.may_see(None));
        let worker = user(Role::Agent, Some("ana@flex"));
        assert!(worker.may_see(Some("ana@flex")) && !worker.may_see(Some("ana")));
        assert!(worker.may_see(Some("Ana@Flex")) && named.may_see(Some("ANA")));
        let renee = user(Role::Agent, Some("Renée"));
        assert!(renee.may_see(Some("RENE\u{301}E")) && !renee.may_see(Some("Renee")));
        let mut elsewhere = User {
            named_elsewhere: true,
            ..user(Role::Agent, None)
        };
        assert_eq!(elsewhere.worker(), None);
        assert!(elsewhere.require_worker().is_err());
        assert!(!elsewhere.may_see(Some("ana")) && !elsewhere.may_see(Some("")) && !elsewhere.may_see(None));
        elsewhere.worker = Some("ben".into());
        assert!(elsewhere.may_see(Some("ben")) && !elsewhere.may_see(Some("ana")));
        for role in [Role::Supervisor, Role::Admin] {
            assert!(user(role, None).may_see(Some("ben")) && user(role, None).may_see(None));
        }
    }

    #[test]
    fn a_role_may_do_what_those_below_it_may() {
        let roles = [Role::Agent, Role::Supervisor, Role::Admin];
        for (has, role) in roles.into_iter().enumerate() {
            for (needs, needed) in roles.into_iter().enumerate() {
                assert_eq!(user(role, None).require(needed).is_ok(), has >= needs);
            }
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert!("Admin".parse::<Role>().is_err());
    }

    #[test]
    fn names_are_letters_of_any_script_in_one_form() {
        for (text, kept) in [
            ("Ana.B-c_9@Example.com", "ana.b-c_9@example.com"),
            ("Renée", "renée"),
            ("RENE\u{301}E", "renée"),
            ("STRAẞE", "strasse"),
            ("Ольга", "ольга"),
            ("आशा", "आशा"),
            ("王芳", "王芳"),
            ("ｶﾞｯﾂ", "ガッツ"),
            ("ＡＤＡ＠ＣＯＲＰ", "ada@corp"),
        ] {
            assert_eq!(name_of(text).as_deref(), Ok(kept), "{text}");
            assert_eq!(name_of(kept).as_deref(), Ok(kept), "{kept}");
        }
        assert!(name_of(&"é".repeat(NAME_MAX)).is_ok());
        for wrong in [
            "",
            " ana",
            "ana ",
            "a b",
            "a/b",
            "a\0",
            "a\u{200d}b",
            "\u{202e}ana",
            "a\u{a0}b",
            "\u{301}a",
            "a⁄b",
            "☎",
            &"a".repeat(NAME_MAX + 1),
            &"ﷺ".repeat(NAME_MAX),
        ] {
            assert!(name_of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn languages_become_tags_and_blanks_become_nothing() {
        assert_eq!(language_of(Some("spanish")), Ok(Some("es-US".into())));
        assert_eq!(language_of(Some(" ")), Ok(None));
        assert!(language_of(Some("klingon")).is_err());
        assert_eq!(worker_of(Some(" ana ")), Ok(Some("ana".into())));
        assert_eq!(worker_of(Some("")), Ok(None));
        assert_eq!(worker_of(Some("Ada Lovelace")), Ok(Some("Ada Lovelace".into())));
        assert!(worker_of(Some("a\nb")).is_err() && worker_of(Some("a\u{202e}b")).is_err());
        assert!(worker_of(Some(&"a".repeat(WORKER_MAX + 1))).is_err());
    }
}
