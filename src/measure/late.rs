//! Runs that this machine read too late to count.
//!
//! In: the time to the first token, and how much later than the kernel this program read it. Out: whether the run
//! leaves percentiles and verdicts. The time itself is the kernel's, so it hardly suffers; but a machine that is so busy
//! delays more than what it reads: what it sends, and what it asks for next.

use crate::run::{OffsetNs, Run};
pub use crate::settings::LATE_SHARE as SHARE;

/// A delay below this never makes a run late: so much is an idle machine's, too. In nanoseconds.
pub const LEAST: u32 = 1_000_000;

/// Whether a run whose first token was read so much later than the kernel received it counts as late; both in
/// nanoseconds. `None` is no: without the kernel's stamps it is not known.
#[must_use]
pub fn is_late(ttft: OffsetNs, delay: Option<u32>, share: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
    let allowed = ttft as f64 * share;
    delay.is_some_and(|delay| delay >= LEAST && f64::from(delay) > allowed)
}

/// Whether a run was read late.
#[must_use]
pub fn of(run: &Run, share: f64) -> bool {
    let ttft = run.stamps.first_token;
    ttft.is_some_and(|ttft| is_late(ttft, run.stamps.first_token_delay, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_counts_by_its_share_and_from_a_millisecond_on() {
        const MS: u64 = 1_000_000;
        for (ttft, delay, late) in [
            (100 * MS, Some(10_000_001), true),
            (100 * MS, Some(10_000_000), false),
            (2 * MS, Some(900_000), false),
            (2 * MS, Some(1_000_000), true),
            (100 * MS, None, false),
            (0, Some(LEAST), true),
        ] {
            assert_eq!(is_late(ttft, delay, SHARE), late, "{ttft} {delay:?}");
        }
    }
}
