//! The playground in a window of its own, over an engine that the test plays: it gets [`Update`]s, clicks and keys,
//! and what it asks for is kept.

use std::sync::Arc;

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, HarnessBuilder, kittest::Queryable as _};
use tokenscope::{
    body::ModelInfo,
    chat::{ChatRequest, Media, Message},
    conversation::{Conversation, ConversationSummary},
    desktop::{
        state::State,
        theme::{self, Theme},
        view::{Action, Cx, View, ViewId},
        views::views,
    },
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    engine::{Command, ConversationCommand, RunCommand, SendRun, SettingsNews, Update},
    run::{Run, RunId},
    settings::Settings,
};

use crate::desktop::{
    Dropped,
    player::{load_conversation, reply_to},
};

/// The view with what a window would give it.
pub struct Rig {
    pub view: Box<dyn View>,
    /// Changed by updates alone.
    state: State,
    pub commands: Vec<Command>,
    pub actions: Vec<Action>,
    /// Whether what the engine is to compute waits; else it is computed after each frame.
    pub holds: bool,
}

impl Rig {
    /// A window that knows these settings.
    pub fn new(settings: Settings) -> Self {
        let mut views = views().into_iter();
        let mut rig = Self {
            view: (views.find(|v| v.id() == ViewId::Playground)).expect("it is there"),
            state: State::default(),
            commands: Vec::new(),
            actions: Vec::new(),
            holds: false,
        };
        rig.tell_settings(settings);
        rig
    }

    /// What the engine says.
    pub fn tell(&mut self, update: Update) {
        self.state.apply(update);
    }

    pub fn tell_settings(&mut self, settings: Settings) {
        self.tell(Update::Settings(SettingsNews::Are(Arc::new(settings))));
    }

    pub fn tell_models<'a>(&mut self, endpoint: &str, models: impl IntoIterator<Item = &'a str>) {
        let models = models.into_iter().map(|id| ModelInfo {
            id: id.into(),
            label: String::new(),
        });
        self.tell(Update::Models {
            endpoint: endpoint.into(),
            models: Ok(Arc::new(models.collect())),
        });
    }

    /// What the window knows of a run.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.state.runs.get(&id)
    }

    pub fn frame(&mut self, ui: &mut egui::Ui) {
        let theme = Theme::of(ui.ctx());
        self.view.logic(&mut Cx {
            state: &self.state,
            theme,
            commands: &mut self.commands,
            actions: &mut self.actions,
        });
        for action in &self.actions {
            if let Action::Draw(targets) = action {
                self.state.looks.take_in(targets.iter());
            }
        }
        let mut cx = Cx {
            state: &self.state,
            theme,
            commands: &mut self.commands,
            actions: &mut self.actions,
        };
        for verb in self.view.verbs() {
            if verb
                .shortcut
                .is_some_and(|keys| ui.input_mut(|input| input.consume_shortcut(&keys)))
            {
                self.view.verb(verb.id, &mut cx);
            }
        }
        let frame = egui::Frame::new().fill(theme.background);
        egui::CentralPanel::default()
            .frame(frame)
            .show(ui, |ui| self.view.ui(ui, &mut cx));
        if !self.holds {
            self.compute();
        }
    }

    /// What another view asks of this one.
    pub fn act(&mut self, action: &Action) {
        let mut cx = Cx {
            state: &self.state,
            theme: Theme::of(&egui::Context::default()),
            commands: &mut self.commands,
            actions: &mut self.actions,
        };
        self.view.act(action, &mut cx);
    }

    pub fn sent(&self) -> Vec<SendRun> {
        let sent = |command: &Command| match command {
            Command::Run(RunCommand::Send(run)) => Some(run.clone()),
            _ => None,
        };
        self.commands.iter().filter_map(sent).collect()
    }

    pub fn saved(&self) -> Vec<Conversation> {
        let saved = |command: &Command| match command {
            Command::Conversation(ConversationCommand::Save(change)) => {
                Some((*change.mine).clone())
            }
            _ => None,
        };
        self.commands.iter().filter_map(saved).collect()
    }

    /// Answers what was asked for the list of conversations.
    pub fn list(&mut self, conversations: &[ConversationSummary]) {
        for command in &mut self.commands {
            if let Command::Conversation(ConversationCommand::List(reply)) = command {
                reply_to(reply, conversations.to_vec());
            }
        }
    }

    /// Answers what was asked for a conversation.
    pub fn load(&mut self, conversation: &Conversation) {
        load_conversation(&mut self.commands, conversation);
    }

    pub fn cancelled(&self) -> Vec<RunId> {
        let cancelled = |command: &Command| match command {
            Command::Run(RunCommand::Cancel(ids)) => Some(ids.clone()),
            _ => None,
        };
        self.commands
            .iter()
            .filter_map(cancelled)
            .flatten()
            .collect()
    }
}

