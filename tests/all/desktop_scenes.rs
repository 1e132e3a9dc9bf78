//! What the engine might say: scenes that the desktop's tests and pictures are played with.

use std::{collections::BTreeMap, sync::Arc, sync::mpsc, time::Duration};

use egui::vec2;
use egui_kittest::Harness;
use tokenscope::{
    body::ModelInfo,
    chat::{ChatRequest, Media, Params},
    conformance::{self, Finding},
    conversation::ConversationSummary,
    credential::{KeyOf, KeyPlace, KeyStatus},
    desktop::{
        app::{self, App},
        fonts,
        view::ViewId,
    },
    dialect::DialectId,
    endpoint::{Auth, Endpoint, TargetId},
    engine::{
        Command, ConversationCommand, EndpointCommand, Engine, HistoryCommand, HistoryNews,
        KeyCommand, KeyNews, Reply, RunCommand, RunNews, SettingsNews, TestStep, TestedThing,
        Update, ask, ask_in_steps,
    },
    event::{
        About, Answer, Citation, Event, Fault, FaultClass, Finish, FinishReason, Note, Phase, Usage,
    },
    history::{
        CheckCount, Conformance, Median, RunPage, RunQuery, RunRow, Series, SeriesError,
        SeriesPoint, Storage,
    },
    run::{ConnectionKind, Link, Origin, Read, Reads, Run, RunHead, RunId, RunState, Span, Stamps},
    settings::{Appearance, Paths, Settings, SettingsProblem, ThemeChoice},
    transport::TcpInfo,
};
use tokio::sync::mpsc::UnboundedReceiver;

/// What the engine knows.
#[derive(Clone, Debug)]
pub struct Scene {
    pub settings: Settings,
    pub runs: Vec<Run>,
    pub conversations: Vec<ConversationSummary>,
    pub storage: Storage,
    pub problem: Option<SettingsProblem>,
    pub no_simulator: Option<String>,
}

/// A window over an engine that is played by the test.
pub struct Window {
    app: Option<App>,
    engine: Option<Engine>,
    saved: Option<String>,
}

impl Window {
    pub fn app(&self) -> &App {
        self.app.as_ref().expect("the first frame was drawn")
    }
}

/// The engine's far end.
pub struct Player {
    commands: UnboundedReceiver<Command>,
    updates: mpsc::Sender<Update>,
    pub scene: Scene,
    /// What a test of an endpoint tells.
    pub test_steps: Vec<TestStep>,
    /// Everything that the window has asked for; what the scene does not answer waits there for its answer.
    pub heard: Vec<Command>,
}

pub type Desktop = Harness<'static, Window>;

/// Opens a window of this size over a scene, and plays until it is at rest.
pub fn open(scene: Scene, size: (f32, f32), saved: Option<&str>) -> (Desktop, Player) {
    open_with(scene, size, saved, |builder| builder)
}

/// The same, with a say in how it is drawn.
pub fn open_with(
    scene: Scene,
    size: (f32, f32),
    saved: Option<&str>,
    build: impl FnOnce(egui_kittest::HarnessBuilder<Window>) -> egui_kittest::HarnessBuilder<Window>,
) -> (Desktop, Player) {
    let (command, commands) = tokio::sync::mpsc::unbounded_channel();
    let (updates, update) = mpsc::channel();
    let mut player = Player {
        commands,
        updates,
        scene,
        test_steps: test_steps(),
        heard: Vec::new(),
    };
    player.begin();
    let window = Window {
        app: None,
        engine: Some(Engine::of_channels(command, update)),
        saved: saved.map(str::to_owned),
    };
    let builder = Harness::<Window>::builder()
        .with_size(vec2(size.0, size.1))
        .with_max_steps(24)
        .with_step_dt(0.1)
        .with_context_setup(fonts::install_system_fonts_now);
    let builder = if chinese_is_there() {
        builder
    } else {
        builder.allow_missing_glyphs()
    };
    let mut desktop = build(builder).build_ui_state(frame, window);
    player.play(&mut desktop);
    (desktop, player)
}

/// Whether this machine has a font for Chinese; without one, tofu is drawn.
pub fn chinese_is_there() -> bool {
    let ctx = egui::Context::default();
    fonts::install_system_fonts_now(&ctx);
    fonts::has_chinese(&ctx) == Some(true)
}

