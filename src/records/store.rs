//! The database of records: SQLite, or PostgreSQL by its URL, with one text of SQL for both.

use std::fmt::Write as _;
use std::time::Duration;

use sqlx::any::{AnyArguments, AnyPoolOptions, AnyQueryResult, AnyRow};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::query::Query;
use sqlx::{Any, AnyPool, AssertSqlSafe, Executor as _, Row as _, SqlSafeStr as _};

use super::record::{CallRecord, EventRecord, Record, SpanRecord, Speaker, UsageRecord, UtteranceRecord};

/// A database that does not answer for so long is away.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Time for bringing the schema up to date, with waiting for another instance that does it.
const PREPARE_MAX: Duration = Duration::from_secs(60);

/// Migrations, in their order. One that was ever released does not change any more.
const MIGRATIONS: [(i64, &str, &str); 2] = [
    (1, "records", include_str!("schema/0001_records.sql")),
    (2, "desk", include_str!("schema/0002_desk.sql")),
];

/// A pool of connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
}

impl Store {
    /// The database of a URL: `sqlite:<file>`, which is made if need be, or `postgres://…`. It is not asked for anything
    /// yet.
    ///
    /// # Errors
    /// The URL is none of these.
    pub fn new(url: &str, connections: u32) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let sqlite = url.starts_with("sqlite:");
        let mut full = url.to_owned();
        if sqlite && !url.contains("mode=") && !url.contains(":memory:") {
            full.push_str(if url.contains('?') {
                "&mode=rwc"
            } else {
                "?mode=rwc"
            });
        }
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ANSWER_MAX)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        // Readers do not stop the writer, and a power failure costs the last moments at most.
                        for pragma in [
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = NORMAL",
                            "PRAGMA busy_timeout = 5000",
                        ] {
                            connection.execute(pragma).await?;
                        }
                    }
                    Ok(())
                })
            })
            .connect_lazy(&full)?;
        Ok(Self { pool })
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// The database is away, or its schema is another program's.
    pub async fn prepare(&self) -> Result<(), sqlx::Error> {
        let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
            let sql = sql.into_sql_str();
            Migration::new(*version, (*name).into(), MigrationType::Simple, sql, false)
        });
        let migrator = Migrator::with_migrations(migrations.collect());
        match tokio::time::timeout(PREPARE_MAX, migrator.run(&self.pool)).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Writes all of them or none.
    ///
    /// # Errors
    /// The database is away, slow, or refuses one of them.
    pub async fn write(&self, records: &[Record]) -> Result<(), sqlx::Error> {
        let writing = async {
            let mut transaction = self.pool.begin().await?;
            Sorted::of(records).write(&mut transaction).await?;
            transaction.commit().await
        };
        tokio::time::timeout(ANSWER_MAX, writing)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// A call by its id.
    ///
    /// # Errors
    /// The database is away.
    pub async fn call(&self, id: &str) -> Result<Option<CallRecord>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM calls WHERE id = $1").bind(id);
        row.fetch_optional(&self.pool).await?.map(read_call).transpose()
    }

    /// What was said in a call, in the order in which it was spoken.
    ///
    /// # Errors
    /// The database is away.
    pub async fn utterances(&self, call: &str) -> Result<Vec<UtteranceRecord>, sqlx::Error> {
        let text = "SELECT * FROM utterances WHERE call = $1 ORDER BY spoken, speaker, number";
        let rows = sqlx::query(text).bind(call).fetch_all(&self.pool).await?;
        rows.into_iter().map(read_utterance).collect()
    }

    /// What happened in a call.
    ///
    /// # Errors
    /// The database is away.
    pub async fn events(&self, call: &str) -> Result<Vec<EventRecord>, sqlx::Error> {
        let text = "SELECT * FROM events WHERE call = $1 ORDER BY number";
        let rows = sqlx::query(text).bind(call).fetch_all(&self.pool).await?;
        rows.into_iter().map(read_event).collect()
    }

    /// What models did in a call.
    ///
    /// # Errors
    /// The database is away.
    pub async fn usages(&self, call: &str) -> Result<Vec<UsageRecord>, sqlx::Error> {
        let text = "SELECT * FROM usages WHERE call = $1 ORDER BY speaker, model";
        let rows = sqlx::query(text).bind(call).fetch_all(&self.pool).await?;
        rows.into_iter().map(read_usage).collect()
    }

    /// Forgets a call and all that was said in it; how many calls that were.
    ///
    /// # Errors
    /// The database is away; then nothing is forgotten.
    pub async fn erase_call(&self, id: &str) -> Result<u64, sqlx::Error> {
        self.erase(Calls::Id(id)).await
    }

    /// Forgets all calls from a number.
    ///
    /// # Errors
    /// The database is away; then nothing is forgotten.
    pub async fn erase_number(&self, number: &str) -> Result<u64, sqlx::Error> {
        self.erase(Calls::Number(number)).await
    }

    /// Forgets all calls that began before this moment.
    ///
    /// # Errors
    /// The database is away; then nothing is forgotten.
    pub async fn erase_before(&self, moment: i64) -> Result<u64, sqlx::Error> {
        self.erase(Calls::Before(moment)).await
    }

    async fn erase(&self, which: Calls<'_>) -> Result<u64, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        for text in which.parts() {
            which.run(text, &mut transaction).await?;
        }
        let done = which.run(which.calls(), &mut transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}

