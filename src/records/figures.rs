//! Figures of calls over a range of days: how many came, how long people waited and talked, how late translations were
//! heard, what it cost.
//!
//! - *offered*: every call but the refused ones (reason `full`), which are counted by themselves. A call that still runs
//!   is offered, and answered once its parties talk.
//! - *answered*: both parties were connected. *missed*: offered and not answered, or not yet.
//! - *waiting*: from a call's beginning to its acceptance, or to its end if nobody accepted. Calls that still wait have
//!   none yet. *talking*: from the connection to the end of a call that has ended.
//! - *spans*: the median of the calls' medians, onset to first translated sound, by speaker.
//! - *cost*: the sum of what is known; `cost_unknown` counts calls that ended with a cost that is not.
//!
//! A call belongs to the day and the hour in which it began, in the zone that is asked for.
//!
//! The database counts and sums, by quarters of an hour (every zone's offset is a multiple of that) and by language,
//! agent and number. Quantiles need the values themselves: it strings them together in the same groups, so that a
//! hundred thousand calls come as some thousand rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::csv;
use super::store::Store;
use crate::name::fold;

/// Days of a range.
pub const DAYS_MAX: usize = 400;

const QUARTER_MS: i64 = 15 * 60 * 1_000;

/// Whole days in a zone, both ends included.
#[derive(Clone, Debug)]
pub struct Range {
    from: Date,
    to: Date,
    zone: TimeZone,
    name: String,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum FiguresError {
    #[error("{0:?} is no day such as 2026-11-21")]
    Day(String),
    #[error("the range ends before it begins, or has more than {DAYS_MAX} days")]
    Range,
    #[error("{0:?} is no time zone such as Europe/Berlin")]
    Zone(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl FiguresError {
    /// Whether whoever asked has to ask otherwise.
    pub fn is_asked_wrongly(&self) -> bool {
        !matches!(self, Self::Database(_))
    }
}

impl Range {
    /// From one day to another, such as `2026-11-21`, in a zone of the IANA's list.
    ///
    /// # Errors
    /// A day cannot be read, the zone is not known, or the range is empty or too long.
    pub fn new(from: &str, to: &str, zone: &str) -> Result<Self, FiguresError> {
        let shown = |text: &str| text.chars().take(40).collect::<String>();
        let day = |text: &str| {
            let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
            date.ok_or_else(|| FiguresError::Day(shown(text)))
        };
        let (from, to) = (day(from)?, day(to)?);
        let found = TimeZone::get(zone).map_err(|_| FiguresError::Zone(shown(zone)))?;
        let range = Self {
            from,
            to,
            zone: found,
            name: zone.to_owned(),
        };
        if range.days().is_empty() || range.days().len() > DAYS_MAX {
            return Err(FiguresError::Range);
        }
        Ok(range)
    }

    /// The days, one more than allowed at most.
    fn days(&self) -> Vec<Date> {
        let days = self.from.series(jiff::Span::new().days(1));
        days.take_while(|day| *day <= self.to)
            .take(DAYS_MAX + 1)
            .collect()
    }

    /// Its first moment and the first after it, in milliseconds since 1970.
    fn moments(&self) -> Result<(i64, i64), FiguresError> {
        let start = |day: Date| {
            let midnight = day.to_zoned(self.zone.clone());
            midnight.map(|midnight| midnight.timestamp().as_millisecond())
        };
        let after = self.to.tomorrow().and_then(start);
        start(self.from)
            .and_then(|from| Ok((from, after?)))
            .map_err(|_| FiguresError::Range)
    }
}

/// Figures of a range of days.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Figures {
    /// The first and the last day.
    pub from: String,
    pub to: String,
    pub zone: String,
    /// Of all costs, which are in millionths.
    pub currency: &'static str,
    pub total: Row,
    /// Every day of the range, also without calls, and the 24 hours of a day.
    pub days: Vec<Row>,
    pub hours: Vec<Row>,
    /// By the caller's language, by agent, and by the number that was dialled; the most calls first. Calls without an
    /// agent are in no agent's row; calls of versions that did not note the number have an empty one.
    pub languages: Vec<Row>,
    pub agents: Vec<Row>,
    pub numbers: Vec<Row>,
}

/// Figures of some calls. Times are milliseconds, costs millionths of a US dollar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Row {
    /// A day, an hour, a language, an agent, a number.
    pub key: String,
    pub offered: i64,
    pub answered: i64,
    pub missed: i64,
    pub refused: i64,
    pub waiting_ms_mean: Option<i64>,
    pub waiting_ms_p90: Option<i64>,
    pub talking_ms_mean: Option<i64>,
    pub talking_ms_total: i64,
    pub span_caller_median: Option<i64>,
    pub span_agent_median: Option<i64>,
    pub cost: i64,
    pub cost_unknown: i64,
}

impl Store {
    /// Figures of the calls that began in a range of days.
    ///
    /// # Errors
    /// The database is away.
    pub async fn figures(&self, range: &Range) -> Result<Figures, FiguresError> {
        let moments = range.moments()?;
        let mut total = Sums::default();
        let days = range.days();
        let mut by_day: BTreeMap<Date, Sums> = days.iter().map(|day| (*day, Sums::default())).collect();
        let mut by_hour = vec![Sums::default(); 24];
        for (quarter, sums) in self.sums("CAST(quarter AS TEXT)", moments).await? {
            let quarter: i64 = quarter
                .and_then(|quarter| quarter.parse().ok())
                .unwrap_or_default();
            let at = Timestamp::from_millisecond(quarter * QUARTER_MS).unwrap_or_default();
            let local = range.zone.to_datetime(at);
            total.add(&sums);
            if let Some(hour) = usize::try_from(local.hour())
                .ok()
                .and_then(|hour| by_hour.get_mut(hour))
            {
                hour.add(&sums);
            }
            by_day.entry(local.date()).or_default().add(&sums);
        }
        let hours = by_hour.into_iter().enumerate();
        Ok(Figures {
            from: range.from.to_string(),
            to: range.to.to_string(),
            zone: range.name.clone(),
            currency: "USD",
            total: total.row(String::new()),
            days: by_day
                .into_iter()
                .map(|(day, sums)| sums.row(day.to_string()))
                .collect(),
            hours: hours.map(|(hour, sums)| sums.row(format!("{hour:02}"))).collect(),
            languages: self.rows("language", moments).await?,
            agents: self.agents(moments).await?,
            numbers: self.rows("number", moments).await?,
        })
    }

