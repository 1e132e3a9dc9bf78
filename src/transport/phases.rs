//! The phases of a call's own connection: DNS, TCP, TLS.
//!
//! In: a [`Trace`] per call, and the [`Marks`] of each connection, in which the connector stamps its steps. Out: the
//! call's [`ConnectPhases`], and whether it was cold.
//!
//! A call is warm if its connection was open before it began. It is cold, with phases, if it opened the connection
//! itself; cold without phases if another call opened it while this one waited (HTTP/2).

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

use super::{
    CallConnection, ConnectPhases, ConnectionUse, PhaseSpan, TcpLink,
    certificate::ServerCertificate,
    opened::{AddressTries, AddressTry, TlsSession},
    socket::Socket,
};
use crate::{clock::now, event::Phase};

/// Locks a mutex even if it is poisoned: what is locked here is never half written.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The progress of one call, readable while it is live and after it failed.
#[derive(Debug)]
pub struct Trace {
    began: Instant,
    progress: Mutex<CallProgress>,
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct CallProgress {
    /// The connection that this call opens or opened.
    connection: Option<Arc<Marks>>,
    /// The connection that it was sent over.
    over: Option<(ConnectionUse, TcpLink)>,
    /// When the connection last took a part of the request body.
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
            changed: Arc::default(),
        })
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

    /// Whether the call failed because HTTP/2, which it needs, was refused; nothing was sent then.
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
            .map_or_else(ConnectPhases::default, |marks| marks.phases())
    }

    /// The phases of a call that was answered on the connection with these marks.
    pub(super) fn phases_on(&self, used: &Arc<Marks>) -> ConnectPhases {
        let is_own = self.marks().is_some_and(|own| Arc::ptr_eq(&own, used));
        if is_own {
            return used.phases();
        }
        let opened = lock(&used.times).end;
        ConnectPhases {
            cold: opened.is_some_and(|at| at > self.began),
            ..ConnectPhases::default()
        }
    }

    /// The phase in which a failure would be now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.marks() {
            Some(marks) if self.request_sent().is_none() => lock(&marks.times).phase(),
            // The request is sent, or the call uses or waits for a connection that another call opens.
            _ => Phase::Headers,
        }
    }

    /// The addresses that this call's name resolution gave.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.marks()
            .map_or_else(Vec::new, |marks| lock(&marks.times).addresses.clone())
    }

    /// Whether this call's own connection reached its first hop.
    pub(crate) fn has_tcp(&self) -> bool {
        self.marks()
            .is_some_and(|marks| lock(&marks.times).socket.is_some())
    }

    /// The tries of this call's own connection.
    pub(super) fn tries(&self) -> Vec<AddressTry> {
        (self.marks()).map_or_else(Vec::new, |marks| marks.tries.all())
    }

    /// What is known of the connection that the call was sent over, or that it was opening when it failed.
    #[must_use]
    pub fn connection(&self) -> CallConnection {
        let (used, tcp) = lock(&self.progress).over.clone().unzip();
        let opening = || {
            let socket = lock(&self.marks()?.times).socket.clone()?;
            Some(TcpLink::new(socket, None))
        };
        CallConnection {
            used,
            tcp: tcp.or_else(opening),
            tries: self.tries(),
        }
    }

    /// Records over which connection the call is sent.
    pub(super) fn goes_over(&self, used: ConnectionUse, tcp: TcpLink) {
        lock(&self.progress).over = Some((used, tcp));
    }

    /// The name that the last TLS handshake of this call was for: the proxy's, or the host's.
    pub(super) fn tls_name(&self) -> Option<String> {
        self.marks()
            .and_then(|marks| lock(&marks.times).tls_name.clone())
    }

    /// The certificate that the host showed on this call's own connection.
    #[must_use]
    pub fn certificate(&self) -> Option<ServerCertificate> {
        self.marks()
            .and_then(|marks| lock(&marks.times).certificate.clone())
    }

    /// Whether this call's own connection is there.
    pub(crate) fn is_connected(&self) -> bool {
        self.connecting_span().is_some_and(|(_, end)| end.is_some())
    }

    /// When this call's own connecting began and, if it has, ended.
    pub(crate) fn connecting_span(&self) -> Option<(Instant, Option<Instant>)> {
        self.marks().map(|marks| {
            let times = lock(&marks.times);
            (times.begin, times.end)
        })
    }

    /// When the connection last took a piece of the request body, if it did.
    pub(crate) fn taken(&self) -> Option<Instant> {
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

    /// Waits until the call makes progress. For one waiter.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Records that this call begins to open a connection.
    pub(super) fn begin_connecting(&self) -> Arc<Marks> {
        let marks = Arc::new(Marks {
            times: Mutex::new(ConnectTimes::begin()),
            tries: AddressTries::default(),
            changed: self.changed.clone(),
        });
        self.set_connection(Some(marks.clone()));
        marks
    }

    /// Records that this call uses a connection that it did not open.
    pub(super) fn mark_shared(&self) {
        self.set_connection(None);
    }

    fn set_connection(&self, connection: Option<Arc<Marks>>) {
        lock(&self.progress).connection = connection;
        self.changed.notify_one();
    }

    fn marks(&self) -> Option<Arc<Marks>> {
        lock(&self.progress).connection.clone()
    }
}

