//! The dedicated engine: translation sessions that hear nothing but coded stamps.
//!
//! For every 200 ms that come in it puts out 400 ms, as the real one was seen to do: a third of the time something that
//! is spoken, else idle material. Events are those of the Realtime Translation API.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::code::{Code, FRAME_PCM, PIECE_FRAMES};
use super::engine::{GUARD, Talking};
use super::frames::{End, Frame, Reading, write_all};
use super::leg::quoted;
use super::meter::{Half, Meter};
use super::stamp::FRAME;
use crate::wire;

const APPEND: &[u8] = b"{\"type\":\"session.input_audio_buffer.append\"";

/// Engine frames from one stretch of speech to the next: 2.4 s, so that no listener waits for two seconds of silence.
const PERIOD: u32 = 12;

/// Pieces of a stretch. Each is twice as long as the engine frame that it answers: 0.8 s of 2.4 are spoken.
const STRETCH: u32 = 2;

/// Milliseconds of an engine frame.
const FRAME_MS: u32 = 200;

/// A session's hour.
const HOUR: Duration = Duration::from_secs(3_600);

/// The base64 of a piece in which nothing is said.
static IDLE: LazyLock<String> = LazyLock::new(|| STANDARD.encode(vec![0; PIECE_FRAMES * FRAME_PCM]));

pub struct Dedicated {
    stream: TcpStream,
    meter: Arc<Meter>,
    talking: Talking,
    opened_us: u64,
    session: Value,
    /// The leg that speaks, once its first stamp has come.
    speaker: Option<u16>,
    pcm: Vec<u8>,
    writing: Vec<u8>,
    /// Engine frames that came in.
    frames: u32,
    /// Pieces of this stretch that are still to be spoken.
    left: u32,
    /// Spoken pieces, and events, so far.
    pieces: u32,
    events: u32,
}

impl Dedicated {
    pub fn new(stream: TcpStream, meter: Arc<Meter>, talking: Talking, opened: Instant) -> Self {
        let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + HOUR;
        let session = json!({
            "id": "sess_load", "type": "translation", "model": "gpt-realtime-translate", "expires_at": expires.as_secs(),
            "audio": {"input": {"transcription": null, "noise_reduction": null}, "output": {"language": "es"}},
        });
        Self {
            stream,
            opened_us: meter.us(opened),
            meter,
            talking,
            session,
            speaker: None,
            pcm: Vec::new(),
            writing: Vec::new(),
            frames: 0,
            left: 0,
            pieces: 0,
            events: 0,
        }
    }

