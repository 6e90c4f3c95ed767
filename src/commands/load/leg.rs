//! The legs: media streams of two parties, each a socket that this side writes every 20 ms and reads as it comes.
//!
//! ```text
//! a ticker for each millisecond of the 20 ──► connected, start, media …, marks echoed when due, stop, close
//! a reader for each leg ◄── media, mark, clear, close
//! ```
//!
//! All writes of a leg are its ticker's, so a frame is one system call and no lock is waited for. What a leg hears is
//! recognised by its stamps and never decoded further.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::code::Code;
use super::dialect::Dialect;
use super::frames::{End, Frame, Reading};
use super::listener::Listener;
use super::meter::Meter;
use super::stamp::{FRAME, Stamp};
use crate::audio;
use crate::wire;

/// Tickers, one for each millisecond of a frame: the frames of many legs must not all come at one instant.
const SLOTS: usize = 20;

const FRAME_TIME: Duration = Duration::from_millis(20);

/// All legs, by the millisecond in which their frames are due.
pub struct Legs {
    dialect: Dialect,
    arriving: [Mutex<Vec<Arc<Leg>>>; SLOTS],
    /// Legs say something; otherwise they are still, though their marks are echoed.
    pub streaming: AtomicBool,
    /// Callers hang up at their next frame.
    pub hang_up: AtomicBool,
    over: AtomicBool,
}

/// One party's media stream.
pub struct Leg {
    /// Twice the call's number, and one more for the agent.
    pub index: u16,
    stream: TcpStream,
    stream_sid: String,
    heard: Mutex<Heard>,
    /// The program closes the stream.
    closing: AtomicBool,
    gone: AtomicBool,
}

/// What a leg has said.
#[derive(Clone, Copy, Default)]
struct Spoken {
    frames: u32,
    last_us: u64,
}

/// What the carrier has of the program's audio.
struct Heard {
    play_until: Instant,
    /// Marks, as they are to be echoed, and when.
    marks: VecDeque<(Instant, Vec<u8>)>,
}

impl Legs {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            arriving: std::array::from_fn(|_| Mutex::default()),
            streaming: AtomicBool::new(true),
            hang_up: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Starts the tickers.
    pub fn start(self: &Arc<Self>, meter: &Arc<Meter>) {
        for slot in 0..SLOTS {
            tokio::spawn(Arc::clone(self).tick(slot, Arc::clone(meter)));
        }
    }

    /// A leg that has introduced itself begins to speak.
    pub fn add(&self, leg: &Arc<Leg>) {
        // Seven is prime to twenty: neighbours, and the two legs of a call, lie apart.
        let slot = usize::from(leg.index) * 7 % SLOTS;
        if let Some(arriving) = self.arriving.get(slot) {
            lock(arriving).push(Arc::clone(leg));
        }
    }

    /// The tickers stop.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    async fn tick(self: Arc<Self>, slot: usize, meter: Arc<Meter>) {
        let mut legs: Vec<(Arc<Leg>, Spoken)> = Vec::new();
        let mut buffer = Vec::with_capacity(1024);
        let mut at = meter.epoch() + Duration::from_millis(slot as u64);
        while !self.over.load(Ordering::Relaxed) {
            tokio::time::sleep_until(at.into()).await;
            legs.extend(
                lock(&self.arriving[slot])
                    .drain(..)
                    .map(|leg| (leg, Spoken::default())),
            );
            legs.retain_mut(|(leg, spoken)| {
                buffer.clear();
                leg.tick(&self, spoken, &meter, &mut buffer)
            });
            at += FRAME_TIME;
        }
    }
}

