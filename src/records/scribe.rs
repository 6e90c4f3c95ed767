//! What a call tells, as records.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::prices::{Micros, Prices};
use super::record::{CallRecord, EventRecord, Record, SpanRecord, Speaker, UsageRecord, UtteranceRecord};
use crate::audio;
use crate::call::event::{Event, Totals, Utterance};
use crate::call::outcome::Reason;
use crate::call::{CallId, Control, EngineKind, OriginalAudio, Quantiles, SessionId, Side, Time, Usage};
use crate::language::Language;

/// Sessions whose engine is remembered: their last words come soon after them.
const SESSIONS_MAX: usize = 64;

/// Events that are kept of one call. An engine that is away for days tells of it every ten seconds.
const EVENTS_MAX: i64 = 10_000;

/// The models that a call is interpreted with, as its costs are reckoned.
#[derive(Clone, Debug)]
pub struct Models {
    pub prompted: String,
    pub translate: String,
    /// Who writes down what is said in prompted sessions, and whether anybody does in dedicated ones.
    pub transcription: Option<String>,
}

/// Who calls whom.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub sid: &'a str,
    pub number: &'a str,
    /// The number that was dialled.
    pub service_number: &'a str,
    pub language: &'static Language,
    pub agent_language: &'static Language,
}

/// All that there is of a call that was refused at `at`, in milliseconds since 1970, because there were too many.
pub fn refused(id: CallId, caller: Caller<'_>, at: i64) -> Record {
    let outcome = Reason::Full.outcome();
    Record::Call(CallRecord {
        ended: Some(at),
        class: Some(outcome.class.name().to_owned()),
        reason: Some(outcome.reason.name().to_owned()),
        cost: Some(0),
        ..begun(id, caller, at)
    })
}

fn begun(id: CallId, caller: Caller<'_>, started: i64) -> CallRecord {
    CallRecord {
        call: id.to_string(),
        caller_sid: caller.sid.to_owned(),
        caller_number: caller.number.to_owned(),
        service_number: caller.service_number.to_owned(),
        caller_language: caller.language.tag.to_owned(),
        agent_language: caller.agent_language.tag.to_owned(),
        started,
        ..CallRecord::default()
    }
}

/// One call's notes. What comes of them is handed over in order.
#[derive(Debug)]
pub struct Scribe {
    call: CallRecord,
    /// When the call began, by the wall clock.
    epoch: i64,
    events: i64,
    sessions: VecDeque<Opened>,
    tallies: Vec<Tally>,
    models: Arc<Models>,
    prices: Arc<Prices>,
}

/// A session, and what it was opened for.
#[derive(Debug)]
struct Opened {
    id: SessionId,
    engine: EngineKind,
    from: &'static Language,
    into: &'static Language,
}

#[derive(Debug)]
struct Tally {
    speaker: Side,
    engine: EngineKind,
    usage: Usage,
    sent: u64,
}

impl Scribe {
    /// Notes of a call that begins at `started`, in milliseconds since 1970.
    pub fn new(
        id: CallId,
        caller: Caller<'_>,
        started: i64,
        models: Arc<Models>,
        prices: Arc<Prices>,
    ) -> Self {
        Self {
            call: begun(id, caller, started),
            epoch: started,
            events: 0,
            sessions: VecDeque::new(),
            tallies: Vec::new(),
            models,
            prices,
        }
    }

    /// What is known of the call by now.
    pub fn call(&self) -> Record {
        Record::Call(self.call.clone())
    }

