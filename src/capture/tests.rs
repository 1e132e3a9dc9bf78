//! Captures for tests.

use super::{
    Capture, CapturedBody, CapturedRead, CapturedRequest, CapturedResponse, CapturedRun, Headers,
};
use crate::{
    dialect::DialectId,
    event::{Fault, FaultClass, Phase},
    run::{ConnectionKind, Link, Origin, RunId, Span, Stamps},
};

fn headers(pairs: &[(&str, &str)]) -> Headers {
    Headers(
        pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
    )
}

/// A capture whose body came in pieces of this size.
pub(crate) fn of(dialect: DialectId, status: u16, kind: &str, body: &[u8], size: usize) -> Capture {
    let mut reads = Vec::new();
    let mut end = 0;
    while end < body.len() {
        end = (end + size).min(body.len());
        let n = reads.len() as u64;
        reads.push(CapturedRead {
            at: 2_000_000_123 + n * 7_000_001,
            delay: n.is_multiple_of(2).then_some(31_000),
            is_at_most: n.is_multiple_of(4),
            end,
        });
    }
    let stamps = Stamps {
        started_unix_ns: 1_796_025_600_123_456_789,
        dns: Some(Span {
            begin: 10,
            end: 1_000_010,
        }),
        tcp: Some(Span {
            begin: 1_000_010,
            end: 3_000_010,
        }),
        tls: Some(Span {
            begin: 3_000_010,
            end: 9_000_010,
        }),
        request_sent: Some(9_100_010),
        headers: Some(1_900_000_123),
        first_byte: reads.first().map(|read| read.at),
        closed: Some(9_000_000_000),
        link: Some(Link {
            id: 3,
            uses: 1,
            ..Link::default()
        }),
        ..Stamps::default()
    };
    Capture {
        run: CapturedRun {
            id: RunId(1_883_214_567_890_123_456),
            target: "here/m/with-slash".parse().unwrap(),
            dialect,
            route: "direct".into(),
            origin: Origin::Terminal,
            simulated: true,
            attempt: 2,
            choices: 1,
            connection: Some(ConnectionKind::Cold),
            stamps,
        },
        request: Some(CapturedRequest {
            method: "POST".into(),
            url: "https://host.example/v1/chat?key=%E2%80%A2".into(),
            headers: headers(&[
                ("host", "host.example"),
                ("authorization", "Bearer \u{2022}\u{2022}\u{2022}"),
                ("x-a", ""),
                ("x-a", "2"),
            ]),
            body: CapturedBody::whole("{\"model\":\"m\",\"text\":\"\u{202e}é中👩\"}"),
        }),
        response: Some(CapturedResponse {
            status,
            http_version: "HTTP/1.1".into(),
            headers: headers(&[
                ("content-type", kind),
                ("set-cookie", "\u{2022}\u{2022}\u{2022}"),
            ]),
            body: CapturedBody::whole(body.to_vec()),
            reads,
            trailers: Headers::default(),
        }),
        fault: None,
    }
}

/// A stream of `openai-chat` in pieces that end anywhere, within characters too.
pub(super) fn streamed() -> Capture {
    let chunk = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let mut body: String = ["H", "é", "中👩", "\u{202e}x"].map(chunk).concat();
    body += ": ping\n\ndata: [DONE]\n\n";
    of(
        DialectId::OpenaiChat,
        200,
        "text/event-stream",
        body.as_bytes(),
        7,
    )
}

/// Captures of every shape, each with a name.
pub(super) fn all() -> Vec<(&'static str, Capture)> {
    let streamed = streamed();
    let error = b"{\"error\":{\"message\":\"no\"}}";
    let mut failed = of(DialectId::OpenaiChat, 401, "application/json", error, 100);
    failed.fault = Some(Fault {
        status: Some(401),
        code: Some("bad_key".into()),
        retry_after_ms: Some(3),
        ..Fault::new(FaultClass::Auth, Phase::Headers, "no")
    });
    let mut unanswered = streamed.clone();
    unanswered.response = None;
    unanswered.fault = Some(Fault::new(FaultClass::Dns, Phase::Dns, "no such host"));
    let mut unsent = unanswered.clone();
    unsent.request = None;
    unsent.run.connection = None;
    unsent.run.stamps = Stamps {
        closed: Some(0),
        ..Stamps::default()
    };
    let mut cut = streamed.clone();
    let mut withheld = streamed.clone();
    let mut binary = of(
        DialectId::OpenaiChat,
        200,
        "application/grpc",
        b"\0\0\0\0\x03\xff\xfe\0",
        3,
    );
    if let Some(response) = &mut cut.response {
        response.body.total += 1_000;
    }
    if let Some(response) = &mut withheld.response {
        response.reads.clear();
        response.body = CapturedBody {
            total: 77,
            is_withheld: true,
            ..CapturedBody::default()
        };
    }
    if let Some(response) = &mut binary.response {
        response.trailers = headers(&[("grpc-status", "0")]);
    }
    vec![
        ("streamed", streamed),
        ("failed", failed),
        ("unanswered", unanswered),
        ("unsent", unsent),
        ("cut", cut),
        ("withheld", withheld),
        ("binary", binary),
    ]
}
