//! Where a run goes: to the script's own server, or to a place that can't be reached, or not trusted.

use std::{any::Any, net::SocketAddr};

use rcgen::{CertificateParams, KeyPair};
use tokenscope::{
    endpoint::Endpoint,
    transport::{HttpVersion, Timeouts},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{
    script::{Over, Script},
    voice::Voice,
};
use crate::{
    fault_server::{Authority, Server, closed_port, gone, serve_tls, tls},
    toy,
};

/// Where a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The script's server, by its address.
    Here,
    /// The script's server, by https, though it speaks no TLS.
    Https,
    /// A port on which nobody listens.
    Refusing,
    /// A name that does not exist.
    Nameless,
    /// A port that answers no SYN: its queue is full.
    Unanswering,
    /// A server with this certificate. It fails the test if it is sent anything.
    Certificate(Certificate),
    /// A target behind a proxy, which is the script's server: the proxy's scheme, and the target's.
    Proxy(&'static str, &'static str),
    /// A target behind a proxy on a port on which nobody listens.
    RefusingProxy(&'static str, &'static str),
    /// A target behind a proxy whose name does not exist.
    NamelessProxy,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    Expired,
    OfAnotherHost,
    OfUnknownAuthority,
    SelfSigned,
}

/// The password of proxies: nobody may be shown it.
pub const PROXY_PASSWORD: &str = "hunter2-of-the-proxy";

/// A place that was put up; it is there until this is dropped.
pub struct Put {
    pub endpoint: Endpoint,
    /// The script's server, where the run comes to it.
    pub server: Option<Server>,
    _guards: Vec<Box<dyn Any + Send>>,
}

impl Place {
    /// Puts it up.
    pub async fn put_up(self, script: Script, limits: Timeouts) -> Put {
        let (voice, over) = (script.voice, script.over);
        let mut guards: Vec<Box<dyn Any + Send>> = Vec::new();
        let mut server = None;
        let mut proxy = None;
        let mut ca_file = None;
        let url = match self {
            Self::Here | Self::Https => {
                let here = server.insert(script.serve().await);
                if self == Self::Https {
                    here.named_url("https")
                } else {
                    here.url()
                }
            }
            Self::Refusing => format!("http://{}/", closed_port().await),
            Self::Nameless => "http://no-such-host.invalid/".to_owned(),
            Self::Unanswering => {
                let (address, full) = unanswering().await;
                guards.push(Box::new(full));
                format!("http://{address}/")
            }
            Self::Certificate(certificate) => {
                let (acceptor, authority) = certificate.acceptor();
                ca_file = authority.as_ref().map(Authority::file);
                let secure = serve_tls(acceptor, |stream, _| async move {
                    if let Ok(mut stream) = stream {
                        assert!(gone(&mut stream).await.is_empty(), "something was sent");
                    }
                });
                let url = secure.await.named_url("https");
                guards.push(Box::new(authority));
                url
            }
            Self::Proxy(scheme, target) => {
                let here = server.insert(script.serve().await);
                proxy = Some(format!("{scheme}://me:{PROXY_PASSWORD}@{}", here.addr));
                format!("{target}://api.example/")
            }
            Self::RefusingProxy(scheme, target) => {
                let address = closed_port().await;
                proxy = Some(format!("{scheme}://me:{PROXY_PASSWORD}@{address}"));
                format!("{target}://api.example/")
            }
            Self::NamelessProxy => {
                proxy = Some(format!(
                    "http://me:{PROXY_PASSWORD}@no-such-proxy.invalid:3128"
                ));
                "https://api.example/".to_owned()
            }
        };
        let mut endpoint = endpoint(voice, &url);
        endpoint.connect.timeouts = limits;
        endpoint.connect.ca_file = ca_file;
        endpoint.connect.proxy = proxy;
        if matches!(over, Over::Http2 | Over::Frames) {
            endpoint.connect.http = HttpVersion::Http2;
        }
        Put {
            endpoint,
            server,
            _guards: guards,
        }
    }
}

/// The endpoint of a dialect at a server.
pub fn endpoint(voice: Voice, server: &str) -> Endpoint {
    let path = if voice.is_grpc() {
        "v1/projects/p/locations/l"
    } else {
        "v1"
    };
    Endpoint {
        dialect: voice.dialect.id,
        ..toy::endpoint(&format!("{server}{path}"))
    }
}

impl Certificate {
    /// TLS with such a certificate, and the authority that the client trusts.
    fn acceptor(self) -> (TlsAcceptor, Option<Authority>) {
        let alpn: &[&[u8]] = &[b"h2", b"http/1.1"];
        let authority = Authority::new();
        match self {
            Self::Expired => {
                let acceptor = authority.acceptor_until(2020, &["localhost"], alpn);
                (acceptor, Some(authority))
            }
            Self::OfAnotherHost => {
                let acceptor = authority.acceptor(&["other.example"], alpn);
                (acceptor, Some(authority))
            }
            Self::OfUnknownAuthority => (authority.acceptor(&["localhost"], alpn), None),
            Self::SelfSigned => {
                let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
                let key = KeyPair::generate().unwrap();
                let certificate = params.self_signed(&key).unwrap();
                (tls(certificate.der().clone(), &key, alpn), None)
            }
        }
    }
}

/// A port whose queue is full, so that the system answers no SYN, and what fills the queue.
async fn unanswering() -> (SocketAddr, (std::net::TcpListener, Vec<TcpStream>)) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let listener = std::net::TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let mut filling = Vec::new();
    loop {
        let connecting = TcpStream::connect(address);
        match tokio::time::timeout(std::time::Duration::from_millis(100), connecting).await {
            Ok(connection) => filling.push(connection.unwrap()),
            Err(_) => return (address, (listener, filling)),
        }
    }
}
