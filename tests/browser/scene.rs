//! An agent at the desk, in a browser that plays no sound unasked, who talks with a simulated caller. The agent's microphone
//! says one sentence over and over, so that the conversation goes on by itself; the caller's telephone keeps what it heard.

#![allow(dead_code, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use duologue::audio::{level, wav};
use duologue::call::event::Event;
use duologue::call::{CallId, Side};
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::speech::{self, Tongue};
use duologue::sim::twilio::Party;
use serde_json::json;
use thirtyfour::prelude::*;
use tokio::sync::{Mutex, MutexGuard};

use crate::browser::{Browsers, click, complaints, devtools, until, write};
use crate::common::people::{call_named, say, understood, was_told};
use crate::common::seat::{PASSWORD, stage};
use crate::common::{CALLER, SOON, Stage};

/// What the agent says, in a row, and how long from one beginning to the next.
pub const SAID: usize = 2;
const SLOT: Duration = Duration::from_secs(4);

/// Nobody on the telephone hears nothing for longer than this.
pub const NOTHING_MAX: Duration = Duration::from_secs(3);

/// Bytes of 20 ms.
const FRAME: usize = 160;

/// A browser with sound is all that two cores carry without gaps.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Lets a test stop the microphone's track, or have the browser refuse it: what a page asks for passes through here.
const MICROPHONE: &str = r#"
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    let stream = null;
    window.refuse = false;
    window.asked = 0;
    devices.getUserMedia = async (wanted) => {
        window.asked += 1;
        if (window.refuse) throw new DOMException("refused", "NotAllowedError");
        stream = await ask(wanted);
        return stream;
    };
    window.unplug = () => {
        const [track] = stream.getAudioTracks();
        track.stop();
        // Whoever stops a track is not told of it; the page is, when the device goes.
        track.dispatchEvent(new Event("ended"));
    };
"#;

/// The two of them, talking.
pub struct Scene {
    pub stage: Stage,
    pub browsers: Browsers,
    pub page: WebDriver,
    pub caller: Party,
    pub call: CallId,
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    /// `None` where there is no browser.
    pub async fn begin() -> Option<Self> {
        let mut browsers = Browsers::find()?;
        let alone = ONE_AT_A_TIME.lock().await;
        let (stage, folder) = stage(&[("AGENT_DIAL", "desk")]).await;
        let page = open(&mut browsers, folder.path()).await;
        sign_in(&page, &stage, "ben").await;
        let caller = stage.call_in(CALLER, Tongue::Spanish.name());
        let call = call_named(&caller).await;
        click(&page, &take_button(call)).await;
        stage.events.conversation(call).await;
        let scene = Self {
            stage,
            browsers,
            page,
            caller,
            call,
            folder,
            _alone: alone,
        };
        scene.shows("the microphone", "#line", "Microphone on").await;
        scene.goes_on().await;
        Some(scene)
    }

    /// Both hear each other's next sentence in their own language.
    pub async fn goes_on(&self) {
        let times =
            |all: Vec<(usize, Tongue)>| all.iter().filter(|one| **one == (SAID, Tongue::Spanish)).count();
        let heard = times(understood(&self.caller));
        let said = self
            .stage
            .events
            .utterances(self.call, Side::Caller, 0)
            .await
            .len();
        let agent = self
            .stage
            .events
            .utterances(self.call, Side::Agent, 0)
            .await
            .len();
        say(&self.caller, 1, Tongue::Spanish).await;
        self.stage
            .events
            .utterances(self.call, Side::Caller, said + 1)
            .await;
        self.stage
            .events
            .utterances(self.call, Side::Agent, agent + 1)
            .await;
        let again = async {
            let mut step = tokio::time::interval(Duration::from_millis(200));
            while times(understood(&self.caller)) <= heard {
                step.tick().await;
            }
        };
        let again = tokio::time::timeout(SOON, again).await;
        assert!(
            again.is_ok(),
            "the caller understood {:?}",
            understood(&self.caller)
        );
    }

    /// Waits until the agent's line has been lost, or has come back, so many times in all.
    pub async fn line(&self, is_back: bool, times: usize) {
        let kind = move |event: &Event| {
            if is_back {
                came_back(event)
            } else {
                was_lost(event)
            }
        };
        self.stage
            .events
            .saw(self.call, "change of the line", times, kind)
            .await;
    }

    /// How long the line was away the last time.
    pub fn away(&self) -> Duration {
        let last = |kind: fn(&Event) -> bool| self.stage.events.times(self.call, kind).last().copied();
        let lost = last(was_lost).expect("a lost line");
        let back = last(came_back).expect("a line that came back");
        Duration::from_millis(back.saturating_sub(lost))
    }

