//! How important a thread is to the system: whatever is not somebody's voice gives way to it.

/// Lowers the priority of the thread that calls this by so many steps of `nice`. `what`: what it does, for the log.
pub fn lower_priority(steps: i32, what: &str) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, steps) {
        tracing::debug!(%error, what, "the priority of a thread stays as it is");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (steps, what);
}
