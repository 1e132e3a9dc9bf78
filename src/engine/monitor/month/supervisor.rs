//! Starts the prober, listens to it, kills it, and starts it again.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    course::Course,
    prober::{BEGIN, DAYS, DISK, FROM},
};

/// What the prober said of one probe.
#[derive(Debug)]
pub(super) struct AskedProbe {
    pub(super) id: i64,
    pub(super) at: Duration,
    pub(super) target: u32,
}

/// What one process takes, at an hour of the machine.
#[derive(Debug)]
pub(super) struct Hour {
    pub(super) at: Duration,
    pub(super) rss_kib: u64,
    pub(super) file_kib: u64,
}

/// What one process said from its start to its end.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) from: Duration,
    /// When it was last heard of.
    pub(super) until: Duration,
    pub(super) asked: Vec<AskedProbe>,
    /// How each probe ended that did: `ok`, or the class of its fault.
    pub(super) ends: HashMap<i64, String>,
    /// The probes that had ended when it last had waited for the disk, and when that was.
    pub(super) stored: Vec<i64>,
    pub(super) stored_at: Duration,
    pub(super) hours: Vec<Hour>,
    pub(super) is_killed: bool,
    /// Of those that have ended, the ones that it has not waited for.
    unstored: Vec<i64>,
}

impl Life {
    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        let kind = words.next().unwrap_or_default();
        let mut number = || -> Option<i64> { words.next()?.parse().ok() };
        let time = |number: Option<i64>| Duration::from_nanos(number.unwrap().unsigned_abs());
        match kind {
            "began" => {
                let (id, at, target) = (number().unwrap(), time(number()), number().unwrap());
                let target = u32::try_from(target).unwrap();
                self.asked.push(AskedProbe { id, at, target });
                self.until = at;
            }
            "over" => {
                let id = number().unwrap();
                self.ends.insert(id, words.next().unwrap().to_owned());
                self.unstored.push(id);
            }
            "stored" => {
                self.stored.append(&mut self.unstored);
                self.stored_at = time(number());
                self.until = self.stored_at;
            }
            "hour" => {
                let (at, rss, size) = (time(number()), number().unwrap(), number().unwrap());
                self.hours.push(Hour {
                    at,
                    rss_kib: rss.unsigned_abs(),
                    file_kib: size.unsigned_abs(),
                });
                self.until = at;
            }
            _ => {}
        }
    }
}

/// Has the month probed by one process after another, each killed at its time, or by a single one.
pub(super) fn lives(folder: &Path, course: Course, with_kills: bool) -> Vec<Life> {
    let kills = if with_kills {
        course.kills()
    } else {
        Vec::new()
    };
    let mut lives: Vec<Life> = Vec::new();
    while lives.last().is_none_or(|life| life.is_killed) {
        let from = lives
            .last()
            .map_or(Duration::ZERO, |life| life.until + course.down(lives.len()));
        let kill = kills.iter().copied().find(|kill| *kill > from);
        lives.push(live(folder, course, (from, kill), with_kills));
    }
    lives
}

fn live(
    folder: &Path,
    course: Course,
    (from, kill): (Duration, Option<Duration>),
    can_fill: bool,
) -> Life {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "engine::monitor::month::prober::probe_until_killed",
        ])
        .args(["--ignored", "--nocapture"])
        .env("TOKENSCOPE_TEST_FOLDER", folder)
        .env(BEGIN, course.begin_unix_ns.to_string())
        .env(DAYS, course.days.to_string())
        .env(FROM, from.as_nanos().to_string())
        .stdout(Stdio::piped());
    if can_fill {
        command.env(DISK, "1");
    }
    let mut child = command.spawn().unwrap();
    let mut heard = Life {
        from,
        until: from,
        stored_at: from,
        ..Life::default()
    };
    let mut is_done = false;
    // What was said before the kill is heard to its end.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Ok(line) = line else { break };
        heard.hear(&line);
        is_done |= line == "done";
        if !heard.is_killed && kill.is_some_and(|kill| heard.until >= kill) {
            heard.is_killed = true;
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(heard.is_killed || (is_done && status.success()), "{status}");
    heard
}
