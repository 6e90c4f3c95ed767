//! A connection's socket: what comes and what is taken is noted, and it ends when the table says so.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connection::{Connection, Place};

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Watched {
    io: TcpStream,
    place: Place,
}

impl Watched {
    pub(super) fn new(io: TcpStream, place: Place) -> Self {
        Self { io, place }
    }

    pub(super) fn connection(&self) -> &Connection {
        self.place.connection()
    }

    /// Whether there is room for what is written, by the answer to writing it.
    fn note<T>(&self, written: Poll<T>) -> Poll<T> {
        self.place.stalls(written.is_pending());
        written
    }
}

fn closed() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.place.is_free() {
            return Pin::new(&mut self.io).poll_read(cx, buffer);
        }
        if !self.place.reads(cx.waker()) {
            return Poll::Ready(Err(closed()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.place.came();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.place.is_free() {
            return Pin::new(&mut self.io).poll_write(cx, bytes);
        }
        if !self.place.writes(cx.waker()) {
            return Poll::Ready(Err(closed()));
        }
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.place.is_free() {
            return Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        }
        if !self.place.writes(cx.waker()) {
            return Poll::Ready(Err(closed()));
        }
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
