//! A WebSocket for tests that want to send anything at all to the app's stream endpoint.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use thiserror::Error;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::handshake::{self, HandshakeError, Socket};

/// A connection without any protocol of its own.
pub struct RawStream(Socket);

/// What came from the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawMessage {
    Text(String),
    Binary(Vec<u8>),
    Close(Option<u16>),
    /// The connection ended, or something illegal came.
    Gone,
}

/// The connection does not take anything any more.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the connection is gone: {0}")]
pub struct Gone(String);

impl RawStream {
    pub(super) async fn open(url: &str, headers: &[(&'static str, String)]) -> Result<Self, HandshakeError> {
        handshake::open(url, headers, None).await.map(Self)
    }

    pub async fn send_text(&mut self, text: &str) -> Result<(), Gone> {
        self.send(Message::text(text)).await
    }

    pub async fn send_binary(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        self.send(Message::binary(bytes.to_vec())).await
    }

    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Gone> {
        self.send(Message::Ping(payload.to_vec().into())).await
    }

    /// Writes bytes past the WebSocket layer, such as a broken frame.
    pub async fn send_raw(&mut self, mut bytes: &[u8]) -> Result<(), Gone> {
        let stream = self.0.get_ref();
        while !bytes.is_empty() {
            stream.writable().await.map_err(gone)?;
            match stream.try_write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(gone(error)),
            }
        }
        Ok(())
    }

    /// Sends a close frame; the answer comes by [`RawStream::recv`].
    pub async fn close(&mut self, code: u16) -> Result<(), Gone> {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: "".into(),
        };
        self.0.close(Some(frame)).await.map_err(gone)
    }

    /// The next message other than ping and pong; None if nothing came in time.
    pub async fn recv(&mut self, within: Duration) -> Option<RawMessage> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return RawMessage::Text(text.to_string()),
                    Some(Ok(Message::Binary(bytes))) => return RawMessage::Binary(bytes.to_vec()),
                    Some(Ok(Message::Close(frame))) => {
                        return RawMessage::Close(frame.map(|f| u16::from(f.code)));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return RawMessage::Gone,
                }
            }
        };
        tokio::time::timeout(within, next).await.ok()
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.0.send(message).await.map_err(gone)
    }
}

fn gone(error: impl std::fmt::Display) -> Gone {
    Gone(error.to_string())
}
