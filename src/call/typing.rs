//! Typed messages, spoken to the other party in their language; and what is announced to an agent.
//!
//! The dedicated engine takes no text, so a prompted session of its own speaks them, one message at a time. It is opened
//! for the first, and closed when none has come for a while. A message waits for what was said before it; while it is being
//! spoken, what an interpreter says meanwhile waits for its end. So a listener hears one thing after the other.

mod typist;

use std::collections::VecDeque;
use std::time::Duration;

use super::direction::{Route, Session};
use super::event::Event;
use super::ids::{SessionId, Side};
use super::io::{Outbox, Output};
use super::time::Time;
use super::timer::Timer;
use super::{Call, Phase};
use crate::audio::BYTES_PER_MS;
use crate::language::Language;
use crate::phrase::Phrase;

/// Messages of one party that may wait; nobody types faster than that.
const MESSAGES_MAX: usize = 16;

/// The longest message, in characters: a minute of speech or so.
const TEXT_MAX: usize = 1_000;

/// How often a message is tried.
const ATTEMPTS: u32 = 3;

/// A session that nothing is typed for is closed: opening one takes less than a second.
const IDLE: Duration = Duration::from_secs(60);

/// Speech younger than this may not have reached the engine's ear.
const SETTLED: Duration = Duration::from_millis(800);

/// A message waits this long for a translation that does not begin, and this long for one that does not end.
const PATIENCE: Duration = Duration::from_secs(6);
const PATIENCE_SPOKEN: Duration = Duration::from_secs(15);

/// While it waits and nothing else happens, it is looked after this often.
const LOOK: Duration = Duration::from_millis(200);

/// Speech that waits for the end of a message, at most; beyond that its order is given up rather than a word.
const HELD_MAX: usize = 30_000 * BYTES_PER_MS;

const REFUSED: &str = "the interpreter refuses it";
const UNREACHABLE: &str = "the interpreter cannot be reached";

/// What one party types, on its way to the other.
#[derive(Debug, Default)]
pub struct Typing {
    /// The first is the one that is being spoken, or is next.
    queue: VecDeque<Message>,
    session: Option<Typist>,
    /// The turn as which the session was given the first message.
    asked: Option<u32>,
    turns: u32,
    /// Whether anything of the first message has been said.
    voiced: bool,
    /// What is to be heard after the message that is being spoken.
    held: VecDeque<u8>,
    waits: Waits,
}

#[derive(Debug)]
struct Message {
    /// `None`: an announcement of ours.
    number: Option<u32>,
    text: String,
    /// The languages of an announcement; a message is in those that its parties speak when its turn comes.
    language: Option<&'static Language>,
    /// Since when it could have been spoken, but for what else was being said.
    ready: Option<Time>,
    failures: u32,
}

/// The session that speaks.
#[derive(Clone, Copy, Debug)]
struct Typist {
    id: SessionId,
    from: &'static Language,
    into: &'static Language,
    connected: bool,
    ready: bool,
}

/// What [`Timer::Typing`] is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Waits {
    #[default]
    Nothing,
    /// The pause after a failed attempt.
    Again,
    Confirm,
    Stall,
    /// Something else is being said.
    Floor,
    Idle,
}

impl Typing {
    /// Whether nothing is left to be spoken.
    pub fn is_over(&self) -> bool {
        self.queue.is_empty()
    }

    /// The turn as which a message is being spoken.
    #[cfg(test)]
    pub fn turn(&self) -> Option<u32> {
        self.asked
    }

    /// Whether something has to wait for the end of a message.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether this is the session that speaks what is typed.
    pub fn is_session(&self, id: SessionId) -> bool {
        self.session.is_some_and(|session| session.id == id)
    }
}

