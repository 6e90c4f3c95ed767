//! The databases that records are tested on. The tests of PostgreSQL make databases of their own at `TEST_POSTGRES_URL`;
//! where there is no server they say so and skip, unless `POSTGRES=require`.

#![allow(dead_code, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use duologue::records::record::{CallRecord, Record, Speaker, UtteranceRecord};
use duologue::records::store::Store;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

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
