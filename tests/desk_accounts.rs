//! Who may sign in at the desk, for how long, and what each role may do, over HTTP.

#![allow(clippy::expect_used)]

mod office;

use std::time::Duration;

use duologue::desk::user::Role;
use office::{Office, PASSWORD};
use reqwest::Method;
use serde_json::{Value, json};

const OTHER: &str = "quite another password";

#[tokio::test]
async fn a_session_begins_with_the_password_lasts_and_ends_at_the_sign_out() {
    let office = Office::open(&[]).await;
    let mut ada = office.browser();
    assert_eq!(ada.who().await, None);
    let answer = ada.sign_in("Ada", PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let user = json!({"name": "ada", "role": "admin", "worker": null, "language": null, "disabled": false, "oidc": false});
    assert_eq!(answer.json()["user"], user);
    assert_eq!(answer.header("cache-control"), "no-store");
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("duologue_session="), "{cookie}");
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800"),
        "{cookie}"
    );
    let token = ada.csrf.clone();
    assert_eq!(ada.who().await.as_deref(), Some("ada"));
    assert_eq!(ada.csrf, token, "the token is the session's, not the page's");
    let mut kept = ada.clone();
    assert_eq!(ada.delete("/api/session").await.status, 204);
    let left: Vec<_> = ada.jar.keys().map(String::as_str).collect();
    assert_eq!(left, ["duologue_device"], "the device stays known");
    assert_eq!(kept.who().await, None, "the cookie is of no use any more");
}

/// A guess is not answered within this time if it is held.
const HELD: Duration = Duration::from_secs(1);

#[tokio::test]
async fn ten_guesses_at_a_name_are_free_and_nobody_learns_whether_there_is_such_a_user() {
    let office = Office::open(&[]).await;
    office.hire("ben", Role::Agent).await;
    let mut browser = office.browser();
    for name in ["ada", "nobody", "no such name"] {
        for _ in 0..10 {
            let answer = browser.sign_in(name, OTHER).await;
            assert_eq!(answer.status, 401, "{name}");
            assert_eq!(answer.json()["error"], "The name or the password is wrong.");
        }
        for password in [OTHER, PASSWORD] {
            let held = tokio::time::timeout(HELD, browser.sign_in(name, password)).await;
            assert!(held.is_err(), "{name}");
        }
    }
    assert!(browser.jar.is_empty());
    assert_eq!(
        browser.sign_in("ben", PASSWORD).await.status,
        200,
        "another name is free"
    );
}

#[tokio::test]
async fn a_device_waits_for_its_own_guesses_alone() {
    let office = Office::open(&[]).await;
    office.hire("ben", Role::Agent).await;
    let mut device = office.seat("ada").await;
    let cookie = device.jar.get("duologue_device").cloned().expect("a cookie");
    for _ in 0..5 {
        assert_eq!(device.sign_in("ADA", OTHER).await.status, 401);
    }
    for password in [OTHER, PASSWORD] {
        let answer = device.sign_in("ada", password).await;
        assert_eq!(answer.status, 429, "{}", answer.text);
        assert_eq!(answer.header("retry-after"), "1");
    }
    // Somebody else on the same device, and the same name elsewhere.
    assert_eq!(device.sign_in("ben", PASSWORD).await.status, 200);
    assert_eq!(office.browser().sign_in("ada", PASSWORD).await.status, 200);
    // What is not signed by us is no device: its guesses are a stranger's.
    for forged in [
        cookie.replace(&cookie[..4], "AAAA"),
        cookie[1..].to_owned(),
        String::new(),
    ] {
        let mut stranger = office.browser();
        stranger.jar.insert("duologue_device".to_owned(), forged);
        for _ in 0..6 {
            let wrong = tokio::time::timeout(HELD, stranger.sign_in("ada", OTHER)).await;
            assert!(wrong.is_err() || wrong.is_ok_and(|answer| answer.status == 401));
        }
    }
    // The change of a password is guessed at by a session, and counted there.
    let mut ada = office.seat("ben").await;
    for _ in 0..5 {
        let answer = ada
            .put("/api/session/password", json!({"old": OTHER, "new": PASSWORD}))
            .await;
        assert_eq!(answer.status, 422, "{}", answer.text);
    }
    let answer = ada
        .put("/api/session/password", json!({"old": OTHER, "new": PASSWORD}))
        .await;
    assert_eq!(answer.status, 429, "{}", answer.text);
}

