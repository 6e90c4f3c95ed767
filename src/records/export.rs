//! A call's transcript as a file: plain text, JSON, WebVTT (W3C), CSV (RFC 4180).
//!
//! What was stored before a kind of number or address was to be taken out is taken out here.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::csv;
use super::record::{CallRecord, Speaker, UtteranceRecord};
use super::redact::{self, Kinds};

/// In which language a transcript is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// What was said and what was heard.
    #[default]
    Both,
    /// All in the caller's language: what they said, and what they heard of the agent.
    Caller,
    /// All in the agent's.
    Agent,
}

impl Reading {
    /// By its name in a query.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "both" => Some(Self::Both),
            "caller" => Some(Self::Caller),
            "agent" => Some(Self::Agent),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Caller => "caller",
            Self::Agent => "agent",
        }
    }
}

/// A call and some of what was said in it.
#[derive(Clone, Copy, Debug)]
pub struct Transcript<'a> {
    pub call: &'a CallRecord,
    /// In the order in which they were spoken.
    pub utterances: &'a [UtteranceRecord],
    pub reading: Reading,
    /// What is taken out.
    pub redacted: Kinds,
}

/// An utterance as it is shown.
struct Line<'a> {
    utterance: &'a UtteranceRecord,
    name: &'static str,
    /// In one line each, without what is taken out. One text where one language was asked for, or where there is only
    /// one: who is not translated is heard as they are.
    text: String,
    translation: Option<String>,
}

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain text to be read.
    Text,
    /// For programs.
    Json,
    /// Subtitles for a recording of the call, which begins when the call does.
    Vtt,
    /// A table: times in milliseconds since the call began.
    Csv,
}

impl Format {
    /// By the ending of the file's name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "txt" => Some(Self::Text),
            "json" => Some(Self::Json),
            "vtt" => Some(Self::Vtt),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// As `Content-Type` has it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            Self::Vtt => "text/vtt; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// The end of the JSON of a call without utterances.
const JSON_END: &str = "]\n}";

impl<'a> Transcript<'a> {
    /// What stands before the utterances.
    ///
    /// # Errors
    /// None that can be thought of.
    pub fn head(&self, format: Format) -> serde_json::Result<String> {
        let mut out = String::new();
        match format {
            Format::Text => self.text_head(&mut out),
            Format::Json => {
                out = serde_json::to_string_pretty(&self.json_head())?;
                out.truncate(out.len() - JSON_END.len());
            }
            Format::Vtt => out.push_str("WEBVTT\n"),
            Format::Csv => {
                let both = self.reading == Reading::Both;
                let texts: &[&str] = if both { &["source", "target"] } else { &["text"] };
                let head = ["time", "offset_ms", "speaker", "typed", "cut"];
                csv::row(&mut out, head.iter().chain(texts).copied());
            }
        }
        Ok(out)
    }

    /// The utterances. `first`: there are none before.
    ///
    /// # Errors
    /// None that can be thought of.
    pub fn piece(&self, format: Format, first: bool) -> serde_json::Result<String> {
        let mut out = String::new();
        for (at, line) in self.lines().enumerate() {
            match format {
                Format::Text => self.text_line(line, &mut out),
                Format::Json => {
                    out.push_str(if first && at == 0 { "\n    " } else { ",\n    " });
                    let line = serde_json::to_string_pretty(&self.shown(line))?;
                    // Line breaks in texts are escaped, so these are between values.
                    out.push_str(&line.replace('\n', "\n    "));
                }
                Format::Vtt => self.vtt_line(&line, &mut out),
                Format::Csv => self.csv_line(line, &mut out),
            }
        }
        Ok(out)
    }

    /// What stands after them. `none`: there were none.
    pub fn tail(format: Format, none: bool) -> &'static str {
        match (format, none) {
            (Format::Json, true) => JSON_END,
            (Format::Json, false) => "\n  ]\n}",
            _ => "",
        }
    }

    fn text_head(&self, out: &mut String) {
        let call = self.call;
        let facts = [
            ("Call", call.call.clone()),
            ("Began", date(call.started)),
            (
                "Caller",
                format!("{} ({})", call.caller_number, call.caller_language),
            ),
            ("Dialled", call.service_number.clone()),
            (
                "Agent",
                format!(
                    "{} ({})",
                    call.agent.as_deref().unwrap_or("none"),
                    call.agent_language
                ),
            ),
            ("Ended", call.ended.map(date).unwrap_or_default()),
            ("How", call.reason.clone().unwrap_or_default()),
        ];
        for (name, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{:<9}{}", format!("{name}:"), one_line(fact));
        }
    }

    fn text_line(&self, line: Line<'_>, out: &mut String) {
        let at = clock(self.offset(line.utterance.spoken), false);
        let mark = line.mark();
        let _ = write!(out, "\n[{at}] {}{mark}: {}\n", line.name, line.text);
        if let Some(translation) = line.translation {
            let _ = writeln!(out, "           {translation}");
        }
    }