    pub fn session_opened(
        &mut self,
        id: SessionId,
        engine: EngineKind,
        from: &'static Language,
        into: &'static Language,
    ) {
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.pop_front();
        }
        self.sessions.push_back(Opened {
            id,
            engine,
            from,
            into,
        });
    }

    /// A session was sent so many bytes of µ-law in all.
    pub fn session_closed(&mut self, id: SessionId, sent: u64) {
        if let Some(engine) = self.engine(id) {
            self.tally(id.speaker, engine).sent += sent;
        }
    }

    /// Notes what a call tells at `at`.
    pub fn note(&mut self, at: Time, event: &Event, out: &mut VecDeque<Record>) {
        let now = self.wall(at);
        match event {
            Event::Utterance(utterance) => {
                let utterance = self.utterance(now, utterance);
                out.push_back(Record::Utterance(utterance));
                return;
            }
            Event::Used { session, usage } => {
                if let Some(engine) = self.engine(*session) {
                    self.tally(session.speaker, engine).usage += *usage;
                }
                return;
            }
            Event::Accepted { worker } => {
                self.call.accepted.get_or_insert(now);
                self.call.agent = worker.clone().or(self.call.agent.take());
            }
            // A call that was offered again has another conversation; it was answered with the first.
            Event::Conversation => _ = self.call.talked.get_or_insert(now),
            Event::Controlled {
                control: Control::Language { side, language },
            } => {
                let tag = language.tag.to_owned();
                match side {
                    Side::Caller => self.call.caller_language = tag,
                    Side::Agent => self.call.agent_language = tag,
                }
            }
            Event::Spans { speaker, onset, .. } => {
                self.call.spans[*speaker as usize] = Some(span(onset));
                return;
            }
            Event::Ended { outcome, totals } => {
                self.call.ended = Some(now);
                self.call.class = Some(outcome.class.name().to_owned());
                self.call.reason = Some(outcome.reason.name().to_owned());
                self.sum_up(totals, out);
            }
            _ => {}
        }
        if matches!(
            event,
            Event::Accepted { .. } | Event::Conversation | Event::Controlled { .. } | Event::Ended { .. }
        ) {
            out.push_back(self.call());
        }
        if let Some((kind, speaker, detail)) = told(event)
            && self.events < EVENTS_MAX
        {
            self.events += 1;
            out.push_back(Record::Event(EventRecord {
                call: self.call.call.clone(),
                number: self.events,
                at: now,
                kind: kind.to_owned(),
                speaker: speaker.map(Speaker::from),
                detail,
            }));
        }
    }

    fn wall(&self, at: Time) -> i64 {
        self.epoch.saturating_add_unsigned(at.as_millis())
    }

    fn session(&self, id: SessionId) -> Option<&Opened> {
        self.sessions.iter().find(|opened| opened.id == id)
    }

    fn engine(&self, id: SessionId) -> Option<EngineKind> {
        self.session(id).map(|opened| opened.engine)
    }

    fn tally(&mut self, speaker: Side, engine: EngineKind) -> &mut Tally {
        let place = self
            .tallies
            .iter()
            .position(|tally| (tally.speaker, tally.engine) == (speaker, engine));
        let place = place.unwrap_or_else(|| {
            self.tallies.push(Tally {
                speaker,
                engine,
                usage: Usage::default(),
                sent: 0,
            });
            self.tallies.len() - 1
        });
        &mut self.tallies[place]
    }

    fn utterance(&self, now: i64, utterance: &Utterance) -> UtteranceRecord {
        let wall = |at: Option<Time>| at.map(|at| self.wall(at));
        let heard = wall(utterance.first_sent);
        let session = utterance.turn.and_then(|(session, _)| self.session(session));
        UtteranceRecord {
            call: self.call.call.clone(),
            speaker: utterance.speaker.unwrap_or(Side::Caller).into(),
            number: utterance.number.into(),
            engine: session.map(|session| session.engine.name().to_owned()),
            source: utterance.source.clone(),
            target: utterance.target.clone(),
            spoken: wall(utterance.started).or(heard).unwrap_or(now),
            spoken_end: wall(utterance.stopped),
            heard,
            heard_end: wall(utterance.last_sent),
            cut: utterance.cut,
            typed: utterance.typed.is_some(),
            onset_span: utterance.span.map(|span| ms(span.onset)),
            end_span: utterance.span.and_then(|span| span.end).map(ms),
            source_language: session.map(|session| session.from.tag.to_owned()),
            target_language: session.map(|session| session.into.tag.to_owned()),
        }
    }

    /// The end of the call: what was lost on the way, and what it all cost.
    fn sum_up(&mut self, totals: &Totals, out: &mut VecDeque<Record>) {
        let length = |bytes: [u64; 2]| ms(audio::duration(bytes.iter().sum::<u64>() as usize));
        self.call.lost_ms = length(totals.lost);
        self.call.dropped_ms = length(totals.dropped);
        self.call.repeated = totals.repeated.iter().map(|&times| i64::from(times)).sum();
        let mut sum = Some(0);
        for tally in &self.tallies {
            let used = self.used(tally);
            sum = sum.zip(used.cost).map(|(sum, cost)| sum + cost);
            out.push_back(Record::Usage(used));
        }
        self.call.cost = sum;
        self.call.prices = Some(self.prices.date.clone());
    }

    fn used(&self, tally: &Tally) -> UsageRecord {
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        let Tally { usage, sent, .. } = tally;
        let sent = audio::duration(*sent as usize);
        let transcription = self.models.transcription.as_deref();
        let (model, cost, transcribed) = match tally.engine {
            EngineKind::Prompted => {
                let model = &self.models.prompted;
                let cost = self.prices.tokens(model, usage, transcription);
                (
                    model,
                    cost,
                    Duration::try_from_secs_f64(usage.transcribed_seconds),
                )
            }
            EngineKind::Translate => {
                let model = &self.models.translate;
                let spoken = self.prices.minutes(model, sent.as_secs_f64());
                let written = match transcription {
                    Some(_) => self.prices.minutes(WRITER, sent.as_secs_f64()),
                    None => Some(Micros(0)),
                };
                let cost = spoken.zip(written).map(|(one, other)| Micros(one.0 + other.0));
                (model, cost, Ok(transcription.map_or(Duration::ZERO, |_| sent)))
            }
        };
        UsageRecord {
            call: self.call.call.clone(),
            speaker: tally.speaker.into(),
            model: model.clone(),
            text_in: count(usage.text_in),
            text_in_cached: count(usage.text_in_cached),
            audio_in: count(usage.audio_in),
            audio_in_cached: count(usage.audio_in_cached),
            text_out: count(usage.text_out),
            audio_out: count(usage.audio_out),
            audio_ms: ms(sent),
            transcribed_ms: transcribed.map(ms).unwrap_or_default(),
            cost: cost.map(|Micros(cost)| count(cost)),
        }
    }
}

