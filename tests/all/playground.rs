//! The playground, driven by accessible names: what is typed becomes runs, each pane keeps its own
//! stream, and nothing is measured, compared or lost that should not be.

mod address;
mod calls;
mod compared;
mod lists;
#[cfg(feature = "pictures")]
mod pictures;
mod raw_body;
mod sent_as;

use crate::{
    desktop::Dropped,
    desktop_scenes::{found, reply_to, whole_answer},
};
use std::{collections::HashMap, sync::Arc, time::Duration};

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{
    Harness, HarnessBuilder,
    kittest::{NodeT as _, Queryable as _},
};
use tokenscope::{
    body::ModelInfo,
    chat::{ChatRequest, Media, Part, ToolCall},
    conversation::{Conversation, ConversationId, ConversationSummary, TurnId},
    desktop::{
        state::State,
        theme::{self, Theme},
        view::{Action, Cx, View, ViewId},
        views::views,
    },
    dialect::DialectId,
    endpoint::{Auth, Endpoint, TargetId},
    engine::{
        Command, ConversationCommand, EndpointCommand, HistoryCommand, HistoryNews, RunCommand,
        RunNews, SendRun, SettingsNews, Update,
    },
    event::{About, Fault, FaultClass, Finish, FinishReason, Note, Phase, Usage},
    run::{ConnectionKind, Origin, Read, Run, RunHead, RunId, RunState, Stamps},
    settings::Settings,
};

/// The view with what a window would give it.
struct Rig {
    view: Box<dyn View>,
    state: State,
    commands: Vec<Command>,
    actions: Vec<Action>,
}

impl Rig {
    fn frame(&mut self, ui: &mut egui::Ui) {
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
    }

    fn sent(&self) -> Vec<SendRun> {
        let sent = |command: &Command| match command {
            Command::Run(RunCommand::Send(run)) => Some(run.clone()),
            _ => None,
        };
        self.commands.iter().filter_map(sent).collect()
    }

    fn saved(&self) -> Vec<Conversation> {
        let saved = |command: &Command| match command {
            Command::Conversation(ConversationCommand::Save(change)) => {
                Some((*change.mine).clone())
            }
            _ => None,
        };
        self.commands.iter().filter_map(saved).collect()
    }

    /// Answers what was asked for the list of conversations.
    fn list(&mut self, conversations: &[ConversationSummary]) {
        for command in &mut self.commands {
            if let Command::Conversation(ConversationCommand::List(reply)) = command {
                reply_to(reply, conversations.to_vec());
            }
        }
    }

    /// Answers what was asked for a conversation.
    fn load(&mut self, conversation: &Conversation) {
        for command in &mut self.commands {
            if let Command::Conversation(ConversationCommand::Load { id, reply }) = command
                && *id == conversation.id
            {
                reply_to(reply, Some(Box::new(conversation.clone())));
            }
        }
    }

    fn cancelled(&self) -> Vec<RunId> {
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

fn endpoint(id: &str, label: &str, simulated: bool, models: &[&str]) -> Endpoint {
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

fn settings() -> Settings {
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

fn rig_with(state: State, size: [f32; 2]) -> Harness<'static, Rig> {
    rig_built(state, Harness::builder().with_size(size))
}

/// A rig for texts of any script, whether the machine has fonts for it or not.
fn rig_with_tofu() -> Harness<'static, Rig> {
    let mut state = State::default();
    state.apply(Update::Settings(SettingsNews::Are(Arc::new(settings()))));
    let builder = Harness::builder().with_size([1280.0, 800.0]);
    rig_built(state, builder.allow_missing_glyphs())
}

fn rig_built(state: State, builder: HarnessBuilder<Rig>) -> Harness<'static, Rig> {
    let rig = Rig {
        view: views()
            .into_iter()
            .find(|v| v.id() == ViewId::Playground)
            .expect("it is there"),
        state,
        commands: Vec::new(),
        actions: Vec::new(),
    };
    let mut harness = builder
        .with_max_steps(12)
        .with_context_setup(theme::install)
        .build_ui_state(|ui, rig: &mut Rig| rig.frame(ui), rig);
    harness.run_steps(3);
    harness
}

fn rig() -> Harness<'static, Rig> {
    let mut state = State::default();
    state.apply(Update::Settings(SettingsNews::Are(Arc::new(settings()))));
    rig_with(state, [1280.0, 800.0])
}

fn head(run: &SendRun) -> RunHead {
    RunHead {
        id: run.id,
        target: TargetId {
            endpoint: run.endpoint.clone(),
            model: run.request.model.clone(),
        },
        dialect: DialectId::OpenaiChat,
        route: String::new(),
        url: "http://127.0.0.1:9/v1/chat/completions".into(),
        simulated: run.endpoint == "simulated",
        origin: Origin::Playground,
        attempt: 1,
        request: run.request.clone(),
    }
}

const MS: u64 = 1_000_000;

/// A run that streams.
fn streaming(run: &SendRun, text: &str) -> Run {
    let mut live = Run::new(head(run));
    live.state = RunState::Streaming;
    live.connection = Some(ConnectionKind::Warm);
    live.stamps.request_sent = Some(MS);
    live.stamps.first_token = Some(200 * MS);
    live.stamps.first_visible = Some(200 * MS);
    live.stamps.last_token = Some(400 * MS);
    live.answer.text = text.into();
    live
}

/// A run that ended well, with these figures.
fn ended(
    run: &SendRun,
    text: &str,
    ttft_ms: u64,
    total_ms: u64,
    connection: ConnectionKind,
) -> Run {
    let mut over = streaming(run, text);
    over.state = RunState::Ok;
    over.connection = Some(connection);
    over.stamps = Stamps {
        request_sent: Some(if connection == ConnectionKind::Cold {
            90 * MS
        } else {
            MS
        }),
        first_token: Some(ttft_ms * MS),
        first_visible: Some(ttft_ms * MS),
        last_token: Some(total_ms * MS),
        closed: Some(total_ms * MS),
        ..Stamps::default()
    };
    over.reads = [ttft_ms, total_ms]
        .map(|at| Read {
            at: at * MS,
            bytes: 99,
            events: 1,
            tokens: 1,
            ..Read::default()
        })
        .into_iter()
        .collect();
    over.answer.usage = Some(Usage {
        cache_written: None,
        total: None,
        input: Some(12),
        output: Some(100),
        reasoning: None,
        cached: None,
    });
    over.answer.finish = Some(Finish {
        reason: FinishReason::Stop,
        raw: "stop".into(),
    });
    over
}

/// Lets a run of this window stand like this.
fn put(harness: &mut Harness<'_, Rig>, run: Run) {
    let accepted = Update::Run(RunNews::Accepted(Box::new(run.head.clone())));
    harness.state_mut().state.apply(accepted);
    let findings = found(&run);
    harness.state_mut().state.runs.insert(run.head.id, run);
    harness.state_mut().state.apply(findings);
}

fn type_prompt(harness: &mut Harness<'_, Rig>, text: &str) {
    harness.key_press_modifiers(Modifiers::COMMAND, Key::L);
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(1);
    harness
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .type_text(text);
    harness.run_steps(2);
}