impl Leg {
    pub fn new(index: u16, stream: TcpStream, stream_sid: String) -> Self {
        Self {
            index,
            stream,
            stream_sid,
            heard: Mutex::new(Heard {
                play_until: Instant::now(),
                marks: VecDeque::new(),
            }),
            closing: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    /// The first two messages of a stream.
    pub fn introduce(&self, account: &str, call_sid: &str, token: &str) -> Vec<u8> {
        let sid = &self.stream_sid;
        let mut buffer = Vec::new();
        End::Client.text(&mut buffer, |text| {
            text.extend_from_slice(b"{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}");
        });
        End::Client.text(&mut buffer, |text| {
            text.extend_from_slice(
                format!(
                    "{{\"event\":\"start\",\"sequenceNumber\":\"1\",\"start\":{{\"accountSid\":\"{account}\",\"streamSid\":\"{sid}\",\
                     \"callSid\":\"{call_sid}\",\"tracks\":[\"inbound\"],\"mediaFormat\":{{\"encoding\":\"audio/x-mulaw\",\
                     \"sampleRate\":8000,\"channels\":1}},\"customParameters\":{{\"token\":\"{token}\"}}}},\"streamSid\":\"{sid}\"}}"
                )
                .as_bytes(),
            );
        });
        buffer
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// One frame's time of this leg; `false` when it has nothing more to say.
    fn tick(&self, legs: &Legs, spoken: &mut Spoken, meter: &Meter, buffer: &mut Vec<u8>) -> bool {
        if self.gone.load(Ordering::Relaxed) {
            return false;
        }
        self.echo_marks(buffer);
        let hangs_up = self.index.is_multiple_of(2) && legs.hang_up.load(Ordering::Relaxed);
        let closes = hangs_up || self.closing.load(Ordering::Relaxed);
        let streams = legs.streaming.load(Ordering::Relaxed) || self.is_within_a_batch(legs, spoken, meter);
        let speaks = !closes && streams;
        if hangs_up {
            let sid = &self.stream_sid;
            End::Client.text(buffer, |text| {
                text.extend_from_slice(
                    format!("{{\"event\":\"stop\",\"streamSid\":\"{sid}\",\"stop\":{{}}}}").as_bytes(),
                );
            });
        }
        if closes {
            End::Client.close(buffer);
        }
        if speaks {
            End::Client.text(buffer, |text| {
                let now_us = meter.us(Instant::now());
                let since = if spoken.frames == 0 {
                    0
                } else {
                    now_us - spoken.last_us
                };
                spoken.last_us = now_us;
                let stamp = Stamp {
                    leg: self.index,
                    bytes: FRAME as u16,
                    sequence: spoken.frames,
                    since_us: u32::try_from(since).unwrap_or(u32::MAX),
                    written_us: now_us,
                };
                meter.wrote(&stamp);
                self.media(stamp, legs.dialect, text);
            });
        }
        if !buffer.is_empty() && !matches!(self.stream.try_write(buffer), Ok(all) if all == buffer.len()) {
            // Loopback has room for seconds of audio; a program that leaves less has failed.
            meter.refused.fetch_add(1, Ordering::Relaxed);
            self.gone.store(true, Ordering::Relaxed);
            return false;
        }
        if speaks {
            spoken.frames += 1;
            if let Some(count) = meter.leg(self.index) {
                count.written.store(spoken.frames, Ordering::Relaxed);
            }
        }
        !closes
    }

    /// Whether the session waits for more frames before it is sent those that it has.
    fn is_within_a_batch(&self, legs: &Legs, spoken: &Spoken, meter: &Meter) -> bool {
        let heard = meter
            .leg(self.index)
            .filter(|count| count.expected.load(Ordering::Relaxed) > 0);
        heard.is_some_and(|count| {
            let first = count.first.load(Ordering::Relaxed);
            !spoken
                .frames
                .wrapping_sub(first)
                .is_multiple_of(legs.dialect.batch())
        })
    }

    fn media(&self, stamp: Stamp, dialect: Dialect, text: &mut Vec<u8>) {
        text.extend_from_slice(b"{\"event\":\"media\",\"sequenceNumber\":\"");
        digits(stamp.sequence + 2, text);
        text.extend_from_slice(b"\",\"media\":{\"track\":\"inbound\",\"chunk\":\"");
        digits(stamp.sequence + 1, text);
        text.extend_from_slice(b"\",\"timestamp\":\"");
        digits(stamp.sequence * 20, text);
        text.extend_from_slice(b"\",\"payload\":\"");
        match dialect {
            Dialect::Prompted => stamp.put(text),
            Dialect::Translate => Code {
                leg: stamp.leg,
                number: stamp.sequence,
            }
            .put_frame(text),
        }
        text.extend_from_slice(b"\"},\"streamSid\":\"");
        text.extend_from_slice(self.stream_sid.as_bytes());
        text.extend_from_slice(b"\"}");
    }

    fn echo_marks(&self, buffer: &mut Vec<u8>) {
        let mut heard = lock(&self.heard);
        if heard.marks.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some((_, mark)) = heard.marks.pop_front_if(|(due, _)| *due <= now) {
            End::Client.text(buffer, |text| text.extend_from_slice(&mark));
        }
    }

    /// Reads what the program says until the stream ends.
    pub async fn read(&self, dialect: Dialect, meter: &Meter) {
        let mut reading = Reading::default();
        let mut listener = Listener::new(dialect);
        while let Ok(true) = reading.fill(&self.stream).await {
            let now = Instant::now();
            while let Some(frame) = reading.next() {
                match frame {
                    Frame::Text(text) => self.message(text, now, &mut listener, meter),
                    Frame::Close => self.closing.store(true, Ordering::Relaxed),
                    Frame::Ping | Frame::Other => {}
                }
            }
        }
        self.gone.store(true, Ordering::Relaxed);
    }

    fn message(&self, text: &[u8], now: Instant, listener: &mut Listener, meter: &Meter) {
        if text.starts_with(b"{\"event\":\"media\"") {
            let Some(payload) = quoted(text, "\"payload\":\"") else {
                return;
            };
            if wire::decode_base64(payload, &mut listener.mulaw) {
                let length = audio::duration(listener.mulaw.len());
                let mut heard = lock(&self.heard);
                heard.play_until = heard.play_until.max(now) + length;
                drop(heard);
                listener.hear(self.index, now, meter);
            }
        } else if text.starts_with(b"{\"event\":\"mark\"") {
            let mut heard = lock(&self.heard);
            let due = heard.play_until;
            heard.marks.push_back((due, text.to_vec()));
        } else if text.starts_with(b"{\"event\":\"clear\"") {
            let mut heard = lock(&self.heard);
            heard.play_until = now;
            for (due, _) in &mut heard.marks {
                *due = now;
            }
        }
    }
}

/// The text between `before` and the next quotation mark; nothing here is ever escaped.
pub fn quoted<'a>(text: &'a [u8], before: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once(before)?;
    rest.split_once('"').map(|(value, _)| value)
}

fn digits(mut number: u32, text: &mut Vec<u8>) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[at..]);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::twilio::stream;

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 7, 10, 4_294_967_295] {
            let mut text = Vec::new();
            digits(number, &mut text);
            assert_eq!(text, number.to_string().as_bytes());
        }
    }

    #[tokio::test]
    async fn a_leg_speaks_as_the_documentation_says() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback");
        let stream = TcpStream::connect(listener.local_addr().expect("an address"));
        let leg = Leg::new(3, stream.await.expect("a stream"), "MZ1".into());
        let (mut text, mut scratch) = (Vec::new(), Vec::new());
        let stamp = Stamp {
            leg: 3,
            bytes: 160,
            sequence: 4,
            since_us: 20_000,
            written_us: 0,
        };
        leg.media(stamp, Dialect::Prompted, &mut text);
        let text = String::from_utf8(text).expect("text");
        match stream::decode(&text, &mut scratch) {
            Ok(stream::Message::Leg(crate::call::LegEvent::Audio { timestamp_ms, mulaw })) => {
                assert_eq!((timestamp_ms, Stamp::read(mulaw)), (80, Some(stamp)));
            }
            other => panic!("{other:?}"),
        }
    }
}
