//! A Studio flow as its JSON says it: states, their transitions and properties.
//!
//! `Flow::read` checks the shape of the envelope only (what is a list, what is a string) and reports every deviation at once. Whether the
//! flow makes sense is the business of `validate`; what it does with a caller, of `runner`.

use std::collections::BTreeMap;

use serde_json::Value;

/// A flow whose envelope has the right shape.
#[derive(Debug)]
pub struct Flow<'a> {
    pub initial_state: &'a str,
    pub states: Vec<State<'a>>,
}

/// One widget.
#[derive(Debug)]
pub struct State<'a> {
    pub name: &'a str,
    pub kind: &'a str,
    pub transitions: Vec<Transition<'a>>,
    pub properties: BTreeMap<&'a str, &'a Value>,
}

/// Where a widget's event leads; without `next` the flow ends there.
#[derive(Debug)]
pub struct Transition<'a> {
    pub event: &'a str,
    pub next: Option<&'a str>,
    pub conditions: Vec<Condition<'a>>,
}

/// What a split compares: `argument` is a template, `value` is literal.
#[derive(Debug)]
pub struct Condition<'a> {
    pub argument: &'a str,
    pub kind: &'a str,
    pub value: &'a str,
}

impl<'a> Flow<'a> {
    /// Reads the envelope; the error lists all that has the wrong shape.
    pub fn read(flow: &'a Value) -> Result<Self, Vec<String>> {
        let mut defects = Vec::new();
        text(flow, "description", "flow", &mut defects);
        let initial_state = text(flow, "initial_state", "flow", &mut defects);
        if !flow["flags"]["allow_concurrent_calls"].is_boolean() {
            defects.push("flow: flags.allow_concurrent_calls must be a boolean".to_owned());
        }
        let states = list(flow, "states", "flow", &mut defects);
        let states = states
            .iter()
            .map(|state| State::read(state, &mut defects))
            .collect();
        if defects.is_empty() {
            Ok(Self {
                initial_state,
                states,
            })
        } else {
            Err(defects)
        }
    }

    /// The first state of that name.
    pub fn state(&self, name: &str) -> Option<&State<'a>> {
        self.states.iter().find(|state| state.name == name)
    }
}

impl<'a> State<'a> {
    /// A string property, empty when it is missing.
    pub fn property(&self, key: &str) -> &'a str {
        self.properties
            .get(key)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
    }

    /// The key and value templates of a set-variables widget.
    pub fn variables(&self) -> Vec<(&'a str, &'a str)> {
        let variables = self
            .properties
            .get("variables")
            .and_then(|value| value.as_array());
        let pair = |variable: &'a Value| Some((variable["key"].as_str()?, variable["value"].as_str()?));
        variables.into_iter().flatten().filter_map(pair).collect()
    }

    fn read(state: &'a Value, defects: &mut Vec<String>) -> Self {
        let name = text(state, "name", "a state", defects);
        let kind = text(state, "type", name, defects);
        let transitions = list(state, "transitions", name, defects);
        let transitions = transitions
            .iter()
            .map(|item| Transition::read(item, name, defects))
            .collect();
        let properties = state["properties"].as_object().into_iter().flatten();
        let properties = properties.map(|(key, value)| (key.as_str(), value)).collect();
        let offset = &state["properties"]["offset"];
        if !offset["x"].is_i64() || !offset["y"].is_i64() {
            defects.push(format!("{name}: properties.offset must have whole x and y"));
        }
        Self {
            name,
            kind,
            transitions,
            properties,
        }
    }
}

impl<'a> Transition<'a> {
    fn read(transition: &'a Value, state: &str, defects: &mut Vec<String>) -> Self {
        let event = text(transition, "event", state, defects);
        let next = transition
            .get("next")
            .map(|_| text(transition, "next", state, defects));
        let conditions = match transition.get("conditions") {
            None => Vec::new(),
            Some(_) => list(transition, "conditions", state, defects)
                .iter()
                .map(|condition| Condition::read(condition, state, defects))
                .collect(),
        };
        Self {
            event,
            next,
            conditions,
        }
    }
}

impl<'a> Condition<'a> {
    fn read(condition: &'a Value, state: &str, defects: &mut Vec<String>) -> Self {
        text(condition, "friendly_name", state, defects);
        let argument = match list(condition, "arguments", state, defects) {
            [only] => only.as_str(),
            _ => None,
        };
        if argument.is_none() {
            defects.push(format!("{state}: arguments must hold one string"));
        }
        let kind = text(condition, "type", state, defects);
        let value = text(condition, "value", state, defects);
        Self {
            argument: argument.unwrap_or_default(),
            kind,
            value,
        }
    }
}

fn text<'a>(of: &'a Value, key: &str, place: &str, defects: &mut Vec<String>) -> &'a str {
    let found = of[key].as_str();
    if found.is_none_or(str::is_empty) {
        defects.push(format!("{place}: {key} must be a string with something in it"));
    }
    found.unwrap_or_default()
}

fn list<'a>(of: &'a Value, key: &str, place: &str, defects: &mut Vec<String>) -> &'a [Value] {
    let found = of[key].as_array();
    if found.is_none() {
        defects.push(format!("{place}: {key} must be a list"));
    }
    found.map(Vec::as_slice).unwrap_or_default()
}
