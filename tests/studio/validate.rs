//! Everything that can be wrong with the shipped flow without a call being made: `defects` lists it.
//!
//! Shape first (`flow`), then each widget against what Studio accepts (`schema`), then the graph: names, ends, reachability, and values that are
//! read before they are set (`facts`). Twilio has an online check too (`POST /v2/Flows/Validate`), which knows its schemas better and our intent
//! not at all.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::flow::{Flow, State, Transition};
use super::{facts, schema};

/// An event of a widget that is allowed to lead nowhere: (widget, event).
pub type End = (String, String);

/// The only host a shipped flow may name.
const PLACEHOLDER: &str = "https://your-domain.example/";

/// How each language is spoken and heard: `<Say>` voice, `<Say>` language, `<Gather>` language. The codes differ for Mandarin.
const SPEECH: &[(&str, &str, &str)] = &[
    ("Polly.Joanna-Neural", "en-US", "en-US"),
    ("Polly.Lupe-Neural", "es-US", "es-US"),
    ("Polly.Lea-Neural", "fr-FR", "fr-FR"),
    ("Polly.Zhiyu-Neural", "cmn-CN", "cmn-Hans-CN"),
    ("Polly.Kajal-Neural", "hi-IN", "hi-IN"),
];

/// All defects of a flow, given the ends that are explained; an empty list means it can be shipped.
pub fn defects(flow: &Value, explained: &BTreeSet<End>) -> Vec<String> {
    let flow = match Flow::read(flow) {
        Ok(flow) => flow,
        Err(defects) => return defects,
    };
    let mut found = Vec::new();
    names(&flow, &mut found);
    for state in &flow.states {
        widget(state, &mut found);
        transitions(&flow, state, &mut found);
        texts(state, &mut found);
    }
    ends(&flow, explained, &mut found);
    values(&flow, &mut found);
    slugs(&flow, &mut found);
    found
}

fn names(flow: &Flow<'_>, found: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for state in &flow.states {
        if !seen.insert(state.name) {
            found.push(format!("{}: two states have this name", state.name));
        }
    }
    if flow.states.len() > schema::STATES {
        found.push(format!("flow: {} states are too many", flow.states.len()));
    }
    let triggers: Vec<&str> = flow
        .states
        .iter()
        .filter(|state| state.kind == "trigger")
        .map(|state| state.name)
        .collect();
    if triggers != [flow.initial_state] {
        found.push(format!(
            "flow: initial_state {} must be the one trigger",
            flow.initial_state
        ));
    }
}

/// Type and properties of one widget.
fn widget(state: &State<'_>, found: &mut Vec<String>) {
    let Some(kind) = schema::kind(state.kind) else {
        found.push(format!("{}: type {} is not known", state.name, state.kind));
        return;
    };
    for property in kind.properties {
        match state.properties.get(property.key) {
            None if property.required => found.push(format!("{}: {} is missing", state.name, property.key)),
            Some(value) if !property.shape.fits(value) => {
                found.push(format!(
                    "{}: {} has a wrong value: {value}",
                    state.name, property.key
                ));
            }
            _ => {}
        }
    }
    for key in state.properties.keys() {
        if *key != "offset" && kind.properties.iter().all(|property| property.key != *key) {
            found.push(format!("{}: property {key} is not known", state.name));
        }
    }
    if state.properties.contains_key("speech_model") && state.property("speech_timeout") == "auto" {
        found.push(format!(
            "{}: speech_model excludes speech_timeout auto (error 13335)",
            state.name
        ));
    }
}

/// Events of one widget: all of them there, none twice, each leading to a state, conditions where they belong.
fn transitions(flow: &Flow<'_>, state: &State<'_>, found: &mut Vec<String>) {
    let known = schema::kind(state.kind)
        .map(|kind| kind.events)
        .unwrap_or_default();
    for event in known {
        let count = state
            .transitions
            .iter()
            .filter(|transition| transition.event == *event)
            .count();
        if count == 0 || (count > 1 && *event != "match") {
            found.push(format!("{}: event {event} is there {count} times", state.name));
        }
    }
    for transition in &state.transitions {
        if !known.contains(&transition.event) {
            found.push(format!("{}: event {} is not known", state.name, transition.event));
        }
        if let Some(next) = transition.next
            && flow.state(next).is_none()
        {
            found.push(format!(
                "{}: {} leads to {next}, which does not exist",
                state.name, transition.event
            ));
        }
        conditions(state, transition, found);
    }
}

