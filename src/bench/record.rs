//! What is kept of one request of a bench: its stamps, and no text but where that is asked for.
//!
//! All times are nanoseconds since the start of the bench, on the monotonic clock; the kernel's receive stamps where
//! there are any.

use serde::{Deserialize, Serialize};

use super::texts::KeptText;
use crate::{
    event::FaultClass,
    run::{ConnectionKind, ms},
};

/// One request of a bench. A stamp is absent if what it stands for did not happen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BenchRequest {
    /// Its number in the order of the schedule, from 0; those of the warm-up come first.
    pub number: u64,
    /// The number of its prompt in the prompt set.
    pub prompt: u32,
    /// Whether it belongs to the warm-up, and so to no figure.
    pub is_warm_up: bool,
    /// When it was due. In a closed loop: when its stream was free for it.
    pub scheduled: u64,
    /// When it was begun: connecting, if it had to, came after this.
    pub started: u64,
    /// The last byte of the request was handed to the connection.
    pub request_sent: Option<u64>,
    /// The response head was received.
    pub headers: Option<u64>,
    /// First event of any kind in the body, such as a chunk with a role and no text.
    pub first_event: Option<u64>,
    /// First non-empty reasoning, text or tool-call piece.
    pub first_token: Option<u64>,
    /// First such piece that is not reasoning.
    pub first_visible: Option<u64>,
    /// Last such piece of any kind.
    pub last_token: Option<u64>,
    /// The chunk that said why the answer ended (its finish reason).
    pub finished: Option<u64>,
    /// It was over: the end of the body, or its fault.
    pub ended: u64,
    /// The reads that carried tokens. Empty where they were not kept.
    pub arrivals: TokenArrivals,
    /// Input tokens, as the provider counted them.
    pub input_tokens: Option<u32>,
    /// Output tokens, as the provider counted them; reasoning is part of them.
    pub output_tokens: Option<u32>,
    /// Pieces with text, reasoning or a tool call, counted by us: the tokens of providers that send one at a time.
    pub pieces: u32,
    /// How much later than the kernel this program read the first token, in nanoseconds; `None` without the kernel's
    /// stamp.
    pub our_delay: Option<u32>,
    /// Whether it opened its connection; `None` if it did not come so far.
    pub connection: Option<ConnectionKind>,
    /// The HTTP status, where there was a response.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// The text of its answer, where it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Box<KeptText>>,
}

/// How a request ended.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// With a complete answer.
    #[default]
    Ok,
    /// With a fault of this class.
    Fault(FaultClass),
}

/// A figure from two stamps, in milliseconds: `to` − `from`.
fn between(from: u64, to: Option<u64>) -> Option<f64> {
    to.map(|to| ms(to.saturating_sub(from)))
}

impl BenchRequest {
    /// Whether it ended with a complete answer.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.outcome == RequestOutcome::Ok
    }

    /// The class of its fault.
    #[must_use]
    pub fn fault(&self) -> Option<FaultClass> {
        match self.outcome {
            RequestOutcome::Ok => None,
            RequestOutcome::Fault(class) => Some(class),
        }
    }

    /// TTFT in milliseconds: first token − started.
    #[must_use]
    pub fn ttft_ms(&self) -> Option<f64> {
        between(self.started, self.first_token)
    }

    /// First token − scheduled, in milliseconds.
    #[must_use]
    pub fn ttft_from_schedule_ms(&self) -> Option<f64> {
        between(self.scheduled, self.first_token)
    }

    /// Last token − started, in milliseconds.
    #[must_use]
    pub fn total_ms(&self) -> Option<f64> {
        between(self.started, self.last_token)
    }

    /// Last token − scheduled, in milliseconds.
    #[must_use]
    pub fn total_from_schedule_ms(&self) -> Option<f64> {
        between(self.scheduled, self.last_token)
    }

    /// TPOT in milliseconds: (last token − first token) / (output tokens − 1); `None` unless the provider counted at
    /// least two output tokens.
    #[must_use]
    pub fn tpot_ms(&self) -> Option<f64> {
        let gaps = self
            .output_tokens?
            .checked_sub(1)
            .filter(|gaps| *gaps > 0)?;
        Some(between(self.first_token?, self.last_token)? / f64::from(gaps))
    }

    /// Our lag in milliseconds: started − scheduled.
    #[must_use]
    pub fn lag_ms(&self) -> f64 {
        ms(self.started.saturating_sub(self.scheduled))
    }

    /// Keeps a read that carried tokens.
    pub fn arrived(&mut self, at: u64, tokens: u32) {
        let since = at.saturating_sub(self.started);
        self.arrivals.push(since, tokens);
    }
}

