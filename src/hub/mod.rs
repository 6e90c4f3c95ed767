//! The running side: live calls, the task that owns each of them, and their end.
//!
//! A call's task owns its sockets; nothing here is on the path of audio. The hub makes calls, finds them for webhooks
//! and streams, lends lanes, and closes in an orderly way.

mod asking;
mod connections;
mod lanes;
pub mod leaving;
mod limits;
mod metrics;
mod notes;
mod outputs;
mod post;
mod registry;
pub mod session;
pub mod socket;
mod tap;
mod task;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::FutureExt as _;
use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio::sync::{broadcast, oneshot};
use tokio_util::task::TaskTracker;

use crate::call::event::Event;
use crate::call::outcome::Reason;
use crate::call::{Answer, Call, CallId, CallStatus, DialBy, Setup, Side, TaskEvent, Time, Token};
use crate::carrier::twilio::rest::Rest;
use crate::config::{AgentDial, Config};
use crate::language::Language;
use crate::phrase::Phrase;
use crate::recording::recorder::Recordings;
use crate::records::prices::Prices;
use crate::records::record::Record;
use crate::records::scribe::{self, Caller, Models, Scribe};
use crate::records::unix_ms;
use crate::records::writer::Queue;

pub use self::lanes::Matched;
pub use self::limits::{Limit, Limits};
pub use self::metrics::Metrics;
pub use self::post::{LegSocket, NewStream};
pub use self::registry::{Ended, Facts};

use self::lanes::{Grant, Lanes};
use self::notes::Notes;
use self::post::Post;
use self::registry::{NotAdded, Registry};
use self::task::CallTask;

/// A webhook's answer has to be on its way long before the carrier's fifteen seconds are over.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Events that may wait for a slow listener before it misses some: seconds of five hundred calls, captions included.
const EVENTS: usize = 16_384;

/// After a failure inside a call its lane rests until no webhook of its dial can come any more.
const LANE_REST: Duration = Duration::from_secs(25);

/// What a call told the world, and when.
#[derive(Clone, Debug)]
pub struct Told {
    pub call: CallId,
    /// Since the call was made.
    pub at: Time,
    pub event: Event,
}

/// What the first webhook of a caller is answered.
#[derive(Clone, Debug)]
pub enum Incoming {
    Answer {
        call: CallId,
        answer: Answer,
    },
    /// Too many calls, or closing.
    Full,
    /// The call exists but does not answer.
    Stuck,
}

/// What the carrier is answered when a stream has ended.
#[derive(Clone, Debug)]
pub enum AfterStream {
    Answer(Answer),
    Ended(Ended),
    Unknown,
}

/// Everything that calls share.
pub struct Hub {
    pub config: Arc<Config>,
    pub metrics: Metrics,
    registry: Registry,
    lanes: Lanes,
    rest: Rest,
    tls: Arc<rustls::ClientConfig>,
    events: broadcast::Sender<Told>,
    tasks: TaskTracker,
    draining: AtomicBool,
    keeper: Option<Keeper>,
    /// `None` if no call is recorded.
    pub recordings: Option<Recordings>,
}

/// Who keeps records of calls.
#[derive(Clone, Debug)]
pub struct Keeper {
    pub queue: Queue,
    pub models: Arc<Models>,
    pub prices: Arc<Prices>,
}

impl Hub {
    /// A hub without calls, of which no records are kept.
    ///
    /// # Errors
    /// The HTTP client cannot be set up, for lack of usable certificates.
    pub fn new(config: Arc<Config>) -> anyhow::Result<Arc<Self>> {
        Self::keeping(config, None)
    }

    /// A hub without calls, and who keeps records of them.
    ///
    /// # Errors
    /// The HTTP client cannot be set up, for lack of usable certificates.
    pub fn keeping(config: Arc<Config>, keeper: Option<Keeper>) -> anyhow::Result<Arc<Self>> {
        let tls = session::tls()?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            .build()?;
        // Those that were made before are still played, and forgotten in their time.
        let recording = &config.recording;
        let recordings = (recording.wanted || recording.folder.is_dir())
            .then(|| Recordings::start(&recording.folder))
            .transpose()?;
        let twilio = &config.twilio;
        let rest = Rest::new(
            http,
            twilio.api.as_str(),
            &twilio.account_sid,
            twilio.user.clone(),
            twilio.password.clone(),
        );
        Ok(Arc::new(Self {
            metrics: Metrics::default(),
            registry: Registry::default(),
            lanes: Lanes::new(&twilio.numbers),
            rest,
            tls,
            events: broadcast::channel(EVENTS).0,
            tasks: TaskTracker::new(),
            draining: AtomicBool::new(false),
            keeper,
            recordings,
            config,
        }))
    }

