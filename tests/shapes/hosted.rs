//! Providers that are somebody's service.

use serde_json::{Value, json};

use super::Right::{self, In, Out};
use super::{NONE, Row, Shape, row};

pub fn all() -> Vec<Shape> {
    let others = [google(), okta(), auth0(), cognito()];
    entras().into_iter().chain(others).collect()
}

const TENANT: &str = "/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0";
const NOT_VERIFIED: &str = "does not say that your e-mail address is verified";

/// Its people, as both endpoints tell them.
fn entra_person(who: &'static str, changes: Value, right: Right) -> Row {
    let token = json!({"ver": "2.0", "tid": "9122040d-6c67-4c5b-b112-36a304b66dad", "email_verified": null,
        "oid": "00000000-0000-0000-66f3-3332eca7ea81", "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "name": "Ana B", "preferred_username": "ana@corp.example", "email": "Ana@corp.example", "rh": "0.AXEA"});
    let mut info = json!({"sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "name": "Ana B", "family_name": "B",
        "given_name": "Ana", "picture": "https://graph.microsoft.com/v1.0/me/photo/$value", "email": "Ana@corp.example"});
    for name in ["sub", "email"] {
        if let Some(value) = changes.get(name) {
            info[name] = value.clone();
        }
    }
    row(who, (&token, changes), (&info, NONE), right)
}

fn entra(name: &'static str, settings: Vec<(&'static str, &'static str)>, people: Vec<Row>) -> Shape {
    Shape {
        name,
        path: TENANT,
        settings,
        about: json!({"token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic"]}),
        people,
    }
}

fn entras() -> Vec<Shape> {
    let person = entra_person;
    let by_app_roles = vec![
        ("OIDC_ALLOWED_DOMAINS", "corp.example"),
        ("OIDC_TRUST_EMAIL", "on"),
        ("OIDC_ROLE_CLAIM", "roles"),
        ("OIDC_ROLES", "Desk.Lead=supervisor,Desk.Admin=admin"),
    ];
    let by_groups = vec![
        ("OIDC_ROLE_CLAIM", "groups"),
        ("OIDC_ROLES", "0760b6cf-170e-4a14-91b3-4b78e0739963=admin"),
    ];
    let (lead, admin) = (
        json!({"roles": ["Desk.Lead", "Other"]}),
        json!({"roles": ["Desk.Lead", "Desk.Admin"]}),
    );
    let guest = json!({"sub": "guest", "email": "ana@elsewhere.example"});
    let overfull = json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1":
        {"endpoint": "https://graph.windows.net/9122040d/users/0000/getMemberObjects"}}});
    let grouped =
        json!({"groups": ["3b2b0c93-acd8-4208-8eba-7a48db1cd4c0", "0760b6cf-170e-4a14-91b3-4b78e0739963"]});
    let not_owned = json!({"xms_edov": false});
    vec![
        entra(
            "Entra, whose addresses are trusted",
            by_app_roles,
            vec![
                person("a lead", lead, In("ana@corp.example", "supervisor", None)),
                person(
                    "the same as an admin",
                    admin,
                    In("ana@corp.example", "admin", None),
                ),
                person("a guest", guest, Out("not of a domain that may sign in here")),
                person(
                    "one whose domain nobody owns",
                    not_owned.clone(),
                    Out(NOT_VERIFIED),
                ),
            ],
        ),
        entra(
            "Entra that is asked for xms_edov",
            vec![("OIDC_ALLOWED_DOMAINS", "corp.example")],
            vec![
                person("one without it", json!({}), Out(NOT_VERIFIED)),
                person(
                    "one with it",
                    json!({"xms_edov": true}),
                    In("ana@corp.example", "agent", None),
                ),
                person(
                    "the same as text",
                    json!({"xms_edov": "1"}),
                    In("ana@corp.example", "agent", None),
                ),
                person("one whose domain nobody owns", not_owned, Out(NOT_VERIFIED)),
            ],
        ),
        entra(
            "Entra with groups",
            by_groups,
            vec![
                person("one with few groups", grouped, In("ana", "admin", None)),
                person("one with too many", overfull, Out("too many groups")),
            ],
        ),
    ]
}

fn google() -> Shape {
    let token = json!({"sub": "110169484474386276334", "azp": "the desk", "hd": "corp.example", "at_hash": "HK6E",
        "email": "ana@corp.example", "email_verified": true, "name": "Ana B", "picture": "https://lh4.example/photo.jpg"});
    let info = json!({"sub": "110169484474386276334", "email": "ana@corp.example", "email_verified": true});
    let gmail = json!({"sub": "2", "hd": null, "email": "ana@gmail.com"});
    Shape {
        name: "Google",
        path: "",
        settings: vec![("OIDC_ALLOWED_DOMAINS", "corp.example")],
        about: json!({"token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"]}),
        people: vec![
            row(
                "one of the company",
                (&token, json!({})),
                (&info, NONE),
                In("ana@corp.example", "agent", None),
            ),
            row(
                "anybody",
                (&token, gmail),
                (&info, NONE),
                Out("not of a domain that may sign in here"),
            ),
        ],
    }
}

