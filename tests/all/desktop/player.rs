//! A window over an engine that the test plays.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use egui::vec2;
use egui_kittest::Harness;
use tokenscope::{
    conversation::Conversation,
    desktop::{
        app::{self, App},
        fonts,
        view::ViewId,
    },
    engine::{
        Command, CompareNews, ConversationCommand, Engine, GatewayNews, HistoryCommand,
        HistoryNews, MonitorNews, Reply, SettingsNews, TestStep, TestedThing, Update, ask,
    },
    event::{Fault, FaultClass, Phase},
    settings::Paths,
};
use tokio::sync::mpsc::UnboundedReceiver;

use super::scenes::Scene;

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
        let state = scene.gateway;
        self.say(Update::Gateway(GatewayNews::Is(state)));
        self.say(Update::Monitor(MonitorNews::Is(scene.monitor)));
        if let Some(state) = scene.comparing {
            self.say(Update::Compare(CompareNews::Is(Box::new(state))));
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

    /// The same for the questions for distributions.
    pub fn refuse_distributions(&mut self, why: &str) {
        while let Ok(mut command) = self.commands.try_recv() {
            if let Command::History(HistoryCommand::Distributions { reply, .. }) = &mut command {
                reply_to(reply, Err(why.to_owned()));
            }
            self.heard.push(command);
        }
    }

    /// Answers everything that was asked; gives whether there was anything.
    pub fn answer(&mut self) -> bool {
        let mut any = false;
        while let Ok(mut command) = self.commands.try_recv() {
            any = true;
            if let Command::Compute(command) = command {
                command.answer();
                continue;
            }
            for update in self.scene.answer(&mut command, &self.test_steps) {
                self.say(update);
            }
            self.heard.push(command);
        }
        any
    }
}

/// Answers a question that was heard, and leaves the command behind.
pub fn reply_to<T>(reply: &mut Reply<T>, answer: T) {
    std::mem::replace(reply, ask().0).send(answer);
}

/// Answers what was asked for this conversation.
pub fn load_conversation(heard: &mut [Command], conversation: &Conversation) {
    for command in heard {
        if let Command::Conversation(ConversationCommand::Load { id, reply }) = command
            && *id == conversation.id
        {
            reply_to(reply, Some(Box::new(conversation.clone())));
        }
    }
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

/// What a window shows, drawn. On a busy machine the software renderer takes longer than one wait.
#[cfg(feature = "pictures")]
pub fn drawn<S>(harness: &mut Harness<'_, S>) -> image::RgbaImage {
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
