//! The page of somebody whose name others try: it says so, waits, and goes on by itself.

#![allow(clippy::expect_used)]

mod browser;
mod office;

use std::time::Duration;

use browser::{Browsers, click, element, picture, until, write};
use office::{Office, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_that_it_waits_and_is_in_when_its_turn_comes() {
    let Some(mut browsers) = Browsers::find() else {
        return;
    };
    let office = Office::open(&[]).await;
    let mut stranger = office.browser();
    for _ in 0..10 {
        assert_eq!(stranger.sign_in("ada", "a wrong password").await.status, 401);
    }
    let page = browsers.open(&[]).await;
    page.goto(format!("{}/desk", office.public))
        .await
        .expect("a page");
    let says = |word: &str| {
        format!("return document.querySelector('#sign-in-error')?.textContent.includes('{word}')")
    };
    let form = async |password: &str| {
        write(&page, "#name", "Ada").await;
        write(&page, "#password", password).await;
        click(&page, "#sign-in").await;
    };
    form("a wrong password").await;
    until(&page, "why it takes long", &says("tried within a minute")).await;
    picture(&page, "sign-in-held").await;
    // Whoever types something else takes that back.
    write(&page, "#password", "x").await;
    until(
        &page,
        "a button",
        "return !document.querySelector('#sign-in').disabled",
    )
    .await;
    for field in ["#name", "#password"] {
        element(&page, field).await.clear().await.expect("empty");
    }
    form(PASSWORD).await;
    until(&page, "why it takes long", &says("tried within a minute")).await;
    let inside = async {
        let gone = "return !document.querySelector('#password')";
        let mut step = tokio::time::interval(Duration::from_millis(200));
        while page
            .execute(gone, Vec::new())
            .await
            .is_ok_and(|is| is.json() != true)
        {
            step.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(120), inside)
            .await
            .is_ok()
    );
    picture(&page, "sign-in-done").await;
    page.quit().await.expect("an end");
}
