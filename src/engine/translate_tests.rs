//! The adapter alone: what it sends for audio, and what it makes of the engine's messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;
use crate::audio::tone;

/// An adapter with everything that it has sent and said.
struct Bench {
    engine: Translate,
    now: Time,
    sent: Vec<Value>,
    said: Vec<String>,
    audio: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        Self {
            engine: Translate::new("en", Noise::Engine, true),
            now: Time::ZERO,
            sent: Vec::new(),
            said: Vec::new(),
            audio: Vec::new(),
        }
    }

    /// Appends µ-law in frames of 20 ms.
    fn append(&mut self, mulaw: &[u8]) {
        for frame in mulaw.chunks(160) {
            let (sent, said) = (&mut self.sent, &mut self.said);
            self.engine.append(
                frame,
                self.now,
                &mut |text| sent.push(serde_json::from_str(&text).expect("JSON")),
                &mut |event| said.push(format!("{event:?}")),
            );
            self.now = self.now + Duration::from_millis(20);
        }
    }

    fn receive(&mut self, text: &str) -> bool {
        let (said, audio) = (&mut self.said, &mut self.audio);
        self.engine.receive(text, self.now, &mut |event| match event {
            SessionEvent::Audio { mulaw, .. } => audio.extend_from_slice(mulaw),
            other => said.push(format!("{other:?}")),
        })
    }

    /// The engine speaks this many milliseconds of a constant sample.
    fn speaks(&mut self, sample: i16, ms: usize) {
        let pcm: Vec<u8> = std::iter::repeat_n(sample.to_le_bytes(), ms * 24)
            .flatten()
            .collect();
        let delta = STANDARD.encode(pcm);
        self.receive(&format!(
            "{{\"type\":\"session.output_audio.delta\",\"delta\":\"{delta}\"}}"
        ));
    }
}

fn pcm(append: &Value) -> Vec<i16> {
    assert_eq!(append["type"], "session.input_audio_buffer.append");
    let bytes = STANDARD
        .decode(append["audio"].as_str().expect("a string"))
        .expect("base64");
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| i16::from_le_bytes(*pair))
        .collect()
}

#[test]
fn audio_goes_up_in_the_engines_own_frames_and_is_never_digital_silence() {
    let mut bench = Bench::new();
    bench.append(&[SILENCE; 8_000]);
    assert_eq!(bench.sent.len(), 5, "one append for each 200 ms");
    for append in &bench.sent {
        let samples = pcm(append);
        assert_eq!(samples.len(), 4_800);
        assert!(samples.iter().any(|&sample| sample != 0), "silence is dithered");
        assert!(samples.iter().all(|sample| sample.unsigned_abs() <= 3));
    }
    assert!(bench.said.is_empty(), "{:?}", bench.said);
}

#[test]
fn what_does_not_fill_a_frame_is_sent_before_the_close() {
    let mut bench = Bench::new();
    bench.append(&[SILENCE; 1_760]);
    let sent = &mut bench.sent;
    bench.engine.finish(&[], &mut |text| {
        sent.push(serde_json::from_str(&text).expect("JSON"))
    });
    let kinds: Vec<_> = bench
        .sent
        .iter()
        .map(|event| event["type"].as_str().unwrap_or_default())
        .collect();
    let append = "session.input_audio_buffer.append";
    assert_eq!(kinds, [append, append, "session.close"]);
}

#[test]
fn a_turn_begins_with_the_speaker_and_ends_when_the_engine_has_spoken_and_is_idle() {
    let mut bench = Bench::new();
    bench.append(&tone::beep(440.0, 0.2, 4_000));
    assert_eq!(bench.said, ["SpeechStarted", "TurnStarted { turn: 1 }"]);
    bench.append(&[SILENCE; 8_000]);
    assert_eq!(bench.said.len(), 3, "the speaker stopped: {:?}", bench.said);
    bench.speaks(4_000, 400);
    bench.speaks(0, 400);
    assert_eq!(bench.said[3..], ["Quiet"], "a pause within a sentence");
    bench.speaks(0, 400);
    assert!(
        bench.said[4].starts_with("TurnDone { turn: 1"),
        "{:?}",
        bench.said
    );
}

