//! Conversations that chance writes: facts in any order, twice, late or never; and what must hold whatever happens.
//!
//! The stage itself checks each output (see `world`). Here stand the sums: every byte that was heard is accounted for,
//! every byte of translation reaches its listener once, nobody sits in silence, every call comes to an end, and the same
//! facts give the same outputs.

use proptest::prelude::*;

use crate::audio::SILENCE;
use crate::call::outcome::Reason;
use crate::call::{
    CallStatus, DialBy, Input, LegEvent, MarkId, OriginalAudio, Phase, RequestId, Side, SocketId,
};
use crate::language::Language;

use super::chance::{Fact, Play, play};
use super::conversation::{CALLER_SID, Conversation, FRAME};
use super::line::voice;

impl Conversation {
    fn fact(&mut self, fact: &Fact, old: &mut Vec<(Side, String)>) {
        match fact.clone() {
            Fact::Pause(ms) => self.advance(ms),
            Fact::Says(side, ms) => self.says_and_is_heard(side, ms),
            Fact::BothSay(ms) => {
                self.speaking = [true; 2];
                self.advance(ms);
                self.speaking = [false; 2];
            }
            Fact::Burst(side, frames) => {
                for _ in 0..frames {
                    if let Some(socket) = self.socket(side) {
                        self.frame(socket, &[voice(side); FRAME]);
                    }
                }
            }
            Fact::Jump(side, at) => {
                if let Some(socket) = self.socket(side) {
                    let (timestamp_ms, mulaw) = (u64::from(at), &[SILENCE; FRAME][..]);
                    let event = LegEvent::Audio { timestamp_ms, mulaw };
                    self.give(Input::Leg { socket, event });
                }
            }
            Fact::Mute(side, on) => self.mute[side as usize] = on,
            Fact::HangUp(side) => self.hang_up(side),
            Fact::Status(side) => self.status_ended(side),
            Fact::Break(side) => self.break_line(side),
            _ => self.carrier_fact(fact, old),
        }
    }

    /// A fact that the carrier or an engine brings.
    fn carrier_fact(&mut self, fact: &Fact, old: &mut Vec<(Side, String)>) {
        match fact.clone() {
            Fact::CallerConnects => {
                if let Some(crate::call::Answer::Stream { token, .. }) = self.call.first_answer() {
                    self.comes_in(Side::Caller, token, old);
                }
            }
            Fact::AgentConnects => {
                if let Some(token) = self.dials.last().cloned() {
                    self.comes_in(Side::Agent, token, old);
                }
            }
            Fact::OldToken => {
                for (side, token) in std::mem::take(old) {
                    let used = self.lines.len();
                    self.connect(side, &token, self.sid(side));
                    assert!(!self.lines[used].open, "a token is used twice");
                }
            }
            Fact::ForeignToken => {
                let socket = self.connect(Side::Caller, &format!("{:032x}-{:032x}", 7, 7), CALLER_SID);
                assert!(!self.lines[socket.0 as usize].open);
            }
            Fact::Accept => self.accept(),
            Fact::Match => self.give(Input::LaneMatched),
            Fact::Task(event) => self.give(Input::Task(event)),
            Fact::SessionFails(side, heals) => {
                if self.session(side).is_some() {
                    self.session_fails(side, heals);
                }
            }
            Fact::Mark(side, generation, number) => {
                if let Some(socket) = self.socket(side).filter(|_| generation == 0) {
                    let event = LegEvent::Mark(MarkId { generation, number });
                    self.give(Input::Leg { socket, event });
                }
            }
            Fact::Webhook(side) => self.asked_at_once(side),
            Fact::FirstWebhook => {
                // The carrier fetches the document again, so it has no stream.
                if let Some(socket) = self.socket(Side::Caller) {
                    self.line_ends(socket);
                }
                let request = RequestId(self.asked.len() as u32);
                self.asked.insert(request.0, Side::Caller);
                self.give(Input::IncomingAgain { request });
            }
            Fact::Stray(socket) => {
                let socket = SocketId(socket + 1_000);
                self.give(Input::LegClosed { socket });
            }
            Fact::ShutDown => self.give(Input::ShutDown),
            other => unreachable!("a party's own doing: {other:?}"),
        }
    }

    /// A stream comes; a token that has let it in is of no more use.
    fn comes_in(&mut self, side: Side, token: String, used: &mut Vec<(Side, String)>) {
        let socket = self.connect(side, &token, self.sid(side));
        if self.lines[socket.0 as usize].open {
            used.push((side, token));
        }
    }

    /// The carrier asks what comes next; a stream that was there has ended without our knowing.
    fn asked_at_once(&mut self, side: Side) {
        if let Some(socket) = self.socket(side) {
            self.line_ends(socket);
        }
        let request = RequestId(self.asked.len() as u32);
        self.asked.insert(request.0, side);
        let call_sid = self.sid(side);
        self.give(Input::AfterStream {
            request,
            side,
            call_sid,
        });
    }

