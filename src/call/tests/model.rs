//! Conversations that chance writes: facts in any order, twice, late or never; and what must hold whatever happens.
//!
//! The stage itself checks each output (see `world`). Here stand the sums: every byte that was heard is accounted for,
//! every byte of translation reaches its listener once, nobody sits in silence, every call comes to an end, and the same
//! facts give the same outputs.

use std::time::Duration;

use proptest::prelude::*;

use crate::audio::SILENCE;
use crate::call::event::Event;
use crate::call::outcome::Reason;
use crate::call::timer::Timer;
use crate::call::{
    CallStatus, DialBy, Input, LegEvent, MarkId, OriginalAudio, Phase, RequestId, SessionEvent, Side,
    SocketId,
};
use crate::language::Language;

use super::chance::{Fact, Play, play};
use super::conversation::{AGENT_SIDS, CALLER_SID, Conversation, FRAME, cure};

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
                        let mulaw = self.voice(side);
                        self.frame(socket, &mulaw);
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
            Fact::Transfer => {
                if self.dials.len() < AGENT_SIDS.len() - 8 {
                    let identity = "bo".to_owned();
                    self.give(Input::Transfer { identity });
                }
            }
            Fact::Take(..) | Fact::TakerConnects | Fact::TakerGone(_) | Fact::Release => {
                self.desk_fact(fact, old);
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
            other => self.engine_fact(other),
        }
    }

    /// A fact that people at the desk bring.
    fn desk_fact(&mut self, fact: &Fact, old: &mut Vec<(Side, String)>) {
        let worker = |first: bool| if first { "ana" } else { "bo" };
        match fact {
            Fact::Take(first) => {
                let request = RequestId(self.taken.len() as u32);
                let worker = worker(*first).to_owned();
                self.give(Input::Take { request, worker });
            }
            Fact::TakerConnects => {
                // A page has a name of its own for each stream, until all that the stage knows are used.
                let pages = self.lines.iter().filter(|line| line.side == Side::Agent).count();
                let sid = AGENT_SIDS[pages.min(AGENT_SIDS.len() - 1)];
                if let Some(token) = self.taken.iter().rev().flatten().next().cloned() {
                    let socket = self.connect(Side::Agent, &token, sid);
                    if self.lines[socket.0 as usize].open {
                        old.push((Side::Agent, token));
                    }
                }
            }
            Fact::TakerGone(first) => {
                let worker = worker(*first);
                self.give(Input::TakerGone { worker });
            }
            Fact::Release => self.give(Input::Release),
            other => unreachable!("none of the desk's doing: {other:?}"),
        }
    }

    /// A fact about engines, and what people do about them.
    fn engine_fact(&mut self, fact: Fact) {
        match fact {
            Fact::SessionFails(side, heals) => {
                if self.session(side).is_some() {
                    self.session_fails(side, heals);
                }
            }
            Fact::AnyFails(which) => self.any_fails(which),
            Fact::Deaf(on) => {
                self.script.deaf = on;
                self.sessions.iter_mut().for_each(|session| session.deaf = on);
            }
            Fact::Away(engine) => self.script.away = engine,
            Fact::Renew(side) => {
                let now = self.now;
                self.call.timers.set(Timer::Renew(side), now);
                self.give(Input::Wake);
            }
            Fact::Types(side) => self.types(side, "a message"),
            Fact::Control(control) => self.give(Input::Control(control)),
            Fact::ShutDown => self.give(Input::ShutDown),
            other => unreachable!("a party's own doing: {other:?}"),
        }
    }

    /// A stream comes; a token that has let it in is of no more use.
    fn comes_in(&mut self, side: Side, token: String, used: &mut Vec<(Side, String)>) {
        let call_sid = match side {
            Side::Caller => CALLER_SID,
            Side::Agent => self.dialled_sid(),
        };
        let socket = self.connect(side, &token, call_sid);
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

    fn any_fails(&mut self, which: usize) {
        let open: Vec<_> = self
            .sessions
            .iter()
            .filter(|session| session.open)
            .map(|s| s.id)
            .collect();
        if let Some(&session) = open.get(which) {
            let event = SessionEvent::Failed {
                cure: cure(true),
                why: "gone",
                retry_after: None,
            };
            self.give(Input::Session { session, event });
        }
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
        if play.desk {
            setup.dial = DialBy::Desk;
        }
        setup.must_confirm = play.must_confirm;
        setup.interpreter = play.interpreter;
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
        let kept = it.call.directions[n].uplink.fresh() as u64;
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
    let drained = drained(it, listener.other());
    let stayed = it
        .lines
        .iter()
        .rev()
        .find(|line| line.side == listener && !line.sent.is_empty());
    if drained && stayed.is_some_and(|line| line.let_go) && !given_up(it, listener) {
        assert_eq!(
            sent,
            said.len(),
            "the {listener} stayed and did not get all of it"
        );
    }
}

/// Every transfer comes to one end, and none begins while another is under way.
fn check_transfers(it: &Conversation) {
    let mut under_way = false;
    for (_, event) in &it.events {
        match event {
            Event::Transferring { .. } => assert!(!std::mem::replace(&mut under_way, true)),
            Event::Transferred => assert!(std::mem::take(&mut under_way)),
            Event::TransferFailed { why } => under_way &= *why == "another is under way",
            _ => {}
        }
    }
    assert!(!under_way, "a transfer is left open");
}

/// Every message that was accepted was spoken to its end, or it was told that it cannot be: one of the two, once.
fn check_messages(it: &Conversation) {
    for (_, event) in &it.events {
        let Event::Typed { number, .. } = event else {
            continue;
        };
        let spoken =
            |event: &Event| matches!(event, Event::Utterance(one) if one.typed == Some(*number) && !one.cut);
        let failed =
            |event: &Event| matches!(event, Event::TypedFailed { number: theirs, .. } if theirs == number);
        assert_eq!(it.count(spoken) + it.count(failed), 1, "message {number}");
    }
}

/// Whether the call ended because this speaker hung up.
fn drained(it: &Conversation, speaker: Side) -> bool {
    let left = [Reason::CallerHungUp, Reason::AgentHungUp][speaker as usize];
    it.ended().is_some_and(|(reason, _)| reason == left)
}

/// Whether an agent's call was completed since its webhook never came.
fn given_up(it: &Conversation, listener: Side) -> bool {
    listener == Side::Agent && it.lanes_taken > 0 && !it.matched
}

/// What was said was translated to the end or heard as it was, whatever became of sessions on the way.
fn check_nothing_is_missing(it: &mut Conversation, speaker: Side, listener_stayed: bool) {
    let hung_up = it.when(|event| matches!(event, Event::Draining { .. }));
    let ended = it.when(|event| matches!(event, Event::Ended { .. }));
    let took = ended.zip(hung_up).map(|(ended, from)| ended.since(from));
    // All that somebody who has left said gets twenty seconds.
    let in_time = took.is_some_and(|took| took < Duration::from_secs(5));
    if drained(it, speaker) && in_time && listener_stayed && it.call.totals.lost[speaker as usize] == 0 {
        let missing = it.uncovered(speaker);
        // A live voice that was under way to an agent whose place is taken was for them: two seconds, if it came in a burst.
        let under_way = it.count(|event| *event == Event::Transferred) * FRAME * 100;
        // Where two stretches of voice join, the comparison may miss a byte.
        assert!(
            missing <= under_way + 4,
            "{missing} bytes of what the {speaker} said"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_byte_is_accounted_for_and_every_call_comes_to_its_end(play in play()) {
        let mut it = act(&play);
        let deaf = play.facts.iter().any(|fact| matches!(fact, Fact::Deaf(true)));
        let breaks = play.facts.iter().any(|fact| matches!(fact, Fact::Break(_) | Fact::Webhook(_) | Fact::FirstWebhook));
        for speaker in Side::BOTH {
            let stayed = it.lines.iter().rev().find(|line| line.side == speaker.other());
            let stayed = stayed.is_some_and(|line| line.let_go);
            let stayed = stayed && !given_up(&it, speaker.other());
            check_nothing_is_missing(&mut it, speaker, stayed && !deaf && !breaks);
        }
        check_sums(&it);
        check_transfers(&it);
        check_messages(&it);
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