fn frame(ui: &mut egui::Ui, window: &mut Window) {
    let ctx = ui.ctx().clone();
    let Window { app, engine, saved } = window;
    let app = app.get_or_insert_with(|| {
        let _wake = app::wake(&ctx);
        let app = App::new(engine.take().expect("only once"), &ctx, saved.as_deref());
        app.with_paths(Paths {
            settings: "/home/ada/.config/tokenscope/config.toml".into(),
            data: "/home/ada/.local/share/tokenscope".into(),
        })
    });
    app.drain(&ctx);
    // The harness leaves a margin, which a window has not.
    let whole = ctx.content_rect();
    let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(whole));
    ui.set_clip_rect(whole);
    app.show(&mut ui);
}

impl Player {
    fn begin(&mut self) {
        let scene = self.scene.clone();
        self.say(Update::Settings(SettingsNews::Are(Arc::new(
            scene.settings,
        ))));
        self.say(Update::History(HistoryNews::Storage(scene.storage)));
        if scene.problem.is_some() {
            self.say(Update::Settings(SettingsNews::Problem(scene.problem)));
        }
        if let Some(why) = scene.no_simulator {
            self.say(Update::NoSimulator(why));
        }
    }

    /// Says something to the window; it is taken in with the next frame.
    pub fn say(&self, update: Update) {
        self.updates.send(update).expect("the window is open");
    }

    /// Runs frames and answers what is asked until both sides are at rest.
    pub fn play(&mut self, desktop: &mut Desktop) {
        for _ in 0..12 {
            desktop.run_steps(4);
            if !self.answer() {
                break;
            }
        }
        desktop.run_ok();
    }

    /// Answers the questions for the TTFT history that were asked since with a problem.
    pub fn refuse_series(&mut self, why: &str) {
        while let Ok(mut command) = self.commands.try_recv() {
            if let Command::History(HistoryCommand::Series { reply, .. }) = &mut command {
                reply_to(reply, Err(why.to_owned()));
            }
            self.heard.push(command);
        }
    }

    /// Answers everything that was asked; gives whether there was anything.
    fn answer(&mut self) -> bool {
        let mut any = false;
        while let Ok(mut command) = self.commands.try_recv() {
            any = true;
            for update in self.scene.answer(&mut command, &self.test_steps) {
                self.say(update);
            }
            self.heard.push(command);
        }
        any
    }
}

/// What the engine says to be found in a run that is over.
pub fn found(run: &Run) -> Update {
    Update::Run(RunNews::Findings {
        id: run.head.id,
        findings: conformance::findings(run).into(),
    })
}

/// Answers a question that was heard, and leaves the command behind.
pub fn reply_to<T>(reply: &mut Reply<T>, answer: T) {
    std::mem::replace(reply, ask().0).send(answer);
}

impl Scene {
    fn answer(&self, command: &mut Command, test: &[TestStep]) -> Vec<Update> {
        match command {
            Command::History(HistoryCommand::Runs { query, reply }) => {
                reply_to(reply, Ok(self.page(query)));
            }
            Command::History(HistoryCommand::Series { reply, .. }) => {
                reply_to(reply, Ok(self.series()));
            }
            Command::History(HistoryCommand::Conformance { reply, .. }) => {
                reply_to(reply, Ok(self.conformance()));
            }
            Command::Conversation(ConversationCommand::List(reply)) => {
                reply_to(reply, self.conversations.clone());
            }
            Command::Endpoint(EndpointCommand::Test { steps, .. }) => {
                let steps = std::mem::replace(steps, ask_in_steps().0);
                test.iter().cloned().for_each(|step| steps.tell(step));
            }
            Command::Run(RunCommand::Load(id)) => {
                let run = self.runs.iter().find(|run| run.head.id == *id);
                let findings = run.map(found);
                let run = run.cloned().map(Box::new);
                let loaded = Update::Run(RunNews::Loaded { id: *id, run });
                return [loaded].into_iter().chain(findings).collect();
            }
            Command::Key(KeyCommand::Check) => return self.keys(),
            Command::Endpoint(EndpointCommand::ListModels { endpoint, .. }) => {
                return vec![Update::Models {
                    endpoint: endpoint.clone(),
                    models: Ok(Arc::new(models())),
                }];
            }
            _ => {}
        }
        Vec::new()
    }

