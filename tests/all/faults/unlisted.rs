//! Faults that the list does not name: what can't be sent, an answer that leaves its connection open, a key that is said
//! back.

use std::sync::Arc;

use tokenscope::{
    chat::ChatRequest,
    dialect::{DIALECTS, Dialect, WireFormat},
    endpoint::Endpoint,
    event::{Answer, FaultClass as C, Phase as P},
    history::{ExportFormat, History, RunQuery},
    price::PriceTable,
    run::{Origin, Run, RunHead, RunId, RunSpec, RunState, execute},
    transport::{HttpVersion, Transport},
};
use tokio_util::sync::CancellationToken;

use super::voice::Voice;
use crate::{
    canary::{assert_no_canary, assert_no_canary_in},
    deadline::soon,
    dialects::{Fixture, answer, decode, fixtures},
    fault_server::{
        Authority, Server, answer_all, chunk, gone, header, read_request, send, serve, serve_tls,
        whole,
    },
    toy::{self, CANARY, ask, class, endpoint, fault, limits, run_on},
};

fn dialects() -> impl Iterator<Item = &'static Dialect> {
    DIALECTS
        .iter()
        .copied()
        .filter(|d| matches!(d.wire, WireFormat::Json))
}

/// The streams that we wrote and that end well, with what they say.
fn whole_streams(dialect: &Dialect) -> Vec<(Fixture, Answer)> {
    let told = fixtures(dialect).into_iter().map(|fixture| {
        let events = decode(dialect, &fixture.head, [fixture.body.as_slice()]);
        (fixture, answer(&events))
    });
    let streams: Vec<_> = told
        .filter(|(fixture, told)| fixture.head.status == 200 && told.fault.is_none())
        .filter(|(fixture, told)| told.text.len() > 3 && fixture.body.first() != Some(&b'['))
        .collect();
    assert!(!streams.is_empty(), "{}", dialect.id);
    streams
}

async fn run_of(dialect: &Dialect, server: &Server) -> Run {
    let mut endpoint = Endpoint::custom("here", server.url().parse().unwrap(), dialect.id);
    endpoint.connect.timeouts = limits(0, 0, 0, 60_000);
    let request = Arc::new(ChatRequest::of_text("a-model", "hello"));
    let head = RunHead::new(RunId::new(), &endpoint, request, Origin::Test);
    let ask = RunSpec {
        head,
        endpoint: Arc::new(endpoint),
        key: Some(CANARY.into()),
        proxy_password: None,
        no_key_reason: None,
        cold: false,
    };
    let (transport, mut emit) = (Transport::default(), |_| {});
    let run = execute(&transport, ask, CancellationToken::new(), &mut emit);
    let run = soon("the run's end", run).await;
    assert_no_canary_in(format!("{run:?}").as_bytes(), CANARY, dialect.label);
    run
}

/// A server that says the key back wherever it can: in no record, no history and no export may it stand.
#[tokio::test]
async fn a_key_that_is_said_back_is_kept_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for dialect in dialects() {
        let server = serve(move |mut stream, number| async move {
            let (head, _) = read_request(&mut stream).await.unwrap();
            let name = DIALECTS.iter().filter_map(|d| d.key_header);
            let mut names = name.chain(["authorization"]);
            let key = names.find_map(|name| header(&head, name)).unwrap();
            let said = format!(
                "{{\"error\":{{\"message\":\"no {key}\",\"code\":\"{key}\",\"type\":\"{key}\"}}}}"
            );
            let (status, kind, body) = match number {
                0 => ("401 Unauthorized", "application/json", said),
                1 => ("500 Oops", "text/plain", key.to_owned()),
                2 => ("200 OK", "text/html", format!("<html>{key}</html>")),
                3 => (
                    "200 OK",
                    "text/event-stream",
                    format!("event: error\ndata: {said}\n\n"),
                ),
                4 => (
                    "200 OK",
                    "text/event-stream",
                    format!("data: {{\"type\":\"{key}\",\"{key}\":\"{key}\"}}\n\n"),
                ),
                _ => ("200 OK", "application/x-ndjson", format!("{said}\n")),
            };
            let head = format!("content-type: {kind}\r\nx-{key}: {key}\r\n");
            let head = if key.contains(' ') {
                format!("content-type: {kind}\r\n")
            } else {
                head
            };
            send(&mut stream, whole(status, &head, &body)).await;
            gone(&mut stream).await;
        })
        .await;
        for _ in 0..6 {
            let run = run_of(dialect, &server).await;
            assert_eq!(run.state, RunState::Fault, "{}", dialect.label);
            history.finish(run);
        }
    }
    for (format, name) in [
        (ExportFormat::Json, "runs.json"),
        (ExportFormat::Csv, "runs.csv"),
    ] {
        let to = folder.path().join(name);
        let export = history.export(
            RunQuery::default(),
            format,
            PriceTable::default(),
            to,
            |_, _| {},
        );
        assert_eq!(export.await.unwrap(), 6 * dialects().count());
    }
    history.flush().await;
    assert_no_canary(&[folder.path()], CANARY);
}

