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

#[path = "../cpu.rs"]
#[allow(dead_code, reason = "only one of its clocks is asked")]
mod cpu;
mod samples;

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
    Conclusion, LookRule, Quantile, Watched, failure_verdict, verdict,
};

use self::samples::{Failures, Latency};

/// What counts as the same where a difference is looked for.
const MARGIN: f64 = 0.05;

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
            let pairs = failures.pairs(seed + comparisons, 400, 0.0);
            let changes = (1..=pairs.len()).filter(|n| pairs[n - 1].0 != pairs[n - 1].1);
            let mut looks = changes.map(|n| failure_verdict(&pairs[..n], LookRule::Every, 0.0));
            looks.any(|verdict| is_different(verdict.outcome))
        });
        let (at_once, ever) = (percent(at_once, comparisons), percent(ever, comparisons));
        let row = format!(
            "| {} | failure rate | 200 | {at_once} | 400 | {ever} |",
            failures.name
        );
        println!("{row}");
        writeln!(table, "{row}").unwrap();
    }
    table
}

/// Pairs that are tried at most in the second table.
fn most_pairs(quantile: Quantile, looks: LookRule) -> usize {
    match (quantile, looks) {
        (Quantile::Median, _) | (_, LookRule::Fixed) => 20_000,
        (Quantile::P95, LookRule::Every) => 100_000,
        (Quantile::P99, LookRule::Every) => 300_000,
    }
}

/// One comparison of the second table: the number of pairs that is said after the first `n`, and whether the difference is
/// found there, or at [`most_pairs`] if that is fewer.
fn found(
    latency: Latency,
    quantile: Quantile,
    looks: LookRule,
    n: usize,
    seed: usize,
) -> (Option<usize>, bool) {
    let pairs = |total: usize| latency.pairs(seed, total, total.max(10 * n), 0.9);
    let first = verdict(&pairs(n), quantile, looks, MARGIN);
    if first.outcome != Conclusion::CantTell {
        return (Some(n), first.outcome == Conclusion::Faster);
    }
    let Some(more) = first.pairs_needed else {
        return (None, false);
    };
    let said = n + more as usize;
    let tried = pairs(said.min(most_pairs(quantile, looks)));
    // Looked at once, at the end: whoever watches finds it as often at least.
    let outcome = match looks {
        LookRule::Every => Watched::from_iter(tried).outcome(quantile, MARGIN),
        LookRule::Fixed => verdict(&tried, quantile, looks, MARGIN).outcome,
    };
    (Some(said), outcome == Conclusion::Faster)
}

/// A target that takes 10 % less: how often it is found at the number of pairs that was said.
fn right(comparisons: usize) -> String {
    let mut table = "| one target 10 % faster | what | looked | said after | pairs said in all: median (10 % to 90 %) | no number | tried at most at | found |\n|---|---|---|--:|--:|--:|--:|--:|\n".to_owned();
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
    let said = Mutex::new(Vec::new());
    let hits = count(comparisons, |seed| {
        let (total, hit) = found(latency, quantile, looks, first, seed);
        said.lock().unwrap().extend(total);
        hit
    });
    let mut totals = said.into_inner().unwrap();
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
        most_pairs(quantile, looks),
        percent(hits, totals.len()),
    )
}

/// What pairs and verdicts cost.
fn costs() -> String {
    let mut table = "| pairs | one more pair | verdict on the median | outcome of P95 | verdict on P95 | verdict on P99 | P95, *n* fixed |\n|--:|--:|--:|--:|--:|--:|--:|\n".to_owned();
    for n in [100, 1_000, 10_000, 100_000] {
        let pairs = Latency::LogNormal.pairs(1, n, n, 1.04);
        let begun = cpu::cpu_ns();
        let mut so_far = Watched::default();
        for pair in &pairs {
            so_far.push(*pair);
        }
        let push = (cpu::cpu_ns() - begun) as f64 / 1e9 / n as f64;
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

/// Seconds of CPU time that it takes.
fn seconds<T>(times: u32, of: impl Fn() -> T) -> f64 {
    let begun = cpu::cpu_ns();
    for _ in 0..times {
        black_box(of());
    }
    (cpu::cpu_ns() - begun) as f64 / 1e9 / f64::from(times)
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