#[tokio::test]
async fn a_user_may_have_a_name_in_any_script_and_it_is_one_name_however_it_is_typed() {
    let office = Office::open(&[]).await;
    let mut ada = office.seat("ADA").await;
    for (name, kept, typed) in [
        ("Renée", "renée", "RENE\u{301}E"),
        ("Ольга", "ольга", "ОЛЬГА"),
        ("王芳", "王芳", "王芳"),
        ("Straße", "strasse", "STRAẞE"),
    ] {
        let new = json!({"name": name, "password": OTHER, "role": "agent"});
        let answer = ada.post("/api/users", new.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["name"]),
            (201, &json!(kept)),
            "{name}"
        );
        assert_eq!(
            ada.post(
                "/api/users",
                json!({"name": typed, "password": OTHER, "role": "agent"})
            )
            .await
            .status,
            409
        );
        assert_eq!(
            office.browser().sign_in(typed, OTHER).await.status,
            200,
            "{typed}"
        );
        let path = format!("/api/users/{typed}");
        assert_eq!(ada.patch(&path, json!({"language": "french"})).await.status, 200);
        assert_eq!(ada.delete(&path).await.status, 204);
    }
    for hidden in ["a\u{200b}da", "\u{202e}ada", "a\u{0}", "a\u{2066}b"] {
        let answer = ada
            .post(
                "/api/users",
                json!({"name": hidden, "password": OTHER, "role": "agent"}),
            )
            .await;
        assert_eq!(answer.status, 422, "{hidden:?}");
    }
}

#[tokio::test]
async fn what_does_not_come_from_our_own_page_changes_nothing() {
    let office = Office::open(&[]).await;
    office.hire("ben", Role::Agent).await;
    let mut ada = office.seat("ada").await;
    let foreign_token = office.seat("ben").await.csrf;
    let token = ada.csrf.clone();
    let reply = json!({"title": "Hello", "text": "Good morning."});
    for wrong in [None, Some(String::new()), Some("guess".into()), foreign_token] {
        ada.csrf = wrong;
        assert_eq!(ada.post("/api/replies", reply.clone()).await.status, 403);
    }
    ada.csrf = token;
    for origin in ["https://elsewhere.example", "null", "http://127.0.0.1:1"] {
        ada.origin = Some(origin.to_owned());
        assert_eq!(ada.post("/api/replies", reply.clone()).await.status, 403);
        let mut fresh = office.browser();
        fresh.origin = Some(origin.to_owned());
        assert_eq!(fresh.sign_in("ada", PASSWORD).await.status, 403);
    }
    assert_eq!(ada.get("/api/replies").await.json(), json!([]));
    ada.origin = Some(office.public.clone());
    assert_eq!(ada.post("/api/replies", reply).await.status, 201);
}

/// Every route of this part, and the least role that it lets in.
fn routes() -> Vec<(Method, &'static str, Option<Value>, Role)> {
    let shared = json!({"title": "Hello", "text": "Good morning.", "shared": true});
    let own = json!({"title": "Hello", "text": "Good morning.", "shared": false});
    let user = json!({"name": "x y", "role": "agent"});
    vec![
        (Method::GET, "/api/session", None, Role::Agent),
        (
            Method::PUT,
            "/api/session/password",
            Some(json!({"old": "x", "new": "y"})),
            Role::Agent,
        ),
        (Method::GET, "/api/replies", None, Role::Agent),
        (Method::POST, "/api/replies", Some(own), Role::Agent),
        (
            Method::POST,
            "/api/replies",
            Some(shared.clone()),
            Role::Supervisor,
        ),
        (Method::PUT, "/api/replies/none", Some(shared), Role::Agent),
        (Method::DELETE, "/api/replies/none", None, Role::Agent),
        (Method::GET, "/api/users", None, Role::Admin),
        (Method::POST, "/api/users", Some(user), Role::Admin),
        (Method::PATCH, "/api/users/none", Some(json!({})), Role::Admin),
        (Method::DELETE, "/api/users/none", None, Role::Admin),
        (Method::DELETE, "/api/session", None, Role::Agent),
    ]
}

