//! Who comes by single sign-on becomes which user, in a database of their own.

use std::sync::Arc;

use super::super::claims::Email;
use super::super::secret::Secret;
use super::*;
use crate::records::store::Store;

const ISSUER: &str = "https://id.example.com";

async fn accounts(folder: &tempfile::TempDir) -> Accounts {
    let url = format!("sqlite:{}", folder.path().join("users.db").display());
    let store = Store::new(&url, 2).expect("a database");
    store.prepare().await.expect("a schema");
    Accounts::new(Arc::new(store))
}

async fn hire(accounts: &Accounts, name: &str, role: Role, sign_on: Option<&str>) {
    let new = NewUser {
        name: name.to_owned(),
        password: Some("unused".into()),
        subject: None,
        role,
        worker: None,
        language: None,
    };
    let sign_on = sign_on_of(sign_on).expect("a way in");
    accounts.add_for(new, sign_on).await.expect("added");
}

fn person(subject: &str, address: &str) -> Person {
    Person {
        subject: subject.into(),
        email: Address::read(address).map_or(Email::Missing, Email::Verified),
        preferred_name: None,
        role: None,
        worker: None,
    }
}

async fn arrive(accounts: &Accounts, person: &Person) -> User {
    accounts.arrive(ISSUER, person).await.expect("arrived")
}

#[test]
fn a_way_in_has_one_form() {
    for (written, kept) in [
        (" Ana@Corp.example ", Some("ana@corp.example")),
        ("auth0|7", Some("sub:auth0|7")),
        ("sub:auth0|7", Some("sub:auth0|7")),
        ("sub:ana@corp.example", Some("sub:ana@corp.example")),
        ("", None),
    ] {
        assert_eq!(
            sign_on_of(Some(written)),
            Ok(kept.map(str::to_owned)),
            "{written}"
        );
    }
    for wrong in ["a@b@corp.example", "@corp.example", "sub:", "añа", "a\nb"] {
        assert!(sign_on_of(Some(wrong)).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_name_or_an_address_alone_makes_nobody_a_user_who_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    for name in ["boss", "boss@corp.example"] {
        hire(&accounts, name, Role::Admin, None).await;
    }
    let mut mallory = person("1", "boss@corp.example");
    mallory.preferred_name = Some("boss@elsewhere.example".into());
    let user = arrive(&accounts, &mallory).await;
    assert!(user.name.starts_with("sso-"), "{}", user.name);
    assert_eq!((user.role, user.worker(), user.oidc), (Role::Agent, None, true));
    assert_eq!(arrive(&accounts, &mallory).await.name, user.name);
    // Nor can anybody take the name that somebody else is going to get.
    let squatter = Person {
        preferred_name: Some(user.name.clone()),
        ..person("2", "")
    };
    let other = arrive(&accounts, &squatter).await;
    assert!(other.name.starts_with("sso-") && other.name != user.name);
    let like = Person {
        preferred_name: Some("Chief@corp.example".into()),
        ..person("3", "")
    };
    assert_eq!(arrive(&accounts, &like).await.name, "chief");
}

#[tokio::test]
async fn an_administrator_says_as_whom_a_user_comes_and_only_one_person_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    hire(&accounts, "bob", Role::Supervisor, None).await;
    let bob = person("7", "bob@corp.example");
    let before = arrive(&accounts, &bob).await;
    assert_eq!(before.name, "bob@corp.example");
    let (session, now) = (Secret::random().expect("random"), 1_800_000_000_000);
    accounts.open(&before.name, &session, now).await.expect("opened");
    let link = |text: &str| Change {
        sign_on: Some(sign_on_of(Some(text)).expect("a way in")),
        ..Change::default()
    };
    accounts
        .change("bob", link("Bob@Corp.example"))
        .await
        .expect("linked");
    // An address that nobody has verified is not it.
    let mut unverified = person("8", "");
    unverified.email = Email::Unverified(Address::read("bob@corp.example").expect("an address"));
    assert_ne!(arrive(&accounts, &unverified).await.name, "bob");
    let user = arrive(&accounts, &bob).await;
    assert_eq!(
        (user.name.as_str(), user.role, user.oidc),
        ("bob", Role::Supervisor, true)
    );
    assert_eq!(user.worker(), Some("bob"), "that name was given here");
    assert_eq!(accounts.session(&session, now).await.expect("read"), None);
    // Somebody else who has that address by now is not bob.
    assert_ne!(
        arrive(&accounts, &person("9", "bob@corp.example")).await.name,
        "bob"
    );
    hire(&accounts, "eve", Role::Agent, Some("sub:10")).await;
    let taken = accounts.change("eve", link("bob@corp.example")).await;
    assert!(matches!(taken, Err(NotDone::SignOnTaken)), "{taken:?}");
    assert_eq!(arrive(&accounts, &person("10", "")).await.name, "eve");
    let unlink = Change {
        sign_on: Some(None),
        ..Change::default()
    };
    let user = accounts.change("bob", unlink).await.expect("unlinked");
    assert_eq!((user.oidc, user.sign_on), (false, None));
    assert_ne!(arrive(&accounts, &bob).await.name, "bob");
}

#[tokio::test]
async fn a_role_follows_its_claim_but_somebody_stays_admin() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    let with = |role| Person {
        role: Some(role),
        ..person("1", "ana@corp.example")
    };
    assert_eq!(arrive(&accounts, &with(Role::Admin)).await.role, Role::Admin);
    // The last admin stays, until there is another one.
    assert_eq!(arrive(&accounts, &with(Role::Agent)).await.role, Role::Admin);
    hire(&accounts, "ada", Role::Admin, None).await;
    assert_eq!(arrive(&accounts, &with(Role::Agent)).await.role, Role::Agent);
    assert_eq!(
        arrive(&accounts, &with(Role::Supervisor)).await.role,
        Role::Supervisor
    );
    let change = Change {
        role: Some(Role::Agent),
        ..Change::default()
    };
    accounts
        .change("ana@corp.example", change)
        .await
        .expect("changed");
    let without = person("1", "ana@corp.example");
    assert_eq!(
        arrive(&accounts, &without).await.role,
        Role::Agent,
        "roles are given here"
    );
}

