//! The figures of a bench as other load tools define them.

use std::time::Duration;

use serde_json::Value;
use tokenscope::bench::compat::LoadTool;

use super::{assert_done, bench_at, steady_server};
use crate::home::Home;

#[tokio::test(flavor = "multi_thread")]
async fn a_bench_tells_the_figures_of_other_tools_when_it_ends_and_later() {
    let (home, server) = (Home::new(), steady_server(Duration::from_millis(5)).await);
    let more = ["--rate", "100", "-n", "30", "--warm-up", "5", "--compat"];
    let (line, ran) = bench_at(&home, &server, &more);
    assert_done(&line, &ran);
    let rows = line["compatibility"].as_array().unwrap();
    let names = |tool: &LoadTool| tool.figures().iter().map(|figure| figure.name);
    let names: Vec<&str> = LoadTool::ALL.iter().flat_map(names).collect();
    assert_eq!(rows.len(), names.len());
    for (row, name) in rows.iter().zip(names) {
        assert_eq!(row["figure"], name);
    }
    let ttft = |tool: &str, figure: &str| -> &Value {
        let row = rows
            .iter()
            .find(|row| row["tool"] == tool && row["figure"] == figure);
        row.unwrap()
    };
    for (tool, figure, to_ms) in [
        ("vllm", "ttft", 1.0),
        ("aiperf", "time_to_first_token", 1.0),
        ("llmperf", "ttft_s", 1e3),
    ] {
        let row = ttft(tool, figure);
        assert_eq!(row["n"], 30, "without the warm-up: {row}");
        let median = row["p50"].as_f64().unwrap() * to_ms;
        assert!(median >= 5.0, "the server waits 5 ms: {row}");
        let ours = |name: &str| line["ttft_ms"][name].as_f64().unwrap();
        assert!(ours("min") <= median && median <= ours("max"), "{row}");
    }

    let id = line["id"].as_i64().unwrap().to_string();
    let shown = home.run(&["bench", "--show", &id, "--compat", "--json"], "");
    assert_eq!(shown.json(), line);
    let without = home.run(&["bench", "--show", &id, "--json"], "").json();
    assert!(without.get("compatibility").is_none(), "{without}");
    let words = home.run(&["bench", "--show", &id, "--compat"], "").out;
    for tool in LoadTool::ALL {
        let head = format!("\n{} {} ", tool.label(), tool.version());
        assert!(words.contains(&head), "{words}");
    }
    assert!(words.contains("\n  time_to_second_token "), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_of_other_tools_need_no_history() {
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    let more = ["-n", "3", "--compat", "--no-history"];
    let (line, ran) = bench_at(&home, &server, &more);
    assert_done(&line, &ran);
    assert_eq!(line["compatibility"][0]["n"], 3, "{line}");
}
