//! Names of the things in a call: the call itself, its sides, sockets, sessions and marks, and the tokens of its legs.

use std::fmt;
use std::str::FromStr;

use rand::Rng;
use subtle::ConstantTimeEq;

/// One conversation: 128 random bits, written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(u128);

impl CallId {
    /// The id made of these bytes, which must be random.
    pub const fn from_bytes(random: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(random))
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not 32 lower-case hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("not a call id")]
pub struct NotACallId;

impl FromStr for CallId {
    type Err = NotACallId;

    fn from_str(text: &str) -> Result<Self, NotACallId> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(hex) {
            return Err(NotACallId);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| NotACallId)
    }
}

/// One of the two parties, and by extension their leg. As the name of a direction it means the speaker's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    Caller,
    Agent,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Caller, Self::Agent];

    pub const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Agent,
            Self::Agent => Self::Caller,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Agent => "agent",
        }
    }

    /// The side of that name, as it stands in our own URLs.
    pub fn named(name: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|side| side.name() == name)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A media stream's socket, numbered within its call by whoever drives the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u32);

/// A webhook that waits for the call's answer, numbered within its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub u32);

/// One request to dial an agent, numbered within its call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DialId(pub u32);

/// An interpreter session: whose speech it takes, and which in a row of replacements it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId {
    pub speaker: Side,
    pub generation: u32,
}

/// A place in what a leg was sent. The generation grows with each `clear`, so that echoes of flushed marks mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkId {
    pub generation: u32,
    pub number: u32,
}

impl fmt::Display for MarkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.generation, self.number)
    }
}

impl FromStr for MarkId {
    type Err = std::num::ParseIntError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let (generation, number) = name.split_once('.').unwrap_or((name, ""));
        Ok(Self {
            generation: generation.parse()?,
            number: number.parse()?,
        })
    }
}

/// What lets one media stream into one call, once: `<call id>-<128 random bits>`.
///
/// The first half finds the call and is no secret; the second half is compared in constant time. It prints as `***`.
#[derive(Clone)]
pub struct Token {
    call: CallId,
    secret: u128,
}

impl Token {
    /// A fresh token for a leg of `call`; `rng` must be cryptographically strong.
    pub fn random(call: CallId, rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self {
            call,
            secret: u128::from_be_bytes(bytes),
        }
    }

    /// The token as it travels in a stream's parameter.
    pub fn reveal(&self) -> String {
        format!("{}-{:032x}", self.call, self.secret)
    }

    /// The call that `text` claims to belong to, whether or not its secret is right.
    pub fn call_of(text: &str) -> Option<CallId> {
        text.split_once('-')?.0.parse().ok()
    }

    /// Whether `text` is this token.
    pub fn matches(&self, text: &str) -> bool {
        self.reveal().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_token_finds_its_call_and_fits_only_itself() {
        let mut rng = StdRng::seed_from_u64(1);
        let call = CallId::from_bytes([7; 16]);
        let (one, two) = (Token::random(call, &mut rng), Token::random(call, &mut rng));
        assert_eq!(Token::call_of(&one.reveal()), Some(call));
        assert!(one.matches(&one.reveal()));
        assert!(!one.matches(&two.reveal()));
        assert!(!one.matches(""));
        assert_eq!(format!("{one:?}"), "***");
    }

    #[test]
    fn ids_round_trip_and_refuse_nonsense() {
        let call = CallId::from_bytes([0xA7; 16]);
        assert_eq!(call.to_string().parse::<CallId>().ok(), Some(call));
        for nonsense in ["", "+f", "0123", &"F".repeat(32), &"0".repeat(33)] {
            assert!(nonsense.parse::<CallId>().is_err(), "{nonsense}");
        }
        let mark = MarkId {
            generation: 3,
            number: 14,
        };
        assert_eq!(mark.to_string().parse::<MarkId>().ok(), Some(mark));
        for nonsense in ["", "3", "3.", "a.b", "3.14.1", "99999999999.1"] {
            assert!(nonsense.parse::<MarkId>().is_err(), "{nonsense}");
        }
    }
}
