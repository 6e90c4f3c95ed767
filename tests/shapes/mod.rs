//! Shapes of identity providers, and who comes from them to the desk.

#![allow(dead_code)]

mod hosted;
mod own;

use serde_json::Value;

/// A provider, a desk that is set up for it, and who comes, one after the other.
pub struct Shape {
    pub name: &'static str,
    /// The path of its issuer.
    pub path: &'static str,
    pub settings: Vec<(&'static str, &'static str)>,
    /// What it says of itself beside its endpoints.
    pub about: Value,
    pub people: Vec<Row>,
}

pub struct Row {
    pub who: &'static str,
    /// In the ID token, beside what every ID token has.
    pub token: Value,
    /// `null`: there is no such endpoint.
    pub userinfo: Value,
    pub right: Right,
}

pub enum Right {
    /// Name (`sso-` stands for one that was made up), role, worker.
    In(&'static str, &'static str, Option<&'static str>),
    /// What they are told.
    Out(&'static str),
}

/// One person: the common claims with these changes in the ID token and at the userinfo endpoint.
pub fn row(who: &'static str, token: (&Value, Value), userinfo: (&Value, Value), right: Right) -> Row {
    let with = |(common, changes): (&Value, Value)| {
        let mut all = common.clone();
        for (name, value) in changes.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        all
    };
    Row {
        who,
        token: with(token),
        userinfo: with(userinfo),
        right,
    }
}

pub const NONE: Value = Value::Null;

/// All of them.
pub fn all() -> Vec<Shape> {
    hosted::all().into_iter().chain(own::all()).collect()
}
