//! What those outside ask of a running call: the desk, and programs that embed this crate.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::post::Post;
use super::{ANSWER_MAX, Facts, Hub};
use crate::call::{CallId, Control, Side};
use crate::carrier::twilio::webhook::is_identity;
use crate::config::AgentDial;
use crate::recording::listener;

impl Hub {
    /// Changes the interpretation of a running call; `false` if the call is not live, or does not take its letters.
    pub fn control(&self, call: CallId, control: Control) -> bool {
        self.post(call, Post::Control(control))
    }

    /// Takes a waiting call for whoever works at the desk under this name (`AGENT_DIAL=desk`), or brings them back to one
    /// of theirs, whether or not their stream is lost. Returns the token that lets their stream in, once, within
    /// [`COME`](crate::call::COME); it takes the place of their older one. `None` if the call is not to be had.
    pub async fn take(&self, call: CallId, worker: &str) -> Option<String> {
        let mailbox = self.registry.mailbox(call)?;
        let (answer, answered) = oneshot::channel();
        let worker = worker.to_owned();
        mailbox.try_send(Post::Take { worker, answer }).ok()?;
        tokio::time::timeout(ANSWER_MAX, answered).await.ok()?.ok()?
    }

    /// Offers a call again that this worker has taken and not come to: they are not at the desk any more.
    pub fn taker_gone(&self, call: CallId, worker: &str) -> bool {
        let worker = worker.to_owned();
        self.post(call, Post::TakerGone { worker })
    }

    /// Takes a call from whoever has it at the desk (`AGENT_DIAL=desk`): it is offered to others, before all that wait.
    /// `false` if the call is not live, or does not take its letters; it changes nothing if nobody has the call.
    pub fn release(&self, call: CallId) -> bool {
        self.post(call, Post::Release)
    }

    /// Has a message spoken that somebody typed for `side`, to the other party in their language. `false` if the call is not
    /// live, or does not take its letters; what becomes of the message the call's events tell.
    pub fn say(&self, call: CallId, side: Side, text: String) -> bool {
        self.post(call, Post::Say { side, text })
    }

    /// Hands a call over to the softphone of this identity, with `AGENT_DIAL=client:…`. `false` if that cannot even be
    /// tried: no such call, no identity, or agents who come through the task queue, which hands over by itself. What
    /// becomes of it the call's events tell.
    pub fn transfer(&self, call: CallId, identity: &str) -> bool {
        let dials = matches!(self.config.agent_dial, AgentDial::Client { .. });
        let identity = identity.to_owned();
        dials && is_identity(&identity) && self.post(call, Post::Transfer { identity })
    }

    /// How a call began; `None` once it has ended.
    pub fn facts(&self, call: CallId) -> Option<Arc<Facts>> {
        self.registry.facts(call)
    }

    /// Listens in on a call, in the language of one party: what they say, mixed with what they are given to hear, as µ-law in
    /// pieces of 40 ms, in real time and a quarter of a second late. It ends with the call, and at once where too many listen;
    /// dropping it ends it too. `None` if the call is not live. Must be called within a runtime.
    pub fn listen_in(&self, call: CallId, side: Side) -> Option<mpsc::Receiver<Vec<u8>>> {
        let mailbox = self.registry.mailbox(call)?;
        let (batches, heard) = listener::listen(side);
        mailbox.try_send(Post::ListenIn(batches)).ok()?;
        Some(heard)
    }
}