impl Call {
    /// A party has typed something.
    pub(super) fn say(&mut self, side: Side, text: &str, out: &mut Outbox) {
        let text = cleaned(text);
        if text.is_empty() || self.has_parted() {
            return;
        }
        self.typed += 1;
        let (speaker, number) = (side, self.typed);
        let queue = &mut self.typing[side as usize].queue;
        let refused = if self.phase == Phase::Ending {
            Some("the call is over")
        } else if self.accepted.is_none() {
            Some("nobody has taken the call yet")
        } else if text.chars().count() > TEXT_MAX {
            Some("it is too long")
        } else if queue.len() >= MESSAGES_MAX {
            Some("too many messages are waiting")
        } else {
            None
        };
        if let Some(why) = refused {
            out.event(Event::TypedFailed { speaker, number, why });
            return;
        }
        queue.push_back(Message {
            number: Some(number),
            text: text.clone(),
            language: None,
            ready: None,
            failures: 0,
        });
        out.event(Event::Typed {
            speaker,
            number,
            text,
        });
    }

    /// Tells an agent who has just come what they are to know, before all that waits for them.
    pub(super) fn announce(&mut self) {
        if let Some(phrase) = self.setup.announce {
            self.read_out(phrase, Side::Agent);
        }
    }

    /// Reads a sentence of ours to a party in their language, before all messages that wait for them.
    pub(super) fn read_out(&mut self, phrase: Phrase, listener: Side) {
        let language = self.language_of(listener);
        // In a language without a voice, the sentence is in English.
        let language = if language.say.is_some() {
            language
        } else {
            Language::english()
        };
        let typing = &mut self.typing[listener.other() as usize];
        let message = Message {
            number: None,
            text: phrase.spoken_in(language).0.to_owned(),
            language: Some(language),
            ready: None,
            failures: 0,
        };
        if typing.queue.len() < MESSAGES_MAX {
            typing.queue.insert(usize::from(typing.asked.is_some()), message);
        }
    }

    /// Takes back sentences of ours of which nothing has been heard; one that is being spoken is spoken to its end.
    pub(super) fn withdraw_announcements(&mut self, speaker: Side, out: &mut Outbox) {
        let typing = &mut self.typing[speaker as usize];
        let asked = typing.asked.is_some();
        let ours = |message: &Message| message.number.is_none();
        let silent = asked && !typing.voiced && typing.queue.front().is_some_and(ours);
        let kept = usize::from(asked && !silent);
        let mut place = 0;
        typing.queue.retain(|message| {
            place += 1;
            place <= kept || !ours(message)
        });
        if silent {
            // The session speaks it all the same; another takes what comes next.
            self.end_message(speaker, out);
            self.typing_waits_no_more(speaker);
            if let Some(typist) = self.typing[speaker as usize].session.take() {
                out.push(Output::CloseSession { session: typist.id });
                self.directions[speaker as usize]
                    .transcript
                    .close(typist.id, true);
            }
        }
    }

    /// Goes on with what was typed, if it can; called after every input.
    pub(super) fn try_typing(&mut self, side: Side, out: &mut Outbox) {
        let now = self.now;
        let talks = match self.phase {
            // Whoever waits again is told so.
            Phase::Waiting => self.desk.again,
            Phase::Conversation => true,
            Phase::Ending => self.drains(side) || self.drains_typed(side),
        };
        let waiting = self.phase == Phase::Waiting;
        let typing = &mut self.typing[side as usize];
        if typing.queue.is_empty() && typing.session.is_some() && typing.waits == Waits::Nothing {
            // Nobody can type to somebody who waits.
            let idle = if waiting { Duration::ZERO } else { IDLE };
            self.typing_waits(side, Waits::Idle, idle);
            return;
        }
        let Some(first) = typing.queue.front_mut().filter(|_| talks) else {
            return;
        };
        if typing.asked.is_some() || typing.waits == Waits::Again {
            return;
        }
        let language = first.language;
        let from = language.unwrap_or_else(|| self.language_of(side));
        let into = language.unwrap_or_else(|| self.language_of(side.other()));
        let typing = &mut self.typing[side as usize];
        match typing.session {
            Some(typist) if typist.from != from || typist.into != into => {
                typing.session = None;
                out.push(Output::CloseSession { session: typist.id });
                self.open_typist(side, from, into, out);
            }
            Some(typist) if typist.ready => {
                if let Some(first) = typing.queue.front_mut() {
                    first.ready.get_or_insert(now);
                }
                if self.floor_is_free(side) {
                    self.ask_typist(side, typist.id, out);
                } else if self.typing[side as usize].waits != Waits::Floor {
                    self.typing_waits(side, Waits::Floor, LOOK);
                }
            }
            Some(_) => {}
            None => self.open_typist(side, from, into, out),
        }
    }

