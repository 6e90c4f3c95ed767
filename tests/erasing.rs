//! Erased is erased: what was said is planted in a call, and every file that the program writes is searched for it byte by
//! byte, before the call is erased and after.

#![allow(clippy::expect_used, clippy::panic)]

mod databases;
mod program;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use databases::{Gate, call, fresh, postgres, remove, sqlite, until, utterance};
use duologue::records::record::{CallRecord, Record, Speaker, UtteranceRecord};
use duologue::records::redact::Kinds;
use duologue::records::spool::Spool;
use duologue::records::store::Store;
use duologue::records::unix_ms;
use duologue::records::writer::{Policy, Writer};
use program::Program;
use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::{Connection as _, Row as _, SqliteConnection};

/// A phrase, a rare word in it, and that word as the index of words holds it.
const PLANTED: [(&str, &str, &[&str]); 3] = [
    (
        "El ñandú de Íñigo se llama Zarzaparrillísima",
        "Zarzaparrillísima",
        &["zarzaparrillisima", "nandu", "inigo"],
    ),
    (
        "我的秘密是鱻麤龘齉",
        "鱻麤龘齉",
        &["鱻麤", "麤龘", "龘齉", "秘密"],
    ),
    ("كلمة السر هي استعجالاتهما", "استعجالاتهما", &["استعجالاتهما"]),
];

const POLICY: Policy = Policy {
    texts: true,
    redacted: Kinds::NONE,
    days: None,
};

fn id(number: usize) -> String {
    format!("{number:032x}")
}

/// What a call leaves in which all of it was said.
fn planted(id: &str, number: &str, started: i64) -> Vec<Record> {
    let ended = CallRecord {
        ended: Some(started + 60_000),
        ..call(id, number, started)
    };
    let said = PLANTED.iter().zip(1..).map(|((phrase, word, _), number)| {
        Record::Utterance(UtteranceRecord {
            source: (*phrase).to_owned(),
            target: (*word).to_owned(),
            ..utterance(id, Speaker::Caller, number, started + number)
        })
    });
    said.chain([Record::Call(ended)]).collect()
}

/// How a text may stand in a file: as it is, and escaped as JSON allows it.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let units = text.encode_utf16();
    let escaped: String = units.map(|unit| format!("\\u{unit:04x}")).collect();
    let ascii: String = text
        .chars()
        .map(|c| match c.is_ascii() {
            true => c.to_string(),
            false => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect(),
        })
        .collect();
    [
        text.to_owned(),
        escaped.to_uppercase().replace("\\U", "\\u"),
        escaped,
        ascii,
    ]
    .map(String::into_bytes)
    .to_vec()
}

/// All texts that may not be found afterwards.
fn wanted() -> Vec<String> {
    let all = PLANTED
        .iter()
        .flat_map(|(phrase, word, folded)| [&[*phrase, *word], *folded].concat());
    all.map(str::to_owned).collect()
}

/// Those of the texts that stand in a file in this folder, with the file's name.
fn found(folder: &Path, texts: &[String]) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(found(&path, texts));
            continue;
        }
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for text in texts {
            let stands = |form: &Vec<u8>| bytes.windows(form.len()).any(|window| window == form);
            if forms(text).iter().any(stands) {
                all.insert((text.clone(), path.display().to_string()));
            }
        }
    }
    all
}

fn found_texts(folder: &Path) -> BTreeSet<String> {
    found(folder, &wanted())
        .into_iter()
        .map(|(text, _)| text)
        .collect()
}

fn all_are_found(folder: &Path) {
    let found = found_texts(folder);
    let missing: Vec<_> = wanted()
        .into_iter()
        .filter(|text| !found.contains(text))
        .collect();
    assert!(missing.is_empty(), "not there before: {missing:?}");
}

fn nothing_is_found(folder: &Path, when: &str) {
    let found = found(folder, &wanted());
    assert!(found.is_empty(), "{when}: {found:?}");
}

/// Calls beside the planted one, in which other things are said.
async fn others(store: &Store, calls: usize) {
    for number in 0..calls {
        let id = id(1_000 + number);
        let mut records: Vec<_> = (0..10)
            .map(|line| Record::Utterance(utterance(&id, Speaker::Agent, line, line)))
            .collect();
        records.push(Record::Call(CallRecord {
            ended: Some(2),
            ..call(&id, "+4930999", unix_ms())
        }));
        store.write(&records).await.expect("written");
    }
}

