//! Settings that are enough, wrong, missing, and kept from the public sample.

use super::*;
use crate::call::EngineKind;
use crate::engine::Noise;

const FULL: &[(&str, &str)] = &[
    ("PUBLIC_URL", "https://talk.example.com"),
    ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
    ("TWILIO_AUTH_TOKEN", "very secret token"),
    ("TWILIO_CALLER_NUMBER", "+15550100001"),
    ("TWILIO_FLEX_NUMBER", "+15550100002"),
    ("TWILIO_FLEX_WORKFLOW_SID", "WW00000000000000000000000000000001"),
    ("OPENAI_API_KEY", "sk-very-secret"),
];

fn read(changes: &[(&str, &str)]) -> Result<Config, Vec<Mistake>> {
    Config::read(&|name| {
        let changed = changes.iter().find(|(known, _)| *known == name);
        let value = changed.or_else(|| FULL.iter().find(|(known, _)| *known == name));
        value.map(|(_, value)| (*value).to_owned())
    })
}

fn names(changes: &[(&str, &str)]) -> Vec<&'static str> {
    read(changes)
        .expect_err("a mistake")
        .into_iter()
        .map(|mistake| mistake.name)
        .collect()
}

#[test]
fn the_required_settings_are_enough_and_the_rest_has_defaults() {
    let config = read(&[]).expect("complete");
    assert_eq!(config.port, 5050);
    assert_eq!(config.agent_language.slug, "english");
    assert_eq!(config.twilio.user, "AC00000000000000000000000000000001");
    assert_eq!(config.max_calls, 500);
    assert!(config.wait_cue && config.twilio.taskrouter_signed);
    assert_eq!(
        config.engine.session_url(EngineKind::Prompted).as_str(),
        "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"
    );
    assert!(config.engine.must_confirm());
    assert_eq!(config.original, OriginalAudio::Off);
    assert_eq!(config.levels.under_db, [-15.0; 2]);
    assert_eq!(config.levels.translation_db, [0.0; 2]);
    assert_eq!(config.backlog, Some(Duration::from_secs(6)));
    assert!(!config.talking_cue);
    assert_eq!(config.engine.noise, Noise::Engine);
    assert_eq!(Ok(&*config.keys), call::Keys::parse("*8=toggle").as_ref());
}

#[test]
fn everything_that_is_missing_is_reported_at_once() {
    let missing = Config::read(&|_| None).expect_err("nothing is set");
    let names: Vec<_> = missing.iter().map(|mistake| mistake.name).collect();
    assert_eq!(
        names,
        [
            "PUBLIC_URL",
            "TWILIO_FLEX_NUMBER",
            "TWILIO_FLEX_WORKFLOW_SID",
            "TWILIO_ACCOUNT_SID",
            "TWILIO_AUTH_TOKEN",
            "TWILIO_CALLER_NUMBER",
            "OPENAI_API_KEY",
        ]
    );
}

#[test]
fn every_mistake_is_named() {
    for (name, wrong) in [
        ("PUBLIC_URL", "talk.example.com"),
        ("PUBLIC_URL", "http://talk.example.com"),
        ("PUBLIC_URL", "https://talk.example.com/?x=1"),
        ("API_PORT", "many"),
        ("API_HOST", "here"),
        ("TWILIO_ACCOUNT_SID", "AC1"),
        ("TWILIO_CALLER_NUMBER", "anonymous"),
        ("TWILIO_DIAL_NUMBERS", "+15550100003, none"),
        ("TWILIO_API_URL", "ftp://x"),
        ("TWILIO_WEBHOOK_KEYS", "k1"),
        ("TASKROUTER_SIGNATURE", "no"),
        ("AGENT_DIAL", "sip:x"),
        ("AGENT_DIAL", "client:a b"),
        ("AGENT_LANGUAGE", "klingon"),
        ("ORIGINAL_AUDIO", "loud"),
        ("HOLD_AUDIO", "/no/such/file.wav"),
        ("WAIT_CUE", "perhaps"),
        ("AGENT_WAIT_SECONDS", "0"),
        ("DRAIN_SECONDS", "-1"),
        ("MAX_CALLS", "1e3"),
        ("INTERPRETER", "magic"),
        ("OPENAI_AUTH", "basic"),
        ("AGENT_KEYS", "*8"),
        ("ORIGINAL_DUCKED_DB", "-61"),
        ("ORIGINAL_DUCKED_DB", "1"),
        ("ORIGINAL_DUCKED_DB", "nan"),
        ("ORIGINAL_DUCKED_DB", "caller:-12,-18"),
        ("ORIGINAL_DUCKED_DB", "caller:-12,caller:-18"),
        ("ORIGINAL_DUCKED_DB", "caller:3"),
        ("TRANSLATION_GAIN_DB", "13"),
        ("TRANSLATION_GAIN_DB", "listener:3"),
        ("TRANSLATION_GAIN_DB", "loud"),
        ("BACKLOG_SECONDS", "-1"),
        ("BACKLOG_SECONDS", "some"),
        ("TALKING_CUE", "yes"),
        ("NOISE_REDUCTION", "on"),
    ] {
        assert_eq!(names(&[(name, wrong)]), [name], "{wrong}");
    }
    assert_eq!(names(&[("TWILIO_API_KEY_SID", "SK1")]), ["TWILIO_API_KEY_SECRET"]);
}