    /// Serves the session until its socket ends.
    ///
    /// # Errors
    /// The socket breaks.
    pub async fn run(mut self) -> std::io::Result<()> {
        let mut reading = Reading::default();
        let session = self.session.clone();
        self.say(json!({"type": "session.created", "session": session}));
        loop {
            if !self.writing.is_empty() {
                write_all(&self.stream, &self.writing).await?;
                self.writing.clear();
            }
            if !reading.fill(&self.stream).await? {
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
    }

    fn message(&mut self, text: &[u8], now_us: u64) {
        if text.starts_with(APPEND) {
            if quoted(text, "\"audio\":\"").is_some_and(|audio| wire::decode_base64(audio, &mut self.pcm)) {
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
                for pointer in [
                    "/audio/input/transcription",
                    "/audio/input/noise_reduction",
                    "/audio/output/language",
                ] {
                    let (new, old) = (
                        message["session"].pointer(pointer),
                        self.session.pointer_mut(pointer),
                    );
                    if let (Some(new), Some(old)) = (new, old) {
                        *old = new.clone();
                    }
                }
                let session = self.session.clone();
                self.say(json!({"type": "session.updated", "session": session}));
            }
            "session.close" => self.say(json!({"type": "session.closed"})),
            _ => {}
        }
    }

    /// One append. Its delay is that of its last frame, for which it waited.
    fn hear(&mut self, now_us: u64) {
        let pcm = std::mem::take(&mut self.pcm);
        let mut last = None;
        for frame in pcm.chunks(FRAME_PCM) {
            let Some(code) = Code::read_up(frame) else {
                self.meter
                    .foreign
                    .fetch_add(frame.len() as u64 / 6, Ordering::Relaxed);
                continue;
            };
            if *self.speaker.get_or_insert(code.leg) != code.leg {
                self.meter.misrouted.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let guard = if code.leg % 2 == 1 { GUARD } else { Duration::ZERO };
            if let Some(stamp) = self.meter.said(code) {
                self.meter.heard(&stamp, self.opened_us, guard);
                last = Some(stamp);
            }
        }
        if let Some(stamp) = last {
            self.meter.arrived(Half::Up, stamp.leg, &stamp, now_us);
        }
        for _ in pcm.chunks(FRAME_PCM * 10) {
            self.put_out();
        }
        self.pcm = pcm;
    }

    /// What is owed for an engine frame.
    fn put_out(&mut self) {
        let phase = u32::from(self.speaker.unwrap_or_default()) * 5;
        let begins = (self.frames + phase).is_multiple_of(PERIOD);
        let elapsed = json!(self.frames * FRAME_MS);
        self.frames += 1;
        if begins && self.talking.load(Ordering::Relaxed) {
            self.left = STRETCH;
            self.meter.answering.fetch_add(1, Ordering::Relaxed);
            if !self.session["audio"]["input"]["transcription"].is_null() {
                let words = " ¿Cuánto tarda el envío?";
                self.say(
                    json!({"type": "session.input_transcript.delta", "delta": words, "elapsed_ms": elapsed}),
                );
            }
        }
        let Some(speaker) = self.speaker.filter(|_| self.left > 0) else {
            self.delta(|text| text.extend_from_slice(IDLE.as_bytes()));
            return;
        };
        self.say(
            json!({"type": "session.output_transcript.delta", "delta": " shipping", "elapsed_ms": elapsed}),
        );
        let code = Code {
            leg: speaker ^ 1,
            number: self.pieces,
        };
        self.meter
            .speaks(code, (PIECE_FRAMES * FRAME) as u64, Instant::now());
        self.pieces += 1;
        self.left -= 1;
        self.delta(|text| code.put_piece(text));
        if self.left == 0 {
            self.meter.answering.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn delta(&mut self, audio: impl FnOnce(&mut Vec<u8>)) {
        let (event, elapsed) = (self.events, (self.frames - 1) * FRAME_MS);
        self.events += 1;
        End::Server.text(&mut self.writing, |text| {
            text.extend_from_slice(b"{\"type\":\"session.output_audio.delta\",\"delta\":\"");
            audio(text);
            // Writing to memory cannot fail.
            let _ = write!(
                text,
                "\",\"event_id\":\"event_{event}\",\"sample_rate\":24000,\"channels\":1,\"format\":\"pcm16\",\"elapsed_ms\":{elapsed}}}"
            );
        });
    }

    fn say(&mut self, mut message: Value) {
        message["event_id"] = json!(format!("event_{}", self.events));
        self.events += 1;
        let text = message.to_string();
        End::Server.text(&mut self.writing, |buffer| {
            buffer.extend_from_slice(text.as_bytes())
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::AtomicBool;

    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;

    use super::*;
    use crate::commands::load::dialect::Dialect;
    use crate::commands::load::engine;

    /// The fields of each event of a translation session (OpenAI API reference, Realtime Translation server events).
    fn fields(kind: &str) -> &'static [&'static str] {
        match kind {
            "session.created" | "session.updated" => &["session"],
            "session.input_transcript.delta" | "session.output_transcript.delta" => &["delta", "elapsed_ms"],
            "session.output_audio.delta" => &["channels", "delta", "elapsed_ms", "format", "sample_rate"],
            "session.closed" => &[],
            other => panic!("no such event: {other}"),
        }
    }

    /// All events of a session that is sent `seconds` of a leg's frames.
    async fn events(meter: &Arc<Meter>, seconds: usize) -> Vec<Value> {
        let talking = Arc::new(AtomicBool::new(true));
        let base = engine::start(Dialect::Translate, Arc::clone(meter), talking);
        let url = base.await.expect("a port").replacen("http", "ws", 1) + "/realtime/translations";
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("a session");
        let update = json!({"type": "session.update", "session": {"audio": {
            "input": {"transcription": {"model": "gpt-realtime-whisper"}}, "output": {"language": "en"}}}});
        socket
            .send(Message::text(update.to_string()))
            .await
            .expect("an open socket");
        let mut up = crate::commands::load::floor_wide::Up::default();
        for number in 0..seconds as u32 * 50 {
            let mut payload = Vec::new();
            Code { leg: 0, number }.put_frame(&mut payload);
            if let Some(append) = up.append(std::str::from_utf8(&payload).expect("ASCII")) {
                socket.send(Message::text(append)).await.expect("an open socket");
            }
        }
        let close = json!({"type": "session.close"}).to_string();
        socket.send(Message::text(close)).await.expect("an open socket");
        let mut events = Vec::new();
        while events
            .last()
            .is_none_or(|event: &Value| event["type"] != "session.closed")
        {
            let message = socket.next().await.expect("more events").expect("a message");
            events.push(serde_json::from_str(message.to_text().expect("text")).expect("JSON"));
        }
        events
    }

    #[tokio::test]
    async fn a_session_says_nothing_that_the_protocol_does_not_have_and_speaks_a_third_of_the_time() {
        let meter = Arc::new(Meter::new(1, Dialect::Translate).expect("a meter"));
        let events = events(&meter, 24).await;
        let mut names = BTreeSet::new();
        for event in &events {
            let kind = event["type"].as_str().expect("a type");
            let mut known: BTreeSet<&str> = fields(kind).iter().copied().collect();
            known.extend(["type", "event_id"]);
            let here: BTreeSet<&str> = event
                .as_object()
                .expect("an object")
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(here, known, "{kind}");
            assert!(
                names.insert(event["event_id"].as_str().expect("a name")),
                "two events of one name"
            );
        }
        assert_eq!(
            (&events[0]["type"], &events[1]["type"]),
            (&json!("session.created"), &json!("session.updated"))
        );
        assert_eq!(events[0]["session"]["audio"]["output"]["language"], "es");
        let session = &events[1]["session"]["audio"];
        assert_eq!(
            (
                &session["output"]["language"],
                &session["input"]["noise_reduction"]
            ),
            (&json!("en"), &Value::Null)
        );
        let (mut pieces, mut spoken) = (0, 0);
        for event in events
            .iter()
            .filter(|event| event["type"] == "session.output_audio.delta")
        {
            let pcm = STANDARD
                .decode(event["delta"].as_str().expect("text"))
                .expect("base64");
            assert_eq!(pcm.len(), 19_200);
            assert_eq!(event["elapsed_ms"], pieces * FRAME_MS);
            pieces += 1;
            spoken += u32::from(pcm.iter().any(|byte| *byte != 0));
        }
        // 400 ms for each 200 ms, of which two in twelve are spoken.
        assert_eq!((pieces, spoken), (120, 20));
        let count = &meter.legs[1];
        assert_eq!(count.spoken.load(Ordering::Relaxed), 20 * 400 * 8);
        assert_eq!(meter.legs[0].lost.load(Ordering::Relaxed), 0);
        assert_eq!(meter.foreign.load(Ordering::Relaxed), 0);
        assert_eq!(meter.legs[0].expected.load(Ordering::Relaxed), 24 * 50);
    }
}
