//! One person on one call: the hand that a test plays with.
//!
//! A caller's party is on the caller's call. An agent's party is on the call that carries their stream: their softphone's, or
//! the REST-made end of the loop when Flex has brought them to the queue. Whatever waits has a time limit and tells by its
//! return value whether the event came.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::sync::watch;

use super::{
    call::{Call, CallRecord, Interrupt, Said, Status, Warning},
    carrier::Carrier,
    stream::Command,
    task::Task,
    voice::Voice,
};

/// A person on a call. Clones are the same person.
#[derive(Clone)]
pub struct Party {
    carrier: Arc<Carrier>,
    call: Arc<Call>,
    voice: Arc<Voice>,
    queue: Option<(Arc<Call>, Arc<Task>)>,
}

impl std::fmt::Debug for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Party")
            .field("call", &self.call.record())
            .finish_non_exhaustive()
    }
}

impl Party {
    pub(super) fn new(carrier: &Arc<Carrier>, call: &Arc<Call>, voice: &Arc<Voice>) -> Self {
        Self {
            carrier: carrier.clone(),
            call: call.clone(),
            voice: voice.clone(),
            queue: None,
        }
    }

    pub(super) fn with_task(mut self, queue: Arc<Call>, task: Arc<Task>) -> Self {
        self.queue = Some((queue, task));
        self
    }

    /// The SID of the call that carries this person's stream.
    pub fn call_sid(&self) -> &str {
        &self.call.id.sid
    }

    /// Says something (8 kHz mu-law) after what is being said. It is spoken while a stream runs, 160 bytes every 20 ms.
    pub fn speak(&self, mulaw: &[u8]) {
        self.voice.speak(mulaw);
    }

    /// Waits until everything has been spoken.
    pub async fn spoken(&self, within: Duration) -> bool {
        self.watch(within, || self.voice.speech_left() == 0).await
    }

    /// Waits until no more than `left` bytes of what is to be said are left.
    pub async fn spoken_but(&self, left: usize, within: Duration) -> bool {
        self.watch(within, || self.voice.speech_left() <= left).await
    }

    /// Forgets what has not been spoken yet.
    pub fn hush(&self) {
        self.voice.hush();
    }

    /// While muted, speech passes unheard.
    pub fn mute(&self, muted: bool) {
        self.voice.mute(muted);
    }

    /// Hangs up and waits until the call is over. An agent of a queue leaves; their call ends as the app's TwiML says.
    pub async fn hang_up(&self, within: Duration) -> bool {
        match &self.queue {
            Some((_, task)) => task.left.cancel(),
            None => self.call.interrupt(Interrupt::HangUp(Status::Completed)),
        }
        self.ended(within).await
    }

    /// Cuts the stream's connection without `stop` and without a close frame; false if no stream runs. The call goes on
    /// with its next verb.
    pub fn drop_stream(&self) -> bool {
        self.call.command(Command::Cut)
    }

    /// Presses a key; false if no stream runs.
    pub fn dtmf(&self, digit: char) -> bool {
        self.call.command(Command::Dtmf(digit))
    }

    /// The stream stops reading from its socket, or goes on; false if no stream runs.
    pub fn stall_reading(&self, on: bool) -> bool {
        self.call.command(Command::Stall(on))
    }

    /// The next part of this person's audio is lost on its way to the app, which shows as a gap in the timestamps.
    pub fn lose_media(&self, time: Duration) -> bool {
        self.call.command(Command::Lose(time.as_millis() as u64 / 20))
    }

    /// Everything heard since the call's start up to now, mu-law, 160 bytes for each 20 ms, 0xFF where nothing was played.
    pub fn heard(&self) -> Vec<u8> {
        self.voice.heard()
    }

    /// Everything that went to the app from this person's end of the line, on the timeline of [`Party::heard`], 0xFF where
    /// nothing went.
    pub fn sent(&self) -> Vec<u8> {
        self.voice.sent()
    }

    /// For each 20 ms of the timeline, how many bytes the app has sent (0 to 160).
    pub fn heard_media(&self) -> Vec<u8> {
        self.voice.heard_media()
    }

