//! How long a thread was kept from its next task, by `/proc/thread-self/schedstat` (Linux, `Documentation/scheduler/sched-stats.rst`).

use std::{fs::File, os::unix::fs::FileExt as _, time::Duration};

thread_local! {
    /// Opened once a thread: it stays that thread's file, and one `pread` of it takes less than a microsecond.
    static SCHEDSTAT: Option<File> = File::open("/proc/thread-self/schedstat").ok();
}

/// How long this thread has run or waited for a CPU since it began; sleep is not in it. The kernel brings the time run
/// up to date when the thread stops, and at its ticks: up to some milliseconds of it may be missing. `None` where the
/// kernel does not keep it.
pub(in crate::transport) fn busy() -> Option<Duration> {
    let mut bytes = [0; 96];
    let read = SCHEDSTAT.try_with(|file| file.as_ref()?.read_at(&mut bytes, 0).ok());
    parsed(bytes.get(..read.ok()??)?)
}

/// The sum of the first two numbers, which are nanoseconds on a CPU and nanoseconds of waiting for one.
fn parsed(line: &[u8]) -> Option<Duration> {
    let mut words = line.split(u8::is_ascii_whitespace);
    let mut ns = || std::str::from_utf8(words.next()?).ok()?.parse::<u64>().ok();
    Some(Duration::from_nanos(ns()?.checked_add(ns()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    #[test]
    fn a_line_is_read_and_anything_else_is_unknown() {
        let ns = |ns| Some(Duration::from_nanos(ns));
        assert_eq!(parsed(b"1157856 20 2\n"), ns(1_157_876));
        for other in [&b""[..], b"12\n", b"a b c\n", b"18446744073709551615 1 1\n"] {
            assert_eq!(parsed(other), None, "{other:?}");
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
