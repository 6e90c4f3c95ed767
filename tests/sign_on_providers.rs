//! Providers as their makers' documentation describes them: who gets in at the desk, as whom, in which role, with which
//! worker, and what everybody else is told. The shapes are those of Microsoft Entra ("ID token claims reference", "Optional
//! claims reference", "Configure app roles"), Google ("OpenID Connect"), Keycloak ("Server Administration Guide"), Authelia
//! ("OpenID Connect 1.0 Claims"), Okta ("OpenID Connect & OAuth 2.0 API"), Auth0 ("ID Token Structure", "Create Custom
//! Claims"), GitLab ("GitLab as OpenID Connect identity provider") and Amazon Cognito ("Understanding the ID token"); and
//! of one that says no more than it must.

#![allow(clippy::expect_used)]

mod office;
mod provider;
mod shapes;

use provider::Provider;
use serde_json::json;
use shapes::Right::{In, Out};
use shapes::Shape;

async fn walk(shape: Shape) {
    let provider = Provider::open_at(shape.path).await;
    provider.desired().about = shape.about;
    // Where there is a userinfo endpoint, it is announced from the beginning.
    provider.desired().userinfo = shape.people[0].userinfo.clone();
    let office = provider.desk(&shape.settings).await;
    for row in shape.people {
        let about = format!("{}: {}", shape.name, row.who);
        provider.says(row.token);
        provider.desired().userinfo = row.userinfo;
        let mut browser = office.browser();
        let answer = provider.sign_on(&mut browser).await;
        match row.right {
            Out(told) => {
                assert_eq!(answer.status, 403, "{about}: {}", answer.text);
                assert!(answer.text.contains(told), "{about}: {}", answer.text);
                assert_eq!(browser.who().await, None, "{about}");
            }
            In(name, role, worker) => {
                assert_eq!(answer.status, 200, "{about}: {}", answer.text);
                let user = browser.get("/api/session").await.json()["user"].clone();
                let called = user["name"].as_str().expect("a name");
                assert!(
                    called == name || (name == "sso-" && called.starts_with(name)),
                    "{about}: {called}"
                );
                assert_eq!(user["role"], role, "{about}");
                assert_eq!(user["worker"], json!(worker), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn who_gets_in_as_whom_and_what_everybody_else_is_told() {
    for shape in shapes::all() {
        walk(shape).await;
    }
}
