//! What is read of stored calls: pages, filters and search, in SQLite and in PostgreSQL.

#![allow(clippy::expect_used, clippy::panic)]

mod databases;

use std::sync::{Arc, Mutex};

use databases::{call, each_database, fresh, keep, remove, utterance};
use duologue::records::erase::ERASE_MAX;
use duologue::records::read::{Cursor, Filter, PAGE, PAGE_MAX};
use duologue::records::record::{CallRecord, Record, Speaker, UtteranceRecord};
use duologue::records::redact::Kinds;
use duologue::records::spool::Spool;
use duologue::records::store::Store;
use duologue::records::writer::{Policy, Writer};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

async fn found(store: &Store, filter: Filter) -> Vec<String> {
    let page = store.calls(&filter).await.expect("a page");
    page.calls.into_iter().map(|listed| listed.call.call).collect()
}

async fn searched(store: &Store, words: &str) -> String {
    let words = Some(words.to_owned());
    let filter = Filter {
        words,
        ..Filter::default()
    };
    found(store, filter).await.join(" ")
}

#[tokio::test]
async fn a_list_has_the_calls_that_meet_every_condition() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        let with = |id: &str, number: &str, started: i64, change: &dyn Fn(&mut CallRecord)| {
            let mut made = call(id, number, started);
            change(&mut made);
            made
        };
        let calls = vec![
            with("a", "+34600000001", 1_000, &|call| {
                call.agent = Some("ana".to_owned());
                call.service_number = "+4930123456".to_owned();
            }),
            with("b", "client:Bob_1", 2_000, &|call| {
                call.agent = Some("ben".to_owned());
                call.caller_language = "ar-SA".to_owned();
            }),
            with("c", "+34600000002", 3_000, &|call| {
                call.agent = Some("ana".to_owned());
                call.ended = Some(4_000);
                call.class = Some("completed".to_owned());
                call.reason = Some("caller_hung_up".to_owned());
            }),
        ];
        keep(&store, calls).await;
        let said = [1, 2, 3].map(|number| Record::Utterance(utterance("c", Speaker::Agent, number, 3_100)));
        store.write(&said).await.expect("written");
        let text = |text: &str| Some(text.to_owned());
        type Change<'a> = &'a dyn Fn(&mut Filter);
        let cases: [(&str, Change<'_>); 17] = [
            ("c b a", &|_| {}),
            ("c b", &|filter| filter.from = Some(2_000)),
            ("b a", &|filter| filter.to = Some(3_000)),
            ("b", &|filter| filter.language = text("ar-SA")),
            ("c a", &|filter| filter.agent = text("ana")),
            ("c", &|filter| filter.class = text("completed")),
            ("c", &|filter| filter.reason = text("caller_hung_up")),
            ("", &|filter| filter.reason = text("full")),
            ("b", &|filter| filter.worker = text("ben")),
            ("", &|filter| {
                filter.worker = text("ben");
                filter.agent = text("ana");
            }),
            ("a", &|filter| filter.number = text("34 600 000 001")),
            ("c", &|filter| filter.number = text("0034600000002")),
            ("a", &|filter| filter.number = text("+49 (30) 123456")),
            ("c a", &|filter| filter.number = text("600000")),
            ("b", &|filter| filter.number = text("bob_")),
            ("", &|filter| filter.number = text("b%b_1")),
            ("c b a", &|filter| filter.number = text("  ")),
        ];
        for (expected, change) in cases {
            let mut filter = Filter::default();
            change(&mut filter);
            assert_eq!(
                found(&store, filter.clone()).await.join(" "),
                expected,
                "{filter:?}"
            );
        }
        let page = store.calls(&Filter::default()).await.expect("a page");
        let counts: Vec<i64> = page.calls.iter().map(|listed| listed.utterances).collect();
        assert_eq!((counts, page.next), (vec![3, 0, 0], None));
        assert_eq!(page.calls[2].call.service_number, "+4930123456");
        remove(&url).await;
    }
}

