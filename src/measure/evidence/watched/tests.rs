use proptest::prelude::*;

use super::*;
use crate::measure::evidence::{LookRule, verdict};

const MARGIN: f64 = 0.05;

fn pair(a: f64, b: f64) -> Pair {
    Pair {
        a: Some(a),
        b: Some(b),
    }
}

fn pairs(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Pair>> {
    let value = || prop::option::weighted(0.9, (1..40_i32).prop_map(f64::from));
    prop::collection::vec((value(), value()).prop_map(|(a, b)| Pair { a, b }), n)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_verdict_kept_up_to_date_is_that_on_all_pairs(pairs in pairs(0..500)) {
        let mut so_far = Watched::default();
        for pair in &pairs {
            so_far.push(*pair);
        }
        for quantile in Quantile::ALL {
            let found = so_far.verdict(quantile, MARGIN);
            prop_assert_eq!(&found, &verdict(&pairs, quantile, LookRule::Every, MARGIN));
            prop_assert_eq!(found.outcome, so_far.outcome(quantile, MARGIN));
            prop_assert_eq!(found.n, pairs.iter().filter(|pair| pair.both().is_some()).count());
        }
    }

    #[test]
    fn the_interval_holds_the_estimate_and_says_what_the_outcome_does(pairs in pairs(0..400), looks in any::<bool>()) {
        let looks = if looks { LookRule::Every } else { LookRule::Fixed };
        for quantile in Quantile::ALL {
            let found = verdict(&pairs, quantile, looks, MARGIN);
            let of = &found.difference;
            if let (Some(value), Some(low), Some(high)) = (of.value, of.low, of.high) {
                prop_assert!(low <= value && value <= high, "{:?}", found);
            }
            match found.outcome {
                Conclusion::Faster => prop_assert!(of.high.unwrap() <= 0.0),
                Conclusion::Slower => prop_assert!(of.low.unwrap() >= 0.0),
                Conclusion::Same => prop_assert!(found.ratio.is_within(0.949, 1.051)),
                Conclusion::CantTell => prop_assert!(of.low.is_none_or(|low| low <= 0.0) && of.high.is_none_or(|high| high >= 0.0)),
            }
            prop_assert!(found.outcome == Conclusion::CantTell || found.pairs_needed.is_none());
        }
    }

    #[test]
    fn watching_widens_the_interval(pairs in pairs(100..400)) {
        let [every, once] = [LookRule::Every, LookRule::Fixed]
            .map(|looks| verdict(&pairs, Quantile::Median, looks, MARGIN).difference);
        prop_assert!(every.low <= once.low && every.high >= once.high);
        prop_assert_eq!(every.value, once.value);
    }
}

#[test]
fn nothing_is_said_of_too_few_pairs() {
    for n in [0, 1, 2, 5] {
        let pairs: Vec<Pair> = (0..n).map(|k| pair(100.0 + f64::from(k), 50.0)).collect();
        for looks in [LookRule::Every, LookRule::Fixed] {
            for quantile in Quantile::ALL {
                let found = verdict(&pairs, quantile, looks, MARGIN);
                assert_eq!(found.outcome, Conclusion::CantTell, "{n} {looks:?}");
                assert_eq!((found.difference.low, found.ratio.high), (None, None));
                assert!(found.pairs_needed.is_none_or(|more| more > 0));
            }
        }
    }
}

#[test]
fn pairs_that_all_differ_the_same_way_tell_soon() {
    let mut so_far = Watched::default();
    let mut told = None;
    for k in 0..40_u32 {
        so_far.push(pair(100.0 + f64::from(k % 7), 80.0 + f64::from(k % 5)));
        if told.is_none() && so_far.outcome(Quantile::Median, MARGIN) == Conclusion::Faster {
            told = Some(k + 1);
        }
    }
    assert!(told.is_some_and(|n| (8..=16).contains(&n)), "{told:?}");
    let found = so_far.verdict(Quantile::Median, MARGIN);
    assert!(found.difference.high < Some(-10.0), "{found:?}");
    assert_eq!(found.method, Method::SignSequence);
}

#[test]
fn equal_values_are_the_same_and_never_different() {
    let pairs = vec![pair(100.0, 100.0); 300];
    for looks in [LookRule::Every, LookRule::Fixed] {
        for quantile in [Quantile::Median, Quantile::P95] {
            let found = verdict(&pairs, quantile, looks, MARGIN);
            assert_eq!(found.outcome, Conclusion::Same, "{looks:?} {quantile:?}");
        }
    }
    // Nine in ten tie, the others all differ one way: a median of no difference stands.
    let mut tied = vec![pair(100.0, 100.0); 270];
    tied.extend([pair(100.0, 50.0); 30]);
    let found = verdict(&tied, Quantile::Median, LookRule::Every, 0.0);
    assert_eq!(
        (found.difference.low, found.difference.high),
        (Some(0.0), Some(0.0))
    );
}

#[test]
fn a_ratio_needs_positive_values() {
    let mut pairs: Vec<Pair> = (0..100_u32)
        .map(|k| pair(f64::from(k % 9) + 1.0, f64::from(k % 7) + 1.0))
        .collect();
    assert!(
        verdict(&pairs, Quantile::Median, LookRule::Every, MARGIN)
            .ratio
            .value
            .is_some()
    );
    pairs.push(pair(0.0, 1.0));
    for looks in [LookRule::Every, LookRule::Fixed] {
        for quantile in Quantile::ALL {
            let found = verdict(&pairs, quantile, looks, MARGIN);
            assert_eq!(found.ratio, IntervalEstimate::default());
        }
    }
}

#[test]
fn what_is_no_number_is_left_out() {
    let pairs = [
        pair(f64::NAN, 1.0),
        pair(1.0, f64::INFINITY),
        Pair {
            a: None,
            b: Some(2.0),
        },
        pair(1.0, 2.0),
    ];
    for looks in [LookRule::Every, LookRule::Fixed] {
        let found = verdict(&pairs, Quantile::Median, looks, MARGIN);
        assert_eq!((found.n, found.difference.value), (1, Some(1.0)));
    }
}

#[test]
fn without_an_estimate_one_target_has_no_end_of_an_interval() {
    for n in 0..150_u32 {
        let values: Vec<f64> = (0..n).map(f64::from).collect();
        for quantile in Quantile::ALL {
            for looks in [LookRule::Every, LookRule::Fixed] {
                let found = crate::measure::evidence::of_one(&values, quantile, looks);
                let has_end = found.low.is_some() || found.high.is_some();
                assert!(found.value.is_some() || !has_end, "{n}: {found:?}");
            }
        }
    }
}
