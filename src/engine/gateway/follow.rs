//! Follows a running gateway: tells what it is doing while someone asks, and that requests of it are over.

use std::{sync::Arc, time::Duration};

use super::{
    super::{Outbox, Steps, Update},
    GatewayNews,
};
use crate::{
    clock::{now, wait_until},
    gateway::{GatewayStatus, GatewayWatch, TargetState},
};

/// The shortest time between two answers.
const STATUS_PAUSE: Duration = Duration::from_millis(250);
/// The shortest time between two notices of requests that are over.
const FINISHED_PAUSE: Duration = Duration::from_millis(500);

/// Answers with what the gateway is doing: now, after each change, and when a target's pause ends, until nobody asks
/// any more.
pub(super) async fn status(mut watch: GatewayWatch, steps: Steps<Arc<GatewayStatus>>, out: Outbox) {
    let answer = async {
        loop {
            let status = watch.status();
            let pause_ends = first_pause_end(&status);
            steps.send(Arc::new(status));
            out.wake();
            tokio::time::sleep(STATUS_PAUSE).await;
            tokio::select! {
                () = watch.changed() => {}
                () = wait_until(pause_ends) => {}
            }
        }
    };
    steps.unless_given_up(answer).await;
}

/// When the first of the paused targets can be asked again.
fn first_pause_end(status: &GatewayStatus) -> Option<std::time::Instant> {
    let targets = status.routes.iter().flat_map(|route| &route.targets);
    let ends = targets.filter_map(|target| match target.state {
        TargetState::Paused(until) => Some(until),
        TargetState::Ready | TargetState::Trial => None,
    });
    ends.filter(|until| *until > now()).min()
}

/// Tells that requests are over, a few times a second at most.
pub(super) async fn finished(mut watch: GatewayWatch, out: Outbox) {
    let mut told = watch.finished();
    loop {
        watch.changed().await;
        let finished = watch.finished();
        if finished != told {
            told = finished;
            out.send(Update::Gateway(GatewayNews::Finished));
            tokio::time::sleep(FINISHED_PAUSE).await;
        }
    }
}
