//! A conversation while all goes well: who hears what and when, kept frames, gaps, and the cue against silence.

use std::time::Duration;

use crate::call::event::Event;
use crate::call::{Input, LegEvent, OriginalAudio, Side, SocketId, Time};
use crate::language::Language;

use super::conversation::{Conversation, FRAME};
use super::line::Sound;

#[test]
fn each_party_hears_the_other_translated_and_nothing_else() {
    let mut it = Conversation::talking(|_, _| {});
    for side in [Side::Caller, Side::Agent, Side::Caller] {
        it.says(side, 1_500);
        it.advance(3_000);
    }
    for side in Side::BOTH {
        let line = it.line(side.other());
        let said = &it.spoken[side as usize];
        assert!(!said.is_empty());
        assert_eq!(line.speech(), *said, "what {side}'s interpreter said");
        assert_eq!(line.amount(Sound::Voice(side)), 0);
        assert_eq!(line.speech_confirmed, said.len());
    }
    assert_eq!(it.spoken[0].len(), 16_000);
    assert_eq!(it.count(|event| matches!(event, Event::Utterance(_))), 3);
}

#[test]
fn a_frame_reaches_the_session_at_once_and_untouched() {
    let mut it = Conversation::talking(|_, _| {});
    let before = it.session(Side::Caller).expect("open").bytes;
    let socket = it.socket(Side::Caller).expect("there");
    let mulaw = it.voice(Side::Caller);
    it.frame(socket, &mulaw);
    let session = it.session(Side::Caller).expect("open");
    assert_eq!((session.bytes - before, session.voice), (FRAME, FRAME));
}

#[test]
fn a_translation_longer_than_the_carriers_room_waits_here_and_arrives_whole() {
    let mut it = Conversation::talking(|_, script| script.answer_ms = 30_000);
    it.says(Side::Caller, 1_000);
    it.advance(12_000);
    let line = it.line(Side::Agent);
    assert!(line.most_ahead_ms <= 4_000, "{} ms ahead", line.most_ahead_ms);
    assert!(line.speech().len() < it.spoken[0].len());
    it.advance(25_000);
    let line = it.line(Side::Agent);
    assert_eq!(line.speech(), it.spoken[0]);
    let runs = line.heard();
    let speech: Vec<_> = runs
        .iter()
        .filter(|run| run.1 == Sound::Speech(Side::Caller))
        .collect();
    assert_eq!(speech.len(), 1, "it plays without a gap");
}

#[test]
fn lost_marks_delay_nothing_and_lose_nothing() {
    let mut it = Conversation::talking(|_, script| {
        script.echoes = false;
        script.answer_ms = 20_000;
    });
    it.says(Side::Agent, 1_000);
    it.advance(25_000);
    assert_eq!(it.line(Side::Caller).speech(), it.spoken[1]);
    it.hang_up(Side::Agent);
    it.finish(20_000);
}

#[test]
fn what_is_said_between_acceptance_and_confirmation_is_kept_and_sent_first() {
    let mut it = Conversation::ringing(|_, script| script.ready_ms = [Some(3_000); 2]);
    it.says(Side::Caller, 1_000);
    it.accept();
    it.says(Side::Caller, 2_000);
    assert_eq!(it.sessions[0].bytes, 0);
    it.advance(1_500);
    let session = &it.sessions[0];
    let first = session.first.expect("audio");
    assert_eq!(Some(first), it.when(|event| matches!(event, Event::Conversation)));
    assert_eq!(
        session.voice, 16_000,
        "all since the acceptance, nothing from before"
    );
}