pub fn endpoint(id: &str, label: &str, simulated: bool, models: &[&str]) -> Endpoint {
    Endpoint {
        label: label.into(),
        auth: Auth::None,
        models: models.iter().map(|m| (*m).to_owned()).collect(),
        simulated,
        ..Endpoint::custom(
            id,
            "http://127.0.0.1:9/v1".parse().unwrap(),
            DialectId::OpenaiChat,
        )
    }
}

pub fn settings() -> Settings {
    Settings {
        endpoints: vec![
            endpoint("openai", "OpenAI", false, &["gpt-4o-mini"]),
            endpoint(
                "simulated",
                "Simulated",
                true,
                &["swift", "steady", "thinker"],
            ),
        ],
        ..Settings::default()
    }
}

fn builder(size: [f32; 2]) -> HarnessBuilder<Rig> {
    Harness::builder()
        .with_size(size)
        .with_max_steps(12)
        .with_context_setup(theme::install)
}

pub fn built(builder: HarnessBuilder<Rig>, rig: Rig) -> Harness<'static, Rig> {
    let mut harness = builder.build_ui_state(|ui, rig: &mut Rig| rig.frame(ui), rig);
    harness.run_steps(3);
    harness
}

pub fn rig() -> Harness<'static, Rig> {
    rig_with(settings(), [1280.0, 800.0])
}

pub fn rig_with(settings: Settings, size: [f32; 2]) -> Harness<'static, Rig> {
    built(builder(size), Rig::new(settings))
}

/// A rig for texts of any script, whether the machine has fonts for it or not.
pub fn rig_with_tofu() -> Harness<'static, Rig> {
    let builder = builder([1280.0, 800.0]).allow_missing_glyphs();
    built(builder, Rig::new(settings()))
}

/// A window that opens with a layout that another one left.
pub fn rig_restored(layout: &str) -> Harness<'static, Rig> {
    let mut rig = Rig::new(settings());
    rig.view.restore(layout);
    built(builder([1280.0, 800.0]), rig)
}

pub fn type_prompt(harness: &mut Harness<'_, Rig>, text: &str) {
    harness.key_press_modifiers(Modifiers::COMMAND, Key::L);
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(1);
    harness
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .type_text(text);
    harness.run_steps(2);
}

/// Types a prompt, sends it, and gives what was sent.
pub fn ask(harness: &mut Harness<'_, Rig>, text: &str) -> Vec<SendRun> {
    type_prompt(harness, text);
    send(harness)
}

/// Sends what is written, and gives the runs.
pub fn send(harness: &mut Harness<'_, Rig>) -> Vec<SendRun> {
    harness.state_mut().commands.clear();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    harness.state().sent()
}

/// Drops files on the window; each of them is read as it stands here.
pub fn attach(harness: &mut Harness<'_, Rig>, files: Vec<Result<Media, String>>) {
    let dropped = (0..files.len()).map(|_| Arc::new(Dropped("/nowhere".into())) as _);
    harness.input_mut().dropped_files.extend(dropped);
    harness.run_steps(1);
    let asked = harness.state_mut().commands.iter_mut();
    let replies = asked.filter_map(|command| match command {
        Command::ReadFile { reply, .. } if !reply.is_given_up() => Some(reply),
        _ => None,
    });
    for (reply, file) in replies.zip(files) {
        reply_to(reply, file);
    }
    harness.run_steps(3);
}

/// Turns the wheel in the first pane, up if positive.
pub fn wheel(harness: &mut Harness<'_, Rig>, by: f32) {
    harness.event(egui::Event::PointerMoved(egui::pos2(300.0, 300.0)));
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: egui::vec2(0.0, by),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    harness.run_steps(12);
}

pub fn last_text(request: &ChatRequest) -> String {
    request
        .messages
        .last()
        .map(Message::text)
        .unwrap_or_default()
}

pub fn button(pos: egui::Pos2, pressed: bool) -> egui::Event {
    egui::Event::PointerButton {
        pos,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    }
}

/// Within one frame: a frame of the harness is longer than a double click may be.
pub fn double_click(harness: &mut Harness<'_, Rig>, at: egui::Pos2) {
    harness.event(egui::Event::PointerMoved(at));
    harness.run_steps(1);
    let clicks = [true, false, true, false].map(|pressed| button(at, pressed));
    harness.input_mut().events.extend(clicks);
    harness.run_steps(3);
}

/// Where the last line of each pane is: above its figures and below its head, or nowhere.
pub fn ends_in_sight(harness: &Harness<'_, Rig>, text: &str) -> usize {
    let ends = harness.query_all_by_label(text);
    ends.filter(|node| node.rect().bottom() < 760.0 && node.rect().top() > 80.0)
        .count()
}

pub fn lines(count: usize, end: &str) -> String {
    "A line of its own\n\n".repeat(count) + end
}
