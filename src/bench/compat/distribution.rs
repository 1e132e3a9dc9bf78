//! Means and percentiles as the tools compute them.

use crate::measure::float;

/// Values, with weights where a tool has them.
#[derive(Debug)]
pub(super) struct CompatValues {
    /// In ascending order.
    values: Vec<f64>,
    /// As many, or none if each counts once.
    weights: Vec<f64>,
    /// Whether a percentile is one of the values, rather than between two of them.
    in_steps: bool,
    /// Whether it is a single value, without percentiles.
    is_single: bool,
}

impl CompatValues {
    pub(super) fn new(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Self {
            values,
            weights: Vec::new(),
            in_steps: false,
            is_single: false,
        }
    }

    /// Values with weights; those of no weight do not count.
    pub(super) fn weighted(mut values: Vec<(f64, f64)>) -> Self {
        values.retain(|(_, weight)| *weight > 0.0);
        values.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        let (values, weights) = values.into_iter().unzip();
        Self {
            values,
            weights,
            in_steps: true,
            is_single: false,
        }
    }

    pub(super) fn single(value: Option<f64>) -> Self {
        Self {
            is_single: true,
            ..Self::new(value.into_iter().collect())
        }
    }

    /// The first value up to which there is as much weight as the percentile asks for, as GuideLLM has it.
    pub(super) fn in_steps(self) -> Self {
        Self {
            in_steps: true,
            ..self
        }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn mean(&self) -> Option<f64> {
        let count = float(self.values.len());
        if self.values.is_empty() {
            None
        } else if self.weights.is_empty() {
            Some(self.values.iter().sum::<f64>() / count)
        } else {
            let products = self
                .values
                .iter()
                .zip(&self.weights)
                .map(|(value, weight)| value * weight);
            Some(products.sum::<f64>() / self.weights.iter().sum::<f64>())
        }
    }

    pub(super) fn quantile(&self, p: f64) -> Option<f64> {
        if self.is_single || self.values.is_empty() {
            None
        } else if self.in_steps {
            self.stepped(p)
        } else {
            self.between(p)
        }
    }

    /// Between two values, by their distance from the position (n − 1) × p: NumPy's and pandas' `linear`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position in the sample"
    )]
    fn between(&self, p: f64) -> Option<f64> {
        let position = float(self.values.len() - 1) * p;
        let low = *self.values.get(position.floor() as usize)?;
        let high = *self.values.get(position.ceil() as usize)?;
        Some((high - low).mul_add(position.fract(), low))
    }

    fn stepped(&self, p: f64) -> Option<f64> {
        let weight = |index: usize| self.weights.get(index).copied().unwrap_or(1.0);
        let all: f64 = (0..self.values.len()).map(weight).sum();
        let mut sum = 0.0;
        let reached = |index: &usize| {
            sum += weight(*index);
            // Sums of shares are rarely exact.
            sum / all >= p - 1e-12
        };
        let index = (0..self.values.len()).find(reached);
        index
            .or(self.values.len().checked_sub(1))
            .map(|index| self.values[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiles(distribution: &CompatValues) -> [Option<f64>; 3] {
        [0.25, 0.5, 0.99].map(|p| distribution.quantile(p))
    }

    #[test]
    fn percentiles_lie_between_values_as_numpy_has_them() {
        // numpy.percentile([4, 1, 2, 8], [25, 50, 99])
        let distribution = CompatValues::new(vec![4.0, 1.0, 2.0, 8.0]);
        let found = quantiles(&distribution).map(|found| (found.unwrap() * 1e9).round() / 1e9);
        assert_eq!(found.map(|found| found.to_string()), ["1.75", "3", "7.88"]);
        assert_eq!(distribution.mean(), Some(3.75));
    }

    #[test]
    fn percentiles_in_steps_are_values() {
        let distribution = CompatValues::new(vec![4.0, 1.0, 2.0, 8.0]).in_steps();
        assert_eq!(quantiles(&distribution), [Some(1.0), Some(2.0), Some(8.0)]);
        let weighted = CompatValues::weighted(vec![(1.0, 1.0), (9.0, 6.0), (5.0, 0.0), (2.0, 1.0)]);
        assert_eq!(quantiles(&weighted), [Some(2.0), Some(9.0), Some(9.0)]);
        assert_eq!(weighted.mean(), Some(57.0 / 8.0));
        assert_eq!(weighted.len(), 3, "what has no weight does not count");
    }

    #[test]
    fn of_nothing_there_is_nothing() {
        for empty in [
            CompatValues::new(vec![]),
            CompatValues::weighted(vec![]),
            CompatValues::single(None),
        ] {
            assert_eq!(
                (empty.mean(), quantiles(&empty), empty.len()),
                (None, [None; 3], 0)
            );
        }
        let single = CompatValues::single(Some(3.0));
        assert_eq!((single.mean(), quantiles(&single)), (Some(3.0), [None; 3]));
    }
}
