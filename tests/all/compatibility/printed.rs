//! What `AIPerf` and GuideLLM printed of requests that they sent themselves, against ours from the stamps that they saved.
//!
//! `tests/compatibility/record.py` had them and our own bench ask one simulator; `bash tests/compatibility/run record` runs
//! it anew and writes what came into `tests/fixtures/compatibility`.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use tokenscope::bench::{
    BenchRequest,
    compat::{CompatRow, LoadTool, rows},
};

use super::{Values, differences};

/// Tools that say what their figures were made of.
const TOOLS: [LoadTool; 2] = [LoadTool::AiPerf, LoadTool::GuideLlm];

/// What was kept of a tool's run.
#[derive(Deserialize)]
struct Recording {
    version: String,
    requests: Vec<SavedRequest>,
    /// What it divides throughputs by, where it says so.
    window_s: Option<f64>,
    printed: BTreeMap<String, Values>,
    /// The same figures, as our own bench told them of its own requests.
    beside: BTreeMap<String, Values>,
}

/// The stamps that a tool saved of a request, in nanoseconds since the first start; pieces since the request's own.
#[derive(Deserialize)]
struct SavedRequest {
    started: u64,
    request_sent: u64,
    first_token: u64,
    first_visible: u64,
    last_token: u64,
    ended: u64,
    input_tokens: u32,
    output_tokens: u32,
    pieces: Vec<u64>,
}

impl SavedRequest {
    fn request(&self) -> BenchRequest {
        let mut request = BenchRequest {
            started: self.started,
            request_sent: Some(self.request_sent),
            first_token: Some(self.first_token),
            first_visible: Some(self.first_visible),
            last_token: Some(self.last_token),
            ended: self.ended,
            input_tokens: Some(self.input_tokens),
            output_tokens: Some(self.output_tokens),
            pieces: u32::try_from(self.pieces.len()).unwrap(),
            ..BenchRequest::default()
        };
        for since in &self.pieces {
            request.arrived(self.started + since, 1);
        }
        request
    }
}

fn recording(tool: LoadTool) -> Recording {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/compatibility");
    let text = fs::read_to_string(folder.join(format!("{tool}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Recording {
    /// First start to last end, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
    fn lasted_s(&self) -> f64 {
        let ends = self.requests.iter().map(|request| request.ended);
        ends.max().unwrap() as f64 / 1e9
    }
}

/// Our figures of a tool from the stamps that it saved.
fn ours(tool: LoadTool, recording: &Recording) -> Vec<CompatRow> {
    let requests: Vec<BenchRequest> = recording
        .requests
        .iter()
        .map(SavedRequest::request)
        .collect();
    let all = rows(&requests).into_iter();
    all.filter(|row| row.tool == tool).collect()
}

/// A figure as the tool printed it, without what ours has no part in.
fn comparable(row: &CompatRow, recording: &Recording) -> Values {
    let (n, printed) = &recording.printed[row.figure.name];
    let ours = [row.mean, row.p50, row.p90, row.p95, row.p99];
    // GuideLLM has percentiles of a rate over time, too.
    let mut values = [0, 1, 2, 3, 4].map(|at| printed[at].filter(|_| ours[at].is_some()));
    // What the tool itself did before the first start and after the last end is in no stamp.
    let is_throughput = row.tool == LoadTool::AiPerf && row.p50.is_none();
    if let (true, Some(window)) = (is_throughput, recording.window_s) {
        assert!(window > recording.lasted_s(), "{}", row.figure.name);
        values[0] = values[0].map(|value| value * window / recording.lasted_s());
    }
    // GuideLLM counts the weights, and the requests of a rate.
    let n = if row.tool == LoadTool::GuideLlm {
        row.n
    } else {
        *n
    };
    (n, values)
}

/// How much may differ: times of single pieces are kept in whole microseconds.
fn within(row: &CompatRow) -> f64 {
    match row.figure.name {
        "time_to_second_token" | "inter_chunk_latency" => 1e-3,
        _ => 1e-6,
    }
}

#[test]
fn what_a_tool_printed_comes_from_the_stamps_that_it_saved() {
    let mut differ = Vec::new();
    for tool in TOOLS {
        let recording = recording(tool);
        assert_eq!(recording.version, tool.version(), "{tool}");
        for row in ours(tool, &recording) {
            let printed = comparable(&row, &recording);
            differ.extend(differences(&row, &printed, within(&row)));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// A row for each figure: what the tool printed, ours from its stamps, and what our own bench told.
pub fn table() -> Vec<Vec<String>> {
    let mut table = Vec::new();
    for tool in TOOLS {
        let recording = recording(tool);
        let head = format!("**{}** {}", tool.label(), recording.version);
        table.push(vec![head, String::new(), String::new(), String::new()]);
        for row in ours(tool, &recording) {
            let name = row.figure.name;
            let from_stamps = (row.n, [row.mean, row.p50, row.p90, row.p95, row.p99]);
            let printed = recording.printed.get(name);
            let figures = [printed, Some(&from_stamps), recording.beside.get(name)];
            let label = format!("`{name}`, {}", row.figure.unit);
            let cells = figures.map(|figure| figure.map(cell).unwrap_or_default());
            table.push([vec![label], cells.to_vec()].concat());
        }
    }
    table
}

/// The mean, P50 and P99; of a figure of the whole bench its value.
fn cell((_, [mean, p50, .., p99]): &Values) -> String {
    let values = [mean, p50, p99].into_iter().flatten();
    let values: Vec<String> = values.map(|value| format!("{value:.3}")).collect();
    values.join(", ")
}
