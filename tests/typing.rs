//! What an agent types is heard by the caller, over the wires; and a call that is taken at the desk.

mod common;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use common::people::{PAUSE, call_named, say, understood};
use common::sound::Recording;
use common::{CALLER, SOON, Stage};
use duologue::call::Control;
use duologue::call::Side;
use duologue::call::event::Event;
use duologue::call::outcome::Reason;
use duologue::sim::speech::{Tongue, clip, text};
use duologue::sim::twilio::CarrierOptions;
use serde_json::json;

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;

fn typed(events: &[Event]) -> Vec<(u32, String, String)> {
    let told = events.iter().filter_map(|event| match event {
        Event::Utterance(one) => Some((one.typed?, one.source.clone(), one.target.clone())),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn what_an_agent_types_is_heard_by_the_caller_in_its_order_with_speech() {
    let stage = Stage::set(&[("INTERPRETER", "prompted")]).await;
    let talk = stage.talk(ES).await;
    say(&talk.agent, 4, EN).await;
    for phrase in [0, 2] {
        let text = text(phrase, EN).to_owned();
        assert!(stage.hub.say(talk.call, Side::Agent, text));
    }
    stage.events.utterances(talk.call, Side::Agent, 3).await;
    assert!(talk.caller.quiet_for(PAUSE, SOON).await);
    // They follow each other without a pause, so they are found by their sound.
    let recording = Recording::of(&talk.caller.heard());
    let places = [4, 0, 2].map(|phrase| recording.whole(clip(phrase, ES)));
    assert!(places.iter().all(|places| places.len() == 1), "{places:?}");
    assert!(places.is_sorted(), "{places:?}");
    let events = stage.events.so_far(Some(talk.call));
    let expected = [0, 2].map(|phrase| (text(phrase, EN).to_owned(), text(phrase, ES).to_owned()));
    let told: Vec<_> = typed(&events)
        .into_iter()
        .map(|(_, from, to)| (from, to))
        .collect();
    assert_eq!(told, expected);
    let ledger = stage.engine.ledger();
    let ledger: Vec<_> = ledger
        .typed()
        .map(|one| (one.text.clone(), one.said.clone().unwrap_or_default()))
        .collect();
    assert_eq!(ledger, expected);
    let captions: String = events
        .iter()
        .filter_map(|event| match event {
            Event::Caption {
                source: false,
                text,
                speaker: Side::Agent,
                ..
            } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert!(captions.contains(text(0, ES)), "{captions}");
    stage.part(&talk).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_message_is_heard_where_nothing_is_interpreted() {
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(ES).await;
    assert!(stage.hub.control(talk.call, Control::Interpret(false)));
    assert!(stage.hub.say(talk.call, Side::Agent, text(6, EN).to_owned()));
    stage.events.utterances(talk.call, Side::Agent, 1).await;
    assert!(talk.caller.quiet_for(PAUSE, SOON).await);
    assert_eq!(understood(&talk.caller), [(6, ES)]);
    stage.part(&talk).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_call_is_taken_at_the_desk_and_worked_on_by_text_alone() {
    let stage = Stage::set(&[("AGENT_DIAL", "desk")]).await;
    let caller = stage.call_in(CALLER, ES.name());
    let call = call_named(&caller).await;
    stage
        .events
        .saw(call, "offer", 1, |event| *event == Event::Offered)
        .await;
    let token = stage.hub.take(call, "ana").await.expect("a token");
    assert_eq!(stage.hub.take(call, "bo").await, None);
    let account = CarrierOptions::default().account_sid;
    let mut agent = stage
        .carrier
        .raw_stream(&stage.stream_url(), true)
        .await
        .expect("a handshake");
    let format = json!({"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1});
    let start = json!({"event": "start", "sequenceNumber": "1", "streamSid": "MZ7", "start": {
        "accountSid": account, "streamSid": "MZ7", "callSid": "browser-00000000000000000000000000000007",
        "tracks": ["inbound"], "mediaFormat": format, "customParameters": {"token": token}}});
    for message in ["{\"event\":\"connected\"}", &start.to_string()] {
        agent.send_text(message).await.expect("sent");
    }
    stage.events.conversation(call).await;
    // Whoever works by text alone is there all the same: they send silence.
    let silence = STANDARD.encode([0xFF; 160]);
    let silent = tokio::spawn(async move {
        let mut step = tokio::time::interval(Duration::from_millis(20));
        for frame in 0_u64.. {
            step.tick().await;
            let media = json!({"event": "media", "sequenceNumber": (frame + 2).to_string(), "streamSid": "MZ7", "media": {
                "track": "inbound", "chunk": (frame + 1).to_string(), "timestamp": (frame * 20).to_string(),
                "payload": silence}});
            if agent.send_text(&media.to_string()).await.is_err() {
                return;
            }
        }
    });
    let worker = Some("ana".to_owned());
    let accepted = Event::Accepted { worker };
    assert_eq!(stage.events.count(call, |event| *event == accepted), 1);
    assert!(stage.hub.say(call, Side::Agent, text(0, EN).to_owned()));
    stage.events.utterances(call, Side::Agent, 1).await;
    assert!(caller.quiet_for(PAUSE, SOON).await);
    assert_eq!(understood(&caller), [(0, ES)]);
    assert!(stage.hub.control(call, Control::HangUp));
    assert_eq!(stage.ended(call).await, Reason::AgentHungUp);
    assert!(caller.ended(SOON).await);
    silent.abort();
    stage.strike().await;
}
