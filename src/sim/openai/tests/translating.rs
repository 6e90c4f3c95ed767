//! The translation endpoint when all goes well: what comes out for what goes in, by profile and option.

use std::time::Instant;

use super::*;
use crate::sim::openai::codec::Format;
use crate::sim::speech::recognise_all;

pub(super) const PATH: &str = "/realtime/translations?model=gpt-realtime-translate";
pub(super) const KEY: (&str, &str) = ("authorization", "Bearer sk-sim");
/// Bytes of an engine frame.
pub(super) const FRAME: usize = 9_600;
const SOUND: &str = "session.output_audio.delta";
const WORDS: &str = "session.output_transcript.delta";
const HEARD: &str = "session.input_transcript.delta";

/// A server whose sessions are closed at once.
pub(super) async fn translating(change: impl FnOnce(&mut TranslationOptions)) -> EngineSim {
    server_with(|options| {
        options.translation.drain = Duration::ZERO;
        change(&mut options.translation);
    })
    .await
}

/// µ-law to the wire, in whole frames, with so many frames of silence after it.
pub(super) fn wide(mulaw: &[u8], silence: usize) -> Vec<u8> {
    let mut pcm = Format::Pcm.pack(mulaw).into_owned();
    pcm.resize(pcm.len().next_multiple_of(FRAME) + silence * FRAME, 0);
    pcm
}

impl Client {
    pub(super) async fn interpreter(sim: &EngineSim, language: &str) -> Self {
        let mut client = connect_to(sim, PATH, &[KEY]).await.expect("a session");
        client.target(language).await;
        client
    }

    pub(super) async fn target(&mut self, language: &str) -> Value {
        let whisper = json!({"model": "gpt-realtime-whisper"});
        self.send(json!({"type": "session.update", "session": {"audio": {
            "input": {"transcription": whisper}, "output": {"language": language}}}}))
            .await;
        self.until("session.updated").await["session"].clone()
    }

    pub(super) async fn feed(&mut self, wire: &[u8], step: usize) {
        for piece in wire.chunks(step) {
            let audio = STANDARD.encode(piece);
            self.send(json!({"type": "session.input_audio_buffer.append", "audio": audio}))
                .await;
        }
    }

    /// Closes the session and reads what is left.
    pub(super) async fn finish(&mut self) {
        self.send(json!({"type": "session.close"})).await;
        self.until("session.closed").await;
    }

    /// The sound deltas so far.
    pub(super) fn sounds(&self) -> Vec<Vec<i16>> {
        let deltas = self.seen.iter().filter(|event| event["type"] == SOUND);
        deltas
            .map(|event| {
                let wire = STANDARD
                    .decode(event["delta"].as_str().expect("text"))
                    .expect("base64");
                wire.chunks_exact(2)
                    .map(|two| i16::from_le_bytes([two[0], two[1]]))
                    .collect()
            })
            .collect()
    }

    /// The phrases in the sound so far, as somebody on the telephone hears them.
    pub(super) fn phrases(&self) -> Vec<(usize, Tongue)> {
        let pcm = self.sounds().concat();
        let wire: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let heard = recognise_all(&Format::Pcm.unpack(&wire));
        heard.into_iter().map(|heard| (heard.id, heard.tongue)).collect()
    }

    fn words(&self, kind: &str) -> Vec<String> {
        let deltas = self.seen.iter().filter(|event| event["type"] == kind);
        deltas
            .map(|event| event["delta"].as_str().expect("text").to_owned())
            .collect()
    }
}

const PROFILES: [Profile; 4] = [
    Profile::SteadyZeros,
    Profile::Bursts,
    Profile::NearSilence,
    Profile::Varied,
];

