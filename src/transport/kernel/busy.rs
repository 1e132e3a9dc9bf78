//! How long a thread was kept from its next task, by its CPU clock and `/proc/thread-self/schedstat` (Linux,
//! `Documentation/scheduler/sched-stats.rst`).

use std::{fs::File, os::unix::fs::FileExt as _, time::Duration};

use rustix::time::{ClockId, clock_gettime};

thread_local! {
    /// Opened once a thread: it stays that thread's file, and one `pread` of it takes less than a microsecond.
    static SCHEDSTAT: Option<File> = File::open("/proc/thread-self/schedstat").ok();
}

/// How long this thread has run or waited for a CPU since it began; sleep is not in it. `None` where the kernel does not
/// keep it.
pub(in crate::transport) fn busy() -> Option<Duration> {
    let mut bytes = [0; 96];
    let read = SCHEDSTAT.try_with(|file| file.as_ref()?.read_at(&mut bytes, 0).ok());
    let waited = waited(bytes.get(..read.ok()??)?)?;
    // The time run stands there, too, but it is that of the last tick.
    let ran = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).ok()?;
    Some(ran + waited)
}

/// The second number: nanoseconds of waiting for a CPU.
fn waited(line: &[u8]) -> Option<Duration> {
    let word = line.split(u8::is_ascii_whitespace).nth(1)?;
    let ns = std::str::from_utf8(word).ok()?.parse().ok()?;
    Some(Duration::from_nanos(ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    #[test]
    fn a_line_is_read_and_anything_else_is_unknown() {
        assert_eq!(waited(b"1157856 20 2\n"), Some(Duration::from_nanos(20)));
        for other in [
            &b""[..],
            b"12",
            b"12\n",
            b"1 b c\n",
            b"1 18446744073709551616 1\n",
        ] {
            assert_eq!(waited(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_thread_that_runs_is_busy_for_as_long() {
        let Some(before) = busy() else {
            return; // Not kept by this kernel.
        };
        let (began, span) = (now(), Duration::from_millis(60));
        while now() < began + span {
            std::hint::spin_loop();
        }
        let passed = busy().unwrap().saturating_sub(before);
        assert!(passed >= span / 2, "{passed:?}");
    }
}
