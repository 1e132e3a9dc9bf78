//! Which targets are asked, one after another or two at once, until one answers.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};

use super::{
    account::{RequestAccount, Winner},
    asking::{Asking, attempt},
    attempt::{Attempt, AttemptFailure},
    found_route::{FoundRoute, RoutedTarget},
    health::TargetState,
};
use crate::clock::{now, wait_until};

/// The pause before the first further try of a target; doubled for each one after.
const BACK_OFF: Duration = Duration::from_millis(200);
/// The longest pause; a target that asks for a longer one is not tried again.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);

/// An attempt under way. Dropping it closes its socket.
struct Running<'a> {
    target: &'a RoutedTarget,
    began: Instant,
    stopped: Arc<OnceLock<&'static str>>,
}

type AttemptFuture<'a> =
    Pin<Box<dyn Future<Output = (u32, Result<Attempt, AttemptFailure>)> + Send + 'a>>;

/// The tries of one request.
struct Tries<'a> {
    asking: Asking<'a>,
    found: &'a FoundRoute,
    /// How many tries there may be.
    most: usize,
    begun: Vec<Running<'a>>,
    running: FuturesUnordered<AttemptFuture<'a>>,
}

/// Asks the route's targets in turn until one begins to answer. Where the first says nothing for long, a second may be
/// asked beside it: whichever begins first answers, and the other's socket is closed.
///
/// # Errors
/// The last failure.
pub(super) async fn first_answer(
    asking: Asking<'_>,
    found: &FoundRoute,
    account: &mut RequestAccount,
) -> Result<Attempt, AttemptFailure> {
    let settings = &found.route.settings;
    let most = found.targets.len() + settings.retries.unwrap_or(0) as usize;
    let mut tries = Tries {
        asking: Asking {
            may_fail_over: most > 1 || settings.hedge.is_some(),
            ..asking
        },
        found,
        most,
        begun: Vec::new(),
        running: FuturesUnordered::new(),
    };
    let hedges = &found.route.state.hedges;
    let wait = (settings.hedge.as_ref()).and_then(|hedge| hedges.begin(hedge, now()));
    let mut hedge_at = wait.and_then(|wait| now().checked_add(wait));
    account.first_asked = Some(now());
    tries.start(account);
    loop {
        tokio::select! {
            biased;
            Some((number, ended)) = tries.running.next() => match ended {
                Ok(attempt) => {
                    tries.won(number, &attempt, account);
                    return Ok(attempt);
                }
                Err(failure) => {
                    account.record.target = tries.failed(number).id().to_string();
                    if failure.is_final() || !tries.goes_on(account).await {
                        return Err(failure);
                    }
                }
            },
            () = wait_until(hedge_at) => {
                hedge_at = None;
                let may_hedge = tries.begun.len() == 1 && tries.running.len() == 1;
                let hedge = settings.hedge.as_ref().filter(|_| may_hedge);
                if hedge.is_some_and(|hedge| hedges.take(hedge, now())) {
                    account.record.hedges += 1;
                    tries.start(account);
                    account.live.hedged(account.record.attempts);
                }
            }
        }
    }
}

impl<'a> Tries<'a> {
    /// Begins the next try.
    fn start(&mut self, account: &mut RequestAccount) {
        let target = self.next_target();
        let stopped = Arc::new(OnceLock::new());
        self.begun.push(Running {
            target,
            began: now(),
            stopped: Arc::clone(&stopped),
        });
        account.record.attempts += 1;
        let (asking, number) = (self.asking, account.record.attempts);
        self.running.push(Box::pin(async move {
            (number, attempt(asking, target, number, stopped).await)
        }));
    }

    fn next_target(&self) -> &'a RoutedTarget {
        let targets = &self.found.targets;
        &targets[self.begun.len() % targets.len()]
    }

    /// The target of an attempt that failed.
    fn failed(&self, number: u32) -> &'a RoutedTarget {
        let running = &self.begun[number as usize - 1];
        // The first word stays; it is not to be counted as beaten.
        let _ = running.stopped.set("it failed");
        running.target
    }

    /// After a failure: waits for those that are still running, or begins the next try; false if none is left.
    async fn goes_on(&mut self, account: &mut RequestAccount) -> bool {
        if !self.running.is_empty() {
            return true;
        }
        if self.begun.len() >= self.most {
            return false;
        }
        let round = self.begun.len() / self.found.targets.len();
        if round > 0 {
            let Some(pause) = self.pause(round) else {
                return false;
            };
            tokio::time::sleep(pause).await;
        }
        self.start(account);
        true
    }

    /// The pause before a target is asked once more; `None` if it asks for too long a one.
    fn pause(&self, round: usize) -> Option<Duration> {
        let doubled = BACK_OFF.saturating_mul(1 << (round - 1).min(10));
        let longest = doubled.min(LONGEST_BACK_OFF);
        // Spread out, so that clients that failed together do not come back together.
        let spread = longest.mul_f64(rand::random_range(0.5..1.0));
        match self.next_target().health.state(now()) {
            TargetState::Ready | TargetState::Trial => Some(spread),
            TargetState::Paused(until) => {
                let asked = until.saturating_duration_since(now());
                (asked <= LONGEST_BACK_OFF).then(|| asked.max(spread))
            }
        }
    }

    /// An attempt answered: the others are stopped.
    fn won(&mut self, number: u32, attempt: &Attempt, account: &mut RequestAccount) {
        let (at, hedges) = (now(), &self.found.route.state.hedges);
        for (other, running) in (1..).zip(&self.begun) {
            if other != number && running.stopped.set("another target answered first").is_ok() {
                let after = at.saturating_duration_since(running.began);
                running.target.health.beaten(at, after);
                hedges.answered(at, after);
                account.beaten.push(running.target.clone());
            }
        }
        let winner = &self.begun[number as usize - 1];
        let ttft = attempt.first_token();
        if let Some(ttft) = ttft {
            hedges.answered(at, ttft);
        }
        account.record.target = winner.target.id().to_string();
        account.live.answers(number, ttft.is_some());
        account.winner = Some(Winner {
            began: attempt.started(),
            health: Arc::clone(&winner.target.health),
            is_timed: ttft.is_some(),
        });
    }
}