#[tokio::test]
async fn an_utterance_is_translated_once_in_every_profile_however_it_is_cut() {
    for profile in PROFILES {
        for step in [960, FRAME, 5 * FRAME + 2] {
            let sim = translating(|options| options.profile = profile).await;
            let mut client = Client::interpreter(&sim, "en").await;
            client.feed(&wide(clip(1, Tongue::Spanish), 20), step).await;
            client.finish().await;
            assert_eq!(client.phrases(), [(1, Tongue::English)], "{profile:?}");
            let ledger = sim.ledger();
            assert_eq!(ledger.translations(Tongue::English), [(1, 1)]);
            let record = &ledger.sessions[0];
            assert_eq!(record.kind, SessionKind::Translation);
            assert_eq!(record.target, Some(Tongue::English));
            assert_eq!(record.appended, wide(clip(1, Tongue::Spanish), 20));
            assert_eq!(record.spoken_bytes as usize, clip(1, Tongue::English).len() * 6);
            let total = client.sounds().concat().len() as u64 * 2;
            assert_eq!(total, record.spoken_bytes + record.idle_bytes);
            let said = &record.utterances[0];
            assert_eq!((said.heard[0].id, said.heard[0].tongue), (1, Tongue::Spanish));
            assert!(said.answered && said.first_audio_at.is_some());
            let end = clip(1, Tongue::Spanish).len() as u64 / 8;
            assert!(
                said.start_ms < 150 && (end..end + 500).contains(&said.end_ms),
                "{said:?}"
            );
        }
    }
}

#[tokio::test]
async fn idle_output_has_the_size_and_the_level_of_its_profile() {
    for (profile, size, peak) in [
        (Profile::SteadyZeros, Some(4_800), 0),
        (Profile::Bursts, Some(9_600), 0),
        (Profile::NearSilence, Some(4_800), 63),
        (Profile::Varied, None, 0),
    ] {
        let sim = translating(|options| options.profile = profile).await;
        let mut client = Client::interpreter(&sim, "en").await;
        client.feed(&vec![0; 50 * FRAME], FRAME).await;
        client
            .send(json!({"type": "session.update", "session": {}}))
            .await;
        client.until("session.updated").await;
        let sounds = client.sounds();
        let total: usize = sounds.iter().map(Vec::len).sum();
        match size {
            Some(size) => assert!(sounds.len() == 50 && sounds.iter().all(|sound| sound.len() == size)),
            None => {
                assert!(sounds.iter().any(|sound| sound.len() % 160 != 0));
                assert!((350_000..=370_000).contains(&total), "{total}");
            }
        }
        let loudest = sounds.concat().iter().map(|sample| sample.unsigned_abs()).max();
        assert_eq!(loudest, Some(peak), "{profile:?}");
        let elapsed: Vec<&Value> = client
            .seen
            .iter()
            .filter(|event| event["type"] == SOUND)
            .collect();
        let elapsed: Vec<u64> = elapsed
            .iter()
            .map(|event| event["elapsed_ms"].as_u64().expect("ms"))
            .collect();
        assert!(elapsed.is_sorted() && elapsed.iter().all(|ms| ms % 200 == 0));
        assert_eq!((elapsed[0], elapsed[elapsed.len() - 1]), (0, 9_800));
    }
}

#[tokio::test]
async fn two_utterances_come_apart_and_speech_in_the_target_language_is_silence() {
    let sim = translating(|_| {}).await;
    let mut client = Client::interpreter(&sim, "fr").await;
    for sound in [
        clip(0, Tongue::English),
        clip(2, Tongue::French),
        &chirp("beeps"),
        clip(4, Tongue::Hindi),
    ] {
        client.feed(&wide(sound, 3), FRAME).await;
    }
    client.finish().await;
    assert_eq!(client.phrases(), [(0, Tongue::French), (4, Tongue::French)]);
    let ledger = sim.ledger();
    assert_eq!(ledger.translations(Tongue::French), [(0, 1), (4, 1)]);
    assert!(
        ledger.sessions[0]
            .utterances
            .iter()
            .all(|utterance| utterance.answered)
    );
}

#[tokio::test]
async fn translations_that_wait_for_each_other_are_spoken_with_a_pause_between_them() {
    // So long a lag that both are still to be spoken at the close.
    let sim = translating(|options| options.lag = Duration::from_secs(60)).await;
    let mut client = Client::interpreter(&sim, "hi").await;
    let pause = [SILENCE; 2_800];
    let sound = [clip(0, Tongue::English), &pause, clip(2, Tongue::English)].concat();
    client.feed(&wide(&sound, 0), FRAME).await;
    client.finish().await;
    assert_eq!(client.phrases(), [(0, Tongue::Hindi), (2, Tongue::Hindi)]);
}

