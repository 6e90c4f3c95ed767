//! Defects to plant in a sound flow, each with what the validator must say about it.
//!
//! They keep the validator honest: a rule that no longer fires makes `planted_defects_are_found` fail. Each one changes a single place.

use serde_json::{Value, json};

/// A change that spoils the flow, and a part of the defect that must be reported for it.
pub struct Planted {
    pub name: &'static str,
    pub plant: fn(&mut Value),
    pub reported: &'static str,
}

const fn planted(name: &'static str, plant: fn(&mut Value), reported: &'static str) -> Planted {
    Planted {
        name,
        plant,
        reported,
    }
}

/// One defect for each rule, and a few of the ways to break it.
pub const PLANTED: &[Planted] = &[
    // The graph.
    planted(
        "dangling next",
        |flow| *next_of(flow, "menu_french", "speech") = json!("nowhere"),
        "menu_french: speech leads to nowhere, which does not exist",
    ),
    planted(
        "missing timeout transition",
        |flow| remove_event(flow, "menu_spanish", "timeout"),
        "menu_spanish: event timeout is there 0 times",
    ),
    planted(
        "missing noMatch",
        |flow| remove_event(flow, "which_language", "noMatch"),
        "which_language: event noMatch is there 0 times",
    ),
    planted(
        "event without next",
        |flow| remove_next(flow, "menu_hindi", "speech"),
        "menu_hindi: speech leads nowhere and is not explained",
    ),
    planted(
        "redirect that fails in silence",
        |flow| remove_next(flow, "connect", "fail"),
        "connect: fail leads nowhere and is not explained",
    ),
    planted(
        "unreachable state",
        |flow| *next_of(flow, "after_silence", "noMatch") = json!("default_language"),
        "repeat_menu: no way leads here",
    ),
    planted(
        "event of another widget type",
        |flow| state_of(flow, "start")["transitions"][0]["event"] = json!("audioComplete"),
        "start: event audioComplete is not known",
    ),
    planted(
        "event twice",
        |flow| {
            let again = state_of(flow, "menu_hindi")["transitions"][0].clone();
            transitions_of(flow, "menu_hindi").push(again);
        },
        "menu_hindi: event keypress is there 2 times",
    ),
    planted(
        "name twice",
        |flow| state_of(flow, "sorry_hindi")["name"] = json!("sorry_french"),
        "sorry_french: two states",
    ),
    planted(
        "foreign start",
        |flow| flow["initial_state"] = json!("start"),
        "initial_state start must be the one trigger",
    ),
    planted(
        "no start",
        |flow| flow["initial_state"] = json!(null),
        "flow: initial_state must be a string",
    ),
    planted(
        "no flags",
        |flow| flow["flags"] = json!({}),
        "flags.allow_concurrent_calls must be a boolean",
    ),
    planted(
        "unknown widget type",
        |flow| state_of(flow, "sorry_hindi")["type"] = json!("sing-along"),
        "sorry_hindi: type sing-along is not known",
    ),
    planted(
        "no transitions",
        |flow| state_of(flow, "sorry_hindi")["transitions"] = json!(null),
        "sorry_hindi: transitions must be a list",
    ),
    planted(
        "too many states",
        |flow| {
            let states = flow["states"].as_array_mut().expect("states are a list");
            states.resize(1_001, states[1].clone());
        },
        "flow: 1001 states are too many",
    ),
    // Values that are not there.
    planted(
        "unset variable",
        |flow| {
            *property_of(flow, "default_language", "variables") =
                json!([{"key": "idiom", "value": "english", "type": "string"}])
        },
        "connect: not every way here sets flow.variables.language",
    ),
    planted(
        "misspelt variable in the URL",
        |flow| {
            *property_of(flow, "connect", "url") =
                json!("https://your-domain.example/incoming-call?lang={{flow.variables.lang}}")
        },
        "connect: not every way here sets flow.variables.lang",
    ),
    planted(
        "result of a widget that does not exist",
        |flow| set_value(flow, "pressed_in_english", 1, "{{widgets.menu.Digits}}"),
        "pressed_in_english: no widget has the name in widgets.menu.Digits",
    ),
    planted(
        "split on a widget that does not exist",
        |flow| {
            *property_of(flow, "after_silence", "input") = json!("{{widgets.ghost.Digits}}");
            transitions_of(flow, "after_silence")[1]["conditions"][0]["arguments"] =
                json!(["{{widgets.ghost.Digits}}"]);
        },
        "after_silence: no widget has the name in widgets.ghost.Digits",
    ),
    planted(
        "result of a menu that was not asked on every way",
        |flow| set_value(flow, "pressed_in_english", 1, "{{widgets.menu_hindi.Digits}}"),
        "pressed_in_english: not every way here has a result for widgets.menu_hindi.Digits",
    ),
    planted(
        "digits after speech",
        |flow| set_value(flow, "spoken_in_hindi", 1, "{{widgets.menu_hindi.Digits}}"),
        "spoken_in_hindi: not every way here has a result for widgets.menu_hindi.Digits",
    ),
    planted(
        "open Liquid",
        |flow| set_value(flow, "spoken_in_hindi", 1, "{{widgets.menu_hindi.SpeechResult"),
        "a Liquid output is not closed",
    ),
    planted(
        "language that is no slug",
        |flow| set_value(flow, "choose_french", 0, "français"),
        "connect: flow.variables.language in the URL is not always a plain slug",
    ),
    // Properties.
    planted(
        "digits as a string",
        |flow| *property_of(flow, "menu_french", "number_of_digits") = json!("1"),
        "menu_french: number_of_digits has a wrong value",
    ),
    planted(
        "no digits",
        |flow| remove_property(flow, "menu_french", "number_of_digits"),
        "number_of_digits is missing",
    ),
    planted(
        "no words",
        |flow| *property_of(flow, "sorry_hindi", "say") = json!(" "),
        "sorry_hindi: say has a wrong value",
    ),
    planted(
        "timeout as a number",
        |flow| *property_of(flow, "connect", "timeout") = json!(0),
        "connect: timeout has a wrong value",
    ),
    planted(
        "endless wait",
        |flow| *property_of(flow, "connect", "timeout") = json!("14401"),
        "connect: timeout has a wrong value",
    ),
    planted(
        "unknown property",
        |flow| *property_of(flow, "start", "colour") = json!("red"),
        "start: property colour is not known",
    ),
    planted(
        "speech model with automatic timeout",
        |flow| *property_of(flow, "menu_english", "speech_model") = json!("phone_call"),
        "menu_english: speech_model excludes speech_timeout auto",
    ),
    planted(
        "Say code for a recogniser",
        |flow| *property_of(flow, "menu_mandarin", "gather_language") = json!("cmn-CN"),
        "menu_mandarin: voice, language and gather_language do not belong together",
    ),
    planted(
        "voice of another language",
        |flow| *property_of(flow, "apology_french", "voice") = json!("Polly.Joanna-Neural"),
        "apology_french: voice, language and gather_language do not belong together",
    ),
    planted(
        "too many hints",
        |flow| *property_of(flow, "menu_hindi", "hints") = json!("word,".repeat(501)),
        "menu_hindi: hints are too many or too long",
    ),
    planted(
        "long speech",
        |flow| *property_of(flow, "sorry_hindi", "say") = json!("न".repeat(600)),
        "sorry_hindi: say is too long",
    ),
    planted(
        "real host",
        |flow| {
            *property_of(flow, "connect", "url") =
                json!("https://calls.example.com/incoming-call?lang={{flow.variables.language}}")
        },
        "connect: url names a host other than the placeholder",
    ),
    planted(
        "no place on the canvas",
        |flow| *property_of(flow, "connect", "offset") = json!({"x": 1}),
        "connect: properties.offset must have whole x and y",
    ),
    // Conditions.
    planted(
        "two arguments",
        |flow| {
            let input = "{{flow.variables.tries}}";
            transitions_of(flow, "after_mistake")[1]["conditions"][0]["arguments"] = json!([input, input]);
        },
        "after_mistake: arguments must hold one string",
    ),
    planted(
        "condition on something else than the input",
        |flow| {
            transitions_of(flow, "after_mistake")[1]["conditions"][0]["arguments"] =
                json!(["{{flow.variables.menu}}"])
        },
        "after_mistake: a condition compares {{flow.variables.menu}}, not the input",
    ),
    planted(
        "match without condition",
        |flow| transitions_of(flow, "after_mistake")[1]["conditions"] = json!([]),
        "after_mistake: match must have 1 conditions",
    ),
    planted(
        "unknown comparison",
        |flow| transitions_of(flow, "after_mistake")[1]["conditions"][0]["type"] = json!("sounds_like"),
        "after_mistake: condition type sounds_like is not known",
    ),
    planted(
        "capital in a word",
        |flow| transitions_of(flow, "which_language")[6]["conditions"][0]["value"] = json!(".*(Spanish).*"),
        "which_language: regex .*(Spanish).* is not of the form",
    ),
];

