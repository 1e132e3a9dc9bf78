use super::*;

fn spread(n: u32, ratio: f64) -> Vec<(f64, f64)> {
    let one = |k: u32, step: f64| 100.0 + 100.0 * (f64::from(k) * step).fract();
    (0..n)
        .map(|k| (one(k, 0.618_033_988), ratio * one(k, 0.754_877_666)))
        .collect()
}

#[test]
fn a_quantile_has_an_interval_once_each_targets_own_has_one() {
    // As in the table of `percentile`: P99 needs 368 values.
    assert_eq!(quantiles(&spread(367, 1.0), 0.99).0.low, None);
    let (difference, ratio) = quantiles(&spread(368, 1.0), 0.99);
    assert!(difference.low < difference.value && difference.value < difference.high);
    assert!(ratio.low < Some(1.0) && Some(1.0) < ratio.high);
    assert_eq!(quantiles(&[], 0.99).0, IntervalEstimate::default());
}

#[test]
fn a_larger_quantile_is_found_and_the_same_pairs_say_the_same() {
    let pairs = spread(1_000, 0.8);
    let found = verdict(&pairs, Quantile::P95, 0.05);
    assert_eq!(found.outcome, Conclusion::Faster);
    assert!(
        found.difference.low < Some(-38.0) && found.difference.high > Some(-40.0),
        "{found:?}"
    );
    assert_eq!(found, verdict(&pairs, Quantile::P95, 0.05));
}
