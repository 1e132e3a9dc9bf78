//! The hooks that mark the phases of connecting: around reqwest's connector, in name resolution, and in
//! the TLS session store. See [`phases`](super::phases) for how they find their marks.

use std::{
    error::Error,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper_util::client::legacy::connect::Connection;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{
    NamedGroup,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue,
        Tls13ClientSessionValue,
    },
    pki_types::ServerName,
};
use tower::{Layer, Service};

use super::phases::{Marks, Opened};

/// The connector layer: makes marks for each connection.
#[derive(Clone, Debug)]
pub(super) struct MarkConnects {
    pub(super) opened: Opened,
    /// Whether a server that refuses HTTP/2 gets no request.
    pub(super) http2_only: bool,
}

impl<S> Layer<S> for MarkConnects {
    type Service = MarkedConnector<S>;

    fn layer(&self, inner: S) -> MarkedConnector<S> {
        MarkedConnector {
            inner,
            hooks: self.clone(),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct MarkedConnector<S> {
    inner: S,
    hooks: MarkConnects,
}

impl<S, To> Service<To> for MarkedConnector<S>
where
    S: Service<To, Error = Box<dyn Error + Send + Sync>>,
    S::Future: Unpin,
    S::Response: Connection,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = MarkedConnect<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, to: To) -> Self::Future {
        MarkedConnect {
            inner: self.inner.call(to),
            marks: Marks::begin(),
            hooks: self.hooks.clone(),
        }
    }
}

pub(super) struct MarkedConnect<F> {
    inner: F,
    marks: Arc<Marks>,
    hooks: MarkConnects,
}

impl<F, C> Future for MarkedConnect<F>
where
    F: Future<Output = Result<C, Box<dyn Error + Send + Sync>>> + Unpin,
    C: Connection,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let marks = self.marks.clone();
        let result = ready!(marks.polling(|| Pin::new(&mut self.inner).poll(cx)));
        if let Ok(connection) = &result {
            let connected = connection.connected();
            // Without TLS nothing is negotiated: HTTP/2 is what the URL's owner says it speaks.
            if self.hooks.http2_only && marks.has_tls() && !connected.is_negotiated_h2() {
                return Poll::Ready(Err(Box::new(NoHttp2)));
            }
            marks.ends();
            self.hooks.opened.insert(&connected, &marks);
        }
        Poll::Ready(result)
    }
}

/// A server, or a proxy before it, that does not speak HTTP/2.
#[derive(Debug, thiserror::Error)]
#[error("HTTP/2 was not agreed on")]
pub(super) struct NoHttp2;

/// A name that has no address.
#[derive(Debug, thiserror::Error)]
#[error("no address found for {name}")]
pub(super) struct NoAddress {
    pub(super) name: String,
    pub(super) source: std::io::Error,
}

/// The system's resolver, marking when it was asked and when it answered.
#[derive(Debug)]
pub(super) struct MarkingResolver;

impl Resolve for MarkingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let marks = Marks::polled();
        Box::pin(async move {
            if let Some(marks) = &marks {
                marks.dns_begins();
            }
            // Port 0 stands for the port of the URL.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let addresses: Vec<SocketAddr> =
                found.map_err(|source| no_address(&name, source))?.collect();
            if let Some(marks) = &marks {
                marks.dns_ends(addresses.iter().map(SocketAddr::ip));
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn no_address(name: &Name, source: std::io::Error) -> Box<dyn Error + Send + Sync> {
    Box::new(NoAddress {
        name: name.as_str().to_owned(),
        source,
    })
}

/// TLS sessions in memory, marking when a handshake asks for one: that is when TCP (and a proxy's
/// own exchange) is over.
#[derive(Debug)]
pub(super) struct MarkingSessions(ClientSessionMemoryCache);

impl MarkingSessions {
    pub(super) fn new() -> Self {
        Self(ClientSessionMemoryCache::new(256))
    }

    fn mark(server: &ServerName<'_>) {
        if let Some(marks) = Marks::polled() {
            marks.tls_begins(&server.to_str());
        }
    }
}

impl ClientSessionStore for MarkingSessions {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        Self::mark(server);
        self.0.kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(server, value);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        Self::mark(server);
        self.0.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.0.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(server, value);
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        Self::mark(server);
        self.0.take_tls13_ticket(server)
    }
}