/// Which calls are erased.
#[derive(Clone, Copy)]
enum Calls<'a> {
    Id(&'a str),
    Number(&'a str),
    Before(i64),
}

impl Calls<'_> {
    fn parts(self) -> [&'static str; 3] {
        match self {
            Self::Id(_) => [
                "DELETE FROM utterances WHERE call = $1",
                "DELETE FROM events WHERE call = $1",
                "DELETE FROM usages WHERE call = $1",
            ],
            Self::Number(_) => [
                "DELETE FROM utterances WHERE call IN (SELECT id FROM calls WHERE caller_number = $1)",
                "DELETE FROM events WHERE call IN (SELECT id FROM calls WHERE caller_number = $1)",
                "DELETE FROM usages WHERE call IN (SELECT id FROM calls WHERE caller_number = $1)",
            ],
            Self::Before(_) => [
                "DELETE FROM utterances WHERE call IN (SELECT id FROM calls WHERE started < $1)",
                "DELETE FROM events WHERE call IN (SELECT id FROM calls WHERE started < $1)",
                "DELETE FROM usages WHERE call IN (SELECT id FROM calls WHERE started < $1)",
            ],
        }
    }

    fn calls(self) -> &'static str {
        match self {
            Self::Id(_) => "DELETE FROM calls WHERE id = $1",
            Self::Number(_) => "DELETE FROM calls WHERE caller_number = $1",
            Self::Before(_) => "DELETE FROM calls WHERE started < $1",
        }
    }

    async fn run(
        self,
        text: &'static str,
        transaction: &mut sqlx::Transaction<'_, Any>,
    ) -> Result<AnyQueryResult, sqlx::Error> {
        let query = sqlx::query(text);
        let query = match self {
            Self::Id(text) | Self::Number(text) => query.bind(text.to_owned()),
            Self::Before(moment) => query.bind(moment),
        };
        query.execute(&mut **transaction).await
    }
}

/// The records of a transaction, by their tables: a statement for each table costs far less than one for each record.
#[derive(Default)]
struct Sorted<'a> {
    /// The last of each call.
    calls: Vec<&'a CallRecord>,
    utterances: Vec<&'a UtteranceRecord>,
    events: Vec<&'a EventRecord>,
    usages: Vec<&'a UsageRecord>,
    broken: Vec<(&'a str, i64, &'a str, &'a str)>,
}

impl<'a> Sorted<'a> {
    fn of(records: &'a [Record]) -> Self {
        let mut sorted = Self::default();
        for record in records {
            match record {
                Record::Call(call) => {
                    sorted.calls.retain(|before| before.call != call.call);
                    sorted.calls.push(call);
                }
                Record::Utterance(utterance) => sorted.utterances.push(utterance),
                Record::Event(event) => sorted.events.push(event),
                Record::Usage(usage) => sorted.usages.push(usage),
                Record::Broken {
                    call,
                    ended,
                    class,
                    reason,
                } => sorted.broken.push((call, *ended, class, reason)),
            }
        }
        sorted
    }

