//! The history: what goes in comes out, whatever happens to the file.

mod any;
mod damage;
mod deletions;
pub(crate) mod distribution;
mod export;
mod files;
mod findings;
mod gaps;
mod large;
mod live;
mod mixed;
mod mounts;
pub(crate) mod phases;
mod query;
mod recent;
mod retention;
mod series;
mod target_facts;
mod windows;
mod year;

use std::{fs::File, path::Path, sync::Arc, time::Duration};

use proptest::prelude::*;
use tokenscope::{
    chat::{ChatRequest, Media, Message, Params, Part, Role, ToolCall},
    conversation::{Conversation, ConversationChange, ConversationId, Draft, Pane, Turn, TurnId},
    dialect::DialectId,
    endpoint::TargetId,
    event::{
        About, Answer, Citation, Event, Fault, FaultClass, Finish, FinishReason, Note, Phase, Usage,
    },
    history::{History, RunQuery, Storage},
    run::{
        ConnectionKind, Link, LinkTry, Origin, Read, Run, RunHead, RunId, RunState, RunUpdate,
        Span, Stamps,
    },
    transport::{ConnectionLoss, TcpInfo, TlsSession, TlsVersion, TryOutcome},
};

use crate::deadline;

/// A run that ended well, of this key.
pub(crate) fn a_run(id: i64) -> Run {
    let mut run = Run::new(RunHead {
        id: RunId(id),
        target: TargetId {
            endpoint: "here".into(),
            model: "org/m".into(),
        },
        dialect: DialectId::OpenaiChat,
        route: "direct".into(),
        url: "http://127.0.0.1:1/v1/chat/completions".into(),
        simulated: false,
        origin: Origin::Playground,
        attempt: 1,
        request: Arc::new(ChatRequest::of_text("org/m", format!("prompt {id}"))),
    });
    run.state = RunState::Ok;
    run.stamps.started_unix_ns = 1_700_000_000_000_000_000 + id * 1_000_000_000;
    run.stamps.first_token = Some(100_000_000);
    run.connection = Some(ConnectionKind::Warm);
    run.answer.text = format!("answer {id}");
    run
}

fn fresh(id: i64) -> Run {
    Run::new(a_run(id).head)
}

/// A run whose answer is waited for.
pub(crate) fn waiting(id: i64) -> Run {
    Run {
        state: RunState::Waiting,
        ..fresh(id)
    }
}

/// An update that carries a piece of text.
pub(crate) fn says(at: u64, text: &str) -> RunUpdate {
    RunUpdate::Read {
        read: Read {
            at,
            bytes: 10,
            events: 1,
            tokens: 1,
            ..Read::default()
        },
        events: vec![Event::Text { text: text.into() }],
    }
}

/// Waits until the process (or handle) that had this session number has closed the history.
fn wait_until_closed(folder: &Path, number: usize) {
    let lock = folder.join(format!("history.session-{number}.lock"));
    let file = File::options().write(true).open(lock).unwrap();
    deadline::until("the lock of its session", || file.try_lock());
}

/// Drops the only handle and waits until the file is closed.
async fn close(history: History, folder: &Path) {
    history.flush().await;
    drop(history);
    wait_until_closed(folder, 1);
}

/// A history of these runs.
fn history_of(folder: &Path, runs: &[Run]) -> History {
    let history = History::open(folder);
    for run in runs {
        history.finish(run.clone());
    }
    history
}

/// All runs of a history, whole, oldest first.
async fn all_runs(history: &History) -> Vec<Run> {
    let mut query = RunQuery {
        limit: 100_000,
        ..RunQuery::default()
    };
    query.sort.descending = false;
    let page = history.runs(query).await.unwrap();
    assert_eq!(page.total, page.rows.len());
    let mut runs = Vec::new();
    for row in page.rows {
        runs.push(history.run(row.id).await.unwrap().unwrap());
    }
    runs
}

fn an_image(bytes: &[u8]) -> Media {
    Media {
        mime: "image/png".into(),
        data: bytes.into(),
        uri: None,
        name: "a.png".into(),
    }
}

#[tokio::test]
async fn a_run_that_is_not_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    assert_eq!(history.run(RunId(5)).await.unwrap(), None);
    assert_eq!(history.conversation(ConversationId(5)).await.unwrap(), None);
    assert_eq!(history.storage().await, Storage::Ok);
}

fn a_conversation(id: i64) -> Conversation {
    Conversation {
        id: ConversationId(id),
        title: format!("talk {id}"),
        panes: vec![
            Pane {
                id: 1,
                target: Some(a_run(1).head.target),
                system: "be brief".into(),
                cold: true,
                turns: vec![Turn {
                    id: TurnId(1),
                    user: vec![
                        Part::Text {
                            text: "what is it?".into(),
                        },
                        Part::Media(an_image(b"png")),
                    ],
                    raw_body: Some(serde_json::json!({"model": "m", "messages": []})),
                    runs: vec![RunId(1), RunId(2)],
                    shown: 1,
                    results: [(RunId(2), vec!["12 °C".into(), String::new()])].into(),
                }],
                ..Pane::default()
            },
            Pane::default(),
        ],
        draft: Draft {
            text: "not yet sent — 草稿".into(),
            images: vec![an_image(b"png"), an_image(b"other")],
        },
        updated_unix_ns: id * 10,
    }
}

#[tokio::test]
async fn conversations_and_drafts_outlive_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for id in 1..=3 {
        history.save_conversation(ConversationChange::new(a_conversation(id)));
    }
    history.delete_conversation(ConversationId(2));
    close(history, folder.path()).await;

    let history = History::open(folder.path());
    let listed = history.conversations().await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|c| (c.id.0, c.title.as_str(), c.panes))
        .collect();
    assert_eq!(listed, [(3, "talk 3", 2), (1, "talk 1", 2)]);
    let back = history.conversation(ConversationId(3)).await.unwrap();
    assert_eq!(back, Some(a_conversation(3)));
}

#[tokio::test]
async fn no_secret_of_a_url_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut run = a_run(1);
    run.head.url = "https://user:canary1@a.example/v1?key=canary2&v=canary3#canary4".into();
    history.begin(&run);
    history.flush().await;
    history.finish(run);
    let back = history.run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(back.head.url, "https://a.example/v1?key=&v=");
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"canary"));
    }
}