    fn page(&self, query: &RunQuery) -> RunPage {
        let rows: Vec<_> = (self.runs.iter().rev())
            .filter(|run| run.head.target.to_string().contains(&query.text))
            .map(row)
            .collect();
        RunPage {
            total: rows.len(),
            rows: rows
                .into_iter()
                .skip(query.offset)
                .take(query.limit)
                .collect(),
        }
    }

    /// The TTFT history of these runs, as the history would give it undecimated.
    fn series(&self) -> Vec<Series> {
        let mut all: Vec<Series> = Vec::new();
        for run in &self.runs {
            let index = all
                .iter()
                .position(|series| series.target == run.head.target)
                .unwrap_or_else(|| {
                    all.push(Series {
                        target: run.head.target.clone(),
                        simulated: run.head.simulated,
                        ..Series::default()
                    });
                    all.len() - 1
                });
            add(&mut all[index], run);
        }
        for series in &mut all {
            series.median_warm = rolling(series, ConnectionKind::Warm);
            series.median_cold = rolling(series, ConnectionKind::Cold);
            series.warm = Median::of(of_kind(series, ConnectionKind::Warm));
            series.cold = Median::of(of_kind(series, ConnectionKind::Cold));
        }
        all
    }

    /// What was found in these runs, as the history would count it.
    fn conformance(&self) -> Vec<Conformance> {
        let mut all: BTreeMap<TargetId, Conformance> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| conformance::tells(run)) {
            let target = run.head.target.clone();
            let row = all.entry(target.clone()).or_insert_with(|| Conformance {
                target,
                runs: 0,
                found: BTreeMap::new(),
            });
            row.runs += 1;
            for Finding { check, text } in conformance::findings(run) {
                let latest = run.head.id;
                let found = row.found.entry(check).or_insert(CheckCount {
                    runs: 0,
                    latest,
                    text: String::new(),
                });
                (found.runs, found.latest, found.text) = (found.runs + 1, latest, text);
            }
        }
        all.into_values().collect()
    }

    fn keys(&self) -> Vec<Update> {
        let places = [
            (
                "openai",
                KeyPlace::Env {
                    var: "OPENAI_API_KEY".into(),
                },
                None,
            ),
            ("deepseek", KeyPlace::Keyring, None),
            (
                "gateway",
                KeyPlace::Missing,
                Some("the OS keyring is locked: unlock it, then check again"),
            ),
            ("ollama", KeyPlace::NotNeeded, None),
            ("simulator", KeyPlace::NotNeeded, None),
        ];
        let known = places.into_iter().filter_map(|(id, place, problem)| {
            let endpoint = self.settings.endpoint(id)?;
            Some(Update::Key(KeyNews::Status(KeyStatus {
                endpoint: id.into(),
                of: KeyOf::Endpoint,
                origin: endpoint.base_url.origin().ascii_serialization(),
                place,
                problem: problem.map(str::to_owned),
            })))
        });
        known.collect()
    }
}

fn models() -> Vec<ModelInfo> {
    let names = [
        "gpt-5-mini",
        "gpt-5-nano",
        "o5",
        "deepseek-chat",
        "deepseek-reasoner",
    ];
    names
        .iter()
        .map(|id| ModelInfo {
            id: (*id).into(),
            label: String::new(),
        })
        .collect()
}

fn test_steps() -> Vec<TestStep> {
    let ms = |ms| Some(Duration::from_millis(ms));
    let refused = Fault {
        status: Some(401),
        code: Some("invalid_api_key".into()),
        ..Fault::new(
            FaultClass::Auth,
            Phase::Headers,
            "Incorrect API key provided. You can find your API key at https://platform.example.com",
        )
    };
    let steps = [
        (TestedThing::Dns, Ok("104.18.7.192".to_owned()), ms(12)),
        (TestedThing::Connect, Ok("port 443".to_owned()), ms(38)),
        (TestedThing::Tls, Ok("TLS 1.3, HTTP/2".to_owned()), ms(41)),
        (TestedThing::Auth, Err(refused), ms(96)),
    ];
    (steps.into_iter())
        .map(|(what, result, took)| TestStep {
            what,
            result,
            sure: true,
            took,
        })
        .collect()
}

fn add(series: &mut Series, run: &Run) {
    let at_unix_ns = run.stamps.started_unix_ns;
    match (run.stamps.first_token, &run.answer.fault) {
        (_, Some(fault)) => {
            series.faults += 1;
            series.errors.push(SeriesError {
                at_unix_ns,
                class: fault.class,
                run: run.head.id,
            });
        }
        (Some(first), None) => {
            let connection = run.connection.unwrap_or(ConnectionKind::Warm);
            series.points.push(SeriesPoint {
                at_unix_ns,
                ttft_ms: tokenscope::run::ms(first),
                connection,
                run: run.head.id,
            });
        }
        (None, None) => {}
    }
}