/// The JSON of a state.
pub fn state_of<'a>(flow: &'a mut Value, name: &str) -> &'a mut Value {
    let states = flow["states"].as_array_mut().expect("states are a list");
    states
        .iter_mut()
        .find(|state| state["name"] == name)
        .expect("the state exists")
}

/// A property of a state, made when it is not there.
pub fn property_of<'a>(flow: &'a mut Value, name: &str, key: &str) -> &'a mut Value {
    &mut state_of(flow, name)["properties"][key]
}

/// Where an event of a state leads.
pub fn next_of<'a>(flow: &'a mut Value, name: &str, event: &str) -> &'a mut Value {
    let transitions = transitions_of(flow, name);
    let transition = transitions
        .iter_mut()
        .find(|transition| transition["event"] == event);
    &mut transition.expect("the event exists")["next"]
}

/// Takes the transitions of an event away.
pub fn remove_event(flow: &mut Value, name: &str, event: &str) {
    transitions_of(flow, name).retain(|transition| transition["event"] != event);
}

fn transitions_of<'a>(flow: &'a mut Value, name: &str) -> &'a mut Vec<Value> {
    state_of(flow, name)["transitions"]
        .as_array_mut()
        .expect("transitions are a list")
}

fn remove_next(flow: &mut Value, name: &str, event: &str) {
    let transitions = transitions_of(flow, name);
    let transition = transitions
        .iter_mut()
        .find(|transition| transition["event"] == event);
    transition
        .and_then(Value::as_object_mut)
        .expect("the event exists")
        .remove("next");
}

fn remove_property(flow: &mut Value, name: &str, key: &str) {
    state_of(flow, name)["properties"]
        .as_object_mut()
        .expect("properties are an object")
        .remove(key);
}

fn set_value(flow: &mut Value, name: &str, place: usize, value: &str) {
    property_of(flow, name, "variables")[place]["value"] = json!(value);
}
