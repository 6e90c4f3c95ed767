//! The demo in a real browser: two pages in Chromium carry a call, and each hears the other's sentence translated.
//!
//! Wants `chromium` and `chromedriver`, and says so where they are missing. What a page received is taken on its way from
//! the socket to the audio thread; whether it played it is told by the marks, which that thread echoes.

#![allow(clippy::expect_used)]

mod browser;
mod common;

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use browser::{Browsers, click, complaints, picture, until};
use common::{SOON, warm_up};
use duologue::audio::wav;
use duologue::commands::demo::browser::Stage;
use duologue::sim::speech::{self, Tongue};
use thirtyfour::prelude::*;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const STEP: Duration = Duration::from_millis(100);

/// Two browsers with sound are all that two cores play without gaps.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Keeps what passes between a page's line, which has the socket, and its audio thread, and counts the line's greetings.
const SPY: &str = r#"
    window.received = [];
    window.marks = [0, 0];
    window.greetings = 0;
    let last = 0;
    // Nothing is sent between two sentences; a listener hears silence there.
    const hear = (sound) => {
        if (performance.now() - last > 300) window.received.push(...new Uint8Array(4000).fill(0xFF));
        last = performance.now();
        window.received.push(...sound);
    };
    const Channel = window.MessageChannel;
    window.MessageChannel = class {
        constructor() {
            const [line, audio] = [new Channel(), new Channel()];
            this.port1 = line.port1;
            this.port2 = audio.port2;
            line.port2.onmessage = ({ data }) => {
                if (data.mulaw) hear(new Uint8Array(data.mulaw));
                else if (data.mark !== undefined) window.marks[0] += 1;
                audio.port1.postMessage(data);
            };
            audio.port1.onmessage = ({ data }) => {
                if (data.mark !== undefined) window.marks[1] += 1;
                line.port2.postMessage(data);
            };
        }
    };
    const Thread = window.Worker;
    window.Worker = class extends Thread {
        constructor(script) {
            super(script);
            window.line = this;
            this.addEventListener("message", ({ data }) => {
                if (data.hello) window.greetings += 1;
            });
        }
    };
"#;

/// A browser with a microphone that is none: the usual beeps, or this file over and over.
async fn open(browsers: &mut Browsers, address: &str, voice: Option<&Path>) -> WebDriver {
    let mut switches = vec![
        "--use-fake-device-for-media-stream".to_owned(),
        "--use-fake-ui-for-media-stream".to_owned(),
        "--autoplay-policy=no-user-gesture-required".to_owned(),
    ];
    switches.extend(voice.map(|voice| format!("--use-file-for-fake-audio-capture={}", voice.display())));
    let page = browsers.open(&switches).await;
    page.goto(address).await.expect("the page");
    let ready = "return document.querySelector('#language').options.length > 0";
    until(&page, "languages", ready).await;
    page.execute(SPY, vec![]).await.expect("a script");
    let microphone = format!(
        "document.querySelector('#microphone').checked = {}",
        voice.is_some()
    );
    page.execute(microphone, vec![]).await.expect("a script");
    page
}

async fn is_in(page: &WebDriver, state: &str) {
    let script = format!("return document.querySelector('#phase').dataset.state === '{state}'");
    until(page, state, &script).await;
}

/// Waits until this was understood of what a page was sent.
async fn understands(page: &WebDriver, phrase: (usize, Tongue)) {
    let found = async {
        let mut step = tokio::time::interval(STEP);
        while !understood(page).await.contains(&phrase) {
            step.tick().await;
        }
    };
    let found = tokio::time::timeout(SOON, found).await;
    if found.is_err() {
        picture(page, "not-understood").await;
        panic!("{phrase:?} but {:?}", understood(page).await);
    }
}

/// What was understood of all that a page was sent.
async fn understood(page: &WebDriver) -> Vec<(usize, Tongue)> {
    // In pieces: a call takes so many arguments only.
    let script = "let text = ''; for (const byte of window.received) text += String.fromCharCode(byte); return btoa(text);";
    let received = page.execute(script, vec![]).await.expect("a script");
    let received = BASE64_STANDARD
        .decode(received.json().as_str().expect("a text"))
        .expect("base64");
    let heard = speech::recognise_all(&received);
    heard.into_iter().map(|one| (one.id, one.tongue)).collect()
}

