use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

use super::*;
use crate::{measure::arrivals::arrivals, run::Read};

const MS: f64 = 1e6;

/// Simulated answers: when each token left the model, and what the way did to it.
struct Simulation {
    rng: Xoshiro256PlusPlus,
}

/// A token on its way: when it comes, and how many bytes its event has.
type Token = (f64, u32);

impl Simulation {
    fn new(seed: u64) -> Self {
        Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// Log-uniform: as many values under the geometric mean of both ends as above.
    fn spread(&mut self, least: f64, most: f64) -> f64 {
        let at: f64 = self.rng.random_range(least.ln()..most.ln());
        at.exp()
    }

    /// Log-normal, with median 1.
    fn jitter(&mut self, sigma: f64) -> f64 {
        let [a, b]: [f64; 2] = [self.rng.random(), self.rng.random()];
        let normal = (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos();
        (sigma * normal).exp()
    }

    /// Tokens as a model makes them, a number of them at a time.
    fn made(&mut self, per_s: f64, at_once: usize, tokens: usize, sigma: f64) -> Vec<Token> {
        let mut at = self.spread(150.0, 3_000.0) * MS;
        let event = self.rng.random_range(150..400);
        let mut made = Vec::new();
        while made.len() < tokens {
            for _ in 0..at_once.min(tokens - made.len()) {
                made.push((at, event + self.rng.random_range(0..9)));
            }
            #[expect(clippy::cast_precision_loss, reason = "a few tokens")]
            let step = at_once as f64 * 1e9 / per_s;
            at += step * self.jitter(sigma);
        }
        made
    }

    /// What a network does: it joins what is close together, and in some runs loses a segment, so that the tokens behind
    /// it wait for the next try.
    fn sent(&mut self, mut tokens: Vec<Token>) -> Vec<Read> {
        if self.rng.random_bool(0.05) {
            let lost = self.rng.random_range(0..tokens.len());
            let again = tokens[lost].0 + self.spread(40.0, 1_200.0) * MS;
            for token in &mut tokens[lost..] {
                token.0 = token.0.max(again);
            }
        }
        let joins = self.spread(0.01, 8.0) * MS;
        let mut reads: Vec<Read> = Vec::new();
        let mut open = f64::NEG_INFINITY;
        for (at, bytes) in tokens {
            if at - open > joins {
                open = at;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a time"
                )]
                let at = (at + joins) as u64;
                reads.push(Read {
                    at,
                    ..Read::default()
                });
            }
            let read = reads.last_mut().unwrap();
            read.bytes += bytes;
            read.events += 1;
            read.tokens += 1;
        }
        reads
    }

    fn length(&mut self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let length = self.spread(12.0, 1_500.0) as usize;
        length
    }

    fn plain(&mut self) -> Vec<Read> {
        let (per_s, sigma, tokens) = (
            self.spread(8.0, 300.0),
            self.spread(0.05, 0.9),
            self.length(),
        );
        let made = self.made(per_s, 1, tokens, sigma);
        self.sent(made)
    }

    fn fast(&mut self) -> Vec<Read> {
        let at_once = self.rng.random_range(2..=10);
        let (per_s, tokens) = (self.spread(300.0, 3_000.0), self.length());
        let made = self.made(per_s, at_once, tokens, 0.3);
        self.sent(made)
    }

    /// As the simulator's model `sim-bursty`.
    fn bursty(&mut self) -> Vec<Read> {
        let tokens = self.length();
        let mut made = self.made(66.0, 1, tokens, 0.1);
        let mut rest = &mut made[..];
        while !rest.is_empty() {
            let size = self.rng.random_range(24..=64).min(rest.len());
            let (burst, later) = rest.split_at_mut(size);
            let at = burst[size - 1].0;
            for token in burst.iter_mut() {
                token.0 = at;
            }
            rest = later;
        }
        self.sent(made)
    }

    /// Blocks of a proxy; the last one goes when the answer is over.
    fn proxied(&mut self) -> Vec<Read> {
        let (per_s, tokens) = (self.spread(12.0, 80.0), self.length());
        let mut made = self.made(per_s, 1, tokens, 0.4);
        let sizes = [4_096, 8_192, 16_384, u64::MAX];
        let size = sizes[self.rng.random_range(0..sizes.len())];
        let fragment = self.spread(0.01, 1.0) * MS;
        let (mut from, mut held) = (0, 0);
        for at in 0..made.len() {
            held += u64::from(made[at].1);
            if held >= size || at + 1 == made.len() {
                let release = made[at].0;
                // A large block leaves in segments of three to ten events.
                let segments = (from..=at).zip((0..).map(|n: u32| f64::from(n / 6)));
                for (token, segment) in segments {
                    made[token].0 = release + segment * fragment;
                }
                (from, held) = (at + 1, 0);
            }
        }
        self.sent(made)
    }
}

/// How many of a thousand runs of a kind get each verdict.
fn verdicts(seed: u64, of: fn(&mut Simulation) -> Vec<Read>) -> [u32; 3] {
    let mut simulation = Simulation::new(seed);
    let mut counts = [0; 3];
    for _ in 0..1_000 {
        let reads = of(&mut simulation);
        let burst = Burst::of_arrivals(&arrivals(&reads), 0).unwrap();
        counts[burst.verdict as usize] += 1;
    }
    counts
}

