use super::*;
use crate::{bench::RequestOutcome, event::FaultClass};

const MS: u64 = 1_000_000;

/// A request that was started at 100 ms: a role after 20 ms, tokens after 50, 90, 90 and 130, the finish reason after
/// 131 and the end after 140.
fn request() -> BenchRequest {
    let at = |ms: u64| Some((100 + ms) * MS);
    let mut request = BenchRequest {
        scheduled: 100 * MS,
        started: 100 * MS,
        request_sent: at(10),
        first_event: at(20),
        first_token: at(50),
        first_visible: at(90),
        last_token: at(130),
        finished: at(131),
        ended: 240 * MS,
        input_tokens: Some(30),
        output_tokens: Some(5),
        pieces: 4,
        ..BenchRequest::default()
    };
    for (ms, tokens) in [(50, 1), (90, 2), (130, 1)] {
        request.arrived((100 + ms) * MS, tokens);
    }
    request
}

/// A request that began a second later, with one token.
fn short() -> BenchRequest {
    let at = Some(1_130 * MS);
    let mut request = BenchRequest {
        started: 1_100 * MS,
        request_sent: Some(1_100 * MS),
        first_event: at,
        first_token: at,
        first_visible: at,
        last_token: at,
        ended: 1_140 * MS,
        output_tokens: Some(1),
        pieces: 1,
        ..BenchRequest::default()
    };
    request.arrived(1_130 * MS, 1);
    request
}

fn found(requests: &[BenchRequest], tool: LoadTool, name: &str) -> CompatRow {
    let rows = rows(requests).into_iter();
    let mut named = rows.filter(|row| row.tool == tool && row.figure.name == name);
    named.next().unwrap_or_else(|| panic!("{tool} {name}"))
}

#[track_caller]
fn assert_mean(requests: &[BenchRequest], tool: LoadTool, name: &str, expected: f64) {
    let mean = found(requests, tool, name).mean.unwrap();
    assert!(
        (mean - expected).abs() < 1e-9 * expected.max(1.0),
        "{tool} {name}: {mean}, not {expected}"
    );
}

#[test]
fn each_tool_has_its_own_ttft_of_the_same_stamps() {
    let requests = [request()];
    assert_mean(&requests, LoadTool::Vllm, "ttft", 50.0);
    assert_mean(&requests, LoadTool::Vllm, "ttft, earlier versions", 20.0);
    assert_mean(
        &requests,
        LoadTool::GuideLlm,
        "time_to_first_token_ms",
        40.0,
    );
    assert_mean(
        &requests,
        LoadTool::GuideLlm,
        "time_to_first_output_token_ms",
        80.0,
    );
    assert_mean(&requests, LoadTool::LlmPerf, "ttft_s", 0.09);
    assert_mean(&requests, LoadTool::AiPerf, "time_to_first_token", 50.0);
    assert_mean(
        &requests,
        LoadTool::AiPerf,
        "time_to_first_output_token",
        90.0,
    );
}

#[test]
fn each_tool_has_its_own_time_of_a_token() {
    let requests = [request()];
    assert_mean(&requests, LoadTool::Vllm, "tpot", 20.0);
    assert_mean(
        &requests,
        LoadTool::Vllm,
        "tpot, earlier versions",
        111.0 / 4.0,
    );
    assert_mean(
        &requests,
        LoadTool::GuideLlm,
        "time_per_output_token_ms",
        120.0 / 5.0,
    );
    assert_mean(
        &requests,
        LoadTool::GuideLlm,
        "inter_token_latency_ms",
        20.0,
    );
    assert_mean(
        &requests,
        LoadTool::LlmPerf,
        "inter_token_latency_s",
        0.13 / 5.0,
    );
    assert_mean(&requests, LoadTool::AiPerf, "inter_token_latency", 20.0);
    assert_mean(
        &requests,
        LoadTool::AiPerf,
        "output_token_throughput_per_user",
        50.0,
    );
    assert_mean(&requests, LoadTool::AiPerf, "time_to_second_token", 40.0);
}

