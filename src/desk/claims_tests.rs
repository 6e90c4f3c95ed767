//! What claims say, claim by claim.

use serde_json::json;

use super::*;

fn settings() -> Settings {
    Settings {
        issuer: "https://id.example.com".into(),
        client_id: "desk".into(),
        client_secret: String::from("secret").into(),
        name: "Example".into(),
        scopes: "openid".into(),
        role_claim: None,
        roles: Vec::new(),
        worker_claim: None,
        trust_email: false,
        domains: Vec::new(),
    }
}

fn claims(value: Value) -> Claims {
    value.as_object().expect("an object").clone()
}

fn who(settings: &Settings, sources: &[Value]) -> Person {
    let sources: Vec<_> = sources.iter().cloned().map(claims).collect();
    let sources: Vec<_> = sources.iter().collect();
    person("42".into(), &sources, settings).expect("it is here")
}

fn role(path: &str, roles: &[(&str, Role)], said: Value) -> Option<Role> {
    let settings = Settings {
        role_claim: Some(path.into()),
        roles: roles
            .iter()
            .map(|(value, role)| ((*value).to_owned(), *role))
            .collect(),
        ..settings()
    };
    who(&settings, &[said]).role
}

#[test]
fn a_role_is_found_by_name_or_path_and_the_highest_counts() {
    let names = [
        "realm_access.roles",
        "resource_access.my.desk.roles",
        "https://corp.example/roles",
    ];
    for path in names {
        let said = json!({"realm_access": {"roles": ["x", "agent", "supervisor"]},
            "resource_access": {"my": {"other": 1}, "my.desk": {"roles": ["supervisor"]}},
            "https://corp.example/roles": "supervisor"});
        assert_eq!(role(path, &[], said), Some(Role::Supervisor), "{path}");
    }
    for nothing in [
        json!({}),
        json!({"r": null}),
        json!({"r": "Admin"}),
        json!({"r": ["root", 7, null, {"admin": 1}]}),
        json!({"r": {"admin": true}}),
        json!({"r": "admin supervisor"}),
        json!({"x": {"r": "admin"}}),
    ] {
        assert_eq!(role("r", &[], nothing.clone()), Some(Role::Agent), "{nothing}");
    }
    let groups = [("8a4f", Role::Admin), ("Desk Leads", Role::Supervisor)];
    assert_eq!(
        role("g", &groups, json!({"g": ["Desk Leads", "8a4f"]})),
        Some(Role::Admin)
    );
    // A group that happens to be called like a role is none.
    assert_eq!(role("g", &groups, json!({"g": ["admin"]})), Some(Role::Agent));
    assert_eq!(who(&settings(), &[json!({"duologue_role": "admin"})]).role, None);
}

#[test]
fn an_address_counts_as_the_provider_says() {
    let ana = || Address::read("ana@example.com").expect("an address");
    let trusting = Settings {
        trust_email: true,
        ..settings()
    };
    let google = Settings {
        issuer: GOOGLE.into(),
        ..settings()
    };
    let said = |more: Value| {
        let mut all = json!({"email": "Ana@Example.com"});
        for (name, value) in claims(more) {
            all[name] = value;
        }
        all
    };
    let (yes, no) = (Email::Verified(ana()), Email::Unverified(ana()));
    for (settings, more, right) in [
        (&settings(), json!({"email_verified": true}), &yes),
        (&settings(), json!({"email_verified": "true"}), &yes),
        (
            &settings(),
            json!({"email_verified": false, "xms_edov": true}),
            &no,
        ),
        (&settings(), json!({"email_verified": "yes"}), &no),
        (&settings(), json!({"email_verified": [true]}), &no),
        (&settings(), json!({}), &no),
        (&settings(), json!({"xms_edov": "1"}), &yes),
        (&settings(), json!({"xms_edov": 1}), &yes),
        (&settings(), json!({"xms_edov": false}), &no),
        (&trusting, json!({}), &yes),
        (&trusting, json!({"email_verified": null}), &yes),
        (&trusting, json!({"email_verified": false}), &no),
        (&trusting, json!({"xms_edov": 0}), &no),
        (&google, json!({"email_verified": true}), &no),
        (
            &google,
            json!({"email_verified": true, "hd": "example.com"}),
            &yes,
        ),
    ] {
        assert_eq!(&who(settings, &[said(more.clone())]).email, right, "{more}");
    }
    for (wrong, right) in [
        (json!({"email": "boss", "email_verified": true}), Email::Malformed),
        (
            json!({"email": ["ana@example.com"], "email_verified": true}),
            Email::Malformed,
        ),
        (json!({"email": null}), Email::Missing),
    ] {
        assert_eq!(who(&trusting, &[wrong]).email, right);
    }
}

