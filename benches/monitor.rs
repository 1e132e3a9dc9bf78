//! Benchmark: what the monitor costs while nobody looks: CPU time and memory of `tokenscope probe`, and of the window
//! while it is hidden, with 50 targets at the default schedule, beside the same programs with nothing to probe.
//!
//! The targets are on 50 endpoints of a simulator in a process of its own, over TLS: each probe is a request over a warm
//! connection, each free check a handshake and a list of models. All programs run at once, each in folders of its own.
//! A row is a minute: CPU time (`utime` + `stime` of `/proc/PID/stat`) over wall time, in percent of one core, and the
//! resident memory at its end (`/proc/PID/statm`). The first minute, in which the programs start and all connections are
//! opened, is in no sum. Nothing is built in that makes the schedule thinner: it is that of the settings.
//!
//! `MONITOR_MINUTES=10 MONITOR_TARGETS=50 bash tests/with-window.sh cargo bench --bench monitor`
//!
//! Without a screen (`DISPLAY`), the windows are left out. A window is hidden as a window manager hides a minimized one:
//! marked `_NET_WM_STATE_HIDDEN` (by `xprop`) and unmapped. `MONITOR_EVERY_S=1` has each target probed every second
//! instead, to see whether memory grows with the number of probes: an hour of it is more than a month of 20 targets, each
//! every five minutes.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]
#![allow(missing_docs, reason = "nothing here is public")]

#[path = "served.rs"]
#[allow(dead_code, reason = "other benches ask for more")]
mod served;

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use served::Served;
use tempfile::TempDir;
use tokenscope::settings::monitor::MonitorSettings;

/// Linux counts CPU time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);
/// And memory in pages.
const PAGE_KIB: u64 = 4;
const MINUTE: Duration = Duration::from_mins(1);

fn main() -> anyhow::Result<()> {
    let minutes = knob("MONITOR_MINUTES")?.unwrap_or(10);
    let targets = knob("MONITOR_TARGETS")?.unwrap_or(50);
    let every_s = knob("MONITOR_EVERY_S")?;
    let folder = tempfile::tempdir()?;
    let ca = folder.path().join("ca.pem");
    let ca = ca.to_str().context("an odd folder")?;
    let simulator = Served::start(&["--tls", ca])?;
    let plan = |targets| Plan {
        url: simulator.base_url.as_str(),
        ca,
        targets,
        every_s,
    };
    let mut programs = vec![
        Program::probe("probe", &plan(targets))?,
        Program::probe("probe, no targets", &plan(0))?,
    ];
    if env::var_os("DISPLAY").is_some() {
        programs.push(Program::window("window, hidden", &plan(targets))?);
        programs.push(Program::window("window, hidden, no targets", &plan(0))?);
    } else {
        println!("There is no screen (DISPLAY): the windows are left out.");
    }
    let default = MonitorSettings::default();
    println!(
        "{targets} targets, a probe of each every {} s, a check of each endpoint every {} s; CPU in percent of one core, \
         memory in MiB\n",
        every_s.unwrap_or(default.every_s as usize),
        default.check_every_s
    );
    print_header(&programs);
    for minute in 0..=minutes {
        let begun = Instant::now();
        thread::sleep(MINUTE);
        print_minute(&mut programs, minute, begun.elapsed())?;
    }
    println!();
    for program in &programs {
        program.print_sum();
    }
    if let Some(cpu) = simulator.cpu_time() {
        println!(
            "the simulator, for all of them: {:.1} s of CPU",
            cpu.as_secs_f64()
        );
    }
    Ok(())
}

fn knob(name: &str) -> anyhow::Result<Option<usize>> {
    match env::var(name) {
        Ok(text) => Ok(Some(text.parse().context(name.to_owned())?)),
        Err(_) => Ok(None),
    }
}

fn print_header(programs: &[Program]) {
    let names: Vec<&str> = programs.iter().map(|program| program.name).collect();
    println!("| minute | {} |", names.join(" | "));
    println!("|---{}|", "|---".repeat(names.len()));
}

fn print_minute(programs: &mut [Program], minute: usize, lasted: Duration) -> anyhow::Result<()> {
    let mut row = String::new();
    for program in programs {
        let (share, rss) = program.minute(lasted, minute == 0)?;
        write!(row, " {share:.3} %, {rss:.1} |")?;
    }
    let minute = if minute == 0 {
        "start".to_owned()
    } else {
        minute.to_string()
    };
    println!("| {minute} |{row}");
    Ok(())
}

/// What a program is to do.
struct Plan<'a> {
    url: &'a str,
    ca: &'a str,
    targets: usize,
    every_s: Option<usize>,
}

impl Plan<'_> {
    /// The settings file.
    fn settings(&self) -> String {
        let ids: Vec<String> = (1..=self.targets).map(|n| format!("e{n:02}")).collect();
        let mut text = String::from("[monitor]\n");
        let names: Vec<String> = ids.iter().map(|id| format!("\"{id}/sim-fast\"")).collect();
        text += &["on = ", if ids.is_empty() { "false" } else { "true" }, "\n"].concat();
        text += &["targets = [", &names.join(", "), "]\n"].concat();
        if let Some(every_s) = self.every_s {
            text += &["every_s = ", &every_s.to_string(), "\n"].concat();
        }
        // Without a price, each program would say so first.
        text += "[price.\"*\"]\ninput = 0\noutput = 0\n";
        let endpoint = format!(
            "base_url = \"{}\"\ndialect = \"openai-chat\"\nauth = \"none\"\nca_file = \"{}\"\n",
            self.url, self.ca
        );
        for id in ids {
            text += &["[endpoint.", &id, "]\n", &endpoint].concat();
        }
        text
    }
}

