//! A page in a browser as the carrier sees it, without the browser: it sends 20 ms at a time, plays what it is sent by the
//! clock, and echoes marks when it has played so far.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duologue::audio::level;
use duologue::sim::speech::{self, Tongue};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::SOON;

const FRAME: usize = 160;
const FRAME_TIME: Duration = Duration::from_millis(20);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A page with its stream.
pub struct Page {
    state: Arc<Mutex<State>>,
    changed: watch::Receiver<()>,
    orders: mpsc::UnboundedSender<Message>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// What is to be said, and what was heard, silence too.
    saying: VecDeque<u8>,
    heard: Vec<u8>,
    playing: VecDeque<u8>,
    /// Marks, and how many bytes have to be played before each.
    marks: VecDeque<(usize, String)>,
    told: Vec<Value>,
    closed: Option<Option<u16>>,
    frozen: bool,
}

/// Opens a socket to the legs' address of the program at `public`, as a page of this origin.
pub async fn knock(public: &str, origin: Option<&str>) -> Result<Socket, Error> {
    let url = format!("{public}/desk/leg").replacen("http", "ws", 1);
    let mut request = url.into_client_request()?;
    if let Some(origin) = origin {
        request
            .headers_mut()
            .insert("origin", origin.parse().expect("a header"));
    }
    Ok(tokio_tungstenite::connect_async(request).await?.0)
}

/// What a page is answered that asks what comes next.
pub async fn again(public: &str, call: &str, side: &str, call_sid: &str) -> Value {
    let asked = reqwest::Client::new()
        .post(format!("{public}/desk/leg/again"))
        .header("origin", public)
        .json(&json!({"call": call, "side": side, "call_sid": call_sid}));
    let answer = asked.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}

