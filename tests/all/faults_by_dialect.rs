//! The faults of the wire once more, in every protocol that goes as JSON: what a run makes of them, with the
//! protocol's own way of sending a key. gRPC has its own tests.
//!
//! The numbers are those of the fault list in the project's design.

use std::{io::Write as _, sync::Arc};

use flate2::{Compression, write::GzEncoder};
use tokenscope::{
    chat::ChatRequest,
    dialect::{DIALECTS, Dialect, WireFormat},
    endpoint::Endpoint,
    event::{Answer, FaultClass as C, Phase as P},
    history::{ExportFormat, History, RunQuery},
    price::PriceTable,
    run::{Origin, Run, RunHead, RunId, RunSpec, RunState, RunUpdate, execute},
    transport::Transport,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    canary::{assert_no_canary, assert_no_canary_in},
    deadline::soon,
    dialects::{Fixture, answer, decode, fixtures},
    fault_server::{Server, chunk, gone, header, read_request, reset, send, serve, whole},
    toy::{CANARY, class, fault, limits},
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

/// The type that a dialect's streams come as.
fn content_type(dialect: &Dialect) -> &'static str {
    match dialect.id.as_str() {
        "ollama" => "application/x-ndjson",
        _ => "text/event-stream",
    }
}

async fn run_of(dialect: &Dialect, server: &Server) -> Run {
    run_telling(dialect, server, &mut |_| {}).await
}

async fn run_telling(
    dialect: &Dialect,
    server: &Server,
    emit: &mut (impl FnMut(RunUpdate) + Send),
) -> Run {
    let mut endpoint = Endpoint::custom("here", server.url().parse().unwrap(), dialect.id);
    endpoint.connect.timeouts = limits(0, 0, 0, 20_000);
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
    let transport = Transport::default();
    let run = execute(&transport, ask, CancellationToken::new(), emit);
    let run = soon("the run's end", run).await;
    assert_no_canary_in(format!("{run:?}").as_bytes(), CANARY, dialect.label);
    assert!(run.stamps.request_sent.is_some(), "{:?}", run.answer.fault);
    run
}

/// A server that gives this answer to every request.
async fn answering(response: Vec<u8>) -> Server {
    let response: &'static [u8] = response.leak();
    serve(move |mut stream, _| async move {
        read_request(&mut stream).await;
        // A client that has seen enough leaves in the middle.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, response).await;
        gone(&mut stream).await;
    })
    .await
}

fn streamed(dialect: &Dialect, body: &[u8], extra: &str) -> Vec<u8> {
    let kind = content_type(dialect);
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{extra}\r\n"
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn f10_f11_a_break_inside_the_stream_keeps_the_text() {
    for dialect in dialects() {
        let (fixture, told) = whole_streams(dialect).swap_remove(0);
        // Inside of the text: the end can't have come.
        let at = fixture.body.len() / 2;
        let part: &'static [u8] = fixture.body[..at].to_vec().leak();
        let kind = content_type(dialect);
        for reset_it in [true, false] {
            let is_read = Arc::new(Notify::new());
            let client_read = Arc::clone(&is_read);
            let server = serve(move |mut stream, _| {
                let client_read = Arc::clone(&client_read);
                async move {
                    read_request(&mut stream).await;
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
                    );
                    let part = [head.as_bytes(), &chunk(part), b"ff\r\n"].concat();
                    send(&mut stream, part).await;
                    if reset_it {
                        // The client must have read it, or the reset overtakes it.
                        client_read.notified().await;
                        reset(stream);
                    }
                }
            })
            .await;
            let mut emit = |update| {
                if matches!(update, RunUpdate::Read { .. }) {
                    is_read.notify_one();
                }
            };
            let run = run_telling(dialect, &server, &mut emit).await;
            let name = format!("{}, reset: {reset_it}", fixture.name);
            assert_eq!(class(&run), (C::Interrupted, fault(&run).phase), "{name}");
            assert_eq!(run.state, RunState::Fault, "{name}");
            assert!(told.text.starts_with(&run.answer.text), "{name}");
        }
    }
}

/// Byte order marks and every kind of line end give the same answer.
#[test]
fn f18_line_ends_and_marks_change_nothing() {
    for dialect in dialects() {
        for (fixture, told) in whole_streams(dialect) {
            let Ok(text) = String::from_utf8(fixture.body) else {
                continue;
            };
            if text.contains('\r')
                || text.starts_with('\u{feff}')
                || text.starts_with('{') && dialect.id.as_str() != "ollama"
            {
                continue;
            }
            let mut ways = vec![text.replace('\n', "\r\n"), format!("\u{feff}{text}")];
            if content_type(dialect) == "text/event-stream" {
                ways.push(text.replace('\n', "\r"));
            }
            for way in ways {
                for size in [1, 2, 7, way.len()] {
                    let events = decode(dialect, &fixture.head, way.as_bytes().chunks(size));
                    let mut got = answer(&events);
                    got.notes.clone_from(&told.notes);
                    assert_eq!(got, told, "{} in pieces of {size}: {way:?}", fixture.name);
                }
            }
        }
    }
}

