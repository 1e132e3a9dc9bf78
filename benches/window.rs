//! The window over a history of a million runs: no frame waits for the history.
//!
//! `cargo bench --bench window` fills a history in a temporary folder with seeded runs (12 targets over
//! the last 90 days; `TOKENSCOPE_RUNS` sets how many), opens the whole application over a real engine,
//! and plots, zooms, scrolls, searches, filters and sorts as a user would, sixty frames a second. A
//! frame is draining the engine's updates, update, layout and tessellation; nothing is drawn. CPU times
//! are of the window's own thread; the wall time beside them tells if it ever waited for another. How
//! long the history itself takes is told by `cargo bench --bench history`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod cpu;
mod seeded;

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cpu::{cpu_ns, ms, quantile};
use egui::{
    Context, Event as Input, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, RawInput, Rect,
    TouchPhase, pos2, vec2,
};
use seeded::{DAY_NS, DAYS, fill};
use tokenscope::{
    credential::Credentials,
    desktop::app::{self, App},
    engine::{Engine, Options},
    settings::Paths,
};

const FRAME: Duration = Duration::from_micros(16_667);
const PLOT: &str = "Plot of time to first token over time";

struct Window {
    ctx: Context,
    app: App,
    began: Instant,
    /// CPU and wall time of each frame of the step under way.
    cpu: Vec<u64>,
    wall: Vec<u64>,
    /// Of all steps.
    worst: u64,
}

impl Window {
    fn open(paths: Paths) -> Self {
        let ctx = Context::default();
        let options = Options {
            paths,
            endpoints: Vec::new(),
            simulator: false,
            history: true,
            credentials: Credentials::default(),
        };
        let engine = Engine::start(options, app::wake(&ctx)).unwrap();
        Self {
            app: App::new(engine, &ctx, None),
            ctx,
            began: Instant::now(),
            cpu: Vec::new(),
            wall: Vec::new(),
            worst: 0,
        }
    }

    /// One frame with this input.
    fn frame(&mut self, events: Vec<Input>) -> egui::FullOutput {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1280.0, 800.0))),
            time: Some(self.began.elapsed().as_secs_f64()),
            events,
            ..RawInput::default()
        };
        let (wall, cpu) = (Instant::now(), cpu_ns());
        self.app.drain(&self.ctx);
        let app = &mut self.app;
        let mut output = self.ctx.run_ui(input, |ui| app.show(ui));
        let shapes = std::mem::take(&mut output.shapes);
        let drawn = self.ctx.tessellate(shapes, output.pixels_per_point);
        self.cpu.push(cpu_ns() - cpu);
        let wall = wall.elapsed();
        self.wall.push(u64::try_from(wall.as_nanos()).unwrap());
        assert!(!drawn.is_empty());
        output.textures_delta.clear();
        thread::sleep(FRAME.saturating_sub(wall));
        output
    }

    fn frames(&mut self, count: usize, events: impl Fn(usize) -> Vec<Input>) {
        for n in 0..count {
            self.frame(events(n));
        }
    }

    /// Where a control is, by its accessible name; the frame that tells is not counted.
    fn find(&mut self, name: &str) -> Pos2 {
        let (cpu, wall) = (self.cpu.len(), self.wall.len());
        self.ctx.enable_accesskit();
        let mut update = None;
        for _ in 0..3 {
            update = self
                .frame(Vec::new())
                .platform_output
                .accesskit_update
                .or(update);
        }
        self.ctx.disable_accesskit();
        self.frame(Vec::new());
        self.cpu.truncate(cpu);
        self.wall.truncate(wall);
        let nodes = update.unwrap().nodes;
        let node = nodes.iter().find(|(_, node)| node.label() == Some(name));
        let (_, node) = node.unwrap_or_else(|| panic!("nothing is named “{name}”"));
        let bounds = node.bounds().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "pixels")]
        let at = pos2(
            f64::midpoint(bounds.x0, bounds.x1) as f32,
            f64::midpoint(bounds.y0, bounds.y1) as f32,
        );
        at
    }

    fn click(&mut self, at: Pos2) {
        let button = |pressed| Input::PointerButton {
            pos: at,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        self.frame(vec![Input::PointerMoved(at)]);
        self.frame(vec![button(true)]);
        self.frame(vec![button(false)]);
    }

    fn press(&mut self, key: Key, modifiers: Modifiers) {
        let press = |pressed| Input::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers,
        };
        self.frame(vec![press(true), press(false)]);
    }

    fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            self.frame(vec![Input::Text(letter.into())]);
        }
    }

    /// Prints the frames since the last report.
    fn report(&mut self, step: &str) {
        self.cpu.sort_unstable();
        self.wall.sort_unstable();
        let (cpu, wall) = (&self.cpu, &self.wall);
        let (p50, p99) = (quantile(cpu, 0.5), quantile(cpu, 0.99));
        let (worst, waited) = (*cpu.last().unwrap(), *wall.last().unwrap());
        println!(
            "{step:<34} {:>6} {p50:>8.2} {p99:>8.2} {:>8.2} {:>9.2}",
            cpu.len(),
            ms(worst),
            ms(waited)
        );
        self.worst = self.worst.max(worst);
        self.cpu.clear();
        self.wall.clear();
    }
}

fn main() {
    let count = std::env::var("TOKENSCOPE_RUNS").map_or(1_000_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let start = i64::try_from(now.as_nanos()).unwrap() - DAYS * DAY_NS;
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(fill(folder.path(), start, count));
    println!("{count} runs");
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
    println!("\nworst frame: {:.2} ms of CPU", ms(window.worst));
}

/// Frames at rest: answers come in meanwhile.
fn rest(_: usize) -> Vec<Input> {
    Vec::new()
}

fn plot(window: &mut Window) {
    while window.app.state().storage.is_none() {
        window.frames(1, rest);
    }
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
    window.press(Key::Num3, Modifiers::COMMAND);
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
