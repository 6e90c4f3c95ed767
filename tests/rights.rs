//! What is open at the desk ends, or shrinks, within a second of the rights behind it; and nobody opens without end.

#![allow(clippy::expect_used)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::people::Talk;
use common::seat::{Feed, PASSWORD, Seat, stage};
use common::{SOON, Stage};
use duologue::call::Side;
use duologue::desk::accounts::{Accounts, Change};
use duologue::desk::user::Role;
use duologue::desk::watch::{FEEDS_OF_SESSION, FEEDS_OF_USER, Kind, LISTENERS_OF_SESSION};
use duologue::records::store::Store;
use duologue::sim::speech::Tongue;
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// What was promised.
const SECOND: Duration = Duration::from_secs(1);

/// How long it takes until a feed ends.
async fn ends(feed: &mut Feed) -> Duration {
    let begun = Instant::now();
    let ending = async { while feed.next().await.is_some() {} };
    tokio::time::timeout(SOON, ending).await.expect("it ends");
    begun.elapsed()
}

/// The feeds of all calls and of one, once their first picture is there.
async fn feeds(seat: &Seat, talk: &Talk) -> [Feed; 2] {
    let mut board = seat.watch("/api/live").await;
    let mut one = seat.watch(&format!("/api/calls/{}/live", talk.call)).await;
    board
        .until("calls", |calls| calls["calls"][0]["id"].is_string())
        .await;
    one.until("snapshot", |_| true).await;
    [board, one]
}

type Listening = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Somebody who listens in, once the first sound is there.
async fn listen(stage: &Stage, seat: &Seat, talk: &Talk) -> Listening {
    let path = format!("/api/calls/{}/listen?language=agent", talk.call);
    let url = stage.url(&path).replacen("http", "ws", 1);
    let mut request = url.into_client_request().expect("a request");
    request.headers_mut().insert("cookie", seat.cookie.clone());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket");
    let first = tokio::time::timeout(SOON, socket.next()).await.expect("a sound");
    assert!(first.is_some_and(|message| message.is_ok()));
    socket
}