    /// Where records go, if any are kept.
    pub fn records(&self) -> Option<&Queue> {
        self.keeper.as_ref().map(|keeper| &keeper.queue)
    }

    /// Everything that calls tell from here on. A listener that is too slow misses some.
    pub fn listen(&self) -> broadcast::Receiver<Told> {
        self.events.subscribe()
    }

    /// Calls that have not ended, and all that still close something.
    pub fn counts(&self) -> (usize, usize) {
        self.registry.counts()
    }

    /// A caller has come, from a number and to one of ours. The same call of the carrier's always leads to the same call
    /// here.
    pub async fn incoming(
        self: &Arc<Self>,
        caller_sid: &str,
        from: &str,
        to: &str,
        language: &'static Language,
    ) -> Incoming {
        let mut bytes = [0; 48];
        if SysRng.try_fill_bytes(&mut bytes).is_err() {
            tracing::error!("the system has no randomness; the call is refused");
            return Incoming::Full;
        }
        let (mut seed, mut id) = ([0; 32], [0; 16]);
        seed.copy_from_slice(&bytes[..32]);
        id.copy_from_slice(&bytes[32..]);
        let call = CallId::from_bytes(id);
        let max = if self.is_draining() {
            0
        } else {
            self.config.max_calls
        };
        let facts = Facts {
            caller_number: from.to_owned(),
            service_number: String::new(),
            caller: language,
            agent: self.config.agent_language,
            started: unix_ms(),
        };
        let letters = match self.registry.add(call, caller_sid, facts, max) {
            Ok(letters) => letters,
            Err(NotAdded::Full) => {
                self.note_refused(call, caller_sid, (from, to), language);
                return Incoming::Full;
            }
            Err(NotAdded::Known(call)) => {
                let answer = self.ask(call, |answer| Post::IncomingAgain { answer }).await;
                return answer.map_or(Incoming::Stuck, |answer| Incoming::Answer { call, answer });
            }
        };
        let setup = self.setup(caller_sid, language);
        let machine = Call::new(call, setup, seed);
        let Some(answer) = machine.first_answer() else {
            return Incoming::Stuck;
        };
        tracing::info!(%call, language = language.slug, "a caller has come");
        self.metrics.calls.inc();
        let notes = self.notes(call, caller_sid, (from, to), language);
        let task = CallTask::new(Arc::clone(self), machine, letters, from, language, notes);
        let hub = Arc::clone(self);
        self.tasks.spawn(async move {
            if AssertUnwindSafe(task.run()).catch_unwind().await.is_err() {
                hub.failed(call, language);
            }
            hub.registry.remove(call);
        });
        Incoming::Answer { call, answer }
    }

    fn setup(&self, caller_sid: &str, language: &'static Language) -> Setup {
        let config = &self.config;
        Setup {
            caller: language,
            agent: config.agent_language,
            caller_sid: caller_sid.to_owned(),
            dial: match config.agent_dial {
                AgentDial::Flex { .. } => DialBy::Flex,
                AgentDial::Client { .. } => DialBy::Client,
                AgentDial::Desk => DialBy::Desk,
            },
            agent_wait: config.agent_wait,
            interpreter: config.interpreter,
            original: config.original,
            levels: config.levels,
            backlog: config.backlog,
            wait_cue: config.wait_cue,
            talking_cue: config.talking_cue,
            keys: Arc::clone(&config.keys),
            // A softphone hears it in its document; nobody hears a document behind a queue or at the desk.
            announce: (config.recording.wanted && !matches!(config.agent_dial, AgentDial::Client { .. }))
                .then_some(Phrase::Recorded),
            hold: Arc::clone(&config.hold),
            must_confirm: config.engine.must_confirm(),
        }
    }

    /// `numbers`: the caller's, and the one that was dialled.
    fn notes(
        &self,
        id: CallId,
        sid: &str,
        numbers: (&str, &str),
        language: &'static Language,
    ) -> Option<Notes> {
        let Keeper {
            queue,
            models,
            prices,
        } = self.keeper.clone()?;
        let caller = self.caller(sid, numbers, language);
        Some(Notes::new(
            Scribe::new(id, caller, unix_ms(), models, prices),
            queue,
        ))
    }

