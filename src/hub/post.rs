//! What the outside tells a call's task. Rare things only: audio never comes this way.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::socket::Socket;
use crate::call::{Answer, CallStatus, Control, Side, TaskEvent};
use crate::carrier::Dialect;
use crate::recording::batch::Batch;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

/// A leg's socket.
pub type LegSocket = Socket<TokioIo<Upgraded>>;

/// A letter to a call's task.
pub enum Post {
    /// A stream has introduced itself with one of this call's tokens, or something like one.
    Stream(Box<NewStream>),
    AfterStream {
        side: Side,
        call_sid: String,
        answer: oneshot::Sender<Answer>,
    },
    IncomingAgain {
        answer: oneshot::Sender<Answer>,
    },
    CallStatus {
        side: Side,
        call_sid: String,
        status: CallStatus,
    },
    Task(TaskEvent),
    Control(Control),
    /// Somebody at the desk wants to take the call; the answer is the token for their stream.
    Take {
        worker: String,
        answer: oneshot::Sender<Option<String>>,
    },
    /// This worker is not at the desk any more.
    TakerGone {
        worker: String,
    },
    /// Whoever has the call at the desk gives it back, or it is taken from them.
    Release,
    /// Somebody has typed this for a party.
    Say {
        side: Side,
        text: String,
    },
    /// The identity has been checked.
    Transfer {
        identity: String,
    },
    LaneGranted {
        number: String,
    },
    LaneMatched,
    /// Somebody wants a copy of what passes. It leaves the call here, and no frame waits for it.
    ListenIn(mpsc::Sender<Arc<Batch>>),
    ShutDown,
    /// Fails on purpose, to show that a failure stays within its call.
    #[cfg(test)]
    Panic,
}

/// A stream with its introduction.
pub struct NewStream {
    pub socket: LegSocket,
    pub token: String,
    pub call_sid: String,
    pub dialect: Dialect,
}
