//! What a live call looks like from outside, made of what it tells.
//!
//! Pure: events in, pictures out. Texts are kept here for those who are about to look, and go with the call.

use std::collections::VecDeque;

use crate::call::event::{Event, Utterance};
use crate::call::{Control, Levels, OriginalAudio, SessionId, Side, Time};
use crate::hub::Facts;

pub use super::picture::{AgentLine, Both, Health, Line, LiveCall, Original, Phase, Volume};

/// Utterances of a live call that are shown to whoever comes later; what was before is in the records.
const UTTERANCES: usize = 1_000;

/// Longest text of a growing caption, in bytes.
const TEXT_MAX: usize = 16 * 1024;

/// What viewers are told because of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Nothing,
    /// The call looks different.
    Call,
    /// The line at this place has grown, or is complete.
    Line(usize),
    /// A typed message: its number, its text, and why it cannot be spoken.
    Typed(u32, String, Option<&'static str>),
    Ended(&'static str),
}

/// A live call as it is watched.
#[derive(Debug)]
pub struct Live {
    pub call: LiveCall,
    lines: VecDeque<Line>,
    /// Lines that were forgotten, for lack of room.
    gone: usize,
}

impl Live {
    pub fn new(id: String, facts: &Facts, original: OriginalAudio, levels: Levels) -> Self {
        let volume = |side: Side| Volume {
            original_db: levels.under_db[side as usize],
            translation_db: levels.translation_db[side as usize],
        };
        let health = if facts.caller == facts.agent {
            Health::SameLanguage
        } else {
            Health::Connecting
        };
        let both = |health| Both {
            caller: health,
            agent: health,
        };
        Self {
            call: LiveCall {
                id,
                caller_number: facts.caller_number.clone(),
                service_number: facts.service_number.clone(),
                caller_language: facts.caller.tag,
                agent_language: facts.agent.tag,
                agent: None,
                agent_line: AgentLine::None,
                agent_lost_since: None,
                priority: false,
                started: facts.started,
                accepted: None,
                talked: None,
                phase: Phase::Waiting,
                talking: Both::default(),
                health: both(health),
                interpretation: true,
                original: original.into(),
                levels: Both {
                    caller: volume(Side::Caller),
                    agent: volume(Side::Agent),
                },
                delay: Both::default(),
                transferring: false,
                legs: Both::default(),
            },
            lines: VecDeque::new(),
            gone: 0,
        }
    }

    /// What was said so far, in the order in which it began to be said.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.lines.iter().cloned().collect();
        lines.sort_by_key(|line| line.spoken);
        lines
    }

    /// The line that a change names.
    pub fn line(&self, place: usize) -> Option<&Line> {
        self.lines.get(place.checked_sub(self.gone)?)
    }

    /// Takes an event of the call.
    pub fn note(&mut self, at: Time, event: &Event) -> Change {
        let now = self.wall(at);
        let call = &mut self.call;
        match event {
            Event::LegUp { side, .. } => self.leg(now, *side, true),
            Event::LegLost { side } => self.leg(now, *side, false),
            Event::OfferedAgain { .. } => self.offered_again(),
            Event::Talking { side, talking } => *call.talking.of(*side) = *talking,
            Event::Accepted { worker } => {
                call.accepted.get_or_insert(now);
                call.agent = worker.clone().or(call.agent.take());
                call.transferring = false;
                call.priority = false;
            }
            Event::TransferStarted | Event::Transferring { .. } => call.transferring = true,
            Event::TransferEnded | Event::Transferred | Event::TransferFailed { .. } => {
                call.transferring = false;
            }
            Event::Conversation => {
                call.talked.get_or_insert(now);
                call.phase = Phase::Conversation;
            }
            Event::SessionReady { speaker } => {
                let health = call.health.of(*speaker);
                if matches!(health, Health::Connecting | Health::Reconnecting) {
                    *health = Health::Interpreting;
                }
            }
            Event::Interpreted { speaker } => *call.health.of(*speaker) = Health::Interpreting,
            Event::SessionLost {
                speaker,
                active: true,
                ..
            } => {
                let health = call.health.of(*speaker);
                if *health == Health::Interpreting {
                    *health = Health::Reconnecting;
                }
            }
            Event::OriginalVoice { speaker } => self.original_voice(*speaker),
            Event::Controlled { control } => self.controlled(control),
            Event::Draining { .. } => call.phase = Phase::Ending,
            Event::Caption {
                speaker,
                session,
                turn,
                source,
                text,
            } => return self.caption(now, *speaker, (*session, *turn), *source, text),
            Event::Utterance(utterance) => return self.utterance(now, utterance),
            Event::Typed { number, text, .. } => return Change::Typed(*number, text.clone(), None),
            Event::TypedFailed { number, why, .. } => {
                return Change::Typed(*number, String::new(), Some(why));
            }
            Event::Ended { outcome, .. } => return Change::Ended(outcome.reason.name()),
            _ => return Change::Nothing,
        }
        Change::Call
    }

    fn wall(&self, at: Time) -> i64 {
        self.call.started.saturating_add_unsigned(at.as_millis())
    }

    fn leg(&mut self, now: i64, side: Side, up: bool) {
        let call = &mut self.call;
        *call.legs.of(side) = up;
        if side == Side::Agent {
            call.agent_line = if up { AgentLine::Up } else { AgentLine::Lost };
            call.agent_lost_since = (!up).then_some(now);
        }
    }

    /// Nobody has the call any more.
    fn offered_again(&mut self) {
        let call = &mut self.call;
        call.phase = Phase::Waiting;
        call.agent = None;
        call.agent_line = AgentLine::None;
        call.agent_lost_since = None;
        call.legs.agent = false;
        call.priority = true;
        for side in Side::BOTH {
            let health = call.health.of(side);
            if matches!(
                *health,
                Health::Interpreting | Health::Reconnecting | Health::OriginalVoice
            ) {
                *health = Health::Connecting;
            }
        }
    }

    fn original_voice(&mut self, speaker: Side) {
        let health = if self.call.caller_language == self.call.agent_language {
            Health::SameLanguage
        } else if self.call.interpretation {
            Health::OriginalVoice
        } else {
            Health::Off
        };
        *self.call.health.of(speaker) = health;
    }

    fn controlled(&mut self, control: &Control) {
        let call = &mut self.call;
        match control {
            Control::Interpret(on) => call.interpretation = *on,
            Control::ToggleInterpretation => call.interpretation = !call.interpretation,
            Control::Language { side, language } => match side {
                Side::Caller => call.caller_language = language.tag,
                Side::Agent => call.agent_language = language.tag,
            },
            Control::Original(original) => call.original = (*original).into(),
            Control::Levels {
                speaker,
                original_db,
                translation_db,
            } => {
                let volume = call.levels.of(*speaker);
                volume.original_db = original_db.unwrap_or(volume.original_db);
                volume.translation_db = translation_db.unwrap_or(volume.translation_db);
            }
            Control::HangUp | Control::TurnAway => call.phase = Phase::Ending,
        }
        let same = call.caller_language == call.agent_language;
        for side in Side::BOTH {
            let health = call.health.of(side);
            *health = match *health {
                _ if same => Health::SameLanguage,
                _ if !call.interpretation => Health::Off,
                Health::Off | Health::SameLanguage => Health::Connecting,
                other => other,
            };
        }
    }

    fn caption(
        &mut self,
        now: i64,
        speaker: Side,
        turn: (SessionId, u32),
        source: bool,
        text: &str,
    ) -> Change {
        let key = key_of(speaker, turn);
        let (source_language, target_language) = self.languages(speaker);
        let place = self.place(&key).unwrap_or_else(|| {
            self.push(Line {
                key,
                speaker: speaker.into(),
                spoken: now,
                source_language,
                target_language,
                ..Line::default()
            })
        });
        let Some(line) = place.checked_sub(self.gone).and_then(|at| self.lines.get_mut(at)) else {
            return Change::Nothing;
        };
        let grown = if source {
            &mut line.source
        } else {
            &mut line.target
        };
        if line.is_final || grown.len() + text.len() > TEXT_MAX {
            return Change::Nothing;
        }
        grown.push_str(if grown.is_empty() { text.trim_start() } else { text });
        Change::Line(place)
    }

    fn utterance(&mut self, now: i64, utterance: &Utterance) -> Change {
        let speaker = utterance.speaker.unwrap_or(Side::Caller);
        let key = match utterance.turn {
            Some(turn) => key_of(speaker, turn),
            None => format!("{speaker}-n{}", utterance.number),
        };
        let known = self.place(&key);
        let wall = |at: Option<Time>| at.map(|at| self.wall(at));
        let ms = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let (spoken, heard) = (wall(utterance.started), wall(utterance.first_sent));
        let place = known.and_then(|place| place.checked_sub(self.gone));
        let begun = place.and_then(|at| self.lines.get(at)).cloned();
        let (from, into) = self.languages(speaker);
        let line = Line {
            key,
            speaker: speaker.into(),
            source: utterance.source.clone(),
            target: utterance.target.clone(),
            spoken: spoken
                .or(begun.as_ref().map(|line| line.spoken))
                .or(heard)
                .unwrap_or(now),
            spoken_end: wall(utterance.stopped),
            heard,
            heard_end: wall(utterance.last_sent),
            engine: None,
            onset_span: utterance.span.map(|span| ms(span.onset)),
            end_span: utterance.span.and_then(|span| span.end).map(ms),
            cut: utterance.cut,
            typed: utterance.typed.is_some(),
            // It was said before what has changed since.
            source_language: begun.as_ref().map_or(from, |line| line.source_language.clone()),
            target_language: begun.map_or(into, |line| line.target_language),
            is_final: true,
        };
        if line.onset_span.is_some() {
            *self.call.delay.of(speaker) = line.onset_span;
        }
        match place.and_then(|at| self.lines.get_mut(at)) {
            Some(grown) => {
                *grown = line;
                Change::Line(known.unwrap_or_default())
            }
            None => Change::Line(self.push(line)),
        }
    }

    /// What a speaker speaks, and is translated into.
    fn languages(&self, speaker: Side) -> (Option<String>, Option<String>) {
        let call = &self.call;
        let (caller, agent) = (call.caller_language.to_owned(), call.agent_language.to_owned());
        match speaker {
            Side::Caller => (Some(caller), Some(agent)),
            Side::Agent => (Some(agent), Some(caller)),
        }
    }

    /// Where a line of this key is, counted from the first of the call.
    fn place(&self, key: &str) -> Option<usize> {
        let back = self.lines.iter().rposition(|line| line.key == key)?;
        Some(back + self.gone)
    }

    fn push(&mut self, line: Line) -> usize {
        self.lines.push_back(line);
        if self.lines.len() > UTTERANCES {
            self.lines.pop_front();
            self.gone += 1;
        }
        self.gone + self.lines.len() - 1
    }
}

fn key_of(speaker: Side, (session, turn): (SessionId, u32)) -> String {
    format!("{speaker}-{}-{turn}", session.generation)
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