    /// Whether all has been said that comes before the next message.
    fn floor_is_free(&self, side: Side) -> bool {
        let direction = &self.directions[side as usize];
        let first = self.typing[side as usize].queue.front();
        let since = first.and_then(|message| message.ready).unwrap_or(self.now);
        if self.phase == Phase::Ending {
            return self.drains_typed(side);
        }
        if first.is_some_and(|message| message.number.is_none()) {
            return true;
        }
        let busy = match direction.route {
            Route::Session | Route::Held => {
                direction.owes()
                    || direction.engine_hears()
                    || direction.uplink.waiting() > 0
                    || !direction.has_been_silent(self.now, SETTLED)
            }
            Route::Original | Route::Closed => direction.leaves_slowly(),
        };
        let speaks = |session: &Session| session.voiced && session.owes();
        let leaving = direction.leaving.as_ref().map(|leaving| &leaving.session);
        let spoken = direction.active.as_ref().is_some_and(speaks) || leaving.is_some_and(speaks);
        let waited = self.now.since(since);
        !busy || (waited >= PATIENCE && !spoken) || waited >= PATIENCE_SPOKEN
    }

    /// Nothing more comes of the message that was being spoken: what waited for that is heard.
    fn end_message(&mut self, side: Side, out: &mut Outbox) {
        let now = self.now;
        let typing = &mut self.typing[side as usize];
        if typing.asked.take().is_none() {
            return;
        }
        typing.voiced = false;
        let mut held = std::mem::take(&mut typing.held);
        let playout = &mut self.parties[side.other() as usize].playout;
        if !held.is_empty() {
            playout.push(held.make_contiguous(), now, out);
        }
        playout.settle(now, out);
    }

    /// Gives a listener what an interpreter says for a speaker, or what the speaker said themselves: after the message that
    /// is being spoken.
    pub(super) fn give_listener(&mut self, side: Side, mulaw: &[u8], out: &mut Outbox) {
        let now = self.now;
        let typing = &mut self.typing[side as usize];
        let playout = &mut self.parties[side.other() as usize].playout;
        if typing.asked.is_some() {
            if typing.held.len() + mulaw.len() <= HELD_MAX {
                typing.held.extend(mulaw);
                return;
            }
            let mut held = std::mem::take(&mut typing.held);
            playout.push(held.make_contiguous(), now, out);
        }
        playout.push(mulaw, now, out);
    }

    /// Nothing more of what a party typed will be spoken.
    pub(super) fn end_typing(&mut self, side: Side, why: &'static str, out: &mut Outbox) {
        self.end_message(side, out);
        self.timers.stop(Timer::Typing(side));
        let typing = std::mem::take(&mut self.typing[side as usize]);
        if let Some(typist) = typing.session {
            out.push(Output::CloseSession { session: typist.id });
            self.directions[side as usize].transcript.close(typist.id, true);
        }
        for message in &typing.queue {
            self.give_up_message(side, message, why, out);
        }
        self.tell_utterances(side, false, out);
    }

    fn typing_waits(&mut self, side: Side, what: Waits, within: Duration) {
        self.typing[side as usize].waits = what;
        self.timers.set(Timer::Typing(side), self.now + within);
    }

    fn typing_waits_no_more(&mut self, side: Side) {
        self.typing[side as usize].waits = Waits::Nothing;
        self.timers.stop(Timer::Typing(side));
    }
}

/// A message as it can be spoken: without control characters, and without white space around it.
fn cleaned(text: &str) -> String {
    let spoken = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control());
    spoken.collect::<String>().trim().to_owned()
}
