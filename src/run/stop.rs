//! What ends runs early: the user, or a sleep of the machine.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Origin;
use crate::{
    event::{Event, Fault, FaultClass, Phase},
    exchange::ExchangeEnd,
};

/// Shorter sleeps change nothing: connections survive them.
const SHORTEST_SLEEP: Duration = Duration::from_secs(2);

/// Said of a run that a sleep cut off.
const SLEPT: &str = "the machine slept while it was under way";

/// What can end a run early. Its socket is closed at once.
#[derive(Clone, Debug, Default)]
pub struct RunStop {
    /// The user does.
    pub by_user: CancellationToken,
    /// The machine slept: the connection is dead, and that is no fault of the endpoint.
    pub by_sleep: CancellationToken,
}

impl From<CancellationToken> for RunStop {
    fn from(by_user: CancellationToken) -> Self {
        Self {
            by_user,
            ..Self::default()
        }
    }
}

impl RunStop {
    /// Waits until it is to end before it was sent; gives its fault.
    pub async fn before_sent(&self) -> Fault {
        let (class, _) = self.stopped().await;
        let why = match class {
            FaultClass::Suspended => "the machine slept before it was sent",
            _ => "cancelled before it was sent",
        };
        Fault::new(class, Phase::Prepare, why)
    }

    /// Waits until it is to end; gives the class of its fault, and why.
    pub(super) async fn stopped(&self) -> (FaultClass, &'static str) {
        tokio::select! {
            biased;
            () = self.by_user.cancelled() => (FaultClass::Cancelled, "stopped by the user"),
            () = self.by_sleep.cancelled() => (FaultClass::Suspended, SLEPT),
        }
    }
}

/// Says of a run across a sleep of the machine that it failed by that. A probe, or a run of a comparison, is void even if it
/// was answered: its times tell nothing of the endpoint.
pub(super) fn blame_sleep(end: &mut ExchangeEnd, slept: Duration, origin: Origin) {
    if slept < SHORTEST_SLEEP {
        return;
    }
    let fault = end.events.iter_mut().find_map(|event| match event {
        Event::Fault(fault) => Some(fault),
        _ => None,
    });
    match fault {
        Some(fault) if fault.class.is_no_failure() => {}
        Some(fault) => {
            fault.class = FaultClass::Suspended;
            fault.message = format!("{SLEPT}: {}", fault.message);
        }
        None if matches!(origin, Origin::Probe | Origin::Compare) => {
            let fault = Fault::new(FaultClass::Suspended, Phase::Stream, SLEPT);
            end.events.push(Event::Fault(fault));
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(class: Option<FaultClass>) -> ExchangeEnd {
        let fault = class.map(|class| Event::Fault(Fault::new(class, Phase::Headers, "reset")));
        ExchangeEnd {
            events: fault.into_iter().collect(),
            ..ExchangeEnd::default()
        }
    }

    #[test]
    fn a_sleep_takes_the_blame_and_voids_a_probe() {
        use FaultClass::{Cancelled, Reset, Suspended};
        use Origin::{Compare, Playground, Probe};
        for (slept, origin, before, after) in [
            (0, Probe, Some(Reset), Some(Reset)),
            (1, Probe, None, None),
            (600, Probe, Some(Reset), Some(Suspended)),
            (600, Probe, None, Some(Suspended)),
            (600, Compare, None, Some(Suspended)),
            (600, Probe, Some(Cancelled), Some(Cancelled)),
            (600, Playground, Some(Reset), Some(Suspended)),
            (600, Playground, None, None),
        ] {
            let mut end = end(before);
            blame_sleep(&mut end, Duration::from_secs(slept), origin);
            let found = end.fault();
            assert_eq!(found.map(|fault| fault.class), after, "{slept} {before:?}");
            if after == Some(Suspended) {
                assert!(found.is_some_and(|fault| fault.message.starts_with(SLEPT)));
            }
        }
    }

    #[tokio::test]
    async fn who_stops_it_is_told_apart() {
        let stop = RunStop::default();
        stop.by_sleep.cancel();
        assert_eq!(stop.stopped().await, (FaultClass::Suspended, SLEPT));
        stop.by_user.cancel();
        assert_eq!(stop.stopped().await.0, FaultClass::Cancelled);
    }
}