async fn falls_silent(socket: &mut Listening) -> Duration {
    let begun = Instant::now();
    let ending = async {
        while socket
            .next()
            .await
            .is_some_and(|message| message.is_ok_and(|it| !it.is_close()))
        {}
    };
    tokio::time::timeout(SOON, ending).await.expect("it ends");
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_and_listening_end_within_a_second_of_the_rights_and_the_call_goes_on() {
    let (stage, folder) = stage(&[]).await;
    let talk = stage.talk(Tongue::Spanish).await;
    let ada = Seat::of(&stage, "ada").await;
    let url = format!("sqlite:{}", folder.path().join("desk.db").display());
    let elsewhere = Accounts::new(Arc::new(Store::new(&url, 1).expect("a database")));
    let disabled = |disabled| Change {
        disabled: Some(disabled),
        ..Change::default()
    };
    for act in [
        "disabled",
        "disabled elsewhere",
        "new password",
        "signed out",
        "removed",
    ] {
        let sue = Seat::of(&stage, "sue").await;
        let ana = Seat::of(&stage, "ana").await;
        let [mut board, mut one] = feeds(&sue, &talk).await;
        let mut listening = listen(&stage, &sue, &talk).await;
        let path = "/api/users/sue";
        match act {
            "disabled" => {
                ada.ask(Method::PATCH, path, Some(json!({"disabled": true})))
                    .await;
            }
            "new password" => {
                ada.ask(Method::PATCH, path, Some(json!({"password": PASSWORD})))
                    .await;
            }
            "signed out" => {
                sue.ask(Method::DELETE, "/api/session", None).await;
            }
            "removed" => {
                ada.ask(Method::DELETE, path, None).await;
            }
            _ => {
                elsewhere.change("sue", disabled(true)).await.expect("disabled");
            }
        }
        let took = tokio::join!(ends(&mut board), ends(&mut one), falls_silent(&mut listening));
        println!("{act}: {took:?}");
        assert!(
            took.0 < SECOND && took.1 < SECOND && took.2 < SECOND,
            "{act}: {took:?}"
        );
        // Others do not notice.
        let _ = feeds(&ana, &talk).await;
        if act != "removed" {
            elsewhere.change("sue", disabled(false)).await.expect("enabled");
        }
    }
    // Whose call it is may be disabled too: the call goes on.
    let ana = Seat::of(&stage, "ana").await;
    let [mut board, _one] = feeds(&ana, &talk).await;
    ada.ask(Method::PATCH, "/api/users/ana", Some(json!({"disabled": true})))
        .await;
    assert!(ends(&mut board).await < SECOND);
    stage.sentence(&talk, Side::Caller, 1).await;
    stage.part(&talk).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_rights_show_less_within_a_second() {
    let (stage, folder) = stage(&[]).await;
    let talk = stage.talk(Tongue::Spanish).await;
    let sue = Seat::of(&stage, "sue").await;
    let [mut board, mut one] = feeds(&sue, &talk).await;
    let mut listening = listen(&stage, &sue, &talk).await;
    let url = format!("sqlite:{}", folder.path().join("desk.db").display());
    let elsewhere = Accounts::new(Arc::new(Store::new(&url, 1).expect("a database")));
    let role = |role| Change {
        role: Some(role),
        ..Change::default()
    };
    elsewhere
        .change("sue", role(Role::Agent))
        .await
        .expect("an agent");
    let begun = Instant::now();
    let empty = |calls: &Value| calls["calls"] == json!([]);
    let took = tokio::join!(
        board.until("calls", empty),
        ends(&mut one),
        falls_silent(&mut listening)
    );
    assert!(begun.elapsed() < SECOND, "{took:?}");
    // And more show more: the same worker as ana's, in another spelling.
    let worker = Change {
        worker: Some(Some("ＡＮＡ".to_owned())),
        ..Change::default()
    };
    elsewhere.change("sue", worker).await.expect("changed");
    let begun = Instant::now();
    board
        .until("calls", |calls| calls["calls"][0]["agent"] == "ana")
        .await;
    assert!(begun.elapsed() < SECOND);
    let [_board, _one] = feeds(&sue, &talk).await;
    stage.part(&talk).await;
    // What is past is hers as well.
    sue.until("/api/calls", |list| list["calls"][0]["ended"].is_i64())
        .await;
    let (status, _) = sue.get(&format!("/api/calls/{}", talk.call)).await;
    assert_eq!(status, 200);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_of_too_many_feeds_is_closed_and_the_newest_works() {
    let (stage, _folder) = stage(&[]).await;
    let (sue, ana) = (Seat::of(&stage, "sue").await, Seat::of(&stage, "ana").await);
    let mut other = ana.watch("/api/live").await;
    let mut first = sue.watch("/api/live").await;
    let mut open = Vec::new();
    for _ in 0..FEEDS_OF_SESSION {
        open.push(sue.watch("/api/live").await);
    }
    let why = first.until("closed", |_| true).await;
    assert_eq!(why, json!({"reason": "too_many"}));
    assert_eq!(first.next().await, None);
    open.last_mut().expect("one").until("calls", |_| true).await;
    for _ in 0..3 {
        let again = Seat::of(&stage, "sue").await;
        for _ in 0..FEEDS_OF_SESSION {
            open.push(again.watch("/api/live").await);
        }
    }
    let desk = stage.desk.as_deref().expect("a desk");
    assert_eq!(desk.accounts.watchers().count(Kind::Feed), FEEDS_OF_USER + 1);
    other.until("calls", |_| true).await;
    let talk = stage.talk(Tongue::Spanish).await;
    let mut listening = Vec::new();
    for _ in 0..=LISTENERS_OF_SESSION {
        listening.push(listen(&stage, &sue, &talk).await);
    }
    falls_silent(&mut listening[0]).await;
    let newest = listening.last_mut().expect("one").next().await;
    assert!(newest.is_some_and(|message| message.is_ok_and(|it| it.is_binary())));
    stage.part(&talk).await;
    stage.strike().await;
}