    async fn write(&self, transaction: &mut sqlx::Transaction<'_, Any>) -> Result<(), sqlx::Error> {
        for statement in [
            (!self.calls.is_empty()).then(|| write_calls(&self.calls)),
            (!self.utterances.is_empty()).then(|| write_utterances(&self.utterances)),
            (!self.events.is_empty()).then(|| write_events(&self.events)),
            (!self.usages.is_empty()).then(|| write_usages(&self.usages)),
        ]
        .into_iter()
        .flatten()
        {
            statement.execute(&mut **transaction).await?;
        }
        for &(call, ended, class, reason) in &self.broken {
            sqlx::query("UPDATE calls SET ended = $2, class = $3, reason = $4 WHERE id = $1")
                .bind(call.to_owned())
                .bind(ended)
                .bind(class.to_owned())
                .bind(reason.to_owned())
                .execute(&mut **transaction)
                .await?;
        }
        Ok(())
    }
}

type Statement = Query<'static, Any, AnyArguments>;

/// A statement that inserts so many rows of so many columns. Only numbers are put into its text.
fn rows(insert: &str, columns: usize, count: usize, conflict: &str) -> Statement {
    let mut text = insert.to_owned();
    for row in 0..count {
        text.push_str(if row == 0 { "VALUES (" } else { ", (" });
        for column in 1..=columns {
            let comma = if column == 1 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}${}", row * columns + column);
        }
        text.push(')');
    }
    text.push_str(conflict);
    sqlx::query(AssertSqlSafe(text)).persistent(false)
}

fn write_calls(calls: &[&CallRecord]) -> Statement {
    let insert = "INSERT INTO calls (id, caller_sid, caller_number, caller_language, agent_language, agent, started, accepted, \
         talked, ended, class, reason, caller_span_median, caller_span_p90, agent_span_median, agent_span_p90, lost_ms, \
         repeated, dropped_ms, cost, prices) ";
    let conflict = " ON CONFLICT (id) DO UPDATE SET caller_language = excluded.caller_language, \
         agent_language = excluded.agent_language, agent = excluded.agent, accepted = excluded.accepted, \
         talked = excluded.talked, ended = excluded.ended, class = excluded.class, reason = excluded.reason, \
         caller_span_median = excluded.caller_span_median, caller_span_p90 = excluded.caller_span_p90, \
         agent_span_median = excluded.agent_span_median, agent_span_p90 = excluded.agent_span_p90, \
         lost_ms = excluded.lost_ms, repeated = excluded.repeated, dropped_ms = excluded.dropped_ms, \
         cost = excluded.cost, prices = excluded.prices";
    let mut statement = rows(insert, 21, calls.len(), conflict);
    for call in calls {
        let [caller, agent] = call.spans;
        statement = statement
            .bind(call.call.clone())
            .bind(call.caller_sid.clone())
            .bind(call.caller_number.clone())
            .bind(call.caller_language.clone())
            .bind(call.agent_language.clone())
            .bind(call.agent.clone())
            .bind(call.started)
            .bind(call.accepted)
            .bind(call.talked)
            .bind(call.ended)
            .bind(call.class.clone())
            .bind(call.reason.clone())
            .bind(caller.map(|span| span.median))
            .bind(caller.map(|span| span.p90))
            .bind(agent.map(|span| span.median))
            .bind(agent.map(|span| span.p90))
            .bind(call.lost_ms)
            .bind(call.repeated)
            .bind(call.dropped_ms)
            .bind(call.cost)
            .bind(call.prices.clone());
    }
    statement
}

fn write_utterances(utterances: &[&UtteranceRecord]) -> Statement {
    let insert = "INSERT INTO utterances (call, speaker, number, engine, source, target, spoken, spoken_end, heard, heard_end, \
         cut, onset_span, end_span) ";
    let conflict = " ON CONFLICT (call, speaker, number) DO NOTHING";
    let mut statement = rows(insert, 13, utterances.len(), conflict);
    for utterance in utterances {
        statement = statement
            .bind(utterance.call.clone())
            .bind(utterance.speaker.name())
            .bind(utterance.number)
            .bind(utterance.engine.clone())
            .bind(utterance.source.clone())
            .bind(utterance.target.clone())
            .bind(utterance.spoken)
            .bind(utterance.spoken_end)
            .bind(utterance.heard)
            .bind(utterance.heard_end)
            .bind(i64::from(utterance.cut))
            .bind(utterance.onset_span)
            .bind(utterance.end_span);
    }
    statement
}

fn write_events(events: &[&EventRecord]) -> Statement {
    let insert = "INSERT INTO events (call, number, at, kind, speaker, detail) ";
    let conflict = " ON CONFLICT (call, number) DO NOTHING";
    let mut statement = rows(insert, 6, events.len(), conflict);
    for event in events {
        statement = statement
            .bind(event.call.clone())
            .bind(event.number)
            .bind(event.at)
            .bind(event.kind.clone())
            .bind(event.speaker.map(Speaker::name))
            .bind(event.detail.clone());
    }
    statement
}

