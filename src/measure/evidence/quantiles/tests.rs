use proptest::prelude::*;

use super::*;

/// Counted one by one.
fn plain(pairs: &[(f64, f64)], q: f64) -> [usize; 4] {
    let of =
        |holds: fn(f64, f64, f64) -> bool| pairs.iter().filter(|(a, b)| holds(*a, *b, q)).count();
    [
        of(|a, _, q| a > q),
        of(|_, b, q| b < q),
        of(|a, b, q| a > q && b < q),
        of(|a, b, q| a <= q && b >= q),
    ]
}

fn as_array(counts: Counts) -> [usize; 4] {
    [counts.above, counts.below, counts.for_it, counts.against]
}

/// Small whole numbers: many ties.
fn pairs(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(f64, f64)>> {
    let value = || (0..12_i32).prop_map(f64::from);
    prop::collection::vec((value(), value()), n)
}

proptest! {
    #[test]
    fn what_is_counted_in_one_sweep_is_what_is_counted_at_each_value(
        pairs in pairs(1..60), low in 0..12_i32, width in 0..12_i32,
    ) {
        let (low, high) = (f64::from(low), f64::from(low + width));
        let found = counts_within(pairs.iter().copied(), low, high);
        let mut at: Vec<f64> = pairs.iter().flat_map(|(a, b)| [*a, *b]).filter(|v| *v >= low && *v <= high).collect();
        at.sort_by(f64::total_cmp);
        at.dedup();
        prop_assert_eq!(found.len(), at.len());
        for (counts, q) in found.into_iter().zip(at) {
            prop_assert_eq!(as_array(counts), plain(&pairs, q), "at {}", q);
            prop_assert_eq!(as_array(counts_at(pairs.iter().copied(), q)), plain(&pairs, q), "at {}", q);
        }
    }

    #[test]
    fn a_claim_is_ruled_out_exactly_if_every_value_is(pairs in pairs(200..300), shift in -6..6_i32) {
        let shift = Shift::Plus(f64::from(shift) + 0.25);
        let bets = QuantileBets::new(0.5, 50.0, 0.2).at(pairs.len());
        let [a, b] = sorted(&pairs);
        let statement = Statement::new(&pairs, [&a, &b], &bets);
        for claim in [Claim::AtLeast, Claim::AtMost] {
            let turned: Vec<(f64, f64)> = pairs.iter().map(|pair| claim.turned(*pair, shift)).collect();
            // Every quarter from below all values to above them.
            let is_ruled_out = (-80..160).all(|q| {
                let [above, below, for_it, against] = plain(&turned, f64::from(q) * 0.25);
                bets.rules_out(turned.len(), Counts { above, below, for_it, against })
            });
            prop_assert_eq!(statement.is_ruled_out(claim, shift), is_ruled_out);
            let deciding = statement.deciding(claim, [shift, Shift::Plus(0.0)]);
            prop_assert_eq!(statement.is_ruled_out_by(&deciding, claim, shift), is_ruled_out);
        }
    }

    #[test]
    fn an_interval_holds_its_estimate_and_turns_with_its_targets(seed in 0..1_000_u32) {
        let pairs = waves(seed, 400, 1.3);
        let turned: Vec<(f64, f64)> = pairs.iter().map(|&(a, b)| (b, a)).collect();
        let bets = QuantileBets::new(0.5, 100.0, 0.025).at(pairs.len());
        let ends = |pairs: &[(f64, f64)]| {
            let [a, b] = sorted(pairs);
            let statement = Statement::new(pairs, [&a, &b], &bets);
            let estimate = b.rank(200).unwrap() - a.rank(200).unwrap();
            (statement.difference().unwrap(), statement.ratio().unwrap(), estimate)
        };
        let ((low, high), (least, most), estimate) = ends(&pairs);
        prop_assert!(low <= estimate && estimate <= high, "{} {} {}", low, estimate, high);
        prop_assert_eq!(low > 0.0, least > 1.0);
        prop_assert_eq!(high < 0.0, most < 1.0);
        let (turned, _, _) = ends(&turned);
        prop_assert!((turned.0 + high).abs() < 0.01 && (turned.1 + low).abs() < 0.01);
    }
}

fn sorted(pairs: &[(f64, f64)]) -> [SortedValues; 2] {
    [
        pairs.iter().map(|(a, _)| *a).collect(),
        pairs.iter().map(|(_, b)| *b).collect(),
    ]
}

/// Uneven values without a generator: fractions of multiples of an irrational number.
fn waves(seed: u32, n: u32, ratio: f64) -> Vec<(f64, f64)> {
    let one = |k: u32, step: f64| 100.0 + 100.0 * (f64::from(seed + k) * step).fract();
    (0..n)
        .map(|k| (one(k, 0.618_033_988), ratio * one(k, 0.754_877_666)))
        .collect()
}

#[test]
fn pairs_that_it_separates_tell_more_than_two_counts() {
    let pairs = waves(7, 600, 0.9);
    let [a, b] = sorted(&pairs);
    let bets = QuantileBets::new(0.5, 100.0, 0.025).at(pairs.len());
    let (low, high) = Statement::new(&pairs, [&a, &b], &bets)
        .difference()
        .unwrap();
    // Each target's own interval, wrong on a side in half as many cases: the difference of their ends holds, too.
    let own = Boundary::new(Mixture::tuned(0.5, 100.0), 0.0125).at(pairs.len());
    let least = own.least().unwrap();
    let ends = |values: &SortedValues| {
        let n = values.len();
        [n + 1 - least, least].map(|rank| values.rank(rank).unwrap())
    };
    let ([a_low, a_high], [b_low, b_high]) = (ends(&a), ends(&b));
    let (wide, narrow) = (b_high - a_low - (b_low - a_high), high - low);
    assert!(narrow < 0.85 * wide, "{narrow} {wide}");
}