#[tokio::test]
async fn each_route_asks_for_its_role() {
    let office = Office::open(&[]).await;
    office.hire("ana", Role::Agent).await;
    office.hire("sue", Role::Supervisor).await;
    for (name, has) in [
        ("ana", Role::Agent),
        ("sue", Role::Supervisor),
        ("ada", Role::Admin),
    ] {
        let mut browser = office.seat(name).await;
        for (method, path, body, needs) in routes() {
            let answer = browser.ask(method.clone(), path, body).await;
            let allowed = has >= needs;
            let what = format!("{name}: {method} {path}: {} {}", answer.status, answer.text);
            assert_eq!(answer.status != 403, allowed, "{what}");
            assert_ne!(answer.status, 401, "{what}");
            assert!(!answer.status.is_server_error(), "{what}");
        }
    }
    for (method, path, body, _) in routes() {
        let answer = office.browser().ask(method.clone(), path, body).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        assert!(answer.json()["error"].is_string(), "{}", answer.text);
    }
}

#[tokio::test]
async fn who_is_disabled_is_out_at_once() {
    let office = Office::open(&[]).await;
    office.hire("ben", Role::Supervisor).await;
    let mut ada = office.seat("ada").await;
    let mut ben = office.seat("ben").await;
    let answer = ada.patch("/api/users/ben", json!({"disabled": true})).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["disabled"]),
        (200, &json!(true))
    );
    assert_eq!(ben.who().await, None);
    assert_eq!(office.browser().sign_in("ben", PASSWORD).await.status, 401);
    let answer = ada.patch("/api/users/ben", json!({"disabled": false})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(ben.who().await, None, "the old session stays ended");
    assert_eq!(office.browser().sign_in("ben", PASSWORD).await.status, 200);
    // A role counts from the next request on.
    let mut ben = office.seat("ben").await;
    assert_eq!(
        ada.patch("/api/users/ben", json!({"role": "agent"})).await.status,
        200
    );
    let shared = json!({"title": "Hello", "text": "Good morning.", "shared": true});
    assert_eq!(ben.post("/api/replies", shared).await.status, 403);
    assert_eq!(ada.delete("/api/users/ben").await.status, 204);
    assert_eq!(ben.who().await, None);
}

#[tokio::test]
async fn an_admin_cannot_lock_everybody_out() {
    let office = Office::open(&[]).await;
    office.hire("eve", Role::Admin).await;
    let mut ada = office.seat("ada").await;
    assert_eq!(
        ada.patch("/api/users/eve", json!({"disabled": true}))
            .await
            .status,
        200
    );
    for change in [json!({"role": "supervisor"}), json!({"disabled": true})] {
        let answer = ada.patch("/api/users/ada", change).await;
        assert_eq!(answer.status, 409, "{}", answer.text);
    }
    assert_eq!(ada.delete("/api/users/ada").await.status, 409);
    assert_eq!(ada.who().await.as_deref(), Some("ada"));
    assert_eq!(
        ada.patch("/api/users/eve", json!({"disabled": false}))
            .await
            .status,
        200
    );
    assert_eq!(ada.delete("/api/users/ada").await.status, 204);
    assert_eq!(ada.who().await, None);
}