#[tokio::test]
async fn what_was_said_in_an_erased_call_stands_in_no_file_of_the_running_program_nor_after_it_was_killed() {
    for (way, days) in [("call", "90"), ("number", "90"), ("age", "90")] {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path();
        let store = program::prepare(&program::database(folder)).await;
        others(&store, 20).await;
        let id = id(1);
        let started = unix_ms()
            - if way == "age" {
                91 * 24 * 3_600_000
            } else {
                3_600_000
            };
        store
            .write(&planted(&id, "+34600111222", started))
            .await
            .expect("written");
        others(&store, 5).await;
        let recordings = folder.join("recordings");
        std::fs::create_dir(&recordings).expect("a folder");
        let recording = recordings.join(format!("{id}.wav"));
        std::fs::write(&recording, "Zarzaparrillísima").expect("a recording");
        all_are_found(folder);
        let mut program = Program::start(folder, "022", &[("RECORDS_DAYS", days)]).await;
        match way {
            "call" => {
                let path = format!("/api/calls/{id}");
                let answer = program.admin().await.ask(Method::DELETE, &path, None).await;
                assert_eq!(answer.status(), StatusCode::NO_CONTENT);
            }
            "number" => {
                let body = json!({"number": "+34 600 111 222"});
                let answer = program
                    .admin()
                    .await
                    .ask(Method::POST, "/api/erase", Some(body))
                    .await;
                assert_eq!(answer.status(), StatusCode::OK);
            }
            _ => {
                program.logs("old calls were forgotten").await;
                until("the recording has gone", async || !recording.exists()).await;
            }
        }
        nothing_is_found(folder, way);
        program.kill().await;
        nothing_is_found(folder, &format!("{way}, killed"));
        assert_eq!(store.call(&id).await.expect("asked"), None);
        assert!(store.call(&self::id(1_001)).await.expect("asked").is_some());
    }
}

#[tokio::test]
async fn a_program_that_is_killed_while_it_erases_goes_on_with_it_at_the_next_start() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    let url = program::database(folder);
    let store = program::prepare(&url).await;
    others(&store, 20).await;
    store
        .write(&planted(&id(1), "+1", unix_ms()))
        .await
        .expect("written");
    // As far as a program comes that is killed at the worst moment.
    let mut connection = SqliteConnection::connect(&url).await.expect("the file");
    for text in [
        "BEGIN IMMEDIATE",
        "DELETE FROM utterances WHERE call = '00000000000000000000000000000001'",
        "DELETE FROM searched WHERE call = '00000000000000000000000000000001'",
        "DELETE FROM calls WHERE id = '00000000000000000000000000000001'",
        "INSERT INTO traces (id, first_at, last_at) VALUES (1, 1, 1)",
        "COMMIT",
    ] {
        sqlx::query(text).execute(&mut connection).await.expect("done");
    }
    assert!(!found_texts(folder).is_empty(), "its log still has it");
    let program = Program::start(folder, "022", &[]).await;
    until("it is gone", async || found_texts(folder).is_empty()).await;
    program.kill().await;
    nothing_is_found(folder, "killed");
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn word(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b'a' + self.roll(26) as u8))
            .collect()
    }
}

/// Rows move between pages while others come, and leave copies of themselves behind.
#[tokio::test]
async fn no_copy_of_a_row_that_moved_and_no_signpost_of_the_index_outlives_its_call() {
    const CALLS: usize = 60;
    let folder = tempfile::tempdir().expect("a folder");
    let url = sqlite(folder.path());
    let store = fresh(&url).await;
    let mut dice = Dice(7);
    let common: Vec<String> = (0..300)
        .map(|_| {
            let length = 3 + dice.roll(6);
            dice.word(length)
        })
        .collect();
    let mut said: Vec<Vec<String>> = vec![Vec::new(); CALLS];
    for line in 0..CALLS * 12 {
        let number = dice.roll(CALLS);
        let own = format!("zq{}", dice.word(12));
        let words = 1 + dice.roll(60);
        let mut text: Vec<&str> = (0..words)
            .map(|_| common[dice.roll(common.len())].as_str())
            .collect();
        text.push(&own);
        let mut one = utterance(
            &id(number),
            Speaker::Caller,
            said[number].len() as i64,
            line as i64,
        );
        one.source = text.join(" ");
        one.target = (0..6)
            .map(|_| ('\u{4e00}'..'\u{4e80}').nth(dice.roll(100)).expect("a character"))
            .collect();
        store.write(&[Record::Utterance(one)]).await.expect("written");
        said[number].push(own);
    }
    for number in 0..CALLS {
        let mut ended = call(&id(number), &format!("+34{number:09}"), number as i64);
        ended.ended = Some(1_000_000);
        store.write(&[Record::Call(ended)]).await.expect("written");
    }
    for (number, words) in said.iter().enumerate().take(40) {
        assert_eq!(store.erase_call(&id(number)).await.expect("erased").len(), 1);
        assert_eq!(found(folder.path(), words), BTreeSet::new(), "call {number}");
    }
    let mut connection = SqliteConnection::connect(&url).await.expect("the file");
    let stale = "SELECT COUNT(*) AS stale FROM searched_words_idx i WHERE LENGTH(i.term) > 1 AND NOT EXISTS \
         (SELECT 1 FROM searched_terms t WHERE SUBSTR(CAST(t.term AS BLOB), 1, LENGTH(i.term) - 1) = SUBSTR(i.term, 2))";
    let row = sqlx::query(stale)
        .fetch_one(&mut connection)
        .await
        .expect("asked");
    assert_eq!(row.get::<i64, _>("stale"), 0, "signposts");
    let left = "SELECT COUNT(*) AS left_over FROM searched_terms";
    let row = sqlx::query(left).fetch_one(&mut connection).await.expect("asked");
    assert!(row.get::<i64, _>("left_over") > 100, "the others are still found");
}

