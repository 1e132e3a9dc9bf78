//! The load: streams over raw sockets, one request after another each.

use std::{net::SocketAddr, sync::Arc};

use tokio::net::TcpStream;

use crate::common::{
    closed_loop::{self, Ask},
    streams::{self, RawAnswer},
};

/// What is asked, and by how many streams.
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
        let (streams, requests) = (self.streams, self.requests);
        let answers = closed_loop::run(&Arc::new(self), streams, requests).await?;
        let with_index = |(index, RawAnswer { run, ttft })| Answer { index, run, ttft };
        Ok(answers.into_iter().map(with_index).collect())
    }
}

impl Ask for Load {
    type Answer = RawAnswer;

    async fn ask(&self, socket: &mut Option<TcpStream>, index: usize) -> anyhow::Result<RawAnswer> {
        streams::ask(socket, self.address, &(self.request)(index)).await
    }
}