/// Drops files on the window; each of them is read as it stands here.
fn attach(harness: &mut Harness<'_, Rig>, files: Vec<Result<Media, String>>) {
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

/// Types a prompt, sends it, and gives what was sent.
fn ask(harness: &mut Harness<'_, Rig>, text: &str) -> Vec<SendRun> {
    type_prompt(harness, text);
    harness.state_mut().commands.clear();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    harness.state().sent()
}

fn last_text(request: &ChatRequest) -> String {
    request
        .messages
        .last()
        .map(tokenscope::chat::Message::text)
        .unwrap_or_default()
}

#[test]
fn the_first_start_needs_one_key_press() {
    let mut harness = rig();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    let sent = harness.state().sent();
    let models: Vec<_> = sent.iter().map(|s| s.request.model.as_str()).collect();
    assert_eq!(models, ["swift", "steady"]);
    assert!(
        sent.iter()
            .all(|s| s.endpoint == "simulated" && s.origin == Origin::Playground)
    );
    assert_ne!(sent[0].id, sent[1].id);
    assert!(!last_text(&sent[0].request).is_empty());
    // What names the runs is kept before the runs begin.
    let commands = &harness.state().commands;
    let first_save = commands
        .iter()
        .position(|c| matches!(c, Command::Conversation(ConversationCommand::Save(_))));
    let first_send = commands
        .iter()
        .position(|c| matches!(c, Command::Run(RunCommand::Send(_))));
    assert!(first_save < first_send);
}

#[test]
fn what_is_typed_goes_to_every_pane() {
    let mut harness = rig();
    let sent = ask(&mut harness, "How are you?");
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|s| last_text(&s.request) == "How are you?"));
    // Enter alone belongs to the text.
    let sent_before = harness.state().sent().len();
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    assert_eq!(harness.state().sent().len(), sent_before);
}

#[test]
fn a_prompt_can_be_typed_at_once_and_waiting_for_it_costs_nothing() {
    let harness = rig();
    let prompt = harness.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    assert!(prompt.is_focused());
    let delays = harness.output().viewport_output.values();
    assert_eq!(
        delays.map(|v| v.repaint_delay).min(),
        Some(Duration::MAX),
        "an idle window asks to be painted anew"
    );
    // The harness never lets a caret blink, so what the window does is asked of its style.
    let ctx = egui::Context::default();
    theme::install(&ctx);
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        assert!(!ctx.style_of(theme).visuals.text_cursor.blink, "{theme:?}");
    }
}

#[test]
fn the_composer_grows_and_then_scrolls() {
    let mut harness = rig();
    let field = |harness: &Harness<'_, Rig>| {
        harness
            .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
            .rect()
            .top()
    };
    type_prompt(&mut harness, "one\ntwo");
    harness.run_steps(3);
    let two = field(&harness);
    type_prompt(&mut harness, "1\n2\n3\n4\n5\n6\n7");
    harness.run_steps(3);
    let seven = field(&harness);
    assert!(two - seven > 60.0, "{two} {seven}");
    type_prompt(&mut harness, &"line\n".repeat(60));
    harness.run_steps(3);
    let send = harness.get_by_label("Send").rect();
    assert!(send.bottom() <= 800.0 && send.top() > 600.0, "{send:?}");
    harness.get_by_label("Parameters of pane 1");
}

#[test]
fn each_pane_shows_its_own_stream() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Say your name");
    put(&mut harness, streaming(&sent[0], "I am the left one"));
    put(&mut harness, streaming(&sent[1], "I am the right one"));
    harness.run_steps(2);
    let left = harness.get_by_label("I am the left one").rect();
    let right = harness.get_by_label("I am the right one").rect();
    assert!(
        left.right() <= 640.0 && right.left() >= 640.0,
        "{left:?} {right:?}"
    );
    // More of one stream is no part of the other.
    harness
        .state_mut()
        .state
        .runs
        .get_mut(&sent[0].id)
        .unwrap()
        .answer
        .text
        .push_str(", still");
    harness.run_steps(2);
    harness.get_by_label("I am the left one, still");
    harness.get_by_label("I am the right one");
}

#[test]
fn what_is_asked_next_is_followed_however_it_comes() {
    let mut harness = rig();
    let lines = |count: usize| "A line of its own\n\n".repeat(count);
    let sent = ask(&mut harness, "First");
    for run in &sent {
        put(
            &mut harness,
            ended(run, &lines(60), 1, 2, ConnectionKind::Warm),
        );
    }
    harness.run_steps(6);
    // It grows in the very frames in which the pane goes to its end.
    harness.state_mut().commands.clear();
    type_prompt(&mut harness, "Second");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.step();
    let sent = harness.state().sent();
    for count in 1..=12 {
        for run in &sent {
            put(&mut harness, streaming(run, &lines(count * 4)));
        }
        harness.step();
    }
    harness.run_steps(4);
    assert!(harness.query_by_label("Jump to latest").is_none());
}

/// Where the last line of each pane is: above its figures and below its head, or nowhere.
fn ends_in_sight(harness: &Harness<'_, Rig>, text: &str) -> usize {
    let ends = harness.query_all_by_label(text);
    ends.filter(|node| node.rect().bottom() < 760.0 && node.rect().top() > 80.0)
        .count()
}

fn lines(count: usize, end: &str) -> String {
    "A line of its own\n\n".repeat(count) + end
}