    /// A row for each value of a column, the most calls first.
    async fn rows(&self, column: &str, moments: (i64, i64)) -> Result<Vec<Row>, sqlx::Error> {
        let sums = self.sums(column, moments).await?;
        let named = sums.into_iter().filter_map(|(key, sums)| Some(sums.row(key?)));
        Ok(sorted(named.collect()))
    }

    /// A row for each agent, however spelt, called as the most of their calls do.
    async fn agents(&self, moments: (i64, i64)) -> Result<Vec<Row>, sqlx::Error> {
        let mut named = self.sums("agent", moments).await?;
        named.sort_by(|a, b| (b.1.calls, &a.0).cmp(&(a.1.calls, &b.0)));
        let mut agents: BTreeMap<String, (String, Sums)> = BTreeMap::new();
        for (name, sums) in named {
            let Some(name) = name else { continue };
            let agent = agents
                .entry(fold(&name))
                .or_insert_with(|| (name, Sums::default()));
            agent.1.add(&sums);
        }
        let rows = agents.into_values().map(|(name, sums)| sums.row(name));
        Ok(sorted(rows.collect()))
    }

    async fn sums(
        &self,
        key: &str,
        (from, to): (i64, i64),
    ) -> Result<Vec<(Option<String>, Sums)>, sqlx::Error> {
        let text = format!(
            "SELECT {key} AS key, COUNT(*) AS calls, {}, {}, {}, {}, {}, {}, {}, {}, {} FROM ({CALLS}) c GROUP BY {key}",
            sum("answered"),
            sum("refused"),
            sum("talking"),
            sum("ended"),
            sum("cost"),
            sum("unknown"),
            list("waiting"),
            list("span_caller"),
            list("span_agent"),
        );
        let rows = sqlx::query(AssertSqlSafe(text))
            .bind(from)
            .bind(to)
            .fetch_all(&self.pool)
            .await?;
        let read = |row: &AnyRow| Ok((row.try_get("key")?, Sums::read(row)?));
        rows.iter().map(read).collect()
    }
}

/// The most calls first.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| (b.offered, &a.key).cmp(&(a.offered, &b.key)));
    rows
}

/// What the figures need of each call. The quarters of an hour count from 1970.
const CALLS: &str = "SELECT started / 900000 AS quarter, caller_language AS language, agent, service_number AS number, \
     CASE WHEN reason = 'full' THEN 1 ELSE 0 END AS refused, \
     CASE WHEN talked IS NULL THEN 0 ELSE 1 END AS answered, \
     CASE WHEN reason = 'full' THEN NULL ELSE COALESCE(accepted, ended) - started END AS waiting, \
     CASE WHEN talked IS NULL THEN NULL ELSE ended - talked END AS talking, \
     CASE WHEN talked IS NULL OR ended IS NULL THEN 0 ELSE 1 END AS ended, \
     caller_span_median AS span_caller, agent_span_median AS span_agent, cost, \
     CASE WHEN ended IS NOT NULL AND cost IS NULL THEN 1 ELSE 0 END AS unknown \
     FROM calls WHERE started >= $1 AND started < $2";

/// PostgreSQL's sums are of another type than what they add up.
fn sum(column: &str) -> String {
    format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT) AS {column}")
}

fn list(column: &str) -> String {
    format!("string_agg(CAST({column} AS TEXT), ',') AS {column}")
}

#[derive(Clone, Debug, Default)]
struct Sums {
    calls: i64,
    answered: i64,
    refused: i64,
    talking: i64,
    /// Calls that have talked and ended.
    ended: i64,
    cost: i64,
    unknown: i64,
    waiting: Vec<i64>,
    spans: [Vec<i64>; 2],
}

