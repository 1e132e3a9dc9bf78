//! Killed in the middle, and resumed without a lost or a doubled pair.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use serde_json::Value;

use super::{
    compare,
    server::{Deed, Scripted},
    told,
};
use crate::{deadline, home::Home};

/// The rounds that a comparison told before it was killed: seven or a few more.
fn told_before_a_kill(home: &Home) -> Vec<Value> {
    let arguments = ["compare", "--json", "a/m", "b/m", "-n", "40", "--seed", "5"];
    let mut child = home.start(arguments, Stdio::piped(), Stdio::null());
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut before: Vec<Value> = Vec::new();
    while before.len() < 7 {
        let (rest, line) = deadline::read("a round", out, |out| {
            let mut line = String::new();
            out.read_line(&mut line).map(|_| line)
        });
        out = rest;
        before.push(serde_json::from_str(&line.unwrap()).unwrap());
    }
    // SIGKILL: nothing is told, nothing is tidied up.
    child.kill().unwrap();
    deadline::ended(&mut child);
    let (_, rest) = deadline::read("what it said before", out, |out| {
        out.lines().map_while(Result::ok).collect::<Vec<_>>()
    });
    // What was told whole before the kill counts.
    before.extend(
        rest.iter()
            .filter_map(|line| serde_json::from_str(line).ok()),
    );
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_that_was_killed_goes_on_without_a_lost_or_doubled_pair() {
    let (_server, home) = Scripted::with_home(|_, _| Deed::Answer(3), "").await;
    let before = told_before_a_kill(&home);

    let open = compare(&home, &["--list"]);
    let listed: Value = serde_json::from_str(open.out.trim()).unwrap();
    assert!(listed["stopped"].is_null(), "{listed}");
    let kept = usize::try_from(listed["rounds"].as_u64().unwrap()).unwrap();
    assert!(
        kept >= before.len(),
        "{kept} rounds kept, {} told",
        before.len()
    );

    let resumed = compare(&home, &["--resume", "last"]);
    let (after, whole) = told(&resumed);
    assert_eq!(resumed.code, compare(&home, &["--show", "last"]).code);
    assert_eq!(
        (&whole["pairs"], &whole["stopped"]),
        (&40.into(), &"pairs".into())
    );
    let index = |line: &Value| line["round"].as_u64().unwrap();
    let told_before: BTreeSet<u64> = before.iter().map(index).collect();
    let told_after: BTreeSet<u64> = after.iter().map(index).collect();
    assert!(
        told_before.is_disjoint(&told_after),
        "no round was asked twice"
    );
    assert_eq!(
        told_after.first(),
        Some(&(kept as u64)),
        "it goes on where it was"
    );
    // Both endpoints are one server: each process opened one connection to it, which gave no pair.
    assert_eq!(whole["excluded"]["not_warm"], 2, "{whole}");
    let asked = &whole["failures"]["arms"][0]["asked"];
    assert_eq!(*asked, kept + after.len(), "each round is there once");
    assert_eq!(
        whole["table"][2]["cells"][1]["value"], 0.0,
        "none was lost: {whole}"
    );
    let runs = |lines: &[Value]| -> Vec<i64> {
        let arms = lines
            .iter()
            .flat_map(|line| line["arms"].as_array().unwrap());
        arms.map(|arm| arm["run"].as_i64().unwrap()).collect()
    };
    let all = [runs(&before), runs(&after)].concat();
    let different: BTreeSet<i64> = all.iter().copied().collect();
    assert_eq!(different.len(), all.len());

    let orders = |lines: &[Value]| -> Vec<Value> {
        let orders = lines.iter().map(|it| it["order"].clone());
        orders.collect()
    };
    let whole_again = compare(&home, &["a/m", "b/m", "-n", "40", "--seed", "5"]);
    let (uncut, _) = told(&whole_again);
    let cut = [orders(&before[..7]), orders(&after)].concat();
    let expected = [&orders(&uncut)[..7], &orders(&uncut)[kept..]].concat();
    assert_eq!(
        cut[..expected.len().min(cut.len())],
        expected[..expected.len().min(cut.len())]
    );
}
