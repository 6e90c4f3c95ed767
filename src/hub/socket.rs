//! A WebSocket whose writes never wait.
//!
//! What is to be sent stands in a queue of our own; the library is given a message only while it is ready for one, so
//! it never holds more than about one. Audio can be dropped from the queue, oldest first; control messages cannot.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::carrier::browser;

/// A carrier's messages are some 400 bytes; 64 KiB leaves room for any that are not.
const CARRIER_MESSAGE_MAX: usize = 64 * 1024;

/// An engine's messages carry up to some seconds of audio.
const ENGINE_MESSAGE_MAX: usize = 2 * 1024 * 1024;

/// Control messages that may wait. More means that the other end does not read at all.
const CONTROL_MAX: usize = 1024;

/// The same for a leg: two minutes of marks. Its audio has a bound of its own.
const LEG_CONTROL_MAX: usize = 256;

/// What the library may hold beside the message that it was given last: answers to pings, for one, which whoever does not
/// read must not make us heap up. A leg's message has some kilobytes, an engine's a tenth of a megabyte.
const LEG_WRITE_MAX: usize = 64 * 1024;
const SESSION_WRITE_MAX: usize = 1024 * 1024;

/// Settings of a leg's socket. The library's defaults hold 128 KiB for each socket.
pub fn leg_config() -> WebSocketConfig {
    config(CARRIER_MESSAGE_MAX, LEG_WRITE_MAX)
}

/// Settings of a page's socket.
pub fn page_config() -> WebSocketConfig {
    config(browser::MESSAGE_MAX, LEG_WRITE_MAX)
}

/// Settings of a session's socket.
pub fn session_config() -> WebSocketConfig {
    config(ENGINE_MESSAGE_MAX, SESSION_WRITE_MAX)
}

fn config(message_max: usize, write_max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(write_max)
        .max_message_size(Some(message_max))
        .max_frame_size(Some(message_max))
}

/// A socket and what waits to be sent through it.
pub struct Socket<S> {
    ws: WebSocketStream<S>,
    queue: VecDeque<Queued>,
    audio_bytes: usize,
    control: usize,
    unflushed: bool,
    /// Since when something waits without any of it being taken.
    stuck: Option<Instant>,
}

struct Queued {
    message: Message,
    /// µ-law bytes in it; 0 for a control message.
    audio: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub fn new(ws: WebSocketStream<S>) -> Self {
        Self {
            ws,
            queue: VecDeque::new(),
            audio_bytes: 0,
            control: 0,
            unflushed: false,
            stuck: None,
        }
    }

    /// Queues a message that carries this many bytes of µ-law.
    pub fn send_audio(&mut self, message: impl Into<Message>, audio: usize) {
        self.audio_bytes += audio;
        self.queue.push_back(Queued {
            message: message.into(),
            audio,
        });
    }

    /// Queues a message that must not be dropped.
    pub fn send(&mut self, text: String) {
        self.push_control(Message::text(text));
    }

    pub fn ping(&mut self) {
        self.push_control(Message::Ping(Vec::new().into()));
    }

    fn push_control(&mut self, message: Message) {
        self.control += 1;
        self.queue.push_back(Queued { message, audio: 0 });
    }

    /// Queues a close after everything else. `allowed`: an ordinary end, rather than a refusal.
    pub fn close(&mut self, allowed: bool) {
        let code = if allowed {
            CloseCode::Normal
        } else {
            CloseCode::Policy
        };
        let frame = CloseFrame {
            code,
            reason: Default::default(),
        };
        self.push_control(Message::Close(Some(frame)));
    }

    /// Forgets audio that has not been sent.
    pub fn clear_audio(&mut self) {
        self.queue.retain(|queued| queued.audio == 0);
        self.audio_bytes = 0;
    }