#[test]
#[expect(clippy::print_stdout, reason = "it says what it counted")]
fn buffers_are_found_and_fast_models_are_not_taken_for_one() {
    type Row = (&'static str, fn(&mut Simulation) -> Vec<Read>, BurstVerdict);
    let rows: [Row; 4] = [
        ("plain", Simulation::plain, BurstVerdict::Flowing),
        ("fast model", Simulation::fast, BurstVerdict::Flowing),
        ("bursty profile", Simulation::bursty, BurstVerdict::Buffered),
        (
            "buffering proxy",
            Simulation::proxied,
            BurstVerdict::Buffered,
        ),
    ];
    let mut wrong = Vec::new();
    // A segment lost at the start holds back the rest of a short answer, and no rule can tell that from a buffer.
    for (seed, (name, of, truth)) in (1..).zip(rows) {
        let [flowing, buffered, unclear] = verdicts(seed, of);
        let (kind, mistakes, most) = match truth {
            BurstVerdict::Buffered => ("misses", flowing + unclear, 20),
            _ => ("false alarms", buffered, 10),
        };
        println!("{name}: {mistakes} {kind} in 1,000 runs ({unclear} unclear)");
        if mistakes > most || unclear > 20 {
            wrong.push((name, flowing, buffered, unclear));
        }
    }
    assert!(wrong.is_empty(), "flowing, buffered, unclear: {wrong:?}");
}

/// Reads at these milliseconds, with these tokens, of 100 bytes each.
fn reads(reads: &[(u64, u32)]) -> Vec<Read> {
    let reads = reads.iter().map(|&(ms, tokens)| Read {
        at: ms * 1_000_000,
        bytes: tokens * 100,
        events: tokens,
        tokens,
        ..Read::default()
    });
    reads.collect()
}

fn said(of: &[(u64, u32)]) -> (BurstVerdict, String) {
    let burst = Burst::of_arrivals(&arrivals(&reads(of)), 0).unwrap();
    (burst.verdict, burst.to_string())
}

/// Reads, the verdict, and what is said.
type SentenceRow<'a> = (&'a [(u64, u32)], BurstVerdict, &'a str);

#[test]
fn the_verdict_is_said_in_a_sentence() {
    use BurstVerdict::{Buffered, Flowing, Unclear};
    let each_20_ms: Vec<(u64, u32)> = (0..50).map(|n| (300 + n * 20, 1)).collect();
    let blocks: Vec<(u64, u32)> = (1..=6).map(|n| (n * 500, 20)).collect();
    let rows: [SentenceRow<'_>; 8] = [
        (
            &[(2_100, 8), (2_101, 6), (2_130, 2)],
            Buffered,
            "14 of 16 events came in 2 reads after 2.1 s: something between you and the model buffers",
        ),
        (
            &[(2_100, 16)],
            Buffered,
            "All 16 events came in 1 read after 2.1 s: something between you and the model buffers",
        ),
        (
            &blocks,
            Buffered,
            "All 120 events came in 6 reads after 500 ms, then about every 500 ms, in blocks of about 2\u{202f}000 bytes: \
             something between you and the model buffers",
        ),
        (
            &each_20_ms,
            Flowing,
            "No sign of buffering: 50 events came in 50 reads, one about every 20 ms",
        ),
        (
            // A fast model that sends eight at a time.
            &[(2_100, 8), (2_108, 8), (2_116, 8), (2_124, 8)],
            Flowing,
            "No sign of buffering: 32 events came in 4 reads, one about every 8.0 ms",
        ),
        (
            &[(400, 3)],
            Unclear,
            "3 events in 1 read: too few to tell whether something buffers",
        ),
        (
            &[(20, 60)],
            Unclear,
            "60 events came in 1 read after 20 ms: the server had them ready, or something buffers",
        ),
        (
            &[(300, 600)],
            Unclear,
            "600 events came in 1 read after 300 ms: the server had them ready, or something buffers",
        ),
    ];
    for (reads, verdict, sentence) in rows {
        assert_eq!(said(reads), (verdict, sentence.to_owned()));
    }
    assert_eq!(Burst::of_arrivals(&[], 0), None);
}

#[test]
fn a_silence_of_the_network_is_a_stall_and_no_buffer() {
    let mut course: Vec<(u64, u32)> = (0..40).map(|n| (300 + n * 20, 1)).collect();
    course.push((2_000, 41));
    course.extend((0..40).map(|n| (2_020 + n * 20, 1)));
    assert_eq!(said(&course).0, BurstVerdict::Flowing);
    let found = stalls(&arrivals(&reads(&course)));
    assert_eq!(
        found,
        [Stall {
            begin: 1_080_000_000,
            end: 2_000_000_000
        }]
    );
}

#[test]
#[expect(clippy::print_stdout, reason = "it says what it counted")]
fn even_gaps_and_gaps_that_scatter_have_no_stalls() {
    let slow: Vec<(u64, u32)> = (0..20).map(|n| (n * 900, 1)).collect();
    assert_eq!(stalls(&arrivals(&reads(&slow))), [], "each gap is as long");
    let few = [(0, 1), (20, 1), (40, 1), (2_000, 1)];
    assert_eq!(stalls(&arrivals(&reads(&few))), [], "three gaps");
    let mut simulation = Simulation::new(5);
    let mut count = 0;
    for _ in 0..1_000 {
        let (mut at, mut course) = (300.0 * MS, Vec::new());
        for _ in 0..200 {
            course.push((at, 200));
            at += 12.0 * MS * simulation.jitter(1.0);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time"
        )]
        let reads = course.into_iter().map(|(at, bytes)| Read {
            at: at as u64,
            bytes,
            events: 1,
            tokens: 1,
            ..Read::default()
        });
        count += stalls(&arrivals(&reads.collect::<Vec<_>>())).len();
    }
    println!("{count} stalls in 200,000 log-normal gaps");
    assert!(count < 200, "{count}");
}
