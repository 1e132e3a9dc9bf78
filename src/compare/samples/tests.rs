use super::*;
use crate::compare::{Arm, ComparedFigure};

/// A run that was answered: TTFT in milliseconds, 11 tokens 10 ms apart.
pub(in super::super) fn answered(connection: ConnectionKind, ttft_ms: u64) -> CompareSample {
    CompareSample {
        connection: Some(connection),
        request_sent: Some(1_000_000),
        first_byte: Some(ttft_ms * 1_000_000),
        first_token: Some(ttft_ms * 1_000_000),
        last_token: Some((ttft_ms + 100) * 1_000_000),
        tokens: Some(11),
        rtt_ns: Some(500_000),
        ..CompareSample::default()
    }
}

/// A run that failed.
pub(in super::super) fn failed(class: FaultClass) -> CompareSample {
    CompareSample {
        fault: Some(class),
        ..CompareSample::default()
    }
}

pub(in super::super) fn round(index: u64, samples: Vec<CompareSample>) -> CompareRound {
    CompareRound {
        index,
        connection: ConnectionKind::Warm,
        prompt: 0,
        order: (0..samples.len()).collect(),
        samples,
        is_first: index == 0,
        elapsed: Duration::from_secs(index),
    }
}

pub(in super::super) fn plan_of(arms: usize) -> ComparePlan {
    ComparePlan {
        arms: vec![Arm::of("here/m".parse().unwrap()); arms],
        ..ComparePlan::default()
    }
}

#[test]
fn what_a_run_counts_as() {
    use ConnectionKind::{Cold, Warm};
    let late = CompareSample {
        is_late: true,
        ..answered(Warm, 5)
    };
    let empty = CompareSample {
        connection: Some(Warm),
        ..CompareSample::default()
    };
    for (sample, outcome, has_failed) in [
        (answered(Warm, 5), SampleOutcome::Measured, Some(false)),
        (
            answered(Cold, 5),
            SampleOutcome::Excluded(Exclusion::NotWarm),
            Some(false),
        ),
        (late, SampleOutcome::Excluded(Exclusion::Late), Some(false)),
        (empty, SampleOutcome::Failed("no_token"), Some(true)),
        (
            failed(FaultClass::Reset),
            SampleOutcome::Failed("reset"),
            Some(true),
        ),
        (
            failed(FaultClass::Cancelled),
            SampleOutcome::Excluded(Exclusion::Stopped),
            None,
        ),
    ] {
        assert_eq!(sample.outcome(Warm), outcome);
        assert_eq!(sample.has_failed(), has_failed, "{outcome:?}");
    }
}

#[test]
fn a_pair_counts_where_both_were_measured_or_failed_and_started_together() {
    let plan = plan_of(2);
    let warm = |ttft| answered(ConnectionKind::Warm, ttft);
    let counted = |samples| round(0, samples).is_counted(1, &plan);
    assert!(counted(vec![warm(5), warm(6)]));
    assert!(counted(vec![warm(5), failed(FaultClass::Reset)]));
    assert!(!counted(vec![answered(ConnectionKind::Cold, 5), warm(5)]));
    let late = CompareSample {
        started_unix_ns: 121_000_000_000,
        ..warm(6)
    };
    let apart = round(0, vec![warm(5), late]);
    assert!(!apart.is_counted(1, &plan));
    assert_eq!(
        apart.outcome(1, &plan),
        Some(SampleOutcome::Excluded(Exclusion::Apart))
    );
    let ttft = |sample: &CompareSample| ComparedFigure::Ttft.ms(sample);
    assert_eq!(apart.values(1, &plan, ttft), (None, None));
    let half = round(0, vec![failed(FaultClass::Reset), warm(6)]);
    assert_eq!(half.values(1, &plan, ttft), (None, Some(6.0)));
}

#[test]
fn figures_and_phases_are_derived_from_the_stamps() {
    let sample = answered(ConnectionKind::Warm, 50);
    let figure = |figure: ComparedFigure| figure.ms(&sample);
    assert_eq!(figure(ComparedFigure::Ttft), Some(50.0));
    assert_eq!(figure(ComparedFigure::Tpot), Some(10.0));
    assert_eq!(figure(ComparedFigure::Total), Some(150.0));
    assert_eq!(ComparePhase::Network.ms(&sample), Some(0.5));
    assert_eq!(ComparePhase::Provider.ms(&sample), Some(48.5));
    assert_eq!(ComparePhase::Tls.ms(&sample), None);
}
