//! A client of its own against the simulated server, over real sockets.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::*;
use crate::sim::speech::{SILENCE, Tongue, chirp, clip, encode, recognise, text};

mod dialogue;
mod translating;
mod translating_trouble;
mod trouble;

/// Nothing here takes that long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    seen: Vec<Value>,
}

/// A server without any delay.
async fn server() -> EngineSim {
    server_with(|_| {}).await
}

async fn server_with(change: impl FnOnce(&mut EngineOptions)) -> EngineSim {
    let mut options = EngineOptions {
        think: Duration::ZERO,
        speed: 0.0,
        transcription: Some(Duration::from_millis(1)),
        keep_events: true,
        ..EngineOptions::default()
    };
    change(&mut options);
    EngineSim::start(options).await.expect("a free port")
}

async fn connect(sim: &EngineSim, query: &str, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
    connect_to(sim, &format!("/realtime{query}"), headers).await
}

async fn connect_to(sim: &EngineSim, path: &str, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
    let url = sim.base_url().replacen("http", "ws", 1) + path;
    let mut request = url.into_client_request().expect("a URL");
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a header");
        request.headers_mut().insert(*name, value);
    }
    let (socket, _) = timeout(PATIENCE, connect_async(request))
        .await
        .expect("an answer")?;
    let seen = Vec::new();
    Ok(Client { socket, seen })
}

impl Client {
    async fn open(sim: &EngineSim) -> Self {
        connect(
            sim,
            "?model=gpt-realtime-2.1",
            &[("authorization", "Bearer sk-sim")],
        )
        .await
        .expect("a session")
    }

    /// A session that translates as our program sets it up.
    async fn translator(sim: &EngineSim, from: &str, into: &str) -> Self {
        let mut client = Self::open(sim).await;
        client
            .configure(&format!("Translate {from} into {into}."), json!(false))
            .await;
        client
    }

    async fn configure(&mut self, instructions: &str, automatic: Value) {
        self.send(
            json!({"type": "session.update", "session": {"type": "realtime", "instructions": instructions,
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"}, "transcription": {"model": "gpt-transcribe"},
                    "turn_detection": {"type": "server_vad", "silence_duration_ms": 400,
                        "create_response": automatic, "interrupt_response": automatic},
                },
                "output": {"format": {"type": "audio/pcmu"}},
            }}}),
        )
        .await;
        self.until("session.updated").await;
    }

    async fn send(&mut self, event: Value) {
        let message = Message::text(event.to_string());
        self.socket.send(message).await.expect("an open socket");
    }

    async fn append(&mut self, audio: &[u8]) {
        for piece in audio.chunks(1_600) {
            self.send(json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(piece)}))
                .await;
        }
    }

    /// Says something, and then nothing for 700 ms.
    async fn say(&mut self, audio: &[u8]) {
        self.append(audio).await;
        self.append(&[SILENCE; 5_600]).await;
    }

    /// Asks for an out-of-band response about an item.
    async fn ask_about(&mut self, item: &Value) {
        self.send(
            json!({"type": "response.create", "response": {"conversation": "none",
            "input": [{"type": "item_reference", "id": item}], "metadata": {"about": item}}}),
        )
        .await;
    }

    async fn frame(&mut self) -> Option<Result<Message, Error>> {
        timeout(PATIENCE, self.socket.next())
            .await
            .expect("a frame in time")
    }

    async fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.frame().await.expect("an open socket").expect("a frame") {
                let event: Value = serde_json::from_str(&text).expect("JSON");
                self.seen.push(event.clone());
                return event;
            }
        }
    }

    async fn until(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await;
            if event["type"] == kind {
                return event;
            }
            assert!(event["type"] != "error", "{event}");
        }
    }

    async fn error(&mut self) -> Value {
        loop {
            let event = self.next().await;
            if event["type"] == "error" {
                return event["error"].clone();
            }
        }
    }

    /// The code and reason of the close frame, after any events.
    async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            match self.frame().await {
                Some(Ok(Message::Close(frame))) => {
                    return frame.map(|f| (f.code.into(), f.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The audio of a response that has been received.
    fn audio_of(&self, response: &Value) -> Vec<u8> {
        let deltas = self.seen.iter().filter(|event| {
            event["type"] == "response.output_audio.delta" && event["response_id"] == response["id"]
        });
        deltas
            .flat_map(|event| {
                STANDARD
                    .decode(event["delta"].as_str().expect("text"))
                    .expect("base64")
            })
            .collect()
    }

    fn place(&self, kind: &str) -> Option<usize> {
        self.seen.iter().position(|event| event["type"] == kind)
    }
}
