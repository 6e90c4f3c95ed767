//! An agent's past calls are theirs however the task queue, the desk or an admin has written their name.

#![allow(clippy::expect_used)]

mod databases;

use databases::{call, each_database, fresh, keep, remove};
use duologue::records::figures::Range;
use duologue::records::read::Filter;
use duologue::records::record::CallRecord;
use duologue::records::store::Store;
use sqlx::{AssertSqlSafe, Connection as _};

async fn calls_of(store: &Store, filter: Filter) -> String {
    let page = store.calls(&filter).await.expect("a page");
    let mut calls: Vec<String> = page.calls.into_iter().map(|listed| listed.call.call).collect();
    calls.sort();
    calls.join(" ")
}

#[tokio::test]
async fn an_agents_calls_are_found_by_every_spelling_of_the_name() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        let of = |id: &str, agent: Option<&str>| CallRecord {
            agent: agent.map(str::to_owned),
            talked: Some(2_000),
            ended: Some(3_000),
            ..call(id, "+34600000001", 1_000)
        };
        let calls = vec![
            of("a", Some("Ada@Corp.example")),
            of("b", Some("ada@corp.example")),
            of("c", Some("Renée")),
            of("d", Some("RENE\u{301}E")),
            of("e", Some("Renee")),
            of("f", None),
        ];
        keep(&store, calls).await;
        for round in ["written by us", "written by an earlier version"] {
            for (asked, found) in [
                ("ADA@CORP.EXAMPLE", "a b"),
                ("renée", "c d"),
                ("RENEE", "e"),
                ("ada", ""),
                ("", ""),
            ] {
                let worker = Some(asked.to_owned());
                let own = Filter {
                    worker: worker.clone(),
                    ..Filter::default()
                };
                assert_eq!(calls_of(&store, own).await, found, "{round}: {asked}");
                let both = Filter {
                    agent: worker,
                    worker: Some("Ada@Corp.Example".to_owned()),
                    ..Filter::default()
                };
                let both = calls_of(&store, both).await;
                assert_eq!(both, if found == "a b" { "a b" } else { "" }, "{round}: {asked}");
            }
            let range = Range::new("1970-01-01", "1970-01-01", "UTC").expect("a day");
            let figures = store.figures(&range).await.expect("figures");
            let agents: Vec<_> = figures
                .agents
                .iter()
                .map(|row| (row.key.as_str(), row.offered))
                .collect();
            assert_eq!(agents.len(), 3, "{agents:?}");
            assert!(
                agents.contains(&("Ada@Corp.example", 2)) && agents.contains(&("Renee", 1)),
                "{agents:?}"
            );
            // As it was before spellings were noted.
            let mut connection = sqlx::AnyConnection::connect(&url).await.expect("a connection");
            let forget = sqlx::query(AssertSqlSafe("DELETE FROM workers".to_owned()));
            forget.execute(&mut connection).await.expect("forgotten");
            drop(connection);
            Store::new(&url, 1)
                .expect("a store")
                .prepare()
                .await
                .expect("brought up to date");
        }
        drop(store);
        remove(&url).await;
    }
}
