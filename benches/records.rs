//! What reading records costs with 10,000 calls of 20 utterances each, in a SQLite file that was written as calls write
//! it: a page of the list, a search, one call opened, the figures of a month. Beside criterion's numbers it prints the
//! median and the 95th percentile of each, which are to stay under 100 ms.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use duologue::records::figures::Range;
use duologue::records::read::{Cursor, Filter};
use duologue::records::record::{
    CallRecord, EventRecord, Record, SpanRecord, Speaker, UsageRecord, UtteranceRecord,
};
use duologue::records::store::Store;
use tokio::runtime::Runtime;

/// What is measured, and what is enough to see that the bench runs.
const CALLS: usize = 10_000;
const CALLS_OF_A_TEST: usize = 500;

const UTTERANCES: usize = 20;

/// Calls of a transaction, and calls between two with the rare word.
const BATCH: usize = 100;
const RARE: usize = 1_000;

/// 2026-11-01 in UTC, and a month of milliseconds.
const START: i64 = 1_793_491_200_000;
const MONTH: i64 = 30 * 24 * 3_600_000;

const WORDS: [&str; 40] = [
    "invoice",
    "order",
    "refund",
    "address",
    "delivery",
    "Tuesday",
    "number",
    "account",
    "please",
    "thanks",
    "habitación",
    "reserva",
    "factura",
    "pedido",
    "dirección",
    "cuenta",
    "gracias",
    "martes",
    "número",
    "envío",
    "price",
    "window",
    "garden",
    "train",
    "doctor",
    "receipt",
    "warranty",
    "battery",
    "screen",
    "password",
    "ticket",
    "flight",
    "tariff",
    "meter",
    "contract",
    "signal",
    "router",
    "cable",
    "parcel",
    "courier",
];

/// `cargo bench` says so; `cargo test` says nothing.
fn calls() -> usize {
    if std::env::args().any(|argument| argument == "--bench") {
        CALLS
    } else {
        CALLS_OF_A_TEST
    }
}

struct Bench {
    runtime: Runtime,
    store: Store,
    /// Goes when the bench does.
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("duologue.db");
        let entered = runtime.enter();
        let store = Store::new(&format!("sqlite:{}", path.display()), 2).expect("a store");
        let begun = Instant::now();
        runtime.block_on(async {
            store.prepare().await.expect("a schema");
            for batch in 0..calls() / BATCH {
                // Utterances before the ends of their calls, as they come, and no more binds than SQLite takes.
                let calls = batch * BATCH..(batch + 1) * BATCH;
                for some in calls.clone().flat_map(parts).collect::<Vec<_>>().chunks(1_000) {
                    store.write(some).await.expect("written");
                }
                let ends: Vec<Record> = calls.map(call).collect();
                store.write(&ends).await.expect("written");
            }
        });
        drop(entered);
        let size = std::fs::metadata(&path).map_or(0, |file| file.len());
        println!(
            "{} calls in {:.1?}, {} MB",
            calls(),
            begun.elapsed(),
            size / 1_000_000
        );
        Self {
            runtime,
            store,
            _folder: folder,
        }
    }

    /// Measures something with criterion, and prints its quantiles.
    fn measure(&self, c: &mut Criterion, name: &str, work: impl AsyncFn(&Store) -> usize) {
        let times = RefCell::new(Vec::new());
        c.bench_function(name, |bencher| {
            bencher.iter(|| {
                let begun = Instant::now();
                black_box(self.runtime.block_on(work(&self.store)));
                times.borrow_mut().push(begun.elapsed());
            });
        });
        let mut times = times.into_inner();
        times.sort();
        let at = |part: usize| {
            times
                .get(times.len() * part / 100)
                .copied()
                .unwrap_or(Duration::ZERO)
        };
        let found = self.runtime.block_on(work(&self.store));
        println!(
            "{name}: {found} found; p50 {:.2?}, p95 {:.2?} of {}",
            at(50),
            at(95),
            times.len()
        );
    }
}

fn id(at: usize) -> String {
    format!("{:032x}", at as u128 * 0x9e37_79b9_7f4a_7c15)
}

fn started(at: usize) -> i64 {
    START + at as i64 * (MONTH / CALLS as i64)
}

