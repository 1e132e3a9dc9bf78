//! What the benchmarks of streams share: a stream over a raw socket, a runtime, and how they are told what to do.

use std::{env, io, net::SocketAddr, time::Instant};

use anyhow::{Context as _, ensure};
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::{Builder, Runtime},
};

/// What came of a request over a raw socket.
pub struct RawAnswer {
    /// The simulator's number of it, where its header comes through.
    pub run: Option<u64>,
    /// Nanoseconds to the first token.
    pub ttft: u64,
}

pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

/// The words of an environment variable, which are separated by commas.
pub fn knob(name: &str, default: &str) -> Vec<String> {
    let text = env::var(name).unwrap_or_else(|_| default.to_owned());
    text.split(',').map(|word| word.trim().to_owned()).collect()
}

/// Sends the bytes of a request, and reads its chunked response. The socket is connected for the first one.
pub async fn ask(
    socket: &mut Option<TcpStream>,
    address: SocketAddr,
    request: &str,
) -> anyhow::Result<RawAnswer> {
    let started = Instant::now();
    let socket = match socket {
        Some(socket) => socket,
        none => {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            none.insert(socket)
        }
    };
    socket.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::with_capacity(16 << 10);
    let mut ttft = None;
    while !bytes.ends_with(b"\r\n0\r\n\r\n") {
        let read = socket.read_buf(&mut bytes).await?;
        let at = started.elapsed();
        let text = || String::from_utf8_lossy(&bytes);
        ensure!(read > 0, "the connection was closed: {}", text());
        if ttft.is_none() && has_content(&bytes) {
            ttft = Some(at);
        }
    }
    let ttft = ttft.with_context(|| format!("no token: {}", String::from_utf8_lossy(&bytes)))?;
    Ok(RawAnswer {
        run: run_number(&bytes),
        ttft: u64::try_from(ttft.as_nanos())?,
    })
}

/// How long the first request is, once all of it is there.
pub fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = memmem::find(bytes, b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| {
        let length = line.strip_prefix("content-length:")?;
        length.trim().parse::<usize>().ok()
    });
    let length = head + body.unwrap_or(0);
    (bytes.len() >= length).then_some(length)
}

fn run_number(bytes: &[u8]) -> Option<u64> {
    const HEADER: &[u8] = b"x-sim-run: ";
    let rest = &bytes[memmem::find(bytes, HEADER)? + HEADER.len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// Whether a first piece of text came: `"content":"` with something after it.
fn has_content(bytes: &[u8]) -> bool {
    let mut places = memmem::find_iter(bytes, b"\"content\":");
    places.any(|at| {
        let rest = bytes[at + 10..].trim_ascii_start();
        rest.len() >= 2 && rest[0] == b'"' && rest[1] != b'"'
    })
}
