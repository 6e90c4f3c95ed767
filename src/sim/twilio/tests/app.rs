//! The least app that can be called: TwiML with a stream, a socket that echoes, and a log of all that came.
//!
//! What its socket does is chosen by the stream's `mode` parameter. It refuses what is not signed.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::Method,
    response::Response,
};
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

use super::super::{SIGNATURE, sha1, sid::lock, signed_text};

#[derive(Clone)]
pub(super) struct App {
    pub(super) url: String,
    token: String,
    state: Arc<Mutex<Log>>,
    changed: Arc<watch::Sender<()>>,
}

#[derive(Default)]
struct Log {
    entries: Vec<String>,
    messages: Vec<Value>,
    headers: Vec<(String, String)>,
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

impl App {
    pub(super) async fn start(token: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (token, changed) = (token.to_owned(), Arc::new(watch::Sender::new(())));
        let app = Self {
            url,
            token,
            state: Arc::default(),
            changed,
        };
        let router = Router::new().fallback(handle).with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        app
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// TwiML with a stream in this mode, and what follows it.
    pub(super) fn stream(&self, mode: &str, after: &str) -> String {
        let url = self.url.replace("http://", "ws://");
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say voice=\"v\" language=\"es-US\">Hola</Say>\
             <Connect><Stream url=\"{url}/stream\" statusCallback=\"{}/stream-status\">\
             <Parameter name=\"mode\" value=\"{mode}\"/></Stream></Connect>{after}</Response>",
            self.url
        )
    }

    /// What came, in order: paths with the one parameter that matters, and stream events.
    pub(super) fn log(&self) -> Vec<String> {
        lock(&self.state).entries.clone()
    }

    pub(super) fn messages(&self, event: &str) -> Vec<Value> {
        let state = lock(&self.state);
        state
            .messages
            .iter()
            .filter(|m| m["event"] == event)
            .cloned()
            .collect()
    }

    pub(super) fn handshake_headers(&self) -> Vec<(String, String)> {
        lock(&self.state).headers.clone()
    }

    /// Waits until the log holds this entry.
    pub(super) async fn saw(&self, entry: &str) -> bool {
        self.saw_times(entry, 1).await
    }

    /// Waits until the log holds this entry so many times.
    pub(super) async fn saw_times(&self, entry: &str, times: usize) -> bool {
        let mut changes = self.changed.subscribe();
        let wait = async {
            while self.log().iter().filter(|e| *e == entry).count() < times {
                changes.changed().await.expect("the app lives");
            }
        };
        tokio::time::timeout(Duration::from_secs(5), wait).await.is_ok()
    }

    fn note(&self, entry: String) {
        lock(&self.state).entries.push(entry);
        self.changed.send_replace(());
    }

    fn signed(&self, url: &str, params: &[(String, String)], request: &axum::http::HeaderMap) -> bool {
        let given = request.get(SIGNATURE).and_then(|v| v.to_str().ok());
        given == Some(&sha1(&self.token, &signed_text(url, params)))
    }

