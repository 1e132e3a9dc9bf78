//! TLS with an authority of its own: made anew at each start, trusted by nobody who was not told to.

use std::{io, net::IpAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// The HTTP versions that are offered, the best first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A server's side of TLS.
pub struct Tls {
    /// Makes TLS of a connection.
    pub acceptor: TlsAcceptor,
    /// The authority's certificate, as PEM.
    pub authority: String,
}

impl Tls {
    /// TLS of the server with this name for `localhost`, the loopback addresses and this address.
    ///
    /// # Errors
    /// If the certificates can't be made.
    pub fn new(server: &str, host: IpAddr) -> io::Result<Self> {
        Self::with_names(server, host, &[])
    }

    /// The same, for these names of hosts and addresses, too.
    ///
    /// # Errors
    /// If the certificates can't be made.
    pub fn with_names(server: &str, host: IpAddr, names: &[String]) -> io::Result<Self> {
        make(server, host, names).map_err(io::Error::other)
    }
}

type Made<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn make(server: &str, host: IpAddr, more: &[String]) -> Made<Tls> {
    let mut params = named(&format!("{server}, its own authority"), Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.push(host.to_string());
    names.extend_from_slice(more);
    names.sort_unstable();
    names.dedup();
    let key = KeyPair::generate()?;
    let certificate = named(server, names)?.signed_by(&key, &authority)?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der())?,
        )?;
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).into();
    Ok(Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        authority: authority.pem(),
    })
}

fn named(name: &str, alternatives: Vec<String>) -> Made<CertificateParams> {
    let mut params = CertificateParams::new(alternatives)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    Ok(params)
}
