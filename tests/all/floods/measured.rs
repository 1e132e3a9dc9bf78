//! What a run of the program takes up: its peak of memory, and its data folder.

use std::{
    io::Read as _,
    path::Path,
    process::{Child, Stdio},
    thread,
};

use serde_json::Value;

use super::large;
use crate::{deadline, home::Home};

/// What a program took up, and what it said.
pub(super) struct Took {
    pub peak: usize,
    pub disk: usize,
    pub out: Vec<u8>,
}

impl Took {
    /// Its peak above that of a short answer.
    pub fn above(&self) -> usize {
        self.peak.saturating_sub(large::base())
    }

    /// The line that closes a run.
    pub fn run(&self) -> Value {
        let mut lines = self.out.split(|byte| *byte == b'\n').rev();
        let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
        let run: Value = serde_json::from_slice(line).unwrap_or_else(|why| {
            panic!(
                "{why}: {}",
                String::from_utf8_lossy(&line[..line.len().min(500)])
            )
        });
        assert_eq!(run["type"], "run");
        run
    }
}

/// Runs a command to its end. Its peak is looked at while it runs: that of a process that has ended is gone,
/// and what `wait4` tells counts the memory of whoever started it.
pub(super) fn measured(home: &Home, arguments: &[&str]) -> Took {
    let mut child = home.start(arguments, Stdio::piped(), Stdio::null());
    let mut stdout = child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let mut out = Vec::new();
        stdout.read_to_end(&mut out).unwrap();
        out
    });
    let peak = peak_of(&mut child);
    Took {
        peak,
        disk: size_of_folder(&home.paths().data),
        out: deadline::joined("its output", reader),
    }
}

fn peak_of(child: &mut Child) -> usize {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    deadline::until("the program's end", || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        peak = peak.max(peak_in(&text));
        child.try_wait().unwrap().ok_or(peak)
    });
    peak
}

/// The peak in a process's status, in bytes. While a child becomes the program it has the memory of whoever started
/// it, for a moment even after `spawn` has returned; its name changes last.
fn peak_in(status: &str) -> usize {
    if !status.starts_with("Name:\ttokenscope\n") {
        return 0;
    }
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kilobytes.unwrap_or(0) << 10
}

#[test]
fn the_memory_of_who_starts_a_program_is_not_the_programs() {
    let status =
        |name: &str| format!("Name:\t{name}\nUmask:\t0022\nVmHWM:\t  888 kB\nThreads:\t1\n");
    assert_eq!(peak_in(&status("tokenscope")), 888 << 10);
    assert_eq!(peak_in(&status("floods::empty_d")), 0);
    assert_eq!(peak_in(""), 0);
}

fn size_of_folder(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(known) if known.is_dir() => size_of_folder(&entry.path()),
        Ok(known) => usize::try_from(known.len()).unwrap(),
        Err(_) => 0,
    });
    sizes.sum()
}
