//! The engine as its clients drive it: commands in, updates out, on real threads, files and sockets.

mod captures;
mod gateway;
mod monitor;

use std::{
    ops::Deref,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use tokenscope::{
    chat::ChatRequest,
    conversation::{Conversation, ConversationChange, ConversationId},
    credential::Credentials,
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    engine::{
        Command, ConversationCommand, EndpointCommand, Engine, HistoryCommand, Options, Reply,
        RunCommand, RunNews, SendRun, SettingsNews, TestedThing, Update, ask, ask_in_steps,
    },
    event::FaultClass,
    history::RunQuery,
    run::{Origin, Run, RunId, RunState},
    settings::{Settings, SettingsEdit},
};
use url::Url;

use crate::{
    deadline::{self, Deadline},
    home::Home,
};

/// An engine whose updates are waited for until the deadline.
pub struct Heard {
    engine: Engine,
    /// A message for each update that was queued; it ends with the engine.
    queued: Receiver<()>,
}

impl Heard {
    pub fn start(options: Options) -> Self {
        let (queue, queued) = channel();
        let wake = move || {
            let _ = queue.send(());
        };
        let engine = Engine::start(options, wake).expect("a thread");
        Self { engine, queued }
    }

    /// The next update; `None` once the engine has ended.
    pub fn next(&self, deadline: &Deadline<'_>) -> Option<Update> {
        loop {
            if let Some(update) = self.engine.try_next() {
                return Some(update);
            }
            if deadline.next(&self.queued).is_none() {
                return self.engine.try_next();
            }
        }
    }
}

impl Deref for Heard {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

/// An engine in folders of its own, with the simulator.
pub struct Driven {
    pub engine: Heard,
    pub home: Home,
    pub settings: Arc<Settings>,
}

impl Driven {
    pub fn new(settings: &str) -> Self {
        let home = Home::new();
        home.write_settings(settings);
        Self::in_home(home)
    }

    /// The same user's next engine.
    pub fn in_home(home: Home) -> Self {
        Self::with(home, Credentials::default())
    }

    /// An engine in these folders, with these keys.
    pub fn with(home: Home, credentials: Credentials) -> Self {
        let options = Options {
            paths: home.paths(),
            endpoints: Vec::new(),
            simulator: true,
            history: true,
            credentials,
        };
        let engine = Heard::start(options);
        let settings = Arc::default();
        let mut driven = Self {
            engine,
            home,
            settings,
        };
        driven.settings = driven.until(|update| match update {
            Update::Settings(SettingsNews::Are(settings)) => Some(settings),
            _ => None,
        });
        driven.until(|update| matches!(update, Update::Ready).then_some(()));
        driven
    }

    /// Waits for the update that is asked for; those before it are passed over.
    #[track_caller]
    pub fn until<T>(&self, mut wanted: impl FnMut(Update) -> Option<T>) -> T {
        let deadline = Deadline::of("an update of the engine");
        loop {
            let update = self.engine.next(&deadline);
            let update = update.expect("the engine has not ended");
            if let Some(found) = wanted(update) {
                return found;
            }
        }
    }

    /// Asks a question, and waits for its answer.
    pub fn answer<T>(&self, question: impl FnOnce(Reply<T>) -> Command) -> T {
        let (reply, mut asked) = ask();
        self.engine.send(question(reply));
        asked.wait().expect("an answer")
    }

    pub fn ask(&self, endpoint: &str, model: &str) -> RunId {
        self.request(endpoint, ChatRequest::of_text(model, "Say something"))
    }

    pub fn request(&self, endpoint: &str, request: ChatRequest) -> RunId {
        let id = RunId::new();
        self.engine.send(Command::Run(RunCommand::Send(SendRun {
            id,
            endpoint: endpoint.into(),
            request: Arc::new(request),
            origin: Origin::Playground,
            cold: false,
        })));
        id
    }

    /// Folds the updates of a run, as a client does, until `seen` says that it is enough.
    #[track_caller]
    pub fn follow(&self, id: RunId, mut seen: impl FnMut(&Run) -> bool) -> Run {
        let mut run: Option<Run> = None;
        self.until(|update| match update {
            Update::Run(RunNews::Accepted(head)) if head.id == id => {
                run = Some(Run::new(*head));
                None
            }
            Update::Run(RunNews::Update { id: of, update }) if of == id => {
                let run = run.as_mut().expect("accepted before its first update");
                run.apply(&update).expect("an update that can follow");
                seen(run).then(|| run.clone())
            }
            _ => None,
        })
    }

    /// A run that is over, as the history has it: it hears of the end just after the client does.
    #[track_caller]
    pub fn kept(&self, id: RunId) -> Run {
        deadline::until("the end of a run in the history", || {
            self.engine.send(Command::Run(RunCommand::Load(id)));
            let run = self.until(|update| match update {
                Update::Run(RunNews::Loaded { id: of, run }) if of == id => {
                    Some(*run.expect("it is kept"))
                }
                _ => None,
            });
            if run.state.is_over() {
                Ok(run)
            } else {
                Err(run.state)
            }
        })
    }
}

/// An endpoint where nothing listens, and that asks no keyring of whoever runs the test.
fn endpoint(id: &str) -> Endpoint {
    let url = Url::parse("http://127.0.0.1:9/v1").unwrap();
    Endpoint {
        auth: Auth::None,
        ..Endpoint::custom(id, url, DialectId::OpenaiChat)
    }
}

#[test]
fn what_a_client_follows_is_what_is_kept() {
    let driven = Driven::new("");
    let id = driven.ask("simulator", "sim-fast");
    let run = driven.follow(id, |run| run.state.is_over());
    assert_eq!(run.state, RunState::Ok);
    assert!(run.head.simulated && !run.answer.text.is_empty());
    // The history has all of it now: before, it may have the run's last update alone.
    driven.until(|update| match update {
        Update::Run(RunNews::Over(over)) => (over.head.id == id).then_some(()),
        _ => None,
    });
    let kept = driven.kept(id);
    assert_eq!(kept.answer.text, run.answer.text);
    assert_eq!(kept.stamps, run.stamps);
    assert_eq!(kept.reads, run.reads);
    let query = RunQuery {
        limit: 10,
        ..RunQuery::default()
    };
    let runs = |reply| Command::History(HistoryCommand::Runs { query, reply });
    let page = driven.answer(runs).unwrap();
    assert_eq!((page.total, page.rows[0].id), (1, id));
}

#[test]
fn a_stopped_run_keeps_what_had_come() {
    let driven = Driven::new("");
    let id = driven.ask("simulator", "sim-steady");
    let begun = driven.follow(id, |run| !run.answer.text.is_empty());
    driven
        .engine
        .send(Command::Run(RunCommand::Cancel(vec![id])));
    let mut run = begun;
    driven.until(|update| match update {
        Update::Run(RunNews::Update { id: of, update }) if of == id => {
            run.apply(&update).unwrap();
            run.state.is_over().then_some(())
        }
        _ => None,
    });
    assert!(run.is_cancelled());
    assert_eq!(driven.kept(id).answer.text, run.answer.text);
}

#[test]
fn what_can_not_be_asked_is_refused_with_a_word() {
    let driven = Driven::new("");
    let id = driven.ask("nowhere", "any");
    let fault = driven.until(|update| match update {
        Update::Run(RunNews::Refused { id: of, fault }) if of == id => Some(fault),
        _ => None,
    });
    assert!(fault.message.contains("nowhere"), "{fault:?}");
    // One that is there but does not listen fails on the way, and is kept as that.
    driven.engine.send(put(None, endpoint("mine")));
    let id = driven.ask("mine", "any");
    let run = driven.follow(id, |run| run.state.is_over());
    assert_eq!(run.answer.fault.unwrap().class, FaultClass::Connect);
    assert_eq!(driven.kept(id).state, RunState::Fault);
}

#[test]
fn settings_follow_edits_of_the_app_and_of_the_hand() {
    let driven = Driven::new("# mine\n");
    driven.engine.send(put(None, endpoint("mine")));
    driven.until(|update| match update {
        Update::Settings(SettingsNews::Are(settings)) => {
            settings.endpoint("mine").is_some().then_some(())
        }
        _ => None,
    });
    let text = std::fs::read_to_string(driven.home.settings()).unwrap();
    assert!(
        text.starts_with("# mine") && text.contains("[endpoint.mine]"),
        "{text}"
    );
    driven.home.write_settings(&format!("{text}\nnonsense"));
    let problem = driven.until(|update| match update {
        Update::Settings(SettingsNews::Problem(Some(problem))) => Some(problem.to_string()),
        _ => None,
    });
    assert!(problem.contains("line"), "{problem}");
    // The last good settings hold, and an edit of the app does not overwrite the broken file.
    let id = driven.ask("mine", "any");
    driven.follow(id, |run| run.state.is_over());
    driven.engine.send(put(None, endpoint("other")));
    driven.until(|update| {
        matches!(update, Update::Settings(SettingsNews::Problem(Some(_)))).then_some(())
    });
    let broken = std::fs::read_to_string(driven.home.settings()).unwrap();
    assert!(broken.ends_with("nonsense"), "{broken}");
    driven.home.write_settings(&text);
    driven.until(|update| {
        matches!(update, Update::Settings(SettingsNews::Problem(None))).then_some(())
    });
}

#[test]
fn a_test_of_an_endpoint_tells_each_step() {
    let driven = Driven::new("");
    let simulator = driven.settings.endpoint("simulator").unwrap().clone();
    let test = |endpoint| {
        let (steps, mut told) = ask_in_steps();
        let endpoint = Box::new(endpoint);
        let test = EndpointCommand::Test { endpoint, steps };
        driven.engine.send(Command::Endpoint(test));
        std::iter::from_fn(|| told.wait()).collect::<Vec<_>>()
    };
    let told = test(simulator);
    assert!(told.iter().all(|step| step.result.is_ok()), "{told:?}");
    assert_eq!(told.last().unwrap().what, TestedThing::Models);
    let told = test(endpoint("deaf"));
    let fault = told.last().unwrap().result.as_ref().unwrap_err();
    assert_eq!(fault.class, FaultClass::Connect);
}

#[test]
fn a_conversation_is_found_by_the_next_engine_and_stopping_ends_all() {
    let driven = Driven::new("");
    let conversation = Conversation {
        id: ConversationId(7),
        title: "A title".into(),
        ..Conversation::default()
    };
    driven
        .engine
        .send(Command::Conversation(ConversationCommand::Save(
            ConversationChange::new(conversation.clone()),
        )));
    let id = driven.ask("simulator", "sim-steady");
    driven.follow(id, |run| !run.answer.text.is_empty());
    driven.engine.send(Command::Stop);
    let mut ended = false;
    let deadline = Deadline::of("the engine's end");
    while let Some(update) = driven.engine.next(&deadline) {
        assert!(!ended, "nothing follows the end: {update:?}");
        ended = matches!(update, Update::Stopped);
    }
    assert!(ended);
    let Driven { home, .. } = driven;
    let again = Driven::in_home(home);
    let kept = conversation.id;
    let load = |reply| ConversationCommand::Load { id: kept, reply };
    let found = again.answer(|reply| Command::Conversation(load(reply)));
    assert_eq!(found.unwrap().title, "A title");
    assert!(again.kept(id).is_cancelled());
}

#[test]
fn an_answer_wakes_the_client_once_and_a_question_that_was_given_up_never() {
    let (wake, woken) = channel();
    let home = Home::new();
    let options = Options {
        paths: home.paths(),
        endpoints: Vec::new(),
        simulator: false,
        history: true,
        credentials: Credentials::default(),
    };
    let engine = Engine::start(options, move || {
        let _ = wake.send(());
    })
    .unwrap();
    let list = |reply| Command::Conversation(ConversationCommand::List(reply));
    let (reply, given_up) = ask();
    drop(given_up);
    engine.send(list(reply));
    let (reply, mut asked) = ask();
    engine.send(list(reply));
    assert_eq!(asked.wait(), Some(Vec::new()));
    engine.send(Command::Stop);
    let updates = std::iter::from_fn(|| engine.next()).count();
    // The last is called just after the last update is there.
    let next = || woken.recv_timeout(Duration::from_secs(20)).ok();
    let wakes = std::iter::from_fn(next).count();
    assert_eq!(wakes, updates + 1, "one for the answer");
}

pub fn put(old_id: Option<&str>, endpoint: Endpoint) -> Command {
    Command::Edit(SettingsEdit::PutEndpoint {
        old_id: old_id.map(str::to_owned),
        endpoint: Box::new(endpoint),
    })
}