/// Who writes down what is said in dedicated sessions.
const WRITER: &str = crate::engine::translate::TRANSCRIPTION_MODEL;

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn span(quantiles: &Quantiles) -> SpanRecord {
    SpanRecord {
        median: ms(quantiles.median),
        p90: ms(quantiles.p90),
    }
}

/// Name, speaker and detail of an event that is kept. Keys are not: they may be a card's number.
pub fn told(event: &Event) -> Option<(&'static str, Option<Side>, Option<String>)> {
    let plain = |kind| Some((kind, None, None));
    let of = |kind, side: &Side| Some((kind, Some(*side), None));
    match event {
        Event::LegUp { side, .. } => of("leg_up", side),
        Event::LegLost { side } => of("leg_lost", side),
        Event::Controlled { control } => Some(("controlled", None, Some(described(control)))),
        Event::Dialling { attempt } => Some(("dialling", None, Some(attempt.to_string()))),
        Event::Offered => plain("offered"),
        Event::OfferedAgain { why } => Some(("offered_again", None, Some((*why).to_owned()))),
        Event::Accepted { worker } => Some(("accepted", None, worker.clone())),
        Event::TransferStarted => plain("transfer_started"),
        Event::TransferEnded => plain("transfer_ended"),
        Event::Transferring { to } => Some(("transferring", None, Some(to.clone()))),
        Event::Transferred => plain("transferred"),
        Event::TransferFailed { why } => Some(("transfer_failed", None, Some((*why).to_owned()))),
        Event::Conversation => plain("conversation"),
        Event::SessionReady { speaker } => of("session_ready", speaker),
        Event::SessionLost { speaker, why, .. } => Some(("session_lost", Some(*speaker), Some(why.clone()))),
        Event::OriginalVoice { speaker } => of("original_voice", speaker),
        Event::Interpreted { speaker } => of("interpreted", speaker),
        Event::PassedThrough { speaker } => of("passed_through", speaker),
        Event::Replayed { speaker, ms } => Some(("replayed", Some(*speaker), Some(format!("{ms} ms")))),
        Event::Renewed { speaker } => of("renewed", speaker),
        Event::Untranslated { speaker } => of("untranslated", speaker),
        Event::TypedFailed { speaker, number, why } => {
            Some(("typed_failed", Some(*speaker), Some(format!("{number}: {why}"))))
        }
        Event::Draining { speaker } => of("draining", speaker),
        Event::Ended { .. } => plain("ended"),
        Event::Key { .. }
        | Event::Utterance(_)
        | Event::Caption { .. }
        | Event::Talking { .. }
        | Event::Typed { .. }
        | Event::Used { .. }
        | Event::Cue { .. }
        | Event::TalkingCue { .. }
        | Event::Spans { .. } => None,
    }
}

fn described(control: &Control) -> String {
    match control {
        Control::Interpret(true) => "on".to_owned(),
        Control::Interpret(false) => "off".to_owned(),
        Control::ToggleInterpretation => "toggle".to_owned(),
        Control::Language { side, language } => format!("{side}: {}", language.tag),
        Control::Original(OriginalAudio::Off) => "original off".to_owned(),
        Control::Original(OriginalAudio::Full) => "original full".to_owned(),
        Control::Original(OriginalAudio::Ducked) => "original ducked".to_owned(),
        Control::Levels {
            speaker,
            original_db,
            translation_db,
        } => {
            let level = |name: &str, db: &Option<f32>| db.map(|db| format!(" {name} {db} dB"));
            let levels = [
                level("original", original_db),
                level("translation", translation_db),
            ];
            format!("{speaker}:{}", levels.into_iter().flatten().collect::<String>())
        }
        Control::HangUp => "hang up".to_owned(),
        Control::TurnAway => "turn away".to_owned(),
    }
}

#[cfg(test)]
#[path = "scribe_tests.rs"]
mod tests;