fn of_kind(series: &Series, connection: ConnectionKind) -> Vec<f64> {
    let of_kind = series.points.iter().filter(|p| p.connection == connection);
    of_kind.map(|p| p.ttft_ms).collect()
}

fn rolling(series: &Series, connection: ConnectionKind) -> Vec<(i64, f64)> {
    let points: Vec<_> = series
        .points
        .iter()
        .filter(|p| p.connection == connection)
        .collect();
    let window = |end: usize| {
        let mut ms: Vec<f64> = points[end.saturating_sub(8)..=end]
            .iter()
            .map(|p| p.ttft_ms)
            .collect();
        ms.sort_by(f64::total_cmp);
        ms[ms.len() / 2]
    };
    points
        .iter()
        .enumerate()
        .map(|(index, point)| (point.at_unix_ns, window(index)))
        .collect()
}

fn row(run: &Run) -> RunRow {
    let ms = |at: Option<u64>| at.map(tokenscope::run::ms);
    let usage = run.answer.usage.unwrap_or_default();
    let seconds = (run.stamps.first_token.zip(run.stamps.last_token))
        .map(|(a, b)| tokenscope::run::ms(b - a) / 1e3);
    RunRow {
        id: run.head.id,
        target: run.head.target.clone(),
        route: run.head.route.clone(),
        state: run.state,
        fault: run.answer.fault.as_ref().map(|fault| fault.class),
        connection: run.connection,
        simulated: run.head.simulated,
        started_unix_ns: run.stamps.started_unix_ns,
        ttft_ms: ms(run.stamps.first_token),
        total_ms: ms(run.stamps.last_token),
        #[expect(clippy::cast_precision_loss)]
        output_speed: usage
            .output
            .zip(seconds)
            .map(|(tokens, seconds)| tokens as f64 / seconds),
        input_tokens: usage.input,
        output_tokens: usage.output,
        prompt: run
            .head
            .request
            .messages
            .last()
            .map(|m| m.text().lines().next().unwrap_or_default().to_owned())
            .unwrap_or_default(),
    }
}

fn endpoint(id: &str, label: &str, url: &str, simulated: bool) -> Endpoint {
    Endpoint {
        label: label.into(),
        route: if id == "gateway" {
            "via gateway".into()
        } else {
            "direct".into()
        },
        auth: if simulated || id == "ollama" {
            Auth::None
        } else {
            Auth::Bearer
        },
        key_env: vec![format!("{}_API_KEY", id.to_uppercase())],
        headers: [("X-Team".to_owned(), "latency".to_owned())].into(),
        models: vec!["steady".into(), "fast".into()],
        simulated,
        ..Endpoint::custom(id, url.parse().expect("a URL"), DialectId::OpenaiChat)
    }
}

fn settings() -> Settings {
    Settings {
        endpoints: vec![
            endpoint("openai", "OpenAI", "https://api.openai.com/v1", false),
            endpoint("deepseek", "DeepSeek", "https://api.deepseek.com/v1", false),
            endpoint(
                "gateway",
                "Company gateway",
                "https://llm.example.com:8443/v1",
                false,
            ),
            endpoint("ollama", "Ollama", "http://127.0.0.1:11434/v1", false),
            endpoint("simulator", "Simulator", "http://127.0.0.1:40123/v1", true),
        ],
        built_in: vec!["simulator".into(), "openai".into()],
        appearance: Appearance {
            theme: ThemeChoice::Dark,
            zoom: 1.0,
        },
        ..Settings::default()
    }
}

/// Nothing has happened yet.
pub fn empty() -> Scene {
    Scene {
        settings: Settings {
            endpoints: vec![endpoint(
                "simulator",
                "Simulator",
                "http://127.0.0.1:40123/v1",
                true,
            )],
            built_in: vec!["simulator".into()],
            ..settings()
        },
        runs: Vec::new(),
        conversations: Vec::new(),
        storage: Storage::Ok,
        problem: None,
        no_simulator: None,
    }
}

/// A working day.
pub fn filled() -> Scene {
    Scene {
        settings: settings(),
        runs: runs(
            320,
            "Explain what a hash map is to a ten-year-old, in three sentences",
        ),
        ..empty()
    }
}

