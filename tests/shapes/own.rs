//! Providers that one runs oneself, and one that says no more than it must.

use serde_json::json;

use super::Right::{In, Out};
use super::{NONE, Shape, row};

pub fn all() -> Vec<Shape> {
    let all = [keycloak(), authelia(), gitlab()];
    all.into_iter().chain(bare()).collect()
}

fn keycloak() -> Shape {
    let token = json!({"sub": "f0ad3ae5-1f3d-4b5b-9b7e-7e4f5e7f3c11", "typ": "ID", "azp": "the desk", "acr": "1",
        "sid": "d1f0", "email_verified": true, "name": "Ana B", "preferred_username": "ana", "given_name": "Ana",
        "email": "ana@corp.example", "worker": "Ana Flex", "realm_access": {"roles": ["offline_access", "admin"]},
        "resource_access": {"account": {"roles": ["admin"]}, "the.desk": {"roles": ["agent", "supervisor"]}}});
    let person = |who, changes, right| row(who, (&token, changes), (&NONE, NONE), right);
    let withdrawn = json!({"worker": null, "resource_access": {"account": {"roles": ["admin"]}}});
    let unverified =
        json!({"sub": "2", "email_verified": false, "preferred_username": "bob", "worker": null});
    Shape {
        name: "Keycloak with roles of a client",
        path: "/realms/desk",
        settings: vec![
            ("OIDC_ROLE_CLAIM", "resource_access.the.desk.roles"),
            ("OIDC_WORKER_CLAIM", "worker"),
        ],
        about: json!({"token_endpoint_auth_methods_supported":
            ["private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth", "client_secret_jwt"],
            "authorization_response_iss_parameter_supported": true}),
        people: vec![
            person(
                "a supervisor",
                json!({}),
                In("ana@corp.example", "supervisor", Some("Ana Flex")),
            ),
            person(
                "the same without role and worker",
                withdrawn,
                In("ana@corp.example", "agent", None),
            ),
            person(
                "one without a verified address",
                unverified,
                In("bob", "supervisor", None),
            ),
        ],
    }
}

fn authelia() -> Shape {
    let token = json!({"sub": "2e9b1d3c-0d5e-4b61-9f4e-6b3a7c1f2d00", "amr": ["pwd"], "azp": "the desk", "at_hash": "x",
        "jti": "j", "rat": 1_764_000_000, "email": null, "email_verified": null});
    let info = json!({"sub": "2e9b1d3c-0d5e-4b61-9f4e-6b3a7c1f2d00", "email": "ana@corp.example", "email_verified": true,
        "name": "Ana B", "preferred_username": "ana", "groups": ["staff", "desk leads"], "rat": 1_764_000_000});
    let person = |who, changes, right| row(who, (&token, json!({})), (&info, changes), right);
    Shape {
        name: "Authelia, whose claims are at userinfo only",
        path: "",
        settings: vec![
            ("OIDC_SCOPES", "openid profile email groups"),
            ("OIDC_ALLOWED_DOMAINS", "corp.example"),
            ("OIDC_ROLE_CLAIM", "groups"),
            ("OIDC_ROLES", "desk leads=supervisor"),
            ("OIDC_WORKER_CLAIM", "email"),
        ],
        about: json!({"token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"],
            "authorization_response_iss_parameter_supported": true}),
        people: vec![
            person(
                "a lead",
                json!({}),
                In("ana@corp.example", "supervisor", Some("ana@corp.example")),
            ),
            person(
                "the same, out of the group",
                json!({"groups": []}),
                In("ana@corp.example", "agent", Some("ana@corp.example")),
            ),
            person(
                "one of another house",
                json!({"email": "ana@home.example"}),
                Out("not of a domain"),
            ),
            person(
                "one without an address",
                json!({"email": null}),
                Out("does not tell your e-mail address"),
            ),
            person("somebody else", json!({"sub": "other"}), Out("cannot be trusted")),
        ],
    }
}

fn gitlab() -> Shape {
    let token = json!({"sub": "1042", "sub_legacy": "b6d3", "auth_time": 1_764_000_000, "name": "Ana B", "nickname": "ana",
        "preferred_username": "ana", "profile": "https://gitlab.example/ana", "groups_direct": ["corp/desk-leads"],
        "email": null, "email_verified": null});
    let info = json!({"sub": "1042", "sub_legacy": "b6d3", "name": "Ana B", "nickname": "ana", "email": "ana@corp.example",
        "preferred_username": "ana", "email_verified": true, "groups": ["corp", "corp/desk-leads"],
        "https://gitlab.org/claims/groups/owner": ["corp/desk-admins"]});
    let person = |who, changes, right| row(who, (&token, json!({})), (&info, changes), right);
    Shape {
        name: "GitLab",
        path: "",
        settings: vec![
            ("OIDC_SCOPES", "openid email profile"),
            ("OIDC_ROLE_CLAIM", "groups"),
            ("OIDC_ROLES", "corp/desk-leads=supervisor"),
        ],
        about: json!({"token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]}),
        people: vec![
            person("a lead", json!({}), In("ana@corp.example", "supervisor", None)),
            person(
                "the same, out of the group",
                json!({"groups": ["corp"]}),
                In("ana@corp.example", "agent", None),
            ),
        ],
    }
}

fn bare() -> Vec<Shape> {
    let token = json!({"sub": "42", "email": null, "email_verified": null});
    let claiming = json!({"sub": "43", "preferred_username": "ada", "email": "ada", "email_verified": true,
        "worker": "ada", "role": "admin", "duologue_role": "admin"});
    let shape = |name, settings, people| Shape {
        name,
        path: "",
        settings,
        about: json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]}),
        people,
    };
    let person = |who, changes, right| row(who, (&token, changes), (&NONE, NONE), right);
    vec![
        shape(
            "a bare one that takes the secret in the form",
            vec![],
            vec![
                person("somebody", json!({}), In("sso-", "agent", None)),
                person(
                    "somebody who claims to be ada",
                    claiming,
                    In("sso-", "agent", None),
                ),
            ],
        ),
        shape(
            "a bare one where an address is needed",
            vec![("OIDC_ALLOWED_DOMAINS", "corp.example")],
            vec![
                person("somebody", json!({}), Out("does not tell your e-mail address")),
                person(
                    "somebody with a word for it",
                    json!({"email": "boss"}),
                    Out("e-mail address is none"),
                ),
            ],
        ),
    ]
}
