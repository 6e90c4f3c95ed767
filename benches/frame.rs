//! What one piece of audio costs on its way through a call, without sockets.
//!
//! `up` is one frame of the caller's from the text of its media message to the text of the engine's append; `down` is
//! one piece of translation from the engine's message to the listener's media message. Beside them stand their parts.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use duologue::audio::tone;
use duologue::call::{
    Answer, Call, CallId, DialBy, Input, LegEvent, Levels, MarkId, OriginalAudio, Outbox, Output,
    SessionEvent, SessionId, Setup, Side, SocketId, StreamStart, Time,
};
use duologue::carrier::twilio::stream::{self, Encoder, Message};
use duologue::config::Config;
use duologue::engine::prompted::Prompted;
use duologue::engine::prompted_wire::Received;
use duologue::language::Language;
use duologue::wire;

/// µ-law bytes of 20 ms, and of a usual piece of translation: 100 ms.
const FRAME: usize = 160;
const PIECE: usize = 800;

const CALLER: SocketId = SocketId(0);
const AGENT: SocketId = SocketId(1);

/// A call in its conversation, with all that its task has beside the sockets.
struct Bench {
    call: Call,
    out: Outbox,
    now_ms: u64,
    /// Hears the caller.
    engine: Prompted,
    encoder: Encoder,
    scratch: Vec<u8>,
    /// Marks that the listener's carrier has not echoed.
    marks: Vec<MarkId>,
}

impl Bench {
    fn new() -> Self {
        let language = |name| Language::find(name).expect("in the table");
        let (spanish, english) = (language("spanish"), language("english"));
        let setup = Setup {
            caller: spanish,
            agent: english,
            caller_sid: "CA1".into(),
            dial: DialBy::Client,
            announce: None,
            agent_wait: Duration::from_secs(900),
            interpreter: duologue::call::Interpreter::Prompted,
            original: OriginalAudio::Off,
            levels: Levels::default(),
            backlog: Some(Duration::from_secs(6)),
            wait_cue: true,
            talking_cue: false,
            keys: Arc::default(),
            hold: Arc::from(tone::HOLD.as_slice()),
            must_confirm: true,
        };
        let mut bench = Self {
            call: Call::new(CallId::from_bytes([7; 16]), setup, [7; 32]),
            out: Outbox::default(),
            now_ms: 0,
            engine: Prompted::new(&config().engine, spanish, english),
            encoder: Encoder::new("MZ00000000000000000000000000000001"),
            scratch: Vec::new(),
            marks: Vec::new(),
        };
        bench.join();
        bench.turn();
        // The agent's first second is not interpreted.
        bench.now_ms += 1_500;
        bench
    }

    /// Both legs come, and both sessions are confirmed.
    fn join(&mut self) {
        let Some(Answer::Stream { token, .. }) = self.call.first_answer() else {
            panic!("a call begins with a stream");
        };
        let caller = StreamStart {
            token: &token,
            call_sid: "CA1",
        };
        let mut outputs = self.give(Input::Stream {
            socket: CALLER,
            start: caller,
        });
        let mut opened = Vec::new();
        while let Some(output) = outputs.pop() {
            match output {
                Output::TakeLane => outputs.extend(self.give(Input::LaneGranted)),
                Output::PlaceCall { dial, token, .. } => {
                    let result = Ok("CA2".into());
                    outputs.extend(self.give(Input::Placed { dial, result }));
                    let start = StreamStart {
                        token: &token,
                        call_sid: "CA2",
                    };
                    outputs.extend(self.give(Input::Stream { socket: AGENT, start }));
                }
                Output::OpenSession { session, .. } => opened.push(session),
                _ => {}
            }
        }
        assert_eq!(opened.len(), 2, "the conversation needs two sessions");
        for session in opened {
            self.give(Input::Session {
                session,
                event: SessionEvent::Ready,
            });
        }
    }