#[test]
fn no_more_than_five_seconds_are_kept_and_the_rest_counts_as_lost() {
    let mut it = Conversation::ringing(|setup, script| {
        setup.must_confirm = false;
        script.ready_ms = [Some(100), None];
    });
    it.accept();
    it.give(Input::Wake);
    it.script.ready_ms = [None; 2];
    it.says(Side::Caller, 4_900);
    assert_eq!(it.sessions[0].bytes, 0);
    it.advance(200);
    assert!(it.sessions[0].bytes >= 39_000);
    // Two sessions in a row that do not confirm: more than five seconds.
    let mut it = Conversation::ringing(|_, _| {});
    it.break_line(Side::Agent);
    it.script.returns = false;
    it.accept();
    it.says(Side::Caller, 7_000);
    let token = it.tokens[1].take().expect("a token");
    it.connect(Side::Agent, &token, it.sid(Side::Agent));
    it.advance(40);
    let session = &it.sessions[0];
    assert!(
        session.voice <= 40_000 && session.voice >= 39_000,
        "{}",
        session.voice
    );
    it.hang_up(Side::Caller);
    it.finish(40_000);
    let (_, totals) = it.ended().expect("ended");
    assert!(
        (15_000..18_000).contains(&totals.lost[0]),
        "two seconds: {:?}",
        totals.lost
    );
}

#[test]
fn the_agents_first_second_after_acceptance_is_not_interpreted() {
    let mut it = Conversation::ringing(|_, _| {});
    it.accept();
    it.says(Side::Agent, 990);
    assert_eq!(it.session(Side::Agent).map(|session| session.bytes), Some(0));
    it.says(Side::Agent, 200);
    assert!(it.session(Side::Agent).is_some_and(|session| session.voice > 0));
    it.hang_up(Side::Caller);
    it.finish(30_000);
    let (_, totals) = it.ended().expect("ended");
    assert!((7_840..=8_000).contains(&totals.beep), "{}", totals.beep);
    assert_eq!(totals.lost, [0, 0]);
}

#[test]
fn people_of_one_language_hear_each_other_without_any_session() {
    let mut it = Conversation::ringing(|setup, _| setup.caller = Language::english());
    it.accept();
    it.advance(1_100);
    it.says(Side::Caller, 1_000);
    it.says(Side::Agent, 1_000);
    it.advance(200);
    assert!(it.sessions.is_empty());
    for side in Side::BOTH {
        let line = it.line(side.other());
        assert_eq!(line.amount(Sound::Voice(side)), 8_000, "{side}");
        assert_eq!((line.amount(Sound::Tone), line.amount(Sound::Cue)), (0, 0));
    }
}

#[test]
fn the_original_voice_is_heard_while_no_translation_plays() {
    let mut it = Conversation::talking(|setup, _| setup.original = OriginalAudio::Full);
    it.says(Side::Caller, 1_000);
    // The next sentence begins while the first one's translation plays.
    it.advance(800);
    it.says(Side::Caller, 3_000);
    it.advance(3_000);
    let line = it.line(Side::Agent);
    assert_eq!(line.speech(), it.spoken[0]);
    let voice = line.amount(Sound::Voice(Side::Caller));
    assert!(
        (16_000..=28_000).contains(&voice),
        "the rest is skipped, never queued: {voice}"
    );
    assert_eq!(it.line(Side::Caller).amount(Sound::Voice(Side::Caller)), 0);
}

/// A frame at a place of the stream's own clock.
fn frame_at(it: &mut Conversation, socket: SocketId, timestamp_ms: u64) {
    let mulaw = &it.voice(Side::Caller);
    let event = LegEvent::Audio { timestamp_ms, mulaw };
    it.give(Input::Leg { socket, event });
}

fn stream_with_clock() -> (Conversation, SocketId, u64, usize) {
    let mut it = Conversation::talking(|_, _| {});
    it.mute = [true; 2];
    it.advance(600);
    let socket = it.socket(Side::Caller).expect("there");
    let position = it.now.as_millis();
    frame_at(&mut it, socket, position);
    let bytes = it.sessions[0].bytes;
    (it, socket, position + 20, bytes)
}

#[test]
fn gaps_in_a_stream_are_filled_with_silence() {
    for (gap_ms, filled) in [(0, 0), (20, 0), (39, 0), (40, 320), (500, 4_000)] {
        let (mut it, socket, next, before) = stream_with_clock();
        it.advance(600);
        let before = before.max(it.sessions[0].bytes);
        // What the pause itself made the call fill in is counted already.
        let known = before;
        frame_at(&mut it, socket, next + gap_ms);
        let grown = it.sessions[0].bytes - known;
        assert_eq!(grown, FRAME + filled, "a gap of {gap_ms} ms");
    }
}

