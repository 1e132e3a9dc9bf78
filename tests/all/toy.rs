//! A dialect small enough to hold in the head, and runs in it: each line is a piece of text, `:` a
//! keep-alive, `~…` reasoning, `!…` a provider's fault, `END` the end.

use std::sync::Arc;

use serde_json::json;
use tokenscope::{
    body::{Decoder, ResponseHead},
    chat::ChatRequest,
    dialect::{Dialect, DialectId, WireFormat},
    endpoint::{Endpoint, TargetId},
    event::{Event, Fault, FaultClass, Finish, FinishReason, Phase},
    run::{Origin, Run, RunHead, RunId, RunSpec, RunUpdate, execute_in},
    transport::{ConnectOptions, Timeouts, Transport},
};
use tokio_util::sync::CancellationToken;

use crate::deadline::soon;

pub static TOY: Dialect = Dialect {
    id: DialectId::OpenaiChat,
    label: "Toy",
    key_header: None,
    base_path: "/v1",
    places: &[],
    on_google_cloud: false,
    efforts: &[],
    asks_to_cache: false,
    chat_url: |base, _| base.join("chat").unwrap(),
    operation_url: |base, _, operation| base.join(operation).unwrap(),
    models_url: |base| base.join("models").unwrap(),
    headers: &[],
    encode: |request| json!({ "model": request.model, "messages": request.messages }),
    fit: None,
    wire: WireFormat::Json,
    decoder: |head| {
        Box::new(ToyDecoder {
            head: head.clone(),
            line: Vec::new(),
            done: false,
        })
    },
    models: |_| Ok(Vec::new()),
    serve: None,
};

struct ToyDecoder {
    head: ResponseHead,
    line: Vec<u8>,
    done: bool,
}

impl ToyDecoder {
    fn take_line(&mut self) -> Vec<Event> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
        let text = line[1.min(line.len())..].to_owned();
        match line.chars().next() {
            _ if line == "END" => {
                self.done = true;
                let reason = FinishReason::Stop;
                let raw = "stop".into();
                vec![Event::Finish(Finish { reason, raw }), Event::Done]
            }
            Some(':') => vec![Event::keep_alive()],
            Some('~') => vec![Event::Reasoning { text }],
            Some('!') => {
                let fault = Fault::new(FaultClass::Provider, Phase::Stream, text);
                vec![Event::Fault(fault)]
            }
            _ => vec![Event::Text { text: line }],
        }
    }
}

impl Decoder for ToyDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
            } else if self.head.status == 200 {
                out.extend(self.take_line());
            }
        }
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        let class = match self.head.status {
            200 if self.done => return,
            200 => FaultClass::Interrupted,
            401 | 403 => FaultClass::Auth,
            404 => FaultClass::NotFound,
            429 => FaultClass::RateLimited,
            503 | 529 => FaultClass::Overloaded,
            400..500 => FaultClass::BadRequest,
            _ => FaultClass::Provider,
        };
        let text = String::from_utf8_lossy(&self.line).into_owned();
        if self.head.status == 200 && !text.is_empty() {
            out.push(Event::Text { text: text.clone() });
        }
        out.push(Event::Fault(Fault {
            retry_after_ms: self.head.retry_after_ms,
            ..Fault::new(class, Phase::Headers, text)
        }));
    }
}

/// An endpoint at this URL, with limits that no test reaches unless it sets them.
pub fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        label: "Toy".into(),
        allow_http: true,
        connect: ConnectOptions {
            timeouts: limits(0, 0, 0, 60_000),
            ..ConnectOptions::default()
        },
        ..Endpoint::custom("toy", url.parse().unwrap(), DialectId::OpenaiChat)
    }
}

pub fn limits(connect_ms: u64, first_token_ms: u64, idle_ms: u64, total_ms: u64) -> Timeouts {
    Timeouts {
        connect_ms,
        first_token_ms,
        idle_ms,
        total_ms,
    }
}

/// An endpoint with these limits.
pub fn limited(url: &str, timeouts: Timeouts) -> Endpoint {
    let mut endpoint = endpoint(url);
    endpoint.connect.timeouts = timeouts;
    endpoint
}

/// The key that no server and no message may see where it doesn't belong.
pub const CANARY: &str = "sk-canary-7f3a9";

pub fn ask(endpoint: Endpoint) -> RunSpec {
    let request = Arc::new(ChatRequest::of_text("model", "hello"));
    RunSpec {
        head: RunHead {
            id: RunId::new(),
            target: TargetId {
                endpoint: endpoint.id.clone(),
                model: request.model.clone(),
            },
            dialect: endpoint.dialect,
            route: String::new(),
            url: endpoint.base_url.to_string(),
            simulated: false,
            origin: Origin::Test,
            attempt: 1,
            request,
        },
        endpoint: Arc::new(endpoint),
        key: Some(CANARY.into()),
        proxy_password: None,
        no_key_reason: None,
        cold: false,
    }
}

/// Does one run on connections of its own and proves that its record is the fold of its updates.
pub async fn run(endpoint: Endpoint) -> Run {
    run_on(
        &Transport::default(),
        ask(endpoint),
        CancellationToken::new(),
    )
    .await
}

pub async fn run_on(transport: &Transport, ask: RunSpec, cancel: CancellationToken) -> Run {
    let head = ask.head.clone();
    let mut updates: Vec<RunUpdate> = Vec::new();
    let mut emit = |update| updates.push(update);
    let run = execute_in(&TOY, transport, ask, cancel, &mut emit);
    let run = soon("the run's end", run).await;
    let mut folded = Run::new(head);
    for update in &updates {
        folded.apply(update).unwrap();
    }
    assert_eq!(folded, run, "the record is the fold of the updates");
    assert!(run.state.is_over());
    assert!(!format!("{run:?}").contains(CANARY), "a key in a record");
    run
}

/// The run's fault; panics if it has none.
pub fn fault(run: &Run) -> &Fault {
    run.answer
        .fault
        .as_ref()
        .expect("the run should have failed")
}

/// Class and phase of the run's fault.
pub fn class(run: &Run) -> (FaultClass, Phase) {
    (fault(run).class, fault(run).phase)
}