/// Turns the wheel in the first pane, up if positive.
fn wheel(harness: &mut Harness<'_, Rig>, by: f32) {
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

/// Nothing but a person's scrolling takes a pane from its end.
#[test]
fn a_pane_keeps_to_its_end_whatever_changes() {
    let mut harness = rig();
    let sent = ask(&mut harness, "First");
    for count in 1..=20 {
        for run in &sent {
            put(&mut harness, streaming(run, &lines(count * 4, "first end")));
        }
        harness.run_steps(1);
    }
    harness.run_steps(2);
    assert_eq!(ends_in_sight(&harness, "first end"), 2, "while it streams");
    // The figures come, and take room.
    for run in &sent {
        let mut run = ended(run, &lines(80, "first end"), 90, 2400, ConnectionKind::Cold);
        run.answer.usage = Some(Usage {
            reasoning: Some(7),
            cached: Some(8),
            ..run.answer.usage.unwrap()
        });
        put(&mut harness, run);
    }
    harness.run_steps(4);
    assert_eq!(ends_in_sight(&harness, "first end"), 2, "at its end");
    for size in [[800.0, 760.0], [1280.0, 800.0], [1100.0, 700.0]] {
        harness.set_size(size.into());
        harness.run_steps(6);
        assert_eq!(ends_in_sight(&harness, "first end"), 2, "{size:?}");
    }
    harness.ctx.set_theme(egui::Theme::Light);
    harness.run_steps(4);
    assert_eq!(ends_in_sight(&harness, "first end"), 2, "in another theme");
    let sent = ask(&mut harness, "Second");
    harness.run_steps(2);
    let asked = harness.query_all_by_label("Second");
    let in_sight = asked.filter(|node| node.rect().bottom() < 700.0).count();
    assert_eq!(in_sight, 2, "a new question is brought into view");
    for count in 1..=20 {
        for run in &sent {
            put(
                &mut harness,
                streaming(run, &lines(count * 4, "second end")),
            );
        }
        harness.run_steps(1);
    }
    harness.run_steps(2);
    assert_eq!(ends_in_sight(&harness, "second end"), 2, "the second one");
    assert!(harness.query_by_label("Jump to latest").is_none());
}

#[test]
fn a_person_leaves_the_end_by_the_wheel_and_comes_back_to_it() {
    let mut harness = rig();
    let sent = ask(&mut harness, "First");
    let stream = |harness: &mut Harness<'_, Rig>, count: usize| {
        for run in &sent {
            put(harness, streaming(run, &lines(count, "the end")));
        }
        harness.run_steps(3);
    };
    stream(&mut harness, 60);
    wheel(&mut harness, 200.0);
    stream(&mut harness, 90);
    assert_eq!(ends_in_sight(&harness, "the end"), 1, "the other pane's");
    for run in &sent {
        let text = lines(90, "the end");
        put(&mut harness, ended(run, &text, 1, 2, ConnectionKind::Warm));
    }
    harness.run_steps(4);
    assert_eq!(ends_in_sight(&harness, "the end"), 1);
    harness.get_by_label("Jump to latest").click();
    harness.run_steps(4);
    assert_eq!(ends_in_sight(&harness, "the end"), 2);
    // By keys, too, and back by the wheel.
    harness.key_press(Key::PageUp);
    harness.run_steps(12);
    assert_eq!(ends_in_sight(&harness, "the end"), 1);
    wheel(&mut harness, -20_000.0);
    stream(&mut harness, 120);
    assert_eq!(ends_in_sight(&harness, "the end"), 2);
    // A new question is followed wherever one was.
    wheel(&mut harness, 400.0);
    for run in &sent {
        let text = lines(120, "the end");
        put(&mut harness, ended(run, &text, 1, 2, ConnectionKind::Warm));
    }
    ask(&mut harness, "Second");
    harness.run_steps(3);
    let asked = harness.query_all_by_label("Second");
    assert_eq!(asked.filter(|node| node.rect().bottom() < 760.0).count(), 2);
}

/// What comes last is seen, too, though nothing moves the window any more.
#[test]
fn an_answers_last_lines_are_in_sight_when_it_ends() {
    let mut harness = rig();
    let sent = ask(&mut harness, "First");
    for run in &sent {
        put(&mut harness, streaming(run, &"A line\n\n".repeat(40)));
    }
    harness.run_steps(6);
    for run in &sent {
        let text = "A line\n\n".repeat(50) + "The end";
        put(&mut harness, ended(run, &text, 1, 2, ConnectionKind::Warm));
    }
    let still = |harness: &mut Harness<'_, Rig>| -> Vec<egui::Rect> {
        let ends = harness.query_all_by_label("The end");
        ends.map(|node| node.rect()).collect()
    };
    harness.run();
    let seen = still(&mut harness);
    assert_eq!(seen.len(), 2);
    harness.run_steps(3);
    assert_eq!(still(&mut harness), seen, "frames that nobody asked for");
}

#[test]
fn esc_stops_what_runs_and_only_that() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Go");
    put(
        &mut harness,
        ended(&sent[0], "done", 100, 200, ConnectionKind::Warm),
    );
    put(&mut harness, streaming(&sent[1], "going"));
    harness.run_steps(2);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert_eq!(harness.state().cancelled(), [sent[1].id]);
}

#[test]
fn a_second_question_carries_the_first_answer() {
    let mut harness = rig();
    let sent = ask(&mut harness, "One");
    put(
        &mut harness,
        ended(&sent[0], "Answer of the left", 1, 2, ConnectionKind::Warm),
    );
    put(
        &mut harness,
        ended(&sent[1], "Answer of the right", 1, 2, ConnectionKind::Warm),
    );
    harness.run_steps(2);
    let sent = ask(&mut harness, "Two");
    let texts = |run: &SendRun| {
        run.request
            .messages
            .iter()
            .map(tokenscope::chat::Message::text)
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&sent[0]), ["One", "Answer of the left", "Two"]);
    assert_eq!(texts(&sent[1]), ["One", "Answer of the right", "Two"]);
}

#[test]
fn a_retry_is_a_second_attempt_that_can_be_left_again() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Again?");
    for run in &sent {
        put(
            &mut harness,
            ended(run, "first try", 1, 2, ConnectionKind::Warm),
        );
    }
    harness.run_steps(2);
    harness.state_mut().commands.clear();
    harness
        .get_all_by_label("Ask again")
        .next()
        .unwrap()
        .click();
    harness.run_steps(2);
    let again = harness.state().sent();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].request, sent[0].request);
    assert_ne!(again[0].id, sent[0].id);
    put(
        &mut harness,
        ended(&again[0], "second try", 1, 2, ConnectionKind::Warm),
    );
    harness.run_steps(2);
    harness.get_by_label("second try");
    harness.get_by_label("2/2");
    harness.get_by_label("Earlier attempt").click();
    harness.run_steps(2);
    assert_eq!(harness.query_all_by_label("first try").count(), 2);
}

#[test]
fn an_edited_prompt_takes_the_turns_place() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Old words");
    for run in &sent {
        put(&mut harness, ended(run, "fine", 1, 2, ConnectionKind::Warm));
    }
    harness.run_steps(2);
    harness
        .get_all_by_label("Edit the prompt and ask again")
        .next()
        .unwrap()
        .click();
    harness.run_steps(3);
    let field = harness.get_by_label("Edited prompt");
    field.focus();
    harness.run_steps(1);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(1);
    harness.get_by_label("Edited prompt").type_text("New words");
    harness.run_steps(1);
    harness.state_mut().commands.clear();
    harness.get_by_label("In both panes").click();
    harness.run_steps(2);
    let again = harness.state().sent();
    assert_eq!(again.len(), 2);
    assert!(
        again
            .iter()
            .all(|s| last_text(&s.request) == "New words" && s.request.messages.len() == 1)
    );
    let saved = harness.state().saved();
    assert!(
        saved
            .last()
            .unwrap()
            .panes
            .iter()
            .all(|p| p.turns.len() == 1)
    );
}

#[test]
fn ctrl_enter_in_an_edited_prompt_asks_it_and_esc_leaves_it() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Old words");
    for run in &sent {
        put(&mut harness, ended(run, "fine", 1, 2, ConnectionKind::Warm));
    }
    harness.run_steps(2);
    let edit = "Edit the prompt and ask again";
    harness.get_all_by_label(edit).next().unwrap().click();
    harness.run_steps(3);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!(harness.query_by_label("Edited prompt").is_none());
    harness.get_all_by_label(edit).next().unwrap().click();
    harness.run_steps(3);
    harness.state_mut().commands.clear();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    let again = harness.state().sent();
    assert_eq!(again.len(), 1);
    assert_eq!(last_text(&again[0].request), "Old words");
    assert!(harness.query_by_label("Edited prompt").is_none());
}

