//! The Studio flow in `studio/`: it has no defects, and every caller ends in the right request.
//!
//! Three things are tested: the file against what Studio accepts (`validate`), the flow with scripted callers and with every possible caller
//! (`runner`), and the validator itself, by planting defects that it must find. Nothing here talks to Twilio.

mod studio {
    pub mod facts;
    pub mod flow;
    pub mod liquid;
    pub mod planted;
    pub mod runner;
    pub mod schema;
    pub mod validate;
}

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Value, json};
use studio::flow::Flow;
use studio::planted::{PLANTED, next_of, property_of, remove_event};
use studio::runner::{Ending, Input, Run, call, call_that_comes_back};
use studio::schema;
use studio::validate::{End, defects};

const FLOW: &str = include_str!("../studio/language_ivr.json");
const README: &str = include_str!("../studio/README.md");
const DEFAULT: &str = "english";
/// In the order of the menu; the key is the place in this list.
const LANGUAGES: [&str; 5] = ["english", "spanish", "french", "mandarin", "hindi"];
/// What callers say, as a recogniser writes it, and what they mean.
const PHRASES: &[(&str, &str)] = &[
    ("English", "english"),
    ("english please.", "english"),
    ("Inglés.", "english"),
    ("英语", "english"),
    ("Spanish.", "spanish"),
    ("I speak Spanish, please", "spanish"),
    ("No English, español.", "spanish"),
    ("Español", "spanish"),
    ("French", "french"),
    ("Français.", "french"),
    ("francais", "french"),
    ("फ़्रेंच", "french"),
    ("Mandarin", "mandarin"),
    ("Chinese please", "mandarin"),
    ("普通话。", "mandarin"),
    ("中文", "mandarin"),
    ("Hindi.", "hindi"),
    ("हिन्दी", "hindi"),
    ("हिंदी में", "hindi"),
];

static SHIPPED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(FLOW).expect("the shipped flow is JSON"));

fn flow() -> Flow<'static> {
    Flow::read(&SHIPPED).expect("the flow has the right shape")
}

/// The ends that the README explains: the rows of its table of ends, as (widget, event).
fn explained() -> BTreeSet<End> {
    let section = README
        .split("## Where the flow may end")
        .nth(1)
        .expect("the README has a section about ends");
    let section = section.split("\n## ").next().unwrap_or(section);
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let [widget, event, reason, ..] = cells[..] else {
            return None;
        };
        assert!(!reason.is_empty(), "an end needs a reason: {line}");
        Some((
            widget.trim_matches('`').to_owned(),
            event.trim_matches('`').to_owned(),
        ))
    };
    section.lines().filter_map(row).collect()
}

/// A caller who gives these answers at the first menus, one each, and is silent from then on.
fn scripted(flow: &Flow<'_>, script: &[Input<'_>]) -> Run {
    let mut answers = script.iter();
    call(flow, |_| *answers.next().unwrap_or(&Input::Silence))
        .unwrap_or_else(|fault| panic!("{script:?}: {fault}"))
}

/// The slug in the request of a run, after everything else about the request has been checked.
fn language(run: &Run) -> String {
    let Ending::Redirected(request) = &run.ending else {
        panic!("hung up: {run:?}")
    };
    assert_eq!(request.method, "POST");
    assert_eq!(request.url.scheme(), "https");
    assert_eq!(request.url.host_str(), Some("your-domain.example"));
    assert_eq!(request.url.path(), "/incoming-call");
    assert_eq!((request.url.port(), request.url.fragment()), (None, None));
    let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
    let [(key, value)] = &query[..] else {
        panic!("one parameter is wanted: {query:?}")
    };
    assert_eq!(key, "lang");
    value.clone()
}

