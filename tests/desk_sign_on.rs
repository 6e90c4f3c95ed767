//! Single sign-on at the desk, against an identity provider on loopback.

#![allow(clippy::expect_used)]

mod office;
mod provider;

use duologue::call::CallId;
use duologue::desk::user::Role;
use duologue::records::record::{CallRecord, Record};
use duologue::records::unix_ms;
use office::{Answer, Browser, Office};
use provider::{CLIENT, Provider, SECRET};
use serde_json::json;

/// A desk with single sign-on, and its provider.
async fn open(settings: &[(&str, &str)]) -> (Office, Provider) {
    let provider = Provider::open().await;
    (provider.desk(settings).await, provider)
}

/// How many sign-ins are under way in a browser.
fn under_way(browser: &Browser) -> usize {
    let names = browser.jar.keys();
    names.filter(|name| name.starts_with("duologue_oidc_")).count()
}

fn refused(answer: &Answer, browser: &Browser) {
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert!(!browser.jar.contains_key("duologue_session"), "{:?}", browser.jar);
    assert!(!answer.text.contains("http-equiv=\"refresh\""), "{}", answer.text);
}

#[tokio::test]
async fn somebody_new_comes_in_and_is_known_the_next_time() {
    let (office, provider) = open(&[("OIDC_ROLE_CLAIM", "duologue_role")]).await;
    provider.says(json!({"duologue_role": "supervisor"}));
    let mut ana = office.browser();
    let back = provider.come_back(&mut ana).await;
    assert_eq!(under_way(&ana), 1, "{:?}", ana.jar);
    let answer = ana.get(&back).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer
            .text
            .contains("<meta http-equiv=\"refresh\" content=\"0;url=/desk\">")
    );
    assert!(
        answer
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert_eq!(under_way(&ana), 0, "{:?}", ana.jar);
    assert_eq!(ana.who().await.as_deref(), Some("ana@example.com"));
    let user = ana.get("/api/session").await.json()["user"].clone();
    assert_eq!(
        (&user["role"], &user["oidc"]),
        (&json!("supervisor"), &json!(true))
    );
    // The address has changed and the role was withdrawn; the subject is the same.
    provider.says(json!({"email": "other@example.com"}));
    let mut again = office.browser();
    provider.sign_on(&mut again).await;
    assert_eq!(again.who().await.as_deref(), Some("ana@example.com"));
    for mut browser in [again, ana] {
        let user = browser.get("/api/session").await.json()["user"].clone();
        assert_eq!(user["role"], json!("agent"));
    }
    assert_eq!(provider.desired().asked, 1, "it is asked once");
    // Nobody else has a way in by that name.
    assert_eq!(office.browser().sign_in("ana@example.com", "").await.status, 401);
}

#[tokio::test]
async fn only_an_admin_makes_somebody_a_user_who_was_there() {
    let (office, provider) = open(&[]).await;
    office.hire("boss", Role::Admin).await;
    office.hire("ana@example.com", Role::Supervisor).await;
    for (subject, email) in [("s-1", "boss"), ("s-2", "Ana@Example.com")] {
        provider.says(json!({"sub": subject, "email": email, "preferred_username": email}));
        let mut mallory = office.browser();
        provider.sign_on(&mut mallory).await;
        let user = mallory.get("/api/session").await.json()["user"].clone();
        assert_eq!(user["role"], "agent", "{user}");
        assert!(
            !["boss", "ana@example.com"]
                .map(|name| json!(name))
                .contains(&user["name"]),
            "{user}"
        );
    }
    let mut ada = office.seat("ada").await;
    let path = "/api/users/ana@example.com";
    for wrong in ["boss@", "a@evil.com@example.com", "sub:"] {
        let answer = ada.patch(path, json!({"sign_on": wrong})).await;
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.text);
    }
    let answer = ada.patch(path, json!({"sign_on": "ANA@example.com"})).await;
    assert_eq!(answer.json()["sign_on"], "ana@example.com", "{}", answer.text);
    provider.says(json!({"sub": "s-3", "email_verified": false}));
    let mut unverified = office.browser();
    provider.sign_on(&mut unverified).await;
    assert_ne!(unverified.who().await.as_deref(), Some("ana@example.com"));
    provider.says(json!({"sub": "s-2", "email": "Ana@Example.com"}));
    let mut ana = office.browser();
    provider.sign_on(&mut ana).await;
    let user = ana.get("/api/session").await.json()["user"].clone();
    assert_eq!(user["name"], "ana@example.com");
    assert_eq!(
        (&user["role"], &user["oidc"]),
        (&json!("supervisor"), &json!(true))
    );
    // That address of another is somebody else by now.
    provider.says(json!({"sub": "s-4"}));
    let mut fourth = office.browser();
    provider.sign_on(&mut fourth).await;
    assert_ne!(fourth.who().await.as_deref(), Some("ana@example.com"));
    // Who comes no longer is signed out.
    assert_eq!(ada.patch(path, json!({"sign_on": null})).await.status, 200);
    assert_eq!(ana.who().await, None);
}

