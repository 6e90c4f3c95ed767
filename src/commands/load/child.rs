//! The process that is measured: this very binary, started with settings for loopback, and what the kernel counts for
//! it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::Options;
use super::carrier::{ACCOUNT, AUTH_TOKEN, NUMBER};

/// The unit of processor times in `/proc`; Linux shows them in hundredths of a second on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// A start reads the system's certificates, and no more.
const START_MAX: Duration = Duration::from_secs(10);

/// How long it may take to write down what it has heard.
const END_MAX: Duration = Duration::from_secs(30);

/// Settings of the allocator, the runtime and the certificates that reach the child, for experiments with them.
const PASSED: [&str; 4] = ["MALLOC_", "GLIBC_TUNABLES", "TOKIO_", "SSL_CERT_"];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The program as it serves.
    Serve,
    /// The least relay.
    Floor,
}

/// The running process.
pub struct Measured {
    child: Child,
    id: u32,
    directory: PathBuf,
    /// Its base URL.
    pub public: String,
}

/// Processor time of a process: its own, and the kernel's for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    pub user: Duration,
    pub system: Duration,
}

impl Cpu {
    pub fn total(self) -> Duration {
        self.user + self.system
    }

    /// What was used since `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    pub resident: u64,
    /// Resident, with shared pages counted in part.
    pub proportional: u64,
}

impl Measured {
    /// Starts `target` for so many calls between this carrier and this engine.
    ///
    /// # Errors
    /// It does not start, or does not listen in time.
    pub async fn start(
        target: Target,
        options: &Options,
        carrier: &str,
        engine: &str,
    ) -> anyhow::Result<Self> {
        let port = free_port().await?;
        let public = format!("http://127.0.0.1:{port}");
        let directory = std::env::temp_dir().join(format!("duologue-load-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory)?;
        let mut command = Command::new(std::env::current_exe()?);
        let passed = |(name, _): &(std::ffi::OsString, _)| {
            let name = name.to_string_lossy();
            PASSED.iter().any(|prefix| name.starts_with(prefix))
        };
        // Nothing of the surroundings' settings, nor of a `.env` nearby, may reach it.
        command
            .env_clear()
            .envs(std::env::vars_os().filter(passed))
            .current_dir(&directory)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        match target {
            Target::Serve => command.arg("serve").envs([
                ("API_HOST", "127.0.0.1"),
                ("API_PORT", &port.to_string()),
                ("PUBLIC_URL", &public),
                ("TWILIO_ACCOUNT_SID", ACCOUNT),
                ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
                ("TWILIO_CALLER_NUMBER", NUMBER),
                ("TWILIO_API_URL", carrier),
                ("OPENAI_API_KEY", "a-key-for-loopback"),
                ("OPENAI_BASE_URL", engine),
                ("AGENT_DIAL", "client:load"),
                ("INTERPRETER", options.engine.name()),
                ("MAX_CALLS", &(options.calls + 16).to_string()),
                ("LOG_LEVEL", "warn"),
                ("RECORDS", if options.records { "full" } else { "off" }),
                ("DESK", if options.records { "on" } else { "off" }),
                (
                    "DATABASE_URL",
                    options.database.as_deref().unwrap_or("sqlite:duologue.db"),
                ),
            ]),
            Target::Floor => command.args([
                "load-floor",
                "--port",
                &port.to_string(),
                "--carrier",
                carrier,
                "--engine",
                engine,
                "--dialect",
                options.engine.name(),
            ]),
        };
        let child = command.spawn().context("the process to measure did not start")?;
        let id = child.id().context("it ended at once")?;
        let mut measured = Self {
            child,
            id,
            directory,
            public,
        };
        measured.listens(port).await?;
        Ok(measured)
    }

    async fn listens(&mut self, port: u16) -> anyhow::Result<()> {
        let knocking = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            status = self.child.wait() => bail!("the process to measure ended: {}", status?),
            listening = tokio::time::timeout(START_MAX, knocking) => listening.context("it does not listen")?,
        }
        Ok(())
    }

    /// Processor time that it has used so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu(&self) -> anyhow::Result<Cpu> {
        cpu(&self.id.to_string())
    }

    /// Memory that it has now.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        let read = |file: &str, name: &str| {
            let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.id))?;
            kibibytes(&text, name).with_context(|| format!("no {name} in {file}"))
        };
        Ok(Memory {
            resident: read("status", "VmRSS:")?,
            proportional: read("smaps_rollup", "Pss:")?,
        })
    }

    /// Ends it, in its orderly way first: records may be on their way to the database.
    ///
    /// # Errors
    /// It cannot be ended.
    pub async fn end(mut self) -> anyhow::Result<()> {
        let id = i32::try_from(self.id)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        }
        if tokio::time::timeout(END_MAX, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        std::fs::remove_dir_all(&self.directory)?;
        Ok(())
    }
}

/// Processor time of this process.
///
/// # Errors
/// `/proc` is not there.
pub fn own_cpu() -> anyhow::Result<Cpu> {
    cpu("self")
}

fn cpu(process: &str) -> anyhow::Result<Cpu> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).context("it has ended")?;
    times(&text).context("an unknown form of /proc/…/stat")
}

/// User and system time (proc(5), fields 14 and 15 of `stat`). The name in field 2 may hold anything.
fn times(stat: &str) -> Option<Cpu> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut ticks = fields.split(' ').skip(11).map(str::parse::<u32>);
    Some(Cpu {
        user: TICK * ticks.next()?.ok()?,
        system: TICK * ticks.next()?.ok()?,
    })
}

/// Processor time of all processes of this machine, and what its host gave to others.
///
/// # Errors
/// `/proc` is not there.
pub fn machine() -> anyhow::Result<(Duration, Duration)> {
    let text = std::fs::read_to_string("/proc/stat").context("no /proc/stat")?;
    busy(&text).context("an unknown form of /proc/stat")
}

/// Of the first line (proc(5)): user, nice and system, without interrupts; and steal.
fn busy(stat: &str) -> Option<(Duration, Duration)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u32> = line
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [user, nice, system, _, _, _, _, steal, ..] = *ticks else {
        return None;
    };
    Some((TICK * (user + nice + system), TICK * steal))
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Checks that this process and its child may open as many sockets as that many calls need.
///
/// # Errors
/// They may not.
pub fn check_sockets(calls: usize) -> anyhow::Result<()> {
    let needed = calls * 4 + 64;
    let text = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let limit = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    if let Some(limit) = limit.filter(|limit| *limit < needed) {
        bail!("{calls} calls need {needed} open files and the limit is {limit}: ulimit -n {needed}");
    }
    Ok(())
}

async fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_figures_are_read() {
        let stat = "42 (a) name) S 1 42 42 0 -1 4194560 900 0 0 0 170 35 0 0 20 0 3 0 12345 1 2";
        let cpu = times(stat).expect("two times");
        assert_eq!((cpu.user.as_millis(), cpu.system.as_millis()), (1_700, 350));
        assert!(times("42").is_none());
        let (all, stolen) = busy("cpu  100 2 30 4000 5 6 7 8 0 0\ncpu0 1 2").expect("a line");
        assert_eq!((all.as_millis(), stolen.as_millis()), (1_320, 80));
        assert!(busy("cpu 1 2").is_none());
        let status = "Name:\tduologue\nVmRSS:\t    9876 kB\nRssAnon:\t 1 kB\n";
        assert_eq!(kibibytes(status, "VmRSS:"), Some(9876));
        assert_eq!(kibibytes(status, "Pss:"), None);
        assert!(own_cpu().is_ok());
    }
}
