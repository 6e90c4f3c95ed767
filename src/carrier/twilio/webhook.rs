//! The form fields of a webhook (Twilio docs, TwiML voice request). New fields appear without notice, so nothing here
//! is strict; what is missing reads as empty.

use crate::call::CallStatus;

/// Longest identity of a softphone that is taken: room for a mail address.
const IDENTITY_MAX: usize = 128;

/// Decoded fields in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Decodes a form-encoded body or query.
    pub fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// Every field, for the signature.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
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
        let fields = Fields::parse(b"From=%2B15550100001&Empty=&From=second&Name=Jos%C3%A9+M");
        assert_eq!(fields.value("From"), "+15550100001");
        assert_eq!(fields.value("Name"), "José M");
        assert_eq!((fields.value("Empty"), fields.value("Missing")), ("", ""));
        assert_eq!(Fields::parse(b"\xff\xfe&=&&%zz").value("x"), "");
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
