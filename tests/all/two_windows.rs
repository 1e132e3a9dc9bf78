//! Two processes on one conversation: every turn of both is kept, also when both are killed.
//!
//! The test starts its own binary twice as a client of the real engine. Each asks in turn, tells what it knows to
//! be on disk, and follows the other. `TOKENSCOPE_KILLS` sets how often both are killed (5 by default).

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use tokenscope::{
    chat::Part,
    conversation::{Conversation, ConversationChange, ConversationId, Draft, Pane, TurnId, merge},
    credential::Credentials,
    engine::{self, ConversationCommand, HistoryNews, Options, Update, ask},
    history::{History, Storage},
    run::RunId,
    settings::Paths,
};

use crate::{
    deadline::{self, Deadline},
    engine::Heard,
    home::Home,
};

const FOLDER: &str = "TOKENSCOPE_WINDOWS_FOLDER";
const TURNS: &str = "TOKENSCOPE_WINDOWS_TURNS";

/// The conversation that both show.
const ID: ConversationId = ConversationId(7);

/// A pane in each of whose turns both ask.
const PANE: u32 = 1;

fn begin(home: &Home) {
    let conversation = Conversation {
        id: ID,
        title: "both".into(),
        panes: vec![Pane {
            id: PANE,
            ..Pane::default()
        }],
        ..Conversation::default()
    };
    with_history(home, |history, runtime| {
        history.save_conversation(ConversationChange::new(conversation));
        runtime.block_on(history.flush());
    });
}

fn with_history<T>(home: &Home, work: impl FnOnce(&History, &tokio::runtime::Runtime) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let history = History::open(&home.paths().data);
    assert_eq!(runtime.block_on(history.storage()), Storage::Ok);
    let done = work(&history, &runtime);
    runtime.block_on(history.end()).unwrap();
    done
}

/// The turns that are kept.
fn kept(home: &Home) -> Vec<TurnId> {
    with_history(home, |history, runtime| {
        let found = runtime.block_on(history.conversation(ID)).unwrap().unwrap();
        let turns = &found.panes[0].turns;
        assert!(turns.iter().all(|turn| turn.runs.len() == 1));
        turns.iter().map(|turn| turn.id).collect()
    })
}

fn start(home: &Home, turns: usize) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "two_windows::ask_beside_another",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, home.path())
        .env(TURNS, turns.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    (child, said)
}

/// The turns that a window knows to be on disk, as it says so.
fn said(from: BufReader<ChildStdout>) -> impl Iterator<Item = TurnId> {
    let lines = from.lines().map_while(Result::ok);
    lines.filter_map(|line| Some(TurnId(line.strip_prefix("kept ")?.parse().unwrap())))
}

#[test]
fn two_hundred_turns_of_two_processes_are_all_kept() {
    let home = Home::new();
    begin(&home);
    let windows = [start(&home, 100), start(&home, 100)];
    let mut asked = BTreeSet::new();
    for (mut child, from) in windows {
        let reading = std::thread::spawn(move || said(from).collect::<Vec<_>>());
        let turns = deadline::joined("a window's turns", reading);
        assert!(deadline::ended(&mut child).success());
        assert_eq!(turns.len(), 100);
        asked.extend(turns);
    }
    assert_eq!(asked.len(), 200, "no two turns have one key");
    assert_eq!(kept(&home), asked.into_iter().collect::<Vec<_>>());
}

