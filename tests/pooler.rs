//! PostgreSQL behind PgBouncer, which gives every transaction another connection. Where there is no `pgbouncer`, or no
//! PostgreSQL, this says so and skips, unless `PGBOUNCER=require`.

#![allow(clippy::expect_used, clippy::panic)]

mod databases;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use databases::{call, postgres, remove, until, utterance};
use duologue::desk::accounts::{Accounts, NewUser};
use duologue::desk::user::Role;
use duologue::records::figures::Range;
use duologue::records::read::Filter;
use duologue::records::record::{Record, Speaker};
use duologue::records::redact::Kinds;
use duologue::records::spool::Spool;
use duologue::records::store::Store;
use duologue::records::writer::{Policy, Writer};
use futures_util::future::join_all;

const POLICY: Policy = Policy {
    texts: true,
    redacted: Kinds::NONE,
    days: Some(90),
};

/// A pooler in front of the server of a URL. It ends with this.
struct Pooler {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_required() -> bool {
    std::env::var("PGBOUNCER").is_ok_and(|wanted| wanted == "require")
}

impl Pooler {
    /// `None` where there is no `pgbouncer`. `more`: settings beside the usual ones.
    async fn start(url: &str, more: &str) -> Option<Self> {
        let server = url::Url::parse(url).expect("a URL");
        let folder = tempfile::tempdir().expect("a folder");
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let password = server.password().map(|word| format!(" password={word}"));
        let settings = format!(
            "[databases]\n* = host={} port={} user={}{}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n{more}\n",
            server.host_str().expect("a host"),
            server.port().unwrap_or(5432),
            server.username(),
            password.unwrap_or_default(),
        );
        let path = folder.path().join("pgbouncer.ini");
        fs::write(&path, settings).expect("settings");
        // It runs as somebody else, who must be able to read them.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a folder");
        let pooler = Self {
            process: spawn(&path)?,
            port,
            _folder: folder,
        };
        until("the pooler listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Some(pooler)
    }

    fn url(&self, url: &str) -> String {
        let mut through = url::Url::parse(url).expect("a URL");
        through.set_host(Some("127.0.0.1")).expect("a host");
        through.set_port(Some(self.port)).expect("a port");
        through.into()
    }
}

fn spawn(settings: &Path) -> Option<Child> {
    let places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"];
    let Some(program) = places.into_iter().find(|path| Path::new(path).exists()) else {
        assert!(!is_required(), "PGBOUNCER=require, and there is no pgbouncer");
        eprintln!("skipped: there is no pgbouncer");
        return None;
    };
    let mut command = Command::new(program);
    // It refuses to be root.
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        command.args(["-u", "nobody"]);
    }
    let command = command.arg("-q").arg(settings);
    let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Some(started.expect("pgbouncer"))
}

#[tokio::test]
async fn everything_works_behind_a_pooler_that_gives_each_transaction_another_connection() {
    let Some(url) = postgres().await else {
        return assert!(!is_required(), "there is no PostgreSQL");
    };
    if let Some(pooler) = Pooler::start(&url, "ignore_startup_parameters = extra_float_digits").await {
        let through = pooler.url(&url);
        // Several programs come up at once, and again.
        let stores: Vec<Store> = (0..4)
            .map(|_| Store::new(&through, 3).expect("a store"))
            .collect();
        for _ in 0..2 {
            for prepared in join_all(stores.iter().map(Store::prepare)).await {
                prepared.expect("a schema");
            }
        }
        records_are_kept_found_and_erased(&through, &stores).await;
        users_are_kept(&through).await;
    }
    remove(&url).await;
}

async fn records_are_kept_found_and_erased(url: &str, stores: &[Store]) {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Spool::open(&folder.path().join("spool")).expect("a spool");
    let away = Arc::new(Store::new(url, 2).expect("a store"));
    let (queue, writer) = Writer::start(away, spool, POLICY).expect("a writer");
    let now = duologue::records::unix_ms();
    for number in 0..200_i64 {
        let id = format!("{number:032x}");
        let mut ended = call(&id, &format!("+346{number:05}"), now + number);
        ended.ended = Some(now + number + 10);
        let said = utterance(&id, Speaker::Caller, 1, now);
        queue.put(Record::Utterance(said)).expect("room");
        queue.put(Record::Call(ended)).expect("room");
    }
    let asked = async |number: usize| {
        let store = &stores[number % stores.len()];
        let id = format!("{number:032x}");
        let filter = Filter {
            words: Some("你好".to_owned()),
            ..Filter::default()
        };
        until("it is kept", async || {
            store.call(&id).await.expect("asked").is_some()
        })
        .await;
        assert_eq!(store.utterances(&id).await.expect("asked").len(), 1);
        store.events(&id).await.expect("asked");
        store.usages(&id).await.expect("asked");
        assert!(!store.calls(&filter).await.expect("asked").calls.is_empty());
    };
    join_all((0..200).map(asked)).await;
    let year = Range::new("2026-01-01", "2026-12-31", "UTC").expect("a range");
    stores[0].figures(&year).await.expect("figures");
    let id = format!("{:032x}", 7);
    assert_eq!(
        stores[1].erase_call(&id).await.expect("erased"),
        std::slice::from_ref(&id)
    );
    assert_eq!(stores[2].erase_number("34600008").await.expect("erased").len(), 1);
    assert_eq!(stores[3].call(&id).await.expect("asked"), None);
    tokio::task::spawn_blocking(|| writer.finish())
        .await
        .expect("an end");
    assert!(
        !folder.path().join("spool").exists(),
        "nothing had to wait on the disk"
    );
}

async fn users_are_kept(url: &str) {
    let accounts = [0, 1].map(|_| Accounts::new(Arc::new(Store::new(url, 3).expect("a store"))));
    let add = async |number: usize| {
        let new = NewUser {
            name: format!("user{number}"),
            password: None,
            subject: None,
            role: Role::Admin,
            worker: None,
            language: None,
        };
        accounts[number % 2].add(new).await.expect("a user");
    };
    join_all((0..40).map(add)).await;
    assert_eq!(accounts[0].users().await.expect("users").len(), 40);
}

#[tokio::test]
async fn a_pooler_that_refuses_this_program_is_explained() {
    let Some(url) = postgres().await else { return };
    if let Some(pooler) = Pooler::start(&url, "").await {
        let store = Store::new(&pooler.url(&url), 1).expect("a store");
        let error = store.prepare().await.expect_err("a refusal").to_string();
        assert!(
            error.contains("ignore_startup_parameters = extra_float_digits"),
            "{error}"
        );
    }
    remove(&url).await;
}