#[tokio::test]
async fn a_worker_follows_its_claim_and_one_named_here_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    let with = |worker: Option<&str>| Person {
        worker: Some(worker.map(str::to_owned)),
        ..person("1", "ana@corp.example")
    };
    assert_eq!(arrive(&accounts, &with(Some("Ana"))).await.worker(), Some("Ana"));
    assert_eq!(arrive(&accounts, &with(None)).await.worker(), None);
    let change = Change {
        worker: Some(Some("Ben".into())),
        ..Change::default()
    };
    accounts
        .change("ana@corp.example", change)
        .await
        .expect("changed");
    assert_eq!(arrive(&accounts, &with(None)).await.worker(), Some("Ben"));
    assert_eq!(arrive(&accounts, &with(Some("Ana"))).await.worker(), Some("Ana"));
}

#[tokio::test]
async fn who_is_disabled_stays_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    let ana = person("1", "ana@corp.example");
    arrive(&accounts, &ana).await;
    let change = Change {
        disabled: Some(true),
        ..Change::default()
    };
    accounts
        .change("ana@corp.example", change)
        .await
        .expect("changed");
    let claimed = Person {
        role: Some(Role::Admin),
        worker: Some(Some("Ana".into())),
        ..ana
    };
    let user = arrive(&accounts, &claimed).await;
    assert!(user.disabled);
    assert_eq!((user.role, user.worker()), (Role::Agent, None));
}

#[tokio::test]
async fn a_sign_in_is_redeemed_once_and_forgotten_when_it_is_too_old_anyway() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    let redeem = async |state: &str, now| accounts.redeem(state, now, now + 10).await.expect("noted");
    assert!(redeem("one", 0).await);
    assert!(!redeem("one", 9).await);
    assert!(redeem("two", 9).await);
    assert!(redeem("one", 10).await, "it is forgotten");
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM sign_ins");
    let count: i64 = query.fetch_one(accounts.pool()).await.expect("counted");
    assert_eq!(count, 2);
}

#[tokio::test]
async fn users_of_before_have_no_worker_by_a_name_of_the_providers() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = accounts(&folder).await;
    for undo in [
        "DROP INDEX users_sign_on",
        "ALTER TABLE users DROP COLUMN sign_on",
        "ALTER TABLE users DROP COLUMN named_elsewhere",
        "ALTER TABLE users DROP COLUMN worker_claimed",
        "DROP TABLE secrets",
        "DROP TABLE sign_ins",
        "DELETE FROM _sqlx_migrations WHERE version = 4",
        "INSERT INTO users (name, password, subject, role, created) VALUES ('bob', NULL, 'x|1', 'agent', 0), \
            ('ada', 'x', 'x|2', 'admin', 0), ('ben@corp.example', NULL, NULL, 'agent', 0), ('cleo', 'x', NULL, 'agent', 0)",
    ] {
        sqlx::query(undo).execute(before.pool()).await.expect(undo);
    }
    // The tables are changed while nobody uses them.
    before.pool().close().await;
    let accounts = accounts(&folder).await;
    let users = accounts.users().await.expect("users");
    let workers: Vec<_> = users
        .iter()
        .map(|user| (user.name.as_str(), user.worker()))
        .collect();
    let right = [
        ("ada", Some("ada")),
        ("ben@corp.example", Some("ben@corp.example")),
        ("bob", None),
        ("cleo", Some("cleo")),
    ];
    assert_eq!(workers, right);
    // Whom an administrator had added without a password comes as the address that they are called.
    assert_eq!(
        arrive(&accounts, &person("3", "ben@corp.example")).await.name,
        "ben@corp.example"
    );
}
