//! An agent at the desk who is lost: what the caller hears meanwhile, who may come back, and when others are asked.

use std::time::Duration;

use crate::audio;
use crate::call::event::Event;
use crate::call::{Close, Control, DialBy, Input, RequestId, Side, SocketId, Time};
use crate::phrase::Phrase;

use super::conversation::{AGENT_SIDS, Conversation};
use super::desk::{offered, takes, waiting};
use super::line::Sound;
use super::script::Script;
use crate::call::Setup;

/// A conversation with ana, who has taken it at the desk; her page asks what comes next when it can.
pub fn talking(change: impl FnOnce(&mut Setup, &mut Script)) -> Conversation {
    let mut it = waiting(change);
    comes(&mut it, "ana", AGENT_SIDS[0]);
    it.advance(1_200);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
    it
}

/// Somebody takes the call, and is on the line.
pub fn comes(it: &mut Conversation, worker: &str, sid: &str) -> SocketId {
    let token = takes(it, worker).expect("a token");
    it.connect(Side::Agent, &token, sid)
}

/// How long the caller heard this between two moments, in milliseconds.
pub fn heard(it: &Conversation, wanted: Sound, from: Time, until: Time) -> u128 {
    let runs = it.line(Side::Caller).heard();
    let wanted = runs.into_iter().filter(|run| run.1 == wanted);
    let parts = wanted.map(|(at, _, bytes)| (at + audio::duration(bytes)).min(until).since(at.max(from)));
    parts.map(|part| part.as_millis()).sum()
}

/// When the caller first heard this after a moment, in milliseconds from it.
fn first(it: &Conversation, wanted: Sound, from: Time) -> Option<u128> {
    let runs = it.line(Side::Caller).heard();
    let later = runs
        .into_iter()
        .find(|run| run.1 == wanted && run.0 + audio::duration(run.2) > from);
    later.map(|run| run.0.max(from).since(from).as_millis())
}

fn after(from: Time, ms: u64) -> Time {
    from + Duration::from_millis(ms)
}

/// The sentence that the caller is told, as the session was given it.
pub fn sentences(it: &Conversation) -> usize {
    let sentence = Phrase::Reconnecting
        .spoken_in(it.call.language_of(Side::Caller))
        .0;
    let given = it.typists.iter().flat_map(|typist| &typist.given);
    given.filter(|text| *text == sentence).count()
}

pub fn reason(it: &Conversation) -> &'static str {
    it.ended().expect("ended").0.name()
}

pub fn again(it: &Conversation) -> usize {
    it.count(|event| matches!(event, Event::OfferedAgain { .. }))
}

#[test]
fn whoever_loses_their_agent_hears_music_after_two_seconds_and_a_sentence_after_five() {
    let mut it = talking(|_, script| script.asks = false);
    let lost = it.now;
    it.break_line(Side::Agent);
    it.advance(9_000);
    let music = first(&it, Sound::Hold, lost).expect("music");
    assert!((1_900..2_100).contains(&music), "{music}");
    let sentence = first(&it, Sound::Speech(Side::Agent), lost).expect("a sentence");
    assert!((5_000..6_000).contains(&sentence), "{sentence}");
    assert_eq!(sentences(&it), 1);
    // The sentence is heard alone and whole, and music before and after it.
    assert_eq!(heard(&it, Sound::Speech(Side::Agent), lost, it.now), 800);
    assert!(heard(&it, Sound::Hold, lost, after(lost, 5_000)) > 2_800);
    assert!(heard(&it, Sound::Hold, after(lost, 7_000), it.now) > 1_900);
    assert_eq!(
        it.line(Side::Caller).amount(Sound::Cue),
        0,
        "music takes the cue's place"
    );
    let silence = it.line(Side::Caller).longest_silence_ms(lost, it.now);
    assert!(silence <= 2_100, "{silence} ms of silence");
}

#[test]
fn a_page_that_sends_nothing_for_two_seconds_is_lost_and_music_begins_then() {
    let mut it = talking(|_, script| script.asks = false);
    let (last, socket) = (it.now, it.socket(Side::Agent).expect("a line"));
    it.mute[Side::Agent as usize] = true;
    it.advance(1_900);
    assert!(it.lines[socket.0 as usize].open);
    it.advance(200);
    assert_eq!(it.lines[socket.0 as usize].closed, Some(Close::Normal));
    assert_eq!(it.fetched, 0, "no carrier knows of pages");
    it.advance(1_000);
    let music = first(&it, Sound::Hold, last).expect("music");
    assert!((1_900..2_100).contains(&music), "{music}");
    it.advance(4_000);
    assert_eq!(sentences(&it), 1);
}

