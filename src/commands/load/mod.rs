//! `duologue load`: many calls at once through a running instance, and what each of them costs.
//!
//! ```text
//!   this process                         a child: this binary, as `serve`          this process
//!   carrier: legs, REST, webhooks ═════► the program, measured on its own ═══════► engine: sessions
//! ```
//!
//! The carrier and the engine here are as light as can be, since they share the machine with what they measure; they
//! know nothing of speech, and follow stamped audio by its numbers. With `--floor` the same is measured on the least
//! relay that one can write on the same design, which shows what the program itself adds.

mod carrier;
mod child;
mod code;
mod dedicated;
pub mod dialect;
mod engine;
pub mod floor;
mod floor_wide;
mod frames;
mod leg;
mod listener;
mod meter;
mod report;
mod stamp;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};

use self::carrier::Carrier;
use self::child::{Measured, Target};
use self::dialect::Dialect;
use self::leg::Legs;
use self::meter::Meter;
use self::report::Report;

/// A leg's number has sixteen bits.
const CALLS_MAX: usize = 30_000;

/// Between two callers: fifty a second.
const RAMP: Duration = Duration::from_millis(20);

/// From the last caller until every leg must be heard by its session.
const FLOW_MAX: Duration = Duration::from_secs(20);

/// A quiet stretch whose processor time is an idle second's.
const IDLE_SECONDS: u32 = 4;

/// What is under way when the measurement ends should have come after this.
const TAIL_MAX: Duration = Duration::from_secs(10);

/// A hang-up is drained, and both legs are let go, within this.
const END_MAX: Duration = Duration::from_secs(30);

/// Between two looks at what is going on.
const LOOK: Duration = Duration::from_millis(100);

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// The interpreter's dialect.
    pub engine: Dialect,
    pub calls: usize,
    pub seconds: u64,
    /// Seconds of full load before the measurement.
    pub warm_up: u64,
    /// The least relay is measured too.
    pub floor: bool,
    /// Whether the program keeps records meanwhile, and has a desk.
    pub records: bool,
    /// The database of the records; a new file if there is none.
    pub database: Option<String>,
}

/// Measures and prints the figures.
///
/// # Errors
/// Audio was lost, or a call did not go as it should.
pub async fn run(options: Options) -> anyhow::Result<()> {
    if options.calls == 0 || options.seconds == 0 {
        bail!("there is nothing to measure");
    }
    if options.calls > CALLS_MAX {
        bail!("more than {CALLS_MAX} calls are more than one machine can play");
    }
    child::check_sockets(options.calls)?;
    let program = measure(Target::Serve, &options).await?;
    program.print();
    let mut verdict = program.verdict();
    if options.floor {
        let floor = measure(Target::Floor, &options).await?;
        floor.print();
        println!(
            "\nthe program uses {:.2} times the floor's processor time and {:+.1} KiB of memory more per call",
            program.cpu_per_call() / floor.cpu_per_call(),
            program.memory_per_call() - floor.memory_per_call()
        );
        verdict = verdict.and(floor.verdict());
    }
    verdict
}

async fn measure(target: Target, options: &Options) -> anyhow::Result<Report> {
    let calls = options.calls;
    let bar = bar(options)?;
    let meter = Arc::new(Meter::new(calls, options.engine)?);
    let legs = Arc::new(Legs::new(options.engine));
    let talking = Arc::new(AtomicBool::new(true));
    legs.start(&meter);
    let engine = engine::start(options.engine, Arc::clone(&meter), Arc::clone(&talking)).await?;
    let (carrier, api) = Carrier::start(Arc::clone(&meter), Arc::clone(&legs)).await?;
    let measured = Measured::start(target, options, &api, &engine).await?;

    let course = Course {
        options: options.clone(),
        bar,
        meter,
        legs,
        talking,
        carrier,
        measured,
    };
    let report = course.run(target).await;
    course.bar.finish_and_clear();
    course.measured.end().await?;
    course.legs.end();
    report
}

fn bar(options: &Options) -> anyhow::Result<ProgressBar> {
    let ramp = options.calls as u64 * RAMP.as_millis() as u64 / 1000;
    let length = ramp + options.warm_up + options.seconds + u64::from(IDLE_SECONDS) * 2;
    let style = ProgressStyle::with_template("{msg:<34} {bar:40} {elapsed} ")?;
    Ok(ProgressBar::new(length * 1000).with_style(style))
}

/// One measurement from the first caller to the last hang-up.
struct Course {
    options: Options,
    bar: ProgressBar,
    meter: Arc<Meter>,
    legs: Arc<Legs>,
    talking: Arc<AtomicBool>,
    carrier: Arc<Carrier>,
    measured: Measured,
}

