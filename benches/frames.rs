//! Frames while eight panes stream: CPU time of update + layout + tessellation, and memory.
//!
//! `cargo bench --bench frames` grows eight answers by 300 tokens a second each, a token being four
//! bytes and a frame a sixtieth of a second, through the same fold as live runs, to 50,000 tokens. It
//! draws nothing. The floor is a frame of the same window with plain labels. Times are of this thread's
//! CPU clock, so that a busy machine does not change them.

mod cpu;

use std::sync::Arc;

use cpu::{cpu_ns, ms, quantile};

use egui::{Context, Event as Input, RawInput, Rect, Ui, pos2, vec2};
use tokenscope::{
    desktop::{
        state::State,
        theme::{self, Theme},
        view::{Action, Cx, PlaygroundVerb, VerbId, View, ViewId},
        views::views,
    },
    dialect::DialectId,
    endpoint::{Auth, Endpoint, TargetId},
    engine::{Command, RunCommand, RunNews, SendRun, SettingsNews, Update},
    event::Event,
    run::{ConnectionKind, Read, RunHead, RunId, RunUpdate, Stamps},
    settings::Settings,
};

const PANES: usize = 8;
const TOKENS: usize = 50_000;
const BYTES_A_TOKEN: usize = 4;
const TOKENS_A_SECOND: usize = 300;
const FRAMES_A_SECOND: usize = 60;
/// Frames measured before each mark: ten seconds.
const WINDOW: usize = 600;
const FRAME_NS: u64 = 16_666_667;

/// What a model writes: prose, lists, code and tables, again and again.
const SECTION: &str = "## Prefill and decode\n\nA request passes **three queues** before a token exists: the \
*network*, the [scheduler](https://example.com) and the prefill. Only the last one grows with the prompt, and \
it is bound by compute, while decoding is bound by `memory bandwidth` and so by the size of the model.\n\n1. The \
connection is opened: DNS, TCP and TLS, each a round trip or two\n2. The prompt is read, all of it at once:\n   - \
attention over all `n` tokens\n   - a cache of keys and values is written\n3. Tokens are decoded one by one, until \
the model ends its answer or a limit cuts it\n\n| Phase | Bound by | Typical |\n|:--|:--|--:|\n| Connect | round \
trips | 90 ms |\n| Prefill | compute | 180 ms |\n| Decode | memory bandwidth | 12 ms |\n\n```rust\n/// Time to first \
token; blank, never zero, where it is not known.\npub fn ttft(run: &Run) -> Option<Duration> {\n    let first = \
run.stamps.first_token?;\n    let label = format!(\"{} of {}\", run.id, run.target);\n    tracing::debug!(%label, \
\"measured\");\n    for read in run.reads.iter().filter(|read| read.tokens > 0) {\n        assert!(read.at >= first, \
\"a token before the first\");\n    }\n    Some(Duration::from_nanos(first))\n}\n```\n\n> A figure that is not known is \
blank.\n\nSo a *longer prompt* costs time before the first token, and a *longer answer* after it; a proxy that buffers \
makes the first look slow and the rest look fast, which no average of the two would ever show.\n\n";

/// Formulas in text and on lines of their own, with a table.
const FORMULAS: &str = "## Attention\n\nWith queries $Q \\in \\mathbb{R}^{n \\times d_k}$ and keys $K$, each row of \
the product is a *distribution*, where $\\sqrt{d_k}$ keeps its variance near $1$:\n\n$$\n\\operatorname{softmax}(x)_i = \
\\frac{e^{x_i}}{\\sum_{j=1}^{n} e^{x_j}}, \\qquad A = \\operatorname{softmax}\\left(\\frac{QK^\\top}{\\sqrt{d_k}}\\right) V\n\
$$\n\n| step | cost | memory |\n|:--|--:|--:|\n| $QK^\\top$ | $O(n^2 d_k)$ | $O(n^2)$ |\n| $AV$ | $O(n^2 d_v)$ | $O(n \
d_v)$ |\n\nThe loss is a sum over tokens, and its gradient goes through all of them at once, so that\n\n\\[\n\\mathcal{L} \
= -\\sum_{t=1}^{T} \\log p(x_t \\mid x_{<t}), \\qquad p = \\begin{cases} \\hat{y}_t & t \\le T \\\\ 0 & \
\\text{otherwise} \\end{cases}\n\\]\n\nwhich is all there is to it: $\\nabla_\\theta \\mathcal{L}$ needs $O(T)$ steps.\n\n";

/// Resident memory in bytes, where the system says it.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm
        .split_whitespace()
        .nth(1)
        .and_then(|p| p.parse().ok())
        .map_or(0, |pages: usize| pages * 4096)
}

struct Bench {
    ctx: Context,
    frame: u64,
    size: egui::Vec2,
    /// Of the last frame: shows that something was drawn.
    vertices: usize,
}

