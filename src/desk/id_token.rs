//! What an identity provider says of somebody: the claims of an ID token, checked.
//!
//! The token comes from the provider's token endpoint over TLS, so the connection vouches for it and its signature need
//! not (OpenID Connect Core 1.0, 3.1.3.7, point 6). Everything else of that section is checked here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::claims::Claims;
use super::secret::same;

/// How far the provider's clock may be from ours, seconds.
const CLOCKS_APART: i64 = 60;

/// A token older than this was not made for the sign-in that just happened, seconds.
const AGE_MAX: i64 = 600;

/// Characters of a subject (OpenID Connect Core 1.0, 2).
const SUBJECT_MAX: usize = 255;

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client: &'a str,
    pub nonce: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("the ID token cannot be read")]
    Unreadable,
    #[error("the ID token is another issuer's")]
    Issuer,
    #[error("the ID token is for another client")]
    Audience,
    #[error("the ID token has expired, or the clocks differ")]
    Time,
    #[error("the ID token belongs to another sign-in")]
    Nonce,
    #[error("the ID token names nobody")]
    Subject,
    #[error("the userinfo endpoint speaks of somebody else than the ID token")]
    Other,
}

/// Reads an ID token and checks it: whom it is about, and all that it says.
///
/// # Errors
/// It is not for us, not for this sign-in, or not for now.
pub fn read(token: &str, expected: Expected<'_>) -> Result<(String, Claims), Wrong> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Wrong::Unreadable);
    };
    let payload = URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .map_err(|_| Wrong::Unreadable)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| Wrong::Unreadable)?;
    check(&claims, expected)?;
    let subject = subject(&claims).ok_or(Wrong::Subject)?.to_owned();
    Ok((subject, claims))
}

/// Whom claims are about.
pub fn subject(claims: &Claims) -> Option<&str> {
    claims
        .get("sub")
        .and_then(Value::as_str)
        .filter(|text| is_subject(text))
}

/// Whether this can be a subject. No provider has one with characters that cannot be seen.
pub fn is_subject(text: &str) -> bool {
    let plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    !text.is_empty() && text.len() <= SUBJECT_MAX && text.bytes().all(plain)
}

fn check(claims: &Claims, expected: Expected<'_>) -> Result<(), Wrong> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err(Wrong::Issuer);
    }
    let party = text("azp");
    let ours = match claims.get("aud") {
        Some(Value::String(one)) => one == expected.client,
        // With others in the audience the token must say that it was made for us.
        Some(Value::Array(all)) => {
            all.iter().any(|one| one.as_str() == Some(expected.client)) && (all.len() == 1 || party.is_some())
        }
        _ => false,
    };
    if !ours || (claims.contains_key("azp") && party != Some(expected.client)) {
        return Err(Wrong::Audience);
    }
    let time = |name: &str| {
        let value = claims.get(name)?;
        // A NumericDate may have a fraction (RFC 7519, 2).
        value
            .as_i64()
            .or_else(|| value.as_f64().map(|seconds| seconds as i64))
    };
    let (Some(expires), Some(issued)) = (time("exp"), time("iat")) else {
        return Err(Wrong::Time);
    };
    let age = expected.now.saturating_sub(issued);
    let fresh = (-CLOCKS_APART..=AGE_MAX + CLOCKS_APART).contains(&age);
    if !fresh || expires.saturating_add(CLOCKS_APART) <= expected.now {
        return Err(Wrong::Time);
    }
    if !text("nonce").is_some_and(|nonce| same(nonce, expected.nonce)) {
        return Err(Wrong::Nonce);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://id.example.com",
        client: "desk",
        nonce: "n-1",
        now: 1_000_000,
    };

    fn token(changes: Value) -> String {
        let mut claims = json!({
            "iss": "https://id.example.com", "sub": "42", "aud": "desk", "exp": 1_000_300, "iat": 999_990,
            "nonce": "n-1", "email": "Ana@Example.com", "email_verified": true,
        });
        for (name, value) in changes.as_object().expect("an object") {
            match value {
                Value::Null => _ = claims.as_object_mut().expect("an object").remove(name),
                value => claims[name] = value.clone(),
            }
        }
        format!("e30.{}.signature", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    fn wrong(changes: Value) -> Wrong {
        read(&token(changes), EXPECTED).expect_err("it is wrong")
    }

    #[test]
    fn a_good_token_says_who_it_is() {
        let (subject, claims) = read(&token(json!({})), EXPECTED).expect("it is good");
        assert_eq!(subject, "42");
        assert_eq!(claims["email"], "Ana@Example.com");
        let both = json!({"aud": ["desk", "other"], "azp": "desk"});
        assert!(read(&token(both), EXPECTED).is_ok());
    }

    #[test]
    fn what_is_not_for_us_or_not_for_now_is_refused() {
        for issuer in [
            json!("https://other.example"),
            json!("https://id.example.com/"),
            json!(null),
        ] {
            assert_eq!(wrong(json!({ "iss": issuer })), Wrong::Issuer);
        }
        for audience in [
            json!("other"),
            json!(["other"]),
            json!(["desk", "other"]),
            json!(null),
            json!([]),
        ] {
            assert_eq!(wrong(json!({ "aud": audience })), Wrong::Audience);
        }
        assert_eq!(wrong(json!({"azp": "other"})), Wrong::Audience);
        assert_eq!(wrong(json!({"azp": 7})), Wrong::Audience);
        for (name, time) in [
            ("exp", json!(999_940)),
            ("exp", json!(null)),
            ("exp", json!("1000300")),
            ("iat", json!(1_000_061)),
            ("iat", json!(999_000)),
            ("iat", json!(null)),
        ] {
            assert_eq!(wrong(json!({ name: time })), Wrong::Time, "{name} {time}");
        }
        for nonce in [json!("n-2"), json!(""), json!(null)] {
            assert_eq!(wrong(json!({ "nonce": nonce })), Wrong::Nonce);
        }
        for subject in [
            json!(""),
            json!(null),
            json!(7),
            json!("ä"),
            json!("4\n2"),
            json!("42\0"),
            json!("x".repeat(256)),
        ] {
            assert_eq!(wrong(json!({ "sub": subject })), Wrong::Subject);
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let whole = token(json!({}));
        let (head, _) = whole.rsplit_once('.').expect("parts");
        for broken in [
            "",
            "a.b",
            "a.b.c.d",
            "a.!.c",
            "a.bnVsbA.c",
            head,
            &format!("{whole}.more"),
        ] {
            assert_eq!(read(broken, EXPECTED), Err(Wrong::Unreadable), "{broken}");
        }
    }
}