#[test]
fn levels_are_for_both_speakers_or_for_each() {
    let config = read(&[
        ("ORIGINAL_AUDIO", "ducked"),
        ("ORIGINAL_DUCKED_DB", "agent: -18.5 , caller:-12"),
        ("TRANSLATION_GAIN_DB", "+3"),
        ("BACKLOG_SECONDS", "0"),
        ("TALKING_CUE", "on"),
    ])
    .expect("complete");
    assert_eq!(config.original, OriginalAudio::Ducked);
    assert_eq!(config.levels.under_db, [-12.0, -18.5]);
    assert_eq!(config.levels.translation_db, [3.0; 2]);
    assert_eq!(config.backlog, None);
    assert!(config.talking_cue);
    let one = read(&[
        ("ORIGINAL_DUCKED_DB", "agent:0"),
        ("TRANSLATION_GAIN_DB", "caller:-30"),
    ]);
    let levels = one.expect("complete").levels;
    assert_eq!(levels.under_db, [-15.0, 0.0]);
    assert_eq!(levels.translation_db, [-30.0, 0.0]);
}

#[test]
fn noise_is_taken_away_by_the_engine_here_or_not_at_all() {
    for (word, noise) in [
        ("engine", Noise::Engine),
        ("local", Noise::Local),
        ("off", Noise::Off),
    ] {
        let config = read(&[("NOISE_REDUCTION", word)]).expect("complete");
        assert_eq!(config.engine.noise, noise);
    }
}

#[test]
fn every_wrong_entry_of_the_keys_has_a_reason_of_its_own() {
    let mistakes = read(&[("AGENT_KEYS", "*8=toggle,*7=caller:klingon,*8=on")]).expect_err("mistakes");
    let told: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("AGENT_KEYS: *7=caller:klingon: no such language"));
    assert!(told[1].starts_with("AGENT_KEYS: *8=on: these keys have another meaning"));
    let none = read(&[("AGENT_KEYS", "off")]).expect("complete");
    assert_eq!(*none.keys, call::Keys::default());
}

#[test]
fn the_samples_names_still_work() {
    let config = read(&[
        ("PUBLIC_URL", ""),
        ("NGROK_DOMAIN", "talk.ngrok.example"),
        ("FORWARD_AUDIO_BEFORE_TRANSLATION", "true"),
    ])
    .expect("complete");
    assert_eq!(config.public.as_str(), "https://talk.ngrok.example/");
    assert_eq!(config.original, OriginalAudio::Full);
}

#[test]
fn loopback_may_be_plain_and_a_softphone_needs_no_flex() {
    let config = read(&[
        ("PUBLIC_URL", "http://127.0.0.1:5050"),
        ("AGENT_DIAL", "client:agent_7"),
        ("TWILIO_FLEX_NUMBER", ""),
        ("TWILIO_FLEX_WORKFLOW_SID", ""),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/"),
        ("TWILIO_API_KEY_SID", "SK1"),
        ("TWILIO_API_KEY_SECRET", "s"),
        ("TWILIO_DIAL_NUMBERS", "+15550100003, +15550100001"),
    ])
    .expect("complete");
    assert_eq!(
        config.agent_dial,
        AgentDial::Client {
            identity: "agent_7".into()
        }
    );
    let desk = read(&[
        ("AGENT_DIAL", "desk"),
        ("TWILIO_FLEX_NUMBER", ""),
        ("TWILIO_FLEX_WORKFLOW_SID", ""),
    ]);
    assert_eq!(desk.expect("complete").agent_dial, AgentDial::Desk);
    assert_eq!(
        config.engine.session_url(EngineKind::Prompted).as_str(),
        "ws://127.0.0.1:9/v1/realtime?model=gpt-realtime-2.1"
    );
    assert_eq!(config.twilio.user, "SK1");
    assert_eq!(config.twilio.numbers, ["+15550100001", "+15550100003"]);
    assert!(!config.engine.must_confirm());
}

#[test]
fn quotes_around_a_value_are_not_part_of_it() {
    let config = read(&[
        ("PUBLIC_URL", "\"https://talk.example.com\""),
        ("TWILIO_AUTH_TOKEN", " 'very secret token' "),
        ("OPENAI_VOICE", "\"\""),
    ])
    .expect("complete");
    assert_eq!(config.public.as_str(), "https://talk.example.com/");
    let token = config.twilio.password;
    assert_eq!(secrecy::ExposeSecret::expose_secret(&token), "very secret token");
    assert_eq!(config.engine.voice, "marin");
    for (quoted, value) in [
        ("'\"a\"'", "\"a\""),
        ("\"", "\""),
        ("\"a'", "\"a'"),
        ("a\"b", "a\"b"),
        ("' '", ""),
    ] {
        assert_eq!(unquoted(quoted), value, "{quoted}");
    }
}

#[test]
fn secrets_do_not_print() {
    let shown = format!(
        "{:?}",
        read(&[("TWILIO_WEBHOOK_KEYS", "k1:hidden")]).expect("complete")
    );
    for secret in ["very secret", "sk-very", "hidden"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn calls_are_recorded_only_if_that_is_asked_for() {
    let recording = |changes| read(changes).expect("settings").recording;
    let folder = |changes| {
        Some(recording(changes))
            .filter(|one| one.wanted)
            .map(|one| one.folder)
    };
    assert_eq!(folder(&[("RECORDINGS", "/srv/audio")]), None);
    assert_eq!(recording(&[]).folder, std::path::PathBuf::from("recordings"));
    assert_eq!(folder(&[("RECORD_AUDIO", "true")]), Some("recordings".into()));
    assert_eq!(
        names(&[("RECORD_AUDIO", "true"), ("RECORDS", "off")]),
        ["RECORD_AUDIO"]
    );
    let both = &[("RECORD_AUDIO", "true"), ("RECORDINGS", "/srv/audio")];
    assert_eq!(folder(both), Some("/srv/audio".into()));
    assert_eq!(names(&[("RECORD_AUDIO", "yes")]), ["RECORD_AUDIO"]);
}
