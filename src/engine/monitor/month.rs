//! The monitor over a month: 20 targets, a probe of each every five minutes, on a machine that sleeps, steps its clock,
//! loses its network, fills its disk, and kills the program once a day.
//!
//! The monitor's task, the schedule, the runs' registry and the history are the real ones; the file is a real one. Time
//! is the paused clock of tokio's runtime, which jumps to the next timer; the wall clock, the sleeps, the network and the
//! answers are simulated. `prober.rs` is a process of its own, which `supervisor.rs` kills by SIGKILL and starts again;
//! it says what it asks as it asks it, and `proof.rs` holds that against the file and against the schedule.
//!
//! Simulated time is some ten thousand times faster than the clock, and the history's writer is not: it promises to have
//! on disk what is two seconds old, which would be hours here. So the prober waits for the disk every five simulated
//! minutes, says so, and what a kill may lose is what came after. Free checks are made every ten minutes instead of every
//! 30 seconds. Nothing is rolled up: `tests/all/history/year.rs` is about that.
//!
//! `TOKENSCOPE_DAYS=30 cargo test --lib month -- --nocapture` is the whole month, and prints sizes, times and memory.

#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it tells sizes, and how long queries take; nothing depends on that"
)]

mod course;
mod disk;
mod prober;
mod proof;
mod report;
mod supervisor;

#[path = "../../../tests/all/mounted.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod mounted;

use course::Course;

/// A disk that can be made as small as what is on it.
const DISK: &str = r#"mount -t tmpfs -o size=2g none "$TOKENSCOPE_TEST_FOLDER""#;

/// How many days are simulated, unless `TOKENSCOPE_DAYS` says otherwise.
const DAYS: u32 = 3;

/// The day on which the caches are full.
const FILLED: u32 = 5;

fn days() -> u32 {
    std::env::var("TOKENSCOPE_DAYS").map_or(DAYS, |days| days.parse().unwrap())
}

#[test]
fn no_probe_is_lost_or_doubled_and_gaps_are_marked() {
    let folder = tempfile::tempdir().unwrap();
    let half = "engine::monitor::month::with_a_kill_a_day";
    mounted::run_mounted(half, DISK, folder.path());
}

#[test]
#[ignore = "run by no_probe_is_lost_or_doubled_and_gaps_are_marked"]
fn with_a_kill_a_day() {
    let course = Course::until_now(days());
    let folder = mounted::folder();
    let lives = supervisor::lives(&folder, course, true);
    assert_eq!(lives.len(), days() as usize + 1, "one more than kills");
    let proven = proof::check(&folder, course, &lives);
    println!("{proven}");
    report::print(&folder, course, &lives);
}

#[test]
fn memory_does_not_grow_with_the_days() {
    let course = Course::until_now(days());
    let folder = tempfile::tempdir().unwrap();
    let lives = supervisor::lives(folder.path(), course, false);
    let [life] = &lives[..] else {
        panic!("{} processes", lives.len())
    };
    println!("{}", proof::check(folder.path(), course, &lives));
    report::print(folder.path(), course, &lives);
    let rss_kib = |day: u32| {
        let is_before = |hour: &&supervisor::Hour| hour.at.as_secs() < u64::from(day) * 86_400;
        life.hours.iter().rfind(is_before).unwrap().rss_kib
    };
    let (first, last) = (rss_kib(1), rss_kib(days()));
    // SQLite's caches fill on the first days: 16 MiB to write, 32 MiB to read.
    assert!(
        last < first + (16 + 4) * 1024,
        "{first} KiB on the first day, {last} KiB on the last"
    );
    if days() > FILLED {
        let filled = rss_kib(FILLED);
        assert!(
            last < filled + 1024,
            "{filled} KiB on day {FILLED}, {last} KiB at the end"
        );
    }
}
