//! The engine: realtime sessions that hear nothing but stamps. Here are those of the prompted dialect.
//!
//! It confirms what it is asked for, takes two seconds of audio for a sentence, and answers a `response.create` with a
//! second and a half of stamped audio, in pieces of 20 to 200 ms, three times as fast as they play. Texts and figures
//! beside the audio are those of the GA protocol.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::dedicated::Dedicated;
use super::dialect::Dialect;
use super::frames::{End, Frame, Reading, write_all};
use super::leg::quoted;
use super::meter::{Half, Meter};
use super::stamp::{FRAME, PIECE_MAX, Stamp};
use crate::audio;
use crate::wire;

/// Audio that makes a sentence.
const SENTENCE: usize = 2_000 * audio::BYTES_PER_MS;

/// Where in it speech is said to begin.
const SPEECH: usize = 300 * audio::BYTES_PER_MS;

/// Frames of a translation: a second and a half.
const ANSWER: usize = 75;

/// How much faster than real time a translation is spoken.
const FASTER: u32 = 3;

/// The agent's first second is not interpreted.
pub const GUARD: Duration = Duration::from_secs(1);

const APPEND: &[u8] = b"{\"type\":\"input_audio_buffer.append\"";

/// Whether sentences are still answered.
pub type Talking = Arc<AtomicBool>;

/// Starts the engine and returns its base URL.
///
/// # Errors
/// No port can be bound.
pub async fn start(dialect: Dialect, meter: Arc<Meter>, talking: Talking) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/v1", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let opened = Instant::now();
            let (meter, talking) = (Arc::clone(&meter), Arc::clone(&talking));
            tokio::spawn(async move {
                // The other end says nothing before it has our answer, so nothing is read along with the handshake.
                let _ = stream.set_nodelay(true);
                if let Ok(ws) = tokio_tungstenite::accept_async(stream).await {
                    let stream = ws.into_inner();
                    // A session ends when its socket does.
                    let _ = match dialect {
                        Dialect::Prompted => Session::new(stream, meter, talking, opened).run().await,
                        Dialect::Translate => Dedicated::new(stream, meter, talking, opened).run().await,
                    };
                }
            });
        }
    });
    Ok(base)
}

struct Session {
    stream: TcpStream,
    meter: Arc<Meter>,
    talking: Talking,
    opened_us: u64,
    /// The leg that speaks, once its first stamp has come.
    speaker: Option<u16>,
    mulaw: Vec<u8>,
    writing: Vec<u8>,
    /// Audio since the last sentence.
    appended: usize,
    speech: bool,
    /// Sentences whose translation was asked for.
    asked: VecDeque<String>,
    answer: Option<Answer>,
    /// Sentences, and pieces, so far.
    sentences: u32,
    pieces: u32,
}

/// A translation that is being spoken.
struct Answer {
    item: String,
    /// Frames that are left.
    left: usize,
    next: Instant,
}

impl Session {
    fn new(stream: TcpStream, meter: Arc<Meter>, talking: Talking, opened: Instant) -> Self {
        Self {
            stream,
            opened_us: meter.us(opened),
            meter,
            talking,
            speaker: None,
            mulaw: Vec::new(),
            writing: Vec::new(),
            appended: 0,
            speech: false,
            asked: VecDeque::new(),
            answer: None,
            sentences: 0,
            pieces: 0,
        }
    }

    async fn run(mut self) -> std::io::Result<()> {
        let mut reading = Reading::default();
        let mut sleep = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
        loop {
            let due = self.answer.as_ref().map(|answer| answer.next);
            if let Some(due) = due
                && sleep.deadline() != due.into()
            {
                sleep.as_mut().reset(due.into());
            }
            tokio::select! {
                open = reading.fill(&self.stream) => {
                    if !open? {
                        return Ok(());
                    }
                    let now = self.meter.us(Instant::now());
                    while let Some(frame) = reading.next() {
                        match frame {
                            Frame::Text(text) => self.message(text, now),
                            Frame::Ping => End::Server.pong(&mut self.writing),
                            Frame::Close => {
                                End::Server.close(&mut self.writing);
                                return write_all(&self.stream, &self.writing).await;
                            }
                            Frame::Other => {}
                        }
                    }
                }
                () = &mut sleep, if due.is_some() => self.speak(),
            }
            if !self.writing.is_empty() {
                write_all(&self.stream, &self.writing).await?;
                self.writing.clear();
            }
        }
    }

    fn message(&mut self, text: &[u8], now_us: u64) {
        if text.starts_with(APPEND) {
            if quoted(text, "\"audio\":\"").is_some_and(|audio| wire::decode_base64(audio, &mut self.mulaw)) {
                self.hear(now_us);
            }
            return;
        }
        // Rare messages, so a tree does no harm.
        let Ok(message) = serde_json::from_slice::<Value>(text) else {
            return;
        };
        match message["type"].as_str().unwrap_or_default() {
            "session.update" => {
                self.say(
                    &json!({"type": "session.updated", "event_id": "event_1", "session": message["session"]}),
                );
            }
            "response.create" => {
                let item = message["response"]["input"][0]["id"].as_str().unwrap_or_default();
                self.asked.push_back(item.to_owned());
                self.begin();
            }
            "conversation.item.delete" => {
                self.say(&json!({"type": "conversation.item.deleted", "event_id": "event_1", "item_id": message["item_id"]}));
            }
            _ => {}
        }
    }

