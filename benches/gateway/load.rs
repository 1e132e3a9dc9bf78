//! The load: streams over raw sockets, one request after another each.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Context as _, ensure};
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// What is asked, and by how many streams.
#[derive(Clone)]
pub struct Load {
    pub address: SocketAddr,
    /// Makes the bytes of a request from its number.
    pub request: Arc<dyn Fn(usize) -> String + Send + Sync>,
    pub streams: usize,
    pub requests: usize,
}

/// What came of a request.
pub struct Answer {
    /// Its place in the order of starting.
    pub index: usize,
    /// The simulator's number of it, where its header comes through.
    pub run: Option<u64>,
    /// Nanoseconds to the first token.
    pub ttft: u64,
}

impl Load {
    /// Keeps the streams going until all requests were answered.
    pub async fn run(self) -> anyhow::Result<Vec<Answer>> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..self.streams {
            let (next, load) = (Arc::clone(&next), self.clone());
            tasks.spawn(async move {
                let (mut answers, mut socket) = (Vec::new(), None);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= load.requests {
                        return anyhow::Ok(answers);
                    }
                    answers.push(load.ask(&mut socket, index).await?);
                }
            });
        }
        let mut answers = Vec::new();
        while let Some(done) = tasks.join_next().await {
            answers.extend(done??);
        }
        Ok(answers)
    }

    async fn ask(&self, socket: &mut Option<TcpStream>, index: usize) -> anyhow::Result<Answer> {
        let request = (self.request)(index);
        let started = Instant::now();
        let socket = match socket {
            Some(socket) => socket,
            none => {
                let socket = TcpStream::connect(self.address).await?;
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
            ensure!(
                read > 0,
                "the connection was closed: {}",
                String::from_utf8_lossy(&bytes)
            );
            if ttft.is_none() && has_content(&bytes) {
                ttft = Some(at);
            }
        }
        let run = memmem::find(&bytes, b"x-sim-run: ").map(|at| {
            let rest = &bytes[at + 11..];
            let digits: Vec<u8> = rest
                .iter()
                .copied()
                .take_while(u8::is_ascii_digit)
                .collect();
            String::from_utf8_lossy(&digits).into_owned()
        });
        let ttft =
            ttft.with_context(|| format!("no token: {}", String::from_utf8_lossy(&bytes)))?;
        Ok(Answer {
            index,
            run: run.and_then(|run| run.parse().ok()),
            ttft: u64::try_from(ttft.as_nanos())?,
        })
    }
}

/// Whether a first piece of text came: `"content":"` with something after it.
fn has_content(bytes: &[u8]) -> bool {
    let mut places = memmem::find_iter(bytes, b"\"content\":");
    places.any(|at| {
        let rest = bytes[at + 10..].trim_ascii_start();
        rest.len() >= 2 && rest[0] == b'"' && rest[1] != b'"'
    })
}