    async fn socket(&self, mut socket: Socket) {
        let mut mode = String::new();
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else {
                continue;
            };
            let Ok(value) = serde_json::from_str::<Value>(&text) else {
                continue;
            };
            lock(&self.state).messages.push(value.clone());
            let event = value["event"].as_str().unwrap_or_default().to_owned();
            if event != "media" {
                self.note(event.clone());
            }
            if event == "start" {
                mode = value["start"]["customParameters"]["mode"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                for message in opening(&mode, &value["streamSid"]) {
                    socket.send(message).await.expect("sent");
                }
                if mode == "close" {
                    socket.close(None).await.expect("closed");
                }
            }
            if event == "media" && mode == "echo" {
                let back = json!({"event": "media", "streamSid": value["streamSid"],
                                  "media": {"payload": value["media"]["payload"]}});
                // The carrier may be gone at any time.
                let _ = socket.send(Message::text(back.to_string())).await;
            }
        }
        self.note("gone".to_owned());
    }
}

/// What a mode sends when the stream starts.
fn opening(mode: &str, sid: &Value) -> Vec<Message> {
    let second = "AAAA".repeat(8_000 / 3 + 1);
    let text = |value: Value| Message::text(value.to_string());
    let media = text(json!({"event": "media", "streamSid": sid, "media": {"payload": second}}));
    let mark = |name: &str| text(json!({"event": "mark", "streamSid": sid, "mark": {"name": name}}));
    match mode {
        "marks" => vec![mark("idle"), media, mark("a"), mark("b")],
        "clear" => vec![
            media.clone(),
            mark("a"),
            media,
            mark("b"),
            text(json!({"event": "clear", "streamSid": sid})),
        ],
        "bad" => vec![
            text(json!({"event": "clear", "streamSid": "MZ0"})),
            text(json!({"event": "mark", "streamSid": sid, "mark": {"name": 7}})),
            Message::binary(vec![1, 2, 3]),
        ],
        _ => Vec::new(),
    }
}

async fn handle(State(app): State<App>, mut request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if request.method() == Method::GET {
        let url = format!("{}{path}", app.url.replace("http://", "ws://"));
        if !app.signed(&url, &[], request.headers()) {
            return answer(403, "");
        }
        let headers = request.headers().iter();
        lock(&app.state).headers = headers
            .map(|(n, v)| (n.to_string(), v.to_str().unwrap_or_default().to_owned()))
            .collect();
        let key = derive_accept_key(request.headers()["sec-websocket-key"].as_bytes());
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let upgraded = TokioIo::new(upgrade.await.expect("upgraded"));
            let socket = WebSocketStream::from_raw_socket(upgraded, Role::Server, None).await;
            app.socket(socket).await;
        });
        let response = Response::builder().status(101).header("connection", "upgrade");
        let response = response
            .header("upgrade", "websocket")
            .header("sec-websocket-accept", key);
        return response.body(Body::empty()).expect("a response");
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 100_000).await.expect("a body");
    let params: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let full = format!("{}{}", app.url, parts.uri.path_and_query().expect("a path"));
    if !app.signed(&full, &params, &parts.headers) {
        return answer(403, "");
    }
    let param = |name: &str| params.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let progress = param("SequenceNumber").and_then(|_| param("CallStatus"));
    let details = [
        param("EventType"),
        param("StreamEvent"),
        param("QueueResult"),
        progress,
    ];
    let detail = details.into_iter().flatten().next().unwrap_or_default();
    app.note(format!("{path} {detail}").trim().to_owned());
    match path.as_str() {
        "/voice" => answer(200, &app.stream("echo", "<Redirect>/after</Redirect>")),
        "/close" => answer(
            200,
            &app.stream("close", "<Redirect method=\"POST\">after</Redirect>"),
        ),
        "/marks" => answer(200, &app.stream("marks", "")),
        "/clear" => answer(200, &app.stream("clear", "")),
        "/bad" => answer(200, &app.stream("bad", "<Sing/>")),
        "/after" => answer(200, "<Response><Say>Adiós</Say><Hangup/></Response>"),
        "/reject" => answer(200, "<Response><Reject reason=\"busy\"/></Response>"),
        "/flex" => answer(
            200,
            "<Response><Enqueue workflowSid=\"WW1\" action=\"/dequeued\">\
             <Task timeout=\"900\" priority=\"5\">{\"duologue_call\":\"x\"}</Task></Enqueue></Response>",
        ),
        "/dequeued" => answer(200, "<Response><Hangup/></Response>"),
        "/fail" => answer(500, ""),
        _ => answer(204, ""),
    }
}

fn answer(status: u16, body: &str) -> Response {
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/xml");
    response.body(Body::from(body.to_owned())).expect("a response")
}
