//! An agent's page in a real browser, in a call: whatever happens to the page, nobody is hung up on, and it comes back by
//! itself. Sound is as browsers have it, which play none before the page is touched.

#![allow(clippy::expect_used)]

mod browser;
mod common;
#[path = "browser/scene.rs"]
mod scene;

use std::time::{Duration, Instant};

use browser::{click, devtools, element, picture, until};
use common::SOON;
use common::people::{call_named, was_told};
use common::seat::Seat;
use duologue::call::event::Event;
use duologue::call::outcome::Reason;
use duologue::language::Language;
use duologue::phrase::Phrase;
use duologue::sim::speech::Tongue;
use reqwest::Method;
use scene::{NOTHING_MAX, Scene, fill_in, take_button};
use serde_json::json;

/// Another caller.
const SECOND: &str = "+15550100077";

/// As long as a closed laptop may sleep here: longer than a desk's line is taken for alive, shorter than it is kept.
const ASLEEP: Duration = Duration::from_secs(30);

/// From waking up until the line is back.
const AWAKE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_loaded_anew_is_back_in_its_call_and_still_muted_if_it_was() {
    let Some(scene) = Scene::begin().await else {
        return;
    };
    let from = scene.caller.heard_ms();
    scene.page.refresh().await.expect("the page again");
    scene.line(true, 1).await;
    scene.shows("the microphone", "#line", "Microphone on").await;
    scene.goes_on().await;
    println!(
        "reloaded: away {:?}, nothing for {:?}",
        scene.away(),
        scene.nothing_since(from)
    );
    assert!(
        scene.nothing_since(from) <= NOTHING_MAX,
        "{:?}",
        scene.nothing_since(from)
    );
    scene.is_whole();

    click(&scene.page, "#mute").await;
    scene.shows("a muted line", "#mute", "Muted").await;
    scene.page.refresh().await.expect("the page again");
    scene.line(true, 2).await;
    scene.shows("a muted line", "#mute", "Muted").await;
    scene
        .shows("that nobody is heard", "#line", "Muted. You are not heard.")
        .await;
    picture(&scene.page, "muted").await;
    click(&scene.page, "#mute").await;
    scene.goes_on().await;
    scene.is_whole();
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_crashes_is_followed_by_another_that_takes_its_place() {
    let Some(scene) = Scene::begin().await else {
        return;
    };
    let from = scene.caller.heard_ms();
    let other = scene.page.new_tab().await.expect("a tab");
    // It is gone before it can say so.
    let _ = scene.page.goto("chrome://crash").await;
    scene.line(false, 1).await;
    scene.page.switch_to_window(other).await.expect("a tab");
    scene.page.goto(scene.stage.url("/desk")).await.expect("the desk");
    scene.line(true, 1).await;
    println!("crashed: away {:?}", scene.away());
    // One is in the call again before one has looked for it.
    click(&scene.page, "#call-strip .bar-who").await;
    scene.shows("the microphone", "#line", "Microphone on").await;
    scene.goes_on().await;
    println!("crashed: nothing for {:?}", scene.nothing_since(from));
    assert!(
        scene.nothing_since(from) <= NOTHING_MAX,
        "{:?}",
        scene.nothing_since(from)
    );
    scene.is_whole();

    // A third page does not take the line from the second, unless somebody wants it to.
    let path = format!("/desk/calls/{}", scene.call);
    let losses = scene.losses();
    let second = scene.page.window().await.expect("a tab");
    let third = scene.page.new_tab().await.expect("a tab");
    scene.page.switch_to_window(third).await.expect("a tab");
    scene.page.goto(scene.stage.url(&path)).await.expect("the call");
    scene
        .shows(
            "that the line is elsewhere",
            "#line",
            "Your line is in another window.",
        )
        .await;
    scene.goes_on().await;
    assert_eq!(scene.losses(), losses);
    picture(&scene.page, "elsewhere").await;
    let here = "[...document.querySelectorAll('.line button')].find(one => one.textContent === 'Bring the line here')";
    until(
        &scene.page,
        "the line",
        &format!("const here = {here}; here?.click(); return here !== undefined"),
    )
    .await;
    scene.shows("the microphone", "#line", "Microphone on").await;
    scene.goes_on().await;
    scene.page.switch_to_window(second).await.expect("a tab");
    scene
        .shows(
            "that the line is elsewhere",
            "#line",
            "Your line is in another window.",
        )
        .await;
    scene.is_whole();
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_slept_is_back_within_three_seconds_and_the_caller_heard_music_and_a_sentence() {
    let Some(scene) = Scene::begin().await else {
        return;
    };
    let from = scene.caller.heard_ms();
    devtools(
        &scene.page,
        "Page.setWebLifecycleState",
        json!({"state": "frozen"}),
    )
    .await;
    scene.line(false, 1).await;
    // Nothing happens in a page that sleeps, so there is nothing else to wait for.
    tokio::time::sleep(ASLEEP).await;
    assert!(
        scene.nothing_since(from) <= NOTHING_MAX,
        "{:?}",
        scene.nothing_since(from)
    );
    assert!(scene.was_asked_to_stay(), "a sentence was spoken");
    let awake = Instant::now();
    devtools(
        &scene.page,
        "Page.setWebLifecycleState",
        json!({"state": "active"}),
    )
    .await;
    scene.line(true, 1).await;
    println!("woke up: back after {:?}", awake.elapsed());
    assert!(awake.elapsed() <= AWAKE, "{:?}", awake.elapsed());
    scene.goes_on().await;
    scene.is_whole();

    // Some computers sleep without a word to the page, and its socket stays open.
    let from = scene.caller.heard_ms();
    scene.browsers.sleep(true);
    scene.line(false, 2).await;
    let music = scene.caller.audible_ms() + 2_000;
    assert!(scene.caller.wait_heard_audible(music, SOON).await, "music");
    scene.browsers.sleep(false);
    let awake = Instant::now();
    scene.line(true, 2).await;
    println!("stopped: back after {:?}", awake.elapsed());
    assert!(awake.elapsed() <= AWAKE, "{:?}", awake.elapsed());
    assert!(
        scene.nothing_since(from) <= NOTHING_MAX,
        "{:?}",
        scene.nothing_since(from)
    );
    scene.goes_on().await;
    scene.is_whole();
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_types_alone_keeps_the_line_through_a_reload_and_is_told_to_click() {
    let Some(scene) = Scene::begin().await else {
        return;
    };
    scene
        .page
        .execute("window.refuse = true; window.unplug()", vec![])
        .await
        .expect("a script");
    click(&scene.page, "#type-only").await;
    scene.shows("typing alone", "#line", "Text only").await;
    scene.page.refresh().await.expect("the page again");
    scene.line(true, 1).await;
    element(&scene.page, "#hear").await;
    picture(&scene.page, "silenced").await;
    // It sends silence by itself, for longer than a line without sound is taken for alive.
    let quiet = "window.since ??= performance.now(); return performance.now() - window.since > 5000";
    until(&scene.page, "five seconds", quiet).await;
    assert_eq!(scene.losses(), 1);
    let running = element(&scene.page, "#reply").await;
    running.click().await.expect("a click anywhere");
    until(
        &scene.page,
        "sound",
        "return document.querySelector('#hear') === null",
    )
    .await;
    scene.is_whole();
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_a_second_call_asks_and_staying_changes_nothing() {
    let Some(scene) = Scene::begin().await else {
        return;
    };
    let from = scene.caller.heard_ms();
    let second = scene.stage.call_in(SECOND, Tongue::Spanish.name());
    let waiting = call_named(&second).await;
    click(&scene.page, "#nav-calls").await;
    click(&scene.page, &take_button(waiting)).await;
    element(&scene.page, "#second-call").await;
    picture(&scene.page, "second-call").await;
    let focused = "return document.activeElement.dataset.choice === 'stay'";
    until(&scene.page, "the focus", focused).await;
    click(&scene.page, "#second-call [data-choice=stay]").await;
    scene.goes_on().await;
    assert_eq!(scene.losses(), 0);
    assert!(
        scene.nothing_since(from) <= NOTHING_MAX,
        "{:?}",
        scene.nothing_since(from)
    );
    scene.is_whole();
    let taken = |event: &Event| matches!(event, Event::Accepted { .. });
    assert_eq!(scene.stage.events.count(waiting, taken), 0);

    // The other answer: the first is told goodbye, and then the second is taken.
    click(&scene.page, &take_button(waiting)).await;
    click(&scene.page, "#second-call [data-choice=hang-up]").await;
    scene.stage.events.conversation(waiting).await;
    assert_eq!(scene.stage.ended(scene.call).await, Reason::AgentHungUp);
    assert!(second.hang_up(SOON).await);
    scene.stage.events.ended(waiting).await;
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_asks_and_a_new_password_leaves_the_line_as_it_is() {
    let Some(scene) = Scene::begin().await else {
        return;
    };
    click(&scene.page, "#sign-out").await;
    click(&scene.page, "#sign-out-asks [data-choice=stay]").await;
    scene.goes_on().await;

    let admin = Seat::of(&scene.stage, "ada").await;
    let password = "another long password";
    let body = json!({"password": password, "calls": "after"});
    let answer = admin.ask(Method::PATCH, "/api/users/ben", Some(body)).await;
    assert!(answer.status().is_success(), "{}", answer.status());
    click(&scene.page, "#nav-past").await;
    element(&scene.page, "#call-strip").await;
    let told = "You are signed out. Your call goes on until it ends.";
    scene.shows("that the call goes on", "#sign-in-error", told).await;
    picture(&scene.page, "signed-out").await;
    scene.goes_on().await;
    click(&scene.page, "#bar-mute").await;
    scene.shows("a muted line", "#bar-mute", "Muted").await;
    click(&scene.page, "#bar-mute").await;

    fill_in(&scene.page, "ben", password).await;
    click(&scene.page, "#call-strip .bar-who[href]").await;
    scene.shows("the microphone", "#line", "Microphone on").await;
    scene.goes_on().await;
    assert_eq!(scene.losses(), 0);
    scene.is_whole();

    // Without a session one can hang up all the same.
    let body = json!({"password": "yet another long one", "calls": "after"});
    admin.ask(Method::PATCH, "/api/users/ben", Some(body)).await;
    click(&scene.page, "#nav-past").await;
    for _ in 0..2 {
        click(&scene.page, "#bar-hang-up").await;
    }
    assert_eq!(scene.stage.ended(scene.call).await, Reason::AgentHungUp);
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microphone_that_ends_is_asked_for_once_and_then_said_in_red() {
    let Some(scene) = Scene::begin().await else {
        return;
    };
    let script = |text: &'static str| scene.page.execute(text, vec![]);
    script("window.unplug()").await.expect("a script");
    until(&scene.page, "a second question", "return window.asked === 2").await;
    scene.shows("the microphone", "#line", "Microphone on").await;
    scene.goes_on().await;

    script("window.refuse = true; window.unplug()")
        .await
        .expect("a script");
    element(&scene.page, ".call-head [data-kind=microphone-lost]").await;
    scene
        .shows("that nobody is heard", "#line", "You are not heard.")
        .await;
    picture(&scene.page, "microphone-lost").await;
    click(&scene.page, "#nav-past").await;
    element(&scene.page, "#call-strip [data-kind=microphone-lost]").await;
    picture(&scene.page, "microphone-lost-banner").await;
    script("window.refuse = false").await.expect("a script");
    click(&scene.page, "#try-microphone").await;
    click(&scene.page, "#call-strip .bar-who").await;
    scene.shows("the microphone", "#line", "Microphone on").await;
    scene.goes_on().await;
    assert_eq!(scene.losses(), 0);
    scene.is_whole();
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_of_an_agent_who_is_disabled_now_is_offered_to_others_before_all_who_wait() {
    let Some(mut scene) = Scene::begin().await else {
        return;
    };
    let second = scene.stage.call_in(SECOND, Tongue::Spanish.name());
    let waiting = call_named(&second).await;
    let admin = scene.another("ada").await;
    click(&admin, "#nav-users").await;
    let disable =
        "[...document.querySelectorAll('[data-user=ben] button')].find(one => one.textContent === 'Disable')";
    until(
        &admin,
        "a button",
        &format!("const off = {disable}; off?.click(); return off !== undefined"),
    )
    .await;
    let default = "return document.querySelector('#calls-after')?.checked === true";
    until(&admin, "that the call goes on unless otherwise wanted", default).await;
    click(&admin, "#calls-now").await;
    picture(&admin, "disable").await;
    click(&admin, "[data-test=save]").await;
    let again = |event: &Event| matches!(event, Event::OfferedAgain { .. });
    scene.stage.events.saw(scene.call, "second offer", 1, again).await;
    // The page of whoever was disabled has neither a session nor a line.
    element(&scene.page, "#password").await;
    until(
        &scene.page,
        "no line",
        "return document.querySelector('#call-strip').hidden",
    )
    .await;

    click(&admin, "#nav-calls").await;
    let (first, other) = (scene.call, waiting);
    let order = format!(
        "return [...document.querySelectorAll('[data-test=waiting-calls] .call-row')].map(row => row.dataset.call).join() \
            === '{first},{other}'"
    );
    until(&admin, "the order", &order).await;
    let note = format!(
        "return document.querySelector('[data-call=\"{first}\"] .call-note').textContent === 'was cut off from their agent'"
    );
    until(&admin, "the reason", &note).await;
    picture(&admin, "offered-again").await;
    // Whoever waits is turned away by a supervisor, who is asked first.
    let turn_away = format!("[data-call='{waiting}'] [data-test=turn-away]");
    for _ in 0..2 {
        click(&admin, &turn_away).await;
    }
    assert_eq!(scene.stage.ended(waiting).await, Reason::TurnedAway);
    let spanish = Language::find("spanish").expect("a language");
    assert!(second.ended(SOON).await && was_told(&second, Phrase::NoAgent, spanish));
    click(&admin, &take_button(scene.call)).await;
    scene
        .stage
        .events
        .saw(scene.call, "conversation", 2, |event| {
            *event == Event::Conversation
        })
        .await;
    scene.goes_on().await;
    scene.is_whole();
    admin.quit().await.expect("an end");
    scene.end().await;
}
