//! Benchmark: what a token costs from a read's bytes to its event, in each dialect of text.
//!
//! A seeded answer of 20,000 tokens, one an event, is decoded as it would come: a read for each event, or for sixteen
//! of them. Beside the decoder stand, on the same bytes in the same run: our framing alone, `eventsource-stream` alone,
//! a typed pass of `serde_json` over each event's data, and a bare loop, which finds lines, makes such a pass and keeps
//! the text. All in CPU time of this thread, the median of nine passes, since the machine may be busy.
//!
//! A second table has whole runs over loopback, HTTP/1.1, from the request to the record of the run, beside the bare loop
//! over reqwest: the server is a thread of its own, and writes each read as a chunk of HTTP as fast as it can, so that
//! the client hardly ever waits. What a wake costs is not in it. The same runs are made with the history on, as the
//! engine keeps it, until all is on disk: there the CPU time is that of all threads but the server's.
//!
//! `cargo bench --no-default-features --features grpc --bench decode`

#![allow(
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and its numbers are small"
)]
#![allow(missing_docs, reason = "nothing here is public")]

#[path = "asked.rs"]
mod asked;
#[path = "cpu.rs"]
#[allow(dead_code, reason = "the clocks alone are used")]
mod cpu;

use std::{
    borrow::Cow,
    convert::Infallible,
    hint::black_box,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use asked::Message;
use cpu::{cpu_ns, process_cpu_ns};
use eventsource_stream::EventStream;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde::Deserialize;
use tokenscope::{
    body::{
        ResponseHead,
        sse::{Sse, SseFrame},
    },
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::Endpoint,
    event::Event,
    history::History,
    run::{Run, execute},
    transport::Transport,
};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const TOKENS: usize = 20_000;
const PASSES: usize = 9;

/// How a dialect writes an answer.
struct Written {
    dialect: DialectId,
    /// What stands before the tokens.
    head: &'static str,
    /// The event of a token, `WORD` in its text's place.
    token: &'static str,
    tail: &'static str,
    /// The text of an event's data by a typed pass.
    typed: fn(&str) -> Option<Cow<'_, str>>,
}

/// As each provider writes it; the first few and the last events, as far as they are needed.
const WRITTEN: &[Written] = &[
    Written {
        dialect: DialectId::OpenaiChat,
        head: "",
        token: r#"data: {"id":"chatcmpl-C4vTqLm9Zk2xWb7yRn1sDf","object":"chat.completion.chunk","created":1767225600,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_f85bea6784","choices":[{"index":0,"delta":{"content":"WORD"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x8KpQ"}

"#,
        tail: "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        typed: asked::chunk_text,
    },
    Written {
        dialect: DialectId::OpenaiResponses,
        head: r#"event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"type":"message","id":"msg_68a1b2c3d4e5f60718293a4b5c6d7e8f","role":"assistant","status":"in_progress","content":[]}}

"#,
        token: r#"event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":4711,"item_id":"msg_68a1b2c3d4e5f60718293a4b5c6d7e8f","output_index":0,"content_index":0,"delta":"WORD","logprobs":[],"obfuscation":"x8KpQ"}

"#,
        tail: "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n",
        typed: |data| serde_json::from_str::<ResponseEvent<'_>>(data).ok()?.delta,
    },
    Written {
        dialect: DialectId::Anthropic,
        head: r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":12,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

"#,
        token: r#"event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"WORD"}}

"#,
        tail: "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        typed: |data| serde_json::from_str::<Block<'_>>(data).ok()?.delta.text,
    },
    Written {
        dialect: DialectId::Gemini,
        head: "",
        token: r#"data: {"candidates":[{"content":{"parts":[{"text":"WORD"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":5,"totalTokenCount":9},"modelVersion":"gemini-2.5-flash","responseId":"V4hZaLmNKbWjvdIP9KeZ2Ac"}

"#,
        tail: "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}]}\n\n",
        typed: |data| {
            let mut response: Response<'_> = serde_json::from_str(data).ok()?;
            response.candidates.pop()?.content.parts.pop()?.text
        },
    },
    Written {
        dialect: DialectId::Ollama,
        head: "",
        token: r#"{"model":"llama3.2:latest","created_at":"2026-01-02T03:04:05.678901Z","message":{"role":"assistant","content":"WORD"},"done":false}
"#,
        tail: "{\"model\":\"llama3.2:latest\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n",
        typed: |data| serde_json::from_str::<Line<'_>>(data).ok()?.message.content,
    },
];

#[derive(Deserialize)]
struct ResponseEvent<'a> {
    #[serde(borrow)]
    delta: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    delta: Part<'a>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    candidates: Vec<Candidate<'a>>,
}

