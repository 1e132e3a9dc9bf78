use proptest::prelude::*;

use super::*;
use crate::measure::evidence::{Conclusion, failure_verdict, mixture::Mixture};

fn counts(both: usize, a_alone: usize, b_alone: usize, none: usize) -> PairCounts {
    PairCounts {
        both,
        a_alone,
        b_alone,
        none,
    }
}

/// Pairs in these numbers.
fn pairs(of: PairCounts) -> Vec<(bool, bool)> {
    [
        (of.both, (true, true)),
        (of.a_alone, (true, false)),
        (of.b_alone, (false, true)),
        (of.none, (false, false)),
    ]
    .into_iter()
    .flat_map(|(count, pair)| std::iter::repeat_n(pair, count))
    .collect()
}

proptest! {
    #[test]
    fn against_no_difference_it_is_the_evidence_of_signs(won in 0..300_usize, lost in 0..300_usize, none in 0..9_usize) {
        // The bets of `mixture` are spread without steps; these are in steps.
        let signs = Mixture::tuned(0.5, 7.936_796_494_2 * (WORTH + 1.0)).ln_evidence(won, lost);
        let found = counts(0, lost, won, none).ln_evidence(0.0);
        prop_assert!((found - signs).abs() < 1e-3 * (1.0 + signs.abs()), "{} {}", found, signs);
    }

    #[test]
    fn bets_do_not_grow_on_average(
        [both, a_alone, b_alone] in prop::array::uniform3(0.0..0.3f64),
        now in prop::array::uniform4(0..40_usize),
    ) {
        let difference = b_alone - a_alone;
        let [w, x, y, z] = now;
        let of = |then: PairCounts| (then.ln_evidence(difference) - counts(w, x, y, z).ln_evidence(difference)).exp();
        let after = both * of(counts(w + 1, x, y, z))
            + a_alone * of(counts(w, x + 1, y, z))
            + b_alone * of(counts(w, x, y + 1, z))
            + (1.0 - both - a_alone - b_alone) * of(counts(w, x, y, z + 1));
        prop_assert!((after - 1.0).abs() < 1e-9, "{}", after);
    }

    #[test]
    fn an_interval_holds_the_difference_and_turns_with_its_targets(
        [w, x, y, z] in prop::array::uniform4(0..60_usize), watched in any::<bool>(),
    ) {
        let looks = if watched { LookRule::Every } else { LookRule::Fixed };
        let of = counts(w, x, y, z);
        let found = of.difference(looks);
        let turned = of.swapped().difference(looks);
        if let (Some(value), Some(low), Some(high)) = (found.value, found.low, found.high) {
            prop_assert!(-1.0 <= low && low <= value && value <= high && high <= 1.0, "{:?}", found);
            prop_assert!((turned.low.unwrap() + high).abs() < 1e-6);
        } else {
            prop_assert_eq!(of.n(), 0);
        }
    }

    #[test]
    fn a_share_lies_in_its_interval_and_more_requests_narrow_it(n in 1..500_usize, of in 0.0..1.0f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below n")]
        let count = (float(n) * of) as usize;
        for looks in [LookRule::Every, LookRule::Fixed] {
            let found = share(count, n, looks);
            let more = share(10 * count, 10 * n, looks);
            prop_assert!(found.low <= found.value && found.value <= found.high);
            prop_assert!(more.high.unwrap() - more.low.unwrap() < found.high.unwrap() - found.low.unwrap());
        }
    }
}

#[test]
fn a_target_that_fails_is_told_from_one_that_does_not() {
    for looks in [LookRule::Every, LookRule::Fixed] {
        let found = failure_verdict(&pairs(counts(0, 0, 20, 180)), looks, 0.01);
        assert_eq!(found.outcome, Conclusion::Slower, "{found:?}");
        assert_eq!(found.outcome.of_failures(), "more");
        assert_eq!((found.n, found.b.value), (200, Some(0.1)));
        let turned = failure_verdict(&pairs(counts(0, 20, 0, 180)), looks, 0.01);
        assert_eq!(turned.outcome, Conclusion::Faster);
    }
}

#[test]
fn pairs_that_fail_together_are_no_evidence() {
    for looks in [LookRule::Every, LookRule::Fixed] {
        let found = failure_verdict(&pairs(counts(300, 2, 3, 300)), looks, 0.0);
        assert_eq!(found.outcome, Conclusion::CantTell);
        // They count in both rates all the same.
        assert!((found.a.value.unwrap() - 302.0 / 605.0).abs() < 1e-12);
        // If one took the answers to be independent, the interval would be some ±4 points wide at least.
        assert!(found.difference.high < Some(0.035), "{found:?}");
    }
}

#[test]
fn none_of_many_is_little() {
    let found = failure_verdict(&pairs(counts(0, 0, 0, 2_000)), LookRule::Every, 0.01);
    assert_eq!(found.outcome, Conclusion::Same, "{found:?}");
    let few = failure_verdict(&pairs(counts(0, 0, 0, 50)), LookRule::Every, 0.01);
    assert_eq!(few.outcome, Conclusion::CantTell);
    assert!(
        few.pairs_needed
            .is_some_and(|more| (100..20_000).contains(&more)),
        "{few:?}"
    );
    assert_eq!(
        failure_verdict(&[], LookRule::Every, 0.01).difference,
        IntervalEstimate::default()
    );
}