/// The stamps of opening one connection.
#[derive(Debug)]
pub(super) struct Marks {
    times: Mutex<ConnectTimes>,
    tries: AddressTries,
    /// Wakes the exchange that watches the time limits.
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct ConnectTimes {
    begin: Instant,
    dns_begin: Option<Instant>,
    dns_end: Option<Instant>,
    addresses: Vec<IpAddr>,
    /// The connection to the first hop, once there is one.
    socket: Option<Socket>,
    tls_begin: Option<Instant>,
    tls_name: Option<String>,
    certificate: Option<ServerCertificate>,
    session: Option<TlsSession>,
    end: Option<Instant>,
}

impl ConnectTimes {
    fn begin() -> Self {
        Self {
            begin: now(),
            dns_begin: None,
            dns_end: None,
            addresses: Vec::new(),
            socket: None,
            tls_begin: None,
            tls_name: None,
            certificate: None,
            session: None,
            end: None,
        }
    }

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
    fn phases(&self) -> ConnectPhases {
        lock(&self.times).phases()
    }

    pub(super) fn dns_begins(&self) {
        let mut times = lock(&self.times);
        times.dns_begin.get_or_insert_with(now);
        times.dns_end = None;
    }

    pub(super) fn dns_ends(&self, addresses: impl Iterator<Item = IpAddr>) {
        let mut times = lock(&self.times);
        times.dns_end = Some(now());
        times.addresses = addresses.collect();
    }

    /// The first hop accepted the TCP connection.
    pub(super) fn tcp_ends(&self, socket: Socket) {
        lock(&self.times).socket = Some(socket);
    }

    /// Where the tries of the connection are recorded.
    pub(super) fn tries(&self) -> &AddressTries {
        &self.tries
    }

    /// The session of the handshake with the host, once it is over.
    pub(super) fn session(&self) -> Option<TlsSession> {
        lock(&self.times).session
    }

    /// The TLS handshake with this name begins. With a TLS proxy there are two handshakes: the last name counts.
    pub(super) fn tls_begins(&self, name: &str) {
        let mut times = lock(&self.times);
        times.tls_begin = Some(now());
        times.tls_name = Some(name.to_owned());
    }

    /// The handshake with the host is over: it showed this certificate, and agreed on this session.
    pub(super) fn shows(
        &self,
        certificate: Option<ServerCertificate>,
        session: Option<TlsSession>,
    ) {
        let mut times = lock(&self.times);
        (times.certificate, times.session) = (certificate, session);
    }

    /// The connection is open; returns when.
    pub(super) fn ends(&self) -> Instant {
        let at = now();
        lock(&self.times).end = Some(at);
        // The connect limit ends here.
        self.changed.notify_one();
        at
    }
}