#[derive(Deserialize)]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Content<'a>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

/// An answer on the wire, read by read.
struct Stream {
    written: &'static Written,
    reads: Vec<Vec<u8>>,
}

impl Stream {
    /// The answer with so many tokens a read.
    fn of(written: &'static Written, tokens_a_read: usize) -> Self {
        let mut dice = 1_u64;
        let mut word = || {
            const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzetaoin";
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let letter = |n| char::from(LETTERS[(dice >> (5 * n) & 31) as usize]);
            let letters = (0..3 + (dice >> 60)).map(letter);
            format!(" {}", letters.take(10).collect::<String>())
        };
        let events: Vec<String> = (0..TOKENS)
            .map(|_| written.token.replace("WORD", &word()))
            .collect();
        let tokens = events.chunks(tokens_a_read).map(<[String]>::concat);
        let reads = [written.head.to_owned()]
            .into_iter()
            .chain(tokens)
            .chain([written.tail.to_owned()]);
        Self {
            written,
            reads: reads
                .filter(|read| !read.is_empty())
                .map(String::into_bytes)
                .collect(),
        }
    }

    fn is_sse(&self) -> bool {
        self.written.dialect != DialectId::Ollama
    }

    /// All of it, through the dialect's decoder; gives how many tokens there were.
    fn decoded(&self) -> usize {
        let head = ResponseHead {
            status: 200,
            ..ResponseHead::default()
        };
        let mut decoder = (self.written.dialect.dialect().decoder)(&head);
        let (mut events, mut tokens) = (Vec::new(), 0);
        for read in &self.reads {
            decoder.push(read, &mut events);
            tokens += events
                .drain(..)
                .filter(|event| black_box(event).is_token())
                .count();
        }
        decoder.end(&mut events);
        assert!(
            !events.iter().any(|event| matches!(event, Event::Fault(_))),
            "{events:?}"
        );
        tokens
    }

    /// The events that our framing finds.
    fn framed(&self) -> usize {
        let (mut sse, mut frames, mut count) = (Sse::default(), Vec::new(), 0);
        for read in &self.reads {
            sse.push(read, &mut frames);
            let events = frames
                .drain(..)
                .filter(|frame| matches!(black_box(frame), SseFrame::Event { .. }));
            count += events.count();
        }
        count
    }

    /// The events that `eventsource-stream` finds.
    fn framed_by_crate(&self) -> usize {
        let reads = stream::iter(self.reads.iter().map(Ok::<_, Infallible>));
        let mut events = EventStream::new(reads);
        let mut count = 0;
        while let Some(Some(event)) = events.next().now_or_never() {
            black_box(event).expect("the stream is well-formed");
            count += 1;
        }
        count
    }

    /// The data of each token's event.
    fn data(&self) -> Vec<&str> {
        let text = |read| std::str::from_utf8(read).expect("it was made of text");
        let lines = self.reads.iter().flat_map(|read| text(read).lines());
        lines
            .filter_map(data_of)
            .filter(|data| (self.written.typed)(data).is_some())
            .collect()
    }

    /// Finds lines, makes a typed pass and keeps the text.
    fn bare(&self) -> usize {
        let (mut answer, mut count) = (String::new(), 0);
        for read in &self.reads {
            let text = std::str::from_utf8(read).expect("it was made of text");
            for data in text.split('\n').filter_map(data_of) {
                if let Some(text) = (self.written.typed)(data) {
                    answer.push_str(&text);
                    count += 1;
                }
            }
        }
        black_box(answer);
        count
    }
}

