//! The demo in a real browser: two pages in Chromium carry a call, and each hears the other's sentence translated.
//!
//! Wants `chromium` and `chromedriver`, and says so where they are missing. What a page received is taken from its socket;
//! whether it played it is told by the marks, which its audio thread echoes.

#![allow(clippy::expect_used)]

mod common;

use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use common::warm_up;
use duologue::commands::demo::browser::Stage;
use duologue::sim::speech::{self, Tongue};
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const SOON: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(100);

/// Keeps what a page's socket says, before the page opens it.
const SPY: &str = r#"
    const Real = window.WebSocket;
    window.received = [];
    window.marks = [0, 0];
    window.WebSocket = class extends Real {
        constructor(url) {
            super(url);
            window.socket = this;
            this.addEventListener("message", ({ data }) => {
                if (data instanceof ArrayBuffer) window.received.push(...new Uint8Array(data));
                else if (data.includes('"mark"')) window.marks[0] += 1;
            });
        }
        send(data) {
            if (typeof data === "string" && data.includes('"mark"')) window.marks[1] += 1;
            super.send(data);
        }
    };
"#;

const FLAGS: [&str; 11] = [
    "--headless=new",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A chromedriver that dies with the test, and its address; `None` if there is none on this machine.
async fn chromedriver() -> Option<(Child, String)> {
    let started = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut driver = started.ok()?;
    let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
    while let Some(line) = lines.next_line().await.expect("a line") {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let port = port.trim_end_matches('.').to_owned();
            // Whatever else it says must not fill the pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some((driver, format!("http://127.0.0.1:{port}")));
        }
    }
    panic!("chromedriver does not start");
}

async fn open(driver: &str, address: &str) -> WebDriver {
    let mut wanted = DesiredCapabilities::chrome();
    for flag in FLAGS {
        wanted.add_arg(flag).expect("a flag");
    }
    let page = WebDriver::new(driver, wanted).await.expect("a browser");
    page.goto(address).await.expect("the page");
    until(
        &page,
        "return document.querySelector('#language').options.length > 0",
    )
    .await;
    page.execute(SPY, vec![]).await.expect("a script");
    page
}

/// Waits until a script finds something to be true.
async fn until(page: &WebDriver, script: &str) {
    let found = async {
        let mut step = tokio::time::interval(STEP);
        loop {
            step.tick().await;
            let found = page.execute(script, vec![]).await.expect("a script");
            if found.json().as_bool() == Some(true) {
                return;
            }
        }
    };
    let found = tokio::time::timeout(SOON, found).await;
    assert!(found.is_ok(), "never: {script}");
}

async fn is_in(page: &WebDriver, state: &str) {
    until(
        page,
        &format!("return document.querySelector('#phase').dataset.state === '{state}'"),
    )
    .await;
}

async fn click(page: &WebDriver, css: &str) {
    let button = page.find(By::Css(css)).await.expect("a button");
    button.click().await.expect("a click");
}

/// Waits until this, and nothing else, was understood of what a page was sent.
async fn understands(page: &WebDriver, phrase: (usize, Tongue)) {
    let found = async {
        let mut step = tokio::time::interval(STEP);
        while understood(page).await != [phrase] {
            step.tick().await;
        }
    };
    let found = tokio::time::timeout(SOON, found).await;
    assert!(found.is_ok(), "{phrase:?} but {:?}", understood(page).await);
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
    until(
        page,
        "return window.marks[0] > 0 && window.marks[0] === window.marks[1]",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pages_in_a_browser_carry_a_call() {
    let Some((_chromedriver, driver)) = chromedriver().await else {
        eprintln!("skipped: there is no chromedriver");
        return;
    };
    warm_up();
    let stage = Stage::set(0, &|_| None).await.expect("a stage");
    let (stop, address) = (stage.stop.clone(), stage.demo.address());
    let server = tokio::spawn(stage.serve());
    let caller = open(&driver, &address).await;
    click(&caller, "#as-caller button").await;
    is_in(&caller, "waiting").await;
    let agent = open(&driver, &address).await;
    click(&agent, "#as-agent button").await;
    is_in(&caller, "conversation").await;
    is_in(&agent, "conversation").await;
    for page in [&caller, &agent] {
        page.execute("window.received = [];", vec![])
            .await
            .expect("a script");
    }
    // The agent's first second is not interpreted.
    until(
        &agent,
        "window.since ??= performance.now(); return performance.now() - window.since > 1200",
    )
    .await;
    click(&caller, "#sentences button[data-number='1']").await;
    until(
        &agent,
        "return document.querySelector('.said.caller:not(.growing)') !== null",
    )
    .await;
    understands(&agent, (1, Tongue::English)).await;
    has_played(&agent).await;
    click(&agent, "#sentences button[data-number='2']").await;
    until(
        &caller,
        "return document.querySelector('.said.agent:not(.growing)') !== null",
    )
    .await;
    understands(&caller, (2, Tongue::Spanish)).await;
    has_played(&caller).await;

    caller
        .execute("window.socket.close();", vec![])
        .await
        .expect("a script");
    is_in(&caller, "trouble").await;
    is_in(&caller, "conversation").await;
    click(&agent, "#hang-up").await;
    is_in(&caller, "ended").await;
    let told = caller.find(By::Id("captions")).await.expect("captions");
    let told = told.text().await.expect("a text");
    assert!(told.contains("La llamada ha terminado."), "{told}");
    for page in [caller, agent] {
        page.quit().await.expect("the end");
    }
    stop.cancel();
    server.await.expect("no panic").expect("an orderly end");
}
