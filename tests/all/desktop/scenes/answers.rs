//! What the engine answers from a scene.

use std::{collections::BTreeMap, sync::Arc};

use tokenscope::{
    body::ModelInfo,
    conformance::{self, Finding},
    credential::{KeyOf, KeyPlace, KeyStatus},
    endpoint::TargetId,
    engine::{
        CaptureCommand, Command, CompareCommand, ConversationCommand, EndpointCommand,
        GatewayCommand, HistoryCommand, KeyCommand, KeyNews, LoadedCapture, OpenedCapture,
        RunCommand, RunNews, TestStep, Update, ask_in_steps,
    },
    history::{
        CheckCount, Conformance, Median, RunPage, RunQuery, RunRow, Series, SeriesChange,
        SeriesError, SeriesPoint, TtftPlot,
    },
    measure::{change, late, percentile::percentile},
    run::{ConnectionKind, Run, RunId, ms},
};

use super::{super::player::reply_to, Scene};

/// What the engine tells of the findings in a run that is over.
pub fn findings_of(run: &Run) -> Update {
    Update::Run(RunNews::Findings {
        id: run.head.id,
        findings: conformance::findings(run).into(),
    })
}

impl Scene {
    /// Answers a question about comparisons.
    fn answer_compare(&self, command: &mut CompareCommand) {
        match command {
            CompareCommand::List(reply) => {
                let all = self.comparisons.iter().map(super::compared::summary_of);
                reply_to(reply, Ok(all.collect()));
            }
            CompareCommand::Open { id, reply } => {
                let found = self.comparisons.iter().find(|it| it.head.id == *id);
                reply_to(reply, Ok(found.cloned().map(Box::new)));
            }
            _ => {}
        }
    }

    /// Answers a question, and gives what is told beside it.
    pub fn answer(&self, command: &mut Command, test: &[TestStep]) -> Vec<Update> {
        match command {
            Command::History(HistoryCommand::Runs { query, reply }) => {
                reply_to(reply, Ok(self.page(query)));
            }
            Command::History(HistoryCommand::Series { reply, .. }) => {
                let gaps = self.gaps.clone();
                let series = self.series();
                reply_to(
                    reply,
                    Ok(TtftPlot {
                        series,
                        gaps,
                        availability: self.availability.clone(),
                        rolled_up_until: None,
                    }),
                );
            }
            Command::History(HistoryCommand::Distributions { query, reply }) => {
                let rows = crate::history::distribution::expected(&self.runs, query);
                reply_to(reply, Ok(rows));
            }
            Command::History(HistoryCommand::Phases { query, reply }) => {
                let rows = crate::history::phases::expected(&self.runs, query);
                reply_to(reply, Ok(rows));
            }
            Command::History(HistoryCommand::TargetFacts { query, reply }) => {
                reply_to(reply, Ok(self.target_facts(query)));
            }
            Command::History(HistoryCommand::Usage(reply)) => reply_to(reply, Ok(self.usage())),
            Command::History(HistoryCommand::EndedRuns { query, reply }) => {
                reply_to(reply, Ok(self.ended(query)));
            }
            Command::History(HistoryCommand::Count { deletion, reply }) => {
                reply_to(reply, Ok(super::limits::counted(deletion)));
            }
            Command::History(HistoryCommand::TryAlert { reply, .. }) => {
                reply_to(reply, Ok(super::limits::tried()));
            }
            Command::History(HistoryCommand::Conformance { reply, .. }) => {
                reply_to(reply, Ok(self.conformance()));
            }
            Command::Conversation(ConversationCommand::List(reply)) => {
                reply_to(reply, self.conversations.clone());
            }
            Command::Compare(command) => self.answer_compare(command),
            Command::Endpoint(EndpointCommand::Test { steps, .. }) => {
                let steps = std::mem::replace(steps, ask_in_steps().0);
                test.iter().cloned().for_each(|step| steps.send(step));
            }
            Command::Run(RunCommand::Load(id)) => {
                let run = self.runs.iter().find(|run| run.head.id == *id);
                let findings = run.map(findings_of);
                let run = run.cloned().map(Box::new);
                let loaded = Update::Run(RunNews::Loaded { id: *id, run });
                return [loaded].into_iter().chain(findings).collect();
            }
            Command::Gateway(GatewayCommand::Watch(steps)) => {
                steps.send(Arc::new(self.gateway_status.clone()));
            }
            Command::Capture(CaptureCommand::Load { id, reply }) => {
                let gone = LoadedCapture::Gone("its wire was never kept");
                let kept = self.wires.get(id).cloned();
                reply_to(reply, Ok(kept.unwrap_or(gone)));
            }
            Command::Capture(CaptureCommand::Open { path, reply }) => {
                reply_to(reply, OpenedCapture::read(path).map(Arc::new));
            }
            Command::Bench(command) => self.answer_bench(command),
            Command::Key(KeyCommand::Check) => return self.keys(),
            Command::Endpoint(EndpointCommand::ListModels { endpoint, .. }) => {
                return vec![Update::Models {
                    endpoint: endpoint.clone(),
                    models: Ok(Arc::new(models())),
                }];
            }
            _ => {}
        }
        Vec::new()
    }