/// A program under way; dropping it kills it.
struct Program {
    name: &'static str,
    child: Child,
    _folder: TempDir,
    /// Probes and checks, where it prints them.
    lines: Option<[Arc<AtomicUsize>; 2]>,
    /// CPU time at the end of the last minute.
    cpu: Duration,
    /// CPU and wall time of all minutes but the first.
    spent: Duration,
    lasted: Duration,
    least: f64,
    most: f64,
}

impl Program {
    /// The monitor without a window. One that has nobody to ask probes one target once, and then waits for a day.
    fn probe(name: &'static str, plan: &Plan<'_>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let is_idle = plan.targets == 0;
        let mut settings = Plan {
            targets: plan.targets.max(1),
            ..*plan
        }
        .settings();
        if is_idle {
            settings = settings.replacen("[monitor]\n", "[monitor]\ncheck_every_s = 0\n", 1);
        }
        let file = write_settings(folder.path(), &settings)?;
        let mut command = tokenscope(folder.path());
        command.arg("probe").arg("--config").arg(file);
        if is_idle {
            command.args(["--every", "24h"]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let lines = <[Arc<AtomicUsize>; 2]>::default();
        let [probes, checks] = lines.clone();
        let out = BufReader::new(child.stdout.take().context("no stdout")?);
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let is_check = line.contains(r#""type":"check""#);
                let count = if is_check { &checks } else { &probes };
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Self::new(name, child, folder, Some(lines)))
    }

    /// The window, hidden once it is there.
    fn window(name: &'static str, plan: &Plan<'_>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        write_settings(folder.path(), &plan.settings())?;
        let child = tokenscope(folder.path()).spawn()?;
        let program = Self::new(name, child, folder, None);
        let pid = program.child.id().to_string();
        let search = ["search", "--sync", "--all", "--onlyvisible", "--pid", &pid];
        let found = Command::new("xdotool")
            .args(search)
            .args(["--name", "Tokenscope"])
            .output()
            .context("xdotool")?;
        let found = String::from_utf8(found.stdout)?;
        let id = found.lines().next().context("no window")?;
        hide(id)?;
        Ok(program)
    }

    fn new(
        name: &'static str,
        child: Child,
        folder: TempDir,
        lines: Option<[Arc<AtomicUsize>; 2]>,
    ) -> Self {
        Self {
            name,
            child,
            _folder: folder,
            lines,
            cpu: Duration::ZERO,
            spent: Duration::ZERO,
            lasted: Duration::ZERO,
            least: f64::INFINITY,
            most: 0.0,
        }
    }

    /// The CPU share of the last minute in percent, and the memory at its end in MiB.
    fn minute(&mut self, lasted: Duration, is_start: bool) -> anyhow::Result<(f64, f64)> {
        ensure!(self.child.try_wait()?.is_none(), "{} has ended", self.name);
        let pid = self.child.id();
        let cpu = cpu_time(pid)?;
        let spent = cpu.saturating_sub(self.cpu);
        self.cpu = cpu;
        let rss = rss_mib(pid)?;
        if !is_start {
            self.spent += spent;
            self.lasted += lasted;
            self.least = self.least.min(rss);
            self.most = self.most.max(rss);
        }
        Ok((100.0 * spent.div_duration_f64(lasted), rss))
    }

    fn print_sum(&self) {
        let share = 100.0 * self.spent.div_duration_f64(self.lasted);
        print!(
            "{}: {share:.3} % of a core, {:.1} to {:.1} MiB",
            self.name, self.least, self.most
        );
        match &self.lines {
            Some([probes, checks]) => println!(
                "; {} probes and {} checks since its start",
                probes.load(Ordering::Relaxed),
                checks.load(Ordering::Relaxed)
            ),
            None => println!(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Minimizes a window, as a window manager does: it says so, and unmaps it.
fn hide(id: &str) -> anyhow::Result<()> {
    let state = "_NET_WM_STATE";
    let hidden = ["-f", state, "32a", "-set", state, "_NET_WM_STATE_HIDDEN"];
    let told = Command::new("xprop")
        .args(["-id", id])
        .args(hidden)
        .status();
    let told = told.context("xprop, of Debian's x11-utils")?;
    let unmap = ["windowunmap", "--sync", id];
    let gone = Command::new("xdotool").args(unmap).status()?;
    ensure!(
        told.success() && gone.success(),
        "the window can't be hidden"
    );
    Ok(())
}

/// The program with folders of its own.
fn tokenscope(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenscope"));
    command
        .env("TOKENSCOPE_CONFIG_DIR", folder)
        .env("TOKENSCOPE_DATA_DIR", folder.join("data"))
        .stdin(Stdio::null());
    command
}

fn write_settings(folder: &Path, settings: &str) -> anyhow::Result<std::path::PathBuf> {
    let file = folder.join("config.toml");
    fs::write(&file, settings)?;
    Ok(file)
}

/// `utime` and `stime` of a process, all its threads together, those that have ended too.
fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before may have spaces; after it, these are the fields 14 and 15, and this one is the third.
    let (_, rest) = text.rsplit_once(") ").context("an odd stat")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks: u32 = fields[11].parse::<u32>()? + fields[12].parse::<u32>()?;
    Ok(TICK * ticks)
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn rss_mib(pid: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: u64 = text.split(' ').nth(1).context("an odd statm")?.parse()?;
    Ok((pages * PAGE_KIB) as f64 / 1024.0)
}
