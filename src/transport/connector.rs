//! Opens connections: DNS, TCP, proxy, TLS; each step is stamped.
//!
//! In: an [`ServerOrigin`], and the [`Marks`] to write to. Out: an [`OpenConnection`] connection that is ready for HTTP.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderValue, Uri, header};
use hyper_util::{
    client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Url;

use super::{
    certificate::ServerCertificate,
    opened::TlsSession,
    phases::Marks,
    proxy::{Proxy, Via},
    race,
    socket::Socket,
};
use crate::transport::HttpVersion;

/// What this program calls itself to servers and proxies.
pub(super) const USER_AGENT: &str = concat!("tokenscope/", env!("CARGO_PKG_VERSION"));

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The origin that a connection leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ServerOrigin {
    tls: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
}

impl ServerOrigin {
    pub(super) fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        Self {
            tls: url.scheme() == "https",
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
        }
    }

    fn uri(&self) -> Result<Uri, http::Error> {
        let brackets = if self.host.contains(':') {
            ["[", "]"]
        } else {
            [""; 2]
        };
        let authority = format!("{}{}{}:{}", brackets[0], self.host, brackets[1], self.port);
        uri(authority)
    }
}

/// A URI that names a place to connect to.
fn uri(authority: String) -> Result<Uri, http::Error> {
    Uri::builder()
        .scheme("http")
        .authority(authority)
        .path_and_query("/")
        .build()
}

/// A stream of bytes, with or without TLS.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}
type BoxStream = Box<dyn ByteStream>;

/// What HTTP runs over.
pub(super) type Io = TokioIo<BoxStream>;

/// An opened connection.
pub(super) struct OpenConnection {
    pub(super) io: Io,
    pub(super) is_http2: bool,
    pub(super) socket: Socket,
}

/// How to connect.
pub(super) struct Connector {
    pub(super) via: Via,
    /// `None` if nothing is reached by TLS.
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) version: HttpVersion,
}

impl Connector {
    /// Whether all calls to `origin` go over HTTP/2, as far as that is known before there is a connection.
    pub(super) fn is_multiplexed(&self, origin: &ServerOrigin) -> Option<bool> {
        match self.version {
            HttpVersion::Http2 => Some(true),
            HttpVersion::Auto if origin.tls => None,
            HttpVersion::Auto | HttpVersion::Http1 => Some(false),
        }
    }

    /// The forwarding proxy, which is sent the whole URL and makes the request itself.
    pub(super) fn forwarder(&self, url: &Url) -> Option<&Proxy> {
        let forwards = |proxy: &&Proxy| url.scheme() == "http" && !proxy.is_socks();
        self.via.proxy().filter(forwards)
    }

    /// Opens a connection.
    pub(super) async fn open(
        &self,
        origin: &ServerOrigin,
        marks: &Arc<Marks>,
    ) -> Result<OpenConnection, BoxError> {
        let dial = Dial(Arc::new(DialState {
            marks: marks.clone(),
            proxy_tls: self.proxy_tls(),
            socket: OnceLock::new(),
        }));
        let stream = match &self.via {
            Via::Direct => dial.tcp(&origin.host, origin.port).await?,
            Via::Proxy(proxy) if proxy.is_socks() => socks(proxy, origin, &dial).await?,
            Via::Proxy(proxy) if origin.tls => tunnel(proxy, origin, &dial).await?,
            Via::Proxy(proxy) => dial.hop(&proxy.uri()).await?,
        };
        let (stream, is_http2) = match &self.tls {
            Some(tls) if origin.tls => self.secured(tls, origin, stream, marks).await?,
            // Without TLS nothing is negotiated: HTTP/2 is used only if the endpoint is set to it.
            _ => (stream, self.version == HttpVersion::Http2),
        };
        marks.ends();
        let socket = dial.0.socket.get().cloned();
        Ok(OpenConnection {
            io: TokioIo::new(stream),
            is_http2,
            socket: socket
                .ok_or(io::ErrorKind::NotConnected)
                .map_err(io::Error::from)?,
        })
    }

    /// The TLS configuration for the proxy, which speaks HTTP/1.1 whatever the host speaks.
    fn proxy_tls(&self) -> Option<Arc<ClientConfig>> {
        match (&self.via, &self.tls) {
            (Via::Proxy(proxy), Some(tls)) if proxy.is_tls() => {
                let mut config = ClientConfig::clone(tls);
                config.alpn_protocols.clear();
                Some(Arc::new(config))
            }
            _ => None,
        }
    }