fn meaning(input: Input<'_>) -> Option<&'static str> {
    match input {
        Input::Key(key) => {
            let place = usize::try_from(key.to_digit(10)?).ok()?.checked_sub(1)?;
            LANGUAGES.get(place).copied()
        }
        Input::Speech(text) => PHRASES
            .iter()
            .find(|(phrase, _)| *phrase == text)
            .map(|(_, language)| *language),
        Input::Silence => None,
    }
}

#[test]
fn the_shipped_flow_has_no_defects() {
    let found = defects(&SHIPPED, &explained());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_key_chooses_its_language_at_every_menu() {
    let flow = flow();
    for silences in 0..LANGUAGES.len() {
        for (place, expected) in LANGUAGES.iter().enumerate() {
            let key = char::from_digit(place as u32 + 1, 10).expect("five keys");
            let mut script = vec![Input::Silence; silences];
            script.push(Input::Key(key));
            assert_eq!(
                language(&scripted(&flow, &script)),
                *expected,
                "key {key} after {silences} menus"
            );
        }
    }
}

#[test]
fn each_language_is_chosen_by_its_name_at_every_menu() {
    let flow = flow();
    for silences in 0..LANGUAGES.len() {
        for (phrase, expected) in PHRASES {
            let mut script = vec![Input::Silence; silences];
            script.push(Input::Speech(phrase));
            assert_eq!(
                language(&scripted(&flow, &script)),
                *expected,
                "{phrase} after {silences} menus"
            );
        }
    }
}

#[test]
fn a_silent_caller_hears_the_menu_twice_and_gets_the_default_language() {
    let flow = flow();
    let run = scripted(&flow, &[]);
    let heard: Vec<&str> = run.spoken.iter().map(|spoken| spoken.state.as_str()).collect();
    let round = [
        "menu_english",
        "menu_spanish",
        "menu_french",
        "menu_mandarin",
        "menu_hindi",
    ];
    assert_eq!(heard, [round, round].concat());
    assert_eq!(language(&run), DEFAULT);
}

#[test]
fn who_is_not_understood_is_asked_again_in_the_language_of_that_menu() {
    let flow = flow();
    for (place, name) in LANGUAGES.iter().enumerate() {
        for wrong in [Input::Key('9'), Input::Key('#'), Input::Speech("banana")] {
            let mut script = vec![Input::Silence; place];
            script.extend([wrong, Input::Key('4')]);
            let run = scripted(&flow, &script);
            let last: Vec<(&str, &str)> = run.spoken[place..]
                .iter()
                .map(|spoken| (spoken.state.as_str(), spoken.language.as_str()))
                .collect();
            let (menu, sorry) = (format!("menu_{name}"), format!("sorry_{name}"));
            let tag = ["en-US", "es-US", "fr-FR", "cmn-CN", "hi-IN"][place];
            assert_eq!(
                last,
                [(menu.as_str(), tag), (sorry.as_str(), tag), (menu.as_str(), tag)],
                "{wrong:?}"
            );
            assert_eq!(language(&run), "mandarin");
        }
    }
}

#[test]
fn three_mistakes_end_in_the_default_language() {
    let flow = flow();
    let run = scripted(
        &flow,
        &[
            Input::Key('9'),
            Input::Speech("banana"),
            Input::Key('0'),
            Input::Key('2'),
        ],
    );
    assert_eq!(
        language(&run),
        DEFAULT,
        "the key after the third mistake comes too late"
    );
    assert_eq!(
        run.spoken.len(),
        5,
        "three menus and two apologies: {:?}",
        run.spoken
    );
}

#[test]
fn all_scripts_of_up_to_three_inputs_end_in_the_first_language_that_was_named() {
    let flow = flow();
    let mut alphabet: Vec<Input<'_>> = "0123456789*#".chars().map(Input::Key).collect();
    alphabet.extend(PHRASES.iter().map(|(phrase, _)| Input::Speech(phrase)));
    alphabet.extend([Input::Speech("banana"), Input::Speech("?"), Input::Silence]);
    let mut longest: Vec<Vec<Input<'_>>> = vec![Vec::new()];
    for _ in 0..=3 {
        for script in &longest {
            let expected = script.iter().find_map(|input| meaning(*input)).unwrap_or(DEFAULT);
            assert_eq!(language(&scripted(&flow, script)), expected, "{script:?}");
        }
        if longest[0].len() < 3 {
            let pairs = longest
                .iter()
                .flat_map(|script| alphabet.iter().map(move |input| (script, *input)));
            longest = pairs
                .map(|(script, input)| [script.as_slice(), &[input]].concat())
                .collect();
        }
    }
}

#[test]
fn every_possible_caller_ends_in_one_request() {
    let flow = flow();
    let answers = [
        Input::Silence,
        Input::Key('9'),
        Input::Speech("banana"),
        Input::Key('2'),
        Input::Speech("हिन्दी"),
    ];
    let mut open: Vec<Vec<Input<'_>>> = vec![Vec::new()];
    let mut callers = 0;
    let mut menus = 0;
    while let Some(script) = open.pop() {
        let mut asked = 0;
        let run = call(&flow, |_| {
            asked += 1;
            script.get(asked - 1).copied().unwrap_or(Input::Silence)
        });
        let run = run.unwrap_or_else(|fault| panic!("{script:?}: {fault}"));
        if asked > script.len() {
            open.extend(
                answers
                    .iter()
                    .map(|answer| [script.as_slice(), &[*answer]].concat()),
            );
            continue;
        }
        let expected = script.iter().find_map(|input| meaning(*input)).unwrap_or(DEFAULT);
        assert_eq!(language(&run), expected, "{script:?}");
        callers += 1;
        menus = menus.max(asked);
    }
    assert!(callers > 500, "only {callers} different callers were tried");
    assert!(menus <= 12, "somebody was asked {menus} times");
}

#[test]
fn a_redirect_that_fails_ends_with_an_apology_in_the_language_of_the_caller() {
    let flow = flow();
    for (place, name) in LANGUAGES.iter().enumerate() {
        let key = char::from_digit(place as u32 + 1, 10).expect("five keys");
        let run = call_that_comes_back(&flow, "fail", |_| Input::Key(key)).expect("the flow runs");
        assert_eq!(run.ending, Ending::HungUp);
        let last = run.spoken.last().expect("something was said");
        assert_eq!(last.state, format!("apology_{name}"));
    }
    for event in ["return", "timeout"] {
        let run = call_that_comes_back(&flow, event, |_| Input::Key('1')).expect("the flow runs");
        assert_eq!(
            (run.ending, run.spoken.len()),
            (Ending::HungUp, 1),
            "{event}: nothing more is said"
        );
    }
}

#[test]
fn every_menu_expects_every_language_and_understands_all_its_hints() {
    let flow = flow();
    let menus = flow
        .states
        .iter()
        .filter(|state| state.kind == "gather-input-on-call");
    for (silences, menu) in menus.enumerate() {
        let mut expected = BTreeSet::new();
        for hint in menu.property("hints").split(',').map(str::trim) {
            let mut script = vec![Input::Silence; silences];
            script.push(Input::Speech(hint));
            let run = scripted(&flow, &script);
            assert_eq!(
                run.spoken.len(),
                silences + 1,
                "{}: {hint} is not understood",
                menu.name
            );
            expected.insert(language(&run));
        }
        assert_eq!(
            expected,
            LANGUAGES.iter().map(|name| (*name).to_owned()).collect(),
            "{}",
            menu.name
        );
    }
}

#[test]
fn no_word_belongs_to_two_languages() {
    let flow = flow();
    let split = flow.state("which_language").expect("the split of the answer");
    let mut owner: BTreeMap<&str, &str> = BTreeMap::new();
    for transition in &split.transitions {
        for word in transition
            .conditions
            .iter()
            .filter_map(|condition| schema::words(condition.value))
            .flatten()
        {
            let next = transition.next.expect("every match leads somewhere");
            assert_eq!(owner.insert(word, next), None, "{word}");
        }
    }
    for (word, next) in &owner {
        let inside = owner
            .iter()
            .find(|(other, target)| other.contains(word) && *target != next);
        assert_eq!(inside, None, "{word} is part of a word for another language");
    }
    assert!(owner.len() > 40, "{owner:?}");
}

#[test]
fn planted_defects_are_found() {
    let explained = explained();
    for planted in PLANTED {
        let mut flow = SHIPPED.clone();
        (planted.plant)(&mut flow);
        let found = defects(&flow, &explained);
        let hit = found.iter().any(|defect| defect.contains(planted.reported));
        assert!(
            hit,
            "{}: wanted {:?} among {found:#?}",
            planted.name, planted.reported
        );
    }
}

#[test]
fn an_explained_end_that_is_none_is_found() {
    let mut explained = explained();
    explained.insert(("menu_hindi".to_owned(), "timeout".to_owned()));
    let found = defects(&SHIPPED, &explained);
    assert_eq!(found, ["menu_hindi: timeout is explained as an end and is none"]);
}

#[test]
fn the_runner_refuses_what_would_strand_a_caller() {
    let run = |plant: fn(&mut Value)| {
        let mut flow = SHIPPED.clone();
        plant(&mut flow);
        let flow = Flow::read(&flow).expect("the flow has the right shape");
        call(&flow, |_| Input::Key('1')).expect_err("the run must fail")
    };
    assert_eq!(
        run(|flow| *next_of(flow, "start", "next") = json!("nowhere")),
        "nowhere: no such state"
    );
    assert_eq!(
        run(|flow| remove_event(flow, "menu_english", "keypress")),
        "menu_english: keypress is not handled"
    );
    assert_eq!(
        run(|flow| *property_of(flow, "choose_english", "variables") = json!([])),
        "flow.variables.language has no value"
    );
    assert!(
        run(|flow| *next_of(flow, "pressed_in_english", "next") = json!("menu_english"))
            .contains("more than")
    );
}
