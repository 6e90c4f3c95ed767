//! How the program logs: read on its own and strictly, since a log that stays empty by mistake hides every other mistake.

use tracing::level_filters::LevelFilter;

use super::Mistake;
use super::reader::unquoted;

/// How the program logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// What is logged where `targets` name nothing else.
    pub level: LevelFilter,
    /// Parts of the program, or of a library, by the beginnings of their names.
    pub targets: Vec<(String, LevelFilter)>,
    pub json: bool,
}

/// What to write in place of a level that is none.
const USE: &str =
    "use error, warn, info, debug or trace, with commas also part=level, such as info,duologue::hub=debug";

impl Logging {
    /// Reads `LOG_LEVEL` and `LOG_FORMAT`. `terminal`: whether somebody is watching.
    ///
    /// # Errors
    /// Either of them says what it cannot mean.
    pub fn read(source: &dyn Fn(&str) -> Option<String>, terminal: bool) -> Result<Self, Vec<Mistake>> {
        let mistake = |name, what: String| Mistake { name, what };
        let value = |name: &str| unquoted(&source(name).unwrap_or_default()).to_owned();
        let json = match value("LOG_FORMAT").to_ascii_lowercase().as_str() {
            "json" => Ok(true),
            "pretty" => Ok(false),
            "" => Ok(!terminal),
            _ => Err(mistake("LOG_FORMAT", "use pretty or json".into())),
        };
        let levels = levels(&value("LOG_LEVEL")).map_err(|what| mistake("LOG_LEVEL", what));
        match (levels, json) {
            (Ok((level, targets)), Ok(json)) => Ok(Self { level, targets, json }),
            (levels, json) => Err(levels.err().into_iter().chain(json.err()).collect()),
        }
    }
}

/// A level for everything, and levels of parts. Where none is given for everything it is `info`, so that asking for more of
/// one part takes nothing from the others.
fn levels(text: &str) -> Result<(LevelFilter, Vec<(String, LevelFilter)>), String> {
    let (mut all, mut targets) = (None, Vec::new());
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        // No more of it than shows which entry is meant.
        let shown: String = entry.chars().take(40).collect();
        let (target, word) = entry.split_once('=').unwrap_or(("", entry));
        let Some(level) = level(word.trim()) else {
            return Err(format!("{shown}: no such level; {USE}"));
        };
        let target = target.trim();
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
        if !target.chars().all(part) || (target.is_empty() && entry.contains('=')) {
            return Err(format!("{shown}: no such part of the program; {USE}"));
        }
        if !target.is_empty() {
            targets.push((target.to_owned(), level));
        } else if all.replace(level).is_some() {
            return Err(format!("{shown}: a second level for everything; {USE}"));
        }
    }
    Ok((all.unwrap_or(LevelFilter::INFO), targets))
}

fn level(word: &str) -> Option<LevelFilter> {
    Some(match word.to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" | "warning" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(level: &str, format: &str) -> Result<Logging, Vec<&'static str>> {
        let source = |name: &str| match name {
            "LOG_LEVEL" => Some(level.to_owned()),
            "LOG_FORMAT" => Some(format.to_owned()),
            _ => None,
        };
        let names = |mistakes: Vec<Mistake>| mistakes.into_iter().map(|mistake| mistake.name).collect();
        Logging::read(&source, true).map_err(names)
    }

    #[test]
    fn a_level_is_one_of_a_few_words_in_any_case_and_info_by_default() {
        for (word, expected) in [
            ("", LevelFilter::INFO),
            (" , ", LevelFilter::INFO),
            ("warning", LevelFilter::WARN),
            (" Warn ", LevelFilter::WARN),
            ("\"debug\"", LevelFilter::DEBUG),
            ("'TRACE'", LevelFilter::TRACE),
            ("error", LevelFilter::ERROR),
            ("off", LevelFilter::OFF),
        ] {
            let read = read(word, "").expect("a level");
            assert_eq!((read.level, read.json), (expected, false), "{word}");
        }
    }

    #[test]
    fn parts_have_levels_of_their_own_and_take_nothing_from_the_rest() {
        let read = read("duologue::hub = debug,hyper=warning", "JSON").expect("levels");
        let targets = [
            ("duologue::hub".to_owned(), LevelFilter::DEBUG),
            ("hyper".to_owned(), LevelFilter::WARN),
        ];
        assert_eq!((read.level, read.json), (LevelFilter::INFO, true));
        assert_eq!(read.targets, targets);
    }

    #[test]
    fn whatever_cannot_be_meant_is_a_mistake() {
        for wrong in [
            "verbose",
            "warnin",
            "3",
            "duologue",
            "duologue=",
            "=debug",
            "duologue=loud",
            "info,debug",
            "[call]=trace",
            "duologue[call{id=7}]=trace",
            "duologue=debug=trace",
            "info;duologue=debug",
            "duo logue=debug",
            "*=debug",
        ] {
            assert_eq!(read(wrong, ""), Err(vec!["LOG_LEVEL"]), "{wrong}");
        }
        assert_eq!(read("loud", "xml"), Err(vec!["LOG_LEVEL", "LOG_FORMAT"]));
        assert_eq!(read("info", "jsonl"), Err(vec!["LOG_FORMAT"]));
    }
}