impl Bench {
    fn new() -> Self {
        let ctx = Context::default();
        theme::install(&ctx);
        Self {
            ctx,
            frame: 0,
            size: vec2(1920.0, 1080.0),
            vertices: 0,
        }
    }

    /// One frame; gives its CPU time in nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand frames")]
    fn frame(&mut self, events: Vec<Input>, show: impl FnMut(&mut Ui)) -> u64 {
        self.frame += 1;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), self.size)),
            time: Some(self.frame as f64 / FRAMES_A_SECOND as f64),
            events,
            ..RawInput::default()
        };
        let before = cpu_ns();
        let mut output = self.ctx.run_ui(input, show);
        let shapes = std::mem::take(&mut output.shapes);
        let primitives = self.ctx.tessellate(shapes, output.pixels_per_point);
        let spent = cpu_ns() - before;
        self.vertices = (primitives.iter())
            .map(|primitive| match &primitive.primitive {
                egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
                egui::epaint::Primitive::Callback(_) => 0,
            })
            .sum();
        output.textures_delta.clear();
        spent
    }
}

struct Desk {
    view: Box<dyn View>,
    state: State,
    commands: Vec<Command>,
    actions: Vec<Action>,
}

impl Desk {
    fn show(&mut self, ui: &mut Ui) {
        self.with(|view, cx| {
            view.logic(cx);
            view.ui(ui, cx);
        });
    }

    fn verb(&mut self, verb: PlaygroundVerb) {
        self.with(|view, cx| view.verb(VerbId::Playground(verb), cx));
    }

    fn with(&mut self, act: impl FnOnce(&mut dyn View, &mut Cx<'_>)) {
        let mut cx = Cx {
            state: &self.state,
            theme: &theme::DARK as &Theme,
            commands: &mut self.commands,
            actions: &mut self.actions,
        };
        act(&mut *self.view, &mut cx);
    }
}

fn settings() -> Settings {
    let url = "http://127.0.0.1:9/v1".parse().expect("a URL");
    let endpoint = Endpoint {
        label: "Simulated".into(),
        auth: Auth::None,
        models: vec!["swift".into(), "steady".into()],
        simulated: true,
        ..Endpoint::custom("simulated", url, DialectId::OpenaiChat)
    };
    Settings {
        endpoints: vec![endpoint],
        ..Settings::default()
    }
}

/// Eight panes that have just been asked.
fn asked(bench: &mut Bench) -> (Desk, Vec<RunId>) {
    let view = views()
        .into_iter()
        .find(|v| v.id() == ViewId::Playground)
        .expect("a playground");
    let mut desk = Desk {
        view,
        state: State::default(),
        commands: Vec::new(),
        actions: Vec::new(),
    };
    desk.state
        .apply(Update::Settings(SettingsNews::Are(Arc::new(settings()))));
    bench.frame(Vec::new(), |ui| desk.show(ui));
    for _ in 2..PANES {
        desk.verb(PlaygroundVerb::AddPane);
    }
    desk.verb(PlaygroundVerb::Send);
    let sent: Vec<SendRun> = (desk.commands.drain(..))
        .filter_map(|command| match command {
            Command::Run(RunCommand::Send(run)) => Some(run),
            _ => None,
        })
        .collect();
    assert_eq!(sent.len(), PANES, "{:?}", desk.actions);
    let ids = sent.iter().map(|run| run.id).collect();
    for run in sent {
        begin(&mut desk.state, run);
    }
    (desk, ids)
}

fn begin(state: &mut State, run: SendRun) {
    let id = run.id;
    let head = RunHead {
        id,
        target: TargetId {
            endpoint: run.endpoint,
            model: run.request.model.clone(),
        },
        dialect: DialectId::OpenaiChat,
        route: String::new(),
        url: "http://127.0.0.1:9/v1/chat/completions".into(),
        simulated: true,
        origin: run.origin,
        attempt: 1,
        request: run.request,
    };
    state.apply(Update::Run(RunNews::Accepted(Box::new(head))));
    let updates = [
        RunUpdate::Started { started_unix_ns: 1 },
        RunUpdate::Head {
            stamps: Box::new(Stamps {
                started_unix_ns: 1,
                request_sent: Some(1),
                headers: Some(2),
                ..Stamps::default()
            }),
            connection: ConnectionKind::Warm,
            status: 200,
            http_version: "HTTP/1.1".into(),
        },
    ];
    for update in updates {
        let update = update.into();
        state.apply(Update::Run(RunNews::Update { id, update }));
    }
}

/// The next piece of an endless text, `len` bytes or so.
fn piece(text: &str, at: &mut usize, len: usize) -> String {
    let mut out = String::with_capacity(len + 4);
    while out.len() < len {
        let c = text[*at % text.len()..].chars().next().unwrap_or(' ');
        out.push(c);
        *at = (*at + c.len_utf8()) % text.len();
    }
    out
}

/// What all panes get in one frame: `first`, then the next piece of `text`.
fn feed(state: &mut State, ids: &[RunId], at: &mut [usize], frame: u64, first: &str, text: &str) {
    let bytes = TOKENS_A_SECOND / FRAMES_A_SECOND * BYTES_A_TOKEN;
    for (id, at) in ids.iter().zip(at) {
        let events = vec![Event::Text {
            text: format!("{first}{}", piece(text, at, bytes)),
        }];
        let read = Read {
            at: frame * FRAME_NS,
            bytes: 200,
            events: 1,
            tokens: 1,
            ..Read::default()
        };
        state.apply(Update::Run(RunNews::Update {
            id: *id,
            update: RunUpdate::Read { read, events }.into(),
        }));
    }
}

#[expect(clippy::cast_precision_loss, reason = "for display")]
fn mib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

#[expect(clippy::print_stdout, reason = "a bench reports here")]
fn report(name: &str, times: &[u64], floor: f64) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let (p50, p99) = (quantile(&sorted, 0.5), quantile(&sorted, 0.99));
    let max = ms(sorted.last().copied().unwrap_or(0));
    println!(
        "{name:<26} p50 {p50:6.2} ms   p99 {p99:6.2} ms   max {max:6.2} ms   p50 is {:4.1} × floor",
        p50 / floor
    );
}

