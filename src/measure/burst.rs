//! Whether an answer was buffered on its way, in words, and where it stalled.
//!
//! In: the reads of a run. Out: a [`Burst`] with its sentence, and [`Stall`]s.
//!
//! A buffering proxy (nginx with `proxy_buffering on` collects blocks of 4 or 8 KiB, gzip more) and a fast model both
//! bring many tokens in one read. What differs is how long the tokens must have waited. A server that sends several
//! tokens at a time does so every few milliseconds; a buffer collects for a time that people notice, then lets go of
//! more tokens at once than any model makes. So the reads are joined into *releases*, and a release whose tokens were
//! collected during a long silence was *held*. An answer is buffered if nearly all of its tokens came in such releases.

#[cfg(test)]
mod tests;

use std::fmt;

use super::arrivals::Arrival;
use crate::run::{OffsetNs, Run, ms};

/// Arrivals whose tokens would have to be made faster than this, per second, to belong to the gap before them are parts
/// of one release. The fastest models are served at about 3,000 tokens per second (Cerebras, gpt-oss-120b, 2026).
const FASTEST_PER_S: u64 = 5_000;
/// A release with fewer events than this is what a server may well send at a time: speculative decoding accepts about
/// five tokens in one step.
const HELD_EVENTS: u64 = 6;
/// A silence shorter than this before a release is no sign: servers flush every 10 to 50 ms, Nagle's algorithm waits
/// 40 ms for a delayed ACK, and people notice nothing under 0.1 s (Miller 1968).
const HELD_NS: u64 = 100_000_000;
/// The end of an answer makes a buffer let go of the rest, so that the last release is smaller and sooner: it was held if
/// the silence before it was longer than what Nagle's algorithm makes, in nanoseconds.
const LAST_HELD_NS: u64 = 40_000_000;
/// If a single release was held, it must have more events than a fast server sends at a time.
const SINGLE_EVENTS: u64 = 12;
/// The share of the tokens that must have been held, in percent: one slow patch of a network holds fewer.
const HELD_PERCENT: u64 = 80;
/// Fewer events than this tell nothing.
const ENOUGH_EVENTS: u64 = 8;
/// If a single release held them all, they must have been made in the silence before. Above this pace, per second,
/// that is not likely, and the server may have had the answer ready.
const ORDINARY_PER_S: u64 = 500;
/// Releases are blocks of one size if their sizes differ from the median by at most this share of it, in percent.
const BLOCK_PERCENT: u64 = 3;
/// A gap under this is no stall: browser panels for event streams mark gaps from here.
const STALL_NS: u64 = 250_000_000;
/// The modified z-score from which a value is an outlier (Iglewicz & Hoaglin 1993).
const OUTLIER: f64 = 3.5;
/// Fewer gaps than this have no outliers.
const ENOUGH_GAPS: usize = 8;

/// What the reads say about buffering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BurstVerdict {
    /// No sign of a buffer.
    Flowing,
    /// Nearly all tokens were held back and let go together.
    Buffered,
    /// There are too few events, or they came too soon, to tell.
    Unclear,
}

/// How the tokens of an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// What that says about buffering.
    pub verdict: BurstVerdict,
    /// Events with tokens.
    pub events: u64,
    /// How often some came; reads less than 0.2 ms apart count as one.
    pub reads: u64,
    /// Those of the events that were held back.
    pub held_events: u64,
    /// In how many reads those came.
    pub held_reads: u64,
    /// From the request to the first token, in nanoseconds.
    pub silence_ns: u64,
    /// The median time from one read to the next; of held ones if it is buffered. 0 if there was only one.
    pub gap_ns: u64,
    /// The size of the blocks in which they came, in bytes, if they are of one size.
    pub block_bytes: Option<u64>,
}

/// Tokens that something let go of at once.
#[derive(Clone, Copy, Debug)]
struct Release {
    first_at: OffsetNs,
    last_at: OffsetNs,
    reads: u64,
    bytes: u64,
    events: u64,
    /// The silence before it.
    silence_ns: u64,
}

/// The releases that were held.
fn held(mut releases: Vec<Release>) -> Vec<Release> {
    let last = releases.pop();
    let is_held =
        |release: &Release| release.events >= HELD_EVENTS && release.silence_ns >= HELD_NS;
    releases.retain(is_held);
    let is_rest = |release: &Release| release.events > 1 && release.silence_ns >= LAST_HELD_NS;
    let has_rest = !releases.is_empty();
    releases.extend(last.filter(|last| is_held(last) || has_rest && is_rest(last)));
    releases
}