fn okta() -> Shape {
    let token = json!({"sub": "00uid4BxXw6I6TV4m0g3", "ver": 1, "jti": "ID.4eAWJO", "amr": ["pwd"], "idp": "00o3b1ahk",
        "auth_time": 1_764_000_000, "at_hash": "cpqKfdQA5eH891Ff5oJr_Q", "name": "Ana B", "email": null,
        "email_verified": null, "preferred_username": "ana@corp.example", "groups": ["Everyone", "Desk Leads"]});
    let info = json!({"sub": "00uid4BxXw6I6TV4m0g3", "name": "Ana B", "locale": "en-US", "email": "ana@corp.example",
        "preferred_username": "ana@corp.example", "zoneinfo": "America/Los_Angeles", "updated_at": 1_311_280_970,
        "email_verified": true});
    let person =
        |who, token_changes, changes, right| row(who, (&token, token_changes), (&info, changes), right);
    let everyone = json!({"groups": ["Everyone"]});
    Shape {
        name: "Okta with a thin ID token and groups",
        path: "/oauth2/default",
        settings: vec![
            ("OIDC_ALLOWED_DOMAINS", "corp.example"),
            ("OIDC_ROLE_CLAIM", "groups"),
            ("OIDC_ROLES", "Desk Leads=supervisor,Desk Admins=admin"),
        ],
        about: json!({"token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]}),
        people: vec![
            person(
                "a lead",
                json!({}),
                json!({}),
                In("ana@corp.example", "supervisor", None),
            ),
            person(
                "the same, out of the group",
                everyone,
                json!({}),
                In("ana@corp.example", "agent", None),
            ),
            person(
                "one who has not confirmed",
                json!({}),
                json!({"email_verified": false}),
                Out("is verified"),
            ),
        ],
    }
}

fn auth0() -> Shape {
    let token = json!({"sub": "auth0|507f1f77bcf86cd799439020", "nickname": "admin", "name": "bob",
        "picture": "https://s.example/a.png", "updated_at": "2026-11-30T08:00:00.000Z", "email": "ana@corp.example",
        "email_verified": true, "https://corp.example/roles": ["desk-admin"], "https://corp.example/worker": "ana.flex"});
    let info =
        json!({"sub": "auth0|507f1f77bcf86cd799439020", "email": "ana@corp.example", "email_verified": true});
    let person = |who, changes, right| row(who, (&token, changes), (&info, json!({})), right);
    let without = json!({"https://corp.example/roles": null, "https://corp.example/worker": null});
    Shape {
        name: "Auth0 with claims of a namespace",
        path: "/",
        settings: vec![
            ("OIDC_ROLE_CLAIM", "https://corp.example/roles"),
            ("OIDC_ROLES", "desk-admin=admin"),
            ("OIDC_WORKER_CLAIM", "https://corp.example/worker"),
        ],
        about: json!({"token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]}),
        people: vec![
            person(
                "an admin",
                json!({}),
                In("ana@corp.example", "admin", Some("ana.flex")),
            ),
            person(
                "the same without both",
                without,
                In("ana@corp.example", "agent", None),
            ),
        ],
    }
}

fn cognito() -> Shape {
    let token = json!({"sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "token_use": "id", "email_verified": "true",
        "cognito:username": "ana", "cognito:groups": ["desk-leads"], "custom:worker": "ana.flex",
        "email": "ana@corp.example"});
    let person = |who, changes, right| row(who, (&token, changes), (&NONE, NONE), right);
    let unverified = json!({"sub": "2", "email_verified": "false"});
    Shape {
        name: "Cognito, which writes its booleans as text",
        path: "/eu-west-1_desk",
        settings: vec![
            ("OIDC_ALLOWED_DOMAINS", "corp.example"),
            ("OIDC_ROLE_CLAIM", "cognito:groups"),
            ("OIDC_ROLES", "desk-leads=supervisor"),
            ("OIDC_WORKER_CLAIM", "custom:worker"),
        ],
        about: json!({"token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]}),
        people: vec![
            person(
                "a lead",
                json!({}),
                In("ana@corp.example", "supervisor", Some("ana.flex")),
            ),
            person("one who has not confirmed", unverified, Out("is verified")),
        ],
    }
}