#[tokio::test]
async fn a_user_without_a_password_is_added_with_a_way_in() {
    let (office, provider) = open(&[]).await;
    let mut ada = office.seat("ada").await;
    let nobody = ada
        .post("/api/users", json!({"name": "eve", "role": "agent"}))
        .await;
    assert_eq!(nobody.status, 422, "{}", nobody.text);
    for user in [
        json!({"name": "eve", "role": "agent", "sign_on": "sub:s-7"}),
        json!({"name": "ana@example.com", "role": "supervisor"}),
    ] {
        let added = ada.post("/api/users", user).await;
        assert_eq!(added.status, 201, "{}", added.text);
    }
    let again = json!({"name": "eva", "role": "agent", "sign_on": "s-7"});
    let taken = ada.post("/api/users", again).await;
    assert_eq!(taken.status, 409);
    assert!(taken.text.contains("by single sign-on as that"), "{}", taken.text);
    for (subject, name) in [("s-7", "eve"), ("s-8", "ana@example.com")] {
        provider.says(json!({ "sub": subject }));
        let mut browser = office.browser();
        provider.sign_on(&mut browser).await;
        assert_eq!(browser.who().await.as_deref(), Some(name));
    }
}

/// A call that was bob's.
async fn call_of_bob(office: &Office) -> String {
    let call = CallRecord {
        call: CallId::from_bytes([7; 16]).to_string(),
        agent: Some("bob".into()),
        started: 1,
        ended: Some(2),
        ..CallRecord::default()
    };
    let id = call.call.clone();
    let written = office.desk.store.write(&[Record::Call(call)]).await;
    written.expect("written");
    format!("/api/calls/{id}")
}

#[tokio::test]
async fn who_calls_themselves_like_a_worker_has_no_calls() {
    let (office, provider) = open(&[]).await;
    let call = call_of_bob(&office).await;
    for says in [
        json!({"preferred_username": "bob", "email": null}),
        json!({"preferred_username": "bob", "email": null, "worker": "bob", "duologue_role": "admin"}),
    ] {
        provider.says(says);
        let mut mallory = office.browser();
        provider.sign_on(&mut mallory).await;
        let user = mallory.get("/api/session").await.json()["user"].clone();
        let seen = (&user["name"], &user["worker"], &user["role"]);
        assert_eq!(seen, (&json!("bob"), &json!(null), &json!("agent")));
        assert_eq!(mallory.get("/api/calls").await.json()["calls"], json!([]));
        assert_eq!(mallory.get(&call).await.status, 404);
    }
    // It is an admin who says that they are bob.
    let mut ada = office.seat("ada").await;
    let known = ada.patch("/api/users/bob", json!({"worker": "bob"})).await;
    assert_eq!(known.json()["worker"], "bob", "{}", known.text);
    let mut bob = office.browser();
    provider.sign_on(&mut bob).await;
    assert_eq!(bob.get(&call).await.status, 200);
    assert_eq!(bob.get("/api/calls").await.json()["calls"][0]["agent"], "bob");
}

