//! Sessions that fail while people talk: the original voice, replacements, and turns that come to nothing.

use std::time::Duration;

use crate::call::event::Event;
use crate::call::{Cure, EngineKind, Input, SessionEvent, Side};

use super::conversation::{Conversation, cure};
use super::line::Sound;

#[test]
fn a_session_that_cannot_be_opened_lets_the_original_voice_through_after_a_tone() {
    let mut it = Conversation::ringing(|_, script| script.failing = [1_000, 0]);
    it.accept();
    it.advance(1_200);
    it.says(Side::Caller, 1_000);
    it.advance(200);
    let line = it.line(Side::Agent);
    let (tone, voice) = (line.first(Sound::Tone), line.first(Sound::Voice(Side::Caller)));
    assert!(tone.is_some() && tone < voice, "{tone:?} {voice:?}");
    assert_eq!(line.amount(Sound::Voice(Side::Caller)), 8_000);
    assert_eq!(
        it.count(|e| *e
            == Event::OriginalVoice {
                speaker: Side::Caller
            }),
        1
    );
    // The other direction is none the worse for it.
    it.says(Side::Agent, 1_000);
    it.advance(3_000);
    assert_eq!(it.line(Side::Caller).amount(Sound::Speech(Side::Agent)), 8_000);
    assert_eq!(it.line(Side::Caller).amount(Sound::Voice(Side::Agent)), 0);
}

#[test]
fn words_kept_for_a_session_that_never_comes_are_heard_in_the_original_voice() {
    let mut it = Conversation::ringing(|_, script| script.ready_ms = [None, Some(200)]);
    it.accept();
    it.says(Side::Caller, 2_000);
    it.advance(6_000);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
    assert_eq!(it.line(Side::Agent).amount(Sound::Voice(Side::Caller)), 16_000);
}

#[test]
fn silence_that_was_kept_for_a_session_does_not_delay_the_original_voice() {
    let mut it = Conversation::ringing(|_, script| script.ready_ms = [None, Some(200)]);
    it.accept();
    it.advance(5_100);
    let speaks = it.now;
    it.says(Side::Caller, 1_000);
    it.advance(100);
    let heard = it.line(Side::Agent).first(Sound::Voice(Side::Caller));
    let delay = heard.expect("heard").since(speaks).as_millis();
    assert!(delay <= 500, "{delay} ms, which is more than the tone takes");
}

#[test]
fn a_session_that_fails_in_mid_sentence_is_replaced_and_interpretation_goes_on() {
    let mut it = Conversation::talking(|_, _| {});
    it.script.failing[0] = 5;
    it.says(Side::Caller, 500);
    it.session_fails(Side::Caller, true);
    it.says(Side::Caller, 300);
    it.advance(6_000);
    assert!(it.saw(|e| *e
        == Event::OriginalVoice {
            speaker: Side::Caller
        }));
    assert!(it.saw(|e| *e
        == Event::Interpreted {
            speaker: Side::Caller
        }));
    let voice = it.line(Side::Agent).amount(Sound::Voice(Side::Caller));
    it.says(Side::Caller, 1_000);
    it.advance(3_000);
    let line = it.line(Side::Agent);
    assert_eq!(
        line.amount(Sound::Voice(Side::Caller)),
        voice,
        "no original any more"
    );
    assert_eq!(line.speech(), it.spoken[0]);
    assert_eq!(it.opened(Side::Caller).len(), 7);
    assert_eq!(it.opened(Side::Agent).len(), 1);
    assert_eq!(it.uncovered(Side::Caller), 0);
}

#[test]
fn sessions_are_opened_again_with_doubling_jittered_pauses_and_rarely_later() {
    let mut it = Conversation::talking(|_, _| {});
    let lost = it.now;
    it.script.failing[0] = 1_000;
    it.session_fails(Side::Caller, true);
    it.advance(60_000);
    let opened = it.opened(Side::Caller);
    let failed = |n: usize| opened[n] + Duration::from_millis(50);
    let pause = |n: usize| opened[n + 1].since(failed(n)).as_millis();
    let again: Vec<usize> = (0..opened.len()).filter(|&n| opened[n] >= lost).collect();
    let first = opened[again[0]].since(lost).as_millis();
    assert!((200..=300).contains(&first), "{first}");
    assert!((400..=600).contains(&pause(again[0])));
    let early: Vec<u128> = again
        .windows(2)
        .filter(|pair| opened[pair[1]].since(lost) < Duration::from_secs(10))
        .map(|pair| pause(pair[0]))
        .collect();
    assert!(
        early.len() >= 7 && early.iter().all(|&ms| ms <= 1_200),
        "{early:?}"
    );
    let jittered = early[2..].windows(2).any(|pair| pair[0] != pair[1]);
    assert!(jittered, "{early:?}");
    let late: Vec<u128> = again
        .windows(2)
        .filter(|pair| opened[pair[0]].since(lost) > Duration::from_secs(11))
        .map(|pair| pause(pair[0]))
        .collect();
    assert!(
        late.len() >= 3 && late.iter().all(|&ms| (8_000..=12_000).contains(&ms)),
        "{late:?}"
    );
    assert_eq!(
        it.count(|e| *e
            == Event::OriginalVoice {
                speaker: Side::Caller
            }),
        1
    );
}

