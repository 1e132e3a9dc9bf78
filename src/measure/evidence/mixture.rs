//! The evidence of counts against a share: how much more likely they are under larger shares.
//!
//! In: successes and failures. Out: the logarithm of an e-value against "a success has a chance of at most p".
//!
//! Each success multiplies a bet on a share θ > p by θ/p, each failure by (1 − θ)/(1 − p): on average it does not grow
//! if the chance is p or less, whatever came before. The bets are spread over θ by a beta distribution cut off at p
//! (Robbins 1970; the one-sided beta-binomial mixture of Howard et al. 2021, proposition 7). By Ville's inequality it
//! *ever* reaches 1/α with a chance of at most α. A value that equals a bound counts as a failure on both sides, so
//! that ties are covered, too.

use super::special::{float, ln_beta_below};

/// What the tightest boundary at some number of observations divides it by, to give the observations that the spread of
/// bets is worth: 2 ln(1/α) + ln(1 + 2 ln(1/α)) at α = 0.05 (Howard et al. 2021, section 3.5).
const TIGHTEST: f64 = 7.936_796_494_2;

/// Bets on shares above `p`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixture {
    p: f64,
    successes: f64,
    failures: f64,
    ln_scale: f64,
}

impl Mixture {
    /// Bets whose boundary is tightest at about `n` observations.
    pub(super) fn tuned(p: f64, n: f64) -> Self {
        let worth = (n / TIGHTEST - 1.0).max(0.001);
        let (successes, failures) = (worth * p, worth * (1.0 - p));
        Self {
            p,
            successes,
            failures,
            ln_scale: ln_beta_below(failures, successes, 1.0 - p),
        }
    }

    /// ln of the e-value.
    pub(super) fn ln_evidence(&self, successes: usize, failures: usize) -> f64 {
        let (won, lost) = (float(successes), float(failures));
        let (a, b) = (self.successes + won, self.failures + lost);
        ln_beta_below(b, a, 1.0 - self.p)
            - self.ln_scale
            - won * self.p.ln()
            - lost * (-self.p).ln_1p()
    }

    /// The fewest successes of `n` whose evidence reaches this; `None` if all of them would not.
    pub(super) fn least(&self, n: usize, ln_evidence: f64) -> Option<usize> {
        let reaches = |successes: usize| self.ln_evidence(successes, n - successes) >= ln_evidence;
        if n == 0 || !reaches(n) {
            return None;
        }
        let (mut below, mut enough) = (expected(n, self.p), n);
        while below + 1 < enough {
            let middle = below + (enough - below) / 2;
            if reaches(middle) {
                enough = middle;
            } else {
                below = middle;
            }
        }
        Some(enough)
    }
}

/// The fewest successes that are evidence enough, as the number of observations grows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boundary {
    mixture: Mixture,
    ln_evidence: f64,
    n: usize,
    least: Option<usize>,
}

impl Boundary {
    /// For evidence that is reached by chance with a probability of at most `alpha`, at every look together.
    pub(super) fn new(mixture: Mixture, alpha: f64) -> Self {
        Self {
            mixture,
            ln_evidence: -alpha.ln(),
            n: 0,
            least: None,
        }
    }

    /// One more observation: it takes as many successes as before, or one more.
    pub(super) fn advance(&mut self) {
        self.n += 1;
        let least = self.least.unwrap_or(self.n);
        let reaches = |successes: usize| {
            let failures = self.n - successes;
            self.mixture.ln_evidence(successes, failures) >= self.ln_evidence
        };
        self.least = (least..=self.n.min(least + 1)).find(|successes| reaches(*successes));
    }

    /// At this many observations.
    pub(super) fn at(mut self, n: usize) -> Self {
        self.n = n;
        self.least = self.mixture.least(n, self.ln_evidence);
        self
    }

    /// The fewest successes that suffice; `None` if not even all would.
    pub(super) fn least(&self) -> Option<usize> {
        self.least
    }
}

