//! Recordings of whole calls, and listening in, over the real wires.

#![allow(clippy::expect_used)]

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use common::people::{PAUSE, Talk, cut_stream, say, understood, was_told};
use common::{Plan, SOON, Stage};
use duologue::call::event::Event;
use duologue::call::outcome::Reason;
use duologue::call::{CallId, Side};
use duologue::hub::Told;
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::recording::file::Recorded;
use duologue::sim::speech::{Stretch, Tongue, clip, recognise_all, stretches};
use tokio::sync::broadcast;

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;

/// Settings of a program that records into this folder.
fn recording(folder: &Path) -> [(&'static str, &str); 2] {
    let folder = folder.to_str().expect("a path");
    [("RECORD_AUDIO", "true"), ("RECORDINGS", folder)]
}

/// The tracks of a call's file.
fn tracks(folder: &Path, call: CallId) -> [Vec<u8>; 4] {
    let recorded = Recorded::open(&folder.join(format!("{call}.wav"))).expect("a recording");
    std::array::from_fn(|number| {
        let track = recorded.track(number).expect("a track");
        track.mulaw().expect("read")
    })
}

fn phrases(mulaw: &[u8]) -> Vec<(usize, Tongue)> {
    let all = recognise_all(mulaw);
    all.into_iter().map(|one| (one.id, one.tongue)).collect()
}

/// How long a call talked, by its own clock.
fn talking_ms(told: &mut broadcast::Receiver<Told>, call: CallId) -> u64 {
    let (mut begun, mut ended) = (None, None);
    while let Ok(one) = told.try_recv() {
        match one.event {
            Event::Conversation if one.call == call => begun = Some(one.at.as_millis()),
            Event::Ended { .. } if one.call == call => ended = Some(one.at.as_millis()),
            _ => {}
        }
    }
    ended.expect("an end") - begun.expect("a conversation")
}

/// Where a phrase begins in a recording, in milliseconds.
fn onset(mulaw: &[u8], phrase: usize, tongue: Tongue) -> i64 {
    // By its sound: a busy machine may put a moment of silence into what came late.
    let known = |stretch: &Stretch| {
        let heard = stretch.heard.as_ref();
        heard.is_some_and(|heard| (heard.id, heard.tongue) == (phrase, tongue))
    };
    let places: Vec<_> = stretches(mulaw).into_iter().filter(known).collect();
    assert_eq!(places.len(), 1, "{phrase} in {tongue:?}");
    places[0].samples.start as i64 / 8
}

/// From one phrase to the next, in the file and in what a person heard: both clocks begin somewhere else.
fn same_distance(track: &[u8], heard: &[u8], tongue: Tongue, [one, other]: [usize; 2]) {
    let apart = |sound: &[u8]| onset(sound, other, tongue) - onset(sound, one, tongue);
    let (file, person) = (apart(track), apart(heard));
    assert!(
        (file - person).abs() <= 100,
        "{file} ms in the file, {person} ms heard"
    );
}

/// A call in which both say two sentences, recorded.
async fn recorded(engine: &'static str) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = recording(folder.path());
    let stage = Stage::set(&[settings[0], settings[1], ("INTERPRETER", engine)]).await;
    let mut told = stage.hub.listen();
    let talk = stage.talk(ES).await;
    for (speaker, phrase) in [
        (Side::Caller, 1),
        (Side::Agent, 0),
        (Side::Caller, 3),
        (Side::Agent, 2),
    ] {
        stage.sentence(&talk, speaker, phrase).await;
    }
    stage.part(&talk).await;
    let spanish = Language::find("spanish").expect("a language");
    assert!(was_told(&talk.caller, Phrase::Recorded, spanish));
    let talked = talking_ms(&mut told, talk.call);
    let (caller, agent, call) = (talk.caller.clone(), talk.agent.clone(), talk.call);
    stage.strike().await;
    let file = folder.path().join(format!("{call}.wav"));
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let tracks = tracks(folder.path(), call);
    for track in &tracks {
        let length = track.len() as u64 / 8;
        assert!(length.abs_diff(talked) <= 300, "{length} ms of {talked} ms");
    }
    let [said, answered, to_agent, to_caller] = &tracks;
    assert_eq!(phrases(said), [(1, ES), (3, ES)], "{engine}");
    assert_eq!(phrases(answered), [(0, EN), (2, EN)], "{engine}");
    assert_eq!(phrases(to_agent), [(1, EN), (3, EN)], "{engine}");
    assert_eq!(phrases(to_caller), [(0, ES), (2, ES)], "{engine}");
    same_distance(to_agent, &agent.heard(), EN, [1, 3]);
    same_distance(to_caller, &caller.heard(), ES, [0, 2]);
    // The same between tracks: the file has one clock, and so has a person's line.
    let delay = |original: &[u8], translation: &[u8]| onset(translation, 0, ES) - onset(original, 0, EN);
    let lines = agent.started_at().saturating_duration_since(caller.started_at());
    let by_ear = delay(&agent.sent(), &caller.heard()) - lines.as_millis() as i64;
    let by_file = delay(answered, to_caller);
    assert!(
        (by_file - by_ear).abs() <= 100,
        "{by_file} ms in the file, {by_ear} ms on the lines"
    );
}

#[tokio::test]
async fn a_recording_has_each_voice_and_what_each_party_heard_at_its_time() {
    tokio::join!(recorded("prompted"), recorded("translate"));
}

/// How much of it can be heard, in milliseconds.
fn audible_ms(mulaw: &[u8]) -> u64 {
    let frames = mulaw.chunks(160);
    frames
        .filter(|frame| duologue::audio::level::is_audible(frame))
        .count() as u64
        * 20
}

#[tokio::test]
async fn what_a_broken_stream_took_along_is_where_it_was_heard_and_not_where_it_was_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = recording(folder.path());
    let stage = Stage::build(Plan::with(&settings)).await;
    let talk = stage.talk(ES).await;
    let before = audible_ms(&talk.caller.heard());
    let (hold, heard) = (before, talk.caller.audible_ms());
    say(&talk.agent, 2, EN).await;
    assert!(talk.caller.wait_heard_audible(heard + 400, SOON).await);
    cut_stream(&talk.caller).await;
    stage.events.utterances(talk.call, Side::Agent, 1).await;
    assert!(talk.caller.until(SOON, |record| record.streams == 2).await);
    assert!(talk.caller.wait_heard_audible(heard + 800, SOON).await);
    assert!(talk.caller.quiet_for(PAUSE * 2, SOON).await);
    stage.part(&talk).await;
    let (person, call) = (audible_ms(&talk.caller.heard()) - hold, talk.call);
    stage.strike().await;
    let file = audible_ms(&tracks(folder.path(), call)[3]);
    let whole = audible_ms(clip(2, ES));
    assert!(
        file.abs_diff(person) <= 300,
        "{file} ms in the file, {person} ms heard"
    );
    assert!(file >= whole, "{file} ms of {whole} ms");
}

