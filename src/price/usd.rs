//! Sums of money, exact: integers, not floats.

use std::fmt;

/// An amount in US dollars, exact to 10⁻¹² of one: a token at $1 per million costs a million of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd {
    pico: u64,
}

/// Picodollars in a dollar.
const PICO: f64 = 1e12;

impl Usd {
    /// An amount of picodollars (10⁻¹² USD).
    #[must_use]
    pub const fn of_pico(pico: u64) -> Self {
        Self { pico }
    }

    /// An amount of dollars, to the nearest picodollar; `None` below 0 and beyond 18 million dollars.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the range is checked"
    )]
    pub fn of_dollars(dollars: f64) -> Option<Self> {
        let pico = (dollars * PICO).round();
        (0.0..u64::MAX as f64)
            .contains(&pico)
            .then_some(Self::of_pico(pico as u64))
    }

    /// The amount in picodollars.
    #[must_use]
    pub const fn pico(self) -> u64 {
        self.pico
    }

    /// The amount in dollars, for display and exports: the nearest number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "only shown")]
    pub fn dollars(self) -> f64 {
        self.pico as f64 / PICO
    }

    /// Both together; `None` beyond 18 million dollars.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.pico.checked_add(other.pico).map(Self::of_pico)
    }

    /// That many times as much; `None` beyond 18 million dollars.
    #[must_use]
    pub fn checked_mul(self, times: u64) -> Option<Self> {
        self.pico.checked_mul(times).map(Self::of_pico)
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", usd_digits(self.dollars()))
    }
}

/// Dollars as digits: cents from a dollar on, three significant digits below.
#[must_use]
pub fn usd_digits(dollars: f64) -> String {
    if dollars == 0.0 || dollars >= 0.9995 {
        return format!("{dollars:.2}");
    }
    let mut decimals = 3;
    let mut scaled = dollars;
    // A picodollar is the smallest amount.
    while scaled < 0.09995 && decimals < 12 {
        scaled *= 10.0;
        decimals += 1;
    }
    format!("{dollars:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_never_wrap() {
        let token = Usd::of_pico(18_750);
        assert_eq!(
            token.checked_mul(1_000_000),
            Some(Usd::of_pico(18_750_000_000))
        );
        assert_eq!(token.checked_mul(u64::MAX), None);
        assert_eq!(Usd::of_pico(u64::MAX).checked_add(token), None);
        let tenth = Usd::of_pico(100_000_000_000);
        let three = tenth.checked_add(tenth).unwrap().checked_add(tenth);
        assert_eq!(three, Some(Usd::of_pico(300_000_000_000)));
        assert!((tenth.dollars() - 0.1).abs() < f64::EPSILON);
        assert_eq!(Usd::of_dollars(0.1), Some(tenth));
        for dollars in [-0.1, f64::NAN, f64::INFINITY, 2e7] {
            assert_eq!(Usd::of_dollars(dollars), None, "{dollars}");
        }
    }

    #[test]
    fn dollars_keep_what_matters() {
        for (dollars, text) in [
            (0.0, "0.00"),
            (12.345, "12.35"),
            (1.0, "1.00"),
            (0.9996, "1.00"),
            (0.25, "0.250"),
            (0.0105, "0.0105"),
            (0.000_341_234, "0.000341"),
            (0.000_000_05, "0.0000000500"),
            (1e-12, "0.000000000001"),
        ] {
            assert_eq!(usd_digits(dollars), text, "{dollars}");
        }
        assert_eq!(Usd::of_pico(10_500_000_000).to_string(), "$0.0105");
    }
}
