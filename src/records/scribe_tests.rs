use super::*;
use crate::call::outcome::Reason;

const CALLER: SessionId = SessionId {
    speaker: Side::Caller,
    generation: 0,
};
const AGENT: SessionId = SessionId {
    speaker: Side::Agent,
    generation: 0,
};

fn scribe(prompted: &str, transcription: Option<&str>) -> Scribe {
    let models = Models {
        prompted: prompted.to_owned(),
        translate: "gpt-realtime-translate".to_owned(),
        transcription: transcription.map(str::to_owned),
    };
    let english = Language::english();
    let caller = Caller {
        sid: "CA1",
        number: "+15550100042",
        service_number: "+34910000000",
        language: Language::find("spanish").expect("a language"),
        agent_language: english,
    };
    let id = CallId::from_bytes([7; 16]);
    Scribe::new(
        id,
        caller,
        1_000_000,
        Arc::new(models),
        Arc::new(Prices::default()),
    )
}

fn ended() -> Event {
    Event::Ended {
        outcome: Reason::CallerHungUp.outcome(),
        totals: Totals {
            lost: [8_000, 800],
            repeated: [1, 2],
            dropped: [0, 16_000],
            ..Totals::default()
        },
    }
}

fn spanish() -> &'static Language {
    Language::find("spanish").expect("a language")
}

#[test]
fn a_call_is_told_as_it_goes_and_whole_at_its_end() {
    let (mut scribe, mut out) = (scribe("gpt-realtime-2.1", None), VecDeque::new());
    scribe.note(
        Time::from_millis(2_000),
        &Event::Accepted {
            worker: Some("Ana".to_owned()),
        },
        &mut out,
    );
    scribe.note(Time::from_millis(2_500), &Event::Conversation, &mut out);
    let quantiles = |ms| Quantiles {
        count: 3,
        median: Duration::from_millis(ms),
        p90: Duration::from_millis(2 * ms),
    };
    let spans = Event::Spans {
        speaker: Side::Agent,
        onset: quantiles(900),
        end: quantiles(700),
    };
    scribe.note(Time::from_millis(9_000), &spans, &mut out);
    scribe.note(Time::from_millis(9_000), &ended(), &mut out);
    let calls = out.iter().filter_map(|record| match record {
        Record::Call(call) => Some(call),
        _ => None,
    });
    let calls: Vec<_> = calls.collect();
    assert_eq!(calls.len(), 3);
    let last = calls[2];
    assert_eq!(
        (last.started, last.accepted, last.talked, last.ended),
        (1_000_000, Some(1_002_000), Some(1_002_500), Some(1_009_000))
    );
    assert_eq!((last.agent.as_deref(), last.cost), (Some("Ana"), Some(0)));
    let span = SpanRecord {
        median: 900,
        p90: 1_800,
    };
    assert_eq!(last.spans, [None, Some(span)]);
    assert_eq!((last.lost_ms, last.repeated, last.dropped_ms), (1_100, 3, 2_000));
    let kinds: Vec<_> = out
        .iter()
        .filter_map(|record| match record {
            Record::Event(event) => Some((event.number, event.kind.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [(1, "accepted"), (2, "conversation"), (3, "ended")]);
}

#[test]
fn dedicated_sessions_cost_by_the_minute_and_prompted_ones_by_what_they_used() {
    let (mut scribe, mut out) = (
        scribe("gpt-realtime-2.1", Some("gpt-transcribe")),
        VecDeque::new(),
    );
    scribe.session_opened(CALLER, EngineKind::Translate, spanish(), Language::english());
    scribe.session_opened(AGENT, EngineKind::Prompted, spanish(), Language::english());
    let usage = Usage {
        audio_in: 1_000_000,
        audio_out: 500_000,
        ..Usage::default()
    };
    let used = Event::Used {
        session: AGENT,
        usage,
    };
    scribe.note(Time::from_millis(5_000), &used, &mut out);
    // Two minutes.
    scribe.session_closed(CALLER, 2 * 60 * 8_000);
    scribe.note(Time::from_millis(130_000), &ended(), &mut out);
    let costs: Vec<_> = out
        .iter()
        .filter_map(|record| match record {
            Record::Usage(usage) => Some((usage.speaker, usage.model.as_str(), usage.audio_ms, usage.cost)),
            _ => None,
        })
        .collect();
    let dedicated = 2 * (34_000 + 17_000);
    let prompted = 32_000_000 + 32_000_000;
    assert_eq!(
        costs,
        [
            (Speaker::Agent, "gpt-realtime-2.1", 0, Some(prompted)),
            (
                Speaker::Caller,
                "gpt-realtime-translate",
                120_000,
                Some(dedicated)
            ),
        ]
    );
    assert_eq!(scribe.call.cost, Some(prompted + dedicated));
}

#[test]
fn what_a_model_of_unknown_price_costs_is_not_guessed() {
    let (mut scribe, mut out) = (scribe("our-deployment", None), VecDeque::new());
    scribe.session_opened(CALLER, EngineKind::Prompted, spanish(), Language::english());
    let used = Event::Used {
        session: CALLER,
        usage: Usage::default(),
    };
    scribe.note(Time::from_millis(5_000), &used, &mut out);
    scribe.note(Time::from_millis(6_000), &ended(), &mut out);
    assert_eq!(scribe.call.cost, None);
}

#[test]
fn keys_are_not_kept() {
    let (mut scribe, mut out) = (scribe("gpt-realtime-2.1", None), VecDeque::new());
    let key = Event::Key {
        side: Side::Caller,
        digit: '4',
    };
    scribe.note(Time::from_millis(5_000), &key, &mut out);
    assert!(out.is_empty());
}
