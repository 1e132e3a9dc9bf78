//! Comparisons whose truth is known: how long answers take, and how often they fail.

use tokenscope::measure::evidence::Pair;

/// A generator of the same numbers each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn of(seed: usize) -> Self {
        Self((seed as u64).wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x1234_5678_9abc_def1)
    }

    /// Between 0 and 1, neither included.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((z >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (u, v) = (self.share(), self.share());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

/// How long answers take, in milliseconds.
#[derive(Clone, Copy, PartialEq)]
pub enum Latency {
    Normal,
    LogNormal,
    Pareto,
    Bimodal,
    Drifting,
}

impl Latency {
    pub const ALL: [Self; 5] = [
        Self::Normal,
        Self::LogNormal,
        Self::Pareto,
        Self::Bimodal,
        Self::Drifting,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal (SD 20 %)",
            Self::LogNormal => "log-normal (σ 0.4)",
            Self::Pareto => "Pareto (shape 1.5: no variance)",
            Self::Bimodal => "bimodal (30 % take three times as long)",
            Self::Drifting => "drifting (doubles over the comparison, pairs share slow waves)",
        }
    }

    /// A pair of equal targets, a share of the comparison after its begin; `wave` is what pairs near it have in common.
    fn pair(self, dice: &mut Dice, begin: f64, wave: &mut f64) -> (f64, f64) {
        *wave = 0.98 * *wave + 0.05 * dice.normal();
        let common = match self {
            Self::Drifting => (1.0 + begin) * wave.exp(),
            _ => 1.0,
        };
        (common * self.one(dice), common * self.one(dice))
    }

    fn one(self, dice: &mut Dice) -> f64 {
        match self {
            Self::Normal => (500.0 + 100.0 * dice.normal()).max(1.0),
            Self::LogNormal | Self::Drifting => 500.0 * (0.4 * dice.normal()).exp(),
            Self::Pareto => 300.0 * dice.share().powf(-1.0 / 1.5),
            Self::Bimodal if dice.share() < 0.3 => 1_200.0 + 100.0 * dice.normal(),
            Self::Bimodal => 400.0 + 40.0 * dice.normal(),
        }
    }

    /// `n` pairs; the second target takes `ratio` times as long. Drift takes `length` pairs.
    pub fn pairs(self, seed: usize, n: usize, length: usize, ratio: f64) -> Vec<Pair> {
        let (mut dice, mut wave) = (Dice::of(seed + 1_000_000 * self as usize), 0.0);
        let pair = |at: usize| {
            let begin = at as f64 / length as f64;
            let (a, b) = self.pair(&mut dice, begin, &mut wave);
            Pair {
                a: Some(a),
                b: Some(b * ratio),
            }
        };
        (0..n).map(pair).collect()
    }
}

/// How often both targets fail.
pub struct Failures {
    pub name: &'static str,
    rate: f64,
    together: f64,
}

impl Failures {
    pub const ALL: [Self; 3] = [
        Self {
            name: "1 % fail",
            rate: 0.01,
            together: 0.0,
        },
        Self {
            name: "10 % fail",
            rate: 0.1,
            together: 0.0,
        },
        Self {
            name: "10 % fail, half of these in both targets at once",
            rate: 0.05,
            together: 0.05,
        },
    ];

    /// `n` pairs; the second target fails more often by `more`.
    pub fn pairs(&self, seed: usize, n: usize, more: f64) -> Vec<(bool, bool)> {
        let mut dice = Dice::of(seed);
        let pair = |_| {
            let (together, a, b) = (dice.share(), dice.share(), dice.share());
            let both = together < self.together;
            (both || a < self.rate, both || b < self.rate + more)
        };
        (0..n).map(pair).collect()
    }
}