    async fn secured(
        &self,
        tls: &Arc<ClientConfig>,
        origin: &ServerOrigin,
        stream: BoxStream,
        marks: &Marks,
    ) -> io::Result<(BoxStream, bool)> {
        let TlsStream {
            stream,
            protocol,
            certificate,
            session,
        } = handshake(tls, &origin.host, stream, marks).await?;
        marks.shows(certificate, session);
        let is_http2 = protocol.as_deref() == Some(b"h2");
        if self.version == HttpVersion::Http2 && !is_http2 {
            return Err(io::Error::other(NoHttp2));
        }
        Ok((stream, is_http2))
    }
}

/// A stream after its handshake.
struct TlsStream {
    stream: BoxStream,
    /// The protocol that ALPN negotiated.
    protocol: Option<Vec<u8>>,
    certificate: Option<ServerCertificate>,
    session: Option<TlsSession>,
}

/// Does the TLS handshake with `host`.
async fn handshake(
    tls: &Arc<ClientConfig>,
    host: &str,
    stream: BoxStream,
    marks: &Marks,
) -> io::Result<TlsStream> {
    marks.tls_begins(host);
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(tls.clone())
        .connect(name, stream)
        .await?;
    let connection = stream.get_ref().1;
    let protocol = connection.alpn_protocol().map(<[u8]>::to_vec);
    let certificate = ServerCertificate::first(connection.peer_certificates());
    let session = TlsSession::of(connection);
    Ok(TlsStream {
        stream: Box::new(stream),
        protocol,
        certificate,
        session,
    })
}

async fn socks(proxy: &Proxy, origin: &ServerOrigin, dial: &Dial) -> Result<BoxStream, BoxError> {
    let target = if proxy.resolves_here() {
        let found = dial.addresses(&origin.host, origin.port).await?;
        found
            .first()
            .map_or_else(|| origin.uri(), |address| uri(address.to_string()))
    } else {
        origin.uri()
    };
    if proxy.is_socks4() {
        let mut socks = SocksV4::new(proxy.uri(), dial.clone());
        return Ok(socks.call(target?).await?.into_inner());
    }
    let mut socks = SocksV5::new(proxy.uri(), dial.clone());
    if let Some((user, password)) = proxy.user() {
        socks = socks.with_auth(user.to_owned(), password.to_owned());
    }
    Ok(socks.call(target?).await?.into_inner())
}

async fn tunnel(proxy: &Proxy, origin: &ServerOrigin, dial: &Dial) -> Result<BoxStream, BoxError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let mut tunnel = Tunnel::new(proxy.uri(), dial.clone()).with_headers(headers);
    if let Some(authorization) = proxy.authorization() {
        tunnel = tunnel.with_auth(authorization.clone());
    }
    Ok(tunnel.call(origin.uri()?).await?.into_inner())
}

/// Connects to the first hop: the host, or a proxy before it.
#[derive(Clone)]
pub(super) struct Dial(Arc<DialState>);

struct DialState {
    marks: Arc<Marks>,
    proxy_tls: Option<Arc<ClientConfig>>,
    /// The connection, once it is open.
    socket: OnceLock<Socket>,
}

impl Dial {
    /// Connects to a proxy.
    async fn hop(&self, uri: &Uri) -> io::Result<BoxStream> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let stream = self.tcp(host, uri.port_u16().unwrap_or_default()).await?;
        match &self.0.proxy_tls {
            None => Ok(stream),
            Some(tls) => Ok(handshake(tls, host, stream, &self.0.marks).await?.stream),
        }
    }

    async fn tcp(&self, host: &str, port: u16) -> io::Result<BoxStream> {
        let addresses = self.addresses(host, port).await?;
        let marks = &self.0.marks;
        let tcp = race::connect(addresses, marks.tries()).await?;
        let (socket, socket_stream) = Socket::new(tcp);
        marks.tcp_ends(socket.clone());
        let _ = self.0.socket.set(socket);
        Ok(Box::new(socket_stream))
    }

    /// The addresses of a host, asking the system's resolver for those of a name.
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let marks = &self.0.marks;
        marks.dns_begins();
        let found = tokio::net::lookup_host((host, port)).await;
        let found: Vec<_> = found.map_err(|source| no_address(host, source))?.collect();
        marks.dns_ends(found.iter().map(SocketAddr::ip));
        Ok(found)
    }
}

impl Service<Uri> for Dial {
    type Response = Io;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Io>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dial = self.clone();
        Box::pin(async move { dial.hop(&uri).await.map(TokioIo::new) })
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
    pub(super) source: io::Error,
}

fn no_address(name: &str, source: io::Error) -> io::Error {
    io::Error::other(NoAddress {
        name: name.to_owned(),
        source,
    })
}
