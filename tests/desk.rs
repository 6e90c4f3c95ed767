//! The desk in a real browser: a day's work of an agent, from signing in to the exported transcript.

#![allow(clippy::expect_used)]

mod browser;
mod common;

use browser::{Browsers, click, complaints, element, picture, until, write};
use common::people::{PAUSE, Talk, call_named, say, understood};
use common::seat::{PASSWORD, stage};
use common::{CALLER, SOON, Stage};
use duologue::call::event::Event;
use duologue::call::outcome::Reason;
use duologue::call::{Control, Side};
use duologue::sim::speech::{self, Tongue};
use thirtyfour::prelude::*;

async fn sign_in(page: &WebDriver, stage: &Stage, name: &str) {
    page.goto(stage.url("/desk")).await.expect("a page");
    write(page, "#name", name).await;
    write(page, "#password", PASSWORD).await;
    click(page, "#sign-in").await;
}

/// The texts of a call's lines as the page shows them: (source, target), from the top.
async fn lines(page: &WebDriver) -> Vec<(String, String)> {
    let script = "return [...document.querySelectorAll('[data-utterance]')].map(row => \
        [row.querySelector('.source')?.textContent ?? '', row.querySelector('.target')?.textContent ?? ''])";
    let found = page.execute(script, Vec::new()).await.expect("lines");
    serde_json::from_value(found.json().clone()).expect("pairs of texts")
}

fn text(phrase: usize, tongue: Tongue) -> &'static str {
    speech::text(phrase, tongue)
}

/// Waits until a line of the page has these texts.
async fn shows(page: &WebDriver, source: &str, target: &str) {
    let script = format!(
        "return [...document.querySelectorAll('[data-utterance]')].some(row => \
            row.querySelector('.source')?.textContent === {} && row.querySelector('.target')?.textContent === {})",
        serde_json::json!(source),
        serde_json::json!(target)
    );
    until(page, &format!("line {source} / {target}"), &script).await;
}

