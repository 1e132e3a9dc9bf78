//! The load bench: workers on threads of their own, and one task that collects what they measured.
//!
//! In: [`BenchCommand`]s, the settings. Out: [`BenchNews`], and the bench in the history. Workers never wait for the
//! collector: it takes what is over from them a few times a second.

mod collect;
mod request;
mod shared;
mod store;
mod stored;
mod timer;
mod window;
mod worker;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::UnboundedSender;

use self::{
    collect::RunningBench,
    shared::{BenchParts, BenchShared},
};
pub use self::{
    stored::ReadBench,
    window::{BenchOpening, SavedBenchCommand},
};
use super::{
    Update,
    task::{self, EngineTask, TaskContext, TaskHandle},
};
use crate::{
    bench::{
        BenchId, BenchPlan, BenchRequest, BenchSummary, FaultCounts, RequestCounts, RequestSource,
        StopReason,
    },
    credential::RequestKeys,
    event::{Fault, FaultClass, Phase},
    price::Usd,
    settings::Settings,
};

/// How often what is over is collected from the workers.
const COLLECT: Duration = Duration::from_millis(250);

/// About the load bench. One runs at a time.
#[derive(Debug)]
pub enum BenchCommand {
    /// Runs a bench. [`BenchNews::Over`] or [`BenchNews::Refused`] follows.
    Start(Box<BenchStart>),
    /// The same, and hands its requests to whoever keeps them, while it runs. The sender is dropped before
    /// [`BenchNews::Over`] comes.
    StartFor(Box<BenchStart>, UnboundedSender<BenchPiece>),
    /// Sends nothing more, and ends what is under way. [`BenchNews::Over`] follows if one runs.
    Stop,
    /// About benches of the history.
    Saved(SavedBenchCommand),
}

/// What is handed over of a bench while it runs.
#[derive(Debug)]
pub enum BenchPiece {
    /// Its workers began: offset 0 of all its stamps. The first piece.
    Began(Instant),
    /// Requests that are over.
    Requests(Vec<BenchRequest>),
}

/// A bench to run.
pub struct BenchStart {
    /// Its key, made by the client.
    pub id: BenchId,
    /// What is sent when.
    pub plan: BenchPlan,
    /// What is asked.
    pub source: Arc<dyn RequestSource>,
}

impl fmt::Debug for BenchStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BenchStart")
            .field("id", &self.id)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// Updates about the load bench.
#[derive(Clone, Debug)]
pub enum BenchNews {
    /// A bench could not be run, and why.
    Refused {
        /// The bench.
        id: BenchId,
        /// Why.
        fault: Fault,
    },
    /// How it goes, twice a second.
    Progress(Box<BenchProgress>),
    /// It is over.
    Over {
        /// The bench.
        id: BenchId,
        /// What it found.
        summary: Arc<BenchSummary>,
        /// The first failure, with the provider's words.
        first_fault: Option<Fault>,
    },
}

/// How a bench goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BenchProgress {
    /// The bench.
    pub id: BenchId,
    /// Since the workers began, in milliseconds; 0 while they open connections.
    pub elapsed_ms: f64,
    /// Requests that count and are over, by how they ended.
    pub counts: RequestCounts,
    /// Failures by their class.
    pub faults: FaultCounts,
    /// Requests under way.
    pub under_way: u64,
    /// Requests sent a second, over the last second or so; `None` at first.
    pub rate: Option<f64>,
    /// Answers that came complete a second, over the last second or so.
    pub completed_rate: Option<f64>,
    /// The median TTFT from start of those that ended in the last second or so, in milliseconds.
    pub recent_ttft_p50_ms: Option<f64>,
    /// The median TTFT from start so far, in milliseconds, to within 0.4 %.
    pub ttft_p50_ms: Option<f64>,
    /// The 99th percentile so far.
    pub ttft_p99_ms: Option<f64>,
    /// The largest lag of ours so far, in milliseconds.
    pub lag_max_ms: Option<f64>,
    /// What it cost so far, as far as that is known.
    pub cost: Option<Usd>,
    /// Why nothing more is sent, once that is so.
    pub stopping: Option<StopReason>,
}

