//! The databases that records are tested on. The tests of PostgreSQL make databases of their own at `TEST_POSTGRES_URL`;
//! where there is no server they say so and skip, unless `POSTGRES=require`.

#![allow(dead_code, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use duologue::records::record::{CallRecord, Record, Speaker, UtteranceRecord};
use duologue::records::store::Store;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Whatever does not happen within this time does not happen.
const SOON: Duration = Duration::from_secs(30);

pub fn sqlite(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("duologue.db").display())
}

fn postgres_server() -> String {
    std::env::var("TEST_POSTGRES_URL")
        .unwrap_or_else(|_| "postgres://root@127.0.0.1:5432/postgres".to_owned())
}

/// Removes the PostgreSQL database that a test made.
pub async fn remove(url: &str) {
    if let (true, Some((_, name))) = (url.starts_with("postgres"), url.rsplit_once('/')) {
        let mut connection = PgConnection::connect(&postgres_server()).await.expect("a server");
        let text = format!("DROP DATABASE {name} WITH (FORCE)");
        let dropping = sqlx::query(AssertSqlSafe(text)).execute(&mut connection).await;
        dropping.expect("the database");
    }
}

/// A fresh database in the PostgreSQL server; `None` where there is none.
pub async fn postgres() -> Option<String> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let server = postgres_server();
    let mut connection = match PgConnection::connect(&server).await {
        Ok(connection) => connection,
        Err(error) if std::env::var("POSTGRES").is_ok_and(|wanted| wanted == "require") => {
            panic!("PostgreSQL is required: {error}")
        }
        Err(_) => {
            eprintln!("skipped: there is no PostgreSQL at TEST_POSTGRES_URL");
            return None;
        }
    };
    let name = format!(
        "duologue_test_{}_{}",
        std::process::id(),
        MADE.fetch_add(1, Ordering::Relaxed)
    );
    for text in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name}"),
    ] {
        sqlx::query(AssertSqlSafe(text))
            .execute(&mut connection)
            .await
            .expect("a database");
    }
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    Some(format!("{base}/{name}"))
}

pub async fn each_database(folder: &Path) -> Vec<String> {
    [Some(sqlite(folder)), postgres().await]
        .into_iter()
        .flatten()
        .collect()
}

pub fn call(id: &str, number: &str, started: i64) -> CallRecord {
    CallRecord {
        call: id.to_owned(),
        caller_sid: format!("CA{id}"),
        caller_number: number.to_owned(),
        caller_language: "es-ES".to_owned(),
        agent_language: "en-US".to_owned(),
        started,
        ..CallRecord::default()
    }
}

pub fn utterance(call: &str, speaker: Speaker, number: i64, spoken: i64) -> UtteranceRecord {
    UtteranceRecord {
        call: call.to_owned(),
        speaker,
        number,
        engine: Some("prompted".to_owned()),
        source: format!("¿{number}?"),
        target: format!("{number}? 你好 \u{1F600}"),
        spoken,
        spoken_end: Some(spoken + 900),
        ..UtteranceRecord::default()
    }
}

/// A database with its schema.
pub async fn fresh(url: &str) -> Store {
    let store = Store::new(url, 2).expect("a store");
    store.prepare().await.expect("a schema");
    store
}

pub async fn keep(store: &Store, calls: Vec<CallRecord>) {
    for some in calls.chunks(200) {
        let records: Vec<Record> = some.iter().cloned().map(Record::Call).collect();
        store.write(&records).await.expect("written");
    }
}

/// A way to a server that can be shut; then it also ends the connections that are there.
pub struct Gate {
    pub address: std::net::SocketAddr,
    open: Arc<AtomicBool>,
    cut: std::sync::Mutex<CancellationToken>,
}

impl Gate {
    pub async fn to(server: String) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gate = Arc::new(Self {
            address: listener.local_addr().expect("an address"),
            open: Arc::default(),
            cut: std::sync::Mutex::default(),
        });
        let passing = Arc::clone(&gate);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if !passing.open.load(Ordering::Acquire) {
                    continue;
                }
                let cut = passing.cut.lock().expect("no panic").clone();
                let server = server.clone();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(server).await.expect("the server");
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        () = cut.cancelled() => {}
                    }
                });
            }
        });
        gate
    }

    pub fn shut(&self) {
        self.open.store(false, Ordering::Release);
        let mut cut = self.cut.lock().expect("no panic");
        std::mem::take(&mut *cut).cancel();
    }

    pub fn open(&self) {
        self.open.store(true, Ordering::Release);
    }
}

/// Waits until a condition holds that nobody reports.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        let mut step = tokio::time::interval(Duration::from_millis(20));
        while !holds().await {
            step.tick().await;
        }
    };
    assert!(tokio::time::timeout(SOON, waiting).await.is_ok(), "{what}");
}