impl Course {
    async fn run(&self, target: Target) -> anyhow::Result<Report> {
        self.bar.set_message("nobody calls");
        let idle_before = self.idle_second().await?;
        let idle = self.measured.memory()?;
        self.ramp().await?;
        self.bar.set_message("warming up");
        self.pass(Duration::from_secs(self.options.warm_up)).await;

        self.bar.set_message("measuring");
        let (began, cpu, own) = (Instant::now(), self.measured.cpu()?, child::own_cpu()?);
        let (busy, stolen) = child::machine()?;
        self.meter.measure(true);
        self.pass(Duration::from_secs(self.options.seconds)).await;
        self.meter.measure(false);
        let (cpu, own_cpu) = (self.measured.cpu()?.since(cpu), child::own_cpu()?.since(own));
        let span = began.elapsed();
        let (all, stolen_then) = child::machine()?;
        let others = (all - busy).saturating_sub(cpu.total() + own_cpu.total());
        let full = self.measured.memory()?;

        self.bar.set_message("everybody hangs up");
        self.quiet().await;
        let mut report = Report {
            name: match target {
                Target::Serve => "the program",
                Target::Floor => "the floor",
            },
            engine: self.options.engine,
            calls: self.options.calls,
            measured: span,
            cpu,
            own_cpu,
            others,
            stolen: stolen_then - stolen,
            idle_cpu: [idle_before, Duration::ZERO],
            idle,
            full,
            after: idle,
            delays: report::delays(&self.meter),
            frames: 0,
            lost: 0,
            spoken: 0,
            undelivered: 0,
            misrouted: 0,
            foreign: 0,
            refused: 0,
        };
        report.count(&self.meter);
        self.hang_up().await?;
        report.idle_cpu[1] = self.idle_second().await?;
        report.after = self.measured.memory()?;
        Ok(report)
    }

    /// Lets time pass under the bar.
    async fn pass(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let step = LOOK.min(end.saturating_duration_since(Instant::now()));
            tokio::time::sleep(step).await;
            self.bar.inc(step.as_millis() as u64);
        }
    }

    async fn idle_second(&self) -> anyhow::Result<Duration> {
        let before = self.measured.cpu()?;
        self.pass(Duration::from_secs(1) * IDLE_SECONDS).await;
        Ok(self.measured.cpu()?.since(before).total() / IDLE_SECONDS)
    }

    /// Callers dial in one after the other, until every leg is heard.
    async fn ramp(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        for number in 0..self.options.calls as u16 {
            self.bar.set_message(format!("{} calls", number + 1));
            self.carrier.call_in(&self.measured.public, number);
            let next = began + RAMP * (u32::from(number) + 1);
            tokio::time::sleep_until(next.into()).await;
            self.bar.inc(RAMP.as_millis() as u64);
        }
        let until = Instant::now() + FLOW_MAX;
        while self.meter.flowing() < self.options.calls * 2 {
            if let Some(trouble) = self.carrier.trouble() {
                return Err(trouble);
            }
            if Instant::now() > until {
                let (flowing, legs) = (self.meter.flowing(), self.options.calls * 2);
                bail!("only {flowing} of {legs} legs are heard by a session");
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Lets everything arrive that is under way: first the translations, then the frames.
    async fn quiet(&self) {
        self.talking.store(false, Ordering::Relaxed);
        let until = Instant::now() + TAIL_MAX;
        // What has begun is still answered. Whoever speaks on to an engine with nothing to say is heard in their own voice,
        // so nobody speaks for long.
        self.pass(match self.options.engine {
            Dialect::Prompted => Duration::from_secs(3),
            Dialect::Translate => Duration::from_secs(1),
        })
        .await;
        while (self.meter.answering.load(Ordering::Relaxed) > 0 || self.meter.bytes_under_way() > 0)
            && Instant::now() < until
        {
            tokio::time::sleep(LOOK).await;
        }
        self.legs.streaming.store(false, Ordering::Relaxed);
        tokio::time::sleep(LOOK).await;
        while self.meter.frames_under_way() > 0 && Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn hang_up(&self) -> anyhow::Result<()> {
        self.legs.hang_up.store(true, Ordering::Relaxed);
        let until = Instant::now() + END_MAX;
        while self.carrier.over.load(Ordering::Relaxed) < self.options.calls * 2 {
            if let Some(trouble) = self.carrier.trouble() {
                return Err(trouble);
            }
            if Instant::now() > until {
                let over = self.carrier.over.load(Ordering::Relaxed);
                bail!("only {over} of {} legs have ended", self.options.calls * 2);
            }
            tokio::time::sleep(LOOK).await;
        }
        // The sockets of the sessions close within a second.
        self.pass(Duration::from_secs(2)).await;
        Ok(())
    }
}