    /// Drops the oldest audio beyond `max` bytes and says how much that was.
    pub fn drop_beyond(&mut self, max: usize) -> usize {
        if self.audio_bytes <= max {
            return 0;
        }
        let mut excess = self.audio_bytes - max;
        let before = self.audio_bytes;
        let left = &mut self.audio_bytes;
        self.queue.retain(|queued| {
            let dropped = queued.audio > 0 && excess > 0;
            if dropped {
                excess = excess.saturating_sub(queued.audio);
                *left -= queued.audio;
            }
            !dropped
        });
        before - *left
    }

    /// Whether the other end has taken nothing for `max` although something waits, or lets everything pile up.
    pub fn is_stuck(&self, max: Duration) -> bool {
        self.control > CONTROL_MAX || self.stuck.is_some_and(|since| since.elapsed() > max)
    }

    /// Whether more control messages wait than a leg that reads ever lets wait.
    pub fn piles_up(&self) -> bool {
        self.control > LEG_CONTROL_MAX
    }

    /// Reads the next message; `None` is the end.
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        Pin::new(&mut self.ws).poll_next(cx)
    }

    /// Sends what can be sent now. Ready when nothing waits any more.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.queue.is_empty() {
            match Pin::new(&mut self.ws).poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.stuck.get_or_insert_with(Instant::now);
                    return Poll::Pending;
                }
            }
            let Some(Queued { message, audio }) = self.queue.pop_front() else {
                break;
            };
            self.audio_bytes -= audio;
            self.control -= usize::from(audio == 0);
            self.stuck = None;
            self.unflushed = true;
            Pin::new(&mut self.ws).start_send(message)?;
        }
        if self.unflushed {
            match Pin::new(&mut self.ws).poll_flush(cx) {
                Poll::Ready(flushed) => {
                    self.unflushed = false;
                    self.stuck = None;
                    flushed?;
                }
                Poll::Pending => {
                    self.stuck.get_or_insert_with(Instant::now);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    /// What the network between holds.
    const NETWORK: usize = 4096;

    async fn socket() -> (Socket<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(NETWORK);
        let ws = WebSocketStream::from_raw_socket(ours, Role::Server, Some(leg_config())).await;
        (Socket::new(ws), theirs)
    }

    #[tokio::test]
    async fn whoever_pings_and_never_reads_makes_us_heap_up_no_answers() {
        let (mut socket, mut peer) = socket().await;
        // A ping of 125 bytes, masked with zeros.
        let mut ping = vec![0x89, 0x80 | 125, 0, 0, 0, 0];
        ping.resize(6 + 125, 7);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..20_000 {
            peer.write_all(&ping).await.expect("room");
            while let Poll::Ready(message) = socket.poll_read(&mut cx) {
                assert!(matches!(message, Some(Ok(Message::Ping(_)))), "{message:?}");
            }
        }
        // Now they read: what comes is what had heaped up.
        let (mut came, mut piece) = (0, vec![0; NETWORK]);
        loop {
            let _ = socket.poll_write(&mut cx);
            let _ = socket.poll_read(&mut cx);
            let read = tokio::time::timeout(Duration::from_millis(50), peer.read(&mut piece)).await;
            match read {
                Ok(Ok(bytes)) if bytes > 0 => came += bytes,
                _ => break,
            }
        }
        assert!(
            came > NETWORK / 2 && came <= LEG_WRITE_MAX + 2 * NETWORK,
            "{came} bytes"
        );
    }

    #[tokio::test]
    async fn marks_pile_up_to_a_bound_and_no_further() {
        let (mut socket, _peer) = socket().await;
        let mut cx = Context::from_waker(Waker::noop());
        let mut sent = 0;
        while !socket.piles_up() {
            socket.send("x".repeat(60));
            sent += 1;
            let _ = socket.poll_write(&mut cx);
            assert!(sent < 2 * LEG_CONTROL_MAX);
        }
        assert!(sent > LEG_CONTROL_MAX);
    }
}