/// A server, and the CPU time of its threads for all requests but the last.
struct Server {
    address: SocketAddr,
    spent_ns: Arc<AtomicU64>,
}

/// A server that answers every request with the same reads.
fn serve(stream: &Stream) -> std::io::Result<Server> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let kind = if stream.is_sse() {
        "text/event-stream"
    } else {
        "application/x-ndjson"
    };
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n")
            .into_bytes();
    for read in &stream.reads {
        answer.extend(format!("{:x}\r\n", read.len()).bytes());
        answer.extend_from_slice(read);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    let (answer, spent_ns) = (Arc::new(answer), Arc::new(AtomicU64::new(0)));
    let spent = Arc::clone(&spent_ns);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (answer, spent) = (Arc::clone(&answer), Arc::clone(&spent));
            thread::spawn(move || answer_all(&client, &answer, &spent));
        }
    });
    Ok(Server { address, spent_ns })
}

/// Answers the requests of a connection until it is closed.
fn answer_all(mut client: &TcpStream, answer: &[u8], spent: &AtomicU64) -> std::io::Result<()> {
    let mut requests = BufReader::new(client);
    let mut counted = 0;
    loop {
        let now = cpu_ns();
        spent.fetch_add(now - std::mem::replace(&mut counted, now), Relaxed);
        let mut length = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(stated) = line.strip_prefix("content-length:") {
                length = stated.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        std::io::copy(&mut requests.by_ref().take(length), &mut std::io::sink())?;
        client.write_all(answer)?;
    }
}

/// One run from its request to its record, which the history keeps if there is one; gives how many tokens there were.
async fn run(transport: &Transport, endpoint: &Arc<Endpoint>, history: Option<&History>) -> usize {
    let ask = asked::spec(endpoint, ChatRequest::of_text("m", "hello"), false);
    let id = ask.head.id;
    if let Some(history) = history {
        history.begin(&Run::new(ask.head.clone()));
    }
    let mut updates = |update| {
        if let Some(history) = history {
            history.record(id, update);
        } else {
            black_box(update);
        }
    };
    let run = execute(transport, ask, CancellationToken::new(), &mut updates).await;
    assert!(run.answer.fault.is_none(), "{:?}", run.answer.fault);
    let count = run.reads.iter().map(|read| read.tokens as usize).sum();
    if let Some(history) = history {
        history.finish(Arc::new(run));
    }
    count
}

/// Nanoseconds of CPU time a token with the history on: of some runs until all of them are on disk.
fn cost_with_history(
    runtime: &Runtime,
    transport: &Transport,
    endpoint: &Arc<Endpoint>,
    server: &Server,
) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let history = History::open(folder.path());
    let client_ns = || process_cpu_ns() - server.spent_ns.load(Relaxed);
    let begun = client_ns();
    for _ in 0..PASSES {
        let count = runtime.block_on(run(transport, endpoint, Some(&history)));
        assert!(count >= TOKENS, "{count} of {TOKENS} tokens");
    }
    (runtime.block_on(history.end())).expect("all is stored");
    (client_ns() - begun) as f64 / (PASSES * TOKENS) as f64
}

/// The bare loop over reqwest.
async fn bare_run(client: &reqwest::Client, address: SocketAddr, written: &Written) -> usize {
    let request = client.post(format!("http://{address}/")).body("{}");
    let mut response = request.send().await.expect("the server answers");
    let (mut answer, mut count, mut begun) = (String::new(), 0, Vec::new());
    while let Some(chunk) = response.chunk().await.expect("the answer is whole") {
        begun.extend_from_slice(&chunk);
        let end = begun
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let text = std::str::from_utf8(&begun[..end]).expect("it was made of text");
        for data in text.split('\n').filter_map(data_of) {
            if let Some(text) = (written.typed)(data) {
                answer.push_str(&text);
                count += 1;
            }
        }
        begun.drain(..end);
    }
    black_box(answer);
    count
}