#[test]
fn an_engine_that_asks_for_a_longer_pause_gets_it() {
    for (asked, least, most) in [(3, 3_000, 3_000), (600, 10_000, 10_000), (0, 200, 300)] {
        let mut it = Conversation::talking(|_, _| {});
        let lost = it.now;
        let retry_after = Some(Duration::from_secs(asked));
        it.session_says(
            Side::Agent,
            SessionEvent::Failed {
                cure: cure(true),
                why: "rate",
                retry_after,
            },
        );
        it.advance(12_000);
        let pause = it.opened(Side::Agent)[1].since(lost).as_millis();
        assert!((least..=most).contains(&pause), "{pause}");
    }
}

#[test]
fn an_error_that_will_not_heal_is_not_tried_again() {
    let mut it = Conversation::talking(|_, script| script.away = Some((EngineKind::Translate, false)));
    it.session_fails(Side::Agent, false);
    it.advance(120_000);
    assert_eq!(it.opened(Side::Agent).len(), 2, "each engine once");
    it.says(Side::Agent, 500);
    it.advance(200);
    assert!(it.line(Side::Caller).amount(Sound::Voice(Side::Agent)) >= 4_000);
}

#[test]
fn an_account_that_is_refused_is_not_tried_with_the_other_engine_either() {
    let mut it = Conversation::talking(|_, _| {});
    let event = SessionEvent::Failed {
        cure: Cure::Nothing,
        why: "insufficient_quota",
        retry_after: None,
    };
    it.session_says(Side::Agent, event);
    it.advance(120_000);
    assert_eq!(it.opened(Side::Agent).len(), 1);
    assert!(it.saw(|e| *e == Event::OriginalVoice { speaker: Side::Agent }));
}

#[test]
fn an_error_that_will_not_heal_before_anybody_accepted_holds_nothing_up() {
    let mut it = Conversation::ringing(|_, script| script.away = Some((EngineKind::Translate, false)));
    it.give(Input::Task(crate::call::TaskEvent::Offered));
    it.session_fails(Side::Caller, false);
    it.advance(500);
    it.accept();
    it.advance(500);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
    assert!(it.saw(|e| *e
        == Event::OriginalVoice {
            speaker: Side::Caller
        }));
}

#[test]
fn a_session_that_does_not_confirm_in_time_has_failed_or_is_taken_on_trust() {
    let mut it = Conversation::ringing(|_, script| script.ready_ms = [None; 2]);
    it.accept();
    it.advance(5_100);
    assert_eq!(it.count(|event| matches!(event, Event::SessionLost { .. })), 2);
    assert!(it.saw(|event| matches!(event, Event::OriginalVoice { .. })));
    let mut it = Conversation::ringing(|setup, script| {
        script.ready_ms = [None; 2];
        setup.must_confirm = false;
    });
    it.accept();
    it.advance(4_900);
    assert!(!it.saw(|event| matches!(event, Event::Conversation)));
    it.advance(200);
    assert!(it.saw(|event| matches!(event, Event::Conversation)));
    assert!(!it.saw(|event| matches!(event, Event::OriginalVoice { .. })));
}

#[test]
fn a_session_that_was_never_reached_is_not_taken_on_trust() {
    let mut it = Conversation::ringing(|setup, script| {
        script.reached = false;
        setup.must_confirm = false;
    });
    it.accept();
    it.advance(5_100);
    assert_eq!(it.count(|event| matches!(event, Event::SessionReady { .. })), 0);
    assert!(it.saw(|event| matches!(event, Event::OriginalVoice { .. })));
}

#[test]
fn a_session_that_owes_a_translation_and_says_nothing_is_replaced() {
    let mut it = Conversation::talking(|_, script| script.think_ms = 60_000);
    it.says(Side::Caller, 500);
    it.advance(8_300);
    assert_eq!(it.opened(Side::Caller).len(), 1);
    it.script.think_ms = 300;
    it.advance(3_000);
    assert_eq!(it.opened(Side::Caller).len(), 2);
    assert_eq!(it.uncovered(Side::Caller), 0);
}

#[test]
fn a_turn_that_fails_is_announced_to_its_listener() {
    let mut it = Conversation::talking(|_, _| {});
    it.session_says(Side::Agent, SessionEvent::TurnStarted { turn: 9 });
    it.session_says(Side::Agent, SessionEvent::TurnFailed { turn: 9 });
    it.advance(100);
    assert!(it.saw(|e| *e == Event::Untranslated { speaker: Side::Agent }));
    assert!(it.line(Side::Caller).amount(Sound::Tone) > 0);
    assert_eq!(it.opened(Side::Agent).len(), 1, "the session itself goes on");
}

#[test]
fn what_a_replaced_session_still_says_is_not_heard() {
    let mut it = Conversation::talking(|_, _| {});
    let old = it.session(Side::Caller).expect("open").id;
    it.session_fails(Side::Caller, true);
    it.advance(2_000);
    let sent = it.line(Side::Agent).speech_sent;
    it.translates(old, 1, 800);
    let event = SessionEvent::Failed {
        cure: cure(false),
        why: "late",
        retry_after: None,
    };
    it.give(Input::Session { session: old, event });
    assert_eq!(it.line(Side::Agent).speech_sent, sent);
    assert!(it.session(Side::Caller).is_some());
}