#[test]
fn an_agent_who_comes_back_within_a_second_is_missed_by_nobody() {
    let mut it = talking(|_, _| {});
    it.says(Side::Caller, 500);
    let lost = it.now;
    it.break_line(Side::Agent);
    it.says(Side::Caller, 1_000);
    it.advance(4_000);
    assert_eq!(heard(&it, Sound::Hold, lost, it.now), 0);
    assert_eq!((sentences(&it), again(&it)), (0, 0));
    assert_eq!(it.uncovered(Side::Caller), 0);
    it.hang_up(Side::Caller);
    it.finish(30_000);
    assert_eq!(reason(&it), "caller_hung_up");
}

#[test]
fn an_agent_who_comes_back_ends_the_music_and_hears_what_was_said_meanwhile() {
    let mut it = talking(|_, script| script.asks = false);
    it.break_line(Side::Agent);
    it.advance(10_000);
    it.says(Side::Caller, 2_000);
    it.advance(8_000);
    let token = takes(&mut it, "ana").expect("a token");
    it.connect(Side::Agent, &token, AGENT_SIDS[1]);
    let back = it.now;
    it.advance(4_000);
    // The piece of music that was being played is cut with her first sound.
    assert!(heard(&it, Sound::Hold, after(back, 60), it.now) == 0);
    assert!(it.line(Side::Agent).amount(Sound::Speech(Side::Caller)) > 0);
    assert_eq!(it.uncovered(Side::Caller), 0);
    it.says(Side::Agent, 1_000);
    it.advance(4_000);
    assert!(heard(&it, Sound::Speech(Side::Agent), back, it.now) > 500);
    assert_eq!((again(&it), sentences(&it)), (0, 1));
}

#[test]
fn a_stream_that_comes_back_without_a_sound_is_no_return() {
    let mut it = talking(|_, script| script.asks = false);
    let lost = it.now;
    it.break_line(Side::Agent);
    it.advance(3_000);
    it.mute[Side::Agent as usize] = true;
    for _ in 0..30 {
        let Some(token) = takes(&mut it, "ana") else { break };
        it.connect(Side::Agent, &token, AGENT_SIDS[1]);
        it.advance(2_000);
    }
    assert_eq!(again(&it), 1);
    let offered = it
        .when(|event| matches!(event, Event::OfferedAgain { .. }))
        .expect("an offer");
    assert_eq!(offered.since(lost).as_secs(), 60);
    let music = heard(&it, Sound::Hold, after(lost, 2_000), offered);
    assert!(music > 55_000, "{music} ms of music in 58 s");
}

#[test]
fn a_call_whose_agent_does_not_come_back_within_a_minute_is_offered_again_and_not_ended() {
    let mut it = talking(|setup, script| {
        script.asks = false;
        setup.announce = Some(Phrase::Recorded);
        setup.agent_wait = Duration::from_secs(30);
    });
    it.break_line(Side::Agent);
    it.advance(59_900);
    assert_eq!((again(&it), takes(&mut it, "bo")), (0, None));
    it.advance(200);
    assert_eq!((again(&it), offered(&it)), (1, 1));
    assert!(
        !it.sessions.iter().any(|session| session.open),
        "nobody pays for waiting"
    );
    assert!(!it.typists.iter().any(|session| session.open));
    let before = it.call.totals;
    it.says(Side::Caller, 2_000);
    it.advance(18_000);
    assert!(
        !it.sessions.iter().any(|session| session.open),
        "nothing leaves the process"
    );
    assert_eq!(it.call.totals.carried, before.carried);
    // Music goes on, and another agent is what the first was.
    assert_eq!(sentences(&it), 1);
    assert!(heard(&it, Sound::Hold, Time::ZERO, it.now) > 75_000);
    comes(&mut it, "bo", AGENT_SIDS[1]);
    it.says(Side::Agent, 900);
    it.advance(3_000);
    let beep = it.call.totals.beep - before.beep;
    assert!(
        (7_840..=8_000).contains(&beep),
        "the first second is not interpreted: {beep}"
    );
    let conversations = it.count(|event| matches!(event, Event::Conversation));
    assert_eq!(conversations, 2);
    let recorded = Phrase::Recorded.spoken_in(it.call.language_of(Side::Agent)).0;
    let told = it.typists.iter().flat_map(|typist| &typist.given);
    assert_eq!(
        told.filter(|text| *text == recorded).count(),
        2,
        "each agent is told"
    );
    for worker in ["ana", "bo"] {
        let worker = Some(worker.to_owned());
        assert_eq!(
            it.count(|event| *event
                == Event::Accepted {
                    worker: worker.clone()
                }),
            1
        );
    }
    it.says(Side::Caller, 1_000);
    it.advance(4_000);
    assert!(it.line(Side::Agent).amount(Sound::Speech(Side::Caller)) > 0);
    // The waiting time of before is over; it does not end a conversation.
    it.advance(30_000);
    it.give(Input::Control(Control::HangUp));
    it.finish(30_000);
    assert_eq!(reason(&it), "agent_hung_up");
}