#[tokio::test]
async fn pages_have_every_call_once_where_many_began_at_the_same_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        let calls = (0..57).map(|at| call(&format!("{:04x}", at * 7919 % 65_536), "+1", 1_000 + at / 20));
        keep(&store, calls.collect()).await;
        let mut filter = Filter {
            limit: Some(7),
            ..Filter::default()
        };
        let mut all = Vec::new();
        loop {
            let page = store.calls(&filter).await.expect("a page");
            all.extend(
                page.calls
                    .into_iter()
                    .map(|listed| (listed.call.started, listed.call.call)),
            );
            // As it comes back in a query.
            let Some(next) = page.next else { break };
            filter.before = Some(next.to_string().parse::<Cursor>().expect("a cursor"));
        }
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        sorted.reverse();
        assert_eq!(all.len(), 57);
        assert_eq!(all, sorted, "the newest first, each once");
        filter.before = None;
        for (limit, expected) in [(None, PAGE as usize), (Some(0), 1), (Some(PAGE_MAX + 9), 57)] {
            filter.limit = limit;
            assert_eq!(found(&store, filter.clone()).await.len(), expected);
        }
        for wrong in ["", "x", "12", "x.y", "1.\0"] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong:?}");
        }
        remove(&url).await;
    }
}

/// Calls that have ended, in each of which one thing was said.
const SAID: [(&str, &str, &str); 7] = [
    (
        "es",
        "¿Cuál es el número de la Habitación?",
        "What is the room's number?",
    ),
    ("ar", "أَهْلًا، أريد حجز غرفة", "Hello, I want to book a room"),
    ("zh", "我的信用卡丢了。谢谢", "I have lost my credit card, thanks"),
    ("ja", "予約をキャンセルしたい", "I want to cancel my reservation"),
    ("th", "ขอบคุณที่โทรมา", "Thank you for calling"),
    ("hi", "नमस्ते, मेरा नंबर क्या है", "Hello, what is my number"),
    ("xss", "<script>alert('1')</script>", "100% sure_thing"),
];

async fn keep_said(store: &Store) {
    for (at, (id, source, target)) in SAID.into_iter().enumerate() {
        let mut record = call(id, "+1", 1_000 * at as i64);
        record.ended = Some(60_000);
        let said = UtteranceRecord {
            source: source.to_owned(),
            target: target.to_owned(),
            ..utterance(id, Speaker::Caller, 1, 1_500)
        };
        let records = [Record::Utterance(said), Record::Call(record)];
        store.write(&records).await.expect("written");
    }
}

#[tokio::test]
async fn words_are_found_in_any_script_without_accents_and_as_beginnings() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        keep_said(&store).await;
        for (words, expected) in [
            ("number", "hi es"),
            ("NUMBER room", "es"),
            ("room num", "es"),
            ("num room", ""),
            ("numero", "es"),
            ("número de la habitacion", "es"),
            ("habit", "es"),
            ("غرفة", "ar"),
            ("اهلا", "ar"),
            ("信用卡", "zh"),
            ("用卡", "zh"),
            ("卡", "zh"),
            ("用信", ""),
            // Its pieces are all there, but not in this order.
            ("信用卡丢了谢", ""),
            ("キャンセル", "ja"),
            ("โทร", "th"),
            ("नंबर", "hi"),
            ("script", "xss"),
            ("  ", "xss hi th ja zh ar es"),
        ] {
            assert_eq!(searched(&store, words).await, expected, "{words} in {url}");
        }
        let said = store.utterances("xss").await.expect("read");
        assert_eq!(said[0].source, "<script>alert('1')</script>", "as it was said");
        remove(&url).await;
    }
}

#[tokio::test]
async fn what_is_asked_for_is_never_more_than_words() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        keep_said(&store).await;
        let long = "x ".repeat(5_000);
        for words in [
            "\"",
            "*",
            "NEAR(",
            "%",
            "_",
            "'; drop table calls; --",
            "words:number",
            "number OR room)",
            "q & ! | <-> z:*",
            "\\",
            "\0",
            &long,
        ] {
            assert_eq!(searched(&store, words).await, "", "{words:?} in {url}");
            for part in [0, 1, 2] {
                let mut filter = Filter::default();
                let field = [&mut filter.number, &mut filter.agent, &mut filter.language];
                field
                    .into_iter()
                    .nth(part)
                    .expect("a field")
                    .replace(words.to_owned());
                assert_eq!(found(&store, filter).await.len(), 0, "{words:?} in {url}");
            }
        }
        for words in ["number*", "^number", "-number +", "{number}", "\"number"] {
            assert_eq!(searched(&store, words).await, "hi es", "{words:?} in {url}");
        }
        assert_eq!(searched(&store, "\"number\" NEAR/3 'room'").await, "");
        assert_eq!(searched(&store, "100% sure_thing").await, "xss");
        remove(&url).await;
    }
}

