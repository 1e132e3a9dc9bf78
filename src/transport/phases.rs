//! When a call's own connection was resolved, opened and secured.
//!
//! In: a [`Trace`] per call. Out: its [`ConnectPhases`], and whether it was cold.
//!
//! reqwest shows no phases, so three [hooks](super::connector) mark them. A connector layer makes [`Marks`] for each
//! connection and shows them to the other two in a thread-local *while its future is polled*, so it
//! does not matter which task polls. The resolver marks DNS. The TLS session store marks the border
//! between TCP and TLS, since rustls asks it for a ticket when it writes the `ClientHello`. The layer's
//! future ends when TLS is done.
//!
//! Which call a connection belongs to: hyper-util calls the connector inside the request's own
//! future, so a task-local names the call. Which connection a call was answered on: hyper-util may give it
//! another one that came free meanwhile (its own is then finished in the background, for the pool),
//! so the response's local socket address decides. If that connection was open before the call
//! began, the call is warm; if the call opened it, cold, with its phases; if another call opened it
//! while this one waited (HTTP/2), cold without phases, for they are not this call's own.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hyper_util::client::legacy::connect::{Connected, HttpInfo};
use tokio::sync::Notify;

use super::{ConnectPhases, PhaseSpan};
use crate::{clock::now, event::Phase};

tokio::task_local! {
    /// The call whose request future is polled.
    static CALL: Arc<Trace>;
}

thread_local! {
    /// The connection whose future is polled on this thread right now.
    static POLLED: RefCell<Option<Arc<Marks>>> = const { RefCell::new(None) };
}

/// Lets a lock outlive a panic elsewhere: marks are plain values, never half written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far one call has come, readable while it goes and after it failed.
#[derive(Debug)]
pub struct Trace {
    began: Instant,
    progress: Mutex<Progress>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Progress {
    connection: Option<Arc<Marks>>,
    /// When the connection last took a piece of the body.
    taken: Option<Instant>,
    sent: Option<Instant>,
    without_http2: bool,
}

impl Trace {
    /// A call that begins now.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            began: now(),
            progress: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Runs a request's future as this call's own.
    pub(super) async fn scope<F: Future>(self: &Arc<Self>, request: F) -> F::Output {
        CALL.scope(self.clone(), request).await
    }

    /// When the call began.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.began
    }

    /// When the last byte of the request body was handed to the connection.
    #[must_use]
    pub fn request_sent(&self) -> Option<Instant> {
        lock(&self.progress).sent
    }

    /// Whether the call failed because HTTP/2, which it needs, was refused: then nothing was sent.
    #[must_use]
    pub fn without_http2(&self) -> bool {
        lock(&self.progress).without_http2
    }

    pub(super) fn mark_without_http2(&self) {
        lock(&self.progress).without_http2 = true;
    }

    /// The phases of the connection that this call opened, as far as they are over.
    #[must_use]
    pub fn phases(&self) -> ConnectPhases {
        self.marks()
            .map_or_else(ConnectPhases::default, |marks| lock(&marks.0).phases())
    }

    /// What a failure now would be a failure of.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.marks() {
            Some(marks) if self.request_sent().is_none() => lock(&marks.0).phase(),
            // Sent, or on a connection (or in line for one) that was not this call's to make.
            _ => Phase::Headers,
        }
    }

    /// The addresses that this call's name resolution gave.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.marks()
            .map_or_else(Vec::new, |marks| lock(&marks.0).addresses.clone())
    }

    /// The name that the last TLS handshake of this call was for: the proxy's, or the host's.
    pub(super) fn tls_name(&self) -> Option<String> {
        self.marks()
            .and_then(|marks| lock(&marks.0).tls_name.clone())
    }

    /// When this call's own connecting began and, if it has, ended.
    pub(super) fn connecting_span(&self) -> Option<(Instant, Option<Instant>)> {
        self.marks().map(|marks| {
            let times = lock(&marks.0);
            (times.begin, times.end)
        })
    }

    /// When the connection last took a piece of the request body, if it did.
    pub(super) fn taken(&self) -> Option<Instant> {
        lock(&self.progress).taken
    }

    /// Marks that the connection took a piece of the request body, maybe the last one.
    pub(super) fn mark_taken(&self, is_last: bool) {
        let mut progress = lock(&self.progress);
        let at = now();
        progress.taken = Some(at);
        if is_last {
            progress.sent.get_or_insert(at);
        }
        self.changed.notify_one();
    }

    /// Waits until the call has come further. For one waiter.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn marks(&self) -> Option<Arc<Marks>> {
        lock(&self.progress).connection.clone()
    }

    fn connecting(&self, marks: Arc<Marks>) {
        lock(&self.progress).connection = Some(marks);
        self.changed.notify_one();
    }
}

/// The instants of one connection's making.
pub(super) struct Marks(Mutex<Times>);

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Marks")
    }
}

