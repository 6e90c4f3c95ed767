//! Records on their way into their tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use super::pool::Transaction;
use super::record::{CallRecord, EventRecord, Record, Speaker, UsageRecord, UtteranceRecord};

/// The records of a transaction, by their tables: a statement for each table costs far less than one for each record.
#[derive(Default)]
pub(super) struct Sorted<'a> {
    /// The last of each call.
    calls: Vec<&'a CallRecord>,
    utterances: Vec<&'a UtteranceRecord>,
    events: Vec<&'a EventRecord>,
    usages: Vec<&'a UsageRecord>,
    broken: Vec<(&'a str, i64, &'a str, &'a str)>,
}

impl<'a> Sorted<'a> {
    pub fn of(records: &[&'a Record]) -> Self {
        let mut sorted = Self::default();
        for record in records.iter().copied() {
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

    pub async fn write(&self, sqlite: bool, transaction: &mut Transaction) -> Result<(), sqlx::Error> {
        for statement in [
            (!self.calls.is_empty()).then(|| write_calls(sqlite, &self.calls)),
            (!self.utterances.is_empty()).then(|| write_utterances(sqlite, &self.utterances)),
            (!self.events.is_empty()).then(|| write_events(sqlite, &self.events)),
            (!self.usages.is_empty()).then(|| write_usages(sqlite, &self.usages)),
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

    /// The agents of the calls.
    pub fn agents(&self) -> BTreeSet<&'a str> {
        self.calls
            .iter()
            .filter_map(|call| call.agent.as_deref())
            .collect()
    }

    /// The calls whose words may have changed, or that may have ended.
    pub fn touched(&self) -> BTreeSet<&'a str> {
        let said = self.utterances.iter().map(|utterance| utterance.call.as_str());
        let ended = self.calls.iter().filter(|call| call.ended.is_some());
        let ended = ended.map(|call| call.call.as_str());
        said.chain(ended)
            .chain(self.broken.iter().map(|(call, ..)| *call))
            .collect()
    }
}

/// So many places for values, as they stand between the brackets of `IN`. SQLite looks each named one up among all the
/// others, which takes long, so it gets them without names.
pub(super) fn places(sqlite: bool, count: usize) -> String {
    let all = (1..=count).map(|place| match sqlite {
        true => "?".to_owned(),
        false => format!("${place}"),
    });
    all.collect::<Vec<_>>().join(", ")
}

type Statement = Query<'static, Any, AnyArguments>;

/// A statement that inserts so many rows of so many columns. Only places are put into its text: SQLite looks each named
/// one up among all the others, which takes longer than all the rest, so it gets them without names.
fn rows(sqlite: bool, insert: &str, (columns, count): (usize, usize), conflict: &str) -> Statement {
    let mut text = insert.to_owned();
    for row in 0..count {
        text.push_str(if row == 0 { "VALUES (" } else { ", (" });
        for column in 1..=columns {
            let comma = if column == 1 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = match sqlite {
                true => write!(text, "{comma}?"),
                false => write!(text, "{comma}${}", row * columns + column),
            };
        }
        text.push(')');
    }
    text.push_str(conflict);
    sqlx::query(AssertSqlSafe(text)).persistent(false)
}

fn write_calls(sqlite: bool, calls: &[&CallRecord]) -> Statement {
    let insert = "INSERT INTO calls (id, caller_sid, caller_number, caller_language, agent_language, agent, started, accepted, \
         talked, ended, class, reason, caller_span_median, caller_span_p90, agent_span_median, agent_span_p90, lost_ms, \
         repeated, dropped_ms, cost, prices, service_number, instance) ";
    let conflict = " ON CONFLICT (id) DO UPDATE SET caller_language = excluded.caller_language, \
         agent_language = excluded.agent_language, agent = excluded.agent, accepted = excluded.accepted, \
         talked = excluded.talked, ended = excluded.ended, class = excluded.class, reason = excluded.reason, \
         caller_span_median = excluded.caller_span_median, caller_span_p90 = excluded.caller_span_p90, \
         agent_span_median = excluded.agent_span_median, agent_span_p90 = excluded.agent_span_p90, \
         lost_ms = excluded.lost_ms, repeated = excluded.repeated, dropped_ms = excluded.dropped_ms, \
         cost = excluded.cost, prices = excluded.prices";
    let mut statement = rows(sqlite, insert, (23, calls.len()), conflict);
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
            .bind(call.prices.clone())
            .bind(call.service_number.clone())
            .bind(call.instance.clone());
    }
    statement
}

fn write_utterances(sqlite: bool, utterances: &[&UtteranceRecord]) -> Statement {
    let insert = "INSERT INTO utterances (call, speaker, number, engine, source, target, spoken, spoken_end, heard, heard_end, \
         cut, onset_span, end_span, typed, source_language, target_language) ";
    let conflict = " ON CONFLICT (call, speaker, number) DO NOTHING";
    let mut statement = rows(sqlite, insert, (16, utterances.len()), conflict);
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
            .bind(utterance.end_span)
            .bind(i64::from(utterance.typed))
            .bind(utterance.source_language.clone())
            .bind(utterance.target_language.clone());
    }
    statement
}

fn write_events(sqlite: bool, events: &[&EventRecord]) -> Statement {
    let insert = "INSERT INTO events (call, number, at, kind, speaker, detail) ";
    let conflict = " ON CONFLICT (call, number) DO NOTHING";
    let mut statement = rows(sqlite, insert, (6, events.len()), conflict);
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

fn write_usages(sqlite: bool, usages: &[&UsageRecord]) -> Statement {
    let insert = "INSERT INTO usages (call, speaker, model, text_in, text_in_cached, audio_in, audio_in_cached, text_out, \
         audio_out, audio_ms, transcribed_ms, cost) ";
    let conflict = " ON CONFLICT (call, speaker, model) DO NOTHING";
    let mut statement = rows(sqlite, insert, (12, usages.len()), conflict);
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