    fn caller<'a>(
        &self,
        sid: &'a str,
        (number, service_number): (&'a str, &'a str),
        language: &'static Language,
    ) -> Caller<'a> {
        Caller {
            sid,
            number,
            service_number,
            language,
            agent_language: self.config.agent_language,
        }
    }

    /// Somebody was told that all lines are busy: that is all there is of their call.
    fn note_refused(&self, id: CallId, sid: &str, numbers: (&str, &str), language: &'static Language) {
        if let Some(keeper) = &self.keeper {
            let caller = self.caller(sid, numbers, language);
            let record = scribe::refused(id, caller, unix_ms());
            if keeper.queue.put(record).is_err() {
                tracing::error!(call = %id, "a refused call could not be recorded");
            }
        }
    }

    /// A call's task has failed. Its sockets are closed already, so the carrier will ask what comes next.
    fn failed(self: &Arc<Self>, call: CallId, language: &'static Language) {
        tracing::error!(%call, "the call failed; its parties are told");
        let reason = Reason::Internal;
        let outcome = reason.outcome();
        self.metrics.ended(outcome);
        if let Some(keeper) = &self.keeper {
            let record = Record::Broken {
                call: call.to_string(),
                ended: unix_ms(),
                class: outcome.class.name().to_owned(),
                reason: outcome.reason.name().to_owned(),
            };
            if keeper.queue.put(record).is_err() {
                tracing::error!(%call, "its end could not be recorded");
            }
        }
        self.registry.end(
            call,
            Ended {
                reason,
                caller: language,
                agent: self.config.agent_language,
            },
        );
        let hub = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(LANE_REST).await;
            hub.release_lane(call);
        });
    }

    /// Hands a stream to the call that its token names; gives it back if there is none.
    pub fn attach(&self, stream: Box<NewStream>) -> Result<(), Box<NewStream>> {
        let mailbox = Token::call_of(&stream.token).and_then(|call| self.registry.mailbox(call));
        let Some(mailbox) = mailbox else {
            return Err(stream);
        };
        mailbox
            .try_send(Post::Stream(stream))
            .map_err(|error| match error.into_inner() {
                Post::Stream(stream) => stream,
                _ => unreachable!("what was sent comes back"),
            })
    }

    /// A party's stream has ended; what now?
    pub async fn after_stream(&self, call: CallId, side: Side, call_sid: String) -> AfterStream {
        let asked = self
            .ask(call, |answer| Post::AfterStream {
                side,
                call_sid,
                answer,
            })
            .await;
        match asked {
            Some(answer) => AfterStream::Answer(answer),
            None => self
                .registry
                .ended(call)
                .map_or(AfterStream::Unknown, AfterStream::Ended),
        }
    }

    async fn ask(&self, call: CallId, post: impl FnOnce(oneshot::Sender<Answer>) -> Post) -> Option<Answer> {
        let mailbox = self.registry.mailbox(call)?;
        let (answer, answered) = oneshot::channel();
        mailbox.try_send(post(answer)).ok()?;
        tokio::time::timeout(ANSWER_MAX, answered).await.ok()?.ok()
    }

    /// The carrier reported what became of a call. `about`: the call and side that its URL named, if any.
    pub fn call_status(&self, about: Option<(CallId, Side)>, call_sid: &str, status: CallStatus) {
        if let Some((call, side)) = about.or_else(|| self.registry.find(call_sid)) {
            self.post(
                call,
                Post::CallStatus {
                    side,
                    call_sid: call_sid.to_owned(),
                    status,
                },
            );
        }
    }

    /// The task queue reported something; `false` if the call is not live.
    pub fn task_event(&self, call: CallId, event: TaskEvent) -> bool {
        self.post(call, Post::Task(event))
    }

    pub fn is_live(&self, call: CallId) -> bool {
        self.registry.mailbox(call).is_some()
    }

    /// A call has reached the queue's number.
    pub fn match_dial(&self, call_sid: &str, from: &str) -> Matched {
        let matched = self.lanes.match_dial(call_sid, from);
        if let Matched::Ours {
            dialling,
            first: true,
        } = &matched
        {
            self.post(dialling.call, Post::LaneMatched);
        }
        matched
    }

    fn release_lane(&self, call: CallId) {
        if let Some(grant) = self.lanes.release(call) {
            self.grant(grant);
        }
    }

    /// Tells a call that a lane is its own; one that does not take its letter has died, and the next gets the lane.
    fn grant(&self, grant: Grant) {
        let mut next = Some(grant);
        while let Some(Grant { call, number }) = next {
            next = if self.post(call, Post::LaneGranted { number }) {
                None
            } else {
                self.lanes.release(call)
            };
        }
    }

    fn post(&self, call: CallId, post: Post) -> bool {
        self.registry
            .mailbox(call)
            .is_some_and(|mailbox| mailbox.try_send(post).is_ok())
    }
}
