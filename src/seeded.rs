//! Random numbers by a seed: `SplitMix64` (Steele, Lea & Flood 2014).
//!
//! Not a crate's, since a plan that is kept must give the same numbers in each version and on each machine.

/// A sequence of random numbers.
#[derive(Clone, Debug)]
pub struct SeededRandom(u64);

impl SeededRandom {
    /// The sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        scattered(self.0)
    }

    /// A number below this one, each as likely within a share of `bound` ÷ 2⁶⁴; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or_default()
    }
}

/// What separates two states that follow each other: 2⁶⁴ ÷ the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The `index`-th number, from 0, of a seed's sequence, without those before. No number comes twice in it.
#[must_use]
pub const fn number_at(seed: u64, index: u64) -> u64 {
    scattered(seed.wrapping_add(index.wrapping_add(1).wrapping_mul(STEP)))
}

/// The same as a number of [0, 1).
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
pub const fn uniform(seed: u64, index: u64) -> f64 {
    (number_at(seed, index) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number of which each bit depends on each bit of this one, so that numbers that follow each other give what looks
/// unrelated.
#[must_use]
pub const fn scattered(number: u64) -> u64 {
    let z = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_reference() {
        // Vigna's splitmix64.c from the state 1234567.
        let mut random = SeededRandom::new(1_234_567);
        let found = [(); 3].map(|()| random.next());
        assert_eq!(
            found,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn a_number_by_its_index_is_that_of_the_sequence() {
        let mut random = SeededRandom::new(7);
        for index in 0..100 {
            assert_eq!(number_at(7, index), random.next());
        }
        assert!((0..1_000).all(|index| (0.0..1.0).contains(&uniform(7, index))));
    }

    #[test]
    fn numbers_below_a_bound_are_all_as_likely() {
        let (mut random, mut counts) = (SeededRandom::new(1), [0; 6]);
        for _ in 0..60_000 {
            counts[random.below(6)] += 1;
        }
        assert!(
            counts.iter().all(|count| (9_700..10_300).contains(count)),
            "{counts:?}"
        );
        assert_eq!(random.below(0), 0);
    }
}