impl Sums {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let list = |column| -> Result<Vec<i64>, sqlx::Error> {
            let text: Option<String> = row.try_get(column)?;
            let text = text.unwrap_or_default();
            Ok(text.split(',').filter_map(|value| value.parse().ok()).collect())
        };
        Ok(Self {
            calls: row.try_get("calls")?,
            answered: row.try_get("answered")?,
            refused: row.try_get("refused")?,
            talking: row.try_get("talking")?,
            ended: row.try_get("ended")?,
            cost: row.try_get("cost")?,
            unknown: row.try_get("unknown")?,
            waiting: list("waiting")?,
            spans: [list("span_caller")?, list("span_agent")?],
        })
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.answered += other.answered;
        self.refused += other.refused;
        self.talking += other.talking;
        self.ended += other.ended;
        self.cost += other.cost;
        self.unknown += other.unknown;
        self.waiting.extend_from_slice(&other.waiting);
        for (mine, theirs) in self.spans.iter_mut().zip(&other.spans) {
            mine.extend_from_slice(theirs);
        }
    }

    fn row(self, key: String) -> Row {
        let Self {
            mut waiting, spans, ..
        } = self;
        let [mut caller, mut agent] = spans;
        let offered = self.calls - self.refused;
        Row {
            key,
            offered,
            answered: self.answered,
            missed: offered - self.answered,
            refused: self.refused,
            waiting_ms_mean: mean(waiting.iter().sum(), waiting.len() as i64),
            waiting_ms_p90: quantile(&mut waiting, 9),
            talking_ms_mean: mean(self.talking, self.ended),
            talking_ms_total: self.talking,
            span_caller_median: quantile(&mut caller, 5),
            span_agent_median: quantile(&mut agent, 5),
            cost: self.cost,
            cost_unknown: self.unknown,
        }
    }
}

fn mean(sum: i64, count: i64) -> Option<i64> {
    (count > 0).then(|| (sum + count / 2) / count)
}

/// The smallest value that so many tenths of all values do not exceed.
fn quantile(values: &mut [i64], tenths: usize) -> Option<i64> {
    let place = (values.len() * tenths).div_ceil(10).checked_sub(1)?;
    Some(*values.select_nth_unstable(place).1)
}

impl Figures {
    /// All of it as CSV: a row for each row, and before its key what it is a key of.
    pub fn csv(&self) -> String {
        let mut out = String::new();
        csv::row(
            &mut out,
            [
                "group",
                "key",
                "offered",
                "answered",
                "missed",
                "refused",
                "waiting_ms_mean",
                "waiting_ms_p90",
                "talking_ms_mean",
                "talking_ms_total",
                "span_caller_median_ms",
                "span_agent_median_ms",
                "cost_usd",
                "cost_unknown",
            ],
        );
        let groups = [
            ("total", std::slice::from_ref(&self.total)),
            ("day", &self.days),
            ("hour", &self.hours),
            ("language", &self.languages),
            ("agent", &self.agents),
            ("number", &self.numbers),
        ];
        for (group, rows) in groups {
            for row in rows {
                let cells = [vec![group.to_owned()], row.cells()].concat();
                csv::row(&mut out, cells.iter().map(String::as_str));
            }
        }
        out
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let maybe = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        vec![
            self.key.clone(),
            self.offered.to_string(),
            self.answered.to_string(),
            self.missed.to_string(),
            self.refused.to_string(),
            maybe(self.waiting_ms_mean),
            maybe(self.waiting_ms_p90),
            maybe(self.talking_ms_mean),
            self.talking_ms_total.to_string(),
            maybe(self.span_caller_median),
            maybe(self.span_agent_median),
            format!("{}.{:06}", self.cost / 1_000_000, self.cost % 1_000_000),
            self.cost_unknown.to_string(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_occurs() {
        assert_eq!(quantile(&mut [], 9), None);
        assert_eq!(quantile(&mut [7], 9), Some(7));
        let mut ten: Vec<i64> = (1..=10).rev().collect();
        assert_eq!((quantile(&mut ten, 5), quantile(&mut ten, 9)), (Some(5), Some(9)));
    }

    #[test]
    fn a_range_has_days_in_order_in_a_zone_that_exists() {
        let range = |from, to, zone| Range::new(from, to, zone).map(|range| range.days().len());
        assert_eq!(range("2026-11-01", "2026-11-21", "Europe/Berlin").ok(), Some(21));
        assert_eq!(range("2026-11-01", "2026-11-01", "UTC").ok(), Some(1));
        assert_eq!(range("2025-01-01", "2026-02-04", "Asia/Kolkata").ok(), Some(400));
        for (from, to, zone) in [
            ("2026-11-02", "2026-11-01", "UTC"),
            ("2025-01-01", "2026-02-05", "UTC"),
            ("2026-11-01", "2026-11-31", "UTC"),
            ("20261101", "2026-11-02", "UTC"),
            ("2026-11-01", "2026-11-02", "Europe/Atlantis"),
            ("2026-11-01", "2026-11-02", "../../etc/passwd"),
            ("2026-11-01", "2026-11-02", ""),
        ] {
            assert!(range(from, to, zone).is_err(), "{from} {to} {zone}");
        }
    }
}