    /// The runs of a query, the latest first.
    fn found<'a>(&'a self, query: &'a RunQuery) -> impl Iterator<Item = &'a Run> {
        (self.runs.iter().rev())
            .filter(|run| run.head.target.to_string().contains(&query.text))
            .filter(|run| query.targets.is_empty() || query.targets.contains(&run.head.target))
            .filter(|run| Some(run.stamps.started_unix_ns) >= query.since_unix_ns)
    }

    fn ended(&self, query: &RunQuery) -> Vec<RunId> {
        let ended = self.found(query).filter(|run| run.state.is_over());
        ended.map(|run| run.head.id).collect()
    }

    fn page(&self, query: &RunQuery) -> RunPage {
        let rows: Vec<_> = self.found(query).map(row).collect();
        RunPage {
            total: rows.len(),
            rows: rows
                .into_iter()
                .skip(query.offset)
                .take(query.limit)
                .collect(),
        }
    }

    /// The TTFT history of these runs, as the history would give it undecimated.
    fn series(&self) -> Vec<Series> {
        let mut all: Vec<Series> = Vec::new();
        for run in &self.runs {
            let index = all
                .iter()
                .position(|series| series.target == run.head.target)
                .unwrap_or_else(|| {
                    all.push(Series {
                        target: run.head.target.clone(),
                        simulated: run.head.simulated,
                        ..Series::default()
                    });
                    all.len() - 1
                });
            if late::of(run, self.settings.measuring.late_share) {
                all[index].late += 1;
            } else {
                add(&mut all[index], run);
            }
        }
        for series in &mut all {
            series.median_warm = rolling(series, ConnectionKind::Warm);
            series.median_cold = rolling(series, ConnectionKind::Cold);
            series.warm = Median::of(of_kind(series, ConnectionKind::Warm));
            series.cold = Median::of(of_kind(series, ConnectionKind::Cold));
            let kinds = [ConnectionKind::Warm, ConnectionKind::Cold];
            series.p95_ms = kinds.map(|kind| percentile(of_kind(series, kind), 0.95).value);
            series.changes = warm_changes(series);
        }
        all
    }

    /// What was found in these runs, as the history would count it.
    fn conformance(&self) -> Vec<Conformance> {
        let mut all: BTreeMap<TargetId, Conformance> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| conformance::tells(run)) {
            let target = run.head.target.clone();
            let row = all.entry(target.clone()).or_insert_with(|| Conformance {
                target,
                runs: 0,
                found: BTreeMap::new(),
            });
            row.runs += 1;
            for Finding { check, text } in conformance::findings(run) {
                let latest = run.head.id;
                let found = row.found.entry(check).or_insert(CheckCount {
                    runs: 0,
                    latest,
                    text: String::new(),
                });
                (found.runs, found.latest, found.text) = (found.runs + 1, latest, text);
            }
        }
        all.into_values().collect()
    }

    fn keys(&self) -> Vec<Update> {
        let places = [
            (
                "openai",
                KeyPlace::Env {
                    var: "OPENAI_API_KEY".into(),
                },
                None,
            ),
            ("deepseek", KeyPlace::Keyring, None),
            (
                "gateway",
                KeyPlace::Missing,
                Some("the OS keyring is locked: unlock it, then check again"),
            ),
            ("ollama", KeyPlace::NotNeeded, None),
            ("simulator", KeyPlace::NotNeeded, None),
        ];
        let known = places.into_iter().filter_map(|(id, place, problem)| {
            let endpoint = self.settings.endpoint(id)?;
            Some(Update::Key(KeyNews::Status(KeyStatus {
                endpoint: id.into(),
                of: KeyOf::Endpoint,
                origin: endpoint.base_url.origin().ascii_serialization(),
                place,
                problem: problem.map(str::to_owned),
            })))
        });
        known.collect()
    }
}

