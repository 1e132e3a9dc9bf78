use super::*;
use crate::{
    compare::{
        CompareSample, CompareStopRule, ComparedConnections,
        samples::tests::{answered, failed, plan_of, round},
    },
    event::FaultClass,
};

/// A number from 0 to 1 that looks random and is the same each time.
fn noise(seed: u64) -> f64 {
    crate::seeded::uniform(seed, 0)
}

/// A warm run with a TTFT in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "some milliseconds"
)]
fn warm(ttft_ms: f64) -> CompareSample {
    let ns = (ttft_ms * 1e6) as u64;
    CompareSample {
        first_token: Some(ns),
        last_token: Some(ns + 100_000_000),
        ..answered(ConnectionKind::Warm, 1)
    }
}

/// So many rounds of two arms, with these TTFTs in milliseconds.
fn rounds(count: u64, ttft: impl Fn(u64) -> [f64; 2]) -> Vec<CompareRound> {
    let samples = |index| ttft(index).map(warm).to_vec();
    (0..count)
        .map(|index| round(index, samples(index)))
        .collect()
}

fn compared(plan: &ComparePlan, rounds: &[CompareRound]) -> PairedComparison {
    PairedComparison::of(plan, rounds, &[], None)
}

fn conclusion(result: &PairedComparison, plan: &ComparePlan) -> Conclusion {
    let arm = &result.kinds[0].against_first[0];
    arm.decided_figure(plan).unwrap().verdict.outcome
}

#[test]
fn equal_arms_are_not_told_apart_and_different_ones_are() {
    let plan = plan_of(2);
    let equal = rounds(200, |index| {
        [0, 1].map(|arm| 100.0 + 20.0 * noise(2 * index + arm))
    });
    let result = compared(&plan, &equal);
    let found = conclusion(&result, &plan);
    assert!(
        matches!(found, Conclusion::Same | Conclusion::CantTell),
        "{found:?}"
    );
    assert_eq!(result.pairs(), 200);
    let faster = rounds(200, |index| {
        let [a, b] = [0, 1].map(|arm| 100.0 + 20.0 * noise(2 * index + arm));
        [a, 0.8 * b]
    });
    let result = compared(&plan, &faster);
    assert_eq!(conclusion(&result, &plan), Conclusion::Faster);
    assert!(result.is_settled);
}

#[test]
fn only_a_number_of_pairs_that_was_fixed_and_reached_gives_one_look() {
    let mut plan = plan_of(2);
    plan.stop.pairs = Some(8);
    let eight = rounds(8, |index| [100.0 + noise(index), 50.0 + noise(index)]);
    let of = |plan: &ComparePlan, end| PairedComparison::of(plan, &eight, &[], end).is_fixed;
    assert!(of(&plan, Some(CompareStopReason::Pairs)));
    assert!(!of(&plan, None), "while it runs");
    assert!(!of(&plan, Some(CompareStopReason::Stopped)));
    plan.stop = CompareStopRule {
        until_settled: true,
        ..plan.stop
    };
    assert!(!of(&plan, Some(CompareStopReason::Pairs)));
}

#[test]
fn a_drift_is_told_and_its_absence_is_not() {
    let plan = plan_of(2);
    let still = rounds(90, |index| {
        [100.0 + noise(index), 110.0 + noise(index + 1000)]
    });
    assert!(!compared(&plan, &still).kinds[0].against_first[0].has_drifted());
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let drifting = rounds(90, |index| {
        [
            100.0 + noise(index),
            90.0 + index as f64 + noise(index + 1000),
        ]
    });
    let arm = &compared(&plan, &drifting).kinds[0].against_first[0];
    assert!(arm.has_drifted());
    let [first, middle, last] = arm.thirds;
    assert_eq!([first.n, middle.n, last.n], [30, 30, 30]);
    assert!(first.value < middle.value && middle.value < last.value);
}

