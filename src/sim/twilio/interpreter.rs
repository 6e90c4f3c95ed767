//! Runs the TwiML of one call.
//!
//! Documents come from signed webhooks or inline; each is linted, then its verbs run in order. A verb ends by itself, or is
//! cut short by an [`Interrupt`] (a hang-up, a REST update). After the last verb the call ends. `<Enqueue>` is in
//! `taskrouter`, `<Stream>` in `stream`, `<Dial>` in `dial`.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::{
    call::{Call, Interrupt, Said, Source, Status},
    carrier::Carrier,
    dial,
    document::{self, Element},
    sid::lock,
    stream, taskrouter,
    webhook::{Delivered, WebhookError},
};

/// Documents that one call may fetch before it is ended as a loop.
const MAX_DOCUMENTS: usize = 200;

/// What comes after a verb or a document.
pub(super) enum Flow {
    Next,
    Goto(Source),
    HangUp,
    Reject(Status),
}

/// A document that is being run.
pub(super) struct Run<'a> {
    pub(super) carrier: &'a Arc<Carrier>,
    pub(super) call: &'a Arc<Call>,
    /// The URL of the document, for relative references.
    pub(super) base: Option<String>,
    /// Ends the verb that is running.
    pub(super) end: &'a CancellationToken,
}

/// Runs a call's TwiML to the end of the call.
pub(super) async fn run(
    carrier: Arc<Carrier>,
    call: Arc<Call>,
    source: Source,
    mut interrupts: UnboundedReceiver<Interrupt>,
) {
    let last = drive(&carrier, &call, source, &mut interrupts).await;
    finish(&carrier, &call, last);
}

/// Ends a call, and with it the other end of a loop.
pub(super) fn finish(carrier: &Arc<Carrier>, call: &Arc<Call>, status: Status) {
    carrier.set_status(call, status);
    if let Some(peer) = lock(&call.peer).upgrade() {
        peer.interrupt(Interrupt::HangUp(Status::Completed));
    }
}

async fn drive(
    carrier: &Arc<Carrier>,
    call: &Arc<Call>,
    mut source: Source,
    interrupts: &mut UnboundedReceiver<Interrupt>,
) -> Status {
    for _ in 0..MAX_DOCUMENTS {
        let end = CancellationToken::new();
        let mut run = Run {
            carrier,
            call,
            base: None,
            end: &end,
        };
        let document = run.document(source);
        tokio::pin!(document);
        // The document is polled first: its webhook goes out even if the call is over by now.
        let interrupt = tokio::select! {
            biased;
            flow = &mut document => match flow {
                Flow::Goto(next) => Interrupt::Run(next),
                Flow::Next | Flow::HangUp => Interrupt::HangUp(Status::Completed),
                Flow::Reject(status) => Interrupt::HangUp(status),
            },
            Some(interrupt) = interrupts.recv() => {
                if matches!(interrupt, Interrupt::HangUp(_)) {
                    // The timeline stops here, while the verb still winds up.
                    call.voice.end();
                }
                end.cancel();
                document.as_mut().await;
                interrupt
            }
        };
        match interrupt {
            Interrupt::HangUp(status) => return status,
            Interrupt::Run(next) => source = next,
        }
    }
    call.warn(11215, "too many documents on one call");
    Status::Failed
}