    fn hear(&mut self, now_us: u64) {
        for frame in self.mulaw.chunks(FRAME) {
            let Some(stamp) = Stamp::read(frame) else {
                self.meter
                    .foreign
                    .fetch_add(frame.len() as u64, Ordering::Relaxed);
                continue;
            };
            if *self.speaker.get_or_insert(stamp.leg) != stamp.leg {
                self.meter.misrouted.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let guard = if stamp.leg % 2 == 1 { GUARD } else { Duration::ZERO };
            self.meter.arrived(Half::Up, stamp.leg, &stamp, now_us);
            self.meter.heard(&stamp, self.opened_us, guard);
        }
        self.appended += self.mulaw.len();
        if !self.speech && self.appended >= SPEECH && self.talking.load(Ordering::Relaxed) {
            self.speech = true;
            let item = format!("item_{}", self.sentences);
            self.say(&json!({"type": "input_audio_buffer.speech_started", "event_id": "event_1", "audio_start_ms": 0, "item_id": item}));
        }
        if self.speech && self.appended >= SENTENCE {
            self.sentence();
        }
    }

    /// A sentence is complete.
    fn sentence(&mut self) {
        let item = format!("item_{}", self.sentences);
        self.sentences += 1;
        self.appended = 0;
        self.speech = false;
        self.say(&json!({"type": "input_audio_buffer.speech_stopped", "event_id": "event_1", "audio_end_ms": 0, "item_id": item}));
        self.say(&json!({"type": "input_audio_buffer.committed", "event_id": "event_1", "previous_item_id": null, "item_id": item}));
        self.say(&json!({
            "type": "conversation.item.input_audio_transcription.completed", "event_id": "event_1", "item_id": item,
            "content_index": 0, "transcript": "¿Cuánto tarda el envío?", "usage": {"type": "duration", "seconds": 2},
        }));
    }

    /// Begins the next translation, if none is being spoken.
    fn begin(&mut self) {
        if self.answer.is_some() {
            return;
        }
        let Some(item) = self.asked.pop_front() else {
            return;
        };
        self.meter.answering.fetch_add(1, Ordering::Relaxed);
        let response =
            json!({"object": "realtime.response", "id": format!("resp_{item}"), "status": "in_progress"});
        self.say(&json!({"type": "response.created", "event_id": "event_1", "response": response}));
        self.answer = Some(Answer {
            item,
            left: ANSWER,
            next: Instant::now(),
        });
    }

    /// Speaks the next piece.
    fn speak(&mut self) {
        let (Some(answer), Some(speaker)) = (&mut self.answer, self.speaker) else {
            return;
        };
        let frames = rand::random_range(1..=PIECE_MAX).min(answer.left);
        answer.left -= frames;
        let bytes = frames * FRAME;
        answer.next += audio::duration(bytes) / FASTER;
        let stamp = Stamp {
            leg: speaker ^ 1,
            bytes: bytes as u16,
            sequence: self.pieces,
            since_us: 0,
            written_us: self.meter.us(Instant::now()),
        };
        if let Some(count) = self.meter.leg(stamp.leg) {
            count.spoken.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        self.pieces += 1;
        let head = format!(
            "{{\"type\":\"response.output_audio.delta\",\"event_id\":\"event_1\",\"response_id\":\"resp_{item}\",\"item_id\":\"{item}_t\",\
             \"output_index\":0,\"content_index\":0,\"delta\":\"",
            item = answer.item
        );
        End::Server.text(&mut self.writing, |text| {
            text.extend_from_slice(head.as_bytes());
            stamp.put(text);
            text.extend_from_slice(b"\"}");
        });
        let text = json!({
            "type": "response.output_audio_transcript.delta", "event_id": "event_1", "output_index": 0, "content_index": 0,
            "response_id": format!("resp_{}", answer.item), "item_id": format!("{}_t", answer.item), "delta": " shipping",
        });
        let done = answer.left == 0;
        self.say(&text);
        if done {
            self.done();
        }
    }

    fn done(&mut self) {
        let Some(Answer { item, .. }) = self.answer.take() else {
            return;
        };
        self.meter.answering.fetch_sub(1, Ordering::Relaxed);
        self.say(&json!({
            "type": "response.done", "event_id": "event_1",
            "response": {
                "object": "realtime.response", "id": format!("resp_{item}"), "status": "completed", "status_details": null, "output": [],
                "usage": {
                    "total_tokens": 80, "input_tokens": 50, "output_tokens": 30,
                    "input_token_details": {"text_tokens": 30, "audio_tokens": 20, "cached_tokens_details": {"text_tokens": 30, "audio_tokens": 0}},
                    "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
                },
            },
        }));
        self.begin();
    }

    fn say(&mut self, message: &Value) {
        let text = message.to_string();
        End::Server.text(&mut self.writing, |buffer| {
            buffer.extend_from_slice(text.as_bytes())
        });
    }
}
