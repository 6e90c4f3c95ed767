//! Strangers at the door of the desk: what their guesses cost, and whom they keep out.

#![allow(clippy::expect_used)]

mod office;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use duologue::desk::user::Role;
use office::{Office, PASSWORD};
use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What people wait without wondering.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A guess is not answered within this time if it is held.
const HELD: Duration = Duration::from_secs(1);

const WRONG: &str = "a wrong password";

/// These tests measure what a crowd costs, so there is one crowd at a time.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The program as a child, with a desk and nobody in it.
struct Instance {
    child: Child,
    public: String,
    _folder: tempfile::TempDir,
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Instance {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let public = format!("http://127.0.0.1:{port}");
        let child = Command::new(env!("CARGO_BIN_EXE_duologue"))
            .env_clear()
            .envs([
                ("PUBLIC_URL", public.as_str()),
                ("API_HOST", "127.0.0.1"),
                ("API_PORT", &port.to_string()),
                ("TRUSTED_PROXIES", "127.0.0.1"),
                ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
                ("TWILIO_AUTH_TOKEN", "unused"),
                ("TWILIO_CALLER_NUMBER", "+15550100101"),
                ("AGENT_DIAL", "client:ana"),
                ("OPENAI_API_KEY", "unused"),
            ])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let instance = Self {
            child,
            public,
            _folder: folder,
        };
        let ready = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // A foreign cookie is looked for in the database as soon as that has been made ready.
            let asked = || {
                let cookie = format!("duologue_session={}", "a".repeat(43));
                let url = format!("{}/api/session", instance.public);
                Client::new().get(url).header("cookie", cookie).send()
            };
            while asked()
                .await
                .is_ok_and(|answer| answer.status() != StatusCode::UNAUTHORIZED)
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ready)
            .await
            .expect("it is ready");
        instance
    }

    fn file(&self, name: &str) -> String {
        let path = format!("/proc/{}/{name}", self.child.id());
        std::fs::read_to_string(Path::new(&path)).expect("a child that lives")
    }

    /// Its memory, in MB.
    fn memory(&self) -> u64 {
        let status = self.file("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        kilobytes
            .and_then(|number| number.parse::<u64>().ok())
            .expect("a number")
            / 1024
    }

    /// Its processor time so far, in hundredths of a second.
    fn processor(&self) -> u64 {
        let stat = self.file("stat");
        let (_, fields) = stat.rsplit_once(')').expect("fields");
        let fields: Vec<&str> = fields.split_whitespace().collect();
        [11, 12]
            .map(|at| fields[at].parse::<u64>().expect("a number"))
            .iter()
            .sum()
    }
}