/// The expected successes, rounded down: fewer of them are no evidence.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count between 0 and n"
)]
fn expected(n: usize, p: f64) -> usize {
    ((float(n) * p) as usize).min(n.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chance that bets ever reach the boundary within `n` fair observations: exact, by the paths that have not.
    fn chance_to_cross(p: f64, mixture: Mixture, alpha: f64, n: usize) -> f64 {
        let mut boundary = Boundary::new(mixture, alpha);
        let (mut paths, mut crossed) = (vec![1.0], 0.0);
        for _ in 0..n {
            boundary.advance();
            let mut next = vec![0.0; paths.len() + 1];
            for (successes, chance) in paths.iter().enumerate() {
                next[successes] += chance * (1.0 - p);
                next[successes + 1] += chance * p;
            }
            for chance in next.iter_mut().skip(boundary.least().unwrap_or(usize::MAX)) {
                crossed += std::mem::take(chance);
            }
            paths = next;
        }
        crossed
    }

    #[test]
    fn chance_reaches_the_boundary_at_most_as_often_as_is_said() {
        for (p, tuned) in [
            (0.5, 100.0),
            (0.05, 500.0),
            (0.95, 500.0),
            (0.01, 2_000.0),
            (0.99, 2_000.0),
        ] {
            let mixture = Mixture::tuned(p, tuned);
            let crossed = chance_to_cross(p, mixture, 0.025, 3_000);
            assert!(crossed <= 0.025, "{p}: {crossed}");
            // Not far below, either: the bound is not idle.
            assert!(crossed > 0.008, "{p}: {crossed}");
            // A smaller chance of success crosses less often.
            assert!(chance_to_cross(0.9 * p, mixture, 0.025, 500) <= 0.025);
        }
    }

    #[test]
    fn evidence_does_not_grow_on_average() {
        for (p, tuned) in [(0.5, 100.0), (0.05, 500.0), (0.99, 2_000.0)] {
            let mixture = Mixture::tuned(p, tuned);
            for (won, lost) in [(0, 0), (1, 0), (0, 3), (40, 20), (700, 20), (500, 2)] {
                let now = mixture.ln_evidence(won, lost);
                let after = p * (mixture.ln_evidence(won + 1, lost) - now).exp()
                    + (1.0 - p) * (mixture.ln_evidence(won, lost + 1) - now).exp();
                assert!((after - 1.0).abs() < 1e-9, "{p} {won} {lost}: {after}");
            }
        }
    }

    #[test]
    fn a_success_is_evidence_and_a_failure_is_none() {
        const MOST: usize = 400;
        for p in [0.05, 0.5, 0.95] {
            let mixture = Mixture::tuned(p, 200.0);
            for (won, lost) in (0..MOST).flat_map(|won| (0..MOST).map(move |lost| (won, lost))) {
                let now = mixture.ln_evidence(won, lost);
                assert!(now.is_finite(), "{p} {won} {lost}: {now}");
                let (after_success, after_failure) = (
                    mixture.ln_evidence(won + 1, lost),
                    mixture.ln_evidence(won, lost + 1),
                );
                assert!(
                    after_success >= now - 1e-9,
                    "{p} {won} {lost}: {now} {after_success}"
                );
                assert!(
                    after_failure <= now + 1e-9,
                    "{p} {won} {lost}: {now} {after_failure}"
                );
            }
        }
    }

    #[test]
    fn a_boundary_that_advances_is_that_found_at_once() {
        for p in [0.05, 0.5, 0.95, 0.99] {
            let fresh = Boundary::new(Mixture::tuned(p, 300.0), 0.025);
            let mut boundary = fresh;
            for n in 1..700 {
                boundary.advance();
                assert_eq!(boundary.least(), fresh.at(n).least(), "{n} of {p}");
            }
        }
    }
}
