//! How often verdicts are wrong, how often they find what is there, and what they cost.
//!
//! `cargo bench --bench verdicts` simulates comparisons whose truth is known and prints three tables; with `-- --write` it
//! writes them into `docs/method.md`, too. `-- --comparisons 200` makes fewer of them. The same seeds give the same
//! tables, except for times.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a program that prints tables of its own simulations"
)]

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use tokenscope::measure::evidence::{
    Conclusion, LookRule, Pair, Quantile, Watched, failure_verdict, verdict,
};

/// What counts as the same where a difference is looked for.
const MARGIN: f64 = 0.05;
/// A comparison that is said to take more pairs is not tried in the second table.
const MOST_PAIRS: usize = 100_000;

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
enum Latency {
    Normal,
    LogNormal,
    Pareto,
    Bimodal,
    Drifting,
}

impl Latency {
    const ALL: [Self; 5] = [
        Self::Normal,
        Self::LogNormal,
        Self::Pareto,
        Self::Bimodal,
        Self::Drifting,
    ];

    fn name(self) -> &'static str {
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
    fn pairs(self, seed: usize, n: usize, length: usize, ratio: f64) -> Vec<Pair> {
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

/// Runs comparisons on all cores, and counts those of which something holds.
fn count(comparisons: usize, holds: impl Fn(usize) -> bool + Sync) -> usize {
    let (next, count) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= comparisons {
                        return;
                    }
                    count.fetch_add(usize::from(holds(seed)), Ordering::Relaxed);
                }
            });
        }
    });
    count.into_inner()
}

fn percent(count: usize, of: usize) -> String {
    if of == 0 {
        return String::new();
    }
    format!("{:.1} %", 100.0 * count as f64 / of as f64)
}

fn is_different(outcome: Conclusion) -> bool {
    matches!(outcome, Conclusion::Faster | Conclusion::Slower)
}

/// How many pairs the first table takes: fixed beforehand, and at most while watched.
fn lengths(quantile: Quantile) -> (usize, usize) {
    match quantile {
        Quantile::Median => (100, 1_000),
        Quantile::P95 => (500, 1_000),
        Quantile::P99 => (1_000, 2_000),
    }
}

/// Equal targets: how often they are called different.
fn wrong(comparisons: usize) -> String {
    let mut table = "| two equal targets | what | *n* fixed | called different | watched up to | called different at any look |\n|---|---|--:|--:|--:|--:|\n".to_owned();
    for latency in Latency::ALL {
        for quantile in Quantile::ALL {
            let (fixed, watched) = lengths(quantile);
            let at_once = count(comparisons, |seed| {
                let pairs = latency.pairs(seed, fixed, fixed, 1.0);
                is_different(verdict(&pairs, quantile, LookRule::Fixed, 0.0).outcome)
            });
            let ever = count(comparisons, |seed| {
                let mut so_far = Watched::default();
                let mut pairs = latency
                    .pairs(seed + comparisons, watched, watched, 1.0)
                    .into_iter();
                pairs.any(|pair| {
                    so_far.push(pair);
                    is_different(so_far.outcome(quantile, 0.0))
                })
            });
            let (name, what) = (latency.name(), quantile.as_str());
            let (at_once, ever) = (percent(at_once, comparisons), percent(ever, comparisons));
            let row = format!("| {name} | {what} | {fixed} | {at_once} | {watched} | {ever} |");
            println!("{row}");
            writeln!(table, "{row}").unwrap();
        }
    }
    for failures in Failures::ALL {
        let at_once = count(comparisons, |seed| {
            let pairs = failures.pairs(seed, 200, 0.0);
            is_different(failure_verdict(&pairs, LookRule::Fixed, 0.0).outcome)
        });
        let ever = count(comparisons, |seed| {
            let pairs = failures.pairs(seed + comparisons, 1_000, 0.0);
            let changes = (1..=pairs.len()).filter(|n| pairs[n - 1].0 != pairs[n - 1].1);
            let mut looks = changes.map(|n| failure_verdict(&pairs[..n], LookRule::Every, 0.0));
            looks.any(|verdict| is_different(verdict.outcome))
        });
        let (at_once, ever) = (percent(at_once, comparisons), percent(ever, comparisons));
        let row = format!(
            "| {} | failure rate | 200 | {at_once} | 1000 | {ever} |",
            failures.name
        );
        println!("{row}");
        writeln!(table, "{row}").unwrap();
    }
    table
}

/// How often both targets fail.
struct Failures {
    name: &'static str,
    rate: f64,
    together: f64,
}