fn write_usages(usages: &[&UsageRecord]) -> Statement {
    let insert = "INSERT INTO usages (call, speaker, model, text_in, text_in_cached, audio_in, audio_in_cached, text_out, \
         audio_out, audio_ms, transcribed_ms, cost) ";
    let conflict = " ON CONFLICT (call, speaker, model) DO NOTHING";
    let mut statement = rows(insert, 12, usages.len(), conflict);
    for usage in usages {
        statement = statement
            .bind(usage.call.clone())
            .bind(usage.speaker.name())
            .bind(usage.model.clone())
            .bind(usage.text_in)
            .bind(usage.text_in_cached)
            .bind(usage.audio_in)
            .bind(usage.audio_in_cached)
            .bind(usage.text_out)
            .bind(usage.audio_out)
            .bind(usage.audio_ms)
            .bind(usage.transcribed_ms)
            .bind(usage.cost);
    }
    statement
}

fn read_call(row: AnyRow) -> Result<CallRecord, sqlx::Error> {
    let span = |median, p90| -> Result<Option<SpanRecord>, sqlx::Error> {
        let (median, p90): (Option<i64>, Option<i64>) = (row.try_get(median)?, row.try_get(p90)?);
        Ok(median.zip(p90).map(|(median, p90)| SpanRecord { median, p90 }))
    };
    let spans = [
        span("caller_span_median", "caller_span_p90")?,
        span("agent_span_median", "agent_span_p90")?,
    ];
    Ok(CallRecord {
        call: row.try_get("id")?,
        caller_sid: row.try_get("caller_sid")?,
        caller_number: row.try_get("caller_number")?,
        caller_language: row.try_get("caller_language")?,
        agent_language: row.try_get("agent_language")?,
        agent: row.try_get("agent")?,
        started: row.try_get("started")?,
        accepted: row.try_get("accepted")?,
        talked: row.try_get("talked")?,
        ended: row.try_get("ended")?,
        class: row.try_get("class")?,
        reason: row.try_get("reason")?,
        spans,
        lost_ms: row.try_get("lost_ms")?,
        repeated: row.try_get("repeated")?,
        dropped_ms: row.try_get("dropped_ms")?,
        cost: row.try_get("cost")?,
        prices: row.try_get("prices")?,
    })
}

fn read_utterance(row: AnyRow) -> Result<UtteranceRecord, sqlx::Error> {
    let speaker: String = row.try_get("speaker")?;
    let cut: i64 = row.try_get("cut")?;
    Ok(UtteranceRecord {
        call: row.try_get("call")?,
        speaker: Speaker::named(&speaker),
        number: row.try_get("number")?,
        engine: row.try_get("engine")?,
        source: row.try_get("source")?,
        target: row.try_get("target")?,
        spoken: row.try_get("spoken")?,
        spoken_end: row.try_get("spoken_end")?,
        heard: row.try_get("heard")?,
        heard_end: row.try_get("heard_end")?,
        cut: cut != 0,
        onset_span: row.try_get("onset_span")?,
        end_span: row.try_get("end_span")?,
    })
}

fn read_event(row: AnyRow) -> Result<EventRecord, sqlx::Error> {
    let speaker: Option<String> = row.try_get("speaker")?;
    Ok(EventRecord {
        call: row.try_get("call")?,
        number: row.try_get("number")?,
        at: row.try_get("at")?,
        kind: row.try_get("kind")?,
        speaker: speaker.as_deref().map(Speaker::named),
        detail: row.try_get("detail")?,
    })
}

fn read_usage(row: AnyRow) -> Result<UsageRecord, sqlx::Error> {
    let speaker: String = row.try_get("speaker")?;
    Ok(UsageRecord {
        call: row.try_get("call")?,
        speaker: Speaker::named(&speaker),
        model: row.try_get("model")?,
        text_in: row.try_get("text_in")?,
        text_in_cached: row.try_get("text_in_cached")?,
        audio_in: row.try_get("audio_in")?,
        audio_in_cached: row.try_get("audio_in_cached")?,
        text_out: row.try_get("text_out")?,
        audio_out: row.try_get("audio_out")?,
        audio_ms: row.try_get("audio_ms")?,
        transcribed_ms: row.try_get("transcribed_ms")?,
        cost: row.try_get("cost")?,
    })
}