async fn guess(client: &Client, public: &str, name: &str, address: &str) -> StatusCode {
    let request = client
        .post(format!("{public}/api/session"))
        .header("x-forwarded-for", address)
        .json(&json!({"name": name, "password": WRONG}));
    request
        .send()
        .await
        .map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_wrong_guesses_take_64_mb_at_most() {
    let _one = ONE.lock().await;
    let instance = Instance::start().await;
    let start = instance.memory();
    let (spent, begun) = (instance.processor(), Instant::now());
    let client = Client::new();
    for many_addresses in [false, true] {
        let mut guesses = JoinSet::new();
        let mut wrong = 0;
        for number in 0..500 {
            if guesses.len() == 10 {
                wrong += u32::from(guesses.join_next().await.expect("a guess").expect("no panic") == 401);
            }
            let (client, public) = (client.clone(), instance.public.clone());
            guesses.spawn(async move {
                let address = if many_addresses { number % 250 } else { 7 };
                let name = format!("name-{many_addresses}-{number}");
                guess(&client, &public, &name, &format!("198.51.100.{address}")).await
            });
        }
        while let Some(status) = guesses.join_next().await {
            wrong += u32::from(status.expect("no panic") == 401);
        }
        assert_eq!(wrong, 500, "every one of them was checked");
    }
    let (end, spent) = (instance.memory(), instance.processor() - spent);
    let took = begun.elapsed().as_secs_f32();
    println!("memory {start} MB before and {end} MB after; {spent}0 ms of processor in {took:.1} s");
    assert!(end <= start + 64, "{start} MB before, {end} MB after");
}

#[tokio::test]
async fn a_known_device_is_in_within_two_seconds_whatever_others_try() {
    let _one = ONE.lock().await;
    let office = Office::open(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let mut device = office.browser();
    assert_eq!(device.sign_in("ada", PASSWORD).await.status, 200);
    assert_eq!(device.delete("/api/session").await.status, 204);
    let mut crowd = JoinSet::new();
    let client = Client::new();
    // More than can ever be checked: at this name, at others, from everywhere.
    for number in 0..400_u32 {
        let (client, public) = (client.clone(), office.public.clone());
        crowd.spawn(async move {
            let name = ["ada".to_owned(), format!("name-{number}")][number as usize % 2].clone();
            guess(&client, &public, &name, &format!("198.51.100.{}", number % 200)).await
        });
    }
    // They are at the door.
    crowd.join_next().await.expect("a guess").expect("no panic");
    let begun = Instant::now();
    assert_eq!(device.sign_in("ada", PASSWORD).await.status, 200);
    let took = begun.elapsed();
    println!("in after {took:?}");
    assert!(took < AT_ONCE, "{took:?}");
    let change = json!({"old": PASSWORD, "new": "quite another password"});
    let begun = Instant::now();
    assert_eq!(device.put("/api/session/password", change).await.status, 204);
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

/// How many passwords are checked in a second here and now.
async fn checks_a_second(office: &Office) -> f64 {
    let begun = Instant::now();
    let mut checks = JoinSet::new();
    for _ in 0..20 {
        let desk = std::sync::Arc::clone(&office.desk);
        checks.spawn(async move { desk.accounts.hash(WRONG.to_owned()).await.is_ok() });
    }
    assert!(checks.join_all().await.into_iter().all(|done| done));
    20.0 / begun.elapsed().as_secs_f64()
}

#[tokio::test]
async fn a_new_device_is_in_within_two_seconds_while_its_address_tries_25_names_a_second() {
    let _one = ONE.lock().await;
    let office = Office::open(&[]).await;
    let able = checks_a_second(&office).await;
    if able < 40.0 {
        eprintln!("skipped: this machine is so busy that it checks {able:.0} passwords a second");
        return;
    }
    let public = office.public.clone();
    let crowd = tokio::spawn(async move {
        let (client, mut each) = (Client::new(), tokio::time::interval(Duration::from_millis(40)));
        let mut guesses = JoinSet::new();
        for number in 0_u64.. {
            each.tick().await;
            let (client, public) = (client.clone(), public.clone());
            guesses.spawn(async move { guess(&client, &public, &format!("name-{number}"), "").await });
        }
    });
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let begun = Instant::now();
        assert_eq!(office.browser().sign_in("ada", PASSWORD).await.status, 200);
        slowest = slowest.max(begun.elapsed());
    }
    crowd.abort();
    println!("in after {slowest:?} at most");
    assert!(slowest < AT_ONCE, "{slowest:?}");
}

#[tokio::test]
async fn a_new_device_is_in_within_two_minutes_while_ten_others_try_its_name() {
    let _one = ONE.lock().await;
    let office = Office::open(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    office.hire("renée", Role::Agent).await;
    let mut crowd = JoinSet::new();
    for number in 0..10 {
        let public = office.public.clone();
        crowd.spawn(async move {
            let client = Client::new();
            loop {
                let status = guess(&client, &public, "Renée", &format!("198.51.100.{number}")).await;
                assert_ne!(status, StatusCode::OK);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }
    // Once a guess is held, those that are free have been used up.
    let client = Client::new();
    let held = async || {
        let patient = guess(&client, &office.public, "RENÉE", "198.51.100.99");
        tokio::time::timeout(HELD, patient).await.is_err()
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(30), async { while !held().await {} })
            .await
            .is_ok()
    );
    let mut newcomer = office.browser();
    newcomer.forwarded = Some("203.0.113.9".to_owned());
    let begun = Instant::now();
    loop {
        let answer = newcomer.sign_in("renée", PASSWORD).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.status, 429, "{}", answer.text);
        let wait = answer.header("retry-after").parse().expect("seconds");
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
    let took = begun.elapsed();
    println!("in after {took:?}");
    assert!(took < Duration::from_secs(120), "{took:?}");
}
