//! Sessions that end, stall or cannot be had: nothing that was said is lost, nothing is missing in translation, and the lag is won back.
//!
//! What was said is judged from what sessions were sent, to the sample; what was translated, from the engine's ledger; what
//! was heard, and when, from the recording of the carrier.

#![allow(clippy::expect_used)]

mod common;

use std::time::{Duration, Instant};

use common::people::{PAUSE, Talk, say, understood};
use common::recital::{Recital, Verdict};
use common::sound::{Recording, Streams};
use common::{Plan, SOON, Stage};
use duologue::audio::resample::Upsampler;
use duologue::call::Side;
use duologue::call::event::Event;
use duologue::sim::openai::{Faults, Ledger, SessionKind};
use duologue::sim::speech::{Tongue, clip, decode, encode};

const ES: Tongue = Tongue::Spanish;
const EN: Tongue = Tongue::English;
// Catching up would change the sound that is judged here to the sample.
const PROMPTED: &[(&str, &str)] = &[("INTERPRETER", "prompted"), ("BACKLOG_SECONDS", "0")];
const DEDICATED: &[(&str, &str)] = &[("INTERPRETER", "translate"), ("BACKLOG_SECONDS", "0")];

/// How long the engine is away.
const OUTAGE: Duration = Duration::from_millis(1_500);
/// After its return a listener hears a translation within this time.
const HEARS_ON: Duration = Duration::from_secs(2);
/// How far the lag may be from what it was before: the dedicated engine speaks in pieces of 400 ms, and a cue may stand
/// before them.
const WON_BACK_MS: i64 = 500;
/// A pause in which to win it back.
const REST: Duration = Duration::from_secs(4);

/// Seven sentences of each; the third is cut, the last is said well after that.
const BY_CALLER: [usize; 7] = [1, 3, 5, 7, 9, 0, 4];
const BY_AGENT: [usize; 7] = [0, 2, 4, 6, 8, 1, 3];
const CUT: usize = 2;

// Who judges, first.

#[test]
fn a_sentence_is_found_where_it_is_and_only_if_it_is_whole() {
    let (one, other) = (clip(3, ES), clip(5, ES));
    // Once a little quieter, once cut, once as it is; without any pause before the next.
    let quiet: Vec<u8> = one.iter().map(|&byte| encode(decode(byte) / 2)).collect();
    let heard = [&[0xFF; 1_000], &*quiet, &one[..one.len() / 2], one, other].concat();
    let last = 1_000 + one.len() + one.len() / 2;
    let mut places = Recording::of(&heard).whole(one);
    places.sort_unstable();
    assert_eq!(places, [1_000, last]);
    assert_eq!(Recording::of(&heard).whole(other), [last + one.len()]);
    assert!(Recording::of(&heard).whole(clip(7, ES)).is_empty());
}

#[test]
fn what_no_stream_has_is_missing_to_the_sample() {
    let clip = clip(4, EN);
    let mut streams = Streams::default();
    streams.add_mulaw(&[&[0xFF; 500], &clip[..9_000]].concat());
    streams.add_mulaw(&[&clip[9_010..], &[0xFF; 500][..]].concat());
    assert_eq!(streams.missing(clip), vec![9_000..9_010]);
    streams.add_mulaw(&clip[8_800..9_200]);
    assert!(streams.missing(clip).is_empty());
    let pcm = |mulaw: &[u8]| {
        let mut pcm = Vec::new();
        Upsampler::default().push_mulaw(mulaw, &mut pcm);
        pcm
    };
    let mut streams = Streams::default();
    streams.add_pcm(&pcm(&[&[0xFF; 500], &clip[..9_000]].concat()));
    streams.add_pcm(&pcm(&clip[9_160..]));
    assert_eq!(streams.missing(clip).len(), 1, "a frame is missing");
    streams.add_pcm(&pcm(&clip[9_000..]));
    assert!(streams.missing(clip).is_empty());
}