#[test]
fn gaps_are_between_the_chunks_that_a_tool_stamps() {
    let requests = [request(), short()];
    let gaps = found(&requests, LoadTool::Vllm, "itl, earlier versions");
    assert_eq!(
        gaps.n, 5,
        "role, four pieces and the finish reason; the short one has a single chunk"
    );
    assert_eq!(
        (gaps.p50, gaps.p99.map(f64::round)),
        (Some(30.0), Some(40.0))
    );
    let gaps = found(&requests, LoadTool::AiPerf, "inter_chunk_latency");
    assert_eq!((gaps.n, gaps.p50), (3, Some(40.0)), "40, 0, 40");
}

#[test]
fn latencies_and_rates_end_where_the_tool_ends_them() {
    let requests = [request(), short()];
    assert_mean(&requests[..1], LoadTool::Vllm, "e2el", 130.0);
    assert_mean(
        &requests[..1],
        LoadTool::Vllm,
        "e2el, earlier versions",
        131.0,
    );
    assert_mean(&requests[..1], LoadTool::GuideLlm, "request_latency", 0.13);
    assert_mean(
        &requests[..1],
        LoadTool::LlmPerf,
        "end_to_end_latency_s",
        0.14,
    );
    assert_mean(&requests[..1], LoadTool::AiPerf, "request_latency", 130.0);
    assert_mean(&requests, LoadTool::Vllm, "request_throughput", 2.0 / 1.04);
    assert_mean(
        &requests,
        LoadTool::Vllm,
        "total_token_throughput",
        36.0 / 1.04,
    );
    assert_mean(
        &requests,
        LoadTool::GuideLlm,
        "output_tokens_per_second",
        6.0 / 1.03,
    );
    assert_mean(
        &requests,
        LoadTool::LlmPerf,
        "num_completed_requests_per_min",
        120.0 / 1.04,
    );
    assert_mean(
        &requests,
        LoadTool::AiPerf,
        "output_token_throughput",
        6.0 / 1.04,
    );
}

#[test]
fn guidellm_weighs_answers_by_their_tokens() {
    let mut long = request();
    long.output_tokens = Some(41);
    let requests = [request(), long];
    // 80 ms of 4 gaps, and 80 ms of 40 gaps.
    assert_mean(
        &requests,
        LoadTool::GuideLlm,
        "inter_token_latency_ms",
        160.0 / 44.0,
    );
    let row = found(&requests, LoadTool::GuideLlm, "inter_token_latency_ms");
    assert_eq!((row.n, row.p50, row.p95), (2, Some(2.0), Some(20.0)));
    assert_mean(&requests, LoadTool::AiPerf, "inter_token_latency", 11.0);
}

#[test]
fn failures_and_the_warm_up_are_in_no_figure() {
    let failed = BenchRequest {
        outcome: RequestOutcome::Fault(FaultClass::Timeout),
        ..request()
    };
    let warm_up = BenchRequest {
        is_warm_up: true,
        started: 0,
        ..request()
    };
    let alone = rows(&[request()]);
    let beside = rows(&[warm_up, request(), failed]);
    for (a, b) in alone.iter().zip(&beside) {
        assert_eq!(
            (a.n, a.mean, a.p99),
            (b.n, b.mean, b.p99),
            "{} {}",
            a.tool,
            a.figure.name
        );
    }
    for row in rows(&[]) {
        assert_eq!(
            (row.n, row.mean, row.p50),
            (0, None, None),
            "{} {}",
            row.tool,
            row.figure.name
        );
    }
}

#[test]
fn every_figure_says_how_it_is_made_and_where_that_stands() {
    for tool in LoadTool::ALL {
        assert!(!tool.version().is_empty() && !tool.label().is_empty());
        let mut names = std::collections::BTreeSet::new();
        for figure in tool.figures() {
            assert!(names.insert(figure.name), "{}", figure.name);
            let texts = [figure.unit, figure.formula, figure.source, figure.differs];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}", figure.name);
            assert!(
                figure.source.contains(".py") || figure.source.contains("the same file"),
                "{}",
                figure.source
            );
        }
    }
}