/// Audio time at which the translation begins, in ms, at 200 ms of output for 200 ms of input.
async fn begin(change: impl FnOnce(&mut TranslationOptions)) -> usize {
    let sim = translating(|options| {
        options.profile = Profile::SteadyZeros;
        change(options);
    })
    .await;
    let mut client = Client::interpreter(&sim, "en").await;
    client.feed(&wide(clip(7, Tongue::Spanish), 30), FRAME).await;
    client.finish().await;
    assert_eq!(client.phrases(), [(7, Tongue::English)]);
    assert_eq!(sim.ledger().translations(Tongue::English), [(7, 1)]);
    let sound = client.sounds().concat();
    sound.iter().position(|sample| *sample != 0).expect("speech") / 24
}

#[tokio::test]
async fn a_translation_begins_after_its_lag_and_after_or_before_the_end_of_the_speech() {
    let end = clip(7, Tongue::Spanish).len() / 8;
    let patient = begin(|_| {}).await;
    assert!((end + 200..end + 800).contains(&patient), "{patient} {end}");
    let late = begin(|options| options.lag = Duration::from_secs(5)).await;
    assert!((4_800..5_500).contains(&late), "{late}");
    let early = begin(|options| options.early = true).await;
    assert!((1_000..end - 400).contains(&early), "{early} {end}");
}

#[tokio::test]
async fn transcripts_carry_their_spaces_and_the_last_mark_comes_by_itself_and_later() {
    let sim = translating(|_| {}).await;
    let mut client = Client::interpreter(&sim, "en").await;
    client.feed(&wide(clip(1, Tongue::Spanish), 25), FRAME).await;
    client.finish().await;
    for (kind, tongue) in [(WORDS, Tongue::English), (HEARD, Tongue::Spanish)] {
        let words = client.words(kind);
        assert_eq!(words.concat(), format!(" {}", text(1, tongue)));
        assert!(
            words.len() > 2 && words.last().is_some_and(|last| last == "?"),
            "{words:?}"
        );
    }
    let places = |wanted: &dyn Fn(&Value) -> bool| client.seen.iter().position(wanted).expect("an event");
    let elapsed = |at: usize| client.seen[at]["elapsed_ms"].as_u64().expect("ms");
    let first = places(&|event| event["type"] == WORDS);
    let mark = places(&|event| event["type"] == WORDS && event["delta"] == "?");
    let loud = |event: &Value| {
        event["type"] == SOUND
            && event["delta"]
                .as_str()
                .is_some_and(|s| !s.starts_with("AAAAAAAAAAAA"))
    };
    let last = client.seen.iter().rposition(loud).expect("speech");
    assert!(first < places(&|event| loud(event)), "words lead");
    assert!((200..=400).contains(&(elapsed(mark) - elapsed(last))));
}

#[tokio::test]
async fn what_is_optional_can_be_missing() {
    let sim = translating(|options| (options.transcripts, options.detail) = (false, Detail::Bare)).await;
    let mut client = Client::interpreter(&sim, "en").await;
    client.feed(&wide(clip(1, Tongue::Spanish), 5), FRAME).await;
    client.finish().await;
    assert_eq!(client.phrases(), [(1, Tongue::English)]);
    assert!(client.words(WORDS).is_empty() && client.words(HEARD).is_empty());
    let sound = client
        .seen
        .iter()
        .find(|event| event["type"] == SOUND)
        .expect("sound");
    assert_eq!(sound.as_object().map(|fields| fields.len()), Some(3), "{sound}");

    let sim = translating(|options| {
        (options.transcripts_after_close, options.detail) = (false, Detail::NullElapsed);
    })
    .await;
    let mut client = Client::interpreter(&sim, "en").await;
    client.feed(&wide(clip(1, Tongue::Spanish), 0), FRAME).await;
    client.finish().await;
    assert_eq!(
        client.phrases(),
        [(1, Tongue::English)],
        "what was unfinished at the close"
    );
    assert!(client.words(WORDS).is_empty());
    let sound = client
        .seen
        .iter()
        .find(|event| event["type"] == SOUND)
        .expect("sound");
    assert!(sound["elapsed_ms"].is_null() && sound["channels"] == 1);
}