#[test]
fn killing_both_loses_nothing_that_was_kept() {
    let home = Home::new();
    begin(&home);
    let kills = std::env::var("TOKENSCOPE_KILLS").map_or(5, |n| n.parse().unwrap());
    let mut promised = BTreeSet::new();
    for round in 1..=kills {
        let windows = [start(&home, usize::MAX), start(&home, usize::MAX)];
        let mut pending = Vec::new();
        for (child, from) in windows {
            // A different moment each time: after some turns of the one, in the middle of the other's.
            let some = 1 + round * 7 % 5;
            let (turns, first) = deadline::read("a window's turns", said(from), move |turns| {
                turns.by_ref().take(some).collect::<Vec<TurnId>>()
            });
            promised.extend(first);
            pending.push((child, turns));
        }
        for (mut child, turns) in pending {
            child.kill().unwrap();
            deadline::ended(&mut child);
            promised.extend(turns);
        }
        let file = rusqlite::Connection::open(home.paths().data.join("history.db")).unwrap();
        let whole: String = file
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(whole, "ok");
        drop(file);
        let kept: BTreeSet<TurnId> = kept(&home).into_iter().collect();
        let lost: Vec<_> = promised.difference(&kept).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?}");
    }
}

/// A client as the playground is one: it keeps what it last agreed on with the file.
struct Window {
    engine: Heard,
    base: Arc<Conversation>,
    mine: Conversation,
}

impl Window {
    fn open(home: &Path) -> Self {
        let options = Options {
            paths: Paths {
                settings: home.join("config/config.toml"),
                data: home.join("data"),
            },
            endpoints: Vec::new(),
            simulator: false,
            history: true,
            credentials: Credentials::default(),
        };
        let engine = Heard::start(options);
        engine.send(engine::Command::Conversation(ConversationCommand::Show(ID)));
        let mine = read(&engine);
        Self {
            engine,
            base: mine.clone().into(),
            mine,
        }
    }

    /// Asks one question more, and gives its turn.
    fn ask(&mut self) -> TurnId {
        let text = std::process::id().to_string();
        self.mine.draft = Draft {
            text: text.clone(),
            ..Draft::default()
        };
        self.save();
        let pane = self.mine.panes.iter_mut().find(|pane| pane.id == PANE);
        let pane = pane.unwrap();
        pane.ask(vec![Part::Text { text }], None);
        let turn = pane.turns.last_mut().unwrap();
        turn.runs.push(RunId::new());
        let id = turn.id;
        self.mine.draft = Draft::default();
        self.save();
        id
    }

    fn save(&mut self) {
        let mine = Arc::new(self.mine.clone());
        let base = std::mem::replace(&mut self.base, Arc::clone(&mine));
        let change = ConversationChange { base, mine };
        self.engine
            .send(engine::Command::Conversation(ConversationCommand::Save(
                change,
            )));
    }

    fn follow(&mut self) {
        let theirs = read(&self.engine);
        self.mine = merge::merge(&self.base, &self.mine, Some(&theirs)).unwrap();
        self.base = theirs.into();
    }
}

/// Reads the conversation; what was saved before is on disk then.
fn read(engine: &Heard) -> Conversation {
    let (reply, mut asked) = ask();
    let load = ConversationCommand::Load { id: ID, reply };
    engine.send(engine::Command::Conversation(load));
    let conversation = asked.wait().expect("it runs");
    *conversation.expect("it is kept")
}

#[test]
#[ignore = "the window that the tests above start twice"]
fn ask_beside_another() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let turns: usize = std::env::var(TURNS).unwrap().parse().unwrap();
    let mut window = Window::open(Path::new(&folder));
    let mut out = std::io::stdout();
    for n in 0..turns {
        let turn = window.ask();
        // Every other time it goes on from what it knows itself, as a window that has not looked yet.
        let theirs = read(&window.engine);
        let pane = &theirs.panes[0];
        assert!(pane.turns.iter().any(|t| t.id == turn), "it is there");
        if n % 2 == 0 {
            window.follow();
        }
        writeln!(out, "kept {}", turn.0).unwrap();
        out.flush().unwrap();
    }
    window.engine.send(engine::Command::Stop);
    let deadline = Deadline::of("the engine's end");
    while let Some(update) = window.engine.next(&deadline) {
        assert!(
            !matches!(update, Update::History(HistoryNews::Unstored(_))),
            "{update:?}"
        );
    }
}