#[tokio::test]
async fn words_come_into_the_index_when_a_call_ends_and_leave_it_when_it_is_erased() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        let said = |number: i64, source: &str| {
            Record::Utterance(UtteranceRecord {
                source: source.to_owned(),
                ..utterance("a", Speaker::Caller, number, number)
            })
        };
        let mut record = call("a", "+1", 1_000);
        let begun = [Record::Call(record.clone()), said(1, "alpha")];
        store.write(&begun).await.expect("written");
        assert_eq!(searched(&store, "alpha").await, "", "it still runs");
        record.ended = Some(2_000);
        for _ in 0..2 {
            store
                .write(&[Record::Call(record.clone())])
                .await
                .expect("written");
        }
        assert_eq!(searched(&store, "alpha").await, "a");
        store.write(&[said(2, "omega")]).await.expect("written");
        assert_eq!(searched(&store, "alpha omega").await, "a", "late words too");
        if let Some(path) = url.strip_prefix("sqlite:") {
            assert_eq!(terms(path).await, ["alpha", "omega"]);
        }
        store.erase_call("a").await.expect("erased");
        assert_eq!(searched(&store, "alpha").await, "");
        if let Some(path) = url.strip_prefix("sqlite:") {
            assert_eq!(terms(path).await, [""; 0]);
        }
        remove(&url).await;
    }
}

/// The words that SQLite's index has, but for what `utterance` adds; and it is sound.
async fn terms(path: &str) -> Vec<String> {
    let url = format!("sqlite:{path}");
    let mut connection = SqliteConnection::connect(&url).await.expect("a database");
    for text in [
        "INSERT INTO searched_words (searched_words, rank) VALUES ('integrity-check', 1)",
        "CREATE VIRTUAL TABLE temp.terms USING fts5vocab (main, searched_words, row)",
    ] {
        let done = sqlx::query(text).execute(&mut connection).await;
        done.expect("a sound index");
    }
    let text = "SELECT term FROM temp.terms WHERE term > 'a' AND term < 'z' ORDER BY term";
    let terms = sqlx::query_scalar(text).fetch_all(&mut connection).await;
    terms.expect("the words")
}

#[tokio::test]
async fn calls_that_an_earlier_version_has_left_become_searchable() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        keep_said(&store).await;
        let emptied = Store::new(&url, 1).expect("a store");
        empty_index(&url).await;
        assert_eq!(searched(&emptied, "number").await, "");
        emptied.prepare().await.expect("a schema");
        assert_eq!(searched(&emptied, "number").await, "hi es");
        remove(&url).await;
    }
}

async fn empty_index(url: &str) {
    let mut connection = sqlx::AnyConnection::connect(url).await.expect("a database");
    let text = "DELETE FROM searched".to_owned();
    let done = sqlx::query(AssertSqlSafe(text)).execute(&mut connection).await;
    done.expect("emptied");
}

#[tokio::test]
async fn many_old_calls_are_forgotten_some_at_a_time_and_the_oldest_first() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        let calls = (0..ERASE_MAX + 10).map(|at| call(&format!("{at:04}"), "+1", at as i64));
        keep(&store, calls.collect()).await;
        let mut first = store.erase_before(10_000).await.expect("erased");
        first.sort();
        assert_eq!((first.len(), first[0].as_str()), (ERASE_MAX, "0000"));
        assert_eq!(first[ERASE_MAX - 1], format!("{:04}", ERASE_MAX - 1));
        assert_eq!(store.erase_before(10_000).await.expect("erased").len(), 10);
        assert_eq!(store.erase_before(10_000).await.expect("erased").len(), 0);
        remove(&url).await;
    }
}

#[tokio::test]
async fn whoever_keeps_more_of_a_call_is_told_when_it_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = Arc::new(fresh(&url).await);
        keep(
            &store,
            vec![
                call("old", "+1", 1_000),
                call("new", "+1", duologue::records::unix_ms()),
            ],
        )
        .await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let policy = Policy {
            texts: true,
            redacted: Kinds::NONE,
            days: Some(1),
        };
        let spool = Spool::open(&folder.path().join("spool")).expect("a spool");
        let forgotten =
            Arc::new(move |ids: &[String]| heard.lock().expect("no panic").extend_from_slice(ids));
        let (_queue, writer) =
            Writer::start_telling(Arc::clone(&store), spool, policy, forgotten).expect("a writer");
        tokio::task::spawn_blocking(|| writer.finish())
            .await
            .expect("an end");
        assert_eq!(*told.lock().expect("no panic"), ["old"]);
        assert_eq!(found(&store, Filter::default()).await, ["new"]);
        remove(&url).await;
    }
}
