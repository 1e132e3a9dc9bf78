//! A replayed response ends as that of its run did: whole, broken off, or silent.

use tokenscope::{
    capture::{BodyEnd, Capture, Headers, Speed},
    dialect::DialectId,
    event::{Fault, FaultClass, Phase},
    run::Run,
};

use super::{asked, of_body, served, whole};
use crate::{
    home::Home,
    simulator::{dialects::endpoints, quick},
};

const CHUNK: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";

/// What another client gets that asks what is served. It waits for more as long as is said, or for a minute.
async fn again(capture: &Capture, idle_ms: Option<u64>) -> (Run, Capture) {
    let (_server, mut endpoint) = served(capture, Speed::Max).await;
    endpoint.connect.timeouts.idle_ms = idle_ms.unwrap_or(60_000);
    let (run, kept) = asked(&Home::new(), endpoint, "any").await;
    (run, whole(kept))
}

fn class_and_message(run: &Run) -> Option<(FaultClass, &str)> {
    let fault = run.answer.fault.as_ref()?;
    Some((fault.class, &fault.message))
}

fn assert_broke_off(run: &Run, name: &str) {
    let (class, message) = class_and_message(run).unwrap();
    assert_eq!(class, FaultClass::Interrupted, "{name}: {message}");
    assert!(
        message.contains("in the middle of the answer"),
        "{name}: {message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_simulator_ends_in_its_ways_ends_so_again() {
    let simulator = quick().await;
    for endpoint in endpoints(&simulator) {
        for (model, end) in [
            ("sim-tools", BodyEnd::Whole),
            ("sim-empty", BodyEnd::Whole),
            ("sim-no-done", BodyEnd::Whole),
            ("sim-error", BodyEnd::Whole),
            ("sim-html", BodyEnd::Whole),
            ("sim-locked", BodyEnd::Whole),
            ("sim-rate-limited", BodyEnd::Whole),
            ("sim-reset", BodyEnd::BrokeOff),
            ("sim-cut", BodyEnd::BrokeOff),
        ] {
            let name = format!("{}/{model}", endpoint.id);
            let (run, kept) = asked(&Home::new(), endpoint.clone(), model).await;
            let capture = whole(kept);
            assert_eq!(capture.body_end(), end, "{name}: {:?}", run.answer.fault);
            let (replayed, kept) = again(&capture, None).await;
            if end == BodyEnd::Whole {
                assert_eq!(
                    class_and_message(&replayed),
                    class_and_message(&run),
                    "{name}"
                );
            } else {
                assert_broke_off(&replayed, &name);
            }
            assert_eq!(kept.body_end(), end, "{name}, replayed");
        }
    }
}

/// A capture of a stream, whose run had this fault.
fn ended_by(fault: FaultClass) -> Capture {
    let mut capture = of_body(DialectId::OpenaiChat, 200, CHUNK.as_bytes(), 1_000);
    capture.fault = Some(Fault::new(fault, Phase::Stream, "our own words"));
    capture
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_limit_is_a_silence_only_if_it_is_our_own() {
    let late = "{\"error\":{\"message\":\"took too long\",\"code\":\"timeout\"}}";
    let in_stream = format!("{CHUNK}data: {late}\n\n");
    let of_server = |status, body: &str| {
        let body = body.as_bytes();
        of_body(DialectId::OpenaiChat, status, body, body.len().max(1))
    };
    let mut told = vec![
        ("408", of_server(408, late)),
        ("408 without a body", of_server(408, "")),
        ("an error in the stream", of_server(200, &in_stream)),
    ];
    if cfg!(feature = "grpc") {
        let mut deadline = of_body(DialectId::VertexGrpc, 200, b"", 1);
        let response = deadline.response.as_mut().unwrap();
        let pairs = |all: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Headers(all.iter().map(owned).collect())
        };
        response.headers = pairs(&[("content-type", "application/grpc")]);
        response.trailers = pairs(&[("grpc-status", "4"), ("grpc-message", "took too long")]);
        told.push(("gRPC's DEADLINE_EXCEEDED", deadline));
    }
    for (name, capture) in told {
        let (run, kept) = again(&capture, None).await;
        let (class, _) = class_and_message(&run).unwrap();
        assert_eq!(class, FaultClass::Timeout, "{name}");
        assert_eq!(kept.body_end(), BodyEnd::Whole, "{name}");
        let (replayed, _) = again(&kept, None).await;
        assert_eq!(
            class_and_message(&replayed),
            class_and_message(&run),
            "{name}"
        );
    }
    let ours = ended_by(FaultClass::Timeout);
    assert_eq!(ours.body_end(), BodyEnd::Silent);
    let (run, kept) = again(&ours, Some(300)).await;
    let (class, message) = class_and_message(&run).unwrap();
    assert_eq!(class, FaultClass::Timeout, "{message}");
    assert!(message.contains("idle limit"), "{message}");
    assert_eq!(kept.body_end(), BodyEnd::Silent, "replayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stopped_or_cut_breaks_off() {
    let classes = [
        FaultClass::Cancelled,
        FaultClass::Suspended,
        FaultClass::Interrupted,
        FaultClass::Reset,
    ];
    let mut broken: Vec<_> = classes
        .map(|class| (class.as_str(), ended_by(class)))
        .into();
    let whole = format!("{CHUNK}data: [DONE]\n\n");
    let of_stream = || of_body(DialectId::OpenaiChat, 200, whole.as_bytes(), 1_000);
    let mut short = of_stream();
    let mut truncated = of_stream();
    if let Some(response) = &mut short.response {
        let promised = ("content-length".to_owned(), "100000".to_owned());
        response.headers.0.push(promised);
    }
    if let Some(response) = &mut truncated.response {
        response.body.total += 1;
    }
    assert_eq!(of_stream().body_end(), BodyEnd::Whole);
    for (name, capture) in [("short", short), ("truncated", truncated)] {
        assert_eq!(capture.body_end(), BodyEnd::BrokeOff, "{name}");
    }
    broken.retain(|(_, capture)| capture.body_end() == BodyEnd::BrokeOff);
    assert_eq!(broken.len(), classes.len());
    for (name, capture) in broken {
        let (replayed, kept) = again(&capture, None).await;
        assert_eq!(replayed.answer.text, "Hello", "{name}");
        assert_broke_off(&replayed, name);
        assert_eq!(kept.body_end(), BodyEnd::BrokeOff, "{name}, replayed");
    }
}
