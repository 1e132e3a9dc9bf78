//! What goes over the wire of a run is kept, saved, shown and replayed, without loss and without secrets.

mod ends;
mod formats;
mod kept;
mod replayed;

use std::sync::Arc;

use tokenscope::{
    capture::{Capture, CapturedBody, CapturedRead, CapturedResponse, CapturedRun, Headers, Speed},
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    history::{History, KeptCapture},
    replay::{ReplayOptions, ReplayServer},
    run::{Origin, Run, RunHead, RunId, RunSpec, RunUpdate, Stamps, execute},
    transport::Transport,
};
use tokio_util::sync::CancellationToken;

use crate::{deadline::soon, home::Home};

/// A capture of a response with this body, which came in pieces of this size, a millisecond apart.
pub fn of_body(dialect: DialectId, status: u16, body: &[u8], size: usize) -> Capture {
    let mut end = 0;
    let reads = body.chunks(size).enumerate().map(|(number, piece)| {
        end += piece.len();
        CapturedRead {
            at: 50_000_000 + number as u64 * 1_000_000,
            delay: None,
            is_at_most: false,
            end,
        }
    });
    let reads: Vec<CapturedRead> = reads.collect();
    let stamps = Stamps {
        started_unix_ns: 1_796_025_600_000_000_000,
        request_sent: Some(1_000_000),
        headers: Some(49_000_000),
        closed: Some(50_000_000 + reads.len() as u64 * 1_000_000),
        ..Stamps::default()
    };
    Capture {
        run: CapturedRun {
            id: RunId::new(),
            target: "fixture/m".parse().unwrap(),
            dialect,
            route: String::new(),
            origin: Origin::Terminal,
            simulated: false,
            attempt: 1,
            choices: 1,
            connection: None,
            stamps,
        },
        request: None,
        response: Some(CapturedResponse {
            status,
            http_version: "HTTP/1.1".into(),
            headers: Headers::default(),
            body: CapturedBody::whole(body.to_vec()),
            reads,
            trailers: Headers::default(),
        }),
        fault: None,
    }
}

/// Asks an endpoint once, on connections of its own, and gives the run with what the history of this home kept of its
/// wire.
pub async fn asked(home: &Home, endpoint: Endpoint, model: &str) -> (Run, KeptCapture) {
    let history = History::open(&home.paths().data);
    let request = Arc::new(ChatRequest::of_text(model, "a question"));
    let head = RunHead::new(RunId::new(), &endpoint, request, Origin::Test);
    let id = head.id;
    history.begin(&Run::new(head.clone()));
    let spec = RunSpec {
        head,
        endpoint: Arc::new(endpoint),
        key: None,
        proxy_password: None,
        no_key_reason: None,
        cold: true,
    };
    let mut keep = |update: RunUpdate| history.record(id, update);
    let transport = Transport::default();
    let run = execute(&transport, spec, CancellationToken::new(), &mut keep);
    let run = soon("the run's end", run).await;
    history.finish(run.clone());
    let kept = history.capture(id).await.unwrap();
    soon("the history's end", history.end()).await.unwrap();
    (run, kept)
}

/// The capture that was kept.
pub fn whole(kept: KeptCapture) -> Capture {
    match kept {
        KeptCapture::Kept(capture) => *capture,
        gone => panic!("{:?}", gone.why_gone()),
    }
}

/// Serves a capture, and an endpoint that asks it.
pub async fn served(capture: &Capture, speed: Speed) -> (ReplayServer, Endpoint) {
    let options = ReplayOptions {
        address: "127.0.0.1:0".parse().unwrap(),
        speed,
        log: None,
    };
    let server = ReplayServer::start(capture.clone(), options).await.unwrap();
    let dialect = capture.run.dialect;
    let mut endpoint = Endpoint::custom("replay", server.base_url(dialect), dialect);
    endpoint.auth = Auth::None;
    endpoint.connect.timeouts.first_token_ms = 60_000;
    (server, endpoint)
}
