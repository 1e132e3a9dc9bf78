//! The engine as its clients drive it: commands in, updates out, on real threads, files and sockets.

use std::{
    ops::Deref,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
};

use tokenscope::{
    chat::{ChatRequest, Message},
    conversation::{Conversation, ConversationChange, ConversationId},
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    engine::{Command, Engine, Options, SendRun, TestedThing, Update},
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
        let options = Options {
            paths: home.paths(),
            endpoints: Vec::new(),
            simulator: true,
            history: true,
        };
        let engine = Heard::start(options);
        let settings = Arc::default();
        let mut driven = Self {
            engine,
            home,
            settings,
        };
        driven.settings = driven.until(|update| match update {
            Update::Settings(settings) => Some(settings),
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

    pub fn ask(&self, endpoint: &str, model: &str) -> RunId {
        let request = ChatRequest {
            model: model.into(),
            messages: vec![Message::user("Say something")],
            ..ChatRequest::default()
        };
        let id = RunId::new();
        self.engine.send(Command::Send(SendRun {
            id,
            endpoint: endpoint.into(),
            request: Arc::new(request),
            origin: Origin::Playground,
            cold: false,
        }));
        id
    }

    /// Folds the updates of a run, as a client does, until `seen` says that it is enough.
    #[track_caller]
    pub fn follow(&self, id: RunId, mut seen: impl FnMut(&Run) -> bool) -> Run {
        let mut run: Option<Run> = None;
        self.until(|update| match update {
            Update::Accepted(head) if head.id == id => {
                run = Some(Run::new(*head));
                None
            }
            Update::Run { id: of, update } if of == id => {
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
            self.engine.send(Command::LoadRun(id));
            let run = self.until(|update| match update {
                Update::RunLoaded { id: of, run } if of == id => Some(*run.expect("it is kept")),
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
        Update::Over(over) => (over.head.id == id).then_some(()),
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
    driven.engine.send(Command::QueryRuns { ticket: 7, query });
    let page = driven.until(|update| match update {
        Update::Runs { ticket: 7, page } => Some(page),
        _ => None,
    });
    let page = page.unwrap();
    assert_eq!((page.total, page.rows[0].id), (1, id));
}

#[test]
fn a_stopped_run_keeps_what_had_come() {
    let driven = Driven::new("");
    let id = driven.ask("simulator", "sim-steady");
    let begun = driven.follow(id, |run| !run.answer.text.is_empty());
    driven.engine.send(Command::Cancel(vec![id]));
    let mut run = begun;
    driven.until(|update| match update {
        Update::Run { id: of, update } if of == id => {
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
        Update::Refused { id: of, fault } if of == id => Some(fault),
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
        Update::Settings(settings) => settings.endpoint("mine").is_some().then_some(()),
        _ => None,
    });
    let text = std::fs::read_to_string(driven.home.settings()).unwrap();
    assert!(
        text.starts_with("# mine") && text.contains("[endpoint.mine]"),
        "{text}"
    );
    driven.home.write_settings(&format!("{text}\nnonsense"));
    let problem = driven.until(|update| match update {
        Update::SettingsProblem(Some(problem)) => Some(problem.to_string()),
        _ => None,
    });
    assert!(problem.contains("line"), "{problem}");
    // The last good settings hold, and an edit of the app does not overwrite the broken file.
    let id = driven.ask("mine", "any");
    driven.follow(id, |run| run.state.is_over());
    driven.engine.send(put(None, endpoint("other")));
    driven.until(|update| matches!(update, Update::SettingsProblem(Some(_))).then_some(()));
    let broken = std::fs::read_to_string(driven.home.settings()).unwrap();
    assert!(broken.ends_with("nonsense"), "{broken}");
    driven.home.write_settings(&text);
    driven.until(|update| matches!(update, Update::SettingsProblem(None)).then_some(()));
}

#[test]
fn a_test_of_an_endpoint_tells_each_step() {
    let driven = Driven::new("");
    let simulator = driven.settings.endpoint("simulator").unwrap().clone();
    driven.engine.send(Command::Test(Box::new(simulator)));
    let mut tried = Vec::new();
    driven.until(|update| {
        let Update::Tested { step, .. } = update else {
            return None;
        };
        assert!(step.result.is_ok(), "{step:?}");
        tried.push(step.what);
        step.last.then_some(())
    });
    assert_eq!(tried.last(), Some(&TestedThing::Models));
    driven
        .engine
        .send(Command::Test(Box::new(endpoint("deaf"))));
    let fault = driven.until(|update| match update {
        Update::Tested { step, .. } if step.result.is_err() => step.result.err(),
        _ => None,
    });
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
        .send(Command::SaveConversation(ConversationChange::new(
            conversation.clone(),
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
    again
        .engine
        .send(Command::LoadConversation(conversation.id));
    let found = again.until(|update| match update {
        Update::Conversation { conversation, .. } => Some(conversation),
        _ => None,
    });
    assert_eq!(found.unwrap().title, "A title");
    assert!(again.kept(id).is_cancelled());
}

pub fn put(old_id: Option<&str>, endpoint: Endpoint) -> Command {
    Command::Edit(SettingsEdit::PutEndpoint {
        old_id: old_id.map(str::to_owned),
        endpoint: Box::new(endpoint),
    })
}
