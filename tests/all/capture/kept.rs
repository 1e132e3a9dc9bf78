//! The history keeps the wire of each run, within a budget and an age.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use tokenscope::{
    capture::{Capture, WireFrames},
    dialect::{DialectId, WireFormat},
    endpoint::{Endpoint, variables::Environment},
    event::{Answer, FaultClass},
    history::{History, KeptCapture, Removed},
    run::{Run, RunId, RunUpdate, WireHead, WirePart, WireRead},
    settings::{self, CaptureLimits, SettingsEdit},
};

use super::{asked, whole};
use crate::{
    deadline::soon,
    fault_server::closed_port,
    history::a_run,
    home::Home,
    simulator::{dialects::endpoints, quick},
};

fn answer(capture: &Capture) -> Answer {
    let frames = WireFrames::of(capture);
    let mut answer = Answer::default();
    for frame in frames.all() {
        frames
            .events(frame)
            .iter()
            .for_each(|event| answer.apply(event));
    }
    frames
        .end_events()
        .iter()
        .for_each(|event| answer.apply(event));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wire_of_each_protocol_is_kept_and_tells_the_same_answer() {
    let simulator = quick().await;
    for endpoint in endpoints(&simulator) {
        for model in ["sim-tools", "sim-reasoning", "sim-locked", "sim-cut"] {
            let name = format!("{}/{model}", endpoint.id);
            let (run, kept) = asked(&Home::new(), endpoint.clone(), model).await;
            let capture = whole(kept);
            assert_eq!(capture.run.id, run.head.id, "{name}");
            assert_eq!(capture.run.stamps, run.stamps, "{name}");
            assert_eq!(capture.fault, run.answer.fault, "{name}");
            check_request(&capture, &endpoint, &name);
            let response = capture.response.as_ref().unwrap();
            assert_eq!(Some(response.status), run.status, "{name}");
            assert!(response.headers.get("content-type").is_some(), "{name}");
            assert_eq!(response.body.missing(), None, "{name}");
            let of_run: u64 = run.reads.iter().map(|read| u64::from(read.bytes)).sum();
            assert_eq!(response.body.bytes.len() as u64, of_run, "{name}");
            // Trailers alone are a read without bytes.
            for read in run.reads.iter().filter(|read| read.bytes > 0) {
                let mut same = response.reads.iter();
                assert!(same.any(|own| own.at == read.at), "{name}: {read:?}");
            }
            let told = answer(&capture);
            assert_eq!(told.text, run.answer.text, "{name}");
            assert_eq!(told.reasoning, run.answer.reasoning, "{name}");
            assert_eq!(told.tool_calls, run.answer.tool_calls, "{name}");
            assert_eq!(told.usage, run.answer.usage, "{name}");
            assert_eq!(told.finish, run.answer.finish, "{name}");
            assert_eq!(told.fault, run.answer.fault, "{name}");
        }
    }
}

fn check_request(capture: &Capture, endpoint: &Endpoint, name: &str) {
    let request = capture.request.as_ref().unwrap();
    assert_eq!(request.method, "POST", "{name}");
    let origin = endpoint.base_url.origin().ascii_serialization();
    assert!(request.url.starts_with(&origin), "{name}: {}", request.url);
    let is_grpc = matches!(endpoint.dialect.dialect().wire, WireFormat::Grpc(_));
    assert_eq!(request.headers.get("host").is_some(), !is_grpc, "{name}");
    assert!(request.headers.get("user-agent").is_some(), "{name}");
    let length = request.body.bytes.len().to_string();
    assert_eq!(
        request.headers.get("content-length"),
        Some(length.as_str()),
        "{name}"
    );
    if is_grpc {
        assert_eq!(
            request.body.bytes[0], 0,
            "{name}: a message of gRPC, uncompressed"
        );
    } else {
        let body: Value = serde_json::from_slice(&request.body.bytes).unwrap();
        assert!(body.to_string().contains("a question"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_not_answered_is_kept() {
    let home = Home::new();
    let url = format!("http://{}/v1", closed_port().await);
    let endpoint = Endpoint::custom("gone", url.parse().unwrap(), DialectId::OpenaiChat);
    let (run, kept) = asked(&home, endpoint, "m").await;
    let capture = whole(kept);
    assert_eq!(capture.fault.as_ref().unwrap().class, FaultClass::Connect);
    assert_eq!(capture.fault, run.answer.fault);
    assert!(capture.request.is_some() && capture.response.is_none());
}

/// The wire of a response whose body is these bytes.
fn wire(bytes: Vec<u8>) -> RunUpdate {
    let part = WirePart {
        head: Some(Arc::new(WireHead {
            status: 200,
            http_version: "HTTP/1.1".into(),
            headers: HeaderMap::new(),
        })),
        reads: vec![WireRead {
            at: 1,
            delay: None,
            is_at_most: false,
            bytes: Bytes::from(bytes),
        }],
        ..WirePart::default()
    };
    RunUpdate::Wire(part.into())
}

/// Bytes that zstd can't make less of.
fn noise(count: usize) -> Vec<u8> {
    let mut state: u64 = 88_172_645_463_325_252;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn store(history: &History, id: RunId, body: Vec<u8>) {
    let run = Run {
        head: tokenscope::run::RunHead {
            id,
            ..a_run(1).head
        },
        ..a_run(1)
    };
    history.begin(&Run::new(run.head.clone()));
    history.record(id, wire(body));
    history.finish(run);
}

#[tokio::test]
async fn captures_go_by_budget_and_by_age_and_runs_stay() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.limit_captures(CaptureLimits { mib: 1, days: 2 });
    let ids: Vec<RunId> = (0..4).map(|_| RunId::new()).collect();
    for id in &ids {
        store(&history, *id, noise(300 << 10));
        history.flush().await;
    }
    let gone = |removed| KeptCapture::Removed(removed);
    // Three of them fill the budget.
    assert_eq!(
        history.capture(ids[0]).await.unwrap(),
        gone(Removed::Budget)
    );
    for id in &ids[1..] {
        let capture = whole(history.capture(*id).await.unwrap());
        assert_eq!(capture.response.unwrap().body.bytes, noise(300 << 10));
    }
    let now = jiff::Timestamp::now().as_nanosecond();
    let days_ago = |days: i128| {
        RunId::first_since(i64::try_from(now - days * 24 * 3_600 * 1_000_000_000).unwrap())
    };
    store(&history, days_ago(1), b"young".to_vec());
    store(&history, days_ago(3), b"old".to_vec());
    history.flush().await;
    assert!(
        history
            .capture(days_ago(1))
            .await
            .unwrap()
            .why_gone()
            .is_none()
    );
    assert_eq!(
        history.capture(days_ago(3)).await.unwrap(),
        gone(Removed::Age)
    );
    assert_eq!(history.capture(RunId(5)).await.unwrap(), KeptCapture::Never);
    history.limit_captures(CaptureLimits { mib: 0, days: 2 });
    history.flush().await;
    let last = *ids.last().unwrap();
    assert_eq!(history.capture(last).await.unwrap(), gone(Removed::Budget));
    let unkept = RunId::new();
    store(&history, unkept, b"x".to_vec());
    assert_eq!(history.capture(unkept).await.unwrap(), KeptCapture::Never);
    for id in ids.into_iter().chain([unkept]) {
        assert!(history.run(id).await.unwrap().is_some(), "runs stay");
    }
    soon("the history's end", history.end()).await.unwrap();
}

#[test]
fn limits_are_settings() {
    let home = Home::new();
    home.write_settings("# mine\n[history]\ncapture_mib = 7 # few\n");
    let load = || settings::load_in(&home.paths(), &Environment::default()).unwrap();
    assert_eq!(load().captures, CaptureLimits { mib: 7, days: 30 });
    let limits = CaptureLimits { mib: 7, days: 3 };
    settings::edit(&home.paths(), &SettingsEdit::Captures(limits)).unwrap();
    assert_eq!(load().captures, limits);
    let text = std::fs::read_to_string(home.settings()).unwrap();
    assert_eq!(
        text,
        "# mine\n[history]\ncapture_mib = 7 # few\ncapture_days = 3\n"
    );
    home.write_settings("[history]\ncapture_mib = -1\n");
    let refused = settings::load_in(&home.paths(), &Environment::default()).unwrap_err();
    assert_eq!(refused.line, Some(2), "{refused}");
}
