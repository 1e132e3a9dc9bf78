//! Delays, drawn from their distributions.

use std::{f64::consts::TAU, time::Duration};

use rand::{RngExt as _, rngs::Xoshiro256PlusPlus};

use crate::simulator::model::Delay;

/// A delay in milliseconds, as a model's pace has it.
pub(super) fn draw(delay: Delay, rng: &mut Xoshiro256PlusPlus) -> f64 {
    match delay {
        Delay::Fixed(ms) => ms,
        Delay::Even(least, most) => rng.random_range(least..most),
        Delay::LogNormal(median, sigma) => {
            // Box and Muller's transform; 1 − u keeps the logarithm's argument above 0.
            let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
            let normal = (-2.0 * u.ln()).sqrt() * (TAU * v).cos();
            median * (sigma * normal).exp()
        }
    }
}

/// Milliseconds as a duration.
pub(super) fn duration(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1000.0)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn log_normal_delays_have_the_median_they_are_given() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut drawn: Vec<f64> = (0..10_001)
            .map(|_| draw(Delay::LogNormal(12.0, 1.0), &mut rng))
            .collect();
        drawn.sort_by(f64::total_cmp);
        assert!((11.0..13.0).contains(&drawn[5_000]), "{}", drawn[5_000]);
        // One standard deviation up is e times the median.
        assert!((29.0..37.0).contains(&drawn[8_413]), "{}", drawn[8_413]);
    }
}