    fn json_head(&self) -> Shown<'a> {
        let call = self.call;
        Shown {
            call: ShownCall {
                id: &call.call,
                caller_number: &call.caller_number,
                service_number: &call.service_number,
                caller_language: &call.caller_language,
                agent_language: &call.agent_language,
                agent: call.agent.as_deref(),
                started: call.started,
                accepted: call.accepted,
                talked: call.talked,
                ended: call.ended,
                class: call.class.as_deref(),
                reason: call.reason.as_deref(),
            },
            language: self.reading.name(),
            utterances: [],
        }
    }

    fn shown(&self, line: Line<'a>) -> ShownUtterance {
        let utterance = line.utterance;
        let both = self.reading == Reading::Both;
        let redacted = |text: &str| redact::redact(text, self.redacted).into_owned();
        ShownUtterance {
            speaker: utterance.speaker.name(),
            number: utterance.number,
            text: (!both).then_some(line.text),
            source: both.then(|| redacted(&utterance.source)),
            target: both.then(|| redacted(&utterance.target)),
            spoken: utterance.spoken,
            spoken_end: utterance.spoken_end,
            heard: utterance.heard,
            heard_end: utterance.heard_end,
            typed: utterance.typed,
            cut: utterance.cut,
        }
    }

    fn vtt_line(&self, line: &Line<'_>, out: &mut String) {
        let utterance = line.utterance;
        let start = self.offset(utterance.spoken);
        let ends = [utterance.spoken_end, utterance.heard_end];
        let end = ends.into_iter().flatten().next().map(|end| self.offset(end));
        // A cue must end after it has begun.
        let end = end.unwrap_or(start + READING_MS).max(start + 1);
        let class = if utterance.typed { ".typed" } else { "" };
        let mark = line.mark().trim_start();
        let space = if mark.is_empty() { "" } else { " " };
        let (name, text) = (line.name, cue(&line.text));
        let _ = write!(out, "\n{} --> {}\n", clock(start, true), clock(end, true));
        let _ = writeln!(out, "<v{class} {name}>{mark}{space}{text}");
        if let Some(translation) = &line.translation {
            let _ = writeln!(out, "<i>{}</i>", cue(translation));
        }
    }

    fn csv_line(&self, line: Line<'_>, out: &mut String) {
        let utterance = line.utterance;
        let mut cells = vec![
            date(utterance.spoken),
            self.offset(utterance.spoken).to_string(),
            utterance.speaker.name().to_owned(),
            utterance.typed.to_string(),
            utterance.cut.to_string(),
        ];
        if self.reading == Reading::Both {
            for text in [&utterance.source, &utterance.target] {
                cells.push(redact::redact(text, self.redacted).into_owned());
            }
        } else {
            cells.push(line.text);
        }
        csv::row(out, cells.iter().map(String::as_str));
    }

    fn lines(&self) -> impl Iterator<Item = Line<'a>> {
        let Self {
            utterances,
            reading,
            redacted,
            ..
        } = *self;
        utterances.iter().map(move |utterance| {
            let shown = |text: &str| redact::redact(&one_line(text), redacted).into_owned();
            let (source, target) = (shown(&utterance.source), shown(&utterance.target));
            let (text, translation) = match (reading, utterance.speaker) {
                (Reading::Both, _) => (source, target),
                (Reading::Caller, Speaker::Caller) | (Reading::Agent, Speaker::Agent)
                    if !source.is_empty() =>
                {
                    (source, String::new())
                }
                (Reading::Caller, Speaker::Agent) | (Reading::Agent, Speaker::Caller)
                    if target.is_empty() =>
                {
                    (source, String::new())
                }
                _ => (target, String::new()),
            };
            let (text, translation) = if text.is_empty() {
                (translation, String::new())
            } else {
                (text, translation)
            };
            Line {
                utterance,
                name: match utterance.speaker {
                    Speaker::Caller => "Caller",
                    Speaker::Agent => "Agent",
                },
                text,
                translation: Some(translation).filter(|text| !text.is_empty()),
            }
        })
    }

    /// Milliseconds since the call began.
    fn offset(&self, at: i64) -> i64 {
        (at - self.call.started).max(0)
    }
}

impl Line<'_> {
    fn mark(&self) -> &'static str {
        match (self.utterance.typed, self.utterance.cut) {
            (true, true) => " (typed, cut off)",
            (true, false) => " (typed)",
            (false, true) => " (cut off)",
            (false, false) => "",
        }
    }
}

/// How long a subtitle is shown whose end is not known.
const READING_MS: i64 = 2_000;

#[derive(Serialize)]
struct Shown<'a> {
    call: ShownCall<'a>,
    language: &'static str,
    /// They follow one by one.
    utterances: [ShownUtterance; 0],
}

#[derive(Serialize)]
struct ShownCall<'a> {
    id: &'a str,
    caller_number: &'a str,
    service_number: &'a str,
    caller_language: &'a str,
    agent_language: &'a str,
    agent: Option<&'a str>,
    started: i64,
    accepted: Option<i64>,
    talked: Option<i64>,
    ended: Option<i64>,
    class: Option<&'a str>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct ShownUtterance {
    speaker: &'static str,
    number: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    spoken: i64,
    spoken_end: Option<i64>,
    heard: Option<i64>,
    heard_end: Option<i64>,
    typed: bool,
    cut: bool,
}

/// Such as `2026-11-21T09:30:00Z`; empty for a moment beyond all calendars.
fn date(ms: i64) -> String {
    Timestamp::from_millisecond(ms)
        .map(|at| at.to_string())
        .unwrap_or_default()
}

/// Hours, minutes and seconds, with milliseconds if need be.
fn clock(ms: i64, fine: bool) -> String {
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let rest = if fine {
        format!(".{rest:03}")
    } else {
        String::new()
    };
    format!("{hours:02}:{minutes:02}:{seconds:02}{rest}")
}

/// A text without line breaks and other control characters, which would end a line or a cue.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A text as it stands in a cue: without tags, and without the arrow between times.
fn cue(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