/// One read that carried tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenArrival {
    /// Nanoseconds since the request was started; whole microseconds.
    pub since_started: u64,
    /// How many tokens (pieces) it carried.
    pub tokens: u32,
}

/// The reads of a request that carried tokens, in a few bytes each: for each one the microseconds since the one before
/// (the first: since the request was started) and the number of tokens, in LEB128. One token, the usual number, is told
/// by an even first value, so that it takes no byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenArrivals {
    bytes: Vec<u8>,
    #[serde(skip)]
    last_us: u64,
}

impl TokenArrivals {
    /// Adds a read: nanoseconds since the request was started, never before the last one, and its tokens.
    pub fn push(&mut self, since_started: u64, tokens: u32) {
        let us = (since_started / 1_000).max(self.last_us);
        let delta = us - self.last_us;
        self.last_us = us;
        let has_several = u64::from(tokens != 1);
        push_leb128(&mut self.bytes, delta << 1 | has_several);
        if has_several == 1 {
            push_leb128(&mut self.bytes, tokens.into());
        }
    }

    /// The reads in order.
    pub fn iter(&self) -> impl Iterator<Item = TokenArrival> {
        let (mut rest, mut us) = (self.bytes.as_slice(), 0_u64);
        std::iter::from_fn(move || {
            let first = take_leb128(&mut rest)?;
            us = us.saturating_add(first >> 1);
            let tokens = match first & 1 {
                0 => 1,
                _ => take_leb128(&mut rest)?,
            };
            Some(TokenArrival {
                since_started: us.saturating_mul(1_000),
                tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
            })
        })
    }

    /// Times between reads that follow each other, in nanoseconds.
    pub fn gaps(&self) -> impl Iterator<Item = u64> {
        let mut before = None;
        self.iter().filter_map(move |read| {
            let last = before.replace(read.since_started);
            last.map(|last| read.since_started - last)
        })
    }

    /// Whether none was kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// As they are stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// From [`as_bytes`](Self::as_bytes). Only for reading: a read that is added counts from the start.
    #[must_use]
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, last_us: 0 }
    }
}

/// Appends a number in LEB128.
pub(super) fn push_leb128(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

/// Takes a number in LEB128; `None` at the end, and where it is cut off or too large.
pub(super) fn take_leb128(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request() -> BenchRequest {
        BenchRequest {
            scheduled: 1_000_000,
            started: 3_000_000,
            first_token: Some(53_000_000),
            last_token: Some(93_000_000),
            output_tokens: Some(5),
            ..BenchRequest::default()
        }
    }

    #[test]
    fn figures_follow_the_definitions() {
        let request = request();
        assert_eq!(request.ttft_ms(), Some(50.0));
        assert_eq!(request.ttft_from_schedule_ms(), Some(52.0));
        assert_eq!(request.total_ms(), Some(90.0));
        assert_eq!(request.total_from_schedule_ms(), Some(92.0));
        assert_eq!(request.tpot_ms(), Some(10.0));
        assert!((request.lag_ms() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_known_is_blank() {
        for output_tokens in [None, Some(0), Some(1)] {
            let request = BenchRequest {
                output_tokens,
                ..request()
            };
            assert_eq!(request.tpot_ms(), None, "{output_tokens:?}");
        }
        let nothing = BenchRequest::default();
        assert_eq!((nothing.ttft_ms(), nothing.total_ms()), (None, None));
    }

    #[test]
    fn usual_arrivals_take_three_bytes() {
        let mut arrivals = TokenArrivals::default();
        (1..=64).for_each(|n| arrivals.push(n * 40_123_000, 1));
        assert_eq!(arrivals.as_bytes().len(), 64 * 3);
    }

    proptest! {
        #[test]
        fn arrivals_come_back_by_the_microsecond(
            reads in prop::collection::vec((0..u64::from(u32::MAX), 0..9_u32), 0..50),
        ) {
            let (mut arrivals, mut at) = (TokenArrivals::default(), 0);
            let mut expected = Vec::new();
            for (gap, tokens) in reads {
                at += gap;
                arrivals.push(at, tokens);
                expected.push(TokenArrival { since_started: at / 1_000 * 1_000, tokens });
            }
            let stored = TokenArrivals::of_bytes(arrivals.as_bytes().to_vec());
            prop_assert_eq!(stored.iter().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            let arrivals = TokenArrivals::of_bytes(bytes);
            prop_assert!(arrivals.gaps().count() <= 50);
        }
    }
}
