//! A server that answers at once: 64 tokens, one write each, in the protocol of the path.

use std::net::SocketAddr;

use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::common::{
    process::{Process, this_program},
    streams::request_length,
};

const TOKENS: usize = 64;

/// It in a process of its own; dropping it stops it.
pub struct Flood {
    _process: Process,
    pub address: SocketAddr,
}

impl Flood {
    pub fn start() -> anyhow::Result<Self> {
        let (process, line) = Process::serving(&mut this_program(&["flood"])?)?;
        Ok(Self {
            _process: process,
            address: line.parse()?,
        })
    }
}

pub async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that leaves ends its connection.
            let _ = answer(stream).await;
        });
    }
}

async fn answer(mut stream: TcpStream) -> anyhow::Result<()> {
    let answers = [openai(), gemini(), anthropic()];
    let mut bytes = Vec::new();
    loop {
        let Some(end) = request_length(&bytes) else {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let path = bytes.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let which = if memmem::find(path, b"GenerateContent").is_some() {
            1
        } else {
            usize::from(memmem::find(path, b"/messages").is_some()) * 2
        };
        for write in &answers[which] {
            stream.write_all(write).await?;
        }
        bytes.drain(..end);
    }
}

fn stream(events: impl Iterator<Item = String>) -> Vec<Vec<u8>> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = |event: String| format!("{:x}\r\n{event}\r\n", event.len()).into_bytes();
    let mut writes: Vec<Vec<u8>> = events.map(chunk).collect();
    writes.insert(0, head.as_bytes().to_vec());
    if let Some(last) = writes.last_mut() {
        last.extend_from_slice(b"0\r\n\r\n");
    }
    writes
}

fn openai() -> Vec<Vec<u8>> {
    let event = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let tokens = (0..TOKENS).map(move |_| event("{\"content\":\" token\"}", "null"));
    let end = event("{}", "\"stop\"") + "data: [DONE]\n\n";
    stream(tokens.chain([end]))
}

fn gemini() -> Vec<Vec<u8>> {
    let event = |text: &str, end: &str| {
        format!(
            "data: {{\"candidates\":[{{\"content\":{{\"role\":\"model\",\"parts\":[{{\"text\":\"{text}\"}}]}}{end}}}],\"modelVersion\":\"m\",\"responseId\":\"c\"}}\n\n"
        )
    };
    let tokens = (0..TOKENS).map(move |_| event(" token", ""));
    stream(tokens.chain([event("", ",\"finishReason\":\"STOP\"")]))
}

fn anthropic() -> Vec<Vec<u8>> {
    let event =
        |name: &str, rest: &str| format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n");
    let start = event(
        "message_start",
        ",\"message\":{\"id\":\"c\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}",
    ) + &event(
        "content_block_start",
        ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}",
    );
    let delta = ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" token\"}";
    let tokens = (0..TOKENS).map(move |_| event("content_block_delta", delta));
    let end = event("content_block_stop", ",\"index\":0")
        + &event(
            "message_delta",
            ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":64}",
        )
        + &event("message_stop", "");
    stream([start].into_iter().chain(tokens).chain([end]))
}
