//! The history: what goes in comes out, whatever happens to the file.

mod damage;
mod export;
mod files;
mod findings;
mod large;
mod mounts;
mod query;
mod recent;
mod series;
mod windows;

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
        ConnectionKind, Link, Origin, Read, Run, RunHead, RunId, RunState, RunUpdate, Span, Stamps,
    },
    transport::TcpInfo,
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

/// A run that has not begun.
/// Notes about all that there is to note.
fn kept(notes: Vec<(String, u64)>) -> Vec<(Note, u64)> {
    let abouts = About::ALL.iter().cycle();
    let notes = abouts.zip(notes);
    notes
        .map(|(about, (text, times))| (Note::new(*about, text), times))
        .collect()
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

fn any_stamps() -> impl Strategy<Value = Stamps> {
    let span =
        || any::<Option<(u64, u64)>>().prop_map(|s| s.map(|(begin, end)| Span { begin, end }));
    let offsets = prop::array::uniform8(any::<Option<u64>>());
    let spans = [span(), span(), span()];
    let all = (any::<(i64, u64)>(), spans, offsets, any_link());
    all.prop_map(|(start, spans, at, link)| Stamps {
        started_unix_ns: start.0,
        scheduled_before: start.1,
        dns: spans[0],
        tcp: spans[1],
        tls: spans[2],
        request_sent: at[0],
        headers: at[1],
        first_byte: at[2],
        first_event: at[3],
        first_token: at[4],
        first_visible: at[5],
        last_token: at[6],
        closed: at[7],
        link,
    })
}

fn any_link() -> impl Strategy<Value = Option<Link>> {
    let tcp = || {
        any::<Option<(Duration, Duration, u32, u32, u32)>>().prop_map(|tcp| {
            tcp.map(|(rtt, min_rtt, retransmits, lost, out_of_order)| TcpInfo {
                rtt,
                min_rtt,
                retransmits,
                lost,
                out_of_order,
            })
        })
    };
    let link = (any::<(u64, u64, u64)>(), tcp(), tcp(), tcp());
    prop::option::of(
        link.prop_map(|((id, uses, age_ns), start, first_token, end)| Link {
            id,
            uses,
            age_ns,
            start,
            first_token,
            end,
        }),
    )
}

fn any_word<T: Copy + std::fmt::Debug>(words: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(words)
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let words = (any_word(FaultClass::ALL), any_word(Phase::ALL));
    (
        words,
        any::<(Option<u16>, Option<String>, String, Option<u64>)>(),
    )
        .prop_map(
            |((class, phase), (status, code, message, retry_after_ms))| Fault {
                class,
                phase,
                status,
                code,
                message,
                retry_after_ms,
                details: None,
            },
        )
}

fn any_answer() -> impl Strategy<Value = Answer> {
    use FinishReason::{ContentFilter, Length, Other, Stop, ToolCalls};
    let reasons: &[FinishReason] = &[Stop, Length, ToolCalls, ContentFilter, Other];
    let finish = prop::option::of((any_word(reasons), any::<String>()));
    let usage = any::<Option<[Option<u64>; 5]>>();
    let texts = any::<([String; 3], Vec<[String; 3]>)>();
    let rest = any::<(
        [Option<String>; 2],
        bool,
        u64,
        Vec<(String, u64)>,
        Vec<(String, String)>,
    )>();
    let signed = any::<(Option<String>, Vec<(String, u64)>, Option<u64>)>();
    (texts, usage, finish, rest, signed).prop_map(
        |((texts, calls), usage, finish, rest, signed)| {
            let (signature, timings, cache_written) = signed;
            let [text, reasoning, refusal] = texts;
            let ([response_id, model], done, keep_alives, notes, unknown) = rest;
            let call = |[id, name, arguments]: [String; 3]| ToolCall {
                id,
                name,
                arguments,
            };
            let mut answer = Answer {
                text,
                reasoning,
                refusal,
                tool_calls: calls.into_iter().map(call).collect(),
                usage: usage.map(|[input, output, reasoning, cached, total]| Usage {
                    cache_written,
                    total,
                    input,
                    output,
                    reasoning,
                    cached,
                }),
                finish: finish.map(|(reason, raw)| Finish { reason, raw }),
                fault: None,
                response_id,
                model,
                done,
                keep_alives,
                notes: kept(notes),
                unknown,
                timings,
                ..Answer::default()
            };
            answer.pieces = answer.plain_pieces();
            // A signature makes them worth keeping; so do a source and a file.
            if let Some(value) = signature {
                answer.apply(&Event::Signature {
                    value: value.clone(),
                });
                answer.apply(&Event::Media(an_image(value.as_bytes())));
                answer.apply(&Event::Citation(Citation {
                    url: Some(value),
                    ..Citation::default()
                }));
            }
            answer
        },
    )
}

fn any_request() -> impl Strategy<Value = ChatRequest> {
    let part = prop_oneof![
        any::<String>().prop_map(|text| Part::Text { text }),
        any::<Vec<u8>>().prop_map(|bytes| Part::Media(an_image(&bytes))),
        any::<[String; 3]>().prop_map(|[id, name, content]| Part::ToolResult { id, name, content }),
    ];
    let role = any_word(&[Role::User, Role::Assistant, Role::Tool]);
    let message =
        (role, prop::collection::vec(part, 0..3)).prop_map(|(role, parts)| Message { role, parts });
    let messages = prop::collection::vec(message, 0..4);
    (
        any::<(String, Option<String>, Vec<String>)>(),
        messages,
        0..20_u8,
    )
        .prop_map(|((model, system, stop), messages, tenths)| ChatRequest {
            model,
            system,
            messages,
            params: Params {
                temperature: Some(f64::from(tenths) / 10.0),
                stop,
                ..Params::default()
            },
            tools: Vec::new(),
            raw_body: None,
        })
}

fn any_run() -> impl Strategy<Value = Run> {
    let head = (
        any::<(i64, [String; 2], String, bool, u32)>(),
        any_word(Origin::ALL),
        any_request(),
    );
    let read = any::<(u64, u32, u32, u32)>().prop_map(|(at, bytes, events, tokens)| Read {
        at,
        bytes,
        events,
        tokens,
        ..Read::default()
    });
    let body = (
        prop::option::of(any_word(ConnectionKind::ALL)),
        any::<(Option<u16>, Option<String>)>(),
        any_stamps(),
        prop::collection::vec(read, 0..9),
        any_answer(),
        prop::option::of(any_fault()),
    );
    (head, body).prop_map(|(head, body)| {
        let ((id, [endpoint, model], route, simulated, attempt), origin, request) = head;
        let (connection, (status, http_version), stamps, reads, answer, fault) = body;
        let ended = match fault {
            Some(_) => RunState::Fault,
            None => RunState::Ok,
        };
        Run {
            head: RunHead {
                id: RunId(id),
                target: TargetId { endpoint, model },
                dialect: DialectId::OpenaiChat,
                route,
                url: "https://a.example/v1/chat/completions".into(),
                simulated,
                origin,
                attempt,
                request: Arc::new(request),
            },
            state: ended,
            connection,
            status,
            http_version,
            stamps,
            reads: reads.into(),
            answer: Answer { fault, ..answer },
        }
    })
}

#[test]
fn every_field_of_a_run_comes_back() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    proptest!(ProptestConfig::with_cases(64), |(run in any_run())| {
        history.finish(run.clone());
        let back = runtime.block_on(history.run(run.head.id)).unwrap();
        prop_assert_eq!(back, Some(run));
    });
}