    fn status_ended(&mut self, side: Side) {
        if side == Side::Agent && self.dials.is_empty() {
            return;
        }
        let call_sid = self.sid(side);
        let known = self.call.parties[side as usize].call_sid.as_deref() == Some(call_sid);
        if let Some(socket) = self.socket(side).filter(|_| known) {
            self.line_ends(socket);
        }
        self.running.retain(|running| running != call_sid);
        let status = CallStatus::Ended;
        self.give(Input::CallStatus {
            side,
            call_sid,
            status,
        });
    }

    /// A party speaks; where there is a conversation throughout, their listener is never long in silence.
    fn says_and_is_heard(&mut self, side: Side, ms: u64) {
        let talks = |it: &Self| it.call.phase == Phase::Conversation && !it.mute[side as usize];
        let (from, before, talked) = (self.now, self.socket(side.other()), talks(self));
        self.says(side, ms);
        if talked && talks(self) && before.is_some() && self.socket(side.other()) == before {
            let silence = self.line(side.other()).longest_silence_ms(from, self.now);
            // Two seconds, and the agent's first one, which is not theirs.
            assert!(silence <= 3_300, "{silence} ms of silence");
        }
    }
}

/// Plays it to its end.
fn act(play: &Play) -> Conversation {
    let mut it = Conversation::new(|setup, script| {
        *script = play.script.clone();
        if play.same_language {
            setup.caller = Language::english();
        }
        if play.full {
            setup.original = OriginalAudio::Full;
        }
        if play.client {
            setup.dial = DialBy::Client;
        }
        setup.must_confirm = play.must_confirm;
    });
    let mut old = Vec::new();
    for fact in &play.facts {
        if !it.finished {
            it.fact(fact, &mut old);
        }
    }
    if it.finished {
        return it;
    }
    if play.caller_ends && it.socket(Side::Caller).is_some() {
        it.hang_up(Side::Caller);
    } else {
        it.give(Input::ShutDown);
    }
    it.finish(200_000);
    it
}

/// Every byte since the acceptance went somewhere, and nothing was counted that was not there.
fn check_sums(it: &Conversation) {
    let (_, totals) = it.ended().expect("ended");
    for side in Side::BOTH {
        let n = side as usize;
        let beep = if side == Side::Agent {
            it.call.totals.beep
        } else {
            0
        };
        let kept = it.call.directions[n].held.len() as u64;
        let sums = it.call.totals;
        let known = sums.carried[n] + sums.lost[n] + sums.skipped[n] + beep + kept;
        assert_eq!(known, it.heard[n], "what the {side} said: {sums:?}, {kept} kept");
        assert_eq!(
            totals.spoken[n],
            it.spoken[n].len() as u64,
            "what the {side}'s interpreter said"
        );
        assert!(
            totals.played[n] <= totals.spoken[n] + totals.waited[n],
            "{totals:?}"
        );
    }
}

/// The listener's streams, one after the other, carry what was spoken: in order, nothing left out, and nothing sent
/// again that was confirmed.
fn check_delivery(it: &Conversation, listener: Side) {
    let said = &it.spoken[listener.other() as usize];
    let (mut sent, mut confirmed, mut played) = (0, 0, 0);
    for line in it.lines.iter().filter(|line| line.side == listener) {
        let here = &line.sent;
        if here.is_empty() {
            continue;
        }
        let fits = |from: &usize| said.get(*from..*from + here.len()) == Some(here.as_slice());
        let from = (confirmed..=sent).rev().find(fits);
        let from = from.unwrap_or_else(|| panic!("{listener}: not what comes after {confirmed}..{sent}"));
        assert!(
            from <= played,
            "{listener}: what was sent and not played is not sent again"
        );
        played = from + line.speech_played();
        sent = sent.max(from + here.len());
        confirmed = confirmed.max(from + line.speech_confirmed);
    }
    let left = [Reason::CallerHungUp, Reason::AgentHungUp][listener.other() as usize];
    let drained = it.ended().is_some_and(|(reason, _)| reason == left);
    let stayed = it
        .lines
        .iter()
        .rev()
        .find(|line| line.side == listener && !line.sent.is_empty());
    if drained && stayed.is_some_and(|line| line.let_go) {
        assert_eq!(
            sent,
            said.len(),
            "the {listener} stayed and did not get all of it"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_byte_is_accounted_for_and_every_call_comes_to_its_end(play in play()) {
        let it = act(&play);
        check_sums(&it);
        if play.script.dials.is_empty() {
            assert_eq!(it.agents_running(), 0, "the agent's call was taken along");
        }
        for listener in Side::BOTH {
            check_delivery(&it, listener);
        }
    }

    #[test]
    fn the_same_facts_give_the_same_outputs(play in play()) {
        prop_assert_eq!(act(&play).log, act(&play).log);
    }
}