#[test]
fn images_are_attached_shown_and_sent() {
    let mut harness = rig();
    let image = Media {
        uri: None,
        mime: "image/png".into(),
        data: b"\x89PNG not quite".as_slice().into(),
        name: "cat.png".into(),
    };
    let dog = Media {
        name: "dog.png".into(),
        ..image.clone()
    };
    let refused = Err("notes.txt is not an image".to_owned());
    attach(&mut harness, vec![Ok(image.clone()), Ok(dog), refused]);
    assert!(
        harness
            .state()
            .actions
            .contains(&Action::Tell("notes.txt is not an image".into()))
    );
    harness.get_by_label("Remove image 2").click();
    harness.run_steps(2);
    let sent = ask(&mut harness, "What is this?");
    let parts = &sent[0].request.messages[0].parts;
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0], Part::Media(image));
    assert!(harness.query_by_label("Remove image 1").is_none());
}

#[test]
fn a_file_that_a_pane_can_not_send_is_said_beforehand() {
    let mut harness = rig();
    let video = Media {
        mime: "video/mp4".into(),
        data: b"....ftypisom".as_slice().into(),
        name: "clip.mp4".into(),
        uri: None,
    };
    attach(&mut harness, vec![Ok(video)]);
    harness.get_by_label("Remove file 1");
    let said = harness.query_all_by_label_contains("clip.mp4 (video/mp4) can't be sent");
    assert_eq!(said.count(), 2, "in each of the panes");
}

#[test]
fn what_was_asked_is_copied_as_a_program_without_a_key() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Hello");
    put(
        &mut harness,
        ended(&sent[0], "Hi", 100, 200, ConnectionKind::Warm),
    );
    harness.run_steps(4);
    harness
        .get_all_by_label("More for this turn")
        .next()
        .unwrap()
        .click();
    harness.run_steps(3);
    harness.get_by_label("Copy as cURL").click();
    harness.run_steps(2);
    let told = Action::Tell("Copied as cURL; the key is a variable in it".into());
    assert!(harness.state().actions.contains(&told));
}

#[test]
fn a_setting_that_a_model_refuses_is_said_beside_the_others() {
    let mut harness = rig();
    harness.state_mut().view.act(
        &Action::Ask(TargetId {
            endpoint: "openai".into(),
            model: "gpt-5-mini".into(),
        }),
        &mut Cx {
            state: &State::default(),
            theme: Theme::of(&egui::Context::default()),
            commands: &mut Vec::new(),
            actions: &mut Vec::new(),
        },
    );
    harness.run_steps(3);
    harness.get_by_label("Parameters of pane 3").click();
    harness.run_steps(3);
    let field = || "Temperature";
    harness
        .get_by_role_and_label(Role::TextInput, field())
        .focus();
    harness
        .get_by_role_and_label(Role::TextInput, field())
        .type_text("0.7");
    harness.run_steps(3);
    let said = "temperature not sent: this reasoning model samples by itself";
    let said = harness.query_all_by_label_contains(said);
    assert_eq!(said.count(), 2, "beside the settings, and in the pane");
}

#[test]
fn conversations_are_listed_opened_and_deleted() {
    let mut harness = rig();
    ask(&mut harness, "Mine");
    let summary = |id, title: &str| ConversationSummary {
        id: ConversationId(id),
        title: title.into(),
        updated_unix_ns: 1,
        panes: 2,
    };
    let all = [summary(1, "Alpha"), summary(2, "Beta")];
    harness.state_mut().list(&all);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::B);
    harness.run_steps(4);
    harness.state_mut().commands.clear();
    harness.get_by_label("Open “Alpha”").click();
    harness.run_steps(2);
    let asked = |c: &Command| {
        matches!(
            c,
            Command::Conversation(ConversationCommand::Load {
                id: ConversationId(1),
                ..
            })
        )
    };
    assert!(harness.state().commands.iter().any(asked));
    harness.get_by_label("Delete “Beta”…").click();
    harness.run_steps(2);
    harness.get_by_label("Keep").click();
    harness.run_steps(2);
    harness.get_by_label("Delete “Beta”…").click();
    harness.run_steps(2);
    let deleted = |c: &Command| {
        matches!(
            c,
            Command::Conversation(ConversationCommand::Delete(ConversationId(2)))
        )
    };
    assert!(!harness.state().commands.iter().any(deleted));
    harness.get_by_label("Delete").click();
    harness.run_steps(2);
    assert!(harness.state().commands.iter().any(deleted));
}

#[test]
fn a_fork_is_a_pane_with_the_same_past() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Shared past");
    for run in &sent {
        put(&mut harness, ended(run, "yes", 1, 2, ConnectionKind::Warm));
    }
    harness.run_steps(2);
    harness
        .get_all_by_label("More for this turn")
        .next()
        .unwrap()
        .click();
    harness.run_steps(2);
    harness.get_by_label("Fork into a new pane").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("yes").count(), 3);
    let sent = ask(&mut harness, "Next");
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|s| s.request.messages.len() == 3));
}

#[test]
fn clearing_can_be_undone() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Keep me");
    for run in &sent {
        put(&mut harness, ended(run, "kept", 1, 2, ConnectionKind::Warm));
    }
    harness.run_steps(2);
    harness.get_by_label("More for pane 1").click();
    harness.run_steps(2);
    harness.get_by_label("Clear this pane").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("kept").count(), 1);
    harness.get_by_label("Undo: clear a pane").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("kept").count(), 2);
}

#[test]
fn panes_come_and_go() {
    let mut harness = rig();
    for _ in 0..3 {
        harness.get_by_label("Add pane").click();
        harness.run_steps(2);
    }
    for _ in 0..5 {
        harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::N);
        harness.run_steps(2);
    }
    let sent = ask(&mut harness, "Everyone");
    assert_eq!(sent.len(), 8);
    let ids: std::collections::HashSet<_> = sent.iter().map(|s| s.id).collect();
    assert_eq!(ids.len(), 8);
    harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::W);
    harness.run_steps(2);
    assert_eq!(
        harness
            .query_all_by_label_contains("Target of pane")
            .count(),
        7
    );
}

fn button(pos: egui::Pos2, pressed: bool) -> egui::Event {
    egui::Event::PointerButton {
        pos,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    }
}

/// Within one frame: a frame of the harness is longer than a double click may be.
fn double_click(harness: &mut Harness<'_, Rig>, at: egui::Pos2) {
    harness.event(egui::Event::PointerMoved(at));
    harness.run_steps(1);
    let clicks = [true, false, true, false].map(|pressed| button(at, pressed));
    harness.input_mut().events.extend(clicks);
    harness.run_steps(3);
}

#[test]
fn any_of_the_panes_can_be_asked() {
    let mut harness = rig();
    harness.get_by_label("Add pane").click();
    harness.run_steps(2);
    harness.get_by_label("Ask pane 2: steady #1").click();
    harness.run_steps(2);
    let sent = ask(&mut harness, "You two");
    let models: Vec<_> = sent.iter().map(|s| s.request.model.as_str()).collect();
    assert_eq!(models, ["swift", "steady"]);
    for run in &sent {
        put(&mut harness, ended(run, "yes", 1, 2, ConnectionKind::Warm));
    }
    // Alone by a double click, and all again.
    let chip = harness
        .get_by_label("Ask pane 2: steady #1")
        .rect()
        .center();
    double_click(&mut harness, chip);
    let sent = ask(&mut harness, "Only you");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].request.model, "steady");
    assert_eq!(sent[0].request.messages.len(), 1, "it was not asked before");
    put(
        &mut harness,
        ended(&sent[0], "yes", 1, 2, ConnectionKind::Warm),
    );
    harness.get_by_label("all").click();
    harness.run_steps(2);
    assert_eq!(ask(&mut harness, "Everyone").len(), 3);
}

