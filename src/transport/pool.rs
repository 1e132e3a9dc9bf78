//! The connections to one origin by one connector.
//!
//! A call takes an idle HTTP/1.1 connection, or a stream of an HTTP/2 connection that has room, or opens a connection
//! of its own. Where it is known that the origin speaks HTTP/2, calls wait for connections that others open, as many as
//! those will carry; no call waits for another's end.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use tokio::sync::oneshot;

use super::{
    connection::{Http1, Http2, Identity, USUAL_STREAMS},
    connector::{BoxError, Connector, ServerOrigin},
    phases::{Trace, lock},
};
use crate::clock::now;

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(90);

/// The connections to one origin.
pub(super) struct Pool {
    pub(super) connector: Arc<Connector>,
    origin: ServerOrigin,
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    /// HTTP/1.1 connections that wait for a request, and since when; the latest last.
    idle: VecDeque<(Instant, Http1)>,
    /// HTTP/2 connections with room for another stream.
    roomy: Vec<Arc<Http2>>,
    /// Calls that wait for a connection that another call opens. A call whose sender is dropped asks the pool again.
    followers: VecDeque<oneshot::Sender<Http2Stream>>,
    /// Calls that open a connection themselves, but take a stream of another one if that is ready first.
    openers: VecDeque<oneshot::Sender<Http2Stream>>,
    /// How many connections are being opened.
    opening: usize,
    /// Whether the origin speaks HTTP/2, if that is known.
    is_multiplexed: Option<bool>,
    /// Whether the task runs that closes idle connections.
    is_swept: bool,
}

/// A connection, or a stream of one, for one call.
pub(super) enum Lease {
    /// An HTTP/1.1 connection.
    Own(Http1),
    Stream(Http2Stream),
}

/// A stream of an HTTP/2 connection; dropping it gives it back.
pub(super) struct Http2Stream {
    pub(super) http: Arc<Http2>,
    pool: Arc<Pool>,
}

impl Drop for Http2Stream {
    fn drop(&mut self) {
        self.http.end_stream();
        self.pool.list(&self.http);
        self.pool.hand_out();
    }
}

/// How a call gets its connection.
enum LeaseStep {
    Use(Lease),
    Follow(oneshot::Receiver<Http2Stream>),
    Open(OpeningConnection, oneshot::Receiver<Http2Stream>),
}

impl Pool {
    pub(super) fn new(connector: Arc<Connector>, origin: ServerOrigin) -> Arc<Self> {
        let is_multiplexed = connector.is_multiplexed(&origin);
        Arc::new(Self {
            connector,
            origin,
            state: Mutex::new(PoolState {
                is_multiplexed,
                ..PoolState::default()
            }),
        })
    }

    /// A connection for a call; a new one if it is to be `cold`.
    pub(super) async fn lease(
        self: &Arc<Self>,
        trace: &Trace,
        cold: bool,
    ) -> Result<Lease, BoxError> {
        loop {
            match self.next_step(cold) {
                LeaseStep::Use(lease) => {
                    trace.mark_shared();
                    return Ok(lease);
                }
                LeaseStep::Follow(coming) => {
                    trace.mark_shared();
                    if let Ok(stream) = coming.await {
                        return Ok(Lease::Stream(stream));
                    }
                }
                LeaseStep::Open(opening, coming) => {
                    return tokio::select! {
                        biased;
                        Ok(stream) = coming => {
                            trace.mark_shared();
                            Ok(Lease::Stream(stream))
                        }
                        lease = opening.open(trace) => lease,
                    };
                }
            }
        }
    }

    fn next_step(self: &Arc<Self>, cold: bool) -> LeaseStep {
        let (sender, coming) = oneshot::channel();
        if cold {
            return LeaseStep::Open(self.opening(&mut lock(&self.state)), coming);
        }
        while let Some(mut http) = self.idle() {
            if http.is_fresh() {
                return LeaseStep::Use(Lease::Own(http));
            }
        }
        let mut state = lock(&self.state);
        if let Some(http) = state.take_stream() {
            return LeaseStep::Use(Lease::Stream(self.stream(http)));
        }
        let is_multiplexed = state.is_multiplexed;
        if is_multiplexed == Some(true) && state.followers.len() < state.coming() {
            state.followers.push_back(sender);
            return LeaseStep::Follow(coming);
        }
        if is_multiplexed != Some(false) {
            state.openers.push_back(sender);
        }
        LeaseStep::Open(self.opening(&mut state), coming)
    }

    fn idle(&self) -> Option<Http1> {
        let (_, http) = lock(&self.state).idle.pop_back()?;
        Some(http)
    }

    fn stream(self: &Arc<Self>, http: Arc<Http2>) -> Http2Stream {
        Http2Stream {
            http,
            pool: self.clone(),
        }
    }

    fn opening(self: &Arc<Self>, state: &mut PoolState) -> OpeningConnection {
        state.opening += 1;
        OpeningConnection {
            pool: self.clone(),
            is_over: false,
        }
    }

