//! Being told to stop: the first signal lets calls end by themselves, the second tells everybody and ends, the third kills.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::hub::leaving::FAREWELL_MAX;

/// The exit code after the third signal, and where the end has taken too long: that of a program ended by SIGTERM.
const EXIT_KILLED: i32 = 143;

/// From the end of the time to drain to the end of the program, whatever holds it up.
pub const LEAVE_MAX: Duration = Duration::from_secs(2);

/// What the signals so far mean.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// The first SIGTERM or SIGINT: take no new calls, and end with the last.
    pub stop: CancellationToken,
    /// The second: tell everybody, and end.
    pub hurry: CancellationToken,
}

impl Signals {
    /// Listens for signals from here on. `drain`: how long calls may go on after the first.
    ///
    /// # Errors
    /// The signals cannot be listened for.
    pub fn listen(drain: Duration) -> anyhow::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let signals = Self::default();
        let Self { stop, hurry } = signals.clone();
        tokio::spawn(async move {
            for count in 1_u32.. {
                let received = tokio::select! {
                    received = terminate.recv() => received,
                    received = interrupt.recv() => received,
                };
                if received.is_none() {
                    return;
                }
                match count {
                    1 => {
                        stop.cancel();
                        end_within(drain + LEAVE_MAX);
                    }
                    2 => {
                        tracing::warn!(
                            "stopping at once: both parties of each call are told; once more kills"
                        );
                        hurry.cancel();
                        end_within(FAREWELL_MAX + LEAVE_MAX);
                    }
                    _ => {
                        tracing::error!("killed by the third signal");
                        std::process::exit(EXIT_KILLED);
                    }
                }
            }
        });
        Ok(signals)
    }
}

/// Ends the program after this, if it has not ended by then. A thread of its own, which nothing can hold up.
fn end_within(time: Duration) {
    let watching = std::thread::Builder::new().name("end".to_owned()).spawn(move || {
        std::thread::sleep(time);
        tracing::error!("stopping has taken too long; the program ends as it is");
        std::process::exit(EXIT_KILLED);
    });
    if let Err(error) = watching {
        tracing::warn!(%error, "nobody watches how long stopping takes");
    }
}
