//! What is read of calls: a page of the list, and one call with all that belongs to it.

use std::fmt;
use std::str::FromStr;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::record::{CallRecord, EventRecord, SpanRecord, Speaker, UsageRecord, UtteranceRecord};
use super::search::Words;
use super::store::Store;

/// Calls of a page, at most and if nothing is asked for.
pub const PAGE_MAX: u32 = 200;
pub const PAGE: u32 = 50;

/// Characters of a condition that are looked at.
const CONDITION_MAX: usize = 200;

/// Which calls are listed: all that meet every condition that is set. Without any, all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Begun at this moment or later, and before that one, in milliseconds since 1970.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// What was said, in either language: all of these words, the last of which may be a beginning only. Calls are found
    /// by their words once they have ended. Blank text is no condition.
    pub words: Option<String>,
    /// Part of the caller's number or of the number that was dialled, with or without spaces and `+`. Blank text is no
    /// condition.
    pub number: Option<String>,
    /// The caller's language, as a tag.
    pub language: Option<String>,
    /// However it is spelt.
    pub agent: Option<String>,
    pub class: Option<String>,
    pub reason: Option<String>,
    /// The calls of this agent only, however spelt, whatever else is asked for: what somebody may see.
    pub worker: Option<String>,
    /// Calls of the page: [`PAGE`] if nothing is said, [`PAGE_MAX`] at most.
    pub limit: Option<u32>,
    /// Where the page before ended.
    pub before: Option<Cursor>,
}

/// A place in the list, between one call and the next older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    started: i64,
    call: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.started, self.call)
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('.')
            .filter(|(_, call)| call.len() <= CONDITION_MAX && !call.contains('\0'));
        let cursor = parts.and_then(|(started, call)| {
            Some(Self {
                started: started.parse().ok()?,
                call: call.to_owned(),
            })
        });
        cursor.ok_or_else(|| "this is no place in the list of calls".to_owned())
    }
}

/// Calls, the newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub calls: Vec<Listed>,
    /// Where older ones begin, if there are any.
    pub next: Option<Cursor>,
}

/// A call in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub call: CallRecord,
    /// How many utterances it has.
    pub utterances: i64,
}

impl Store {
    /// A page of calls, the newest first. Pages that follow each other by their cursors have every call exactly once,
    /// also where several have begun in the same millisecond.
    ///
    /// # Errors
    /// The database is away.
    pub async fn calls(&self, filter: &Filter) -> Result<Page, sqlx::Error> {
        let limit = filter.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
        let mut agents = Vec::new();
        for agent in [&filter.agent, &filter.worker].into_iter().flatten() {
            agents.push(self.spellings(&clean(agent)).await?);
        }
        let Some(conditions) = self.conditions(filter, agents) else {
            return Ok(Page {
                calls: Vec::new(),
                next: None,
            });
        };
        let text = format!(
            "SELECT p.*, (SELECT COUNT(*) FROM utterances u WHERE u.call = p.id) AS said FROM \
             (SELECT * FROM calls c{} ORDER BY c.started DESC, c.id DESC LIMIT {}) p ORDER BY p.started DESC, p.id DESC",
            conditions.text,
            limit + 1
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for value in conditions.values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
            };
        }
        let rows = query.fetch_all(&self.pool).await?;
        let listed = |row: &AnyRow| -> Result<Listed, sqlx::Error> {
            Ok(Listed {
                call: read_call(row)?,
                utterances: row.try_get("said")?,
            })
        };
        let more = rows.len() > limit as usize;
        let calls: Vec<Listed> = rows
            .iter()
            .take(limit as usize)
            .map(listed)
            .collect::<Result<_, _>>()?;
        let next = calls.last().filter(|_| more).map(|last| Cursor {
            started: last.call.started,
            call: last.call.call.clone(),
        });
        Ok(Page { calls, next })
    }

    /// `None` if no call can meet them. `agents`: the spellings of each that was asked for.
    fn conditions(&self, filter: &Filter, agents: Vec<Vec<String>>) -> Option<Conditions> {
        let mut all = Conditions::default();
        if let Some(from) = filter.from {
            let from = all.number(from);
            all.and(&format!("c.started >= {from}"));
        }
        if let Some(to) = filter.to {
            let to = all.number(to);
            all.and(&format!("c.started < {to}"));
        }
        for (column, wanted) in [
            ("caller_language", &filter.language),
            ("class", &filter.class),
            ("reason", &filter.reason),
        ] {
            if let Some(wanted) = wanted {
                let wanted = all.text(clean(wanted));
                all.and(&format!("c.{column} = {wanted}"));
            }
        }
        for spellings in agents {
            if spellings.is_empty() {
                return None;
            }
            let places: Vec<String> = spellings.into_iter().map(|name| all.text(name)).collect();
            all.and(&format!("c.agent IN ({})", places.join(", ")));
        }
        if let Some(number) = filled(filter.number.as_deref()) {
            let number = bare_number(&clean(number));
            if number.is_empty() {
                return None;
            }
            let part = all.text(format!("%{}%", escaped(&number.to_lowercase())));
            all.and(&format!(
                "(LOWER(c.caller_number) LIKE {part} ESCAPE '\\' OR LOWER(c.service_number) LIKE {part} ESCAPE '\\')"
            ));
        }
        if let Some(words) = filled(filter.words.as_deref()) {
            let words = Words::of(&clean(words))?;
            let wanted = all.text(words.wanted(self.sqlite));
            all.and(&Words::condition(self.sqlite, &wanted));
            for run in words.runs {
                let run = all.text(format!("%{run}%"));
                all.and(&Words::run_condition(&run));
            }
        }
        if let Some(Cursor { started, call }) = &filter.before {
            let (started, call) = (all.number(*started), all.text(call.clone()));
            all.and(&format!("(c.started, c.id) < ({started}, {call})"));
        }
        Some(all)
    }

    /// A call by its id.
    ///
    /// # Errors
    /// The database is away.
    pub async fn call(&self, id: &str) -> Result<Option<CallRecord>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM calls WHERE id = $1").bind(id);
        row.fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(read_call)
            .transpose()
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

    /// Begins to read what was said in a call, in pieces.
    pub fn said(&self, call: &str) -> Said {
        Said {
            store: self.clone(),
            call: call.to_owned(),
            after: (i64::MIN, String::new(), 0),
            rows: PIECE_ROWS,
        }
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
}