#[tokio::test]
async fn records_that_wait_in_the_spool_do_not_bring_an_erased_call_back() {
    let Some(url) = postgres().await else { return };
    let parsed = url::Url::parse(&url).expect("a URL");
    let host = parsed.host_str().expect("a host");
    let gate = Gate::to(format!("{host}:{}", parsed.port().unwrap_or(5432))).await;
    let mut through = parsed.clone();
    through.set_host(Some("127.0.0.1")).expect("a host");
    through.set_port(Some(gate.address.port())).expect("a port");
    for told in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("spool");
        let store = fresh(&url).await;
        let away = Arc::new(Store::new(through.as_str(), 2).expect("a store"));
        let spool = Spool::open(&path).expect("a spool");
        let (queue, writer) = Writer::start(away, spool, POLICY).expect("a writer");
        // One is known by its id, of the other only the spool knows the number.
        let started = unix_ms() - 1_000;
        let known = call(&id(1), "+34600111222", started);
        store.write(&[Record::Call(known)]).await.expect("written");
        for record in planted(&id(1), "+34600111222", started) {
            queue.put(record).expect("room");
        }
        let mut other = planted(&id(2), "+34600333444", started);
        other.rotate_right(1);
        for record in other {
            queue.put(record).expect("room");
        }
        queue.put(Record::Call(call(&id(3), "+4930", 5))).expect("room");
        until("they are on the disk", async || {
            found_texts(folder.path()).len() > 3
        })
        .await;
        assert_eq!(store.erase_call(&id(1)).await.expect("erased"), [id(1)]);
        assert_eq!(store.erase_number("34600333444").await.expect("erased"), [""; 0]);
        if told {
            assert_eq!(queue.forget(vec![id(1)], None).await, [id(1)]);
            assert_eq!(queue.forget(Vec::new(), Some("+34 600 333444")).await, [id(2)]);
            nothing_is_found(folder.path(), "while they wait");
        }
        gate.open();
        until("the spool has gone", async || !path.exists()).await;
        gate.shut();
        for number in [1, 2] {
            assert_eq!(store.call(&id(number)).await.expect("asked"), None, "{number}");
            assert_eq!(
                store.utterances(&id(number)).await.expect("asked"),
                [],
                "{number}"
            );
        }
        assert!(store.call(&id(3)).await.expect("asked").is_some());
        // The number may call again.
        let again = call(&id(4), "+34600333444", unix_ms() + 1);
        store.write(&[Record::Call(again)]).await.expect("written");
        assert!(store.call(&id(4)).await.expect("asked").is_some());
        for number in [3, 4] {
            store.erase_call(&id(number)).await.expect("erased");
        }
        tokio::task::spawn_blocking(|| writer.finish())
            .await
            .expect("an end");
        let mut connection = sqlx::PgConnection::connect(&url).await.expect("the server");
        let forgetting = sqlx::query("DELETE FROM erased").execute(&mut connection).await;
        forgetting.expect("forgotten");
    }
    remove(&url).await;
}

#[tokio::test]
async fn what_is_taken_out_reaches_no_file_and_a_clean_end_leaves_no_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(Store::new(&sqlite(folder.path()), 1).expect("a store"));
    let spool = Spool::open(&folder.path().join("spool")).expect("a spool");
    let policy = Policy {
        redacted: Kinds::default(),
        ..POLICY
    };
    let (queue, writer) = Writer::start(store, spool, policy).expect("a writer");
    let mut said = utterance(&id(1), Speaker::Caller, 1, 1);
    said.source = "Mi tarjeta es 4111 1111 1111 1111".to_owned();
    said.target = "write to maria.rara@example.com".to_owned();
    queue.put(Record::Utterance(said)).expect("room");
    let ended = CallRecord {
        ended: Some(9),
        ..call(&id(1), "+1", 1)
    };
    queue.put(Record::Call(ended)).expect("room");
    tokio::task::spawn_blocking(|| writer.finish())
        .await
        .expect("an end");
    let texts = ["4111 1111", "4111", "maria.rara", "rara"].map(str::to_owned);
    assert_eq!(found(folder.path(), &texts), BTreeSet::new());
    assert!(!found(folder.path(), &["tarjeta".to_owned()]).is_empty());
    let log = std::fs::metadata(folder.path().join("duologue.db-wal"));
    assert!(log.is_err() || log.is_ok_and(|log| log.len() == 0));
}
