//! The socket of a session: frames in, events out, and the faults that hit a connection rather than a conversation.
//!
//! A writer of its own makes sure that a client that does not read holds up nothing but its own events.

use std::time::{Duration, Instant};

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    sync::{broadcast, mpsc},
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use tokio_util::sync::CancellationToken;

use super::{faults::Blow, outbox::Conversing};

pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;
type Blows = broadcast::Receiver<(Option<String>, Blow)>;

/// How long the peer may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(2);

/// What becomes of the connection after an input.
enum Next {
    On,
    /// A close frame with this code has come or gone; its answer is still to go or to come.
    Farewell(Option<u16>),
    /// It is over without a close frame.
    Over,
}

/// Holds a session until either side ends it.
pub(super) async fn hold(
    socket: Socket,
    mut session: impl Conversing,
    id: &str,
    blows: Blows,
    stop: CancellationToken,
) {
    let (sink, stream) = socket.split();
    let (out, queue) = mpsc::unbounded_channel();
    let (stalled, muted) = session.outbox().faults.moods();
    let mut line = Line {
        session,
        id: id.to_owned(),
        out,
        writer: tokio::spawn(write(sink, queue)),
        stalled,
        muted,
        heard: Instant::now(),
    };
    let code = line.run(stream, blows, stop).await;
    line.writer.abort();
    line.session
        .outbox()
        .entry
        .note(|record| record.closed = Some((Instant::now(), code)));
}

async fn write(mut sink: SplitSink<Socket, Message>, mut queue: mpsc::UnboundedReceiver<Message>) {
    while let Some(message) = queue.recv().await {
        // The reader learns of a broken connection as well, and ends both.
        if sink.send(message).await.is_err() {
            break;
        }
    }
}

struct Line<S> {
    session: S,
    id: String,
    out: mpsc::UnboundedSender<Message>,
    writer: JoinHandle<()>,
    stalled: bool,
    muted: bool,
    /// When the last frame came.
    heard: Instant,
}

impl<S: Conversing> Line<S> {
    async fn run(
        &mut self,
        mut stream: SplitStream<Socket>,
        mut blows: Blows,
        stop: CancellationToken,
    ) -> Option<u16> {
        loop {
            let mut next = self.flush();
            if matches!(next, Next::On) {
                let due = tokio::time::Instant::from_std(self.session.due());
                let patience = self.session.outbox().faults.patience();
                // Without a limit the session's own end is near enough.
                let limit = patience.map_or(due, |limit| tokio::time::Instant::from_std(self.heard + limit));
                next = tokio::select! {
                    // In this order, so that a fault strikes before frames that came after it was ordered, and frames that
                    // have come are read before their sender counts as silent.
                    biased;
                    () = stop.cancelled() => Next::Over,
                    blow = blows.recv() => self.suffer(blow),
                    () = tokio::time::sleep_until(due), if !self.stalled => {
                        self.session.tick(Instant::now());
                        Next::On
                    }
                    message = stream.next(), if !self.stalled => self.read(message),
                    () = tokio::time::sleep_until(limit), if patience.is_some() => {
                        self.close(1011, "keepalive ping timeout".to_owned())
                    }
                };
            }
            match next {
                Next::On => {}
                Next::Over => return None,
                Next::Farewell(code) => {
                    // Reading on sends our answer or waits for the peer's; one that never answers is dropped all the same.
                    let rest = async { while let Some(Ok(_)) = stream.next().await {} };
                    let _ = tokio::time::timeout(FAREWELL, rest).await;
                    return code;
                }
            }
        }
    }

    /// Hands the events that are ready to the writer, and after them the close frame.
    fn flush(&mut self) -> Next {
        while let Some(event) = self.session.outbox().take() {
            if self.muted {
                continue;
            }
            let outbox = self.session.outbox();
            if outbox.options.keep_events {
                outbox.entry.note(|r| r.server_events.push(event.clone()));
            }
            let message = match outbox.faults.is_binary() {
                true => Message::binary(event.into_bytes()),
                false => Message::text(event),
            };
            self.send(message);
        }
        match self.session.outbox().closing() {
            Some((code, reason)) => self.close(code, reason),
            None => Next::On,
        }
    }

    fn close(&mut self, code: u16, reason: String) -> Next {
        self.send(Message::Close(Some(CloseFrame {
            code: CloseCode::from(code),
            reason: reason.into(),
        })));
        Next::Farewell(Some(code))
    }

    fn send(&self, message: Message) {
        // A writer that has ended leaves a connection that the reader is about to give up.
        let _ = self.out.send(message);
    }

    fn read<E>(&mut self, message: Option<Result<Message, E>>) -> Next {
        self.heard = Instant::now();
        let outbox = self.session.outbox();
        match message {
            Some(Ok(Message::Text(text))) => {
                if outbox.options.keep_events {
                    let text = text.to_string();
                    outbox.entry.note(|r| r.client_events.push(text));
                }
                self.session.receive(&text, Instant::now());
                Next::On
            }
            Some(Ok(Message::Binary(_))) => {
                let message = "Binary frames are not supported.";
                outbox.fail(Some("invalid_event"), message, None, None);
                Next::On
            }
            Some(Ok(Message::Ping(_))) => {
                outbox.entry.note(|record| record.pings += 1);
                Next::On
            }
            Some(Ok(Message::Close(frame))) => Next::Farewell(frame.map(|frame| frame.code.into())),
            Some(Ok(_)) => Next::On,
            Some(Err(_)) | None => Next::Over,
        }
    }

    fn suffer(&mut self, blow: Result<(Option<String>, Blow), broadcast::error::RecvError>) -> Next {
        let Ok((aim, blow)) = blow else {
            // Blows that came faster than they could be suffered are lost.
            return Next::On;
        };
        if aim.is_some_and(|aim| aim != self.id) {
            return Next::On;
        }
        match blow {
            Blow::Drop => return Next::Over,
            Blow::Close(code, reason) => return self.close(code, reason),
            Blow::Text(text) => self.send(Message::text(text)),
            Blow::Binary(bytes) => self.send(Message::binary(bytes)),
            Blow::Event(event) => self.session.outbox().emit(event),
            Blow::Error { code, message } => self.session.outbox().fail(Some(&code), &message, None, None),
            Blow::Expire => self.session.expire(Instant::now()),
            Blow::Stall(on) => self.stalled = on,
            Blow::Mute(on) => self.muted = on,
            Blow::Idle(on) => self.session.idle(on),
            Blow::Wake => {}
        }
        Next::On
    }
}