/// Eleven targets, and an hour of which a part had no runs.
pub fn many_targets() -> Scene {
    let mut scene = filled();
    let (now, minute) = (now(), 60_000_000_000);
    scene.runs.retain(|run| {
        let ago = (now - run.stamps.started_unix_ns) / minute;
        !(20..35).contains(&ago)
    });
    for (index, run) in scene.runs.iter_mut().enumerate() {
        if run.head.target.endpoint == "openai" {
            run.head.target.model = format!("模型-{}", index / 4 % 7);
        }
    }
    scene
}

/// Everything is wrong.
pub fn errors() -> Scene {
    let mut scene = filled();
    for (index, run) in scene.runs.iter_mut().enumerate() {
        if index % 2 == 0 {
            fail(run, index);
        }
    }
    scene.storage = Storage::ReadOnly {
        why: "the file was written by Tokenscope 0.9; update this one to add to it".into(),
    };
    scene.problem = Some(SettingsProblem {
        path: "/home/ada/.config/tokenscope/config.toml".into(),
        line: Some(12),
        message: "expected a quoted string after base_url".into(),
    });
    scene.no_simulator = Some("port 0 on 127.0.0.1 could not be had: Permission denied".into());
    scene
}

/// A user who writes Chinese.
pub fn chinese() -> Scene {
    let mut scene = Scene {
        runs: runs(
            120,
            "用三句话向十岁的孩子解释什么是哈希表，并举一个生活中的例子。",
        ),
        ..filled()
    };
    scene.settings.endpoints[2].label = "公司网关".into();
    for run in &mut scene.runs {
        run.answer.text = "哈希表就像一排带编号的储物柜。你把钥匙上的名字变成一个号码，就能直接走到那个柜子，而不用一个一个地找。\n\n比如图书馆按书号放书，查一下号码就能找到。".into();
    }
    scene
}

/// A small sequence of numbers that looks random and is the same each time.
fn noise(index: usize) -> f64 {
    let mut x = (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    x ^= x >> 31;
    x = x.wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^= x >> 29;
    #[expect(clippy::cast_precision_loss)]
    let unit = (x >> 11) as f64 / (1u64 << 53) as f64;
    unit
}

/// Now, in nanoseconds since 1970.
pub fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).expect("before 2262")
}

/// Runs over the last hour, oldest first.
pub fn runs(count: usize, prompt: &str) -> Vec<Run> {
    let targets = [
        ("openai", "gpt-5-mini", 410.0),
        ("gateway", "gpt-5-mini", 640.0),
        ("deepseek", "deepseek-chat", 980.0),
        ("ollama", "gemma3:270m", 95.0),
        ("simulator", "steady", 220.0),
    ];
    let now = now();
    (0..count)
        .map(|index| {
            let (endpoint, model, base) = targets[index % targets.len()];
            let target = TargetId {
                endpoint: endpoint.into(),
                model: model.into(),
            };
            #[expect(clippy::cast_possible_wrap)]
            let ago = (count - index) as i64 * (3_500_000_000_000 / count as i64);
            let mut run = answered(
                index,
                target,
                base * (0.8 + 0.5 * noise(index) + 0.9 * noise(index + 7_777).powi(12)),
                now - ago,
                prompt,
            );
            if noise(index + 31) < 0.04 {
                fail(&mut run, index);
            }
            run
        })
        .collect()
}

fn ns(ms: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let ns = (ms * 1e6) as u64;
    ns
}

