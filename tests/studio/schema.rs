//! What Studio accepts, for the widget types that this flow uses: their events, their properties with JSON types, and limits.
//!
//! Sources: Twilio docs, Studio "Flow Definition" and "Widget Library"; TwiML "Gather" and "Say" for limits. A type, event, property or
//! condition that is not listed here counts as a defect, so widening the flow means widening this table first.

use serde_json::Value;

/// The JSON type of a property and what its value must satisfy.
#[derive(Clone, Copy)]
pub enum Shape {
    Text,
    Flag,
    /// A whole number within the bounds, written as a number.
    Number(u64, u64),
    /// A whole number of seconds within the bounds, written as a string.
    Seconds(u64, u64),
    OneOf(&'static [&'static str]),
    Variables,
}

/// One property of a widget type.
pub struct Property {
    pub key: &'static str,
    pub shape: Shape,
    pub required: bool,
}

/// A widget type: every event it can fire and every property we give it.
pub struct Kind {
    pub events: &'static [&'static str],
    pub properties: &'static [Property],
}

/// The comparisons a split may make here; Studio knows more.
pub const CONDITIONS: &[&str] = &["equal_to", "regex"];
/// Hints of a Gather: entries, and characters of one entry.
pub const HINTS: (usize, usize) = (500, 100);
/// Characters of one spoken text (the Polly limit), and its bytes when URL-encoded.
pub const SAY: (usize, usize) = (3_000, 4_500);
/// States of one flow.
pub const STATES: usize = 1_000;

const fn required(key: &'static str, shape: Shape) -> Property {
    Property {
        key,
        shape,
        required: true,
    }
}

const fn optional(key: &'static str, shape: Shape) -> Property {
    Property {
        key,
        shape,
        required: false,
    }
}

const TRIGGER: Kind = Kind {
    events: &[
        "incomingMessage",
        "incomingCall",
        "incomingConversationMessage",
        "incomingRequest",
        "incomingParent",
    ],
    properties: &[],
};

const GATHER: Kind = Kind {
    events: &["keypress", "speech", "timeout"],
    properties: &[
        required("say", Shape::Text),
        required("voice", Shape::Text),
        required("language", Shape::Text),
        required("loop", Shape::Number(1, 3)),
        required("timeout", Shape::Number(1, 60)),
        required("number_of_digits", Shape::Number(1, 1)),
        required("gather_language", Shape::Text),
        required("hints", Shape::Text),
        required("speech_timeout", Shape::OneOf(&["auto", "1", "2", "3", "4", "5"])),
        optional("finish_on_key", Shape::OneOf(&["", "#", "*"])),
        optional("stop_gather", Shape::Flag),
        optional("profanity_filter", Shape::OneOf(&["true", "false"])),
        optional("speech_model", Shape::Text),
    ],
};

const SAY_PLAY: Kind = Kind {
    events: &["audioComplete"],
    properties: &[
        required("say", Shape::Text),
        required("voice", Shape::Text),
        required("language", Shape::Text),
        required("loop", Shape::Number(1, 3)),
    ],
};

const SPLIT: Kind = Kind {
    events: &["noMatch", "match"],
    properties: &[required("input", Shape::Text)],
};

const SET_VARIABLES: Kind = Kind {
    events: &["next"],
    properties: &[required("variables", Shape::Variables)],
};

const REDIRECT: Kind = Kind {
    events: &["return", "timeout", "fail"],
    properties: &[
        required("url", Shape::Text),
        required("method", Shape::OneOf(&["GET", "POST"])),
        required("timeout", Shape::Seconds(0, 14_400)),
    ],
};

/// The table's row for a widget type.
pub fn kind(name: &str) -> Option<&'static Kind> {
    Some(match name {
        "trigger" => &TRIGGER,
        "gather-input-on-call" => &GATHER,
        "say-play" => &SAY_PLAY,
        "split-based-on" => &SPLIT,
        "set-variables" => &SET_VARIABLES,
        "add-twiml-redirect" => &REDIRECT,
        _ => return None,
    })
}

impl Shape {
    /// Whether a value has this shape.
    pub fn fits(self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Text => text.is_some_and(|text| !text.trim().is_empty()),
            Self::Flag => value.is_boolean(),
            Self::Number(low, high) => value
                .as_u64()
                .is_some_and(|number| (low..=high).contains(&number)),
            Self::Seconds(low, high) => text
                .and_then(|text| text.parse().ok())
                .is_some_and(|number: u64| (low..=high).contains(&number)),
            Self::OneOf(allowed) => text.is_some_and(|text| allowed.contains(&text)),
            Self::Variables => value
                .as_array()
                .is_some_and(|list| !list.is_empty() && list.iter().all(is_variable)),
        }
    }
}

/// The words of a condition of the form `.*(one|two|three).*`, which matches any text that contains one of them, whether the engine
/// searches or wants the whole text. Other expressions are refused: their dialect in Studio is not documented.
pub fn words(expression: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = expression
        .strip_prefix(".*(")?
        .strip_suffix(").*")?
        .split('|')
        .collect();
    let literal = |word: &&str| !word.is_empty() && !word.contains(|c: char| r".*+?()[]{}^$\".contains(c));
    let lowercase = |word: &&str| word.to_lowercase() == **word;
    words
        .iter()
        .all(|word| literal(word) && lowercase(word))
        .then_some(words)
}

fn is_variable(variable: &Value) -> bool {
    variable["key"].as_str().is_some_and(|key| !key.is_empty())
        && variable["value"].is_string()
        && variable["type"].as_str() == Some("string")
}