fn conditions(state: &State<'_>, transition: &Transition<'_>, found: &mut Vec<String>) {
    let wanted = usize::from(transition.event == "match");
    if transition.conditions.len() != wanted {
        found.push(format!(
            "{}: {} must have {wanted} conditions",
            state.name, transition.event
        ));
    }
    for condition in &transition.conditions {
        if condition.argument != state.property("input") {
            found.push(format!(
                "{}: a condition compares {}, not the input",
                state.name, condition.argument
            ));
        }
        if !schema::CONDITIONS.contains(&condition.kind) {
            found.push(format!(
                "{}: condition type {} is not known",
                state.name, condition.kind
            ));
        }
        if condition.kind == "regex" && schema::words(condition.value).is_none() {
            found.push(format!(
                "{}: regex {} is not of the form .*(a|b).*",
                state.name, condition.value
            ));
        }
    }
}

/// Spoken texts, hints, voices and hosts.
fn texts(state: &State<'_>, found: &mut Vec<String>) {
    let (longest, encoded) = schema::SAY;
    let say = state.property("say");
    if say.chars().count() > longest
        || form_urlencoded::byte_serialize(say.as_bytes())
            .map(str::len)
            .sum::<usize>()
            > encoded
    {
        found.push(format!("{}: say is too long", state.name));
    }
    let hints: Vec<&str> = state.property("hints").split(',').collect();
    if hints.len() > schema::HINTS.0
        || hints
            .iter()
            .any(|hint| hint.trim().chars().count() > schema::HINTS.1)
    {
        found.push(format!("{}: hints are too many or too long", state.name));
    }
    if state.properties.contains_key("say") {
        let gathers = state.kind == "gather-input-on-call";
        let spoken = (state.property("voice"), state.property("language"));
        let fits = |row: &&(&str, &str, &str)| {
            (row.0, row.1) == spoken && (!gathers || row.2 == state.property("gather_language"))
        };
        if !SPEECH.iter().any(|row| fits(&row)) {
            found.push(format!(
                "{}: voice, language and gather_language do not belong together",
                state.name
            ));
        }
    }
    for (key, value) in &state.properties {
        let text = value.as_str().unwrap_or_default();
        if (text.contains("://") || *key == "url") && !text.starts_with(PLACEHOLDER) {
            found.push(format!(
                "{}: {key} names a host other than the placeholder",
                state.name
            ));
        }
    }
}

/// Every event leads somewhere, except the ends that are explained; an explanation of something else is stale.
fn ends(flow: &Flow<'_>, explained: &BTreeSet<End>, found: &mut Vec<String>) {
    let mut actual = BTreeSet::new();
    for state in &flow.states {
        let open = state
            .transitions
            .iter()
            .filter(|transition| transition.next.is_none());
        actual.extend(open.map(|transition| (state.name.to_owned(), transition.event.to_owned())));
    }
    for (state, event) in actual.difference(explained) {
        found.push(format!("{state}: {event} leads nowhere and is not explained"));
    }
    for (state, event) in explained.difference(&actual) {
        found.push(format!("{state}: {event} is explained as an end and is none"));
    }
}

/// Every state is reached, and whatever a template reads is certain to be there.
fn values(flow: &Flow<'_>, found: &mut Vec<String>) {
    let known = facts::certain(flow);
    for state in &flow.states {
        let Some(certain) = known.get(state.name) else {
            found.push(format!("{}: no way leads here", state.name));
            continue;
        };
        match facts::read(state) {
            Err(reason) => found.push(format!("{}: {reason}", state.name)),
            Ok(paths) => {
                for path in paths {
                    if !certain.contains(path) {
                        found.push(format!("{}: {} {path}", state.name, missing(flow, path)));
                    }
                }
            }
        }
    }
}

fn missing(flow: &Flow<'_>, path: &str) -> &'static str {
    let widget = path
        .strip_prefix("widgets.")
        .and_then(|rest| rest.split('.').next());
    match widget {
        Some(name) if flow.state(name).is_none() => "no widget has the name in",
        Some(_) => "not every way here has a result for",
        None => "not every way here sets",
    }
}

/// What goes into the URL goes in unencoded, so it may only be a slug.
fn slugs(flow: &Flow<'_>, found: &mut Vec<String>) {
    let mut assigned: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for state in &flow.states {
        for (key, value) in state.variables() {
            assigned
                .entry(format!("flow.variables.{key}"))
                .or_default()
                .push(value);
        }
    }
    for state in flow
        .states
        .iter()
        .filter(|state| state.kind == "add-twiml-redirect")
    {
        for path in super::liquid::paths(state.property("url")).unwrap_or_default() {
            let plain = |value: &&str| !value.is_empty() && value.chars().all(|c| c.is_ascii_lowercase());
            let all = assigned.get(path).is_some_and(|values| values.iter().all(plain));
            if !all {
                found.push(format!(
                    "{}: {path} in the URL is not always a plain slug",
                    state.name
                ));
            }
        }
    }
}