fn models() -> Vec<ModelInfo> {
    let names = [
        "gpt-5-mini",
        "gpt-5-nano",
        "o5",
        "deepseek-chat",
        "deepseek-reasoner",
    ];
    names
        .iter()
        .map(|id| ModelInfo {
            id: (*id).into(),
            label: String::new(),
        })
        .collect()
}

fn warm_changes(series: &Series) -> Vec<SeriesChange> {
    let warm = |point: &&SeriesPoint| point.connection == ConnectionKind::Warm;
    let points: Vec<_> = series.points.iter().filter(warm).collect();
    let values: Vec<f64> = points.iter().map(|point| point.ttft_ms).collect();
    let changes = change::changes(&values).into_iter();
    changes
        .map(|change| SeriesChange {
            at_unix_ns: points[change.index].at_unix_ns,
            connection: ConnectionKind::Warm,
            change,
        })
        .collect()
}

fn add(series: &mut Series, run: &Run) {
    let at_unix_ns = run.stamps.started_unix_ns;
    match (run.stamps.first_token, &run.answer.fault) {
        (_, Some(fault)) => {
            series.faults += 1;
            series.errors.push(SeriesError {
                at_unix_ns,
                class: fault.class,
                run: run.head.id,
            });
        }
        (Some(first), None) => {
            let connection = run.connection.unwrap_or(ConnectionKind::Warm);
            series.points.push(SeriesPoint {
                at_unix_ns,
                ttft_ms: ms(first),
                connection,
                run: run.head.id,
            });
        }
        (None, None) => {}
    }
}

fn of_kind(series: &Series, connection: ConnectionKind) -> Vec<f64> {
    let of_kind = series.points.iter().filter(|p| p.connection == connection);
    of_kind.map(|p| p.ttft_ms).collect()
}

fn rolling(series: &Series, connection: ConnectionKind) -> Vec<(i64, f64)> {
    let points: Vec<_> = series
        .points
        .iter()
        .filter(|p| p.connection == connection)
        .collect();
    let window = |end: usize| {
        let mut ms: Vec<f64> = points[end.saturating_sub(8)..=end]
            .iter()
            .map(|p| p.ttft_ms)
            .collect();
        ms.sort_by(f64::total_cmp);
        ms[ms.len() / 2]
    };
    points
        .iter()
        .enumerate()
        .map(|(index, point)| (point.at_unix_ns, window(index)))
        .collect()
}

fn row(run: &Run) -> RunRow {
    let usage = run.answer.usage.unwrap_or_default();
    let seconds = (run.stamps.first_token.zip(run.stamps.last_token)).map(|(a, b)| ms(b - a) / 1e3);
    RunRow {
        id: run.head.id,
        target: run.head.target.clone(),
        route: run.head.route.clone(),
        state: run.state,
        fault: run.answer.fault.as_ref().map(|fault| fault.class),
        connection: run.connection,
        simulated: run.head.simulated,
        started_unix_ns: run.stamps.started_unix_ns,
        ttft_ms: run.stamps.first_token.map(ms),
        total_ms: run.stamps.last_token.map(ms),
        #[expect(clippy::cast_precision_loss)]
        output_speed: usage
            .output
            .zip(seconds)
            .map(|(tokens, seconds)| tokens as f64 / seconds),
        input_tokens: usage.input,
        output_tokens: usage.output,
        prompt: run
            .head
            .request
            .messages
            .last()
            .map(|m| m.text().lines().next().unwrap_or_default().to_owned())
            .unwrap_or_default(),
    }
}