/// A frame of the same window with plain labels: what egui itself costs.
fn floor() -> f64 {
    let mut bench = Bench::new();
    let mut times = Vec::new();
    for _ in 0..300 {
        times.push(bench.frame(Vec::new(), |ui| {
            ui.columns(PANES, |columns| {
                for column in columns {
                    for line in 0..24 {
                        column.label(format!("A line of plain text, the {line}th of its column"));
                    }
                }
            });
        }));
    }
    times.sort_unstable();
    quantile(&times, 0.5)
}

#[expect(clippy::print_stdout, reason = "a bench reports here")]
fn main() {
    let floor = floor();
    println!("floor: 192 plain labels      p50 {floor:6.2} ms");
    let code = SECTION.split("```").nth(1).unwrap_or_default();
    let code = code.replace("rust\n", "");
    let prose = SECTION.replace(['\n', '`', '|'], " ");
    let texts = [
        ("markdown", "", SECTION, false),
        ("markdown, scrolled about", "", SECTION, true),
        ("one code block", "```rust\n", &code, false),
        ("one paragraph", "", &prose, false),
        ("formulas and tables", "", FORMULAS, false),
        ("formulas, scrolled about", "", FORMULAS, true),
    ];
    for (name, head, text, scroll) in texts {
        println!("\n{PANES} panes, {TOKENS_A_SECOND} tokens a second each: {name}");
        stream(floor, head, text, scroll);
    }
}

#[expect(clippy::print_stdout, reason = "a bench reports here")]
fn stream(floor: f64, head: &str, text: &str, scroll: bool) {
    let mut bench = Bench::new();
    let (mut desk, ids) = asked(&mut bench);
    let starts = (0..PANES).map(|pane| pane * 311);
    let mut at: Vec<usize> = starts
        .map(|at| text.floor_char_boundary(at % text.len()))
        .collect();
    let memory_before = resident();
    let frames = TOKENS * FRAMES_A_SECOND / TOKENS_A_SECOND;
    let mut times = Vec::with_capacity(frames);
    for frame in 1..=frames {
        let first = if frame == 1 { head } else { "" };
        feed(&mut desk.state, &ids, &mut at, frame as u64, first, text);
        let events = if scroll { wheel(frame) } else { Vec::new() };
        times.push(bench.frame(events, |ui| desk.show(ui)));
        let tokens = frame * TOKENS_A_SECOND / FRAMES_A_SECOND;
        if [5_000, 20_000, TOKENS].contains(&tokens) {
            report(
                &format!("  at {tokens} tokens"),
                &times[times.len() - WINDOW..],
                floor,
            );
            let bytes: usize = ids
                .iter()
                .map(|id| desk.state.runs[id].answer.text.len())
                .sum();
            let grown = resident().saturating_sub(memory_before);
            println!(
                "    text {:5.2} MiB, memory grown by {:5.2} MiB, {} vertices drawn",
                mib(bytes),
                mib(grown),
                bench.vertices
            );
        }
    }
    report("  all frames", &times[60..], floor);
}

/// A pointer over one pane after another, turning the wheel up and down.
fn wheel(frame: usize) -> Vec<Input> {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred points")]
    let x = 120.0 + (frame / 30 % PANES) as f32 * 230.0;
    let up = (frame / 240).is_multiple_of(2);
    vec![
        Input::PointerMoved(pos2(x, 400.0)),
        Input::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: vec2(0.0, if up { 60.0 } else { -60.0 }),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Trackpad,
            modifiers: egui::Modifiers::NONE,
        },
    ]
}