impl Page {
    /// A page that introduces itself with a token, and with its name if it has one.
    pub async fn open(public: &str, token: &str, call_sid: Option<&str>) -> Self {
        let mut socket = knock(public, Some(public)).await.expect("a handshake");
        let introduction = match call_sid {
            Some(call_sid) => json!({"token": token, "call_sid": call_sid}),
            None => json!({"token": token}),
        };
        let introduction = Message::text(introduction.to_string());
        socket.send(introduction).await.expect("an introduction");
        let state = Arc::new(Mutex::new(State::default()));
        let (change, changed) = watch::channel(());
        let (orders, ordered) = mpsc::unbounded_channel();
        let task = tokio::spawn(live(socket, Arc::clone(&state), change, ordered));
        Self {
            state,
            changed,
            orders,
            task,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    async fn until<T>(&self, what: &str, mut condition: impl FnMut(&State) -> Option<T>) -> T {
        let mut changed = self.changed.clone();
        let found = async {
            loop {
                changed.mark_unchanged();
                if let Some(found) = condition(&self.state()) {
                    return Some(found);
                }
                if changed.changed().await.is_err() {
                    return condition(&self.state());
                }
            }
        };
        let found = tokio::time::timeout(SOON, found).await.ok().flatten();
        found.unwrap_or_else(|| panic!("no {what}"))
    }

    /// The message that says whose page this is.
    pub async fn hello(&self) -> Value {
        self.told("hello").await
    }

    /// A message of this event, once it has come.
    pub async fn told(&self, event: &str) -> Value {
        self.until(event, |state| {
            state.told.iter().find(|told| told["event"] == event).cloned()
        })
        .await
    }

    /// Says a phrase to its end.
    pub async fn say(&self, phrase: usize, tongue: Tongue) {
        self.speak(speech::clip(phrase, tongue)).await;
    }

    /// Says this to its end.
    pub async fn speak(&self, mulaw: &[u8]) {
        self.state().saying.extend(mulaw);
        self.until("end of speech", |state| state.saying.is_empty().then_some(()))
            .await;
    }

    /// Waits until something audible has been heard and then nothing for half a second, and says what was understood.
    pub async fn understood(&self, number: usize) -> Vec<(usize, Tongue)> {
        const PAUSE: usize = 25;
        let understood = async {
            let mut known = 0;
            loop {
                let heard = self.until("pause", |state| {
                    let frames = state.heard.chunks(FRAME);
                    let pause = frames.clone().rev().take_while(|frame| !level::is_audible(frame));
                    let (pause, all) = (pause.count(), frames.len());
                    let silent = state.playing.is_empty() && pause >= PAUSE && pause < all;
                    (silent && all > known).then(|| state.heard.clone())
                });
                let heard = heard.await;
                known = heard.len() / FRAME + PAUSE;
                // The page goes on sending meanwhile.
                let found = tokio::task::spawn_blocking(move || speech::recognise_all(&heard));
                let found = found.await.expect("no panic");
                if found.len() >= number {
                    return found.into_iter().map(|one| (one.id, one.tongue)).collect();
                }
            }
        };
        let understood = tokio::time::timeout(SOON, understood).await;
        understood.unwrap_or_else(|_| panic!("{number} sentences were not understood"))
    }

    /// Sends any message.
    pub fn send(&self, message: Message) {
        let _ = self.orders.send(message);
    }

    /// The code with which the stream was closed, once it is; `None` if it broke.
    pub async fn closed(&self) -> Option<u16> {
        self.until("end of the stream", |state| state.closed).await
    }

    /// The page sends and plays nothing from here on, as one that sleeps, or goes on.
    pub fn freeze(&self, frozen: bool) {
        self.state().frozen = frozen;
    }

    /// Breaks the stream without a word.
    pub fn cut(&self) {
        self.task.abort();
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn live(
    mut socket: Socket,
    state: Arc<Mutex<State>>,
    change: watch::Sender<()>,
    mut orders: mpsc::UnboundedReceiver<Message>,
) {
    let mut clock = tokio::time::interval(FRAME_TIME);
    let code = loop {
        tokio::select! {
            _ = clock.tick() => {
                if lock(&state).frozen {
                    continue;
                }
                let (frame, echoes) = lock(&state).tick();
                let mut messages = vec![Message::binary(frame)];
                messages.extend(echoes.into_iter().map(echo));
                for message in messages {
                    // What cannot be sent is told by the end of the stream.
                    let _ = socket.send(message).await;
                }
            }
            order = orders.recv() => {
                if let Some(order) = order {
                    let _ = socket.send(order).await;
                }
            }
            message = socket.next() => match message {
                Some(Ok(Message::Binary(mulaw))) => lock(&state).playing.extend(mulaw.iter()),
                Some(Ok(Message::Text(text))) => {
                    let told = serde_json::from_str(&text).expect("JSON");
                    let echoes = lock(&state).take(told);
                    for name in echoes {
                        let _ = socket.send(echo(name)).await;
                    }
                }
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break None,
            },
        }
        change.send_replace(());
    };
    lock(&state).closed = Some(code);
    change.send_replace(());
}

fn echo(name: String) -> Message {
    Message::text(json!({"event": "mark", "name": name}).to_string())
}

impl State {
    /// One frame's time: what is said, and the marks that have been reached.
    fn tick(&mut self) -> (Vec<u8>, Vec<String>) {
        let mut out: Vec<u8> = self.saying.drain(..FRAME.min(self.saying.len())).collect();
        out.resize(FRAME, 0xFF);
        let played = FRAME.min(self.playing.len());
        let mut heard: Vec<u8> = self.playing.drain(..played).collect();
        heard.resize(FRAME, 0xFF);
        self.heard.extend(heard);
        for (left, _) in &mut self.marks {
            *left = left.saturating_sub(played);
        }
        let mut echoes = Vec::new();
        while let Some((0, _)) = self.marks.front() {
            echoes.extend(self.marks.pop_front().map(|(_, name)| name));
        }
        (out, echoes)
    }

    /// A message; returns the marks to be echoed at once.
    fn take(&mut self, told: Value) -> Vec<String> {
        let mut echoes = Vec::new();
        match told["event"].as_str() {
            Some("mark") => {
                let name = told["name"].as_str().expect("a name").to_owned();
                if self.playing.is_empty() {
                    echoes.push(name);
                } else {
                    self.marks.push_back((self.playing.len(), name));
                }
            }
            Some("clear") => {
                self.playing.clear();
                echoes.extend(self.marks.drain(..).map(|(_, name)| name));
            }
            _ => {}
        }
        self.told.push(told);
        echoes
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
