//! A run's figures as plain numbers, calculated again only when the run has changed.
//!
//! In: a [`Run`], and the prices. Out: a [`Sheet`], from which lines, comparisons and the strip are made, so that the work of a frame
//! does not grow with the answer.

use std::{collections::HashMap, sync::Arc};

use super::estimate::{Calibration, Estimate};
use crate::{
    endpoint::TargetId,
    event::{FinishReason, Usage},
    measure::{
        cost::{self, NoCost},
        figure,
    },
    price::{PriceTable, Usd},
    run::{ConnectionKind, OffsetNs, Run, RunId, RunState, ms},
};

/// The figures that answers are compared by, in the order in which they are shown.
pub const COMPARED: [&str; 5] = [
    "ttft_ms",
    "output_speed_tps",
    "total_ms",
    "ttft_net_ms",
    "ttfo_ms",
];

/// Estimates for an answer that its provider has not counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiveEstimate {
    /// Output tokens so far.
    pub tokens: f64,
    /// Tokens a second so far.
    pub speed: Option<f64>,
    /// The calibration that was applied.
    pub calibration: Calibration,
}

/// What an answer costs, and how that was computed.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerCost {
    /// The cost, or why there is none.
    pub usd: Result<Usd, NoCost>,
    /// In words.
    pub how: String,
    /// Whether it can have cost nothing.
    pub is_free: bool,
}

impl AnswerCost {
    fn of(run: &Run, prices: &PriceTable) -> Self {
        Self {
            usd: cost::of(run, prices),
            how: cost::explanation(run, prices),
            is_free: cost::is_free(run),
        }
    }
}

/// A run's figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// The run.
    pub run: RunId,
    /// The target it asked.
    pub target: TargetId,
    /// Whether the simulator answers.
    pub simulated: bool,
    /// Its state.
    pub state: RunState,
    /// Cold or warm, once known.
    pub connection: Option<ConnectionKind>,
    /// The finish reason and the provider's word for it, if there is one.
    pub finish: Option<(FinishReason, String)>,
    /// The provider's counts; empty unless the answer is complete.
    pub usage: Usage,
    /// The estimate, if there is no count.
    pub about: Option<LiveEstimate>,
    /// What it costs; `None` while it is live.
    pub cost: Option<AnswerCost>,
    /// In the order of [`COMPARED`].
    values: [Option<f64>; COMPARED.len()],
}

impl Sheet {
    /// A figure of [`COMPARED`]; `None` where it is not known.
    pub fn value(&self, key: &str) -> Option<f64> {
        let at = COMPARED.iter().position(|k| *k == key)?;
        self.values.get(at).copied().flatten()
    }

    /// Output tokens as the provider counted them.
    pub fn output(&self) -> Option<u64> {
        self.usage.generated()
    }

    /// Whether there are no figures at all.
    pub fn is_blank(&self) -> bool {
        self.values.iter().all(Option::is_none) && self.about.is_none()
    }

    fn of(run: &Run, estimated: f64, calibration: Calibration, prices: &PriceTable) -> Self {
        let whole = run.state == RunState::Ok;
        let value = |key: &str| {
            // A count that comes with the first event does not count the answer.
            let known = whole || key != "output_speed_tps";
            (figure(key)?.value)(run, prices).filter(|_| known)
        };
        let usage = run.answer.usage.filter(|_| whole).unwrap_or_default();
        let counted = usage.generated().is_some();
        let tokens = estimated * calibration.factor();
        Self {
            run: run.head.id,
            target: run.head.target.clone(),
            simulated: run.head.simulated,
            state: run.state,
            connection: run.connection,
            finish: (run.answer.finish.as_ref()).map(|f| (f.reason, f.raw.clone())),
            usage,
            about: (!counted && tokens > 0.0).then(|| LiveEstimate {
                tokens,
                speed: speed(run, tokens),
                calibration,
            }),
            cost: (run.state.is_over()).then(|| AnswerCost::of(run, prices)),
            values: COMPARED.map(value),
        }
    }
}

/// Tokens a second so far, once the answer has streamed for 0.1 s.
fn speed(run: &Run, tokens: f64) -> Option<f64> {
    let streaming = (run.stamps.last_token?).checked_sub(run.stamps.first_token?)?;
    let seconds = ms(streaming) / 1e3;
    (seconds >= 0.1).then(|| tokens / seconds)
}

#[cfg(test)]
impl Sheet {
    /// A complete answer of this model over a warm connection, with this TTFT, speed, total and output tokens.
    pub fn made(run: i64, model: &str, figures: [f64; 3], output: u64) -> Self {
        let [ttft, speed, total] = figures;
        Self {
            run: RunId(run),
            target: TargetId {
                endpoint: "e".into(),
                model: model.into(),
            },
            simulated: false,
            state: RunState::Ok,
            connection: Some(ConnectionKind::Warm),
            finish: None,
            usage: Usage {
                output: Some(output),
                ..Usage::default()
            },
            about: None,
            cost: None,
            values: [ttft, speed, total, ttft - 1.0, ttft].map(Some),
        }
    }

    /// The same over a new connection, which took 100 ms.
    pub fn cold(mut self) -> Self {
        self.connection = Some(ConnectionKind::Cold);
        self.values[3] = self.values[0].map(|ttft| ttft - 100.0);
        self
    }
}

/// Changes whenever a run has changed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fingerprint {
    state: RunState,
    connection: Option<ConnectionKind>,
    reads: usize,
    bytes: usize,
    last_token: Option<OffsetNs>,
    usage: Option<Usage>,
    finish: bool,
}