#[tokio::test]
async fn a_run_that_is_not_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    assert_eq!(history.run(RunId(5)).await.unwrap(), None);
    assert_eq!(history.conversation(ConversationId(5)).await.unwrap(), None);
    assert_eq!(history.storage().await, Storage::Ok);
}

#[tokio::test]
async fn a_live_run_is_seen_with_what_it_has_said_and_its_end_replaces_that() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let run = fresh(1);
    history.begin(&run);
    let id = run.head.id;
    history.record(
        id,
        RunUpdate::Started {
            started_unix_ns: 77,
        },
    );
    let head = RunUpdate::Head {
        stamps: Box::new(Stamps {
            started_unix_ns: 77,
            headers: Some(5),
            ..Stamps::default()
        }),
        connection: ConnectionKind::Cold,
        status: 200,
        http_version: "HTTP/1.1".into(),
    };
    history.record(id, head);
    history.record(id, says(10, "Hel"));
    history.flush().await;
    history.record(id, says(20, "lo 你好"));
    let other = [
        Event::Reasoning { text: "hm".into() },
        Event::keep_alive(),
        Event::Usage(Usage {
            output: Some(3),
            ..Usage::default()
        }),
    ];
    let read = Read {
        at: 30,
        bytes: 9,
        events: 3,
        tokens: 1,
        ..Read::default()
    };
    history.record(
        id,
        RunUpdate::Read {
            read,
            events: other.into(),
        },
    );

    let seen = history.run(id).await.unwrap().unwrap();
    assert_eq!(seen.state, RunState::Streaming);
    assert_eq!(
        (seen.answer.text.as_str(), seen.answer.reasoning.as_str()),
        ("Hello 你好", "hm")
    );
    assert_eq!(seen.answer.usage.unwrap().output, Some(3));
    assert_eq!(seen.answer.keep_alives, 1);
    assert_eq!(
        seen.reads.iter().map(|r| r.at).collect::<Vec<_>>(),
        [10, 20, 30]
    );
    assert_eq!(
        (seen.stamps.first_token, seen.stamps.last_token),
        (Some(10), Some(30))
    );
    assert_eq!(
        (seen.stamps.headers, seen.stamps.started_unix_ns),
        (Some(5), 77)
    );
    assert_eq!(
        (seen.status, seen.connection),
        (Some(200), Some(ConnectionKind::Cold))
    );

    history.finish(a_run(1));
    assert_eq!(history.run(id).await.unwrap(), Some(a_run(1)));
    let file = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    let pieces: i64 = file
        .query_row("SELECT count(*) FROM piece", [], |r| r.get(0))
        .unwrap();
    assert_eq!(pieces, 0);
}

