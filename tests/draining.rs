//! The program as it is run: its settings from the environment, its end by a signal, its exit codes.

#![allow(clippy::expect_used)]

mod common;

use std::collections::BTreeSet;

use common::SOON;
use common::people::{cut_stream, say, understood, was_told};
use common::program::{Instance, run, stderr};
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::speech::Tongue;

fn spanish() -> &'static Language {
    Language::find("spanish").expect("a language")
}

#[tokio::test]
async fn a_program_that_is_told_to_stop_lets_the_last_call_end() {
    let mut program = Instance::start(&[]).await;
    let (caller, agent) = program.talk().await;
    assert_eq!(program.status("/ready").await, 200);
    program.terminate().await;
    assert_eq!(
        (program.status("/ready").await, program.status("/live").await),
        (503, 200)
    );
    let late = program.call_in();
    assert!(late.ended(SOON).await && was_told(&late, Phrase::Busy, spanish()));
    // The running call still has its webhooks and its streams.
    cut_stream(&caller).await;
    assert!(caller.until(SOON, |record| record.streams == 2).await);
    let before = agent.audible_ms();
    say(&caller, 1, Tongue::Spanish).await;
    assert!(agent.wait_heard_audible(before + 1_000, SOON).await);
    caller.hang_up(SOON).await;
    assert!(agent.ended(SOON).await && was_told(&agent, Phrase::Goodbye, Language::english()));
    assert_eq!(program.exit_code().await, Some(0));
    assert_eq!(understood(&agent), [(1, Tongue::English)]);
    assert_eq!(program.engine.open_sessions(), 0);
}

#[tokio::test]
async fn whoever_talks_when_the_time_is_over_is_told() {
    let mut program = Instance::start(&[("DRAIN_SECONDS", "3")]).await;
    let (caller, agent) = program.talk().await;
    program.terminate().await;
    let (caller_gone, agent_gone) = tokio::join!(caller.ended(SOON), agent.ended(SOON));
    assert!(caller_gone && agent_gone);
    assert!(
        was_told(&caller, Phrase::Closing, spanish()),
        "{:?}",
        caller.said()
    );
    assert!(
        was_told(&agent, Phrase::Closing, Language::english()),
        "{:?}",
        agent.said()
    );
    assert_eq!(program.exit_code().await, Some(0));
    assert_eq!(program.engine.open_sessions(), 0);
}

#[tokio::test]
async fn a_program_without_calls_stops_at_once() {
    let mut program = Instance::start(&[]).await;
    program.terminate().await;
    assert_eq!(program.exit_code().await, Some(0));
}

#[tokio::test]
async fn health_tells_whether_it_is_alive() {
    let mut program = Instance::start(&[]).await;
    assert_eq!(run("health", &program.settings).await.status.code(), Some(0));
    program.terminate().await;
    assert_eq!(program.exit_code().await, Some(0));
    let dead = run("health", &program.settings).await;
    assert_eq!(dead.status.code(), Some(1), "{}", stderr(&dead));
}

#[tokio::test]
async fn missing_settings_are_all_named_at_once() {
    let output = run("serve", &[]).await;
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(78), "{message}");
    let required = [
        "PUBLIC_URL",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_CALLER_NUMBER",
        "TWILIO_FLEX_NUMBER",
        "TWILIO_FLEX_WORKFLOW_SID",
        "OPENAI_API_KEY",
    ];
    let named: BTreeSet<_> = message
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(name, _)| name)
        .collect();
    assert!(required.iter().all(|name| named.contains(name)), "{message}");
}

#[tokio::test]
async fn wrong_settings_are_named_and_secrets_are_not_shown() {
    let mut program = Instance::start(&[]).await;
    let mut settings = program.settings.clone();
    settings
        .retain(|(name, _)| !["API_PORT", "TWILIO_FLEX_NUMBER", "OPENAI_API_KEY"].contains(&name.as_str()));
    let wrong = [
        ("API_PORT", "none"),
        ("TWILIO_FLEX_NUMBER", "five"),
        ("OPENAI_API_KEY", "sk-very-secret"),
    ];
    settings.extend(wrong.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let output = run("serve", &settings).await;
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(78), "{message}");
    assert!(
        message.contains("API_PORT: ") && message.contains("TWILIO_FLEX_NUMBER: "),
        "{message}"
    );
    assert!(
        !message.contains("sk-very-secret") && !message.contains("an auth token"),
        "{message}"
    );
    let taken = run("serve", &program.settings).await;
    assert_eq!(
        taken.status.code(),
        Some(1),
        "the port is taken: {}",
        stderr(&taken)
    );
    program.terminate().await;
    assert_eq!(program.exit_code().await, Some(0));
}