struct Times {
    begin: Instant,
    dns_begin: Option<Instant>,
    dns_end: Option<Instant>,
    addresses: Vec<IpAddr>,
    tls_begin: Option<Instant>,
    tls_name: Option<String>,
    end: Option<Instant>,
}

impl Times {
    fn phases(&self) -> ConnectPhases {
        let span = |begin: Option<Instant>, end: Option<Instant>| {
            begin.zip(end).map(|(begin, end)| PhaseSpan { begin, end })
        };
        ConnectPhases {
            cold: true,
            dns: span(self.dns_begin, self.dns_end),
            tcp: span(
                self.dns_end.or(Some(self.begin)),
                self.tls_begin.or(self.end),
            ),
            tls: span(self.tls_begin, self.end),
        }
    }

    fn phase(&self) -> Phase {
        if self.end.is_some() {
            Phase::Headers
        } else if self.tls_begin.is_some() {
            Phase::Tls
        } else if self.dns_begin.is_some() && self.dns_end.is_none() {
            Phase::Dns
        } else {
            Phase::Connect
        }
    }
}

impl Marks {
    /// The marks of a connection that begins now, for the call whose request asked for it.
    pub(super) fn begin() -> Arc<Self> {
        let marks = Arc::new(Self(Mutex::new(Times {
            begin: now(),
            dns_begin: None,
            dns_end: None,
            addresses: Vec::new(),
            tls_begin: None,
            tls_name: None,
            end: None,
        })));
        // A connector is only called inside a call; a connection of no call is marked for the pool.
        let _ = CALL.try_with(|trace| trace.connecting(marks.clone()));
        marks
    }

    /// The marks of the connection that is polled on this thread, if one is.
    pub(super) fn polled() -> Option<Arc<Self>> {
        POLLED.with_borrow(Clone::clone)
    }

    /// Does `poll` with these marks shown to the other hooks.
    pub(super) fn polling<T>(self: &Arc<Self>, poll: impl FnOnce() -> T) -> T {
        let outer = POLLED.replace(Some(self.clone()));
        let result = poll();
        POLLED.set(outer);
        result
    }

    pub(super) fn dns_begins(&self) {
        let mut times = lock(&self.0);
        times.dns_begin.get_or_insert_with(now);
        times.dns_end = None;
    }

    pub(super) fn dns_ends(&self, addresses: impl Iterator<Item = IpAddr>) {
        let mut times = lock(&self.0);
        times.dns_end = Some(now());
        times.addresses = addresses.collect();
    }

    /// TLS with this name begins. The store is asked several times in one handshake, and a TLS proxy
    /// shakes hands before the host does: the first question for the last name counts.
    pub(super) fn tls_begins(&self, name: &str) {
        let mut times = lock(&self.0);
        if times.tls_name.as_deref() != Some(name) {
            times.tls_begin = Some(now());
            times.tls_name = Some(name.to_owned());
        }
    }

    /// Whether a TLS handshake was begun.
    pub(super) fn has_tls(&self) -> bool {
        lock(&self.0).tls_begin.is_some()
    }

    /// The connection is there.
    pub(super) fn ends(&self) {
        lock(&self.0).end = Some(now());
        // The limit for connecting ends here.
        let _ = CALL.try_with(|trace| trace.changed.notify_one());
    }
}

/// The connections that calls of one client opened lately, by their local address.
#[derive(Clone, Debug, Default)]
pub(super) struct Opened(Arc<Mutex<HashMap<SocketAddr, Arc<Marks>>>>);

/// Past this number, connections older than [`FORGET_AFTER`] are forgotten: a connection that is not
/// listed counts as open before any call that still runs.
const REMEMBERED: usize = 4096;
const FORGET_AFTER: Duration = Duration::from_hours(1);

impl Opened {
    pub(super) fn insert(&self, connected: &Connected, marks: &Arc<Marks>) {
        let mut extras = http::Extensions::new();
        connected.get_extras(&mut extras);
        let Some(local) = extras.get::<HttpInfo>().map(HttpInfo::local_addr) else {
            return;
        };
        let mut known = lock(&self.0);
        if known.len() >= REMEMBERED {
            let now = now();
            known.retain(|_, marks| {
                let end = lock(&marks.0).end;
                end.is_some_and(|end| now.duration_since(end) < FORGET_AFTER)
            });
        }
        known.insert(local, marks.clone());
    }

    /// The phases of the call that was answered on the connection that `response` names.
    pub(super) fn phases(&self, trace: &Trace, response: &http::Extensions) -> ConnectPhases {
        let warm = ConnectPhases::default();
        let own = trace.marks();
        let Some(info) = response.get::<HttpInfo>() else {
            return own.map_or(warm, |marks| lock(&marks.0).phases());
        };
        let Some(used) = lock(&self.0).get(&info.local_addr()).cloned() else {
            return warm;
        };
        if own.is_some_and(|own| Arc::ptr_eq(&own, &used)) {
            return lock(&used.0).phases();
        }
        let opened = lock(&used.0).end;
        ConnectPhases {
            cold: opened.is_some_and(|at| at > trace.began),
            ..warm
        }
    }
}