/// An answer that has all its parts ends, though the server holds the connection open: streamed by the protocol's own
/// end mark, without it once nothing more comes, and whole ones by their last brace.
#[tokio::test]
async fn a_finished_answer_ends_though_the_connection_stays_open() {
    for dialect in dialects() {
        for (fixture, told) in open_ended(dialect) {
            let body = fixture.body.clone();
            let kind = if body.first() == Some(&b'{') && dialect.id.as_str() != "ollama" {
                "application/json"
            } else {
                Voice { dialect }.content_type()
            };
            let server = serve(move |mut stream, _| {
                let body = body.clone();
                async move {
                    if read_request(&mut stream).await.is_none() {
                        return;
                    }
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
                    );
                    send(&mut stream, head).await;
                    send(&mut stream, chunk(&body)).await;
                    gone(&mut stream).await;
                }
            })
            .await;
            let run = run_of(dialect, &server).await;
            assert_eq!(run.answer.fault, None, "{}", fixture.name);
            assert_eq!(run.answer.text, told.text, "{}", fixture.name);
        }
    }
}

/// A few of a dialect's answers that say why they ended.
fn open_ended(dialect: &Dialect) -> Vec<(Fixture, Answer)> {
    let mut streams = whole_streams(dialect);
    streams.retain(|(_, told)| told.finish.is_some());
    let whole = streams
        .iter()
        .position(|(f, _)| f.body.first() == Some(&b'{'));
    let whole = whole.map(|at| streams.remove(at));
    streams.truncate(2);
    streams.extend(whole);
    streams
}

#[tokio::test]
async fn an_address_that_is_none_is_said_to_be_none() {
    let run = toy::run(endpoint("ftp://127.0.0.1:1/")).await;
    assert_eq!(class(&run), (C::BadRequest, P::Prepare));
}

#[tokio::test]
async fn a_http2_only_endpoint_refuses_a_server_without_it() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &[b"http/1.1"]);
    let server = serve_tls(acceptor, |_, _| async {}).await;
    let mut endpoint = endpoint(&server.named_url("https"));
    endpoint.connect.ca_file = Some(authority.file());
    endpoint.connect.http = HttpVersion::Http2;
    let run = toy::run(endpoint).await;
    assert_eq!(class(&run), (C::Tls, P::Tls));
    assert!(fault(&run).message.contains("HTTP version"));
}

#[tokio::test]
async fn what_can_not_be_sent_is_said_before_anything_is() {
    let server = serve(|stream, _| answer_all(stream)).await;
    let mut missing = endpoint(&server.url());
    missing
        .headers
        .insert("x-team".into(), "${TOKENSCOPE_NO_SUCH_VARIABLE}".into());
    let run1 = toy::run(missing).await;
    assert_eq!(class(&run1), (C::Auth, P::Prepare));
    assert!(fault(&run1).message.contains("TOKENSCOPE_NO_SUCH_VARIABLE"));
    let mut ask = ask(endpoint(&server.url()));
    ask.key = Some(format!("{CANARY}\n{CANARY}").into());
    let run2 = run_on(&Transport::default(), ask, CancellationToken::new()).await;
    assert_eq!(class(&run2), (C::Auth, P::Prepare));
    assert_eq!(server.accepted(), 0);
}