#[tokio::test]
async fn f22_f25_what_is_no_json_or_too_deep_is_a_protocol_fault() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!("{{\"type\":\"x\",\"a\":{deep}}}");
    for dialect in dialects() {
        for line in ["{\"a\":", deep.as_str()] {
            let body = match content_type(dialect) {
                "text/event-stream" => format!("data: {line}\n\n"),
                _ => format!("{line}\n"),
            };
            let server = answering(streamed(dialect, body.as_bytes(), "")).await;
            let run = run_of(dialect, &server).await;
            let name = dialect.label;
            assert_eq!(run.state, RunState::Fault, "{name}");
            assert!(
                matches!(fault(&run).class, C::Protocol | C::Interrupted),
                "{name}: {:?}",
                fault(&run)
            );
            assert!(fault(&run).message.len() < 2000, "{name}");
        }
    }
}

#[tokio::test]
async fn f23_a_line_without_end_is_stopped() {
    for dialect in dialects() {
        let begin = match content_type(dialect) {
            "text/event-stream" => "data: \"",
            _ => "{\"a\":\"",
        };
        // A line may hold a picture.
        let body = [begin.as_bytes(), &vec![b'x'; 66 << 20]].concat();
        let server = answering(streamed(dialect, &body, "")).await;
        let run = run_of(dialect, &server).await;
        assert_eq!(fault(&run).class, C::Protocol, "{}", dialect.label);
    }
}

#[tokio::test]
async fn f26_f27_gzip_is_read_and_a_bomb_is_not() {
    let gzipped = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    for dialect in dialects() {
        let (fixture, told) = whole_streams(dialect).swap_remove(0);
        let gzip = "content-encoding: gzip\r\n";
        let server = answering(streamed(dialect, &gzipped(&fixture.body), gzip)).await;
        let run = run_of(dialect, &server).await;
        assert_eq!(run.answer.text, told.text, "{}", fixture.name);
        let bomb = gzipped(&vec![b'\n'; 64 << 20]);
        let server = answering(streamed(dialect, &bomb, gzip)).await;
        let run = run_of(dialect, &server).await;
        assert_eq!(fault(&run).class, C::Protocol, "{}", dialect.label);
    }
}

#[tokio::test]
async fn f28_f29_a_page_and_nothing_at_all_are_no_answer() {
    for dialect in dialects() {
        for (kind, body) in [
            (
                "text/html",
                "<!doctype html><html><title>Sign in</title></html>",
            ),
            ("application/json", "{}"),
            ("application/json", "null"),
            (content_type(dialect), ""),
        ] {
            let head = format!("content-type: {kind}\r\n");
            let server = answering(whole("200 OK", &head, body).into_bytes()).await;
            let run = run_of(dialect, &server).await;
            let name = format!("{}: {body:?}", dialect.label);
            assert_eq!(run.state, RunState::Fault, "{name}");
            let class = fault(&run).class;
            assert!(
                matches!(class, C::Protocol | C::Interrupted),
                "{name}: {:?}",
                fault(&run)
            );
        }
    }
}

#[tokio::test]
async fn f30_to_f34_a_status_has_its_class_whatever_the_body() {
    for dialect in dialects() {
        for (status, expected) in [
            ("400 Bad Request", C::BadRequest),
            ("401 Unauthorized", C::Auth),
            ("403 Forbidden", C::Auth),
            ("404 Not Found", C::NotFound),
            ("429 Too Many Requests", C::RateLimited),
            ("500 Internal Server Error", C::Provider),
            ("503 Service Unavailable", C::Overloaded),
            ("529 Overloaded", C::Overloaded),
        ] {
            for body in [
                "",
                "<html>gateway</html>",
                "{\"error\":{\"message\":\"said so\"}}",
                "{\"error\":\"said so\"}",
            ] {
                let head = "retry-after: 7\r\n";
                let server = answering(whole(status, head, body).into_bytes()).await;
                let run = run_of(dialect, &server).await;
                let name = format!("{} {status} {body}", dialect.label);
                let fault = fault(&run);
                assert_eq!(fault.class, expected, "{name}: {fault:?}");
                assert_eq!(fault.status, status[..3].parse().ok(), "{name}");
                assert_eq!(fault.retry_after_ms, Some(7_000), "{name}");
                assert_eq!(
                    body.contains("said so"),
                    fault.message == "said so",
                    "{name}: {fault:?}"
                );
                assert_eq!(server.accepted(), 1, "{name}: nothing is sent twice");
            }
        }
    }
}

#[tokio::test]
async fn f35_a_redirect_gets_neither_the_key_nor_the_question() {
    for dialect in dialects() {
        let other = serve(|mut stream, _| async move {
            gone(&mut stream).await;
        })
        .await;
        for status in [
            "301 Moved",
            "303 See Other",
            "307 Temporary",
            "308 Permanent",
        ] {
            let head = format!("location: {}steal\r\n", other.url());
            let server = answering(whole(status, &head, "").into_bytes()).await;
            let run = run_of(dialect, &server).await;
            assert_eq!(class(&run), (C::Protocol, P::Headers), "{}", dialect.label);
        }
        assert_eq!(other.accepted(), 0, "{}", dialect.label);
    }
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
                content_type(dialect)
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