impl Failures {
    const ALL: [Self; 3] = [
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
    fn pairs(&self, seed: usize, n: usize, more: f64) -> Vec<(bool, bool)> {
        let mut dice = Dice::of(seed);
        let pair = |_| {
            let (together, a, b) = (dice.share(), dice.share(), dice.share());
            let both = together < self.together;
            (both || a < self.rate, both || b < self.rate + more)
        };
        (0..n).map(pair).collect()
    }
}

/// One comparison of the second table: the number of pairs that is said after the first `n`, and whether the difference is
/// found there; each blank if none was said, or if it was not tried.
fn found(
    latency: Latency,
    quantile: Quantile,
    looks: LookRule,
    n: usize,
    seed: usize,
) -> (Option<usize>, Option<bool>) {
    let is_found = |total: usize| {
        let pairs = latency.pairs(seed, total, total.max(10 * n), 0.9);
        let verdict = verdict(&pairs, quantile, looks, MARGIN);
        (verdict.outcome, verdict.pairs_needed)
    };
    let (outcome, more) = is_found(n);
    if outcome != Conclusion::CantTell {
        return (Some(n), Some(outcome == Conclusion::Faster));
    }
    let Some(more) = more else {
        return (None, None);
    };
    let total = n + more as usize;
    // Looked at once, at the end: whoever watches finds it as often at least.
    let hit = (total <= MOST_PAIRS).then(|| is_found(total).0 == Conclusion::Faster);
    (Some(total), hit)
}

/// A target that takes 10 % less: how often it is found at the number of pairs that was said.
fn right(comparisons: usize) -> String {
    let mut table = "| one target 10 % faster | what | looked | said after | pairs said in all: median (10 % to 90 %) | no number | over 100,000: not tried | found there, of those tried |\n|---|---|---|--:|--:|--:|--:|--:|\n".to_owned();
    let rows = [
        (Quantile::Median, 30, LookRule::Every),
        (Quantile::Median, 100, LookRule::Every),
        (Quantile::Median, 100, LookRule::Fixed),
        (Quantile::P95, 500, LookRule::Every),
        (Quantile::P95, 500, LookRule::Fixed),
        (Quantile::P99, 2_000, LookRule::Every),
    ];
    for latency in Latency::ALL {
        for (quantile, first, looks) in rows {
            let row = right_row(comparisons, latency, quantile, first, looks);
            println!("{row}");
            writeln!(table, "{row}").unwrap();
        }
    }
    table
}

fn right_row(
    comparisons: usize,
    latency: Latency,
    quantile: Quantile,
    first: usize,
    looks: LookRule,
) -> String {
    let said = Mutex::new((Vec::new(), 0));
    let hits = count(comparisons, |seed| {
        let (total, hit) = found(latency, quantile, looks, first, seed);
        let mut said = said.lock().unwrap();
        said.0.extend(total);
        said.1 += usize::from(hit.is_some());
        hit == Some(true)
    });
    let (mut totals, tried) = said.into_inner().unwrap();
    totals.sort_unstable();
    let at = |share: f64| {
        let place = (share * totals.len() as f64) as usize;
        totals.get(place).copied().unwrap_or_default()
    };
    let looked = match looks {
        LookRule::Every => "watched",
        LookRule::Fixed => "once",
    };
    format!(
        "| {} | {} | {looked} | {first} | {} ({} to {}) | {} | {} | {} |",
        latency.name(),
        quantile.as_str(),
        at(0.5),
        at(0.1),
        at(0.9),
        percent(comparisons - totals.len(), comparisons),
        percent(totals.len() - tried, comparisons),
        percent(hits, tried),
    )
}

/// What pairs and verdicts cost.
fn costs() -> String {
    let mut table = "| pairs | one more pair | verdict on the median | outcome of P95 | verdict on P95 | verdict on P99 | P95, *n* fixed |\n|--:|--:|--:|--:|--:|--:|--:|\n".to_owned();
    for n in [100, 1_000, 10_000, 100_000] {
        let pairs = Latency::LogNormal.pairs(1, n, n, 1.0);
        let begun = Instant::now();
        let mut so_far = Watched::default();
        for pair in &pairs {
            so_far.push(*pair);
        }
        let push = begun.elapsed().as_secs_f64() / n as f64;
        let times = if n < 10_000 { 200 } else { 10 };
        let median = seconds(100, || so_far.verdict(Quantile::Median, MARGIN));
        let outcome = seconds(times, || so_far.outcome(Quantile::P95, MARGIN));
        let p95 = seconds(times, || so_far.verdict(Quantile::P95, MARGIN));
        let p99 = seconds(times, || so_far.verdict(Quantile::P99, MARGIN));
        let fixed = seconds(2, || {
            verdict(&pairs, Quantile::P95, LookRule::Fixed, MARGIN)
        });
        let row = [push, median, outcome, p95, p99, fixed].map(|s| format!("{:.1} µs", 1e6 * s));
        let row = format!("| {n} | {} |", row.join(" | "));
        println!("{row}");
        writeln!(table, "{row}").unwrap();
    }
    table
}

fn seconds<T>(times: u32, of: impl Fn() -> T) -> f64 {
    let begun = Instant::now();
    for _ in 0..times {
        black_box(of());
    }
    begun.elapsed().as_secs_f64() / f64::from(times)
}

/// Writes a table between its marks in `docs/method.md`.
fn write(name: &str, table: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/method.md");
    let text = fs::read_to_string(&file).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    fs::write(&file, format!("{before}{begin}{table}{end}{after}")).unwrap();
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| arguments.iter().skip_while(|given| *given != name).nth(1);
    let comparisons = after("--comparisons").map_or(2_000, |given| given.parse().unwrap());
    let chosen = after("--only");
    let tables: [(&str, &dyn Fn() -> String); 3] = [
        ("costs", &costs),
        ("wrong verdicts", &|| wrong(comparisons)),
        ("found differences", &|| right(comparisons / 10)),
    ];
    for (name, table) in tables {
        if chosen.is_some_and(|chosen| *chosen != name) {
            continue;
        }
        let begun = Instant::now();
        let table = table();
        println!("{name}: {} s\n", begun.elapsed().as_secs());
        if arguments.iter().any(|given| given == "--write") {
            write(name, &table);
        }
    }
}
