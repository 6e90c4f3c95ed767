//! Strict checking of incoming JSON against a table of rules.
//!
//! The real server refuses a whole event for one unknown field or one wrong value and names the place by a dotted path. A
//! client that is tested against a lenient server learns that in production; so this one is as strict.
//! The tables themselves are in `fields.rs`.

use serde_json::{Map, Value};

/// What a value must look like.
pub(super) enum Rule {
    Any,
    Text,
    Bool,
    Number(f64, f64),
    Whole(i64, i64),
    OneOf(&'static [&'static str]),
    Nullable(&'static Rule),
    List(&'static Rule),
    Object(&'static [Field]),
    /// An object whose `type` chooses its other fields.
    Tagged(&'static [(&'static str, &'static [Field])]),
    /// Any of these; the complaint is the last one's.
    Either(&'static [Rule]),
    /// Names and short texts of the client's own, 16 at most.
    Metadata,
}

/// A field that an object may have.
pub(super) struct Field {
    pub name: &'static str,
    pub rule: Rule,
    pub required: bool,
}

/// A field that may be left out.
pub(super) const fn may(name: &'static str, rule: Rule) -> Field {
    Field {
        name,
        rule,
        required: false,
    }
}

/// A field that must be there.
pub(super) const fn must(name: &'static str, rule: Rule) -> Field {
    Field {
        name,
        rule,
        required: true,
    }
}

/// Why an event is refused: the `code`, `param` and `message` of the `error` event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Complaint {
    pub code: &'static str,
    pub param: Option<String>,
    pub message: String,
}

impl Complaint {
    pub fn new(code: &'static str, param: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            code,
            param: param.map(str::to_owned),
            message: message.into(),
        }
    }

    pub fn value(path: &str, message: impl Into<String>) -> Self {
        Self::new("invalid_value", Some(path), message)
    }

    fn missing(path: &str) -> Self {
        let message = format!("Missing required parameter: '{path}'.");
        Self::new("missing_required_parameter", Some(path), message)
    }

    fn unknown(path: &str) -> Self {
        let message = format!("Unknown parameter: '{path}'.");
        Self::new("unknown_parameter", Some(path), message)
    }

    fn kind(path: &str, wanted: &str) -> Self {
        let message = format!("Invalid type for '{path}': expected {wanted}.");
        Self::new("invalid_type", Some(path), message)
    }

    fn choice<'a>(path: &str, found: &str, choices: impl Iterator<Item = &'a str>) -> Self {
        let choices: Vec<String> = choices.map(|choice| format!("'{choice}'")).collect();
        let choices = choices.join(", ");
        Self::value(
            path,
            format!("Invalid value: '{found}'. Supported values are: {choices}."),
        )
    }
}

impl Rule {
    /// Checks a value that stands at the dotted path.
    pub fn check(&self, path: &str, value: &Value) -> Result<(), Complaint> {
        match self {
            Self::Any => Ok(()),
            Self::Nullable(_) if value.is_null() => Ok(()),
            Self::Nullable(rule) => rule.check(path, value),
            Self::Text => text(path, value).map(drop),
            Self::Bool => match value.is_boolean() {
                true => Ok(()),
                false => Err(Complaint::kind(path, "a boolean")),
            },
            Self::Number(low, high) => match value.as_f64() {
                Some(number) => within(path, number, *low, *high),
                None => Err(Complaint::kind(path, "a number")),
            },
            Self::Whole(low, high) => match value.as_i64() {
                Some(number) => within(path, number as f64, *low as f64, *high as f64),
                None => Err(Complaint::kind(path, "an integer")),
            },
            Self::OneOf(choices) => match text(path, value)? {
                found if choices.contains(&found) => Ok(()),
                found => Err(Complaint::choice(path, found, choices.iter().copied())),
            },
            Self::List(rule) => {
                let list = value.as_array();
                let list = list.ok_or_else(|| Complaint::kind(path, "an array"))?;
                let mut indexed = list.iter().enumerate();
                indexed.try_for_each(|(i, value)| rule.check(&format!("{path}[{i}]"), value))
            }
            Self::Object(fields) => check_fields(path, object(path, value)?, fields),
            Self::Tagged(kinds) => tagged(path, value, kinds),
            Self::Either(rules) => {
                let mut last = Ok(());
                for rule in *rules {
                    last = rule.check(path, value);
                    if last.is_ok() {
                        break;
                    }
                }
                last
            }
            Self::Metadata => metadata(path, value),
        }
    }
}

/// Checks the fields of an object; an empty path is the event itself.
pub(super) fn check_fields(
    path: &str,
    object: &Map<String, Value>,
    fields: &[Field],
) -> Result<(), Complaint> {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        _ => format!("{path}.{name}"),
    };
    for (name, value) in object {
        match fields.iter().find(|field| field.name == name) {
            Some(field) => field.rule.check(&below(name), value)?,
            None => return Err(Complaint::unknown(&below(name))),
        }
    }
    match fields
        .iter()
        .find(|field| field.required && !object.contains_key(field.name))
    {
        Some(field) => Err(Complaint::missing(&below(field.name))),
        None => Ok(()),
    }
}

fn tagged(path: &str, value: &Value, kinds: &[(&'static str, &'static [Field])]) -> Result<(), Complaint> {
    let object = object(path, value)?;
    let place = format!("{path}.type");
    let tag = object.get("type").ok_or_else(|| Complaint::missing(&place))?;
    let tag = text(&place, tag)?;
    let (_, fields) = kinds
        .iter()
        .find(|(kind, _)| *kind == tag)
        .ok_or_else(|| Complaint::choice(&place, tag, kinds.iter().map(|(kind, _)| *kind)))?;
    check_fields(path, object, fields)
}

fn metadata(path: &str, value: &Value) -> Result<(), Complaint> {
    let object = object(path, value)?;
    if object.len() > 16 {
        return Err(Complaint::value(path, "At most 16 pairs are allowed."));
    }
    for (name, value) in object {
        let place = format!("{path}.{name}");
        if name.len() > 64 || text(&place, value)?.len() > 512 {
            return Err(Complaint::value(&place, "The pair is too long."));
        }
    }
    Ok(())
}

fn text<'a>(path: &str, value: &'a Value) -> Result<&'a str, Complaint> {
    value.as_str().ok_or_else(|| Complaint::kind(path, "a string"))
}

fn object<'a>(path: &str, value: &'a Value) -> Result<&'a Map<String, Value>, Complaint> {
    value
        .as_object()
        .ok_or_else(|| Complaint::kind(path, "an object"))
}

fn within(path: &str, number: f64, low: f64, high: f64) -> Result<(), Complaint> {
    if (low..=high).contains(&number) {
        return Ok(());
    }
    Err(Complaint::value(
        path,
        format!("Invalid '{path}': {number} is not between {low} and {high}."),
    ))
}
