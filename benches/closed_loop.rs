//! Streams in a closed loop: each sends its next request when its last one was answered.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{net::TcpStream, task::JoinSet};

/// How many streams ask the simulator's `sim-bench` at once.
#[derive(Clone, Copy)]
pub struct Level(pub usize);

impl Level {
    /// Requests in all: many rounds of few streams, few rounds of many.
    pub fn requests(self) -> usize {
        match self.0 {
            1..=10 => 60,
            11..=100 => 600,
            101..=500 => 2_000,
            n => n * 3,
        }
    }

    /// One stream at a time gives few figures a second, so its answers are short.
    pub fn tokens(self) -> u32 {
        if self.0 == 1 { 8 } else { 64 }
    }
}

/// The prompt of a request: it seeds the schedule, so that all clients meet the same ones.
pub fn prompt(number: usize) -> String {
    format!("request {number}")
}

/// Who asks.
pub trait Ask: Send + Sync + 'static {
    /// What comes of a request.
    type Answer: Send + 'static;

    /// Sends the request with this place in the order of starting; `socket` is the stream's own, for a client that has one.
    fn ask(
        &self,
        socket: &mut Option<TcpStream>,
        index: usize,
    ) -> impl Future<Output = anyhow::Result<Self::Answer>> + Send;
}

/// Keeps the streams going until all requests were answered; gives each answer with its place in the order of starting.
pub async fn run<A: Ask>(
    asking: &Arc<A>,
    streams: usize,
    requests: usize,
) -> anyhow::Result<Vec<(usize, A::Answer)>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..streams {
        let (next, asking) = (Arc::clone(&next), Arc::clone(asking));
        tasks.spawn(async move {
            let (mut answers, mut socket) = (Vec::new(), None);
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= requests {
                    return anyhow::Ok(answers);
                }
                answers.push((index, asking.ask(&mut socket, index).await?));
            }
        });
    }
    let mut answers = Vec::new();
    while let Some(done) = tasks.join_next().await {
        answers.extend(done??);
    }
    Ok(answers)
}