#[test]
fn the_agent_who_was_lost_may_take_the_call_again_as_anybody() {
    let mut it = talking(|_, script| script.asks = false);
    it.break_line(Side::Agent);
    it.advance(61_000);
    comes(&mut it, "ana", AGENT_SIDS[1]);
    it.advance(1_500);
    assert_eq!(it.count(|event| matches!(event, Event::Conversation)), 2);
}

#[test]
fn nobody_who_takes_a_call_that_was_offered_again_within_the_waiting_time_ends_it_as_unanswered() {
    let mut it = talking(|setup, script| {
        script.asks = false;
        setup.agent_wait = Duration::from_secs(20);
    });
    it.break_line(Side::Agent);
    it.advance(79_000);
    assert_eq!(it.ended(), None);
    it.finish(10_000);
    assert_eq!(reason(&it), "nobody_accepted");
}

#[test]
fn a_caller_who_hangs_up_on_the_music_has_lost_their_agent() {
    for (waits, expected) in [
        (1_000, "caller_hung_up"),
        (3_000, "agent_lost"),
        (50_000, "agent_lost"),
        (61_000, "caller_left_waiting"),
    ] {
        let mut it = talking(|_, script| script.asks = false);
        it.break_line(Side::Agent);
        it.advance(waits);
        it.hang_up(Side::Caller);
        it.finish(30_000);
        assert_eq!(reason(&it), expected, "after {waits} ms");
    }
}

#[test]
fn a_call_that_is_given_back_is_offered_at_once_and_the_caller_told() {
    let mut it = talking(|_, script| script.asks = false);
    let (socket, released) = (it.socket(Side::Agent).expect("a line"), it.now);
    it.give(Input::Release);
    assert_eq!(it.lines[socket.0 as usize].closed, Some(Close::Normal));
    assert_eq!(again(&it), 1);
    it.advance(4_000);
    assert_eq!(sentences(&it), 1);
    assert!(first(&it, Sound::Hold, released).expect("music") < 100);
    assert_eq!(heard(&it, Sound::Speech(Side::Agent), released, it.now), 800);
    assert!(!it.sessions.iter().any(|session| session.open));
    assert!(!it.typists.iter().any(|session| session.open), "its work is done");
    it.give(Input::Release);
    assert_eq!(again(&it), 1, "nobody has it");
    comes(&mut it, "bo", AGENT_SIDS[1]);
    it.advance(1_500);
    assert_eq!(it.count(|event| matches!(event, Event::Conversation)), 2);
}

#[test]
fn the_last_words_of_an_agent_who_gives_the_call_back_are_heard() {
    let mut it = talking(|_, script| script.asks = false);
    it.says(Side::Agent, 1_500);
    it.types(Side::Agent, "and goodbye");
    let socket = it.socket(Side::Agent).expect("a line");
    it.give(Input::Release);
    assert_eq!(it.lines[socket.0 as usize].closed, Some(Close::Normal));
    assert_eq!(
        (again(&it), takes(&mut it, "ana"), takes(&mut it, "bo")),
        (0, None, None)
    );
    it.advance(6_100);
    assert_eq!((again(&it), it.uncovered(Side::Agent)), (1, 0));
    assert!(it.saw(|event| matches!(event, Event::Utterance(one) if one.typed == Some(1))));
    // An engine that does not answer keeps nobody.
    let mut it = talking(|_, script| {
        script.asks = false;
        script.think_ms = 30_000;
    });
    it.says(Side::Agent, 1_500);
    it.give(Input::Release);
    it.advance(5_900);
    assert_eq!(again(&it), 0);
    it.advance(200);
    assert_eq!(again(&it), 1);
}