fn releases(arrivals: &[Arrival], begin: OffsetNs) -> Vec<Release> {
    let mut releases: Vec<Release> = Vec::new();
    for arrival in arrivals {
        let last_at = releases.last().map_or(begin, |last| last.last_at);
        let gap = arrival.first_at.saturating_sub(last_at);
        let could_be_made = arrival.tokens * 1_000_000_000 / FASTEST_PER_S <= gap;
        match releases.last_mut().filter(|_| !could_be_made) {
            Some(last) => {
                last.last_at = arrival.last_at;
                last.reads += 1;
                last.bytes += arrival.bytes;
                last.events += arrival.tokens;
            }
            None => releases.push(Release {
                first_at: arrival.first_at,
                last_at: arrival.last_at,
                reads: 1,
                bytes: arrival.bytes,
                events: arrival.tokens,
                silence_ns: gap,
            }),
        }
    }
    releases
}

impl Burst {
    /// How the tokens of a run came; `None` while it goes on, and without tokens.
    #[must_use]
    pub fn of(run: &Run, arrivals: &[Arrival]) -> Option<Self> {
        let burst = Self::of_arrivals(arrivals, run.stamps.request_sent.unwrap_or(0));
        burst.filter(|_| run.state.is_over())
    }

    /// How tokens came that were asked for at `begin`; `None` without any.
    #[must_use]
    pub fn of_arrivals(arrivals: &[Arrival], begin: OffsetNs) -> Option<Self> {
        let first = arrivals.first()?;
        let events = arrivals.iter().map(|arrival| arrival.tokens).sum();
        let held = held(releases(arrivals, begin));
        let held_events: u64 = held.iter().map(|release| release.events).sum();
        let mut burst = Self {
            verdict: BurstVerdict::Flowing,
            events,
            reads: arrivals.len() as u64,
            held_events,
            held_reads: held.iter().map(|release| release.reads).sum(),
            silence_ns: first.first_at.saturating_sub(begin),
            gap_ns: median_gap(arrivals.iter().map(|arrival| arrival.first_at)),
            block_bytes: None,
        };
        burst.verdict = burst.judged(&held, begin);
        if burst.verdict == BurstVerdict::Buffered {
            burst.gap_ns = median_gap(held.iter().map(|release| release.first_at));
            burst.block_bytes = block_bytes(&held);
        }
        Some(burst)
    }

    fn judged(&self, held: &[Release], begin: OffsetNs) -> BurstVerdict {
        if self.events < ENOUGH_EVENTS {
            return BurstVerdict::Unclear;
        }
        if self.held_events * 100 < self.events * HELD_PERCENT {
            // All at once, after hardly any time: nothing can be told from that.
            return match self.reads {
                1 => BurstVerdict::Unclear,
                _ => BurstVerdict::Flowing,
            };
        }
        let largest = held.iter().map(|release| release.events).max().unwrap_or(0);
        let first_at = begin + self.silence_ns;
        match held {
            // The silence before the first tokens says nothing by itself.
            [only] if only.first_at == first_at => {
                let pace_ns = only.events * 1_000_000_000 / ORDINARY_PER_S;
                if only.events < SINGLE_EVENTS || pace_ns > only.silence_ns {
                    BurstVerdict::Unclear
                } else {
                    BurstVerdict::Buffered
                }
            }
            // A single time in the middle of a stream, a network was at fault.
            [_] => BurstVerdict::Flowing,
            [first, _] if first.first_at == first_at && first.events * 2 < largest => {
                BurstVerdict::Flowing
            }
            _ => BurstVerdict::Buffered,
        }
    }
}

