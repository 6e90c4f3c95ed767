//! Sign-ins on their way to the provider and back: whose they are, how often they end, and what strangers can do to them.

#![allow(clippy::expect_used)]

mod office;
mod provider;

use office::{Answer, Browser, Office};
use provider::{CLIENT, Provider, SECRET};

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
async fn a_sign_in_ends_once_and_in_the_browser_that_began_it() {
    let (office, provider) = open(&[]).await;
    let mut ana = office.browser();
    let back = provider.come_back(&mut ana).await;
    // Somebody else's browser, with and without a sign-in of its own.
    let (mut stranger, mut other) = (office.browser(), office.browser());
    provider.come_back(&mut other).await;
    for browser in [&mut stranger, &mut other] {
        let answer = browser.get(&back).await;
        refused(&answer, browser);
    }
    let mut copy = ana.clone();
    let (name, value) = copy.jar.iter().next().expect("a cookie");
    let (name, mut forged) = (name.clone(), value.clone());
    forged.replace_range(..1, if value.starts_with('A') { "B" } else { "A" });
    copy.jar.insert(name, forged);
    refused(&copy.get(&back).await, &copy);
    assert_eq!(
        provider.desired().exchanges,
        0,
        "none of them costs the provider anything"
    );
    let mut copy = ana.clone();
    assert_eq!(ana.get(&back).await.status, 200);
    refused(&copy.get(&back).await, &copy);
    // A provider that takes a code twice makes no difference.
    provider.desired().careless = true;
    let back = provider.come_back(&mut ana).await;
    let mut copy = ana.clone();
    copy.jar.remove("duologue_session");
    assert_eq!(ana.get(&back).await.status, 200);
    refused(&copy.get(&back).await, &copy);
    for path in ["/api/oidc/callback", "/api/oidc/callback?state=guess&code=guess"] {
        let mut stranger = office.browser();
        refused(&stranger.get(path).await, &stranger);
    }
}

#[tokio::test]
async fn strangers_cancel_nobodys_sign_in_and_cost_the_provider_little() {
    let (office, provider) = open(&[]).await;
    let mut ana = office.browser();
    let back = provider.come_back(&mut ana).await;
    let (mut guesses, nobody) = (Vec::new(), office.browser());
    for _ in 0..1100 {
        let mut stranger = nobody.clone();
        let begun = stranger.get("/api/oidc/start").await;
        assert_eq!(begun.status, 303);
        guesses.push((stranger, provider.authorise(begun.header("location"))));
    }
    let mut slowed = 0;
    for (stranger, back) in guesses.iter_mut().take(200) {
        let answer = stranger.get(&back.replace("code=code", "code=guess")).await;
        slowed += usize::from(answer.status == 429);
        assert!(
            answer.status == 403 || !answer.header("retry-after").is_empty(),
            "{}",
            answer.text
        );
    }
    let exchanges = provider.desired().exchanges;
    assert_eq!(provider.desired().asked, 1);
    assert!(
        slowed > 0 && exchanges == 200 - slowed,
        "{exchanges} of 200 came through"
    );
    // Who comes from there too waits for a moment, and not at all if they have signed on before.
    let mut answer = ana.clone().get(&back).await;
    while answer.status == 429 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        answer = ana.clone().get(&back).await;
    }
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn who_has_signed_on_before_does_not_wait_for_strangers() {
    let (office, provider) = open(&[]).await;
    let mut ana = office.browser();
    assert_eq!(provider.sign_on(&mut ana).await.status, 200);
    ana.jar.remove("duologue_session");
    let back = provider.come_back(&mut ana).await;
    let mut stranger = office.browser();
    loop {
        let guess = provider
            .come_back(&mut stranger)
            .await
            .replace("code=code", "code=guess");
        if stranger.get(&guess).await.status == 429 {
            break;
        }
    }
    assert_eq!(ana.get(&back).await.status, 200);
    assert_eq!(ana.who().await.as_deref(), Some("ana@example.com"));
}

#[tokio::test]
async fn several_tabs_are_on_their_way_at_once_and_the_oldest_of_many_goes() {
    let (office, provider) = open(&[]).await;
    let mut ana = office.browser();
    let mut tabs = Vec::new();
    for _ in 0..8 {
        tabs.push(provider.come_back(&mut ana).await);
    }
    assert_eq!(under_way(&ana), 5);
    let oldest = ana.get(&tabs[0]).await;
    refused(&oldest, &ana);
    for tab in [5, 4, 7] {
        let answer = ana.get(&tabs[tab]).await;
        assert_eq!(answer.status, 200, "{tab}: {}", answer.text);
    }
    // Two that begin before either has an answer, each without the other's cookie.
    let (mut one, mut two) = (office.browser(), office.browser());
    let (first, second) = (
        provider.come_back(&mut one).await,
        provider.come_back(&mut two).await,
    );
    one.jar.extend(two.jar);
    assert_eq!(one.get(&first).await.status, 200);
    assert_eq!(one.get(&second).await.status, 200);
    // A picture on another site begins nothing.
    ana.destination = Some("image");
    assert_eq!(ana.get("/api/oidc/start").await.status, 403);
    ana.destination = Some("document");
    assert_eq!(ana.get("/api/oidc/start").await.status, 303);
}

#[tokio::test]
async fn a_sign_in_comes_back_to_any_instance() {
    let (office, provider) = open(&[]).await;
    let database = office.database();
    let same = [
        ("DATABASE_URL", database.as_str()),
        ("PUBLIC_URL", office.public.as_str()),
    ];
    let mut all = same.to_vec();
    all.extend([
        ("OIDC_ISSUER", provider.issuer.as_str()),
        ("OIDC_CLIENT_ID", CLIENT),
        ("OIDC_CLIENT_SECRET", SECRET),
    ]);
    let other = Office::closed(&all).await;
    let mut ana = office.browser();
    let back = provider.come_back(&mut ana).await;
    ana.base = other.address.clone();
    assert_eq!(ana.get(&back).await.status, 200);
    assert_eq!(ana.who().await.as_deref(), Some("ana@example.com"));
}