fn answered(
    index: usize,
    target: TargetId,
    ttft_ms: f64,
    started_unix_ns: i64,
    prompt: &str,
) -> Run {
    let cold = noise(index + 99) < 0.12;
    let shake = if cold { 138.0 } else { 0.0 };
    let ttft = ttft_ms + shake;
    let total = ttft + 1_900.0 + 900.0 * noise(index + 5);
    let span = |begin: f64, end: f64| {
        cold.then(|| Span {
            begin: ns(begin),
            end: ns(end),
        })
    };
    let simulated = target.endpoint == "simulator";
    let head = RunHead {
        id: RunId(i64::try_from(index).expect("few") + 1),
        url: format!(
            "https://{}.example.com/v1/chat/completions",
            target.endpoint
        ),
        dialect: DialectId::OpenaiChat,
        route: if target.endpoint == "gateway" {
            "via gateway".into()
        } else {
            "direct".into()
        },
        simulated,
        origin: Origin::Playground,
        attempt: 1,
        request: Arc::new(ChatRequest {
            system: Some("You are terse.".into()),
            params: Params {
                temperature: Some(0.2),
                max_tokens: Some(512),
                ..Params::default()
            },
            ..ChatRequest::of_text(&target.model, prompt)
        }),
        target,
    };
    let mut run = Run::new(head);
    run.state = RunState::Ok;
    run.connection = Some(if cold {
        ConnectionKind::Cold
    } else {
        ConnectionKind::Warm
    });
    run.status = Some(200);
    run.http_version = Some("HTTP/2.0".into());
    run.stamps = Stamps {
        started_unix_ns,
        dns: span(0.2, 14.0),
        tcp: span(14.0, 66.0),
        tls: span(66.0, 137.0),
        request_sent: Some(ns(shake + 0.4)),
        headers: Some(ns(ttft - 30.0)),
        first_byte: Some(ns(ttft - 12.0)),
        first_event: Some(ns(ttft - 12.0)),
        first_token: Some(ns(ttft)),
        first_visible: Some(ns(ttft)),
        last_token: Some(ns(total)),
        closed: Some(ns(total + 3.0)),
        link: Some(link(index)),
        ..Stamps::default()
    };
    run.reads = (0_u8..180)
        .map(|read| Read {
            at: ns(ttft + f64::from(read) * 11.0),
            bytes: 214,
            events: 1,
            tokens: 1,
            delay: Some(60_000 + u32::from(read) % 7 * 9_000),
            ..Read::default()
        })
        .collect();
    run.answer = answer(index);
    run
}

fn link(index: usize) -> Link {
    let tcp = |retransmits, out_of_order| {
        Some(TcpInfo {
            rtt: Duration::from_micros(25_300),
            min_rtt: Duration::from_micros(23_900),
            retransmits,
            lost: 0,
            out_of_order,
        })
    };
    Link {
        id: 12,
        uses: index as u64 % 5 + 1,
        age_ns: index as u64 % 5 * 12_400_000_000,
        start: tcp(0, 0),
        first_token: tcp(0, 1),
        end: tcp(1, 3),
    }
}

fn answer(index: usize) -> Answer {
    Answer {
        text: "A hash map is like a wall of numbered lockers. You turn the name on your key into a locker number, so you can walk straight to it instead of trying each door.\n\nIf two names give the same number, the locker simply holds a short list.".into(),
        reasoning: "The user wants something short and concrete. Lockers are a good picture.".into(),
        usage: Some(Usage {
            cache_written: None,
        total: None,
        input: Some(31),
        output: Some(180 + index as u64 % 60),
        reasoning: Some(24),
        cached: Some(0),
    }),
        finish: Some(Finish {
        reason: FinishReason::Stop,
        raw: "stop".into(),
    }),
        model: Some("gpt-5-mini-2026-05-01".into()),
        response_id: Some("chatcmpl-C7yT2b0m1".into()),
        done: true,
        notes: if index % 16 == 7 {
            vec![(Note::new(About::EndMark, "the stream ended without [DONE]"), 1)]
        } else {
            Vec::new()
        },
        ..Answer::default()
    }
}

