//! The log, to standard error, and what may stand in it.
//!
//! Our own lines carry no secret and nothing that anybody said, at any level. Those of libraries below `LIBRARIES_MAX`
//! carry whatever passes through them, headers, keys, cookies and words, so they are never logged, whoever asks for them.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, fmt, registry};

use crate::config::Logging;
use crate::wire::before_quotes;

/// What libraries may tell at most. Their warnings are about them; what they tell beyond that is about what they carry.
const LIBRARIES_MAX: LevelFilter = LevelFilter::WARN;

/// The target of our own lines.
const OURS: &str = "duologue";

/// Starts logging to standard error, panics too.
///
/// # Errors
/// Something logs already.
pub fn start(logging: &Logging) -> anyhow::Result<()> {
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if logging.json {
        lines.json().boxed()
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).boxed()
    };
    registry()
        .with(lines)
        .with(filter(logging))
        .try_init()
        .map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))?;
    std::panic::set_hook(Box::new(panicked));
    Ok(())
}

/// What is logged: what was asked for, but no more of libraries than they may tell.
fn filter(logging: &Logging) -> Targets {
    let ours = |target: &str| target == OURS || target.starts_with("duologue::");
    let asked = logging.targets.iter().map(|(target, level)| {
        let most = if ours(target) {
            LevelFilter::TRACE
        } else {
            LIBRARIES_MAX
        };
        (target.as_str(), (*level).min(most))
    });
    Targets::new()
        .with_default(logging.level.min(LIBRARIES_MAX))
        .with_target(OURS, logging.level)
        .with_targets(asked)
}

fn panicked(info: &PanicHookInfo<'_>) {
    let at = info.location().map(ToString::to_string).unwrap_or_default();
    let payload = info.payload();
    let why = match payload.downcast_ref::<&'static str>() {
        Some(written) => written,
        // As where a text is cut inside a character.
        None => payload
            .downcast_ref::<String>()
            .map_or("", |made| before_quotes(made)),
    };
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(at, why, %backtrace, "a failure inside");
    } else {
        tracing::error!(at, why, "a failure inside");
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn asked(level: &str) -> Targets {
        let source = |name: &str| (name == "LOG_LEVEL").then(|| level.to_owned());
        filter(&Logging::read(&source, true).expect("levels"))
    }

    #[test]
    fn libraries_tell_warnings_at_most_whatever_is_asked() {
        for level in [
            "trace",
            "hyper=trace,tungstenite=trace,sqlx=trace",
            "h=trace,s=debug,t=info,r=trace",
            "trace,reqwest=trace,h2::codec=trace,duo=trace,log=trace",
        ] {
            let filter = asked(level);
            for target in [
                "hyper::proto::h1::io",
                "tungstenite::protocol",
                "sqlx::query",
                "reqwest::connect",
                "h2::codec",
                "rustls::conn",
                "log",
                "duo",
                "tokio_tungstenite",
                "",
            ] {
                assert!(filter.would_enable(target, &Level::WARN), "{level}: {target}");
                assert!(!filter.would_enable(target, &Level::INFO), "{level}: {target}");
            }
        }
        assert!(!asked("hyper=error").would_enable("hyper::proto", &Level::WARN));
    }

    #[test]
    fn our_own_lines_are_as_was_asked() {
        let filter = asked("warn,duologue::hub=trace");
        assert!(filter.would_enable("duologue::hub::task", &Level::TRACE));
        assert!(filter.would_enable("duologue::call", &Level::WARN));
        assert!(!filter.would_enable("duologue::call", &Level::INFO));
        assert!(asked("hyper=debug").would_enable("duologue", &Level::INFO));
        assert!(asked("trace").would_enable("duologue::engine", &Level::TRACE));
        assert!(!asked("off").would_enable("duologue", &Level::ERROR));
    }
}
