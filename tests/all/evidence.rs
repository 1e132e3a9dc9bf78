//! Verdicts against independent implementations: `SciPy`, and `confseq`, the package of the methods' authors.
//!
//! They need a Python with both, which `TOKENSCOPE_PYTHON` names (`tests/run` makes one under `target/tools/sdk`); what
//! is missing is skipped, aloud.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tokenscope::measure::evidence::{
    Conclusion, IntervalEstimate, LookRule, Method, Pair, Quantile, failure_verdict, of_one, share,
    verdict,
};

fn python() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/sdk/bin/python");
    std::env::var_os("TOKENSCOPE_PYTHON").map_or(made, PathBuf::from)
}

/// Whether packages are missing, which is said: what needs them is skipped then.
fn is_missing(packages: &str) -> bool {
    let status = Command::new(python())
        .args(["-c", &format!("import {packages}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let is_missing = !status.is_ok_and(|status| status.success());
    if is_missing {
        println!("skipped: {} has not {packages}", python().display());
    }
    is_missing
}

/// Log-normal pairs that have a third of their spread in common, and failures; the same for the same seed.
struct Sample {
    pairs: Vec<(f64, f64)>,
    failures: Vec<(bool, bool)>,
}

impl Sample {
    fn of(seed: u64, n: usize, ratio: f64) -> Self {
        let mut dice = Dice(seed);
        let pair = |_| {
            let common = 0.3 * dice.normal();
            let one = |dice: &mut Dice| 500.0 * (common + 0.4 * dice.normal()).exp();
            (one(&mut dice), ratio * one(&mut dice))
        };
        let pairs = (0..n).map(pair).collect();
        let failed = |_| {
            let both = dice.share() < 0.03;
            (
                both || dice.share() < 0.05,
                both || dice.share() < 0.05 * ratio,
            )
        };
        Self {
            pairs,
            failures: (0..n).map(failed).collect(),
        }
    }

    fn pairs(&self) -> Vec<Pair> {
        let pair = |(a, b): &(f64, f64)| Pair {
            a: Some(*a),
            b: Some(*b),
        };
        self.pairs.iter().map(pair).collect()
    }

    /// What the other implementations say.
    fn reference(&self, part: &str) -> Value {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evidence/reference.py");
        let mut child = Command::new(python())
            .arg(script)
            .arg(part)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let given = json!({"pairs": self.pairs, "failures": self.failures});
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(given.to_string().as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// A generator of the same numbers each time (splitmix64).
struct Dice(u64);

impl Dice {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (u, v) = (self.share(), self.share());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

/// Holds an interval against the other implementation's, within a share of its width.
fn assert_same(what: &str, n: usize, ours: &IntervalEstimate, theirs: &Value, within: f64) {
    if ours.value.is_none() {
        // Too few for an estimate: then there is no end of an interval, either.
        assert_eq!((ours.low, ours.high), (None, None), "{what} of {n}");
        return;
    }
    let theirs = [theirs[0].as_f64(), theirs[1].as_f64()];
    let ours = [ours.low, ours.high];
    let width = match ours {
        [Some(low), Some(high)] => high - low,
        _ => 1.0,
    };
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        let agree = match (ours, theirs) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() <= within * width + 1e-9,
            (ours, theirs) => ours == theirs,
        };
        assert!(agree, "{what} of {n}: {ours:?}, not {theirs:?}");
    }
}

/// Holds the median difference and ratio of a sample against the other implementation's, exactly.
fn assert_same_medians(sample: &Sample, rule: LookRule, theirs: &Value) {
    let ours = verdict(&sample.pairs(), Quantile::Median, rule, 0.0);
    for (what, interval) in [("difference", &ours.difference), ("ratio", &ours.ratio)] {
        let what = format!("median {what}");
        assert_same(&what, sample.pairs.len(), interval, &theirs[&what], 0.0);
    }
}

/// Sizes and ratios of the samples.
const SAMPLES: [(u64, usize, f64); 6] = [
    (1, 40, 1.0),
    (2, 100, 0.8),
    (3, 400, 1.0),
    (4, 800, 0.9),
    (5, 1_500, 1.1),
    (6, 1_500, 0.5),
];

#[test]
fn fixed_intervals_are_those_of_scipy() {
    if is_missing("scipy") {
        return;
    }
    for (seed, n, ratio) in SAMPLES {
        let sample = Sample::of(seed, n, ratio);
        let theirs = sample.reference("fixed");
        assert_same_medians(&sample, LookRule::Fixed, &theirs);
        let a: Vec<f64> = sample.pairs.iter().map(|(a, _)| *a).collect();
        for (quantile, name) in [(Quantile::Median, "0.5"), (Quantile::P95, "0.95")] {
            let ours = of_one(&a, quantile, LookRule::Fixed);
            let theirs = &theirs[format!("quantile {name}")];
            // SciPy gives an interval of a too small sample an end at infinity, which JSON has no number for.
            if ours.low.is_some() && ours.high.is_some() {
                assert_same(name, n, &ours, theirs, 0.0);
            }
        }
        let p95 = verdict(&sample.pairs(), Quantile::P95, LookRule::Fixed, 0.0).difference;
        if p95.low.is_some() {
            // Both are random; 2,000 and 9,999 resamples.
            assert_same("P95 difference", n, &p95, &theirs["p95 difference"], 0.06);
        }
    }
}

#[test]
fn failure_intervals_are_those_of_scipy() {
    if is_missing("scipy") {
        return;
    }
    for (seed, n, ratio) in SAMPLES {
        let sample = Sample::of(seed, n, ratio);
        let theirs = sample.reference("failures");
        let failed = sample.failures.iter().filter(|(_, b)| *b).count();
        assert_same(
            "share",
            n,
            &share(failed, n, LookRule::Fixed),
            &theirs["fixed share"],
            1e-6,
        );
        assert_same(
            "watched share",
            n,
            &share(failed, n, LookRule::Every),
            &theirs["watched share"],
            1e-6,
        );
        let watched = failure_verdict(&sample.failures, LookRule::Every, 0.0);
        // Ours sums 128 bets, SciPy integrates over all.
        assert_same(
            "watched failures",
            n,
            &watched.difference,
            &theirs["watched difference"],
            2e-3,
        );
        let fixed = failure_verdict(&sample.failures, LookRule::Fixed, 0.0);
        let is_different =
            fixed.outcome != Conclusion::CantTell && fixed.outcome != Conclusion::Same;
        // McNemar's test at 4 %: the rest of the error is kept for how often one alone fails.
        assert_eq!(
            is_different,
            theirs["mcnemar"].as_f64().unwrap() <= 0.04,
            "{n}"
        );
        assert_eq!(
            (watched.method, fixed.method),
            (Method::FailureSequence, Method::ExactPairs)
        );
    }
}

#[test]
fn watched_intervals_are_those_of_the_authors() {
    if is_missing("scipy, confseq.boundaries") {
        return;
    }
    for (seed, n, ratio) in SAMPLES {
        let sample = Sample::of(seed, n, ratio);
        let theirs = sample.reference("watched");
        assert_same_medians(&sample, LookRule::Every, &theirs);
        let a: Vec<f64> = sample.pairs.iter().map(|(a, _)| *a).collect();
        for (quantile, name) in [
            (Quantile::Median, "0.5"),
            (Quantile::P95, "0.95"),
            (Quantile::P99, "0.99"),
        ] {
            let ours = of_one(&a, quantile, LookRule::Every);
            assert_same(name, n, &ours, &theirs[format!("quantile {name}")], 0.0);
        }
        let p95 = verdict(&sample.pairs(), Quantile::P95, LookRule::Every, 0.0).difference;
        if p95.low.is_some() {
            // Both halve a range until little of it is left.
            assert_same("P95 difference", n, &p95, &theirs["p95 difference"], 1e-3);
        }
    }
}