impl Run<'_> {
    async fn document(&mut self, source: Source) -> Flow {
        let text = match source {
            Source::Inline(text) => text,
            Source::Url { url, get, extra } => {
                self.base = Some(url.clone());
                match self.fetch(&url, get, extra).await {
                    Ok(text) => text,
                    Err(_) if self.end.is_cancelled() => return Flow::HangUp,
                    Err(error) => return self.apologise(11200, &error.to_string()).await,
                }
            }
        };
        self.call.note(|record| record.twiml.push(text.clone()));
        if self.end.is_cancelled() {
            return Flow::HangUp;
        }
        let root = match document::parse(&text) {
            Ok(root) => root,
            Err(error) => return self.apologise(12100, &error.to_string()).await,
        };
        for finding in document::lint(&root) {
            self.call.warn(12200, finding);
        }
        for verb in &root.children {
            match self.verb(verb).await {
                Flow::Next if self.end.is_cancelled() => return Flow::HangUp,
                Flow::Next => {}
                other => return other,
            }
        }
        Flow::HangUp
    }

    async fn verb(&mut self, verb: &Element) -> Flow {
        if verb.name == "Reject" && self.call.status() != Status::InProgress {
            let busy = verb.attribute("reason") == Some("busy");
            return Flow::Reject(if busy { Status::Busy } else { Status::NoAnswer });
        }
        self.carrier.set_status(self.call, Status::InProgress);
        match verb.name.as_str() {
            "Say" => {
                self.say(&verb.text, verb.attribute("voice"), verb.attribute("language"))
                    .await
            }
            "Pause" => {
                let seconds = verb.attribute("length").and_then(|v| v.parse().ok()).unwrap_or(1);
                self.wait(Duration::from_secs(seconds)).await;
            }
            "Play" => self.call.note(|record| record.played.push(verb.text.clone())),
            "Redirect" => return self.goto(&verb.text, verb.attribute("method"), Vec::new()),
            "Connect" => {
                if let Some(stream) = verb.child("Stream") {
                    stream::run(self, stream).await;
                }
                if let Some(action) = verb.attribute("action") {
                    return self.goto(action, verb.attribute("method"), Vec::new());
                }
            }
            "Enqueue" => return taskrouter::enqueue(self, verb).await,
            "Dial" => return dial::dial_client(self, verb).await,
            "Hangup" => return Flow::HangUp,
            _ => {}
        }
        Flow::Next
    }

    async fn say(&self, text: &str, voice: Option<&str>, language: Option<&str>) {
        let said = Said {
            at_ms: self.call.elapsed_ms(),
            text: text.to_owned(),
            voice: voice.map(str::to_owned),
            language: language.map(str::to_owned),
        };
        self.call.note(|record| record.said.push(said));
        let characters = text.chars().count() as u64;
        self.wait(Duration::from_millis(
            characters * u64::from(self.carrier.options.say_ms_per_char),
        ))
        .await;
    }

    async fn wait(&self, time: Duration) {
        if !time.is_zero() {
            self.end.run_until_cancelled(tokio::time::sleep(time)).await;
        }
    }

    /// What a caller hears when the app has failed; it ends the call.
    async fn apologise(&self, code: u32, text: &str) -> Flow {
        self.call.warn(code, text);
        if !self.end.is_cancelled() {
            self.carrier.set_status(self.call, Status::InProgress);
            self.say(
                "We are sorry. An application error has occurred. Goodbye.",
                None,
                None,
            )
            .await;
        }
        Flow::HangUp
    }

    /// The document at this reference comes next.
    pub(super) fn goto(&self, reference: &str, method: Option<&str>, extra: Vec<(String, String)>) -> Flow {
        match self.resolve(reference) {
            Some(url) => Flow::Goto(Source::Url {
                url,
                get: method == Some("GET"),
                extra,
            }),
            None => {
                self.call
                    .warn(11100, format!("the URL {reference:?} cannot be used here"));
                Flow::HangUp
            }
        }
    }

    /// An absolute URL as it is, a relative one against the document's own.
    pub(super) fn resolve(&self, reference: &str) -> Option<String> {
        if reference.contains("://") {
            return Some(reference.to_owned());
        }
        let base = url::Url::parse(self.base.as_deref()?).ok()?;
        base.join(reference).ok().map(String::from)
    }

    /// Fetches TwiML for this call. The request goes on even if the call ends meanwhile.
    async fn fetch(
        &self,
        url: &str,
        get: bool,
        extra: Vec<(String, String)>,
    ) -> Result<String, WebhookError> {
        let mut params = self.carrier.voice_params(self.call);
        params.extend(extra);
        let mut webhook = self.carrier.webhook(url, params);
        webhook.get = get;
        let twice = self.carrier.faults.state().webhooks_twice;
        let (carrier, call) = (self.carrier.clone(), self.call.clone());
        let (sender, answer) = tokio::sync::oneshot::channel();
        self.carrier.spawn(async move {
            let mut result = carrier.request(&webhook).await;
            if twice {
                if let Ok(first) = &result {
                    call.note(|record| record.twiml.push(first.body.clone()));
                }
                result = carrier.request(&webhook).await;
            }
            let _ = sender.send(result);
        });
        match self.end.run_until_cancelled(answer).await {
            Some(Ok(result)) => result.map(|delivered| self.check_type(delivered)),
            _ => Err(WebhookError::Transport("the call ended first".to_owned())),
        }
    }

    fn check_type(&self, delivered: Delivered) -> String {
        if delivered.body.is_empty() {
            return "<Response/>".to_owned();
        }
        let kind = delivered
            .content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        if !["text/xml", "application/xml", "text/html"].contains(&kind) {
            self.call
                .warn(12300, format!("content type {:?}", delivered.content_type));
        }
        delivered.body
    }
}