#[test]
fn what_the_agent_had_said_is_heard_before_the_music() {
    let mut it = talking(|_, script| {
        script.asks = false;
        script.answer_ms = 6_000;
    });
    it.says(Side::Agent, 1_500);
    it.advance(1_500);
    let lost = it.now;
    it.break_line(Side::Agent);
    it.advance(12_000);
    let runs = it.line(Side::Caller).heard();
    let speech = runs
        .iter()
        .rfind(|run| run.1 == Sound::Speech(Side::Agent))
        .expect("speech");
    let music = first(&it, Sound::Hold, lost).expect("music");
    assert!(speech.2 > 0 && music > 2_000, "{music}");
    let pieces: Vec<_> = runs.iter().filter(|run| run.0 > lost).map(|run| run.1).collect();
    let turns = pieces.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(turns < 12, "music and speech do not alternate: {pieces:?}");
}

#[test]
fn a_caller_whose_own_stream_breaks_meanwhile_hears_music_again_when_it_is_back() {
    let mut it = talking(|_, _| {});
    it.script.returns = false;
    it.break_line(Side::Agent);
    it.advance(5_000);
    it.script.returns = true;
    it.break_line(Side::Caller);
    it.advance(1_000);
    let back = it.line(Side::Caller).since;
    it.advance(1_000);
    assert!(heard(&it, Sound::Hold, back, it.now) > 500);
}

#[test]
fn an_agent_lost_before_the_interpreters_were_ready_is_kept_as_long() {
    let mut it = waiting(|_, script| {
        script.asks = false;
        script.ready_ms = [Some(8_000), Some(8_000)];
    });
    comes(&mut it, "ana", AGENT_SIDS[0]);
    it.advance(500);
    it.break_line(Side::Agent);
    it.advance(20_000);
    assert_eq!(
        (again(&it), sentences(&it)),
        (0, 0),
        "nobody has talked to them yet"
    );
    let token = takes(&mut it, "ana").expect("a token");
    it.connect(Side::Agent, &token, AGENT_SIDS[1]);
    it.advance(500);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
    it.advance(3_000);
    assert!(it.socket(Side::Agent).is_some());
}

#[test]
fn a_sentence_that_cannot_be_spoken_leaves_the_music() {
    let mut it = talking(|_, script| {
        script.asks = false;
        script.typists_failing = 99;
    });
    let lost = it.now;
    it.break_line(Side::Agent);
    it.advance(30_000);
    assert_eq!(sentences(&it), 0);
    assert!(heard(&it, Sound::Hold, after(lost, 2_100), it.now) > 27_500);
    it.advance(31_000);
    assert_eq!(again(&it), 1);
}

#[test]
fn a_sentence_that_is_not_needed_any_more_is_not_spoken() {
    let mut it = talking(|_, script| {
        script.asks = false;
        script.think_ms = 1_000;
    });
    let lost = it.now;
    it.break_line(Side::Agent);
    it.advance(5_600);
    assert_eq!(sentences(&it), 1, "it was asked for");
    let token = takes(&mut it, "ana").expect("a token");
    it.connect(Side::Agent, &token, AGENT_SIDS[1]);
    it.advance(4_000);
    assert_eq!(heard(&it, Sound::Speech(Side::Agent), lost, it.now), 0);
    it.types(Side::Agent, "here I am");
    it.advance(4_000);
    assert_eq!(heard(&it, Sound::Speech(Side::Agent), lost, it.now), 800);
}

#[test]
fn a_softphone_is_kept_as_before() {
    let mut it = Conversation::talking(|setup, script| {
        setup.dial = DialBy::Client;
        script.asks = false;
    });
    it.give(Input::Release);
    it.give(Input::TakerGone { worker: "Ana" });
    let request = RequestId(0);
    let worker = "Ana".to_owned();
    it.give(Input::Take { request, worker });
    assert_eq!(it.taken, [None]);
    it.break_line(Side::Agent);
    it.advance(9_900);
    assert_eq!(it.ended(), None);
    it.finish(60_000);
    assert_eq!((reason(&it), again(&it)), ("agent_lost", 0));
}
