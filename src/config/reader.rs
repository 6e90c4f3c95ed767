//! One setting after the other, read by name; what is wrong with one is noted, and reading goes on.

use std::time::Duration;

use url::Url;

use super::Mistake;
use crate::language::Language;

pub(super) struct Reader<'a> {
    pub(super) source: &'a dyn Fn(&str) -> Option<String>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    pub(super) fn language(&mut self, name: &'static str) -> Option<&'static Language> {
        let text = self.value(name).unwrap_or_else(|| "english".into());
        let found = Language::find(&text);
        if found.is_none() {
            return self.mistake(
                name,
                format!(
                    "no such language; use a name such as spanish or a tag such as {}",
                    "es-US"
                ),
            );
        }
        found
    }

    pub(super) fn seconds(&mut self, name: &'static str, default: u64, least: u64) -> Option<Duration> {
        let seconds = self.parsed(name, default, "a number of seconds")?;
        if seconds < least || seconds > 86_400 {
            return self.mistake(name, format!("use {least} to 86400 seconds"));
        }
        Some(Duration::from_secs(seconds))
    }

    /// One of a few words; the first is the default.
    pub(super) fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let Some(word) = self.value(name) else {
            return choices.first().map(|(_, value)| *value);
        };
        let found = choices
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
            return self.mistake(name, format!("use {}", words.join(" or ")));
        }
        found
    }

    pub(super) fn parsed<T: std::str::FromStr>(
        &mut self,
        name: &'static str,
        default: T,
        what: &str,
    ) -> Option<T> {
        let Some(text) = self.value(name) else {
            return Some(default);
        };
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => self.mistake(name, format!("it should be {what}")),
        }
    }

    pub(super) fn url(&mut self, name: &'static str, text: &str) -> Option<Url> {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
            _ => self.mistake(name, "it should be an http:// or https:// URL"),
        }
    }

    /// The variable's value, without quotes around it; blank counts as unset, as in a copied sample file.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        (self.source)(name)
            .map(|value| unquoted(&value).to_owned())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn required(&mut self, name: &'static str, what: &str) -> Option<String> {
        let value = self.value(name);
        if value.is_none() {
            return self.mistake(name, format!("set it to {what}"));
        }
        value
    }

    pub(super) fn mistake<T>(&mut self, name: &'static str, what: impl Into<String>) -> Option<T> {
        self.mistakes.push(Mistake {
            name,
            what: what.into(),
        });
        None
    }
}

/// A value without space around it, and without a pair of quotes around it: `docker run --env-file` passes on those that a
/// shell, or a `.env` file, would have taken away.
pub fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).map_or(value, str::trim)
}
