//! `duologue load` at a small size: both engines are measured, and nothing is lost on the way through.

#![allow(clippy::expect_used)]

use std::process::Command;

/// Runs the binary, and returns what it printed if it was content with what it saw.
fn load(engine: &str, settings: &[(&str, &str)], arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_duologue"))
        .args(["load", "--calls", "3", "--seconds", "2", "--warm-up", "1"])
        .args(arguments)
        .env_remove("INTERPRETER")
        .envs(settings.iter().copied())
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("a binary");
    let (out, err) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    assert!(run.status.success(), "{engine}: {out}\n{err}");
    out.into_owned()
}

/// The two numbers after some words of a line: so many of so many.
fn figures(line: &str, after: &str) -> [u64; 2] {
    let (_, rest) = line.split_once(after).expect(after);
    let rest = rest.split(';').next().unwrap_or_default();
    let (some, all) = rest.split_once(" of ").expect("two numbers");
    [some, all].map(|figure| figure.trim().parse().expect("a number"))
}

fn loses_nothing(report: &str, engine: &str, measurements: usize) {
    let title = format!(", {engine}: 3 calls");
    assert_eq!(report.matches(&title).count(), measurements, "{report}");
    let sums: Vec<&str> = report
        .lines()
        .filter(|line| line.contains("frames lost"))
        .collect();
    assert_eq!(sums.len(), measurements, "{report}");
    for line in sums {
        let [lost, frames] = figures(line, "frames lost");
        let [undelivered, spoken] = figures(line, "not delivered");
        // Six legs of 50 frames a second, for two seconds at least.
        assert!(lost == 0 && frames > 6 * 2 * 50, "{line}");
        assert!(undelivered == 0 && spoken > 0, "{line}");
    }
    for half in ["up", "down"] {
        let rows = report
            .lines()
            .filter(|line| line.split_whitespace().nth(3) == Some(half));
        let pieces = rows.map(|line| line.split_whitespace().nth(4).expect("a figure").parse::<u64>());
        let pieces: Vec<u64> = pieces.map(|figure| figure.expect("a number")).collect();
        assert_eq!(pieces.len(), measurements * 2, "{report}");
        assert!(pieces.iter().all(|pieces| *pieces > 0), "{report}");
    }
}

#[test]
fn prompted_sessions_are_measured_and_nothing_is_lost() {
    loses_nothing(&load("prompted", &[], &[]), "prompted", 1);
}

#[test]
fn dedicated_sessions_are_measured_beside_the_floor_and_nothing_is_lost() {
    let report = load(
        "translate",
        &[("INTERPRETER", "prompted")],
        &["--engine", "translate", "--floor"],
    );
    loses_nothing(&report, "translate", 2);
}

#[test]
fn an_engine_that_is_none_is_no_measurement() {
    let run = Command::new(env!("CARGO_BIN_EXE_duologue"))
        .args(["load", "--engine", "babel"])
        .output()
        .expect("a binary");
    assert!(!run.status.success());
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("prompted or translate"), "{said}");
}
