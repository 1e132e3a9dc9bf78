//! The window over a history of a million runs: no frame waits for the history.
//!
//! `cargo bench --bench window` fills a history in a temporary folder with seeded runs (12 targets over
//! the last 90 days; `TOKENSCOPE_RUNS` sets how many), a bench and a comparison (`TOKENSCOPE_REQUESTS`,
//! `TOKENSCOPE_PAIRS`), opens the whole application over a real engine, and plots, zooms, scrolls,
//! searches, filters, sorts and opens what is kept as a user would, sixty frames a second. A
//! frame is draining the engine's updates, update, layout and tessellation; nothing is drawn. CPU times
//! are of the window's own thread; the wall time beside them tells if it ever waited for another. How
//! long the history itself takes is told by `cargo bench --bench history`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

#[path = "../cpu.rs"]
mod cpu;
mod driver;
mod kept;
mod opened;
#[path = "../seeded.rs"]
mod seeded;

use std::time::{SystemTime, UNIX_EPOCH};

use cpu::ms;
use driver::Window;
use egui::{Event as Input, Key, Modifiers, MouseWheelUnit, TouchPhase, pos2, vec2};
use seeded::{DAY_NS, DAYS, fill};
use tokenscope::settings::Paths;

const PLOT: &str = "Plot of time to first token over time";

fn main() {
    let number = |name: &str, usual: i64| std::env::var(name).map_or(usual, |n| n.parse().unwrap());
    let count = number("TOKENSCOPE_RUNS", 1_000_000);
    let requests = number("TOKENSCOPE_REQUESTS", 1_000_000).unsigned_abs();
    let pairs = number("TOKENSCOPE_PAIRS", 20_000).unsigned_abs();
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let start = i64::try_from(now.as_nanos()).unwrap() - DAYS * DAY_NS;
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async {
            fill(folder.path(), start, count).await;
            kept::fill(folder.path(), requests, pairs).await;
        });
    println!("{count} runs, a bench of {requests} requests, a comparison of {pairs} pairs");
    println!(
        "{:<34} {:>6} {:>8} {:>8} {:>8} {:>9}",
        "", "frames", "p50 ms", "p99 ms", "max ms", "max wall"
    );
    let paths = Paths {
        settings: folder.path().join("config.toml"),
        data: folder.path().to_owned(),
    };
    let mut window = Window::open(paths);
    plot(&mut window);
    table(&mut window);
    opened::comparison(&mut window);
    opened::bench(&mut window);
    println!("\nworst frame: {:.2} ms of CPU", ms(window.worst()));
}

/// Frames at rest: answers come in meanwhile.
fn rest(_: usize) -> Vec<Input> {
    Vec::new()
}

fn plot(window: &mut Window) {
    window.await_history();
    window.frames(30, rest);
    window.report("open");
    window.press(Key::Num2, Modifiers::COMMAND);
    window.frames(90, rest);
    window.report("Monitor, the last hour");
    let all = window.find("Range: All");
    window.click(all);
    window.frames(240, rest);
    window.report("Monitor, all 90 days");
    let plot = window.find(PLOT);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred points")]
    window.frames(180, |n| {
        vec![Input::PointerMoved(
            plot + vec2(n as f32 * 2.0 - 180.0, n as f32 - 90.0),
        )]
    });
    window.report("hovering over the points");
    window.frames(240, |n| {
        vec![
            Input::PointerMoved(plot),
            Input::MouseWheel {
                unit: MouseWheelUnit::Line,
                delta: vec2(0.0, if n < 120 { 0.2 } else { -0.2 }),
                phase: TouchPhase::Move,
                source: egui::MouseWheelSource::Wheel,
                modifiers: Modifiers::NONE,
            },
        ]
    });
    window.frames(60, rest);
    window.report("zooming in and out");
    let log = window.find("Scale: Log");
    window.click(log);
    window.frames(60, rest);
    window.report("on a logarithmic scale");
    for chart in ["Bands", "Phases", "Spread", "Hours", "Errors", "Targets"] {
        let button = window.find(&format!("Chart: {chart}"));
        window.click(button);
        window.frames(150, rest);
        window.report(&format!("the chart {chart}"));
    }
    let button = window.find("Chart: TTFT");
    window.click(button);
}

fn table(window: &mut Window) {
    window.press(Key::Num5, Modifiers::COMMAND);
    window.frames(90, rest);
    window.report("Runs, the newest");
    window.frames(300, |n| {
        vec![
            Input::PointerMoved(pos2(500.0, 400.0)),
            Input::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, if n % 100 < 80 { -900.0 } else { 5000.0 }),
                phase: TouchPhase::Move,
                source: egui::MouseWheelSource::Trackpad,
                modifiers: Modifiers::NONE,
            },
        ]
    });
    window.report("scrolling fast");
    for column in ["TTFT", "Target", "Total"] {
        let header = window.find(&format!("Sort by {column}"));
        window.click(header);
        window.frames(60, rest);
        window.report(&format!("sorted by {column}"));
    }
    let search = window.find("Search runs");
    window.click(search);
    window.type_text("gateway latency");
    window.frames(240, rest);
    window.report("searching while typing");
}