/// Prints what a token of a whole run costs.
fn print_runs(runtime: &Runtime, stream: &Stream, tokens_a_read: usize) -> std::io::Result<()> {
    let (written, server) = (stream.written, serve(stream)?);
    let address = server.address;
    let url = format!("http://{address}").parse().expect("a URL");
    let endpoint = Arc::new(Endpoint::custom("bench", url, written.dialect));
    let transport = Transport::default();
    let ours = cost(|| runtime.block_on(run(&transport, &endpoint, None)));
    let stored = cost_with_history(runtime, &transport, &endpoint, &server);
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let bare = cost(|| runtime.block_on(bare_run(&client, address, written)));
    println!(
        "{:<17} {tokens_a_read:>5} {ours:>7.0} {:>11.0} {bare:>7.0} {:>11.0} {:>6.2} {stored:>7.0} {:>11.0}",
        written.dialect.as_str(),
        1e9 / ours,
        1e9 / bare,
        ours / bare,
        1e9 / stored,
    );
    Ok(())
}

fn data_of(line: &str) -> Option<&str> {
    let data = line.strip_prefix("data: ").or(Some(line));
    data.filter(|data| data.starts_with('{'))
}

/// Nanoseconds of CPU time a token: the median of some passes.
fn cost(mut pass: impl FnMut() -> usize) -> f64 {
    let mut spent: Vec<u64> = (0..PASSES)
        .map(|_| {
            let begun = cpu_ns();
            let count = pass();
            let spent = cpu_ns() - begun;
            assert!(count >= TOKENS, "{count} of {TOKENS} tokens");
            spent
        })
        .collect();
    spent.sort_unstable();
    spent[PASSES / 2] as f64 / TOKENS as f64
}

fn main() -> std::io::Result<()> {
    println!(
        "{TOKENS} tokens, one an event; nanoseconds of CPU a token, medians of {PASSES} passes\n"
    );
    println!(
        "{:<17} {:>5} {:>7} {:>11} {:>7} {:>7} {:>6} {:>7} {:>7} {:>6}",
        "dialect",
        "/read",
        "decoder",
        "tokens/s",
        "framing",
        "es-str.",
        "ratio",
        "typed",
        "bare",
        "ratio"
    );
    for written in WRITTEN {
        for tokens_a_read in [1, 16] {
            let stream = Stream::of(written, tokens_a_read);
            let decoder = cost(|| stream.decoded());
            let (framing, by_crate) = if stream.is_sse() {
                (cost(|| stream.framed()), cost(|| stream.framed_by_crate()))
            } else {
                (f64::NAN, f64::NAN)
            };
            let data = stream.data();
            let typed = cost(|| {
                data.iter()
                    .filter(|data| black_box((written.typed)(data)).is_some())
                    .count()
            });
            let bare = cost(|| stream.bare());
            println!(
                "{:<17} {tokens_a_read:>5} {decoder:>7.0} {:>11.0} {framing:>7.0} {by_crate:>7.0} {:>6.2} {typed:>7.0} {bare:>7.0} {:>6.2}",
                written.dialect.as_str(),
                1e9 / decoder,
                framing / by_crate,
                decoder / bare,
            );
        }
    }
    println!(
        "\nratio: our framing against eventsource-stream, the decoder against the bare loop\n"
    );
    println!(
        "{:<17} {:>5} {:>7} {:>11} {:>7} {:>11} {:>6} {:>7} {:>11}",
        "whole runs",
        "/read",
        "run",
        "tokens/s",
        "reqwest",
        "tokens/s",
        "ratio",
        "history",
        "tokens/s"
    );
    // reqwest asks for one, though nothing here is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for written in WRITTEN {
        for tokens_a_read in [1, 16] {
            print_runs(&runtime, &Stream::of(written, tokens_a_read), tokens_a_read)?;
        }
    }
    Ok(())
}