/// The sheets of all runs that are shown.
#[derive(Debug, Default)]
pub struct Sheets {
    runs: HashMap<RunId, (Fingerprint, Estimate, Arc<Sheet>)>,
    models: HashMap<TargetId, Calibration>,
    prices: PriceTable,
}

impl Sheets {
    /// Computes costs by these prices from now on.
    pub fn price_by(&mut self, prices: &PriceTable) {
        if self.prices != *prices {
            self.prices = prices.clone();
            self.runs.clear();
        }
    }

    /// The current figures of a run.
    pub fn of(&mut self, run: &Run) -> Arc<Sheet> {
        let id = run.head.id;
        let calibration = (self.models.get(&run.head.target).copied()).unwrap_or_default();
        let fingerprint = Fingerprint {
            state: run.state,
            connection: run.connection,
            reads: run.reads.len(),
            bytes: run.answer.text.len() + run.answer.reasoning.len(),
            last_token: run.stamps.last_token,
            usage: run.answer.usage,
            finish: run.answer.finish.is_some(),
        };
        if let Some((known, _, sheet)) = self.runs.get(&id)
            && *known == fingerprint
        {
            return Arc::clone(sheet);
        }
        let mut estimate = self.runs.remove(&id).map(|r| r.1).unwrap_or_default();
        let estimated = estimate.of(&run.answer);
        let sheet = Arc::new(Sheet::of(run, estimated, calibration, &self.prices));
        self.learn(run, &sheet, estimated);
        let known = (fingerprint, estimate, Arc::clone(&sheet));
        self.runs.insert(id, known);
        sheet
    }

    /// Calibrates the model's estimates by the provider's count of a complete answer.
    fn learn(&mut self, run: &Run, sheet: &Sheet, estimated: f64) {
        let hidden = run.answer.reasoning.is_empty() && sheet.usage.reasoning.unwrap_or(0) > 0;
        if let Some(tokens) = sheet.output().filter(|_| !hidden) {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let counted = tokens as f64;
            let model = self.models.entry(sheet.target.clone()).or_default();
            model.learn(estimated, counted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::ChatRequest,
        dialect::DialectId,
        event::{Fault, FaultClass, Finish, Phase},
        run::{Origin, Read, RunHead},
    };

    const MS: u64 = 1_000_000;

    fn streaming(id: i64, text: &str) -> Run {
        let mut run = Run::new(RunHead {
            id: RunId(id),
            target: TargetId::default(),
            dialect: DialectId::OpenaiChat,
            route: String::new(),
            url: String::new(),
            simulated: false,
            origin: Origin::Playground,
            attempt: 1,
            request: Arc::new(ChatRequest::default()),
        });
        run.state = RunState::Streaming;
        run.answer.text = text.into();
        run.stamps.first_token = Some(100 * MS);
        run.stamps.last_token = Some(1_100 * MS);
        run.reads = [100, 1_100]
            .map(|at| Read {
                at: at * MS,
                bytes: 9,
                events: 1,
                tokens: 1,
                ..Read::default()
            })
            .to_vec()
            .into();
        run
    }

    fn whole(mut run: Run, output: Option<u64>) -> Run {
        run.state = RunState::Ok;
        run.answer.usage = output.map(|output| Usage {
            output: Some(output),
            ..Usage::default()
        });
        run.answer.finish = Some(Finish {
            reason: FinishReason::Stop,
            raw: "stop".into(),
        });
        run
    }

    #[test]
    fn an_estimate_stands_until_the_providers_count_takes_its_place() {
        let text = "word ".repeat(80);
        let mut sheets = Sheets::default();
        let live = sheets.of(&streaming(1, &text));
        let about = live.about.unwrap();
        assert!((about.tokens - 100.0).abs() < 0.01);
        assert!((about.speed.unwrap() - 100.0).abs() < 0.01);
        assert_eq!(live.value("output_speed_tps"), None, "not a measured speed");
        let mut early = streaming(2, &text);
        early.answer.usage = Some(Usage {
            output: Some(1),
            ..Usage::default()
        });
        let early = sheets.of(&early);
        assert_eq!(early.output(), None, "a count of the first event");
        assert!(early.about.is_some());
        let over = sheets.of(&whole(streaming(1, &text), Some(120)));
        assert_eq!((over.about, over.output()), (None, Some(120)));
        assert_eq!(over.value("output_speed_tps"), Some(120.0));
        // What was learned of the model counts for what comes next.
        let next = sheets.of(&streaming(3, &text)).about.unwrap();
        assert!((next.tokens - 120.0).abs() < 0.01);
    }

    #[test]
    fn of_a_broken_answer_the_estimate_stays() {
        let mut broken = whole(streaming(1, &"word ".repeat(80)), Some(3));
        broken.state = RunState::Fault;
        let fault = Fault::new(FaultClass::Cancelled, Phase::Stream, "stopped");
        broken.answer.fault = Some(fault);
        let sheet = Sheets::default().of(&broken);
        assert_eq!(sheet.output(), None, "a count of what came before it broke");
        assert!((sheet.about.unwrap().tokens - 100.0).abs() < 0.01);
        let uncounted = Sheets::default().of(&whole(streaming(2, "Hi there"), None));
        assert!(uncounted.about.is_some());
    }

    #[test]
    fn what_has_not_changed_is_not_read_again() {
        let run = whole(streaming(1, "Hello"), Some(2));
        let mut sheets = Sheets::default();
        let first = sheets.of(&run);
        assert!(Arc::ptr_eq(&first, &sheets.of(&run)));
        let mut more = run.clone();
        more.answer.text.push('!');
        assert!(!Arc::ptr_eq(&first, &sheets.of(&more)));
    }
}