#[test]
fn with_nothing_written_the_last_question_is_asked_again() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Once more?");
    for run in &sent {
        put(&mut harness, ended(run, "yes", 1, 2, ConnectionKind::Cold));
    }
    harness.run_steps(2);
    harness.get_by_label("Ask pane 1: swift").click();
    harness.run_steps(2);
    harness.state_mut().commands.clear();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    let again = harness.state().sent();
    assert_eq!(again.len(), 1, "in the pane that is chosen");
    assert_eq!(again[0].request, sent[1].request);
    harness.get_by_label("2/2");
}

#[test]
fn every_turn_keeps_its_figures_and_its_models_name() {
    let mut harness = rig();
    let sent = ask(&mut harness, "One");
    for (ttft, run) in [120, 250].into_iter().zip(&sent) {
        put(
            &mut harness,
            ended(run, "1", ttft, 900, ConnectionKind::Warm),
        );
    }
    harness.run_steps(2);
    let sent = ask(&mut harness, "Two");
    for (ttft, run) in [333, 444].into_iter().zip(&sent) {
        put(
            &mut harness,
            ended(run, "2", ttft, 1900, ConnectionKind::Warm),
        );
    }
    harness.run_steps(4);
    let left = |label: &str| harness.get_by_label(label).rect().left();
    // Of both turns, in the same places, in both panes.
    assert!((left("TTFT: 120 ms, best") - left("TTFT: 333 ms, best")).abs() < 0.5);
    assert!((left("TTFT: 250 ms") - left("TTFT: 444 ms")).abs() < 0.5);
    let apart = left("TTFT: 250 ms") - left("TTFT: 120 ms, best");
    let panes = ["Target of pane 1", "Target of pane 2"];
    let [one, two] = panes.map(|pane| harness.get_by_label_contains(pane).rect().left());
    assert!((apart - (two - one)).abs() < 0.5);
    assert_eq!(harness.query_all_by_label("swift").count(), 2);
    assert_eq!(harness.query_all_by_label("steady").count(), 2);
}

#[test]
fn what_is_not_counted_yet_is_marked_as_an_estimate() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Tell me much");
    let text = "word ".repeat(80);
    for run in &sent {
        put(&mut harness, streaming(run, &text));
    }
    harness.run_steps(2);
    assert_eq!(
        harness
            .query_all_by_label("Out: ≈ 100 tok, estimated")
            .count(),
        2
    );
    // 100 tokens in the 200 ms between the first and the last.
    assert_eq!(
        harness
            .query_all_by_label("Speed: ≈ 500 tok/s, estimated")
            .count(),
        2
    );
    assert_eq!(harness.query_all_by_label_contains("Elapsed: ").count(), 2);
    // One is counted, the other is stopped.
    put(
        &mut harness,
        ended(&sent[0], &text, 200, 700, ConnectionKind::Warm),
    );
    let mut stopped = streaming(&sent[1], &text);
    stopped.state = RunState::Fault;
    stopped.answer.fault = Some(Fault::new(FaultClass::Cancelled, Phase::Stream, "stopped"));
    put(&mut harness, stopped);
    harness.run_steps(2);
    harness.get_by_label("Out: 100 tok");
    harness.get_by_label("Speed: 200 tok/s");
    harness.get_by_label("Out: ≈ 100 tok, estimated");
    harness.get_by_label("Speed: ≈ 500 tok/s, estimated");
    assert_eq!(harness.query_all_by_label_contains("Elapsed: ").count(), 0);
}

#[test]
fn the_strip_compares_the_last_answers_and_is_remembered() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Race");
    put(
        &mut harness,
        ended(&sent[0], "a", 100, 900, ConnectionKind::Cold),
    );
    put(
        &mut harness,
        ended(&sent[1], "b", 50, 700, ConnectionKind::Warm),
    );
    harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::S);
    harness.run_steps(4);
    let top =
        |harness: &Harness<'_, Rig>, label: &str| harness.get_by_label_contains(label).rect().top();
    let order = [
        "Warm · n = 1",
        "2 steady, TTFT 50 ms",
        "Cold · n = 1",
        "1 swift, TTFT 100 ms",
    ];
    let tops = order.map(|label| top(&harness, label));
    assert!(tops.is_sorted(), "{tops:?}");
    harness.get_by_label("Sort by TTFT").click();
    harness.run_steps(2);
    let kept = harness.state().view.save().unwrap();
    let mut second = rig();
    second.state_mut().view = views().remove(0);
    second.state_mut().view.restore(&kept);
    second.run_steps(3);
    second.get_by_label("Sort by TTFT");
    second.get_by_label("Close the comparison").click();
    second.run_steps(3);
    assert!(second.query_by_label("Sort by TTFT").is_none());
}

#[test]
fn a_pane_can_be_shown_alone() {
    let mut harness = rig();
    let panes = |harness: &Harness<'_, Rig>| {
        let all = harness.query_all_by_label_contains("Target of pane");
        all.map(|node| node.accesskit_node().label().unwrap())
            .collect::<Vec<_>>()
    };
    harness.event(egui::Event::PointerMoved(egui::pos2(900.0, 300.0)));
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::M);
    harness.run_steps(2);
    assert_eq!(panes(&harness), ["Target of pane 2: simulated/steady"]);
    // The others are there still.
    assert_eq!(ask(&mut harness, "Both").len(), 2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::M);
    harness.run_steps(2);
    assert_eq!(panes(&harness).len(), 2);
    let head = harness.get_by_label("Head of pane 1").rect();
    let at = head.left_center() + egui::vec2(4.0, 0.0);
    double_click(&mut harness, at);
    assert_eq!(panes(&harness), ["Target of pane 1: simulated/swift"]);
    harness.get_by_label("Show all 2 panes (Ctrl+M)").click();
    harness.run_steps(2);
    assert_eq!(panes(&harness).len(), 2);
}

#[test]
fn a_pane_is_dragged_by_its_head() {
    let mut harness = rig();
    harness.get_by_label("Add pane").click();
    harness.run_steps(4);
    let at = |harness: &Harness<'_, Rig>, pane: usize| {
        harness
            .get_by_label(&format!("Head of pane {pane}"))
            .rect()
            .left_center()
            + egui::vec2(4.0, 0.0)
    };
    let (from, to) = (at(&harness, 1), at(&harness, 3) + egui::vec2(100.0, 200.0));
    harness.event(egui::Event::PointerMoved(from));
    harness.step();
    harness.event(button(from, true));
    harness.step();
    for step in [0.3, 0.7, 1.0] {
        harness.event(egui::Event::PointerMoved(from + (to - from) * step));
        harness.step();
    }
    harness.event(button(to, false));
    harness.run_steps(3);
    for (pane, model) in [(1, "steady"), (2, "steady"), (3, "swift")] {
        harness.get_by_label(&format!("Target of pane {pane}: simulated/{model}"));
    }
    // Two of one model are numbered.
    assert_eq!(harness.query_all_by_label("#1").count(), 1);
    assert_eq!(harness.query_all_by_label("#2").count(), 1);
}