async fn hang_up(page: &WebDriver) {
    // The button asks back in its own place.
    click(page, "#hang-up").await;
    click(page, "#hang-up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_watches_a_call_types_switches_hangs_up_and_finds_it_again() {
    let Some(mut browsers) = Browsers::find() else {
        return;
    };
    let (stage, _folder) = stage(&[("RECORD_AUDIO", "true")]).await;
    let page = browsers.open(&[]).await;
    sign_in(&page, &stage, "ana").await;
    until(
        &page,
        "the list of calls",
        "return !document.querySelector('#password')",
    )
    .await;
    let talk = stage.talk(Tongue::Spanish).await;

    // The call appears by itself, and shows what is said in both languages.
    click(&page, &format!("[data-call='{}']", talk.call)).await;
    element(&page, "#reply").await;
    watch_captions(&page, &stage, &talk).await;
    picture(&page, "call").await;

    // A typed reply is spoken to the caller, and stands among what was said.
    let before = understood(&talk.caller).len();
    write(&page, "#reply", text(2, Tongue::English)).await;
    let reply = element(&page, "#reply").await;
    reply.send_keys(Key::Enter).await.expect("a key");
    shows(&page, text(2, Tongue::English), text(2, Tongue::Spanish)).await;
    assert!(talk.caller.quiet_for(PAUSE, SOON).await);
    assert_eq!(understood(&talk.caller)[before..], [(2, Tongue::Spanish)]);
    let ledger = stage.engine.ledger();
    assert!(ledger.typed().any(|typed| typed.text == text(2, Tongue::English)));

    // Whatever is typed stays text.
    let hostile = "<script>document.title = 'gone'</script><img src=x onerror=\"document.title='gone'\">";
    write(&page, "#reply", hostile).await;
    click(&page, "#send").await;
    shows(&page, hostile, &format!("[spanish] {hostile}")).await;
    let untouched =
        "return !document.title.includes('gone') && !document.querySelector('#utterances :is(script, img)')";
    until(&page, "untouched page", untouched).await;

    switch_language(&page, &stage, &talk).await;
    hang_up(&page).await;
    stage.events.ended(talk.call).await;
    assert!(talk.caller.ended(SOON).await && talk.agent.ended(SOON).await);

    find_again(&page, &stage, &talk).await;
    assert_eq!(complaints(&page).await, Vec::<String>::new());
    page.quit().await.expect("an end");
    stage.strike().await;
}

/// What both say is shown as it is said, in both languages and in speaking order, and grows before it is complete.
async fn watch_captions(page: &WebDriver, stage: &Stage, talk: &Talk) {
    for (speaker, phrase) in [(Side::Caller, 1), (Side::Agent, 0), (Side::Caller, 3)] {
        stage.sentence(talk, speaker, phrase).await;
        let (from, into) = match speaker {
            Side::Caller => (Tongue::Spanish, Tongue::English),
            Side::Agent => (Tongue::English, Tongue::Spanish),
        };
        shows(page, text(phrase, from), text(phrase, into)).await;
    }
    let shown: Vec<String> = lines(page).await.into_iter().map(|(source, _)| source).collect();
    let said = [
        text(1, Tongue::Spanish),
        text(0, Tongue::English),
        text(3, Tongue::Spanish),
    ];
    assert_eq!(shown, said);
    let captions = stage
        .events
        .count(talk.call, |event| matches!(event, Event::Caption { .. }));
    assert!(captions > 6, "{captions} pieces of captions");
}

/// The caller turns out to speak French.
async fn switch_language(page: &WebDriver, stage: &Stage, talk: &Talk) {
    choose(page, "#language-caller", "French").await;
    stage
        .events
        .saw(talk.call, "switch", 1, |event| {
            matches!(event, Event::Controlled { control: Control::Language { side: Side::Caller, language } }
                if language.slug == "french")
        })
        .await;
    stage
        .events
        .saw(talk.call, "renewal", 1, |event| {
            matches!(event, Event::Renewed { .. })
        })
        .await;
    let utterances = stage.events.utterances(talk.call, Side::Caller, 0).await.len();
    say(&talk.caller, 1, Tongue::French).await;
    stage
        .events
        .utterances(talk.call, Side::Caller, utterances + 1)
        .await;
    // The space before a French question mark makes it a word of its own, which comes when the rest has been told.
    let source = text(1, Tongue::French).trim_end_matches(" ?");
    shows(page, source, text(1, Tongue::English)).await;
}

/// Chooses an entry of a list by its beginning.
async fn choose(page: &WebDriver, selector: &str, entry: &str) {
    let list = element(page, selector).await;
    list.click().await.expect("a list");
    list.send_keys(Key::Control + "a").await.expect("a list");
    list.send_keys(entry).await.expect("a list");
    list.send_keys(Key::Enter).await.expect("a list");
}

/// The call is among the past ones, its words are found, its tracks play, and it can be taken along.
async fn find_again(page: &WebDriver, stage: &Stage, talk: &Talk) {
    page.goto(stage.url("/desk/past")).await.expect("a page");
    write(
        page,
        "#q",
        text(1, Tongue::English).split(' ').next().expect("a word"),
    )
    .await;
    click(page, &format!("[data-call='{}']", talk.call)).await;
    shows(page, text(1, Tongue::Spanish), text(1, Tongue::English)).await;
    picture(page, "past-call").await;
    element(page, "#player").await;
    let play = "const player = document.querySelector('#player'); player.muted = true; player.play(); \
        return player.currentTime > 0.3 && player.duration";
    let length = until(page, "playing track", play)
        .await
        .as_f64()
        .expect("a length");
    assert!(length > 5.0, "{length} s");
    for extension in ["txt", "json", "vtt", "csv"] {
        let script = format!(
            "return (async () => {{ const answer = await fetch(document.querySelector('#export-{extension}').href); \
                return answer.ok ? await answer.text() : null }})()"
        );
        let exported = until(page, extension, &script).await;
        let exported = exported.as_str().expect("a text");
        assert!(
            exported.contains(text(1, Tongue::Spanish)),
            "{extension}: {exported}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sees_no_call_of_another_and_a_supervisor_sees_all() {
    let Some(mut browsers) = Browsers::find() else {
        return;
    };
    let (stage, _folder) = stage(&[("RECORD_AUDIO", "true")]).await;
    let talk = stage.talk(Tongue::Spanish).await;
    let theirs = browsers.open(&[]).await;
    sign_in(&theirs, &stage, "sue").await;
    element(&theirs, &format!("[data-call='{}']", talk.call)).await;
    let other = browsers.open(&[]).await;
    sign_in(&other, &stage, "ben").await;
    until(
        &other,
        "an empty list",
        "return document.querySelector('main').innerText.includes('No calls at the moment')",
    )
    .await;
    let calls = other.find_all(By::Css("[data-call]")).await.expect("a list");
    assert!(calls.is_empty());
    other
        .goto(stage.url(&format!("/desk/calls/{}", talk.call)))
        .await
        .expect("a page");
    until(
        &other,
        "a refusal",
        "return document.querySelector('main').innerText.includes('Nothing here')",
    )
    .await;
    assert!(lines(&other).await.is_empty());
    for page in [theirs, other] {
        page.quit().await.expect("an end");
    }
    stage.part(&talk).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_taken_at_the_desk_and_answered_by_typing_alone() {
    let Some(mut browsers) = Browsers::find() else {
        return;
    };
    let (stage, _folder) = stage(&[("AGENT_DIAL", "desk")]).await;
    let page = browsers
        .open(&["--autoplay-policy=no-user-gesture-required".to_owned()])
        .await;
    sign_in(&page, &stage, "ben").await;
    let caller = stage.call_in(CALLER, "spanish");
    let call = call_named(&caller).await;
    element(&page, &format!("[data-call='{call}']")).await;
    picture(&page, "waiting").await;
    click(&page, "[data-test=take-text]").await;
    stage.events.conversation(call).await;
    say(&caller, 1, Tongue::Spanish).await;
    shows(&page, text(1, Tongue::Spanish), text(1, Tongue::English)).await;
    write(&page, "#reply", text(2, Tongue::English)).await;
    click(&page, "#send").await;
    shows(&page, text(2, Tongue::English), text(2, Tongue::Spanish)).await;
    assert!(caller.quiet_for(PAUSE, SOON).await);
    assert_eq!(understood(&caller), [(2, Tongue::Spanish)]);
    picture(&page, "by-typing").await;
    hang_up(&page).await;
    assert_eq!(stage.ended(call).await, Reason::AgentHungUp);
    assert!(caller.ended(SOON).await);
    assert_eq!(complaints(&page).await, Vec::<String>::new());
    page.quit().await.expect("an end");
    stage.strike().await;
}
