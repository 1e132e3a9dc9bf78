//! The load: streams over raw sockets, one request after another each.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{net::TcpStream, task::JoinSet};

use crate::streams::{self, RawAnswer};

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
        let RawAnswer { run, ttft } = streams::ask(socket, self.address, &request).await?;
        Ok(Answer { index, run, ttft })
    }
}