    /// Takes an HTTP/1.1 connection back.
    pub(super) fn keep(self: &Arc<Self>, http: Http1) {
        lock(&self.state).idle.push_back((now(), http));
        self.sweep_later();
    }

    /// Opens connections until `count` calls at once find one.
    pub(super) async fn warm(self: &Arc<Self>, count: usize) -> Result<(), (BoxError, Arc<Trace>)> {
        let leases = (0..count).map(|_| async {
            let trace = Trace::new();
            let lease = self.lease(&trace, false).await;
            lease.map_err(|error| (error, trace))
        });
        for lease in try_join_all(leases).await? {
            if let Lease::Own(http) = lease {
                self.keep(http);
            }
        }
        Ok(())
    }

    fn list(&self, http: &Arc<Http2>) {
        let mut state = lock(&self.state);
        if http.is_to_be_listed() {
            state.roomy.push(http.clone());
        }
    }

    /// Gives streams to waiting calls, as long as there is room.
    fn hand_out(self: &Arc<Self>) {
        loop {
            let (sender, stream) = {
                let mut state = lock(&self.state);
                let Some(sender) = state.next_waiting() else {
                    return;
                };
                let Some(http) = state.take_stream() else {
                    state.followers.push_front(sender);
                    return;
                };
                (sender, self.stream(http))
            };
            // If the call was cancelled meanwhile, the stream is dropped and so given back.
            drop(sender.send(stream));
        }
    }

    fn sweep_later(self: &Arc<Self>) {
        let is_swept = std::mem::replace(&mut lock(&self.state).is_swept, true);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if !is_swept {
            runtime.spawn(sweep(Arc::downgrade(self)));
        }
    }
}

/// Closes connections that were idle for too long or were closed by the server, until none is left.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / 3).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        let mut state = lock(&pool.state);
        let now = now();
        state.idle.retain(|(since, http)| {
            now.saturating_duration_since(*since) < IDLE && !http.is_closed()
        });
        state
            .roomy
            .retain(|http| !http.sender.is_closed() && !http.is_unused(IDLE));
        if state.idle.is_empty() && state.roomy.is_empty() {
            state.is_swept = false;
            return;
        }
    }
}

impl PoolState {
    /// Takes a stream of a connection that has room.
    fn take_stream(&mut self) -> Option<Arc<Http2>> {
        loop {
            let http = self.roomy.last()?.clone();
            let (is_taken, has_room) = if http.sender.is_closed() {
                (false, false)
            } else {
                http.take_stream()
            };
            if !has_room {
                self.roomy.pop();
            }
            if is_taken {
                return Some(http);
            }
        }
    }

    /// How many waiting calls the connections that are being opened can serve.
    fn coming(&self) -> usize {
        self.opening * (USUAL_STREAMS - 1)
    }

    fn next_waiting(&mut self) -> Option<oneshot::Sender<Http2Stream>> {
        let waiting = [&mut self.followers, &mut self.openers];
        waiting.into_iter().find_map(|queue| {
            std::iter::from_fn(|| queue.pop_front()).find(|sender| !sender.is_closed())
        })
    }

    /// An attempt to open a connection ended: calls for which no connection is coming any more ask the pool again.
    fn ends_opening(&mut self) {
        self.opening -= 1;
        let more = self.followers.len().saturating_sub(self.coming());
        self.followers.drain(..more);
        if self.opening == 0 {
            self.openers.clear();
        }
    }
}

/// A connection that is being opened.
struct OpeningConnection {
    pool: Arc<Pool>,
    is_over: bool,
}

impl OpeningConnection {
    async fn open(mut self, trace: &Trace) -> Result<Lease, BoxError> {
        let opened = self.connection(trace).await;
        let is_multiplexed = match &opened {
            Ok(lease) => Some(matches!(lease, Lease::Stream(_))),
            Err(_) => None,
        };
        self.ends(is_multiplexed);
        if let Ok(Lease::Stream(stream)) = &opened {
            self.pool.list(&stream.http);
            self.pool.hand_out();
            self.pool.sweep_later();
        }
        opened
    }

    async fn connection(&self, trace: &Trace) -> Result<Lease, BoxError> {
        let pool = &self.pool;
        let marks = trace.begin_connecting();
        let open = pool.connector.open(&pool.origin, &marks).await?;
        let identity = Identity::new(marks, open.socket);
        if open.is_http2 {
            let http = Http2::over(open.io, identity).await?;
            Ok(Lease::Stream(pool.stream(http)))
        } else {
            let http = Http1::over(open.io, identity).await?;
            Ok(Lease::Own(http))
        }
    }

    /// Ends the attempt and stores whether the origin speaks HTTP/2: `None` if it failed, so that calls that waited
    /// for it open their own.
    fn ends(&mut self, is_multiplexed: Option<bool>) {
        let mut state = lock(&self.pool.state);
        state.is_multiplexed = is_multiplexed;
        if is_multiplexed != Some(true) {
            state.followers.clear();
        }
        self.is_over = true;
        state.ends_opening();
    }
}

impl Drop for OpeningConnection {
    fn drop(&mut self) {
        if !self.is_over {
            lock(&self.pool.state).ends_opening();
        }
    }
}