/// Starts the task, which waits for a bench.
pub(super) fn start(context: TaskContext) -> TaskHandle<BenchCommand> {
    task::spawn(BenchTask {
        context,
        running: None,
    })
}

struct BenchTask {
    context: TaskContext,
    running: Option<RunningBench>,
}

/// It is time to collect from the workers.
struct CollectionDue;

impl EngineTask for BenchTask {
    type Command = BenchCommand;
    type Event = CollectionDue;

    async fn take(&mut self, command: BenchCommand) {
        match command {
            BenchCommand::Start(start) => self.start(*start, None).await,
            BenchCommand::StartFor(start, keeper) => self.start(*start, Some(keeper)).await,
            BenchCommand::Stop => self.stop(),
            BenchCommand::Saved(command) => {
                if let Some(history) = &self.context.history {
                    window::answer(command, history, &self.context.out);
                }
            }
        }
    }

    fn settings_are(&mut self, settings: Arc<Settings>) {
        self.context.settings = settings;
    }

    async fn next_event(&mut self) -> CollectionDue {
        if self.running.is_none() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(COLLECT).await;
        CollectionDue
    }

    async fn take_event(&mut self, _: CollectionDue) {
        self.collect().await;
    }

    /// Ends what runs, and waits until it is stored.
    async fn end(mut self) {
        self.stop();
        while self.running.is_some() {
            self.collect().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl BenchTask {
    async fn start(&mut self, start: BenchStart, keeper: Option<UnboundedSender<BenchPiece>>) {
        let id = start.id;
        match self.begin(start).await {
            Ok(mut running) => {
                running.keeper = keeper;
                self.running = Some(running);
            }
            Err(fault) => self.tell(BenchNews::Refused { id, fault }),
        }
    }

    async fn begin(&self, start: BenchStart) -> Result<RunningBench, Fault> {
        let refused = |class, why: String| Fault::new(class, Phase::Prepare, why);
        if self.running.is_some() {
            let why = "another bench is running: wait for its end, or stop it";
            return Err(refused(FaultClass::BadRequest, why.to_owned()));
        }
        let BenchStart { id, plan, source } = start;
        let endpoint = self.context.endpoint(&plan.target.endpoint);
        let endpoint = endpoint.map_err(|why| refused(FaultClass::NotFound, why))?;
        let keys = RequestKeys::of(&self.context.credentials, &endpoint).await?;
        let endpoint = keys.place.fitted(&endpoint).into_owned();
        let costs = collect::Costs::of(
            &endpoint,
            &plan,
            &self.context.settings.prices,
            source.most_tokens(),
        );
        let workers = worker::count(&plan.load);
        let parts = BenchParts {
            plan,
            source,
            endpoint,
            key: keys.key,
            proxy_password: keys.proxy_password,
        };
        let shared = Arc::new(BenchShared::new(parts, workers));
        // Opened at once, thousands of connections are many files.
        crate::transport::allow_many_sockets();
        for index in 0..workers {
            if let Err(error) = worker::start(Arc::clone(&shared), index, workers) {
                shared.stop(StopReason::Stopped);
                let why = format!("a thread of the bench can't be started: {error}");
                return Err(refused(FaultClass::Provider, why));
            }
        }
        Ok(RunningBench::new(
            id,
            shared,
            self.context.history.clone(),
            costs,
        ))
    }

    /// Sends nothing more, and ends what is under way.
    fn stop(&self) {
        if let Some(running) = &self.running {
            running.stop();
        }
    }

    async fn collect(&mut self) {
        let Some(running) = &mut self.running else {
            return;
        };
        let (progress, is_done) = (running.collect(), running.is_done());
        if let Some(progress) = progress {
            self.tell(BenchNews::Progress(progress.into()));
        }
        if is_done && let Some(running) = self.running.take() {
            let news = running.finish().await;
            self.tell(news);
        }
    }

    fn tell(&self, news: BenchNews) {
        self.context.out.send(Update::Bench(news));
    }
}
