//! Benches of machines that nobody drives: each writes a file, and the files are merged.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use tokenscope::bench::part::{MAGIC, decode_file};

use super::line;
use crate::{
    bench::assert_done,
    home::{Home, Ran},
};

/// A part of a load on a provider, in a file.
fn part(home: &Home, url: &str, share: &str, file: &str) -> Ran {
    let file = home.path().join(file);
    home.run(
        &[
            "bench",
            "--json",
            "--base-url",
            url,
            "-m",
            "m",
            "--rate",
            "90",
            "-n",
            "61",
            "--share",
            share,
            "--no-history",
            "--save",
            file.to_str().unwrap(),
        ],
        "",
    )
}

fn merged(home: &Home, more: &[&str]) -> Ran {
    let names = more.iter().map(|name| {
        if name.starts_with('-') {
            (*name).to_owned()
        } else {
            home.path().join(name).to_str().unwrap().to_owned()
        }
    });
    let all: Vec<String> = ["merge", "--json"]
        .map(str::to_owned)
        .into_iter()
        .chain(names)
        .collect();
    home.run(&all.iter().map(String::as_str).collect::<Vec<_>>(), "")
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_load_are_merged_from_their_files() {
    let provider = super::Provider::new(Duration::from_millis(3)).await;
    let (home, url) = (Home::new(), format!("{}v1", provider.server.url()));
    let parts: Vec<Value> = (0..3)
        .map(|index| {
            let ran = part(
                &home,
                &url,
                &format!("{index}/3"),
                &format!("{index}.tsbench"),
            );
            let line = line(&ran);
            assert_done(&line, &ran);
            line
        })
        .collect();
    let counts: Vec<_> = parts
        .iter()
        .map(|part| part["requests"]["ok"].clone())
        .collect();
    assert_eq!(counts, [21, 20, 20].map(|n| json!(n)));
    let seeds: Vec<_> = parts.iter().map(|part| &part["plan"]["seed"]).collect();
    assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2], "{seeds:?}");
    assert_eq!(parts[1]["requested_rate"], 30.0);

    let ran = merged(
        &home,
        &[
            "0.tsbench",
            "1.tsbench",
            "2.tsbench",
            "-o",
            "all.tsbench",
            "--store",
        ],
    );
    let whole = line(&ran);
    assert_eq!(whole["type"], "bench");
    assert_eq!(whole["requests"]["ok"], 61);
    assert_eq!(whole["ttft_ms"]["n"], 61);
    assert_eq!(whole["requested_rate"], 90.0);
    assert_eq!(whole["clock"]["by"], "wall_clocks");
    // One ran after the other, so that they were no load together: that is said, and the code tells it.
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    let apart = |why: &Value| why["reason"] == "apart";
    assert!(
        whole["invalid"].as_array().unwrap().iter().any(apart),
        "{whole}"
    );
    let largest = parts
        .iter()
        .map(|part| part["ttft_ms"]["max"].as_f64().unwrap());
    assert_eq!(whole["ttft_ms"]["max"], largest.fold(0.0, f64::max));

    let report = home.path().join("merged.html");
    let more = ["all.tsbench", "--report", report.to_str().unwrap()];
    let again = line(&merged(&home, &more));
    let html = fs::read_to_string(&report).unwrap();
    for said in [
        "Machines",
        "n = 61: 61 answered, 0 failed",
        "the machines sent at once for only",
        "each machine&#39;s own, whose error nobody measured",
        "never from their percentiles",
    ] {
        assert!(html.contains(said), "{said}: {html}");
    }
    for figure in [
        "ttft_ms",
        "from_schedule",
        "achieved_rate",
        "requests",
        "machines",
    ] {
        assert_eq!(again[figure], whole[figure], "{figure}");
    }
    let id = whole["id"].as_i64().unwrap().to_string();
    let stored = home.run(&["bench", "--show", &id, "--json"], "").json();
    assert_eq!(stored["ttft_ms"], whole["ttft_ms"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_parts_of_one_load_are_refused() {
    let provider = super::Provider::new(Duration::ZERO).await;
    let (home, url) = (Home::new(), format!("{}v1", provider.server.url()));
    for (share, file) in [("0/2", "a"), ("1/2", "b")] {
        let ran = part(&home, &url, share, file);
        assert!(matches!(ran.code, Some(0 | 4)), "{}", ran.err);
    }
    let other = home.path().join("other");
    let asks = ["bench", "--base-url", &url, "-m", "n", "-n", "2", "--save"];
    home.run(&[&asks[..], &[other.to_str().unwrap()]].concat(), "");
    fs::write(home.path().join("text"), "no bench").unwrap();
    for (files, why) in [
        (&["a", "a"][..], "there twice"),
        (&["a", "other"], "the target differs"),
        (&["a", "text"], "no file of benches"),
        (&["a", "nothing"], "does not exist"),
    ] {
        let ran = merged(&home, files);
        assert_eq!(ran.code, Some(2), "{files:?}: {}", ran.err);
        assert!(ran.err.contains(why), "{files:?}: {}", ran.err);
    }

    // A file that is cut off has what came before, and the result is marked.
    let bytes = fs::read(home.path().join("a")).unwrap();
    let parts = decode_file(&bytes).unwrap();
    let end = serde_json::to_vec(&parts[0].end).unwrap().len();
    let cut = &bytes[..bytes.len() - end / 2];
    assert!(cut.len() > MAGIC.len());
    fs::write(home.path().join("a"), cut).unwrap();
    let ran = merged(&home, &["a", "b"]);
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    let whole = line(&ran);
    assert_eq!(whole["requests"]["ok"], 61);
    assert_eq!(whole["machines"][0]["lost"], "the file is cut off");
}

/// The Job of the documents: its arguments are those of this program, and its pods' parts are the whole load.
#[test]
fn the_job_of_the_documents_divides_the_load() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/kubernetes/bench-job.yaml"
    );
    let text = fs::read_to_string(file).unwrap();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}")).trim()
    };
    let pods: u32 = field("completions:").parse().unwrap();
    assert_eq!(field("parallelism:"), field("completions:"));
    assert_eq!(field("completionMode:"), "Indexed");
    let arguments: Vec<String> = serde_json::from_str(field("args:")).unwrap();
    let home = Home::new();
    let mut requests = 0;
    for pod in 0..pods {
        let index = pod.to_string();
        let own = arguments
            .iter()
            .map(|text| text.replace("$(JOB_COMPLETION_INDEX)", &index));
        let own: Vec<String> = own
            .chain(["--dry-run", "--json"].map(str::to_owned))
            .collect();
        let ran = home.run(&own.iter().map(String::as_str).collect::<Vec<_>>(), "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        requests += ran.json()["requests"].as_u64().unwrap();
    }
    assert_eq!(requests, 400 * 300 + 40);
}