#[tokio::test]
async fn the_claim_that_an_administrator_chose_names_the_worker() {
    let (office, provider) = open(&[("OIDC_WORKER_CLAIM", "flex.worker")]).await;
    let call = call_of_bob(&office).await;
    for (says, status) in [
        (json!({"preferred_username": "bob"}), 404),
        (json!({"flex": {"worker": "bob"}}), 200),
        (json!({"flex": {}}), 404),
    ] {
        provider.says(says.clone());
        let mut ana = office.browser();
        provider.sign_on(&mut ana).await;
        assert_eq!(ana.get(&call).await.status, status, "{says}");
    }
}

#[tokio::test]
async fn who_is_disabled_is_refused_by_single_sign_on_too() {
    let (office, provider) = open(&[]).await;
    let mut ana = office.browser();
    provider.sign_on(&mut ana).await;
    let mut ada = office.seat("ada").await;
    let path = "/api/users/ana@example.com";
    assert_eq!(ada.patch(path, json!({"disabled": true})).await.status, 200);
    assert_eq!(ana.who().await, None);
    let mut again = office.browser();
    let answer = provider.sign_on(&mut again).await;
    refused(&answer, &again);
    assert!(answer.text.contains("disabled"), "{}", answer.text);
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_is_refused() {
    let (office, provider) = open(&[]).await;
    let now = unix_ms() / 1000;
    for wrong in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": "another"}),
        json!({"aud": [CLIENT, "another"]}),
        json!({"azp": "another"}),
        json!({"iss": "https://another.example"}),
        json!({"exp": now - 120}),
        json!({"iat": now - 3600}),
        json!({"sub": ""}),
    ] {
        provider.says(wrong.clone());
        let mut browser = office.browser();
        let answer = provider.sign_on(&mut browser).await;
        refused(&answer, &browser);
    }
    provider.says(json!({}));
    assert_eq!(
        provider.sign_on(&mut office.browser()).await.status,
        200,
        "it was that"
    );
}

#[tokio::test]
async fn what_the_provider_refuses_is_refused_here() {
    let (office, provider) = open(&[]).await;
    let mut ana = office.browser();
    let back = provider.come_back(&mut ana).await;
    let answer = ana
        .get(&back.replace("code=", "error=access_denied&other="))
        .await;
    refused(&answer, &ana);
    // Another provider's answer, mixed up with ours (RFC 9207).
    let back = provider.come_back(&mut ana).await;
    let (rest, _) = back.split_once("&iss=").expect("an issuer");
    let answer = ana
        .get(&format!("{rest}&iss=https%3A%2F%2Fanother.example"))
        .await;
    refused(&answer, &ana);
    // A code that the provider does not know.
    let back = provider.come_back(&mut ana).await;
    let answer = ana.get(&back.replace("code=code", "code=guess")).await;
    refused(&answer, &ana);
    assert!(answer.text.contains("begin again"), "{}", answer.text);
    // A client that it does not know, or does not want to know any more.
    for (status, body, told) in [
        (401, json!({"error": "invalid_client"}), "not set up rightly"),
        (400, json!({"error": "unauthorized_client"}), "not set up rightly"),
        (
            400,
            json!({"error": "temporarily_unavailable"}),
            "cannot be reached",
        ),
        (502, json!("bad gateway"), "cannot be reached"),
    ] {
        provider.desired().denies = Some((status, body));
        let answer = provider.sign_on(&mut ana).await;
        assert_eq!(answer.status, 503);
        assert!(answer.text.contains(told), "{}", answer.text);
    }
    assert_eq!(ana.who().await, None);
}

