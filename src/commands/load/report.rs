//! The figures of a measurement, as a table, and the verdict.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::bail;

use super::child::{Cpu, Memory};
use super::dialect::Dialect;
use super::meter::{Half, Meter};

/// What a measurement has found.
pub struct Report {
    pub name: &'static str,
    pub engine: Dialect,
    pub calls: usize,
    /// How long the calls were measured.
    pub measured: Duration,
    pub cpu: Cpu,
    /// Processor time of this side in the same time.
    pub own_cpu: Cpu,
    /// What all other processes used meanwhile, and what the machine's host gave to others.
    pub others: Duration,
    pub stolen: Duration,
    /// Processor time of a second without a call, before the first and after the last.
    pub idle_cpu: [Duration; 2],
    pub idle: Memory,
    pub full: Memory,
    pub after: Memory,
    pub delays: Vec<Delay>,
    pub frames: u64,
    pub lost: u64,
    pub spoken: u64,
    pub undelivered: u64,
    pub misrouted: u64,
    pub foreign: u64,
    pub refused: u64,
}

/// The delay of one half of a direction, in microseconds.
pub struct Delay {
    name: &'static str,
    half: &'static str,
    pieces: u64,
    /// p50, p99, p99.9 and the longest.
    us: [u64; 4],
}

/// The delays of both directions, each in its two halves.
pub fn delays(meter: &Meter) -> Vec<Delay> {
    let mut all = Vec::new();
    for (speaker, name) in [(0, "caller → agent"), (1, "agent → caller")] {
        for (half, title) in Half::BOTH.into_iter().zip(["up", "down"]) {
            let histogram = meter.histogram(half, speaker);
            let at = |quantile: f64| histogram.value_at_quantile(quantile);
            all.push(Delay {
                name,
                half: title,
                pieces: histogram.len(),
                us: [at(0.5), at(0.99), at(0.999), histogram.max()],
            });
        }
    }
    all
}

impl Report {
    /// Counts what was lost, from the meter.
    pub fn count(&mut self, meter: &Meter) {
        self.frames = meter.sum(|leg| u64::from(leg.expected.load(Ordering::Relaxed)));
        self.lost = meter.sum(|leg| leg.lost.load(Ordering::Relaxed)) + meter.frames_under_way();
        self.spoken = meter.sum(|leg| leg.spoken.load(Ordering::Relaxed));
        self.undelivered = meter.bytes_under_way();
        self.misrouted = meter.misrouted.load(Ordering::Relaxed);
        self.foreign = meter.foreign.load(Ordering::Relaxed);
        self.refused = meter.refused.load(Ordering::Relaxed);
    }

    /// Processor time of a call in a second, in milliseconds.
    pub fn cpu_per_call(&self) -> f64 {
        self.per_call_second(self.cpu.total())
    }

    fn per_call_second(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() * 1000.0 / self.calls as f64 / self.measured.as_secs_f64()
    }

    /// Resident memory of a call above that of the idle program, in KiB.
    pub fn memory_per_call(&self) -> f64 {
        self.full.resident.saturating_sub(self.idle.resident) as f64 / self.calls as f64
    }

    pub fn print(&self) {
        let (name, calls, seconds) = (self.name, self.calls, self.measured.as_secs_f64());
        println!("\n{name}, {}: {calls} calls, {seconds:.1} s", self.engine.name());
        println!(
            "  {:<16}{:<6}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "added delay", "half", "pieces", "p50 ms", "p99 ms", "p99.9 ms", "max ms"
        );
        for delay in &self.delays {
            let [p50, p99, p999, max] = delay.us.map(|us| us as f64 / 1000.0);
            println!(
                "  {:<16}{:<6}{:>10}{p50:>10.3}{p99:>10.3}{p999:>10.3}{max:>10.3}",
                delay.name, delay.half, delay.pieces
            );
        }
        if self.engine == Dialect::Translate {
            println!(
                "  up: from a batch's last frame, so without the 200 ms that fill it; down: until a piece's last frame"
            );
        }
        println!(
            "  frames lost {} of {}; bytes of translation not delivered {} of {}",
            self.lost, self.frames, self.undelivered, self.spoken
        );
        if self.misrouted + self.foreign + self.refused > 0 {
            println!(
                "  misrouted or repeated pieces {}, bytes without a stamp {}, refused writes {}",
                self.misrouted, self.foreign, self.refused
            );
        }
        let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / seconds;
        println!(
            "  CPU {:.3} ms per call-second ({:.3} user, {:.3} system), {:.1} % of one core; the measuring side {:.1} %",
            self.cpu_per_call(),
            self.per_call_second(self.cpu.user),
            self.per_call_second(self.cpu.system),
            share(self.cpu.total()),
            share(self.own_cpu.total()),
        );
        println!(
            "  other processes {:.1} % of one core, taken by the machine's host {:.1} %",
            share(self.others),
            share(self.stolen)
        );
        let [before, after] = self.idle_cpu.map(|cpu| cpu.as_secs_f64() * 1000.0);
        println!(
            "  CPU of an idle second {before:.1} ms before the first call, {after:.1} ms after the last"
        );
        println!(
            "  memory {:.1} KiB per call; resident idle {} KiB, at full load {} KiB, after the last call {} KiB (Pss {}, {}, {})",
            self.memory_per_call(),
            self.idle.resident,
            self.full.resident,
            self.after.resident,
            self.idle.proportional,
            self.full.proportional,
            self.after.proportional,
        );
    }

    /// # Errors
    /// Audio was lost, or came where it did not belong.
    pub fn verdict(&self) -> anyhow::Result<()> {
        if self.frames == 0 || self.spoken == 0 {
            bail!("{}: nothing was measured", self.name);
        }
        if self.lost + self.undelivered + self.misrouted + self.foreign + self.refused > 0 {
            bail!("{}: audio was lost", self.name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            name: "test",
            engine: Dialect::Prompted,
            calls: 10,
            measured: Duration::from_secs(20),
            cpu: Cpu {
                user: Duration::from_millis(100),
                system: Duration::from_millis(200),
            },
            own_cpu: Cpu::default(),
            others: Duration::ZERO,
            stolen: Duration::ZERO,
            idle_cpu: [Duration::ZERO; 2],
            idle: Memory {
                resident: 1000,
                proportional: 900,
            },
            full: Memory {
                resident: 1500,
                proportional: 1400,
            },
            after: Memory::default(),
            delays: Vec::new(),
            frames: 1,
            lost: 0,
            spoken: 1,
            undelivered: 0,
            misrouted: 0,
            foreign: 0,
            refused: 0,
        }
    }

    #[test]
    fn figures_are_per_call() {
        assert!((report().cpu_per_call() - 1.5).abs() < 1e-9);
        assert!((report().memory_per_call() - 50.0).abs() < 1e-9);
    }

    #[test]
    fn every_kind_of_loss_and_an_empty_measurement_fail() {
        assert!(report().verdict().is_ok());
        let spoilt: [fn(&mut Report); 7] = [
            |report| report.frames = 0,
            |report| report.spoken = 0,
            |report| report.lost = 1,
            |report| report.undelivered = 1,
            |report| report.misrouted = 1,
            |report| report.foreign = 1,
            |report| report.refused = 1,
        ];
        for spoil in spoilt {
            let mut report = report();
            spoil(&mut report);
            assert!(report.verdict().is_err());
        }
    }
}
