//! A server that answers at once: 64 tokens, one write each, in the protocol of the path.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const TOKENS: usize = 64;

/// It in a process of its own; dropping it stops it.
pub struct Flood {
    child: Child,
    pub address: SocketAddr,
}

impl Flood {
    pub fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("flood")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().context("no stdout")?;
        BufReader::new(out).read_line(&mut line)?;
        Ok(Self {
            child,
            address: line.trim().parse()?,
        })
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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
        let Some(end) = request_end(&bytes) else {
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

/// The length of the first whole request.
fn request_end(bytes: &[u8]) -> Option<usize> {
    let head = memmem::find(bytes, b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
    let length: usize = length
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    (bytes.len() >= head + length).then_some(head + length)
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