#[tokio::test]
async fn nothing_is_recorded_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_str().expect("a path").to_owned();
    let stage = Stage::set(&[("RECORDINGS", &place), ("AGENT_DIAL", "client:ana")]).await;
    let talk = stage.talk(EN).await;
    say(&talk.caller, 1, EN).await;
    stage.part(&talk).await;
    assert!(!was_told(&talk.caller, Phrase::Recorded, Language::english()));
    assert!(!was_told(&talk.agent, Phrase::Recorded, Language::english()));
    stage.strike().await;
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[tokio::test]
async fn what_passes_before_the_conversation_is_in_no_recording_and_a_softphone_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = recording(folder.path());
    let stage = Stage::set(&[settings[0], settings[1], ("AGENT_DIAL", "client:ana")]).await;
    let talk = stage.talk(EN).await;
    say(&talk.agent, 2, EN).await;
    assert!(talk.caller.quiet_for(PAUSE, SOON).await);
    stage.part(&talk).await;
    assert!(was_told(&talk.agent, Phrase::Recorded, Language::english()));
    let call = talk.call;
    stage.strike().await;
    let [said, answered, to_agent, to_caller] = tracks(folder.path(), call);
    assert_eq!(phrases(&answered), [(2, EN)]);
    assert_eq!(phrases(&to_caller), [(2, EN)], "no hold audio before it");
    let silent = |track: &[u8]| duologue::audio::level::mean(track) == 0;
    assert!(silent(&said) && silent(&to_agent));
}

/// A call whose recording cannot be written from some moment on: nobody notices.
async fn undisturbed(trouble: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("recordings");
    let settings = recording(&place);
    let stage = Stage::build(Plan::with(&settings)).await;
    let talk = stage.talk(ES).await;
    stage.sentence(&talk, Side::Caller, 1).await;
    trouble(&place);
    stage.sentence(&talk, Side::Agent, 2).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN)]);
    assert_eq!(understood(&talk.caller), [(2, ES)]);
    let (reason, totals) = stage.events.ended(talk.call).await;
    assert_eq!((reason, totals.lost), (Reason::CallerHungUp, [0, 0]));
    stage.strike().await;
}