    /// The caller's first sentence is complete, and its translation begins.
    fn turn(&mut self) {
        let instructions = opening(&self.engine);
        let updated = serde_json::json!({"type": "session.updated", "session": instructions});
        self.engine_says(&updated.to_string());
        self.engine_says(r#"{"type":"input_audio_buffer.committed","item_id":"item_1"}"#);
        self.engine_says(r#"{"type":"response.created","response":{"id":"resp_1"}}"#);
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        self.call
            .handle(input, Time::from_millis(self.now_ms), &mut self.out);
        let outputs = self.out.take();
        self.out.restore(Vec::new());
        outputs
    }

    /// One media message of the caller's: the text for the engine, if there is one.
    fn up(&mut self, text: &str) -> Option<String> {
        self.now_ms += 20;
        let now = Time::from_millis(self.now_ms);
        let Ok(Message::Leg(event)) = stream::decode(text, &mut self.scratch) else {
            return None;
        };
        let input = Input::Leg {
            socket: CALLER,
            event,
        };
        self.call.handle(input, now, &mut self.out);
        let mut append = None;
        let mut outputs = self.out.take();
        for output in outputs.drain(..) {
            if let Output::SessionAudio { audio, .. } = output {
                self.engine
                    .append(self.out.bytes(&audio), now, &mut |text| append = Some(text));
            }
        }
        self.out.restore(outputs);
        append
    }

    /// One message of the engine's: the text for the listener, if there is one. The carrier plays in no time.
    fn engine_says(&mut self, text: &str) -> Option<String> {
        self.now_ms += 100;
        let now = Time::from_millis(self.now_ms);
        let mut mended = String::new();
        let received = Received::parse(text, &mut mended).ok()?;
        let event = self.engine.receive(&received, now, &mut |_| {})?;
        let input = Input::Session {
            session: SESSION,
            event,
        };
        self.call.handle(input, now, &mut self.out);
        let mut media = None;
        let mut outputs = self.out.take();
        for output in outputs.drain(..) {
            match output {
                Output::LegAudio { audio, .. } => {
                    media = Some(self.encoder.media(self.out.bytes(&audio)));
                }
                Output::LegMark { mark, .. } => self.marks.push(mark),
                _ => {}
            }
        }
        self.out.restore(outputs);
        while let Some(mark) = self.marks.pop() {
            let event = LegEvent::Mark(mark);
            let input = Input::Leg { socket: AGENT, event };
            self.call.handle(input, now, &mut self.out);
        }
        media
    }

    /// One frame through the call alone; how many outputs it had.
    fn call_alone(&mut self, timestamp_ms: u64, mulaw: &[u8]) -> usize {
        self.now_ms += 20;
        let event = LegEvent::Audio { timestamp_ms, mulaw };
        let input = Input::Leg {
            socket: CALLER,
            event,
        };
        self.call
            .handle(input, Time::from_millis(self.now_ms), &mut self.out);
        let mut outputs = self.out.take();
        let count = outputs.len();
        outputs.clear();
        self.out.restore(outputs);
        count
    }
}

const SESSION: SessionId = SessionId {
    speaker: Side::Caller,
    generation: 0,
};

fn config() -> Config {
    let settings = [
        ("PUBLIC_URL", "http://localhost:5050"),
        ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
        ("TWILIO_AUTH_TOKEN", "t"),
        ("TWILIO_CALLER_NUMBER", "+15550100101"),
        ("AGENT_DIAL", "client:bench"),
        ("OPENAI_API_KEY", "k"),
    ];
    Config::read(&|name| {
        let found = settings.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
    .expect("settings of the bench")
}

/// The session that the engine asks for, which confirms itself.
fn opening(engine: &Prompted) -> serde_json::Value {
    let update: serde_json::Value = serde_json::from_str(&engine.opening()).expect("JSON");
    update["session"].clone()
}

fn speech(bytes: usize) -> Vec<u8> {
    tone::beep(440.0, 0.3, bytes)
}

fn media(timestamp_ms: u64, payload: &str) -> String {
    format!(
        "{{\"event\":\"media\",\"sequenceNumber\":\"4\",\"media\":{{\"track\":\"inbound\",\"chunk\":\"3\",\"timestamp\":\"{timestamp_ms}\",\
         \"payload\":\"{payload}\"}},\"streamSid\":\"MZ00000000000000000000000000000001\"}}"
    )
}

fn base64(mulaw: &[u8]) -> String {
    let mut text = String::new();
    wire::encode_base64(mulaw, &mut text);
    text
}

fn up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("up: a frame of 20 ms");
    group.throughput(Throughput::Elements(1));
    let mulaw = speech(FRAME);
    let text = media(40, &base64(&mulaw));
    let mut bench = Bench::new();
    assert!(
        bench.up(&text).is_some_and(|text| text.contains(&base64(&mulaw))),
        "the frame reaches the engine"
    );
    group.bench_function("decode, call, append", |b| {
        b.iter(|| bench.up(black_box(&text)));
    });
    let mut scratch = Vec::new();
    group.bench_function("decode alone", |b| {
        b.iter(|| stream::decode(black_box(&text), &mut scratch).is_ok());
    });
    let mut bench = Bench::new();
    assert_eq!(
        bench.call_alone(0, &mulaw),
        2,
        "the first also tells that somebody talks"
    );
    assert_eq!(bench.call_alone(20, &mulaw), 1, "one output for one frame");
    group.bench_function("call alone", |b| {
        b.iter(|| bench.call_alone(20, black_box(&mulaw)));
    });
    let mut bench = Bench::new();
    group.bench_function("append alone", |b| {
        b.iter(|| {
            bench
                .engine
                .append(black_box(&mulaw), Time::ZERO, &mut |text| drop(black_box(text)));
        });
    });
    group.finish();
}

fn down(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("down: a piece of 100 ms");
    group.throughput(Throughput::Elements(1));
    let mulaw = speech(PIECE);
    let text = format!(
        "{{\"type\":\"response.output_audio.delta\",\"event_id\":\"event_1\",\"response_id\":\"resp_1\",\"item_id\":\"item_2\",\
         \"output_index\":0,\"content_index\":0,\"delta\":\"{}\"}}",
        base64(&mulaw)
    );
    let mut bench = Bench::new();
    assert!(
        bench
            .engine_says(&text)
            .is_some_and(|text| text.contains("media")),
        "the piece reaches the listener"
    );
    group.bench_function("parse, session, call, media", |b| {
        b.iter(|| bench.engine_says(black_box(&text)));
    });
    group.bench_function("parse alone", |b| {
        b.iter(|| Received::parse(black_box(&text), &mut String::new()).is_ok());
    });
    let encoder = Encoder::new("MZ00000000000000000000000000000001");
    group.bench_function("media alone", |b| b.iter(|| encoder.media(black_box(&mulaw))));
    group.finish();
}

criterion_group!(benches, up, down);
criterion_main!(benches);