async fn four_calls(settings: &[(&str, &str)]) {
    let stage = Stage::set(settings).await;
    let mut talks = Vec::new();
    // Languages tell the four apart in the engine's ledger.
    for tongue in [Tongue::Spanish, Tongue::French, Tongue::Mandarin, Tongue::Hindi] {
        talks.push(stage.talk(tongue).await);
    }
    let both = |talk: &Talk| {
        [
            Recital::begin(talk, Side::Caller, &BY_CALLER, REST),
            Recital::begin(talk, Side::Agent, &BY_AGENT, REST),
        ]
    };
    let recitals: Vec<Recital> = talks.iter().flat_map(both).collect();
    recitals[0].reaches(CUT, Duration::from_secs(1)).await;
    stage.engine.faults().refuse(None, 503, None);
    stage.engine.faults().drop_connections();
    // The outage itself.
    tokio::time::sleep(OUTAGE).await;
    stage.engine.faults().accept();
    let returned = Instant::now();
    for recital in &recitals {
        recital.ends().await;
    }
    for talk in &talks {
        stage.part(talk).await;
    }
    let ledger = stage.engine.ledger();
    for verdict in recitals.iter().map(|one| one.verdict(&ledger)) {
        verdict.is_complete(1);
        let heard = verdict
            .heard_after(returned)
            .expect("a translation after the outage");
        let after = heard - returned;
        assert!(after <= HEARS_ON, "{after:?}\n{verdict:#?}");
        let [before, last] = [1, BY_CALLER.len() - 1].map(|at| verdict.sentences[at].lag_ms());
        assert!(
            (last - before).abs() <= WON_BACK_MS,
            "{before} ms, then {last} ms\n{verdict:#?}"
        );
    }
    for talk in &talks {
        assert_eq!(stage.events.ended(talk.call).await.1.lost, [0, 0]);
    }
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prompted_sessions_all_lost_at_once_cost_nobody_a_word() {
    four_calls(PROMPTED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dedicated_sessions_all_lost_at_once_cost_nobody_a_word() {
    four_calls(DEDICATED).await;
}

/// One call in which both speak and something happens in the caller's second sentence; what became of all that was said, and
/// the ledger.
async fn interrupted(
    settings: &[(&str, &str)],
    happens: impl AsyncFnOnce(&Stage, &Talk),
) -> (Vec<Verdict>, Ledger) {
    let stage = Stage::set(settings).await;
    let talk = stage.talk(ES).await;
    let caller = Recital::begin(&talk, Side::Caller, &[1, 3, 5, 7], REST);
    let agent = Recital::begin(&talk, Side::Agent, &[0, 2, 4, 6], REST);
    caller.reaches(1, Duration::from_secs(1)).await;
    happens(&stage, &talk).await;
    caller.ends().await;
    agent.ends().await;
    // What is broken is mended before people part, so that every session sees its end.
    stage.engine.faults().stall(false);
    stage.part(&talk).await;
    let ledger = stage.engine.ledger();
    let verdicts = [caller, agent].map(|one| one.verdict(&ledger)).into();
    stage.strike().await;
    (verdicts, ledger)
}

fn all_complete(verdicts: &[Verdict]) {
    verdicts.iter().for_each(|verdict| verdict.is_complete(1));
}

fn all_heard(verdicts: &[Verdict]) {
    verdicts.iter().for_each(|verdict| verdict.is_heard(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_happens_nothing_is_lost_or_said_twice() {
    let nothing = async |settings| {
        let (verdicts, _) = interrupted(settings, async |_, _| {}).await;
        verdicts.iter().for_each(|verdict| verdict.is_complete(0));
        let lags = verdicts
            .iter()
            .map(|one| (one.sentences[0].lag_ms(), one.sentences[3].lag_ms()));
        for (first, last) in lags {
            assert!((last - first).abs() <= WON_BACK_MS, "{first} ms, then {last} ms");
        }
    };
    tokio::join!(nothing(PROMPTED), nothing(DEDICATED));
}

/// Faults that hit the caller's present session and none that comes after it.
fn at_the_callers(stage: &Stage) -> Faults {
    let ledger = stage.engine.ledger();
    let session = ledger.speaking(EN).expect("a session");
    stage.engine.faults().only(&session.id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_expire_in_the_middle_of_speech_cost_nobody_a_word() {
    let expire = async |settings| {
        let expired = interrupted(settings, async |stage, _| stage.engine.faults().expire());
        let (verdicts, ledger) = expired.await;
        all_complete(&verdicts);
        let codes = ledger.sessions.iter().filter_map(|session| session.closed?.1);
        assert_eq!(codes.filter(|code| *code == 1_001).count(), 2);
    };
    tokio::join!(expire(PROMPTED), expire(DEDICATED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dedicated_session_that_only_idles_is_replaced_and_what_it_missed_is_heard() {
    let idles = async |stage: &Stage, _: &Talk| at_the_callers(stage).idle(true);
    let (verdicts, _) = interrupted(DEDICATED, idles).await;
    all_complete(&verdicts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_falls_mute_is_replaced_and_what_it_missed_is_heard() {
    let mute = async |settings| {
        let mutes = async |stage: &Stage, _: &Talk| at_the_callers(stage).mute(true);
        all_heard(&interrupted(settings, mutes).await.0);
    };
    tokio::join!(mute(PROMPTED), mute(DEDICATED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_is_open_on_one_side_only_is_replaced_and_what_it_missed_is_heard() {
    let stall = async |settings| {
        let stalls = async |stage: &Stage, _: &Talk| at_the_callers(stage).stall(true);
        all_complete(&interrupted(settings, stalls).await.0);
    };
    tokio::join!(stall(PROMPTED), stall(DEDICATED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_asks_for_a_moment_gets_it_and_nothing_is_lost() {
    let busy = async |settings| {
        let refuses = async |stage: &Stage, _: &Talk| {
            stage.engine.faults().refuse(Some(2), 429, Some(1));
            stage.engine.faults().drop_connections();
        };
        let (verdicts, ledger) = interrupted(settings, refuses).await;
        all_complete(&verdicts);
        let refused = ledger.handshakes.iter().position(|one| one.status == 429);
        let refused = &ledger.handshakes[refused.expect("a refusal")..];
        // Each direction is refused once, and comes back a second later.
        let again = refused.iter().find(|one| one.status == 101).expect("a session");
        assert!(again.at - refused[0].at >= Duration::from_millis(950));
        assert_eq!(refused.len(), 4);
    };
    tokio::join!(busy(PROMPTED), busy(DEDICATED));
}

#[tokio::test]
async fn an_account_without_money_is_not_asked_again_and_people_hear_each_other() {
    let stage = Stage::set(PROMPTED).await;
    let talk = stage.talk(ES).await;
    stage.sentence(&talk, Side::Caller, 1).await;
    let handshakes = stage.engine.ledger().handshakes.len();
    stage.engine.faults().insufficient_quota();
    let original = |event: &Event| matches!(event, Event::OriginalVoice { .. });
    stage.events.saw(talk.call, "original voice", 2, original).await;
    for (by_caller, by_agent) in [(3, 2), (5, 4), (7, 6)] {
        tokio::join!(say(&talk.caller, by_caller, ES), say(&talk.agent, by_agent, EN));
        assert!(talk.agent.quiet_for(PAUSE, SOON).await && talk.caller.quiet_for(PAUSE, SOON).await);
    }
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent), [(1, EN), (3, ES), (5, ES), (7, ES)]);
    assert_eq!(understood(&talk.caller), [(2, EN), (4, EN), (6, EN)]);
    assert_eq!(stage.engine.ledger().handshakes.len(), handshakes);
    stage.strike().await;
}

#[tokio::test]
async fn where_dedicated_sessions_cannot_be_had_prompted_ones_take_over() {
    let plan = Plan::with(DEDICATED);
    let stage = Stage::build(plan).await;
    let faults = stage.engine.faults();
    faults.refuse_kind(SessionKind::Translation, 404);
    let talk = stage.talk(ES).await;
    stage.exchange(&talk, 1, 2).await;
    stage.part(&talk).await;
    assert_eq!(understood(&talk.agent).last(), Some(&(1, EN)));
    assert_eq!(understood(&talk.caller).last(), Some(&(2, ES)));
    let ledger = stage.engine.ledger();
    assert!(
        ledger
            .sessions
            .iter()
            .all(|one| one.kind == SessionKind::Prompted)
    );
    let refused = ledger.handshakes.iter().filter(|one| one.status == 404);
    assert!(refused.count() <= 4, "it is not asked again and again");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_dedicated_sessions_end_for_good_prompted_ones_go_on() {
    let ends = async |stage: &Stage, _: &Talk| {
        stage.engine.faults().refuse_kind(SessionKind::Translation, 404);
        stage.engine.faults().drop_connections();
    };
    let (verdicts, ledger) = interrupted(DEDICATED, ends).await;
    all_complete(&verdicts);
    let last = ledger.sessions.iter().rev().take(2);
    assert!(last.map(|one| one.kind).eq([SessionKind::Prompted; 2]));
}

/// The paths of the handshakes of a call with an agent of this language.
async fn paths(agent: &str) -> Vec<String> {
    let stage = Stage::set(&[("INTERPRETER", "auto"), ("AGENT_LANGUAGE", agent)]).await;
    let talk = stage.talk(ES).await;
    stage.part(&talk).await;
    let ledger = stage.engine.ledger();
    let uris = ledger.handshakes.iter().map(|one| &one.uri);
    let mut paths: Vec<String> = uris
        .filter_map(|uri| Some(uri.split_once('?')?.0.to_owned()))
        .collect();
    paths.sort();
    paths.dedup();
    stage.strike().await;
    paths
}

#[tokio::test]
async fn auto_means_prompted_where_the_dedicated_engine_does_not_speak() {
    // Polish is not one of the thirteen; the other direction speaks Spanish.
    assert!(paths("polish").await.contains(&"/v1/realtime".to_owned()));
}

#[tokio::test]
async fn auto_means_the_dedicated_engine_where_it_speaks() {
    let (english, polish) = tokio::join!(paths("english"), paths("polish"));
    assert_eq!(english, ["/v1/realtime/translations"]);
    assert_eq!(polish, ["/v1/realtime", "/v1/realtime/translations"]);
}
