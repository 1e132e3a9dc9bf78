//! The whole application over a real engine, driven frame by frame as a user would; nothing is drawn.

use std::{
    thread,
    time::{Duration, Instant},
};

use egui::{
    Context, Event as Input, Key, Modifiers, PointerButton, Pos2, RawInput, Rect, Shape,
    epaint::ClippedShape, pos2, vec2,
};
use tokenscope::{
    credential::Credentials,
    desktop::app::{self, App},
    engine::{Engine, Options},
    settings::Paths,
};

use crate::cpu::{cpu_ns, ms, quantile};

/// How long a text is waited for.
const PATIENCE: Duration = Duration::from_mins(2);
/// Time between two frames.
const FRAME: Duration = Duration::from_micros(16_667);

/// The whole application, driven frame by frame.
pub struct Window {
    ctx: Context,
    app: App,
    began: Instant,
    /// CPU and wall time of each frame of the step under way.
    cpu: Vec<u64>,
    wall: Vec<u64>,
    /// Texts that were drawn last, where somebody waits for one.
    drawn: Option<String>,
    /// Of all steps.
    worst: u64,
}

impl Window {
    pub fn open(paths: Paths) -> Self {
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
            drawn: None,
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
        let words = self.drawn.as_ref().map(|_| texts_of(&shapes));
        let drawn = self.ctx.tessellate(shapes, output.pixels_per_point);
        self.cpu.push(cpu_ns() - cpu);
        let wall = wall.elapsed();
        self.wall.push(u64::try_from(wall.as_nanos()).unwrap());
        assert!(!drawn.is_empty());
        self.drawn = words;
        output.textures_delta.clear();
        thread::sleep(FRAME.saturating_sub(wall));
        output
    }

    pub fn frames(&mut self, count: usize, events: impl Fn(usize) -> Vec<Input>) {
        for n in 0..count {
            self.frame(events(n));
        }
    }

    /// Where the control of this accessible name is, else the first one with this in its name; the frames that tell are not
    /// counted.
    pub fn find(&mut self, name: &str) -> Pos2 {
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
        let is_named = |node: &egui::accesskit::Node| node.label() == Some(name);
        let has_name = |label: Option<&str>| label.is_some_and(|label| label.contains(name));
        let exact = nodes.iter().find(|(_, node)| is_named(node));
        let node = exact.or_else(|| nodes.iter().find(|(_, node)| has_name(node.label())));
        let (_, node) = node.unwrap_or_else(|| panic!("nothing is named “{name}”"));
        let bounds = node.bounds().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "pixels")]
        let at = pos2(
            f64::midpoint(bounds.x0, bounds.x1) as f32,
            f64::midpoint(bounds.y0, bounds.y1) as f32,
        );
        at
    }

    /// Clicks a place, goes on until a text is drawn, and gives how long that took.
    pub fn until_drawn(&mut self, at: Pos2, text: &str) -> Duration {
        self.frame(vec![Input::PointerMoved(at)]);
        self.drawn = Some(String::new());
        let began = Instant::now();
        self.click(at);
        while !self
            .drawn
            .as_ref()
            .is_some_and(|drawn| drawn.contains(text))
        {
            self.frame(Vec::new());
            assert!(began.elapsed() < PATIENCE, "“{text}” is not drawn");
        }
        self.drawn = None;
        began.elapsed()
    }

    pub fn click(&mut self, at: Pos2) {
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

    pub fn press(&mut self, key: Key, modifiers: Modifiers) {
        let press = |pressed| Input::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers,
        };
        self.frame(vec![press(true), press(false)]);
    }

    pub fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            self.frame(vec![Input::Text(letter.into())]);
        }
    }

    /// Goes on until the history was opened.
    pub fn await_history(&mut self) {
        while self.app.state().storage.is_none() {
            self.frame(Vec::new());
        }
    }

    /// The CPU time of the worst frame so far, in nanoseconds.
    pub fn worst(&self) -> u64 {
        self.worst
    }

    /// Prints the frames since the last report.
    pub fn report(&mut self, step: &str) {
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

/// All texts of these shapes.
fn texts_of(shapes: &[ClippedShape]) -> String {
    let mut texts = String::new();
    for shape in shapes {
        add_text(&shape.shape, &mut texts);
    }
    texts
}

fn add_text(shape: &Shape, texts: &mut String) {
    match shape {
        Shape::Text(text) => {
            texts.push_str(text.galley.text());
            texts.push('\n');
        }
        Shape::Vec(all) => all.iter().for_each(|shape| add_text(shape, texts)),
        _ => {}
    }
}
