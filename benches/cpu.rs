//! The CPU clocks of this thread and of the process, which a busy machine does not change.

/// CPU time of this thread so far, in nanoseconds.
#[cfg(unix)]
pub fn cpu_ns() -> u64 {
    clock_ns(rustix::time::ClockId::ThreadCPUTime)
}

/// CPU time of the whole process so far, in nanoseconds.
#[cfg(unix)]
#[allow(dead_code, reason = "one bench has other threads")]
pub fn process_cpu_ns() -> u64 {
    clock_ns(rustix::time::ClockId::ProcessCPUTime)
}

#[cfg(unix)]
fn clock_ns(clock: rustix::time::ClockId) -> u64 {
    let now = rustix::time::clock_gettime(clock);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

#[cfg(not(unix))]
#[expect(
    clippy::disallowed_methods,
    reason = "a bench; there is no safe thread clock here"
)]
pub fn cpu_ns() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    u64::try_from(
        START
            .get_or_init(std::time::Instant::now)
            .elapsed()
            .as_nanos(),
    )
    .unwrap_or(0)
}

/// The same, where there is no such clock.
#[cfg(not(unix))]
#[allow(dead_code, reason = "one bench has other threads")]
pub fn process_cpu_ns() -> u64 {
    cpu_ns()
}

/// A quantile of sorted nanoseconds by nearest rank, in milliseconds.
pub fn quantile(sorted: &[u64], q: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let index = ((sorted.len() as f64 * q).ceil() as usize).clamp(1, sorted.len()) - 1;
    ms(sorted[index])
}

/// Milliseconds.
#[expect(clippy::cast_precision_loss, reason = "for display")]
pub fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}
