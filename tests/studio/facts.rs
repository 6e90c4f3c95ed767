//! Which values are certain to exist when a widget runs: a must-analysis over the graph of the flow.
//!
//! A widget's event adds facts (a keypress adds `widgets.<name>.Digits`, set-variables adds its keys). What is known at a widget is what *all*
//! ways to it have in common, so a variable that only some of them set counts as missing.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::{Flow, State};
use super::liquid;

type Facts = BTreeSet<String>;

/// The states that can be reached, each with the paths that have a value there on every way from the trigger.
pub fn certain<'a>(flow: &Flow<'a>) -> BTreeMap<&'a str, Facts> {
    let mut known = BTreeMap::from([(flow.initial_state, Facts::new())]);
    let mut open = vec![flow.initial_state];
    while let Some(name) = open.pop() {
        let Some(state) = flow.state(name) else {
            continue;
        };
        for transition in &state.transitions {
            let Some(next) = transition.next else {
                continue;
            };
            let mut arriving = known[name].clone();
            arriving.extend(added(state, transition.event));
            let met = match known.get(next) {
                Some(before) => before.intersection(&arriving).cloned().collect(),
                None => arriving,
            };
            if known.get(next) != Some(&met) {
                known.insert(next, met);
                open.push(next);
            }
        }
    }
    known
}

/// The paths a widget reads; the error is a template that is not understood.
pub fn read<'a>(state: &State<'a>) -> Result<Vec<&'a str>, String> {
    let mut templates: Vec<&str> = state
        .properties
        .values()
        .filter_map(|value| value.as_str())
        .collect();
    templates.extend(state.variables().iter().map(|(_, value)| *value));
    for condition in state
        .transitions
        .iter()
        .flat_map(|transition| &transition.conditions)
    {
        templates.push(condition.argument);
    }
    let mut paths = Vec::new();
    for template in templates {
        paths.extend(liquid::paths(template)?);
    }
    Ok(paths)
}

fn added(state: &State<'_>, event: &str) -> Vec<String> {
    match (state.kind, event) {
        ("gather-input-on-call", "keypress") => vec![format!("widgets.{}.Digits", state.name)],
        ("gather-input-on-call", "speech") => vec![format!("widgets.{}.SpeechResult", state.name)],
        ("set-variables", _) => state
            .variables()
            .iter()
            .map(|(key, _)| format!("flow.variables.{key}"))
            .collect(),
        _ => Vec::new(),
    }
}