fn call(at: usize) -> Record {
    let started = started(at);
    let span = |median| {
        Some(SpanRecord {
            median,
            p90: 2 * median,
        })
    };
    Record::Call(CallRecord {
        call: id(at),
        caller_sid: format!("CA{at:032x}"),
        caller_number: format!("+34600{at:06}"),
        service_number: ["+4930123456", "+34910000000"][at % 2].to_owned(),
        caller_language: ["es-ES", "ar-SA", "cmn-CN", "fr-FR"][at % 4].to_owned(),
        agent_language: "en-US".to_owned(),
        agent: (!at.is_multiple_of(10)).then(|| format!("agent{}", at % 25)),
        started,
        accepted: (!at.is_multiple_of(10)).then_some(started + 9_000 + at as i64 % 60_000),
        talked: (!at.is_multiple_of(10)).then_some(started + 10_000 + at as i64 % 60_000),
        ended: Some(started + 190_000),
        class: Some("completed".to_owned()),
        reason: Some("caller_hung_up".to_owned()),
        spans: [span(1_400 + at as i64 % 900), span(1_500 + at as i64 % 700)],
        cost: (!at.is_multiple_of(50)).then_some(180_000),
        ..CallRecord::default()
    })
}

/// What belongs to a call.
fn parts(at: usize) -> Vec<Record> {
    let started = started(at);
    let said = (0..UTTERANCES).map(|number| {
        let text = |shift: usize| {
            let words = (0..9).map(|word| WORDS[(at * 7 + number * 3 + word * word + shift) % WORDS.len()]);
            words.collect::<Vec<_>>().join(" ")
        };
        let rare = if at.is_multiple_of(RARE) && number == 0 {
            " xylophone"
        } else {
            ""
        };
        let spoken = started + 10_000 + number as i64 * 9_000;
        Record::Utterance(UtteranceRecord {
            call: id(at),
            speaker: [Speaker::Caller, Speaker::Agent][number % 2],
            number: number as i64 / 2 + 1,
            engine: Some("prompted".to_owned()),
            source: format!("{}{rare} {at}", text(0)),
            target: if at % 4 == 2 {
                "我想取消我的信用卡".to_owned()
            } else {
                text(20)
            },
            spoken,
            spoken_end: Some(spoken + 3_000),
            heard: Some(spoken + 4_000),
            heard_end: Some(spoken + 7_000),
            onset_span: Some(1_500),
            end_span: Some(900),
            ..UtteranceRecord::default()
        })
    });
    let events = (1..=8).map(|number| {
        Record::Event(EventRecord {
            call: id(at),
            number,
            at: started + number,
            kind: "renewed".to_owned(),
            ..EventRecord::default()
        })
    });
    let usages = [Speaker::Caller, Speaker::Agent].map(|speaker| {
        Record::Usage(UsageRecord {
            call: id(at),
            speaker,
            model: "gpt-realtime-2.1".to_owned(),
            cost: Some(90_000),
            ..UsageRecord::default()
        })
    });
    said.chain(events).chain(usages).collect()
}

fn found(filter: Filter) -> impl AsyncFn(&Store) -> usize {
    async move |store: &Store| store.calls(&filter).await.expect("a page").calls.len()
}

fn reading(c: &mut Criterion) {
    let bench = Bench::new();
    let words = |words: &str| Filter {
        words: Some(words.to_owned()),
        ..Filter::default()
    };
    bench.measure(c, "list_first_page", found(Filter::default()));
    let hundredth = format!("{}.{}", started(CALLS - 99 * 50), id(CALLS - 99 * 50));
    let before: Cursor = hundredth.parse().expect("a cursor");
    let page = Filter {
        before: Some(before),
        ..Filter::default()
    };
    bench.measure(c, "list_page_100", found(page));
    let own = Filter {
        worker: Some("agent7".to_owned()),
        ..Filter::default()
    };
    bench.measure(c, "list_of_an_agent", found(own));
    let number = Filter {
        number: Some("34600 004 2".to_owned()),
        ..Filter::default()
    };
    bench.measure(c, "list_of_a_number", found(number));
    bench.measure(c, "search_rare", found(words("xylophone")));
    bench.measure(c, "search_common", found(words("number")));
    bench.measure(c, "search_common_and_rare", found(words("number please xyl")));
    bench.measure(c, "search_beginning", found(words("re")));
    bench.measure(c, "search_chinese", found(words("信用卡")));
    bench.measure(c, "search_nothing", found(words("antidisestablishmentarianism")));
    bench.measure(c, "open_a_call", async |store| {
        let id = id(321);
        let call = store.call(&id).await.expect("read").expect("there");
        let said = store.utterances(&id).await.expect("read");
        let events = store.events(&id).await.expect("read");
        let usages = store.usages(&id).await.expect("read");
        black_box(call);
        said.len() + events.len() + usages.len()
    });
    bench.measure(c, "figures_of_30_days", async |store| {
        let range = Range::new("2026-11-01", "2026-11-30", "Europe/Berlin").expect("a range");
        store.figures(&range).await.expect("figures").total.offered as usize
    });
    let begun = Instant::now();
    let gone = bench.runtime.block_on(bench.store.erase_before(i64::MAX));
    println!(
        "{} calls forgotten in {:.1?}",
        gone.expect("erased").len(),
        begun.elapsed()
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_millis(500));
    targets = reading
}
criterion_main!(benches);