#[test]
fn two_sources_do_not_make_one_statement() {
    let (ana, bob) = ("ana@example.com", "bob@example.com");
    let said = |token: Value, info: Value| who(&settings(), &[token, info]).email;
    let email = said(
        json!({"email": ana}),
        json!({"email": bob, "email_verified": true}),
    );
    assert_eq!(email.verified().map(Address::as_str), Some(bob));
    let email = said(json!({"email": ana}), json!({"email_verified": true}));
    assert_eq!(email.verified(), None);
    let email = said(
        json!({"email": ana, "email_verified": true}),
        json!({"email": bob}),
    );
    assert_eq!(email.verified().map(Address::as_str), Some(ana));
    let email = said(
        json!({"email": ana, "email_verified": true}),
        json!({"email": ana, "email_verified": false}),
    );
    assert_eq!(email.verified(), None);
}

#[test]
fn a_worker_is_what_the_chosen_claim_says() {
    let by = |claim: &str| Settings {
        worker_claim: Some(claim.into()),
        ..settings()
    };
    assert_eq!(who(&settings(), &[json!({"worker": "bob"})]).worker, None);
    for (claim, said, right) in [
        (
            "flex.worker",
            json!({"flex": {"worker": " Bob B "}}),
            Some("Bob B"),
        ),
        ("worker", json!({}), None),
        ("worker", json!({"worker": ["bob"]}), None),
        ("worker", json!({"worker": "b\nb"}), None),
        ("worker", json!({"worker": ""}), None),
        ("email", json!({"email": "bob@example.com"}), None),
        (
            "email",
            json!({"email": "bob@example.com", "email_verified": true}),
            Some("bob@example.com"),
        ),
    ] {
        let worker = who(&by(claim), &[said]).worker.expect("it is asked for");
        assert_eq!(worker.as_deref(), right);
    }
}

#[test]
fn the_userinfo_endpoint_is_asked_for_what_is_missing() {
    let full = json!({"email": "a@b.example", "email_verified": true, "groups": []});
    let by_groups = Settings {
        role_claim: Some("groups".into()),
        ..settings()
    };
    let by_domain = Settings {
        domains: vec!["b.example".into()],
        ..settings()
    };
    for (settings, token, right) in [
        (&settings(), full.clone(), Lack::Nothing),
        (&by_groups, full.clone(), Lack::Nothing),
        (&by_domain, full.clone(), Lack::Nothing),
        (&settings(), json!({"email": "a@b.example"}), Lack::Address),
        (&settings(), json!({}), Lack::Address),
        (&by_domain, json!({"email": "a@b.example"}), Lack::Needed),
        (
            &by_groups,
            json!({"email": "a@b.example", "email_verified": true}),
            Lack::Needed,
        ),
    ] {
        assert_eq!(lack(&claims(token.clone()), settings), right, "{token}");
    }
    let overfull = claims(json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {}}));
    assert_eq!(person("42".into(), &[&overfull], &by_groups), Err(Elsewhere));
    assert!(person("42".into(), &[&overfull], &settings()).is_ok());
}
