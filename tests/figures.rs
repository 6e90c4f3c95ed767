//! Figures of stored calls, in SQLite and in PostgreSQL.

#![allow(clippy::expect_used, clippy::panic)]

mod databases;

use databases::{call, each_database, fresh, keep, remove};
use duologue::records::figures::{Figures, Range, Row};
use duologue::records::record::{CallRecord, SpanRecord};
use duologue::records::store::Store;

/// Noon UTC of a day of 2026.
fn noon(day: &str) -> i64 {
    let at: jiff::Timestamp = format!("{day}T12:00:00Z").parse().expect("a time");
    at.as_millisecond()
}

const HOUR: i64 = 3_600_000;

async fn figures(store: &Store, from: &str, to: &str, zone: &str) -> Figures {
    let range = Range::new(from, to, zone).expect("a range");
    store.figures(&range).await.expect("figures")
}

fn counted(rows: &[Row]) -> String {
    let rows = rows.iter().filter(|row| row.offered + row.refused > 0);
    let told: Vec<_> = rows.map(|row| format!("{} {}", row.key, row.offered)).collect();
    told.join(", ")
}

#[tokio::test]
async fn a_call_counts_on_the_day_and_in_the_hour_of_its_zone() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        // In Berlin the clocks went back from 3 to 2 on 25 October 2026, and that day had 25 hours.
        let day = noon("2026-10-25") - 12 * HOUR;
        let starts = [
            ("a", day - 2 * HOUR - 1),             // 24 October 23:59:59 in Berlin
            ("b", day - 2 * HOUR),                 // 25 October 0:00
            ("c", day + HOUR / 2),                 // 2:30, the first time
            ("d", day + HOUR + HOUR / 2),          // 2:30, the second time
            ("e", day + 23 * HOUR - 1),            // 23:59:59
            ("f", day + 23 * HOUR),                // 26 October 0:00
            ("g", day + 18 * HOUR + HOUR / 2 - 1), // in Kolkata 25 October 23:59:59
        ];
        keep(&store, starts.map(|(id, at)| call(id, "+1", at)).to_vec()).await;
        let berlin = figures(&store, "2026-10-24", "2026-10-26", "Europe/Berlin").await;
        assert_eq!(counted(&berlin.days), "2026-10-24 1, 2026-10-25 5, 2026-10-26 1");
        assert_eq!(counted(&berlin.hours), "00 2, 02 2, 19 1, 23 2");
        let only = figures(&store, "2026-10-25", "2026-10-25", "Europe/Berlin").await;
        assert_eq!(
            (only.total.offered, only.days.len(), only.hours.len()),
            (5, 1, 24)
        );
        assert_eq!(
            counted(&only.languages),
            "es-ES 5",
            "the same range for all groups"
        );
        let kolkata = figures(&store, "2026-10-24", "2026-10-27", "Asia/Kolkata").await;
        assert_eq!(counted(&kolkata.days), "2026-10-25 5, 2026-10-26 2");
        assert_eq!(counted(&kolkata.hours), "03 2, 04 2, 06 1, 07 1, 23 1");
        let keys: Vec<_> = kolkata.days.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, ["2026-10-24", "2026-10-25", "2026-10-26", "2026-10-27"]);
        // Without the hour that the clocks skipped, 29 March had 23.
        let spring = noon("2026-03-29") - 12 * HOUR;
        keep(&store, vec![call("s", "+1", spring + 22 * HOUR)]).await;
        let spring = figures(&store, "2026-03-29", "2026-03-30", "Europe/Berlin").await;
        assert_eq!(
            (counted(&spring.days), counted(&spring.hours)),
            ("2026-03-30 1".into(), "00 1".into())
        );
        remove(&url).await;
    }
}

/// A call that was answered by one of two agents, the later the more slowly.
fn answered(start: i64, at: i64) -> CallRecord {
    let mut made = call(&format!("t{at}"), "+1", start + at);
    made.agent = Some(if at > 3 { "ana" } else { "=ben" }.to_owned());
    made.accepted = Some(start + at + 1_000 * at);
    made.talked = Some(start + at + 20_000);
    made.ended = Some(start + at + 20_000 + 60_000);
    made.cost = (at > 1).then_some(1_000_000);
    made.spans[0] = (at < 4).then_some(SpanRecord {
        median: 100 * at,
        p90: 0,
    });
    made.service_number = "+49".to_owned();
    made
}

#[tokio::test]
async fn figures_tell_who_was_answered_how_long_they_waited_and_what_it_cost() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in each_database(folder.path()).await {
        let store = fresh(&url).await;
        let start = noon("2026-11-20");
        let mut calls: Vec<CallRecord> = (1..=10).map(|at| answered(start, at)).collect();
        let plain = |id: &str| call(id, "+2", start);
        let missed = CallRecord {
            ended: Some(start + 90_000),
            cost: Some(0),
            ..plain("missed")
        };
        let refused = CallRecord {
            ended: Some(start),
            class: Some("service".to_owned()),
            reason: Some("full".to_owned()),
            cost: Some(0),
            ..plain("refused")
        };
        let talking = CallRecord {
            accepted: Some(start + 5_000),
            talked: Some(start + 5_000),
            ..plain("talking")
        };
        calls.extend([missed, refused, talking, plain("waiting")]);
        keep(&store, calls).await;
        let figures = figures(&store, "2026-11-20", "2026-11-20", "UTC").await;
        let expected = Row {
            key: String::new(),
            offered: 13,
            answered: 11,
            missed: 2,
            refused: 1,
            // 1 to 10 s, 90 s, 5 s.
            waiting_ms_mean: Some(12_500),
            waiting_ms_p90: Some(10_000),
            talking_ms_mean: Some(60_000),
            talking_ms_total: 600_000,
            span_caller_median: Some(200),
            span_agent_median: None,
            cost: 9_000_000,
            cost_unknown: 1,
        };
        assert_eq!(figures.total, expected);
        assert_eq!(counted(&figures.agents), "ana 7, =ben 3");
        assert_eq!(counted(&figures.numbers), "+49 10,  3");
        let csv = figures.csv();
        assert!(
            csv.contains("\r\ntotal,,13,11,2,1,12500,10000,60000,600000,200,,9.000000,1\r\n"),
            "{csv}"
        );
        assert!(csv.contains("\r\nagent,'=ben,3,"), "{csv}");
        remove(&url).await;
    }
}