#[tokio::test]
async fn the_target_is_spanish_until_it_is_changed_and_may_change_again() {
    let sim = translating(|_| {}).await;
    let mut client = connect_to(&sim, PATH, &[KEY]).await.expect("a session");
    let created = client.until("session.created").await["session"].clone();
    assert_eq!(created["audio"]["output"]["language"], "es");
    assert_eq!(
        (&created["type"], &created["audio"]["input"]["transcription"]),
        (&json!("translation"), &Value::Null)
    );
    client.feed(&wide(clip(3, Tongue::English), 25), FRAME).await;
    assert_eq!(client.target("zh").await["audio"]["output"]["language"], "zh");
    client.feed(&wide(clip(3, Tongue::English), 25), FRAME).await;
    client.target("de").await;
    client.feed(&wide(clip(5, Tongue::English), 25), FRAME).await;
    client.finish().await;
    assert_eq!(client.phrases(), [(3, Tongue::Spanish), (3, Tongue::Mandarin)]);
    let words = client.words(WORDS).concat();
    assert!(
        words.ends_with(&format!(" [de] {}", text(5, Tongue::English))),
        "{words}"
    );
    let ledger = sim.ledger();
    assert_eq!(ledger.translations(Tongue::Spanish), [(3, 1)]);
    assert_eq!(ledger.translations(Tongue::Mandarin), [(3, 1)]);
    assert!(ledger.sessions[0].utterances[2].answered);
}

#[tokio::test]
async fn a_close_sends_what_is_left_in_a_burst_and_then_says_so() {
    let sim = translating(|options| options.drain = Duration::from_millis(400)).await;
    let mut client = Client::interpreter(&sim, "en").await;
    client.feed(&wide(clip(1, Tongue::Spanish), 0), FRAME).await;
    let frames = wide(clip(1, Tongue::Spanish), 0).len() / FRAME;
    let begin = Instant::now();
    client.finish().await;
    assert!(
        begin.elapsed() >= Duration::from_millis(390),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(client.phrases(), [(1, Tongue::English)]);
    assert!(client.sounds().len() >= frames + 5);
    client.feed(&[0, 0], 2).await;
    assert_eq!(client.error().await["code"], "invalid_event");
    client.socket.close(None).await.expect("an open socket");
    sim.until(|ledger| ledger.sessions[0].closed).await;
}

#[tokio::test]
async fn the_ledger_counts_what_is_missing_and_what_is_spoken_twice() {
    let sim = translating(|_| {}).await;
    let mut first = Client::interpreter(&sim, "en").await;
    first.feed(&wide(clip(1, Tongue::Spanish), 5), FRAME).await;
    first.finish().await;
    let mut second = Client::interpreter(&sim, "en").await;
    second.feed(&wide(clip(1, Tongue::Spanish), 5), FRAME).await;
    second.finish().await;
    sim.faults().idle(true);
    let mut third = Client::interpreter(&sim, "en").await;
    third.feed(&wide(clip(9, Tongue::Spanish), 5), FRAME).await;
    third.finish().await;
    let mut prompted = Client::translator(&sim, "French", "English").await;
    prompted.say(clip(3, Tongue::French)).await;
    let item = prompted.until("input_audio_buffer.committed").await["item_id"].clone();
    assert_eq!(
        sim.ledger().translations(Tongue::English),
        [(1, 2), (3, 0), (9, 0)]
    );
    for times in 1..=2 {
        prompted.ask_about(&item).await;
        prompted.until("response.done").await;
        assert_eq!(
            sim.ledger().translations(Tongue::English),
            [(1, 2), (3, times), (9, 0)]
        );
    }
    let kinds: Vec<SessionKind> = sim.ledger().sessions.iter().map(|session| session.kind).collect();
    assert_eq!(kinds[2..], [SessionKind::Translation, SessionKind::Prompted]);
}
