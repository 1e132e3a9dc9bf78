//! Servers that misbehave on purpose, on loopback and a free port, and the proxies in front of them.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A server that runs until its test ends.
pub struct Server {
    pub addr: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// The same server by name, so that DNS takes part.
    pub fn named_url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}/", self.addr.port())
    }

    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Gives each connection, with its number from 0, to `handle`.
pub async fn serve<F, Fut>(handle: F) -> Server
where
    F: Fn(TcpStream, usize) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let number = count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(handle(stream, number));
        }
    });
    Server { addr, accepted }
}

/// A port of this machine on which nobody listens.
pub async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Reads one request: its head as text, its body as bytes. `None` at the end of the connection.
pub async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(String, Vec<u8>)> {
    let head = read_head(stream).await?;
    let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

/// Reads up to and with the empty line.
pub async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

/// The value of a header, by its name in lower case.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub async fn send<S: AsyncWrite + Unpin>(stream: &mut S, text: impl AsRef<[u8]>) {
    stream.write_all(text.as_ref()).await.unwrap();
    stream.flush().await.unwrap();
}

/// A head of a chunked 200 text answer.
pub const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";

/// One HTTP chunk.
pub fn chunk(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let size = format!("{:x}\r\n", bytes.len());
    [size.as_bytes(), bytes, b"\r\n"].concat()
}

/// A whole answer of this status, extra head lines and body.
pub fn whole(status: &str, head: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{head}\r\n{body}")
}

/// Resets the connection: the other side sees RST, not FIN.
pub fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}

/// Waits until the other side has closed or reset the connection; gives what came before.
pub async fn gone<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut rest).await;
    rest
}

/// A certificate authority of the test's own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// Its PEM file.
    pub fn file(&self) -> String {
        self.folder.path().join("ca.pem").to_str().unwrap().into()
    }

    /// TLS with a certificate for these names.
    pub fn acceptor(&self, names: &[&str], alpn: &[&[u8]]) -> TlsAcceptor {
        self.acceptor_until(2100, names, alpn)
    }

    /// The same, with a certificate that ends with this year's begin.
    pub fn acceptor_until(&self, year: i32, names: &[&str], alpn: &[&[u8]]) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        tls(certificate.der().clone(), &key, alpn)
    }
}

/// TLS with this certificate.
pub fn tls(certificate: CertificateDer<'static>, key: &KeyPair, alpn: &[&[u8]]) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|word| word.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Serves over TLS; failed handshakes are given to `handle` as errors.
pub async fn serve_tls<F, Fut>(acceptor: TlsAcceptor, handle: F) -> Server
where
    F: Fn(io::Result<TlsStream<TcpStream>>, usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    serve(move |stream, number| {
        let (acceptor, handle) = (acceptor.clone(), handle.clone());
        async move { handle(acceptor.accept(stream).await, number).await }
    })
    .await
}

/// Answers every request of a connection with a small streamed answer, until the client leaves.
pub async fn answer_all<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    while read_request(&mut stream).await.is_some() {
        let body = [chunk("one\n"), chunk("two\n"), chunk("END\n"), chunk("")].concat();
        send(&mut stream, [STREAM_HEAD.as_bytes(), &body].concat()).await;
    }
}

/// An HTTP proxy that forwards plain requests and tunnels CONNECT, for whoever sends this basic
/// credential (`user:password`).
pub async fn http_proxy(credential: &'static str) -> Server {
    serve(move |mut client, _| async move {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(credential);
        let head = read_head(&mut client).await.unwrap();
        if header(&head, "proxy-authorization") != Some(&format!("Basic {encoded}")) {
            let refusal = whole("407 Proxy Authentication Required", "", "");
            send(&mut client, refusal).await;
            gone(&mut client).await;
            return;
        }
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        if method == "CONNECT" {
            let mut server = TcpStream::connect(target).await.unwrap();
            send(&mut client, "HTTP/1.1 200 Connection established\r\n\r\n").await;
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            return;
        }
        let url = url::Url::parse(target).unwrap();
        let addr = (url.host_str().unwrap(), url.port().unwrap());
        let mut server = TcpStream::connect(addr).await.unwrap();
        send(&mut server, head.replacen(target, url.path(), 1)).await;
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    })
    .await
}

/// A SOCKS5 proxy (RFC 1928, RFC 1929) for whoever sends this user and password. Gives the address
/// types that were asked for to `asked`.
pub async fn socks_proxy(
    user: &'static str,
    password: &'static str,
    asked: tokio::sync::mpsc::UnboundedSender<u8>,
) -> Server {
    serve(move |mut client, _| {
        let asked = asked.clone();
        async move {
            let mut greeting = [0; 2];
            client.read_exact(&mut greeting).await.unwrap();
            let mut methods = vec![0; greeting[1].into()];
            client.read_exact(&mut methods).await.unwrap();
            send(&mut client, [5, 2]).await;
            let mut version = [0; 1];
            if client.read_exact(&mut version).await.is_err() {
                return;
            }
            let got = (field(&mut client).await, field(&mut client).await);
            let welcome = got == (user.as_bytes().to_vec(), password.as_bytes().to_vec());
            send(&mut client, [1, u8::from(!welcome)]).await;
            if !welcome {
                return;
            }
            let mut request = [0; 4];
            client.read_exact(&mut request).await.unwrap();
            asked.send(request[3]).unwrap();
            let host = match request[3] {
                1 => {
                    let mut ip = [0; 4];
                    client.read_exact(&mut ip).await.unwrap();
                    std::net::Ipv4Addr::from(ip).to_string()
                }
                4 => {
                    let mut ip = [0; 16];
                    client.read_exact(&mut ip).await.unwrap();
                    std::net::Ipv6Addr::from(ip).to_string()
                }
                _ => String::from_utf8(field(&mut client).await).unwrap(),
            };
            let port = client.read_u16().await.unwrap();
            // The servers here listen on IPv4 only, whatever “localhost” was resolved to.
            let host = if host == "::1" {
                "127.0.0.1".into()
            } else {
                host
            };
            let mut server = TcpStream::connect((host, port)).await.unwrap();
            send(&mut client, [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await;
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        }
    })
    .await
}

/// Bytes with their length in front.
async fn field(client: &mut TcpStream) -> Vec<u8> {
    let length = client.read_u8().await.unwrap();
    let mut field = vec![0; length.into()];
    client.read_exact(&mut field).await.unwrap();
    field
}