#[test]
fn eight_panes_have_their_figures_on_one_line() {
    let mut harness = rig();
    for _ in 0..6 {
        harness.get_by_label("Add pane").click();
        harness.run_steps(2);
    }
    let sent = ask(&mut harness, "Everyone");
    for (index, run) in (1..).zip(&sent) {
        let kind = if index % 2 == 0 {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        };
        put(
            &mut harness,
            ended(run, &lines(50, "end"), 100 + index * 40, 2400, kind),
        );
    }
    harness.run_steps(6);
    let cells = ["TTFT: ", "Speed: ", "Total: ", "Out: "];
    for cell in cells {
        let all = harness.query_all_by_label_contains(cell);
        let lines: Vec<_> = all
            .filter(|n| {
                n.accesskit_node()
                    .value()
                    .is_some_and(|v| v.starts_with(cell))
            })
            .collect();
        assert_eq!(lines.len(), 8, "{cell}");
        assert!(lines.iter().all(|n| n.rect().height() <= 20.0), "{cell}");
    }
    let ttft = harness.get_by_label("TTFT: 140 ms").rect();
    let out = harness
        .query_all_by_label_contains("Out: ")
        .next()
        .unwrap()
        .rect();
    assert!((ttft.top() - out.top()).abs() < 0.5, "one line");
    assert_eq!(ends_in_sight(&harness, "end"), 8);
}

#[test]
fn a_target_is_found_by_typing() {
    let mut harness = rig();
    harness.state_mut().state.models.insert(
        "openai".into(),
        Ok(Arc::new(vec![ModelInfo {
            id: "gpt-5-nano".into(),
            label: String::new(),
        }])),
    );
    harness
        .get_by_label("Target of pane 1: simulated/swift")
        .click();
    harness.run_steps(3);
    let asked = |c: &Command| matches!(c, Command::Endpoint(EndpointCommand::ListModels { endpoint, refresh: false }) if endpoint == "simulated");
    assert!(harness.state().commands.iter().any(asked));
    harness
        .get_by_label("Search models, or type a name")
        .type_text("nano");
    harness.run_steps(2);
    harness.get_by_label("openai/gpt-5-nano");
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    harness.get_by_label("Target of pane 1: openai/gpt-5-nano");
}

#[test]
fn an_unknown_model_can_be_named() {
    let mut harness = rig();
    harness
        .get_by_label("Target of pane 2: simulated/steady")
        .click();
    harness.run_steps(3);
    harness
        .get_by_label("Search models, or type a name")
        .type_text("my/own-model");
    harness.run_steps(2);
    harness.get_by_label("Use “my/own-model” at openai").click();
    harness.run_steps(3);
    harness.get_by_label("Target of pane 2: openai/my/own-model");
}

#[test]
fn a_failed_list_is_told_in_words() {
    let mut harness = rig();
    let fault = Fault::new(
        FaultClass::Auth,
        Phase::Headers,
        "Incorrect API key provided",
    );
    harness
        .state_mut()
        .state
        .models
        .insert("openai".into(), Err(fault));
    harness
        .get_by_label("Target of pane 1: simulated/swift")
        .click();
    harness.run_steps(3);
    harness.get_by_label_contains("Incorrect API key provided");
    harness.state_mut().commands.clear();
    harness
        .get_by_label("Fetch the models of OpenAI again")
        .click();
    harness.run_steps(2);
    let asked = |c: &Command| matches!(c, Command::Endpoint(EndpointCommand::ListModels { endpoint, refresh: true }) if endpoint == "openai");
    assert!(harness.state().commands.iter().any(asked));
}

#[test]
fn a_pane_opens_a_new_connection_for_each_request_where_it_is_told_to() {
    let mut harness = rig();
    harness.get_by_label("Parameters of pane 1").click();
    harness.run_steps(3);
    harness
        .get_by_label("Connection: New for each request")
        .click();
    harness.run_steps(3);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    let sent = ask(&mut harness, "Hello?");
    let cold: Vec<bool> = sent.iter().map(|run| run.cold).collect();
    assert_eq!(cold, [true, false]);
}

#[test]
fn parameters_belong_to_their_pane_and_must_read() {
    let mut harness = rig();
    harness.get_by_label("Parameters of pane 1").click();
    harness.run_steps(3);
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .focus();
    harness.run_steps(1);
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .type_text("warm");
    harness.run_steps(2);
    harness.get_by_label_contains("A number of 0 or more");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    assert!(harness.state().sent().is_empty());
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .focus();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(1);
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .type_text("0.25");
    harness.run_steps(2);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    let sent = ask(&mut harness, "Now");
    let temperatures: Vec<_> = sent.iter().map(|s| s.request.params.temperature).collect();
    assert_eq!(temperatures, [Some(0.25), None]);
}

#[test]
fn the_best_of_each_figure_is_marked() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Race");
    put(
        &mut harness,
        ended(&sent[0], "a", 120, 900, ConnectionKind::Warm),
    );
    put(
        &mut harness,
        ended(&sent[1], "b", 250, 700, ConnectionKind::Warm),
    );
    harness.run_steps(2);
    harness.get_by_label("TTFT: 120 ms, best");
    harness.get_by_label("TTFT: 250 ms");
    assert_eq!(harness.query_all_by_label_contains("TTFT net").count(), 0);
    harness.get_by_label("Total: 700 ms, best");
    harness.get_by_label("Total: 900 ms");
}

#[test]
fn cold_and_warm_are_not_compared_as_equals() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Race");
    // Cold: 100 ms of it after 90 ms of connecting, so 10 ms net; warm: 49 ms net.
    put(
        &mut harness,
        ended(&sent[0], "a", 100, 900, ConnectionKind::Cold),
    );
    put(
        &mut harness,
        ended(&sent[1], "b", 50, 700, ConnectionKind::Warm),
    );
    harness.run_steps(2);
    harness.get_by_label("TTFT: 100 ms");
    harness.get_by_label("TTFT: 50 ms");
    harness.get_by_label("TTFT net: 10 ms, best");
    harness.get_by_label("TTFT net: 49 ms");
    harness.get_by_label("Total: 700 ms");
    assert_eq!(harness.query_all_by_label("Total: 700 ms, best").count(), 0);
}