    /// Length of the timeline.
    pub fn heard_ms(&self) -> u64 {
        (self.voice.heard_media().len() * 20) as u64
    }

    /// How much of what was heard was audible, since the call's start.
    pub fn audible_ms(&self) -> u64 {
        self.voice.audible_ms()
    }

    /// Media that was played on this line while the person was not there yet.
    pub fn unattended_ms(&self) -> u64 {
        self.voice.unattended_ms()
    }

    /// Waits until [`Party::audible_ms`] has reached `total_ms`.
    pub async fn wait_heard_audible(&self, total_ms: u64, within: Duration) -> bool {
        self.watch(within, || self.voice.audible_ms() >= total_ms).await
    }

    /// Waits until nothing audible has been heard for this long.
    pub async fn quiet_for(&self, quiet: Duration, within: Duration) -> bool {
        let wait = async {
            while let Some(rest) = quiet
                .checked_sub(self.voice.quiet())
                .filter(|rest| !rest.is_zero())
            {
                tokio::time::sleep(rest).await;
            }
        };
        tokio::time::timeout(within, wait).await.is_ok()
    }

    /// The sentences that `<Say>` has spoken on this call.
    pub fn said(&self) -> Vec<Said> {
        self.record().said
    }

    /// Each TwiML document of this call, in order.
    pub fn twiml(&self) -> Vec<String> {
        self.record().twiml
    }

    /// What Twilio's debugger would show for this call.
    pub fn warnings(&self) -> Vec<Warning> {
        self.record().warnings
    }

    /// Where the call stands.
    pub fn status(&self) -> Status {
        self.call.status()
    }

    /// How many streams were opened on this call.
    pub fn streams(&self) -> usize {
        self.record().streams
    }

    /// The whole record of the call.
    pub fn record(&self) -> CallRecord {
        self.call.record()
    }

    /// Waits until the record of the call satisfies a condition.
    pub async fn until(&self, within: Duration, met: impl Fn(&CallRecord) -> bool) -> bool {
        tokio::time::timeout(within, self.call.until(met)).await.is_ok()
    }

    /// Waits until the call is over.
    pub async fn ended(&self, within: Duration) -> bool {
        self.until(within, |record| record.status.is_final()).await
    }

    /// When the call's timeline began.
    pub fn started_at(&self) -> Instant {
        self.voice.started()
    }

    /// The attributes of the task that brought this agent.
    pub fn task_attributes(&self) -> Option<Value> {
        self.queue.as_ref().map(|(_, task)| task.attributes.clone())
    }

    /// The name of the worker who is on the line.
    pub fn worker(&self) -> Option<String> {
        self.queue.as_ref().map(|(_, task)| task.worker())
    }

    /// The call in the queue, which is the far end of the loop.
    pub fn queue_call(&self) -> Option<CallRecord> {
        self.queue.as_ref().map(|(queue, _)| queue.record())
    }

    /// Reports a TaskRouter event of this agent's task once more, or out of turn.
    pub fn report_event(&self, event: &str) {
        if let Some((_, task)) = &self.queue {
            task.report(event);
        }
    }

    /// Transfers to another worker: hold music for `gap`, then the other is on the same line. None without a queue.
    pub async fn transfer(&self, worker: &str, gap: Duration) -> Option<Self> {
        let (_, task) = self.queue.as_ref()?;
        self.voice.leave();
        self.voice.hold_music(true);
        task.transfer(worker, gap).await;
        self.voice.hold_music(false);
        self.voice.arrive();
        Some(self.clone())
    }

    /// The carrier ends this call with a new document, as a REST update of somebody else would.
    pub fn redirect(&self, twiml: &str) {
        self.call
            .interrupt(Interrupt::Run(super::call::Source::Inline(twiml.to_owned())));
        self.carrier.changed.send_replace(());
    }

    fn watch<'a>(&'a self, within: Duration, met: impl Fn() -> bool + 'a) -> impl Future<Output = bool> + 'a {
        let mut changes: watch::Receiver<()> = self.voice.changes();
        async move {
            let wait = async {
                while !met() {
                    if changes.changed().await.is_err() {
                        return;
                    }
                }
            };
            tokio::time::timeout(within, wait).await.is_ok()
        }
    }
}