    /// How often the agent's line was lost.
    pub fn losses(&self) -> usize {
        self.stage.events.count(self.call, was_lost)
    }

    /// The longest time without any sound that the caller had since a moment of their timeline, in milliseconds.
    pub fn nothing_since(&self, heard_ms: u64) -> Duration {
        let heard = self.caller.heard();
        let (mut longest, mut now) = (0, 0);
        for frame in heard[(heard_ms as usize * 8).min(heard.len())..].chunks(FRAME) {
            now = if level::is_audible(frame) { 0 } else { now + 1 };
            longest = longest.max(now);
        }
        Duration::from_millis(longest * 20)
    }

    /// Nobody has ended the call, and the caller was told nothing of the kind.
    pub fn is_whole(&self) {
        let ended = |event: &Event| matches!(event, Event::Ended { .. } | Event::Draining { .. });
        assert_eq!(self.stage.events.count(self.call, ended), 0);
        let spanish = Language::find("spanish").expect("a language");
        for phrase in [Phrase::Goodbye, Phrase::Trouble, Phrase::NoAgent] {
            assert!(!was_told(&self.caller, phrase, spanish), "{phrase:?}");
        }
    }

    /// Whether the caller was told that the agent's line was lost, and to stay.
    pub fn was_asked_to_stay(&self) -> bool {
        let spanish = Language::find("spanish").expect("a language");
        let (sentence, _) = Phrase::Reconnecting.spoken_in(spanish);
        self.stage
            .engine
            .ledger()
            .typed()
            .any(|typed| typed.text.contains(sentence))
    }

    /// Waits until an element has this text.
    pub async fn shows(&self, what: &str, selector: &str, text: &str) {
        let script = format!(
            "return document.querySelector({})?.textContent === {}",
            json!(selector),
            json!(text)
        );
        until(&self.page, what, &script).await;
    }

    /// Another browser of its own, in which somebody has signed in.
    pub async fn another(&mut self, name: &str) -> WebDriver {
        let page = open(&mut self.browsers, self.folder.path()).await;
        sign_in(&page, &self.stage, name).await;
        page
    }

    /// The caller hangs up; the page has complained of nothing.
    pub async fn end(self) {
        assert!(self.caller.hang_up(SOON).await);
        self.stage.events.ended(self.call).await;
        self.close().await;
    }

    /// After the call's end.
    pub async fn close(self) {
        let mut complaints = complaints(&self.page).await;
        // What the browser says of a page that it puts to sleep, and of one that learns that it is signed out.
        complaints.retain(|one| !one.contains("Back-Forward Cache") && !one.contains("401 (Unauthorized)"));
        assert_eq!(complaints, Vec::<String>::new());
        self.page.quit().await.expect("an end");
        self.stage.strike().await;
    }
}

fn was_lost(event: &Event) -> bool {
    matches!(event, Event::LegLost { side: Side::Agent })
}

fn came_back(event: &Event) -> bool {
    matches!(
        event,
        Event::LegUp {
            side: Side::Agent,
            again: true
        }
    )
}

pub fn take_button(call: CallId) -> String {
    format!("[data-call='{call}'] [data-test=take]")
}

pub async fn sign_in(page: &WebDriver, stage: &Stage, name: &str) {
    page.goto(stage.url("/desk")).await.expect("a page");
    fill_in(page, name, PASSWORD).await;
}

/// Signs in where the form is shown.
pub async fn fill_in(page: &WebDriver, name: &str, password: &str) {
    write(page, "#name", name).await;
    write(page, "#password", password).await;
    click(page, "#sign-in").await;
}

/// A browser with a microphone that says the agent's sentence; its rules for sound are the usual ones.
async fn open(browsers: &mut Browsers, folder: &Path) -> WebDriver {
    let voice = folder.join("agent.wav");
    let mut sound = speech::clip(SAID, Tongue::English).to_vec();
    sound.resize(SLOT.as_millis() as usize * 8, 0xFF);
    wav::write(&voice, &sound).expect("a file");
    let page = browsers
        .open(&[
            "--use-fake-device-for-media-stream".to_owned(),
            "--use-fake-ui-for-media-stream".to_owned(),
            format!("--use-file-for-fake-audio-capture={}", voice.display()),
        ])
        .await;
    let script = json!({"source": MICROPHONE});
    devtools(&page, "Page.addScriptToEvaluateOnNewDocument", script).await;
    page
}