#[test]
fn a_turn_that_the_engine_has_nothing_to_say_to_ends_too() {
    let mut bench = Bench::new();
    bench.append(&tone::beep(440.0, 0.2, 4_000));
    bench.append(&[SILENCE; 48_000]);
    assert!(
        !bench.said.iter().any(|said| said.starts_with("TurnDone")),
        "{:?}",
        bench.said
    );
    bench.append(&[SILENCE; 8_000]);
    assert!(
        bench.said.iter().any(|said| said.starts_with("TurnDone")),
        "{:?}",
        bench.said
    );
}

#[test]
fn idle_output_is_dropped_but_for_a_short_tail() {
    let mut bench = Bench::new();
    bench.speaks(0, 10_000);
    bench.speaks(63, 2_000);
    assert!(bench.audio.is_empty());
    bench.speaks(4_000, 1_000);
    bench.speaks(-30, 5_000);
    assert_eq!(
        bench.audio.len(),
        8 * (1_000 + 240),
        "a second of speech and 240 ms after it"
    );
}

#[test]
fn a_session_holds_little_between_messages_however_large_they_were() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        bench.append(&tone::beep(440.0, 0.2, 1_600));
        bench.speaks(4_000, 400);
    }
    bench
        .engine
        .append(&[SILENCE; 16_000], bench.now, &mut |_| {}, &mut |_| {});
    bench.speaks(4_000, 10_000);
    let engine = &bench.engine;
    let held = size_of::<Translate>() + engine.frame.capacity() + engine.up.held() + engine.down.held();
    println!(
        "{held} bytes, of which {} on the heap",
        held - size_of::<Translate>()
    );
    assert!(held < 4_096, "{held}");
}

#[test]
fn words_belong_to_the_turn_and_a_late_full_stop_opens_none() {
    let mut bench = Bench::new();
    bench.receive("{\"type\":\"session.output_transcript.delta\",\"delta\":\".\"}");
    assert!(bench.said.is_empty());
    bench.receive("{\"type\":\"session.input_transcript.delta\",\"delta\":\" hola\",\"elapsed_ms\":null}");
    bench.receive("{\"type\":\"session.output_transcript.delta\",\"delta\":\" Hello\",\"elapsed_ms\":2600}");
    assert_eq!(bench.said[0], "TurnStarted { turn: 1 }");
    assert!(
        bench.said[1].starts_with("SourceText { turn: 1, text: \" hola\""),
        "{:?}",
        bench.said
    );
    assert_eq!(bench.said[2], "TargetText { turn: 1, delta: \" Hello\" }");
}

#[test]
fn audio_flows_only_into_the_right_language() {
    for (language, expected) in [("en", "Ready"), ("es", "Failed { cure: OtherEngine")] {
        let mut bench = Bench::new();
        let update = format!(
            "{{\"type\":\"session.updated\",\"session\":{{\"audio\":{{\"output\":{{\"language\":\"{language}\"}}}}}}}}"
        );
        bench.receive(&update);
        assert!(bench.said[0].starts_with(expected), "{:?}", bench.said);
    }
    let mut bench = Bench::new();
    bench.receive("{\"type\":\"error\",\"error\":{\"code\":\"invalid_value\",\"event_id\":\"settings\"}}");
    assert!(
        bench.said[0].starts_with("Failed { cure: OtherEngine, why: \"invalid_value\""),
        "{:?}",
        bench.said
    );
    bench.said.clear();
    bench.receive("{\"type\":\"error\",\"error\":{\"code\":\"session_expired\"}}");
    assert!(
        bench.said[0].starts_with("Failed { cure: Again"),
        "{:?}",
        bench.said
    );
}

#[test]
fn everything_has_come_when_the_session_is_closed() {
    let mut bench = Bench::new();
    bench.speaks(4_000, 200);
    bench.receive("{\"type\":\"session.closed\"}");
    assert!(bench.said[1].starts_with("TurnDone"), "{:?}", bench.said);
    assert_eq!(bench.said[2], "Finished");
}

#[test]
fn what_a_speaker_says_is_written_down_unless_that_is_off() {
    for (transcribed, expected) in [
        (true, serde_json::json!({"model": "gpt-realtime-whisper"})),
        (false, serde_json::Value::Null),
    ] {
        let opening = Translate::new("en", Noise::Off, transcribed).opening();
        let opening: serde_json::Value = serde_json::from_str(&opening).expect("JSON");
        assert_eq!(opening["session"]["audio"]["input"]["transcription"], expected);
    }
}