#[tokio::test]
async fn users_are_added_and_changed_and_nonsense_is_refused() {
    let office = Office::open(&[]).await;
    let mut ada = office.seat("ada").await;
    let ana = json!({"name": "Ana@Example.com", "password": OTHER, "role": "agent", "worker": "ana_7", "language": "spanish"});
    let answer = ada.post("/api/users", ana.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let made = json!({"name": "ana@example.com", "role": "agent", "worker": "ana_7", "language": "es-US",
        "disabled": false, "oidc": false});
    assert_eq!(answer.json(), made);
    assert_eq!(ada.post("/api/users", ana).await.status, 409);
    for wrong in [
        json!({"name": "", "password": OTHER, "role": "agent"}),
        json!({"name": "b c", "password": OTHER, "role": "agent"}),
        json!({"name": "ben", "password": "short", "role": "agent"}),
        json!({"name": "ben", "role": "agent"}),
        json!({"name": "ben", "password": OTHER, "role": "root"}),
        json!({"name": "ben", "password": OTHER, "role": "agent", "language": "klingon"}),
        json!({"name": "ben", "password": OTHER, "role": "agent", "extra": 1}),
    ] {
        let answer = ada.post("/api/users", wrong.clone()).await;
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.text);
        assert!(answer.json()["error"].is_string(), "{}", answer.text);
    }
    let path = "/api/users/ana@example.com";
    let answer = ada.patch(path, json!({"worker": null, "language": ""})).await;
    let user = answer.json();
    assert_eq!(
        (&user["worker"], &user["language"], &user["role"]),
        (&json!(null), &json!(null), &json!("agent"))
    );
    let users = ada.get("/api/users").await.json();
    let names: Vec<_> = users
        .as_array()
        .expect("users")
        .iter()
        .map(|user| &user["name"])
        .collect();
    assert_eq!(names, ["ada", "ana@example.com"]);
    assert_eq!(ada.delete("/api/users/nobody").await.status, 404);
    // A password from an admin ends the sessions that there are.
    let mut ana = office.browser();
    assert_eq!(ana.sign_in("ana@example.com", OTHER).await.status, 200);
    assert_eq!(ada.patch(path, json!({"password": PASSWORD})).await.status, 200);
    assert_eq!(ana.who().await, None);
    assert_eq!(ana.sign_in("ana@example.com", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let office = Office::open(&[]).await;
    let (mut here, mut there) = (office.seat("ada").await, office.seat("ada").await);
    for (old, new) in [(OTHER, OTHER), (PASSWORD, "short"), ("", OTHER)] {
        let answer = here
            .put("/api/session/password", json!({"old": old, "new": new}))
            .await;
        assert_eq!(answer.status, 422, "{}", answer.text);
    }
    assert_eq!(there.who().await.as_deref(), Some("ada"), "nothing has changed");
    let change = json!({"old": PASSWORD, "new": OTHER});
    assert_eq!(here.put("/api/session/password", change).await.status, 204);
    assert_eq!(here.who().await.as_deref(), Some("ada"));
    assert_eq!(there.who().await, None);
    assert_eq!(there.sign_in("ada", PASSWORD).await.status, 401);
    assert_eq!(there.sign_in("ada", OTHER).await.status, 200);
}

#[tokio::test]
async fn replies_are_ones_own_or_everybodys() {
    let office = Office::open(&[]).await;
    office.hire("ana", Role::Agent).await;
    office.hire("sue", Role::Supervisor).await;
    let (mut ana, mut sue) = (office.seat("ana").await, office.seat("sue").await);
    let reply =
        |title: &str, shared: bool| json!({"title": title, "text": "Good morning.", "shared": shared});
    let own = ana.post("/api/replies", reply("b own", false)).await.json();
    let shared = sue.post("/api/replies", reply("a shared", true)).await.json();
    assert_eq!(ana.get("/api/replies").await.json(), json!([shared, own]));
    assert_eq!(sue.get("/api/replies").await.json(), json!([shared]));
    let path = |reply: &Value| format!("/api/replies/{}", reply["id"].as_str().expect("an id"));
    assert_eq!(ana.put(&path(&shared), reply("mine", false)).await.status, 403);
    assert_eq!(ana.put(&path(&own), reply("ours", true)).await.status, 403);
    assert_eq!(ana.delete(&path(&shared)).await.status, 403);
    assert_eq!(sue.put(&path(&own), reply("hers", false)).await.status, 404);
    assert_eq!(sue.delete(&path(&own)).await.status, 404);
    let mut again = own.clone();
    again["text"] = json!("Good evening.");
    assert_eq!(ana.put(&path(&own), again.clone()).await.json(), again);
    assert_eq!(sue.delete(&path(&shared)).await.status, 204);
    assert_eq!(ana.get("/api/replies").await.json(), json!([again]));
    for wrong in [
        json!({"title": " ", "text": "x"}),
        json!({"title": "x", "text": ""}),
        json!({"title": "x".repeat(81), "text": "x"}),
        json!({"title": "x", "text": "x".repeat(1001)}),
    ] {
        assert_eq!(ana.post("/api/replies", wrong).await.status, 422);
    }
}

#[tokio::test]
async fn without_its_database_the_desk_says_so() {
    let office = Office::closed(&[]).await;
    let answer = office.browser().sign_in("ada", PASSWORD).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.json()["error"].is_string());
}

#[tokio::test]
async fn a_body_that_is_no_json_or_endless_is_refused() {
    let office = Office::open(&[]).await;
    let url = format!("{}/api/session", office.public);
    let client = reqwest::Client::new();
    for (kind, body, status) in [
        ("application/json", "{".to_owned(), 400),
        ("application/json", "{}".to_owned(), 422),
        ("text/plain", "{}".to_owned(), 415),
        ("application/json", format!("\"{}\"", "x".repeat(70_000)), 413),
    ] {
        let request = client.post(&url).header("content-type", kind).body(body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status);
        let told: Value = answer.json().await.expect("JSON");
        assert!(told["error"].is_string(), "{told}");
    }
}
