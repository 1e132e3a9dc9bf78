//! Comparisons: asks the arms of a plan in turn, each request as a run, over connections of its own, and keeps each round
//! in the history before it is told.
//!
//! In: [`CompareCommand`]s, the settings. Out: the runs' updates, as of any run, and [`CompareNews`].

mod course;
mod questions;
mod starting;
mod waits;

use std::{path::PathBuf, sync::Arc};

use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
};
use tokio_util::sync::CancellationToken;

use self::course::CompareCourse;
use super::{
    Reply, Update,
    task::{self, EngineTask, TaskContext, TaskHandle},
};
use crate::{
    compare::{
        AnswerMark, CompareForecast, ComparePlan, CompareRound, CompareState, ComparisonHead,
        ComparisonId, ComparisonSummary, PairMark,
    },
    settings::Settings,
};

/// Said when a comparison's task panicked.
const DEFECT: &str =
    "a defect in Tokenscope ended the comparison; what is kept of it can be resumed";

/// About comparisons. One runs at a time. Without a history, questions about saved ones stay unanswered, and none can be
/// resumed.
#[derive(Debug)]
pub enum CompareCommand {
    /// Begins a comparison. [`CompareNews::Refused`] says why it can't; else [`CompareNews::Is`] follow, and
    /// [`CompareNews::Ended`].
    Start(Box<ComparePlan>),
    /// Goes on with one that was cut off or stopped. Answered as [`Self::Start`].
    Resume(ComparisonId),
    /// Ends the one that runs: after the round that is under way; if it is told again, at once and without that round.
    Stop,
    /// Says what a plan would cost at most.
    Forecast {
        /// The plan.
        plan: Box<ComparePlan>,
        /// What it would cost.
        reply: Reply<CompareForecast>,
    },
    /// Lists those of the history, the latest first.
    List(Reply<Result<Vec<ComparisonSummary>, String>>),
    /// Opens one of the history, with what its pairs say.
    Open {
        /// Its key.
        id: ComparisonId,
        /// The comparison; `None` if there is none of this key.
        reply: Reply<Result<Option<Box<CompareState>>, String>>,
    },
    /// Keeps, or takes back, what somebody thinks of an arm's answer beside that of the first arm.
    Mark {
        /// The comparison.
        id: ComparisonId,
        /// The number of the round.
        round: u64,
        /// The arm, by its place in the plan: not the first.
        arm: usize,
        /// What is thought; `None` takes it back.
        mark: Option<AnswerMark>,
        /// All marks of the comparison, once this one is kept.
        reply: Reply<Result<Vec<PairMark>, String>>,
    },
    /// Deletes one of the history; its runs stay.
    Delete {
        /// Its key.
        id: ComparisonId,
        /// Whether there was one, or why it could not be deleted.
        reply: Reply<Result<bool, String>>,
    },
    /// Writes a report on one of the history: one HTML file.
    Report {
        /// Its key.
        id: ComparisonId,
        /// Where to.
        to: PathBuf,
        /// Whether it is written, or why not.
        reply: Reply<Result<(), String>>,
    },
}

/// Updates about the comparison that runs.
#[derive(Clone, Debug)]
pub enum CompareNews {
    /// It could not be begun or resumed: why, and what to do.
    Refused(String),
    /// How it stands: a few times a second at most.
    Is(Box<CompareState>),
    /// A round is over, and kept.
    Round {
        /// The comparison.
        head: Arc<ComparisonHead>,
        /// The round.
        round: Arc<CompareRound>,
    },
    /// It is over, and why; with all verdicts.
    Ended(Box<CompareState>),
}

/// Starts the task of comparisons.
pub(super) fn start(context: TaskContext) -> TaskHandle<CompareCommand> {
    task::spawn(CompareTask {
        context,
        running: None,
    })
}

/// The comparison that runs.
struct RunningComparison {
    id: ComparisonId,
    /// It is to end after the round that is under way.
    stop: CancellationToken,
    /// It is to end at once.
    cancel: CancellationToken,
    /// What people thought of its answers so far.
    marks: watch::Sender<Arc<Vec<PairMark>>>,
    /// Gives the whole comparison.
    task: JoinHandle<Box<CompareState>>,
}

struct CompareTask {
    context: TaskContext,
    running: Option<RunningComparison>,
}

/// How the comparison that ran ended.
type EndedComparison = Result<Box<CompareState>, JoinError>;

impl EngineTask for CompareTask {
    type Command = CompareCommand;
    type Event = EndedComparison;

    async fn take(&mut self, command: CompareCommand) {
        match command {
            CompareCommand::Start(plan) => match self.begun(*plan) {
                Ok(state) => self.follow(state),
                Err(why) => self.refuse(why),
            },
            CompareCommand::Resume(id) => match self.resumed(id).await {
                Ok(state) => self.follow(state),
                Err(why) => self.refuse(why),
            },
            CompareCommand::Stop => {
                if let Some(running) = &self.running {
                    if running.stop.is_cancelled() {
                        running.cancel.cancel();
                    }
                    running.stop.cancel();
                }
            }
            other => self.answer(other),
        }
    }

    fn settings_are(&mut self, settings: Arc<Settings>) {
        self.context.settings = settings;
    }

    async fn next_event(&mut self) -> EndedComparison {
        match &mut self.running {
            Some(running) => (&mut running.task).await,
            None => std::future::pending().await,
        }
    }

    async fn take_event(&mut self, ended: EndedComparison) {
        self.running = None;
        self.tell_end(ended);
    }

    async fn end(mut self) {
        if let Some(running) = self.running.take() {
            running.stop.cancel();
            running.cancel.cancel();
            let ended = running.task.await;
            self.tell_end(ended);
        }
    }
}

impl CompareTask {
    fn refuse(&self, why: String) {
        self.tell(CompareNews::Refused(why));
    }

    fn tell(&self, news: CompareNews) {
        self.context.out.send(Update::Compare(news));
    }

    /// Follows the plan of a comparison from where it stands.
    fn follow(&mut self, state: CompareState) {
        let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
        let (marks, marks_now) = watch::channel(Arc::clone(&state.marks));
        let id = state.head.id;
        let course = CompareCourse::new(
            self.context.clone(),
            state,
            (stop.clone(), cancel.clone()),
            marks_now,
        );
        self.running = Some(RunningComparison {
            id,
            stop,
            cancel,
            marks,
            task: tokio::spawn(course.run()),
        });
    }

    fn tell_end(&self, ended: EndedComparison) {
        match ended {
            Ok(state) => self.tell(CompareNews::Ended(state)),
            Err(why) => {
                tracing::error!(%why, "the task of a comparison panicked");
                self.refuse(DEFECT.to_owned());
            }
        }
    }
}