/// An answer with everything that one can hold.
#[expect(clippy::too_many_lines, reason = "a list")]
pub fn whole_answer(chinese: bool) -> Answer {
    let mut answer = Answer::default();
    let text = |text: &str| Event::Text { text: text.into() };
    let (search, words, more) = if chinese {
        (
            "东京 天气",
            "东京今天多云，气温 21 °C。这是您要的图片：\n",
            "\n还有一段录音。",
        )
    } else {
        (
            "weather in Tokyo",
            "It is cloudy in Tokyo, 21 °C. Here is the picture that you asked for:\n",
            "\nAnd a recording of the same.",
        )
    };
    let cite = |url: Option<&str>, title: &str, quote: Option<&str>| {
        Event::Citation(Citation {
            url: url.map(str::to_owned),
            title: Some(title.into()),
            quote: quote.map(str::to_owned),
        })
    };
    let events = [
        Event::Reasoning {
            text: "The user wants the weather and a picture.".into(),
        },
        Event::Signature {
            value: "c2lnbmVk".repeat(40),
        },
        Event::Opaque {
            kind: "web_search_call".into(),
            raw: format!(
                r#"{{"type":"web_search_call","status":"completed","action":{{"type":"search","query":"{search}"}}}}"#
            ),
        },
        Event::Opaque {
            kind: "redacted_thinking".into(),
            raw: format!(
                r#"{{"type":"redacted_thinking","data":"{}"}}"#,
                "x".repeat(1_200)
            ),
        },
        text(words),
        Event::Media(Media {
            mime: "image/png".into(),
            data: a_picture().into(),
            ..Media::default()
        }),
        text(more),
        Event::Media(Media {
            mime: "audio/L16;rate=24000".into(),
            data: vec![0; 96_000].into(),
            ..Media::default()
        }),
        cite(
            Some("https://weather.example/tokyo/today"),
            if chinese {
                "东京天气预报"
            } else {
                "Weather in Tokyo today"
            },
            Some("Cloudy with a light breeze, 21 °C in the afternoon"),
        ),
        cite(None, "travel-notes.pdf", None),
        Event::Timing {
            name: "load_duration".into(),
            ns: 812_000_000,
        },
        Event::Timing {
            name: "prompt_eval_duration".into(),
            ns: 143_000_000,
        },
        Event::Timing {
            name: "eval_duration".into(),
            ns: 2_400_000_000,
        },
        Event::Unknown {
            kind: "event response.future".into(),
            raw: r#"{"type":"response.future","detail":"kept word for word"}"#.into(),
        },
        Event::Note(Note::new(
            About::NotSent,
            "not sent: temperature (this reasoning model samples by itself)",
        )),
        Event::Usage(Usage {
            input: Some(31),
            output: Some(240),
            ..Usage::default()
        }),
        Event::Finish(Finish {
            reason: FinishReason::Stop,
            raw: "completed".into(),
        }),
        Event::Done,
    ];
    for event in &events {
        answer.apply(event);
    }
    answer
}

/// A small landscape, as a model might draw it.
fn a_picture() -> Vec<u8> {
    let image = image::RgbImage::from_fn(640, 400, |x, y| {
        let hill = 250 + x.abs_diff(320) / 6;
        let shade = u8::try_from(y / 3).unwrap_or(u8::MAX);
        if y > hill {
            image::Rgb([40, 110, 60])
        } else {
            image::Rgb([90, 130, 255 - shade])
        }
    });
    let mut png = std::io::Cursor::new(Vec::new());
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// Runs whose answers hold everything.
#[cfg(feature = "pictures")]
pub fn parts() -> Scene {
    let mut scene = filled();
    for run in &mut scene.runs {
        run.answer = whole_answer(false);
        run.answer.model = Some(run.head.target.model.clone());
    }
    scene
}

fn fail(run: &mut Run, index: usize) {
    let fault = match index % 4 {
        0 => Fault {
            status: Some(429),
            code: Some("rate_limit_exceeded".into()),
            retry_after_ms: Some(20_000),
            ..Fault::new(
                FaultClass::RateLimited,
                Phase::Headers,
                "Rate limit reached for gpt-5-mini in organization org-x on requests per min (RPM): Limit 500, Used 500. Please try again in 20s.",
            )
        },
        1 => Fault::new(
            FaultClass::Interrupted,
            Phase::Stream,
            "the connection closed after 41 events, before [DONE]",
        ),
        2 => Fault::new(FaultClass::Cancelled, Phase::Stream, "stopped"),
        _ => Fault::new(
            FaultClass::Connect,
            Phase::Connect,
            "connection refused by 127.0.0.1:11434: is the server running?",
        ),
    };
    run.state = RunState::Fault;
    if fault.phase != Phase::Stream {
        run.answer.text.clear();
        run.answer.reasoning.clear();
        run.answer.usage = None;
        run.stamps.first_token = None;
        run.stamps.first_visible = None;
        run.stamps.last_token = None;
        run.reads = Reads::default();
    }
    run.answer.finish = None;
    run.answer.fault = Some(fault);
}

/// What a window shows, drawn. On a busy machine the software renderer takes longer than one wait.
#[cfg(feature = "pictures")]
pub fn drawn<RunState>(harness: &mut Harness<'_, RunState>) -> image::RgbaImage {
    for _ in 0..30 {
        if let Ok(image) = harness.render() {
            return image;
        }
    }
    harness.render().expect("a picture")
}

/// The layout that shows a view at the start.
pub fn layout_of(view: ViewId) -> String {
    serde_json::json!({ "view": view }).to_string()
}