#[test]
fn a_stream_cannot_claim_a_gap_longer_than_the_time_that_has_passed() {
    let (mut it, socket, next, _) = stream_with_clock();
    let before = it.sessions[0].bytes;
    frame_at(&mut it, socket, next + 3_600_000);
    assert!(it.sessions[0].bytes - before <= 2_500 * 8);
    let before = it.sessions[0].bytes;
    frame_at(&mut it, socket, u64::MAX);
    frame_at(&mut it, socket, 0);
    assert!(it.sessions[0].bytes - before <= 2_500 * 8);
}

#[test]
fn a_stream_that_stops_in_the_middle_of_a_word_still_gets_its_translation() {
    let mut it = Conversation::talking(|_, _| {});
    it.says(Side::Caller, 1_000);
    it.mute[0] = true;
    it.advance(4_000);
    assert_eq!(it.line(Side::Agent).speech().len(), 8_000);
    it.mute[0] = false;
    it.says(Side::Caller, 1_000);
    it.advance(4_000);
    assert_eq!(it.line(Side::Agent).speech().len(), 16_000);
}

/// The longest time without anything audible for `listener` from the moment their partner began to speak.
fn silence_while(it: &mut Conversation, speaker: Side, ms: u64) -> u128 {
    let from = it.now;
    it.says(speaker, ms);
    it.line(speaker.other()).longest_silence_ms(from, it.now)
}

#[test]
fn a_listener_is_given_a_cue_before_silence_becomes_long() {
    for speaker in Side::BOTH {
        let mut it = Conversation::talking(|_, _| {});
        let silence = silence_while(&mut it, speaker, 15_000);
        assert!(silence <= 2_100, "{silence} ms");
        let cues = it.count(|event| {
            *event
                == Event::Cue {
                    listener: speaker.other(),
                }
        });
        assert!((6..=7).contains(&cues), "{cues} cues in 15 s");
        assert_eq!(it.line(speaker).amount(Sound::Cue), 0);
    }
}

#[test]
fn cues_can_be_turned_off_and_nobody_gets_one_in_a_pause() {
    let mut it = Conversation::talking(|setup, _| setup.wait_cue = false);
    assert!(silence_while(&mut it, Side::Caller, 8_000) >= 7_900);
    let mut it = Conversation::talking(|_, _| {});
    it.advance(30_000);
    it.says(Side::Caller, 1_000);
    it.advance(1_200);
    it.advance(30_000);
    assert_eq!(it.count(|event| matches!(event, Event::Cue { .. })), 0);
}

#[test]
fn a_listener_whose_partner_is_lost_hears_cues() {
    let mut it = Conversation::talking(|_, script| script.asks = false);
    it.break_line(Side::Agent);
    it.advance(9_000);
    let cues = it.count(|event| {
        matches!(
            event,
            Event::Cue {
                listener: Side::Caller
            }
        )
    });
    assert!((3..=5).contains(&cues), "{cues}");
}

#[test]
fn keys_are_told() {
    let mut it = Conversation::talking(|_, _| {});
    let socket = it.socket(Side::Agent).expect("there");
    let event = LegEvent::Dtmf('5');
    it.give(Input::Leg { socket, event });
    assert!(it.saw(|event| *event
        == Event::Key {
            side: Side::Agent,
            digit: '5'
        }));
}

#[test]
fn time_never_runs_backwards_in_a_call() {
    let mut it = Conversation::talking(|_, _| {});
    let now = it.now;
    let mut out = std::mem::take(&mut it.out);
    it.call.handle(Input::Wake, Time::ZERO, &mut out);
    it.out = out;
    let wake = it.call.next_wake().expect("timers run");
    assert!(wake + Duration::from_secs(1) > now);
}