#[test]
fn what_failed_or_is_left_out_is_counted_and_in_no_figure() {
    let plan = plan_of(3);
    let mut all = Vec::new();
    for index in 0..20 {
        let late = CompareSample {
            is_late: true,
            ..warm(1_000.0)
        };
        let second = match index % 4 {
            0 => failed(FaultClass::RateLimited),
            1 => late,
            _ => warm(50.0),
        };
        let first = if index == 0 {
            failed(FaultClass::Overloaded)
        } else {
            warm(60.0)
        };
        all.push(round(index, vec![first, second, warm(70.0)]));
    }
    let result = compared(&plan, &all);
    let kind = &result.kinds[0];
    let second = &kind.arms[1];
    assert_eq!(
        (second.asked, second.measured, second.failed()),
        (20, 10, 5)
    );
    assert_eq!(second.faults, [("rate_limited", 5)]);
    assert_eq!(second.excluded_for(Exclusion::Late), 5);
    let [of_second, of_third] = &kind.against_first[..] else {
        panic!("two arms are held against the first")
    };
    assert_eq!(
        (of_second.pairs, of_third.pairs),
        (15, 20),
        "failed ones count"
    );
    assert_eq!(result.pairs(), 15);
    let ttft = of_second.decided_figure(&plan).unwrap();
    assert_eq!(ttft.verdict.n, 10);
    assert_eq!(ttft.verdict.difference.value, Some(-10.0));
    assert_eq!((of_second.failures.n, of_second.failed_together), (20, 1));
    let provider = of_third.phases.last().unwrap();
    assert_eq!(provider.median.value, Some(10.0));
    assert_eq!(provider.median.n, 19);
}

#[test]
fn kinds_of_connection_are_never_mixed() {
    let mut plan = plan_of(2);
    plan.connections = ComparedConnections::Both;
    let mut all = rounds(6, |_| [50.0, 40.0]);
    for index in 6..10 {
        let cold = CompareRound {
            connection: ConnectionKind::Cold,
            ..round(
                index,
                vec![
                    answered(ConnectionKind::Cold, 300),
                    answered(ConnectionKind::Cold, 400),
                ],
            )
        };
        all.push(cold);
    }
    let result = compared(&plan, &all);
    let of = |at: usize| {
        let kind = &result.kinds[at];
        let found = kind.against_first[0].decided_figure(&plan).unwrap();
        (
            kind.connection,
            found.verdict.n,
            found.verdict.difference.value,
        )
    };
    assert_eq!(of(0), (ConnectionKind::Cold, 4, Some(100.0)));
    assert_eq!(of(1), (ConnectionKind::Warm, 6, Some(-10.0)));
}

#[test]
fn the_articles_table_has_a_value_or_says_why_not() {
    let plan = plan_of(2);
    let few = compared(&plan, &rounds(99, |_| [100.0, 50.0]));
    let rows = &few.kinds[0].article.rows;
    let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
    assert_eq!(keys, ["loss", "p99_ttft_ms", "connections_lost", "gain"]);
    let why = |row: usize, arm: usize| rows[row].cells[arm].not_measured.is_some();
    assert!(why(0, 0), "no TCP statistics");
    assert!(why(1, 0) && why(1, 1), "99 runs");
    assert!(why(3, 0), "the first has nothing to be held against");
    assert!(!why(2, 0));

    let mut many = rounds(100, |_| [100.0, 50.0]);
    many[3].samples[1] = failed(FaultClass::Reset);
    for (index, round) in many.iter_mut().enumerate() {
        for sample in &mut round.samples {
            (sample.retransmits, sample.out_of_order) = (Some(u32::from(index < 25)), Some(0));
        }
    }
    let result = compared(&plan, &many);
    let rows = &result.kinds[0].article.rows;
    let cell = |row: usize, arm: usize| &rows[row].cells[arm];
    assert_eq!((cell(0, 1).value, cell(0, 1).n), (Some(0.25), 100));
    assert_eq!(cell(1, 0).value, Some(100.0));
    assert!(cell(1, 1).value.is_none(), "99 were measured");
    assert_eq!(cell(2, 1).value, Some(0.01));
    assert_eq!(cell(2, 0).value, Some(0.0));
}