/// Everything that was sent to a page has been played there.
async fn has_played(page: &WebDriver) {
    let script = "return window.marks[0] > 0 && window.marks[0] === window.marks[1]";
    until(page, "marks played", script).await;
}

/// Something was said to its end and stands on the page.
async fn reads(page: &WebDriver, speaker: &str) {
    let script = format!("return document.querySelector('.said.{speaker}:not(.growing)') !== null");
    until(page, "caption", &script).await;
}

/// The demo as it runs, and how it is stopped.
struct Running {
    address: String,
    stop: CancellationToken,
    server: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    async fn start() -> Self {
        warm_up();
        let stage = Stage::set(0, &|_| None).await.expect("a stage");
        Self {
            address: stage.demo.address(),
            stop: stage.stop.clone(),
            server: tokio::spawn(stage.serve()),
        }
    }

    async fn end(self, pages: [WebDriver; 2]) {
        for page in pages {
            assert_eq!(complaints(&page).await, Vec::<String>::new());
            page.quit().await.expect("the end");
        }
        self.stop.cancel();
        self.server.await.expect("no panic").expect("an orderly end");
    }
}

/// A caller and an agent who are connected, with what they heard before forgotten.
async fn connected(browsers: &mut Browsers, demo: &Running, voices: [Option<&Path>; 2]) -> [WebDriver; 2] {
    let caller = open(browsers, &demo.address, voices[0]).await;
    click(&caller, "#as-caller button").await;
    is_in(&caller, "waiting").await;
    let agent = open(browsers, &demo.address, voices[1]).await;
    click(&agent, "#as-agent button").await;
    for page in [&caller, &agent] {
        is_in(page, "conversation").await;
        let forget = page.execute("window.received = [];", vec![]).await;
        forget.expect("a script");
    }
    [caller, agent]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pages_in_a_browser_carry_a_call() {
    let Some(mut browsers) = Browsers::find() else {
        return;
    };
    let _alone = ONE_AT_A_TIME.lock().await;
    let demo = Running::start().await;
    let [caller, agent] = connected(&mut browsers, &demo, [None, None]).await;
    // The agent's first second is not interpreted.
    let second = "window.since ??= performance.now(); return performance.now() - window.since > 1200";
    until(&agent, "a second", second).await;
    click(&caller, "#sentences button[data-number='1']").await;
    reads(&agent, "caller").await;
    understands(&agent, (1, Tongue::English)).await;
    has_played(&agent).await;
    click(&agent, "#sentences button[data-number='2']").await;
    reads(&caller, "agent").await;
    understands(&caller, (2, Tongue::Spanish)).await;
    has_played(&caller).await;
    assert_eq!(understood(&agent).await, [(1, Tongue::English)]);
    assert_eq!(understood(&caller).await, [(2, Tongue::Spanish)]);
    picture(&caller, "demo-caller").await;

    let closed = caller
        .execute("window.line.postMessage({ renew: true });", vec![])
        .await;
    closed.expect("a script");
    until(&caller, "another socket", "return window.greetings === 2").await;
    is_in(&caller, "conversation").await;
    click(&agent, "#hang-up").await;
    is_in(&caller, "ended").await;
    let told = caller.find(By::Id("captions")).await.expect("captions");
    let told = told.text().await.expect("a text");
    assert!(told.contains("La llamada ha terminado."), "{told}");
    demo.end([caller, agent]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_voices_come_through_microphones_and_are_heard_translated() {
    let Some(mut browsers) = Browsers::find() else {
        return;
    };
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().expect("a folder");
    let voice = |name: &str, phrase: usize, tongue: Tongue| {
        // Said again and again, with time to be translated.
        let silence = vec![0xFF; 8 * 5_000];
        let path = folder.path().join(name);
        wav::write(&path, &[speech::clip(phrase, tongue), &silence].concat()).expect("a file");
        path
    };
    let spanish = voice("caller.wav", 1, Tongue::Spanish);
    let english = voice("agent.wav", 2, Tongue::English);
    let demo = Running::start().await;
    let [caller, agent] = connected(&mut browsers, &demo, [Some(&spanish), Some(&english)]).await;
    understands(&agent, (1, Tongue::English)).await;
    understands(&caller, (2, Tongue::Spanish)).await;
    reads(&agent, "caller").await;
    reads(&caller, "agent").await;
    picture(&agent, "demo-agent").await;
    click(&agent, "#hang-up").await;
    is_in(&caller, "ended").await;
    demo.end([caller, agent]).await;
}