impl fmt::Display for Burst {
    /// The verdict in a sentence, without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, reads, .. } = *self;
        match self.verdict {
            BurstVerdict::Buffered => {
                let all = match (count(self.held_events), count(events)) {
                    (held, all) if held == all => format!("All {all} events"),
                    (held, all) => format!("{held} of {all} events"),
                };
                let after = time_text(self.silence_ns);
                write!(
                    f,
                    "{all} came in {} after {after}",
                    in_reads(self.held_reads)
                )?;
                if self.gap_ns > 0 {
                    write!(f, ", then about every {}", time_text(self.gap_ns))?;
                }
                if let Some(bytes) = self.block_bytes {
                    write!(f, ", in blocks of about {} bytes", count(bytes))?;
                }
                f.write_str(": something between you and the model buffers")
            }
            BurstVerdict::Flowing => {
                let gap = time_text(self.gap_ns);
                write!(
                    f,
                    "No sign of buffering: {} events came in {}, ",
                    count(events),
                    in_reads(reads)
                )?;
                write!(f, "one about every {gap}")
            }
            BurstVerdict::Unclear if events < ENOUGH_EVENTS => {
                let noun = if events == 1 { "event" } else { "events" };
                write!(
                    f,
                    "{events} {noun} in {}: too few to tell whether something buffers",
                    in_reads(reads)
                )
            }
            BurstVerdict::Unclear => {
                let after = time_text(self.silence_ns);
                write!(
                    f,
                    "{} events came in {} after {after}: the server had them ready, or something buffers",
                    count(events),
                    in_reads(reads)
                )
            }
        }
    }
}

fn in_reads(reads: u64) -> String {
    match reads {
        1 => "1 read".to_owned(),
        _ => format!("{} reads", count(reads)),
    }
}

/// A whole number with narrow spaces between groups of three digits.
fn count(number: u64) -> String {
    match (number / 1_000, number % 1_000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{}\u{202f}{rest:03}", count(thousands)),
    }
}

fn time_text(ns: u64) -> String {
    let ms = ms(ns);
    match ms {
        ..1.0 => format!("{ms:.2} ms"),
        ..10.0 => format!("{ms:.1} ms"),
        ..1_000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1e3),
    }
}

fn median_gap(times: impl Iterator<Item = OffsetNs> + Clone) -> u64 {
    let pairs = times.clone().zip(times.skip(1));
    let mut gaps: Vec<u64> = pairs.map(|(one, next)| next.saturating_sub(one)).collect();
    if gaps.is_empty() {
        return 0;
    }
    let middle = gaps.len() / 2;
    *gaps.select_nth_unstable(middle).1
}

/// The size of the blocks, if there are three or more besides the last, and all are of one size.
fn block_bytes(held: &[Release]) -> Option<u64> {
    let (_, full) = held.split_last()?;
    let mut sizes: Vec<u64> = full.iter().map(|release| release.bytes).collect();
    sizes.sort_unstable();
    let median = sizes[..].get(sizes.len() / 2).copied()?;
    let is_close = |size: &u64| size.abs_diff(median) * 100 <= median * BLOCK_PERCENT;
    (sizes.len() >= 3 && sizes.iter().all(is_close)).then_some(median)
}

/// A gap between arrivals that stands far out from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// When the last tokens before it came.
    pub begin: OffsetNs,
    /// When the next ones came.
    pub end: OffsetNs,
}

/// The stalls among arrivals: gaps of at least 250 ms whose logarithm has a modified z-score above 3.5. Gaps spread
/// over orders of magnitude and lean to the right, so that their logarithms are compared, not they themselves. The wait
/// for the first token is none, and with fewer than eight gaps nothing stands out.
#[must_use]
pub fn stalls(arrivals: &[Arrival]) -> Vec<Stall> {
    let gaps = (arrivals.windows(2)).map(|pair| Stall {
        begin: pair[0].last_at,
        end: pair[1].first_at,
    });
    let log = |stall: &Stall| ms(stall.end.saturating_sub(stall.begin)).max(1e-6).ln();
    let logs: Vec<f64> = gaps.clone().map(|gap| log(&gap)).collect();
    if logs.len() < ENOUGH_GAPS {
        return Vec::new();
    }
    let middle = median_of(logs.clone());
    let deviation = median_of(logs.iter().map(|log| (log - middle).abs()).collect());
    // 0.6745 makes the median deviation comparable with a standard deviation. Where more than half of the gaps are
    // alike it is nearly 0, and any gap would stand out: a factor of 1.1 counts as alike.
    let limit = middle + OUTLIER * deviation.max(0.1) / 0.674_5;
    gaps.filter(|gap| gap.end.saturating_sub(gap.begin) >= STALL_NS && log(gap) > limit)
        .collect()
}

fn median_of(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
