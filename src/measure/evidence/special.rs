//! The special functions that the methods need, from the crate `statrs`.

use statrs::function::{beta, gamma};

/// ln B(a, b), for positive a and b.
pub(super) fn ln_beta(a: f64, b: f64) -> f64 {
    gamma::ln_gamma(a) + gamma::ln_gamma(b) - gamma::ln_gamma(a + b)
}

/// The share of a beta distribution that lies below x: the regularized incomplete beta function.
pub(super) fn beta_share(a: f64, b: f64, x: f64) -> f64 {
    beta::beta_reg(a, b, x)
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) fn float(n: usize) -> f64 {
    n as f64
}
