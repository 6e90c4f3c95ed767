//! Users and sessions in a database of their own.

use super::super::secret::Secret;
use super::super::session::{AGE_MAX, IDLE_MAX};
use super::*;

const NOW: i64 = 1_800_000_000_000;

async fn accounts(folder: &tempfile::TempDir) -> Accounts {
    let url = format!("sqlite:{}", folder.path().join("users.db").display());
    let store = Store::new(&url, 2).expect("a database");
    store.prepare().await.expect("a schema");
    Accounts::new(Arc::new(store))
}

fn new(name: &str, role: Role) -> NewUser {
    NewUser {
        name: name.to_owned(),
        password: None,
        subject: None,
        role,
        worker: None,
        language: None,
    }
}

fn secret() -> Secret {
    Secret::random().expect("random")
}

fn disabled(disabled: bool) -> Change {
    Change {
        disabled: Some(disabled),
        ..Change::default()
    }
}

fn role(role: Role) -> Change {
    Change {
        role: Some(role),
        ..Change::default()
    }
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_in_any_case_after_a_week() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    accounts.add(new("ana", Role::Agent)).await.expect("added");
    let (idle, used) = (secret(), secret());
    for session in [&idle, &used] {
        accounts.open("ana", session, NOW).await.expect("opened");
    }
    let lives = async |session: &Secret, now| accounts.session(session, now).await.expect("read").is_some();
    assert!(lives(&idle, NOW + SECOND).await, "and this soon is not noted");
    assert!(!lives(&secret(), NOW).await);
    let mut now = NOW;
    while now + IDLE_MAX - 1 < NOW + AGE_MAX {
        now += IDLE_MAX - 1;
        assert!(lives(&used, now).await);
    }
    assert!(!lives(&idle, NOW + IDLE_MAX).await);
    assert!(!lives(&used, NOW + AGE_MAX).await);
    // Whoever signs in next sweeps them away.
    accounts
        .open("ana", &secret(), NOW + AGE_MAX)
        .await
        .expect("opened");
    let row = sqlx::query("SELECT COUNT(*) AS kept FROM sessions");
    let kept: i64 = row.fetch_one(accounts.pool()).await.expect("counted").get("kept");
    assert_eq!(kept, 1);
}

const SECOND: i64 = 1000;

#[tokio::test]
async fn the_oldest_of_too_many_sessions_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    for name in ["ana", "ben"] {
        accounts.add(new(name, Role::Agent)).await.expect("added");
    }
    let (first, second, other) = (secret(), secret(), secret());
    accounts.open("ben", &other, NOW).await.expect("opened");
    accounts.open("ana", &first, NOW).await.expect("opened");
    accounts.open("ana", &second, NOW + 1).await.expect("opened");
    for more in 2..=20 {
        accounts.open("ana", &secret(), NOW + more).await.expect("opened");
    }
    let lives = async |session: &Secret| {
        accounts
            .session(session, NOW + SECOND)
            .await
            .expect("read")
            .is_some()
    };
    assert!(!lives(&first).await);
    assert!(lives(&second).await && lives(&other).await);
}

#[tokio::test]
async fn what_is_in_the_database_opens_no_session() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    accounts.add(new("ana", Role::Agent)).await.expect("added");
    let session = secret();
    accounts.open("ana", &session, NOW).await.expect("opened");
    let row = sqlx::query("SELECT id FROM sessions").fetch_one(accounts.pool());
    let id: String = row.await.expect("a session").get("id");
    assert_eq!(id, session.id());
    assert!(!id.contains(session.reveal()) && Secret::read(&id).is_none());
}

#[tokio::test]
async fn the_last_enabled_admin_stays_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    for name in ["ada", "bea"] {
        accounts.add(new(name, Role::Admin)).await.expect("added");
    }
    accounts
        .change("bea", disabled(true))
        .await
        .expect("there is another");
    for change in [role(Role::Supervisor), role(Role::Agent), disabled(true)] {
        let refused = accounts.change("ada", change).await;
        assert!(matches!(refused, Err(NotDone::LastAdmin)), "{refused:?}");
    }
    let refused = accounts.remove("ada").await;
    assert!(matches!(refused, Err(NotDone::LastAdmin)), "{refused:?}");
    accounts.remove("bea").await.expect("disabled ones may go");
    accounts.add(new("cleo", Role::Admin)).await.expect("added");
    let both = tokio::join!(
        accounts.change("ada", role(Role::Agent)),
        accounts.change("cleo", role(Role::Agent)),
    );
    assert!(both.0.is_ok() != both.1.is_ok(), "exactly one of {both:?}");
}

#[tokio::test]
async fn a_name_and_a_subject_belong_to_one_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    let with = |name: &str, subject: &str| NewUser {
        subject: Some(subject.to_owned()),
        ..new(name, Role::Agent)
    };
    accounts.add(with("ana", "iss|1")).await.expect("added");
    for again in [new("ana", Role::Agent), with("ben", "iss|1")] {
        let refused = accounts.add(again).await;
        assert!(matches!(refused, Err(NotDone::Taken)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_right_password_during_a_devices_wait_is_refused_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    let password = accounts.hash("correct horse".into()).await.expect("a hash");
    let ana = NewUser {
        password: Some(password),
        ..new("ana", Role::Agent)
    };
    accounts.add(ana).await.expect("added");
    let (device, other) = (Origin::Device("one".into()), Origin::Device("other".into()));
    let check = async |word: &str, origin: &Origin| accounts.check("ana", word.to_owned(), origin).await;
    assert!(check("correct horse", &device).await.is_ok());
    for _ in 0..5 {
        let wrong = check("battery staple", &device).await;
        assert!(matches!(wrong, Err(NotSignedIn::Wrong)), "{wrong:?}");
    }
    let waits = check("correct horse", &device).await;
    assert!(matches!(waits, Err(NotSignedIn::Wait(_))), "{waits:?}");
    for origin in [other, Origin::Address(None)] {
        assert!(check("correct horse", &origin).await.is_ok(), "{origin:?}");
    }
}

#[tokio::test]
async fn sessions_that_watch_are_looked_at_together_and_stay_unused() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = accounts(&folder).await;
    for name in ["ana", "ben"] {
        accounts.add(new(name, Role::Agent)).await.expect("added");
    }
    let (ana, ben, ended) = (secret(), secret(), secret());
    for (name, session) in [("ana", &ana), ("ben", &ben), ("ana", &ended)] {
        accounts.open(name, session, NOW).await.expect("opened");
    }
    accounts.close(&ended).await.expect("closed");
    let ids = [ana.id(), ended.id(), ben.id(), secret().id()];
    let names = async |now| {
        let living = accounts.living_of(&ids, now).await.expect("read");
        let mut names: Vec<_> = living.into_values().map(|user| user.name).collect();
        names.sort();
        names
    };
    assert_eq!(names(NOW).await, ["ana", "ben"]);
    accounts.change("ben", disabled(true)).await.expect("disabled");
    assert_eq!(names(NOW + IDLE_MAX - 1).await, ["ana"]);
    assert!(
        names(NOW + IDLE_MAX).await.is_empty(),
        "looking is no use of a session"
    );
}