#[test]
fn a_failed_run_wins_nothing_and_unknown_is_blank() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Race");
    let mut broken = ended(&sent[0], "half an ans", 10, 20, ConnectionKind::Warm);
    broken.state = RunState::Fault;
    broken.answer.usage = None;
    broken.answer.fault = Some(Fault {
        status: Some(200),
        code: Some("server_error".into()),
        retry_after_ms: Some(2_000),
        ..Fault::new(FaultClass::Interrupted, Phase::Stream, "upstream went away")
    });
    put(&mut harness, broken);
    put(
        &mut harness,
        ended(&sent[1], "whole", 250, 700, ConnectionKind::Warm),
    );
    harness.run_steps(2);
    assert_eq!(harness.query_all_by_label_contains(", best").count(), 0);
    assert_eq!(harness.query_all_by_label("Speed: 222 tok/s").count(), 1);
    harness.get_by_label("Out: ≈ 3 tok, estimated");
    harness.get_by_label("half an ans");
    harness.get_by_label("upstream went away");
    harness.get_by_label_contains("server_error");
    harness.get_by_label_contains("asks to wait 2.00 s");
    harness.get_by_label("The answer broke off");
}

#[test]
fn a_draft_is_kept_shortly_after_it_changed() {
    let mut harness = rig();
    harness.state_mut().commands.clear();
    type_prompt(&mut harness, "half a thought");
    // A frame of the harness is a quarter of a second.
    harness.run_steps(5);
    let saved = harness.state().saved();
    assert_eq!(saved.last().unwrap().draft.text, "half a thought");
    let count = saved.len();
    harness.run_steps(6);
    assert_eq!(
        harness.state().saved().len(),
        count,
        "nothing changed: nothing to keep"
    );
}

/// Another window over what this one has kept: its layout, and its conversation as it would be stored.
fn reopened(first: &Harness<'_, Rig>) -> Harness<'static, Rig> {
    let kept = first.state().saved().pop().unwrap();
    let stored = serde_json::to_string(&kept).unwrap();
    let layout = first.state().view.save().unwrap();
    let mut second = rig();
    second.state_mut().view = views().remove(0);
    second.state_mut().view.restore(&layout);
    second.run_steps(2);
    let asked = |c: &Command| matches!(c, Command::Conversation(ConversationCommand::Load { id, .. }) if *id == kept.id);
    assert!(second.state().commands.iter().any(asked));
    let conversation: Conversation = serde_json::from_str(&stored).unwrap();
    second.state_mut().load(&conversation);
    second.run_steps(3);
    second
}

#[test]
fn what_was_kept_is_found_again() {
    let mut first = rig();
    let sent = ask(&mut first, "Remember");
    let mut second = reopened(&first);
    let loads = |c: &Command| matches!(c, Command::Run(RunCommand::Load(id)) if *id == sent[0].id);
    assert!(second.state().commands.iter().any(loads));
    put(
        &mut second,
        ended(&sent[0], "I do", 1, 2, ConnectionKind::Warm),
    );
    second.state_mut().state.missing_runs.insert(sent[1].id);
    second.run_steps(2);
    second.get_by_label("I do");
    // It opens at its end, though the answers come after it.
    let long = lines(60, "the very end");
    put(
        &mut second,
        ended(&sent[0], &long, 1, 2, ConnectionKind::Warm),
    );
    second.run_steps(4);
    assert_eq!(ends_in_sight(&second, "the very end"), 1);
    second.get_by_label("This answer is not in the history any more");
}

#[test]
fn what_was_begun_is_not_replaced_by_what_comes_late() {
    let mut harness = rig();
    let late = Conversation {
        id: ConversationId(77),
        title: "Late".into(),
        ..Conversation::default()
    };
    harness.state_mut().view = views().remove(0);
    harness.state_mut().view.restore(r#"{"conversation":77}"#);
    type_prompt(&mut harness, "mine");
    harness.state_mut().load(&late);
    harness.run_steps(2);
    let prompt = harness.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    assert_eq!(prompt.value().as_deref(), Some("mine"));
}

/// Another window asks something in the conversation that is shown here; what is read of it has this window's
/// draft as it was kept last.
fn asked_elsewhere(harness: &mut Harness<'_, Rig>, kept: &Conversation, text: &str) {
    let mut theirs = kept.clone();
    for pane in &mut theirs.panes {
        let mut turn = pane.turns.last().unwrap().clone();
        turn.id = TurnId::after(Some(turn.id));
        turn.runs.clear();
        turn.user = vec![Part::Text { text: text.into() }];
        pane.turns.push(turn);
    }
    let asked = |c: &Command| matches!(c, Command::Conversation(ConversationCommand::Load { id, .. }) if *id == kept.id);
    harness.state_mut().commands.clear();
    let mut elsewhere = harness.state().state.elsewhere;
    elsewhere.conversations += 1;
    let news = HistoryNews::Elsewhere(elsewhere);
    harness.state_mut().state.apply(Update::History(news));
    harness.run_steps(1);
    assert!(harness.state().commands.iter().any(asked));
    // It asks again if it has kept something meanwhile.
    while harness.state().commands.iter().any(asked) {
        if let Some(saved) = harness.state().saved().pop() {
            theirs.draft = saved.draft;
        }
        harness.state_mut().load(&theirs);
        harness.state_mut().commands.clear();
        harness.run_steps(1);
    }
    harness.run_steps(2);
}

#[test]
fn what_is_written_here_stays_while_another_window_asks() {
    let mut first = rig();
    let sent = ask(&mut first, "Asked here");
    let kept = first.state().saved().pop().unwrap();
    let second = reopened(&first);
    for mut window in [first, second] {
        for run in &sent {
            put(&mut window, ended(run, "fine", 1, 2, ConnectionKind::Warm));
        }
        window.run_steps(2);
        let edit = window.get_all_by_label("Edit the prompt and ask again");
        edit.last().unwrap().click();
        window.run_steps(3);
        window.get_by_label("Edited prompt").focus();
        window.run_steps(1);
        window.get_by_label("Edited prompt").type_text(", edited");
        type_prompt(&mut window, "half a thought");
        asked_elsewhere(&mut window, &kept, "Asked there");
        assert_eq!(window.get_all_by_label("Asked there").count(), 2);
        let prompt = window.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
        assert_eq!(prompt.value().as_deref(), Some("half a thought"));
        let edited = window.get_by_label("Edited prompt").value();
        assert!(edited.is_some_and(|text| text.contains(", edited")));
    }
}

#[test]
fn what_is_written_while_another_conversation_comes_is_kept() {
    let mut harness = rig();
    ask(&mut harness, "Mine");
    let mine = harness.state().saved().pop().unwrap().id;
    let summary = ConversationSummary {
        id: ConversationId(1),
        title: "Alpha".into(),
        updated_unix_ns: 1,
        panes: 2,
    };
    harness.state_mut().list(&[summary]);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::B);
    harness.run_steps(4);
    harness.get_by_label("Open “Alpha”").click();
    harness.run_steps(2);
    harness
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .focus();
    harness.run_steps(1);
    let saved = harness.state().saved().len();
    harness
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .type_text("half a thought");
    harness.run_steps(1);
    assert_eq!(harness.state().saved().len(), saved, "it comes before that");
    let alpha = Conversation {
        id: ConversationId(1),
        ..Conversation::default()
    };
    harness.state_mut().load(&alpha);
    harness.run_steps(2);
    let saved = harness.state().saved().split_off(saved);
    assert_eq!(saved.len(), 1);
    assert_eq!(
        (saved[0].id, saved[0].draft.text.as_str()),
        (mine, "half a thought")
    );
    let prompt = harness.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    assert_eq!(prompt.value().as_deref(), Some(""));
}

#[test]
fn reasoning_is_folded_and_calls_are_shown() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Think");
    let mut run = ended(&sent[0], "So it is", 100, 200, ConnectionKind::Warm);
    run.answer.reasoning = "first I thought".into();
    run.answer.tool_calls.push(ToolCall {
        id: "call_1".into(),
        name: "get_weather".into(),
        arguments: "{\"city\":\"Bern\"}".into(),
    });
    run.answer
        .notes
        .push((Note::new(About::EndMark, "a second end mark"), 2));
    run.answer.finish = Some(Finish {
        reason: FinishReason::ToolCalls,
        raw: "tool_calls".into(),
    });
    put(&mut harness, run);
    harness.run_steps(2);
    assert!(harness.query_by_label("first I thought").is_none());
    harness.get_by_label("Reasoning · 15 chars").click();
    harness.run_steps(2);
    harness.get_by_label("first I thought");
    harness.get_all_by_label("get_weather").next().unwrap();
    harness.get_by_label_contains("\"city\": \"Bern\"");
    harness.get_by_label("1 note").click();
    harness.run_steps(2);
    harness.get_by_label("End mark: a second end mark (2 times)");
}