#[tokio::test]
async fn userinfo_is_believed_of_the_same_person_alone() {
    let (office, provider) = open(&[("OIDC_ALLOWED_DOMAINS", "example.com")]).await;
    let whole = json!({"sub": "s-1", "email": "ana@example.com", "email_verified": true});
    provider.says(json!({"email": null, "email_verified": null}));
    provider.desired().userinfo = whole.clone();
    for (userinfo, status) in [
        (
            json!({"sub": "s-2", "email": "ana@example.com", "email_verified": true}),
            403,
        ),
        (json!({"email": "ana@example.com", "email_verified": true}), 403),
        (json!({"sub": "s-1"}), 403),
        (json!([]), 503),
        (json!(500), 503),
        (json!(401), 503),
        (whole, 200),
    ] {
        let mut browser = office.browser();
        provider.desired().userinfo = userinfo.clone();
        let answer = provider.sign_on(&mut browser).await;
        assert_eq!(answer.status, status, "{userinfo}: {}", answer.text);
    }
    // Where nothing hangs on it, a userinfo endpoint that is away keeps nobody out.
    let (office, provider) = open(&[]).await;
    provider.desired().userinfo = json!(500);
    provider.says(json!({"email": null, "preferred_username": "ana"}));
    let mut browser = office.browser();
    assert_eq!(provider.sign_on(&mut browser).await.status, 200);
    assert_eq!(browser.who().await.as_deref(), Some("ana"));
}

#[tokio::test]
async fn only_allowed_domains_come_in_and_passwords_may_be_off() {
    let settings = [
        ("OIDC_ALLOWED_DOMAINS", "example.com"),
        ("PASSWORD_SIGN_IN", "off"),
    ];
    let (office, provider) = open(&settings).await;
    for wrong in [
        json!({"email": "ana@sub.example.com"}),
        json!({"email": "ana@example.com.evil.example"}),
        json!({"email": "ana@evil.example@example.com"}),
        json!({"email": "@example.com"}),
        json!({"email": "ana@evil.example\0@example.com"}),
        json!({"email": "ana@example.com\n"}),
        json!({"email": "ana@evil.example\n@example.com"}),
        json!({"email": "\"ana@evil.example\"@example.com"}),
        json!({"email": "ana@example.com "}),
        json!({"email": "example.com"}),
        json!({"email": ["ana@example.com"]}),
        json!({"email": null}),
        json!({"email_verified": false}),
    ] {
        provider.says(wrong);
        let mut browser = office.browser();
        let answer = provider.sign_on(&mut browser).await;
        refused(&answer, &browser);
    }
    provider.says(json!({}));
    assert_eq!(provider.sign_on(&mut office.browser()).await.status, 200);
    assert_eq!(
        office.browser().sign_in("ada", office::PASSWORD).await.status,
        403
    );
}

#[tokio::test]
async fn a_provider_that_is_another_or_away_is_of_no_use() {
    for about in [
        json!({"issuer": "https://another.example"}),
        json!({"token_endpoint": "http://another.example/token"}),
        json!({"userinfo_endpoint": "http://another.example/userinfo"}),
        json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}),
        json!({"authorization_endpoint": "nowhere"}),
    ] {
        let (office, provider) = open(&[]).await;
        provider.desired().about = about;
        for _ in 0..2 {
            assert_eq!(office.browser().get("/api/oidc/start").await.status, 503);
        }
        let asked = provider.desired().asked;
        assert_eq!(asked, 1, "it is left alone for a moment");
    }
    let none = Office::open(&[]).await;
    assert_eq!(none.browser().get("/api/oidc/start").await.status, 404);
    let away = Office::open(&[
        ("OIDC_ISSUER", "http://127.0.0.1:1"),
        ("OIDC_CLIENT_ID", CLIENT),
        ("OIDC_CLIENT_SECRET", SECRET),
    ]);
    assert_eq!(away.await.browser().get("/api/oidc/start").await.status, 503);
}