/// Utterances of a piece: at first, and at most.
const PIECE_ROWS: usize = 16;
const PIECE_ROWS_MAX: usize = 1_024;

/// Bytes of text that a piece has, or about.
const PIECE_BYTES: usize = 64 * 1_024;

/// What was said in a call, read piece by piece: no connection is held between two of them.
#[derive(Debug)]
pub struct Said {
    store: Store,
    call: String,
    /// When the last one was spoken, by whom, and its number.
    after: (i64, String, i64),
    rows: usize,
}

impl Said {
    /// The next piece, in the order in which it was spoken. An empty one is the last.
    ///
    /// # Errors
    /// The database is away.
    pub async fn next(&mut self) -> Result<Vec<UtteranceRecord>, sqlx::Error> {
        let (spoken, speaker, number) = self.after.clone();
        let text = format!(
            "SELECT * FROM utterances WHERE call = $1 AND (spoken, speaker, number) > ($2, $3, $4) \
             ORDER BY spoken, speaker, number LIMIT {}",
            self.rows
        );
        let query = sqlx::query(AssertSqlSafe(text)).bind(self.call.clone());
        let query = query.bind(spoken).bind(speaker).bind(number);
        let rows = query.fetch_all(&self.store.pool).await?;
        let piece: Vec<UtteranceRecord> = rows.into_iter().map(read_utterance).collect::<Result<_, _>>()?;
        if let Some(last) = piece.last() {
            self.after = (last.spoken, last.speaker.name().to_owned(), last.number);
            let bytes: usize = piece.iter().map(|one| one.source.len() + one.target.len()).sum();
            self.rows = (piece.len() * PIECE_BYTES / bytes.max(1)).clamp(1, PIECE_ROWS_MAX);
        }
        Ok(piece)
    }
}

/// What stands after `WHERE`, with its values beside it: what somebody asks for never becomes part of the text.
#[derive(Default)]
struct Conditions {
    text: String,
    values: Vec<Value>,
}

enum Value {
    Text(String),
    Number(i64),
}

impl Conditions {
    fn and(&mut self, condition: &str) {
        self.text
            .push_str(if self.text.is_empty() { " WHERE " } else { " AND " });
        self.text.push_str(condition);
    }

    /// Keeps a value; how it is named in a condition.
    fn text(&mut self, text: String) -> String {
        self.values.push(Value::Text(text));
        format!("${}", self.values.len())
    }

    fn number(&mut self, number: i64) -> String {
        self.values.push(Value::Number(number));
        format!("${}", self.values.len())
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

/// What of a condition is looked at. PostgreSQL has no NUL in texts.
fn clean(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(CONDITION_MAX).collect()
}

/// A number as it is compared: without spaces and punctuation, and without `+` or `00` before it. What has letters is
/// no number but a name, and stays.
pub(super) fn bare_number(number: &str) -> String {
    let number = number.trim();
    if number.contains(char::is_alphabetic) {
        return number.to_owned();
    }
    let plain = |c: &char| !c.is_whitespace() && !"+()-./".contains(*c);
    let bare: String = number.chars().filter(plain).collect();
    bare.strip_prefix("00").map(str::to_owned).unwrap_or(bare)
}

/// A text in which `LIKE` finds nothing but the text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn read_call(row: &AnyRow) -> Result<CallRecord, sqlx::Error> {
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
        service_number: row.try_get("service_number")?,
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
        instance: None,
    })
}

fn read_utterance(row: AnyRow) -> Result<UtteranceRecord, sqlx::Error> {
    let speaker: String = row.try_get("speaker")?;
    let (cut, typed): (i64, i64) = (row.try_get("cut")?, row.try_get("typed")?);
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
        typed: typed != 0,
        source_language: row.try_get("source_language")?,
        target_language: row.try_get("target_language")?,
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