#[tokio::test]
async fn work_grows_with_the_text_only() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.begin(&waiting(1));
    for round in 0..50_u64 {
        history.record(RunId(1), says(round, "0123456789"));
        history.flush().await;
    }
    let file = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    let sql = "SELECT count(*), sum(length(bytes)) FROM piece WHERE kind = 'text'";
    let (count, bytes): (i64, i64) = file
        .query_row(sql, [], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap();
    assert_eq!((count, bytes), (50, 500));
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
async fn two_windows_share_the_file_and_neither_takes_the_others_runs_for_dead() {
    let folder = tempfile::tempdir().unwrap();
    let first = History::open(folder.path());
    first.begin(&waiting(1));
    first.record(RunId(1), says(10, "from the first"));
    first.flush().await;

    let second = History::open(folder.path());
    second.begin(&waiting(2));
    second.record(RunId(2), says(10, "from the second"));
    second.finish(a_run(3));
    for (history, id, text) in [
        (&second, 1, "from the first"),
        (&first, 2, "from the second"),
        (&first, 3, "answer 3"),
    ] {
        second.flush().await;
        let run = history.run(RunId(id)).await.unwrap().unwrap();
        assert_eq!(run.answer.text, text);
        assert_eq!(run.state.is_over(), id == 3);
    }
    // Looking at the table makes both look for the dead; there are none.
    for history in [&first, &second] {
        let page = history
            .runs(RunQuery {
                limit: 10,
                ..RunQuery::default()
            })
            .await
            .unwrap();
        assert_eq!(page.total, 3);
        history.flush().await;
    }
    assert!(!second.run(RunId(1)).await.unwrap().unwrap().state.is_over());

    // The first goes away in the middle of its run: the second sees it and says so.
    drop(first);
    wait_until_closed(folder.path(), 1);
    second
        .runs(RunQuery {
            limit: 10,
            ..RunQuery::default()
        })
        .await
        .unwrap();
    let run = second.run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(run.state, RunState::Fault);
    let fault = run.answer.fault.unwrap();
    assert_eq!(
        (fault.class, fault.phase),
        (FaultClass::Interrupted, Phase::Stream)
    );
    assert_eq!(
        fault.message,
        "the program ended while this run was streaming"
    );
    assert_eq!(run.answer.text, "from the first");
    assert!(!second.run(RunId(2)).await.unwrap().unwrap().state.is_over());
}

#[tokio::test]
async fn runs_whose_program_ended_are_ended_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.begin(&fresh(1));
    history.begin(&waiting(2));
    history.record(RunId(2), says(10, "kept"));
    let closed = RunUpdate::Closed {
        at: 50,
        events: vec![],
        stamps: Box::new(Stamps {
            closed: Some(50),
            ..Stamps::default()
        }),
    };
    history.begin(&waiting(3));
    history.record(RunId(3), says(10, "all of it"));
    history.record(RunId(3), closed);
    close(history, folder.path()).await;

    let history = History::open(folder.path());
    let runs = all_runs(&history).await;
    let told: Vec<_> = runs
        .iter()
        .map(|run| (run.head.id.0, run.state, run.answer.text.as_str()))
        .collect();
    assert!(told.contains(&(1, RunState::Fault, "")));
    assert!(told.contains(&(2, RunState::Fault, "kept")));
    assert!(told.contains(&(3, RunState::Ok, "all of it")));
    let queued = history
        .run(RunId(1))
        .await
        .unwrap()
        .unwrap()
        .answer
        .fault
        .unwrap();
    assert_eq!(
        queued.message,
        "the program ended while this run was queued"
    );
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