#[test]
fn everything_that_an_answer_holds_is_shown() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Weather?");
    let mut run = ended(&sent[0], "", 100, 200, ConnectionKind::Warm);
    run.answer = whole_answer(false);
    put(&mut harness, run);
    harness.run_steps(3);
    for label in [
        "web search call · weather in Tokyo",
        "redacted thinking · encrypted, 1.2 kB",
        "image/png · 2.3 kB",
        "audio/L16;rate=24000 · 96.0 kB",
        "Save file 2 of the answer",
        "Weather in Tokyo today",
        "weather.example",
        "travel-notes.pdf",
    ] {
        let shown = harness.query_all_by_label_contains(label).next().is_some();
        let image = label.starts_with("image/png");
        assert!(shown || image, "{label}");
    }
    let image = harness.query_all_by_label_contains("image/png · ");
    assert_eq!(image.count(), 1);
    // The image stands between the texts, as it came.
    let top = |harness: &Harness<'_, Rig>, label: &str| {
        harness
            .get_all_by_label_contains(label)
            .next()
            .unwrap()
            .rect()
            .top()
    };
    let tops = [
        "web search call",
        "It is cloudy in Tokyo",
        "image/png · ",
        "And a recording",
        "audio/L16",
    ];
    let tops = tops.map(|label| top(&harness, label));
    assert!(tops.is_sorted(), "{tops:?}");
    let item = "web search call · weather in Tokyo";
    harness.get_by_label(item).scroll_to_me();
    harness.run_steps(3);
    harness.get_by_label(item).click();
    harness.run_steps(3);
    harness.get_by_label_contains("\"query\": \"weather in Tokyo\"");
    harness.get_by_label_contains(" notes").scroll_to_me();
    harness.run_steps(3);
    harness.get_by_label_contains(" notes").click();
    harness.run_steps(3);
    harness.get_by_label("Not sent: temperature (this reasoning model samples by itself)");
    harness.get_by_label_contains("kept word for word");
}

#[test]
fn a_call_is_shown_while_its_arguments_come() {
    let mut harness = rig();
    let sent = ask(&mut harness, "What is the weather?");
    let whole = r#"{"city":"Zürich €","note":"`x` and ```y```","days":[1,22]}"#;
    for end in (0..=whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        let mut run = streaming(&sent[0], "");
        run.answer.tool_calls = vec![ToolCall {
            id: "call_1".into(),
            name: "get_weather".into(),
            arguments: whole[..end].into(),
        }];
        put(&mut harness, run);
        harness.run_steps(1);
    }
    harness.run_steps(2);
    harness.get_by_label_contains("\"city\": \"Zürich €\"");
}

/// Everything that can be read in the window.
fn labels(harness: &Harness<'_, Rig>) -> Vec<String> {
    let all = harness.query_all_by(|node| node.label().is_some() || node.value().is_some());
    all.map(|node| {
        let node = node.accesskit_node();
        format!("{:?} {:?}", node.label(), node.value())
    })
    .collect()
}

/// However an answer came in pieces, it ends up as if it had come at once.
#[test]
fn every_stream_is_shown_as_it_comes() {
    const FRAMES: usize = 8;
    let [mut live, mut whole] = [rig_with_tofu(), rig_with_tofu()];
    for (name, events) in crate::dialects::told_streams() {
        for harness in [&mut live, &mut whole] {
            harness.key_press_modifiers(Modifiers::COMMAND, Key::N);
            harness.run_steps(2);
        }
        let mut run = streaming(&ask(&mut live, "Go on")[0], "");
        for some in events.chunks(events.len().div_ceil(FRAMES).max(1)) {
            for event in some {
                run.answer.apply(event);
            }
            put(&mut live, run.clone());
            live.run_steps(1);
        }
        let sent = ask(&mut whole, "Go on");
        for (harness, id) in [(&mut live, run.head.id), (&mut whole, sent[0].id)] {
            let mut over = run.clone();
            over.head.id = id;
            over.state = match over.answer.fault {
                Some(_) => RunState::Fault,
                None => RunState::Ok,
            };
            put(harness, over);
            harness.run_steps(4);
            // Pictures are decoded on a thread of their own.
            while harness
                .query_all_by_label("Decoding the picture…")
                .next()
                .is_some()
            {
                std::thread::yield_now();
                harness.run_steps(1);
            }
        }
        assert_eq!(labels(&live), labels(&whole), "{name}");
    }
}

#[test]
fn a_removed_endpoint_is_told() {
    let mut harness = rig();
    harness.state_mut().state.settings = Arc::new(Settings {
        endpoints: vec![endpoint("openai", "OpenAI", false, &[])],
        ..Settings::default()
    });
    harness.run_steps(2);
    assert_eq!(
        harness
            .query_all_by_label_contains("There is no endpoint “simulated”")
            .count(),
        2
    );
}

#[test]
fn hidden_characters_of_an_answer_are_seen() {
    let mut harness = rig();
    let sent = ask(&mut harness, "Trick me");
    put(
        &mut harness,
        ended(
            &sent[0],
            "safe\u{202e}txt.exe \u{1b}[2J",
            1,
            2,
            ConnectionKind::Warm,
        ),
    );
    harness.run_steps(2);
    harness.get_by_label(r"safe\u{202e}txt.exe \u{1b}[2J");
}

#[test]
fn a_narrow_window_makes_a_grid() {
    let mut state = State::default();
    state.apply(Update::Settings(SettingsNews::Are(Arc::new(settings()))));
    let mut harness = rig_with(state, [640.0, 600.0]);
    harness.get_by_label("Add pane").click();
    harness.run_steps(3);
    let tops: HashMap<_, _> = (1..=3)
        .map(|n| {
            (
                n,
                harness
                    .get_by_label_contains(&format!("Target of pane {n}"))
                    .rect(),
            )
        })
        .collect();
    assert!((tops[&1].top() - tops[&2].top()).abs() < 1.0);
    assert!(tops[&3].top() > tops[&1].bottom());
}
