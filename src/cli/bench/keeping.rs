//! The requests of a bench while it runs, taken on a thread of their own, for whatever needs each of them.

use std::{io, thread::JoinHandle};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::outputs::RequestTaker;
use crate::{
    bench::{BenchCharts, BenchRequest},
    clock::SteadyClock,
    engine::BenchPiece,
};

/// Takes requests until the bench is over.
pub(super) struct RequestKeeper(JoinHandle<KeptRequests>);

/// What there is of a bench once it is over.
#[derive(Debug, Default)]
pub(super) struct KeptRequests {
    /// When its workers began, in nanoseconds since 1970; `None` if they never did.
    pub began_unix_ns: Option<i64>,
    /// Its requests, where they are wanted one by one.
    pub requests: Vec<BenchRequest>,
    /// What plots show of it, where that is wanted.
    pub charts: BenchCharts,
}

impl RequestKeeper {
    /// Starts the thread. `taker` is given each request; with `keeps_all` they are kept, too, in memory.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub(super) fn start(
        taker: Option<RequestTaker>,
        keeps_all: bool,
    ) -> io::Result<(Self, UnboundedSender<BenchPiece>)> {
        let (sender, pieces) = unbounded_channel();
        let clock = SteadyClock::set();
        let thread = std::thread::Builder::new().name("bench-requests".to_owned());
        let thread = thread.spawn(move || kept(pieces, clock, taker, keeps_all))?;
        Ok((Self(thread), sender))
    }

    /// What came. The bench is over, or was refused.
    pub(super) fn end(self) -> KeptRequests {
        // A thread that panicked has said so.
        self.0.join().unwrap_or_default()
    }
}

fn kept(
    mut pieces: UnboundedReceiver<BenchPiece>,
    clock: SteadyClock,
    mut taker: Option<RequestTaker>,
    keeps_all: bool,
) -> KeptRequests {
    let mut kept = KeptRequests::default();
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            BenchPiece::Began(at) => kept.began_unix_ns = Some(clock.unix_ns(at)),
            BenchPiece::Requests(more) => {
                if let Some(taker) = &mut taker {
                    taker.take(&more);
                }
                if keeps_all {
                    kept.requests.extend(more);
                }
            }
        }
    }
    kept.charts = taker.map(RequestTaker::charts).unwrap_or_default();
    kept
}
