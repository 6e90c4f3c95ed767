//! Headless Chromium, driven through ChromeDriver.
//!
//! Where there is none a test says so and is skipped, unless `CHROMIUM=require`. Each test file uses a part of this.

#![allow(dead_code, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use thirtyfour::LoggingPrefsLogLevel;
use thirtyfour::prelude::*;

/// Whatever does not show on a page within this time does not show.
pub const SHOWN: Duration = Duration::from_secs(20);

/// A driver of browsers, which ends with the test.
pub struct Browsers {
    driver: Child,
    url: String,
    folder: tempfile::TempDir,
    opened: usize,
}

impl Drop for Browsers {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browsers {
    /// `None`, and a line that says so, where there is no Chromium.
    pub fn find() -> Option<Self> {
        let named = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
        let driver = Command::new(named("CHROMEDRIVER", "chromedriver"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = driver else {
            let required = std::env::var("CHROMIUM").is_ok_and(|value| value == "require");
            assert!(!required, "CHROMIUM=require, and there is no chromedriver");
            println!("skipped: there is no chromedriver (Debian: chromium-driver)");
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().expect("its output"))
            .lines()
            .map_while(Result::ok);
        let port = lines.find_map(|line| {
            let (_, rest) = line.split_once("started successfully on port ")?;
            rest.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.expect("a port");
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.count());
        Some(Self {
            driver,
            url: format!("http://127.0.0.1:{port}"),
            folder: tempfile::tempdir().expect("a folder"),
            opened: 0,
        })
    }

    /// Stops all that draws pages, runs their scripts and their sound, as the lid of a laptop does, or lets it go on. Their
    /// sockets stay open: they belong to another process of the browser.
    pub fn sleep(&self, asleep: bool) {
        let signal = if asleep { Signal::STOP } else { Signal::CONT };
        let driver = i32::try_from(self.driver.id()).expect("a process");
        for renderer in descendants(driver) {
            let command = std::fs::read(format!("/proc/{renderer}/cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&command).contains("--type=renderer") {
                let pid = Pid::from_raw(renderer).expect("a process");
                // It may have ended.
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// A browser of its own, with a profile of its own and these switches beside the usual ones.
    pub async fn open(&mut self, switches: &[String]) -> WebDriver {
        self.opened += 1;
        let profile = self.folder.path().join(self.opened.to_string());
        let mut wanted = DesiredCapabilities::chrome();
        for switch in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--lang=en-US",
            "--window-size=1280,720",
        ] {
            wanted.add_arg(switch).expect("a switch");
        }
        wanted
            .add_arg(&format!("--user-data-dir={}", profile.display()))
            .expect("a switch");
        for switch in switches {
            wanted.add_arg(switch).expect("a switch");
        }
        wanted
            .set_browser_log_level(LoggingPrefsLogLevel::All)
            .expect("a log");
        WebDriver::new(&self.url, wanted).await.expect("a browser")
    }
}

/// The processes that this one has started, and those that these have started.
fn descendants(of: i32) -> Vec<i32> {
    let parent = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in brackets, may have anything in it; the parent is the second field after it.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parents: Vec<(i32, i32)> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![of];
    let mut at = 0;
    while let Some(&one) = found.get(at) {
        found.extend(
            parents
                .iter()
                .filter(|(_, parent)| *parent == one)
                .map(|(pid, _)| *pid),
        );
        at += 1;
    }
    found.split_off(1)
}

/// Where pictures are put, if `SCREENSHOTS` names a folder.
pub async fn picture(page: &WebDriver, name: &str) {
    if let Ok(folder) = std::env::var("SCREENSHOTS") {
        let path = PathBuf::from(folder).join(format!("{name}.png"));
        page.screenshot(&path).await.expect("a picture");
    }
}

/// Asks the browser for something through its DevTools, about the tab that is driven.
pub async fn devtools(page: &WebDriver, command: &str, params: Value) -> Value {
    let answer = page.cdp().send_raw(command, params).await;
    answer.unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// Waits for something that a script finds, and returns it. The script's value counts once it is neither false nor null.
pub async fn until(page: &WebDriver, what: &str, script: &str) -> Value {
    let mut step = tokio::time::interval(Duration::from_millis(50));
    let waited = tokio::time::timeout(SHOWN, async {
        loop {
            step.tick().await;
            let found = page.execute(script, Vec::new()).await.expect("a script's value");
            let value = found.json().clone();
            if !matches!(value, Value::Null | Value::Bool(false)) {
                return value;
            }
        }
    });
    match waited.await {
        Ok(value) => value,
        Err(_) => {
            picture(page, "missing").await;
            let text = page.execute("return document.body.innerText", Vec::new()).await;
            let text = text.map(|text| text.json().to_string()).unwrap_or_default();
            panic!("no {what} on the page: {text}")
        }
    }
}

/// The element of this selector, once it is there and shown.
pub async fn element(page: &WebDriver, selector: &str) -> WebElement {
    let found = page
        .query(By::Css(selector))
        .wait(SHOWN, Duration::from_millis(50))
        .and_displayed()
        .first()
        .await;
    match found {
        Ok(element) => element,
        Err(error) => {
            picture(page, "missing").await;
            panic!("no {selector} on the page: {error}")
        }
    }
}

/// Writes into a field, in place of what is there.
pub async fn write(page: &WebDriver, selector: &str, text: &str) {
    let field = element(page, selector).await;
    field.clear().await.expect("a field");
    field.send_keys(text).await.expect("a field");
}

pub async fn click(page: &WebDriver, selector: &str) {
    element(page, selector)
        .await
        .click()
        .await
        .expect("something to click");
}

/// What the page complained of: errors of scripts, and whatever its policy forbade. That nobody has signed in yet is no
/// complaint.
pub async fn complaints(page: &WebDriver) -> Vec<String> {
    let log = page.browser_log().await.expect("a log");
    log.into_iter()
        .filter(|entry| entry.level == "SEVERE" && !entry.message.contains("/api/session - Failed to load"))
        .map(|entry| entry.message)
        .collect()
}