#[tokio::test]
async fn trouble_with_the_disk_is_no_trouble_of_the_call() {
    tokio::join!(
        undisturbed(|place| std::fs::remove_dir_all(place).expect("removed")),
        undisturbed(|place| {
            std::fs::remove_dir_all(place).expect("removed");
            std::fs::write(place, b"in the way").expect("written");
        }),
    );
}

#[tokio::test]
async fn a_recording_that_cannot_begin_is_no_trouble_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("file");
    std::fs::write(&place, b"in the way").expect("written");
    let settings = recording(&place);
    let stage = Stage::build(Plan::with(&settings)).await;
    let talk = stage.talk(ES).await;
    stage.exchange(&talk, 1, 2).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN)]);
    assert_eq!(understood(&talk.caller), [(2, ES)]);
    let recordings = stage.hub.recordings.clone().expect("recordings");
    stage.strike().await;
    assert!(recordings.lost_ms() > 0);
}

/// Everything that a listener is given until the call is over, and how long that took.
async fn listened(stage: &Stage, talk: &Talk, side: Side) -> (Vec<u8>, Duration) {
    let mut pieces = stage.hub.listen_in(talk.call, side).expect("a live call");
    let begun = tokio::time::Instant::now();
    let mut heard = Vec::new();
    while let Some(piece) = pieces.recv().await {
        assert!((160..=800).contains(&piece.len()), "20 to 100 ms");
        heard.extend(piece);
    }
    (heard, begun.elapsed())
}

#[tokio::test]
async fn a_listener_hears_both_parties_in_one_language_in_real_time() {
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(ES).await;
    let unheard = stage.hub.listen_in(talk.call, Side::Agent).expect("a live call");
    let conversation = async {
        stage.sentence(&talk, Side::Caller, 1).await;
        drop(unheard);
        stage.sentence(&talk, Side::Agent, 2).await;
        stage.part(&talk).await;
    };
    let ((), (spanish, took), (english, _)) = tokio::join!(
        conversation,
        listened(&stage, &talk, Side::Caller),
        listened(&stage, &talk, Side::Agent),
    );
    assert_eq!(phrases(&spanish), [(1, ES), (2, ES)]);
    assert_eq!(phrases(&english), [(1, EN), (2, EN)]);
    let (given, took) = (spanish.len() as u64 / 8, took.as_millis() as u64);
    assert!(given.abs_diff(took) <= 300, "{given} ms in {took} ms");
    // As late as it was for the party who heard it.
    let apart = |sound: &[u8]| onset(sound, 2, ES) - onset(sound, 1, ES);
    let mut line = talk.caller.heard();
    let said = talk.caller.sent();
    line.resize(said.len().max(line.len()), 0xFF);
    let by_ear = onset(&line, 2, ES) - onset(&said, 1, ES);
    assert!(
        (apart(&spanish) - by_ear).abs() <= 150,
        "{} and {by_ear}",
        apart(&spanish)
    );
    assert!(
        stage
            .hub
            .listen_in(talk.call, Side::Caller)
            .is_none_or(|mut pieces| pieces.try_recv().is_err())
    );
    stage.strike().await;
}

#[tokio::test]
async fn no_more_than_eight_listen_and_one_who_leaves_makes_room() {
    let stage = Stage::set(&[]).await;
    let talk = stage.talk(EN).await;
    let listen = || stage.hub.listen_in(talk.call, Side::Caller).expect("a live call");
    let mut all: Vec<_> = (0..8).map(|_| listen()).collect();
    for pieces in &mut all {
        assert!(pieces.recv().await.is_some());
    }
    let mut ninth = listen();
    let refused = async { while ninth.recv().await.is_some() {} };
    tokio::time::timeout(SOON, refused)
        .await
        .expect("there is no room");
    all.pop();
    let comes = async {
        loop {
            let mut pieces = listen();
            for _ in 0..10 {
                if pieces.recv().await.is_none() {
                    break;
                }
            }
            if pieces.recv().await.is_some() {
                return pieces;
            }
        }
    };
    tokio::time::timeout(SOON, comes)
        .await
        .expect("there is room again");
    stage.part(&talk).await;
    stage.strike().await;
}
