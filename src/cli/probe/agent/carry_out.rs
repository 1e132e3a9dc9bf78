//! One bench of the agent, from its order to its end.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::{BenchAgent, SILENCE};
use crate::{
    bench::{
        BenchId, BenchRequest, columns,
        order::{AgentNews, AgentProgress},
        part::PartSection,
    },
    clock::now,
    engine::{BenchCommand, BenchNews, BenchPiece, BenchProgress, BenchStart, Command},
    price::Usd,
};

/// The furthest time at which a bench may begin.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A bench that the agent has taken. It is free for the next once this is dropped.
pub(super) struct BenchInHand {
    agent: Arc<BenchAgent>,
    id: BenchId,
    out: Sender<Bytes>,
    news: UnboundedReceiver<BenchNews>,
    stop: CancellationToken,
}

impl Drop for BenchInHand {
    fn drop(&mut self) {
        *self.agent.running() = None;
    }
}

impl BenchInHand {
    pub(super) fn new(
        agent: Arc<BenchAgent>,
        id: BenchId,
        out: Sender<Bytes>,
        news: UnboundedReceiver<BenchNews>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            agent,
            id,
            out,
            news,
            stop,
        }
    }

    /// Waits for its time on this machine's clock, runs it, and sends what is measured as it comes.
    pub(super) async fn carry_out(mut self, start: BenchStart, begin_unix_ns: i64) {
        self.tell(&AgentNews::Accepted { id: self.id }).await;
        if let Err(why) = self.wait_until(begin_unix_ns).await {
            self.tell(&AgentNews::Refused {
                why: why.to_owned(),
            })
            .await;
            return;
        }
        let (keeper, mut pieces) = unbounded_channel();
        self.send(BenchCommand::StartFor(start.into(), keeper));
        let mut is_stopping = false;
        loop {
            let silent_at = self.agent.silent_at();
            tokio::select! {
                Some(news) = self.news.recv() => {
                    if !self.take(news, &mut pieces).await {
                        return;
                    }
                }
                Some(piece) = pieces.recv() => self.pass_on(piece).await,
                () = self.stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    self.send(BenchCommand::Stop);
                }
                () = self.out.closed(), if !self.stop.is_cancelled() => self.stop.cancel(),
                () = tokio::time::sleep_until(silent_at.into()), if !self.stop.is_cancelled() => {
                    tracing::warn!("the driver of a bench was not heard for {SILENCE:?}: it is stopped");
                    self.stop.cancel();
                }
            }
        }
    }

    /// Waits for a time on this machine's clock.
    async fn wait_until(&self, unix_ns: i64) -> Result<(), &'static str> {
        let left = unix_ns.saturating_sub(self.agent.clock.unix_ns(now()));
        let left = Duration::from_nanos(u64::try_from(left).unwrap_or(0));
        if left > LONGEST_WAIT {
            return Err("it would begin too late: more than a minute from now");
        }
        tokio::select! {
            () = tokio::time::sleep(left) => Ok(()),
            () = self.stop.cancelled() => Err("it was stopped before it began"),
            () = self.out.closed() => Err("the driver has gone"),
        }
    }

    /// Takes what the engine says. Gives whether the bench goes on.
    async fn take(&self, news: BenchNews, pieces: &mut UnboundedReceiver<BenchPiece>) -> bool {
        match news {
            BenchNews::Progress(progress) => {
                self.tell(&AgentNews::Progress(of_progress(&progress)))
                    .await;
                return true;
            }
            BenchNews::Refused { fault, .. } => {
                let why = fault.to_string();
                self.tell(&AgentNews::Refused { why }).await;
            }
            BenchNews::Over {
                summary,
                first_fault,
                ..
            } => {
                // Their sender is gone by now.
                while let Some(piece) = pieces.recv().await {
                    self.pass_on(piece).await;
                }
                self.tell(&AgentNews::Over {
                    summary: Box::new((*summary).clone()),
                    first_fault: first_fault.map(|fault| fault.to_string()),
                })
                .await;
            }
        }
        false
    }

    async fn pass_on(&self, piece: BenchPiece) {
        match piece {
            BenchPiece::Began(at) => {
                let unix_ns = self.agent.clock.unix_ns(at);
                self.tell(&AgentNews::Began { unix_ns }).await;
            }
            BenchPiece::Requests(requests) => self.put(&requests).await,
        }
    }

    async fn put(&self, requests: &[BenchRequest]) {
        match columns::encode(requests) {
            Ok(block) => self.deliver(&PartSection::Block(block)).await,
            Err(error) => tracing::error!("requests of a bench can't be sent: {error}"),
        }
    }

    async fn tell(&self, news: &AgentNews) {
        // What has only strings and numbers can be written.
        if let Ok(json) = serde_json::to_vec(news) {
            self.deliver(&PartSection::News(json)).await;
        }
    }

    /// Sends a section. A driver that takes nothing for long is gone.
    async fn deliver(&self, section: &PartSection) {
        if self.out.is_closed() {
            return;
        }
        let sent = self.out.send(section.encode().into());
        if tokio::time::timeout(SILENCE, sent).await.is_err() {
            self.stop.cancel();
        }
    }

    fn send(&self, command: BenchCommand) {
        // An engine that has ended runs nothing.
        let _ = self.agent.commands.send(Command::Bench(command));
    }
}

fn of_progress(progress: &BenchProgress) -> AgentProgress {
    AgentProgress {
        elapsed_ms: progress.elapsed_ms,
        counts: progress.counts,
        faults: progress.faults.clone(),
        under_way: progress.under_way,
        rate: progress.rate,
        lag_max_ms: progress.lag_max_ms,
        cost_usd: progress.cost.map(Usd::dollars),
    }
}
