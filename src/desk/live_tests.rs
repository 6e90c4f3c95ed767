use std::time::Duration;

use super::*;
use crate::call::Span;
use crate::call::event::Totals;
use crate::call::outcome::Reason;
use crate::language::Language;

const SESSION: SessionId = SessionId {
    speaker: Side::Caller,
    generation: 2,
};

fn language(name: &str) -> &'static Language {
    Language::find(name).expect("a language")
}

fn live(caller: &str) -> Live {
    let facts = Facts {
        caller_number: "+15550100042".to_owned(),
        service_number: "+15550100100".to_owned(),
        caller: language(caller),
        agent: language("english"),
        started: 1_000_000,
    };
    Live::new("c".to_owned(), &facts, OriginalAudio::Off, Levels::default())
}

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn caption(turn: u32, source: bool, text: &str) -> Event {
    Event::Caption {
        speaker: Side::Caller,
        session: SESSION,
        turn,
        source,
        text: text.to_owned(),
    }
}

#[test]
fn a_caption_grows_in_its_place_and_becomes_the_utterance() {
    let mut live = live("spanish");
    let first = live.note(at(100), &caption(1, true, " Buenos"));
    assert_eq!(first, Change::Line(0));
    assert_eq!(
        live.note(at(200), &caption(2, true, "¿Qué tal?")),
        Change::Line(1)
    );
    assert_eq!(live.note(at(300), &caption(1, true, " días")), Change::Line(0));
    live.note(at(400), &caption(1, false, "Good day"));
    let line = live.line(0).expect("a line").clone();
    assert_eq!(line.key, "caller-2-1");
    assert_eq!(
        (line.source.as_str(), line.target.as_str()),
        ("Buenos días", "Good day")
    );
    assert!(!line.is_final && line.spoken == 1_000_100);
    let utterance = Utterance {
        speaker: Some(Side::Caller),
        number: 1,
        turn: Some((SESSION, 1)),
        source: "Buenos días.".to_owned(),
        target: "Good day.".to_owned(),
        started: Some(at(50)),
        first_sent: Some(at(400)),
        span: Some(Span {
            onset: Duration::from_millis(350),
            end: None,
            carrier: Duration::ZERO,
            ours: Duration::ZERO,
            engine: Duration::ZERO,
        }),
        ..Utterance::default()
    };
    assert_eq!(live.note(at(500), &Event::Utterance(utterance)), Change::Line(0));
    let line = live.line(0).expect("a line");
    assert!(line.is_final && line.key == "caller-2-1" && line.spoken == 1_000_050);
    assert_eq!(live.call.delay.caller, Some(350));
    // What comes late changes nothing any more.
    assert_eq!(live.note(at(600), &caption(1, true, "!")), Change::Nothing);
}

#[test]
fn health_is_told_as_it_is() {
    let mut live = live("spanish");
    let speaker = Side::Caller;
    let mut seen = vec![live.call.health.caller];
    let lost = |active| Event::SessionLost {
        speaker,
        active,
        why: "x".to_owned(),
    };
    for event in [
        Event::SessionReady { speaker },
        lost(false),
        lost(true),
        Event::OriginalVoice { speaker },
        Event::SessionReady { speaker },
        Event::Interpreted { speaker },
        Event::Controlled {
            control: Control::Interpret(false),
        },
        Event::OriginalVoice { speaker },
        Event::Controlled {
            control: Control::ToggleInterpretation,
        },
        Event::Controlled {
            control: Control::Language {
                side: Side::Agent,
                language: language("spanish"),
            },
        },
    ] {
        live.note(at(1), &event);
        seen.push(live.call.health.caller);
    }
    use Health::*;
    assert_eq!(
        seen,
        [
            Connecting,
            Interpreting,
            Interpreting,
            Reconnecting,
            OriginalVoice,
            OriginalVoice,
            Interpreting,
            Off,
            Off,
            Connecting,
            SameLanguage,
        ]
    );
    assert_eq!(super::tests::live("english").call.health.agent, SameLanguage);
}

#[test]
fn an_endless_call_forgets_its_first_lines_and_keeps_their_places_apart() {
    let mut live = live("spanish");
    for turn in 0..1_500 {
        assert_eq!(
            live.note(at(turn.into()), &caption(turn, true, "x")),
            Change::Line(turn as usize)
        );
    }
    assert_eq!(live.lines().len(), 1_000);
    assert_eq!(live.line(499), None);
    assert_eq!(live.line(500).map(|line| line.key.as_str()), Some("caller-2-500"));
    assert_eq!(
        live.note(at(2_000), &caption(1_499, true, "y")),
        Change::Line(1_499)
    );
}

#[test]
fn its_end_is_told_by_its_reason() {
    let mut live = live("spanish");
    let event = Event::Ended {
        outcome: Reason::AgentHungUp.outcome(),
        totals: Totals::default(),
    };
    assert_eq!(live.note(at(9), &event), Change::Ended("agent_hung_up"));
}

#[test]
fn a_call_whose_agent_is_lost_says_so_and_is_first_in_the_queue_once_it_is_offered_again() {
    let mut live = live("spanish");
    let agent = Side::Agent;
    let line = |live: &Live| (live.call.agent_line, live.call.agent_lost_since);
    assert_eq!(line(&live), (AgentLine::None, None));
    live.note(
        at(100),
        &Event::LegUp {
            side: agent,
            again: false,
        },
    );
    live.note(
        at(100),
        &Event::Accepted {
            worker: Some("ana".to_owned()),
        },
    );
    live.note(at(200), &Event::SessionReady { speaker: agent });
    live.note(at(300), &Event::Conversation);
    assert_eq!(line(&live), (AgentLine::Up, None));
    live.note(at(400), &Event::LegLost { side: agent });
    assert_eq!(line(&live), (AgentLine::Lost, Some(1_000_400)));
    assert_eq!(
        (live.call.phase, live.call.priority),
        (Phase::Conversation, false)
    );
    live.note(
        at(500),
        &Event::LegUp {
            side: agent,
            again: true,
        },
    );
    assert_eq!(line(&live), (AgentLine::Up, None));
    live.note(at(600), &Event::LegLost { side: agent });
    let change = live.note(at(700), &Event::OfferedAgain { why: "lost" });
    assert_eq!(change, Change::Call);
    assert_eq!(line(&live), (AgentLine::None, None));
    assert_eq!((live.call.phase, live.call.priority), (Phase::Waiting, true));
    assert_eq!(
        (live.call.agent.as_deref(), live.call.health.agent),
        (None, Health::Connecting)
    );
    live.note(
        at(800),
        &Event::Accepted {
            worker: Some("ben".to_owned()),
        },
    );
    live.note(at(900), &Event::Conversation);
    assert_eq!(
        (live.call.agent.as_deref(), live.call.priority),
        (Some("ben"), false)
    );
    assert_eq!(
        (live.call.accepted, live.call.talked),
        (Some(1_000_100), Some(1_000_300))
    );
}
