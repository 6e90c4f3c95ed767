//! The form fields of a webhook (Twilio docs, TwiML voice request). New fields appear without notice, so nothing here
//! is strict; what is missing reads as empty. Only how much there may be is limited, since strangers can send it too.

use std::borrow::Cow;

use crate::call::CallStatus;

/// Fields of a form or a query. The fullest that Twilio sends, voice requests of SIP calls and events of the task queue, have
/// some eighty; sorting more than this for a signature would be work that a stranger can ask for.
pub const FIELDS_MAX: usize = 400;

/// Bytes of a field's name as it is written. Twilio's own have up to 40; names of SIP headers come from others.
pub const NAME_MAX: usize = 512;

/// Bytes of a value as it is written. The longest are the attributes of a task or a worker: some KiB of JSON, in which
/// three bytes stand for each that is escaped.
pub const VALUE_MAX: usize = 64 * 1024;

/// Longest identity of a softphone that is taken: room for a mail address.
const IDENTITY_MAX: usize = 128;

/// Decoded fields in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

/// A form that no service of Twilio's would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    #[error("more than {FIELDS_MAX} fields")]
    Fields,
    #[error("a name of more than {NAME_MAX} bytes")]
    Name,
    #[error("a value of more than {VALUE_MAX} bytes")]
    Value,
}

/// Whether a form-encoded body or query is small enough to be decoded. Looks no further than to the first field too many.
///
/// # Errors
/// It is not.
pub fn check(text: &[u8]) -> Result<(), TooMuch> {
    let mut count = 0;
    for field in text.split(|&byte| byte == b'&').filter(|field| !field.is_empty()) {
        count += 1;
        if count > FIELDS_MAX {
            return Err(TooMuch::Fields);
        }
        let name = field.iter().position(|&byte| byte == b'=').unwrap_or(field.len());
        if name > NAME_MAX {
            return Err(TooMuch::Name);
        }
        if field.len() - name > VALUE_MAX {
            return Err(TooMuch::Value);
        }
    }
    Ok(())
}

/// A field's name and its value, decoded.
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The fields of a form-encoded body or query, borrowed where nothing is escaped.
///
/// # Errors
/// There are too many, or one is too long. Nothing is decoded then.
pub fn pairs(text: &[u8]) -> Result<Vec<Pair<'_>>, TooMuch> {
    check(text)?;
    Ok(form_urlencoded::parse(text).collect())
}

impl Fields {
    /// Decodes a form-encoded body or query.
    ///
    /// # Errors
    /// There are too many fields, or one is too long.
    pub fn parse(text: &[u8]) -> Result<Self, TooMuch> {
        let owned = |(name, value): Pair<'_>| (name.into_owned(), value.into_owned());
        Ok(Self(pairs(text)?.into_iter().map(owned).collect()))
    }

    /// The first value of that name, or nothing.
    pub fn value(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }
}

/// What a `CallStatus` means here; `None` for a word that this program does not know.
pub fn call_status(word: &str) -> Option<CallStatus> {
    match word {
        "queued" | "initiated" | "ringing" | "in-progress" | "answered" => Some(CallStatus::Live),
        "completed" | "busy" | "failed" | "no-answer" | "canceled" => Some(CallStatus::Ended),
        _ => None,
    }
}

/// Whether a `QueueResult` means that the queue itself could not serve the caller.
pub fn queue_failed(result: &str) -> bool {
    matches!(result, "error" | "queue-full" | "system-error")
}

/// Whether this looks like a SID of the given kind: two letters and 32 hexadecimal digits.
pub fn is_sid(text: &str, kind: &str) -> bool {
    text.strip_prefix(kind)
        .is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a softphone may have this identity. Twilio takes letters, digits and underscores without reserve (Twilio docs,
/// Voice SDK access tokens); the other marks are common in names of agents, and harmless in a request.
pub fn is_identity(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    !text.is_empty() && text.len() <= IDENTITY_MAX && text.chars().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_missing_ones_are_empty() {
        let fields = Fields::parse(b"From=%2B15550100001&Empty=&From=second&Name=Jos%C3%A9+M").expect("few");
        assert_eq!(fields.value("From"), "+15550100001");
        assert_eq!(fields.value("Name"), "José M");
        assert_eq!((fields.value("Empty"), fields.value("Missing")), ("", ""));
        assert_eq!(Fields::parse(b"\xff\xfe&=&&%zz").expect("few").value("x"), "");
    }

    #[test]
    fn a_form_beyond_all_reason_is_not_decoded() {
        let fields = |count: usize| "a=1&&".repeat(count);
        let (name, value) = ("n".repeat(NAME_MAX), "v".repeat(VALUE_MAX - 1));
        let most = format!("{}{name}={value}", fields(FIELDS_MAX - 1));
        assert_eq!(
            pairs(most.as_bytes()).expect("as much as may be").len(),
            FIELDS_MAX
        );
        for (form, wrong) in [
            (fields(FIELDS_MAX + 1), TooMuch::Fields),
            (format!("a=1&{name}n=1"), TooMuch::Name),
            (format!("a=1&{name}n"), TooMuch::Name),
            (format!("a=v{value}"), TooMuch::Value),
        ] {
            assert_eq!(pairs(form.as_bytes()), Err(wrong));
            assert_eq!(Fields::parse(form.as_bytes()).err(), Some(wrong));
        }
    }

    #[test]
    fn identities_have_their_letters() {
        for identity in ["ana", "agent_7", "Bo.B-2@example.com", &"a".repeat(128)] {
            assert!(is_identity(identity), "{identity}");
        }
        for nonsense in ["", "a b", "ana?x=1", "ana&To=bo", "añа", &"a".repeat(129)] {
            assert!(!is_identity(nonsense), "{nonsense}");
        }
    }

    #[test]
    fn sids_have_their_shape() {
        assert!(is_sid(&format!("CA{}", "0a".repeat(16)), "CA"));
        for nonsense in [
            "",
            "CA",
            "CA00",
            &format!("AC{}", "0a".repeat(16)),
            &format!("CA{}", "zz".repeat(16)),
        ] {
            assert!(!is_sid(nonsense, "CA"), "{nonsense}");
        }
    }
}