#[test]
fn nonsense_means_nothing() {
    let mut bench = Bench::new();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for nonsense in ["", "null", "[]", "{}", &deep, "{\"type\":7}"] {
        assert!(
            !bench.receive(nonsense),
            "{}",
            &nonsense[..nonsense.len().min(40)]
        );
    }
    for odd in [
        "{\"type\":\"brand.new\",\"session\":null}",
        "{\"type\":\"session.output_audio.delta\"}",
        "{\"type\":\"session.output_audio.delta\",\"delta\":\"***\"}",
        "{\"type\":\"session.output_audio.delta\",\"delta\":\"AA==\"}",
        "{\"type\":\"error\"}",
    ] {
        assert!(bench.receive(odd), "{odd}");
    }
    assert!(
        bench.said.is_empty() && bench.audio.is_empty(),
        "{:?}",
        bench.said
    );
}

#[test]
fn an_engine_that_is_fed_and_falls_mute_is_given_up_once_and_one_that_idles_is_not() {
    let mut bench = Bench::new();
    for _ in 0..60 {
        bench.speaks(0, 200);
        bench.append(&[crate::audio::SILENCE; 1_600]);
    }
    assert!(
        !bench.said.iter().any(|said| said.starts_with("Failed")),
        "{:?}",
        bench.said
    );
    let since = bench.now;
    for _ in 0..60 {
        bench.append(&[crate::audio::SILENCE; 1_600]);
    }
    let failed: Vec<_> = bench
        .said
        .iter()
        .filter(|said| said.starts_with("Failed"))
        .collect();
    assert_eq!(failed.len(), 1, "in {:?}", bench.now.since(since));
}

#[test]
fn an_engine_that_never_sends_idle_output_and_one_that_is_not_fed_may_be_mute() {
    let mut bench = Bench::new();
    bench.append(&vec![crate::audio::SILENCE; 8_000 * 20]);
    assert!(
        !bench.said.iter().any(|said| said.starts_with("Failed")),
        "{:?}",
        bench.said
    );
    bench.speaks(0, 200);
    bench.now = bench.now + Duration::from_secs(60);
    bench.append(&[crate::audio::SILENCE; 1_600]);
    assert!(
        !bench.said.iter().any(|said| said.starts_with("Failed")),
        "{:?}",
        bench.said
    );
}

fn texts(bench: &Bench) -> Vec<String> {
    let texts = bench.said.iter().filter(|said| said.contains("Text {"));
    texts
        .map(|said| said.split(", partial").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_late_full_stop_ends_what_was_said_before_and_a_pause_makes_two_utterances() {
    let mut bench = Bench::new();
    let target =
        |text: &str| format!("{{\"type\":\"session.output_transcript.delta\",\"delta\":\"{text}\"}}");
    let source = |text: &str| format!("{{\"type\":\"session.input_transcript.delta\",\"delta\":\"{text}\"}}");
    bench.append(&tone::beep(440.0, 0.2, 4_000));
    bench.append(&[SILENCE; 8_000]);
    bench.receive(&target("Hello"));
    bench.speaks(4_000, 400);
    bench.speaks(0, 800);
    // The first turn is over; its last characters and its source come now.
    bench.receive(&target("."));
    bench.receive(&source("Hola"));
    bench.receive(&source("。"));
    bench.append(&tone::beep(440.0, 0.2, 4_000));
    bench.receive(&target("."));
    bench.receive(&target("Good day"));
    bench.receive(&target("."));
    let expected = [
        "TargetText { turn: 1, delta: \"Hello\" }",
        "TargetText { turn: 1, delta: \".\" }",
        "SourceText { turn: 1, text: \"Hola\"",
        "SourceText { turn: 1, text: \"。\"",
        "TargetText { turn: 1, delta: \".\" }",
        "TargetText { turn: 2, delta: \"Good day\" }",
        "TargetText { turn: 2, delta: \".\" }",
    ];
    assert_eq!(texts(&bench), expected);
    let turns = bench.said.iter().filter(|said| said.starts_with("TurnStarted"));
    assert_eq!(turns.count(), 2);
}

#[test]
fn half_a_surrogate_pair_costs_no_text() {
    let mut bench = Bench::new();
    bench.speaks(4_000, 40);
    assert!(bench.receive(r#"{"type":"session.output_transcript.delta","delta":"Good \ud83d"}"#));
    assert!(bench.receive(r#"{"type":"session.input_transcript.delta","delta":"hola \ude00"}"#));
    for text in ["Good \u{fffd}", "hola \u{fffd}"] {
        assert!(
            bench.said.iter().any(|said| said.contains(text)),
            "{:?}",
            bench.said
        );
    }
}
