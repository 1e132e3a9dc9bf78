//! TLS: trusts the platform's certificate authorities, and those of the endpoint's PEM file.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

use super::fault::is_authority;
use crate::{
    clock::now,
    event::{Fault, FaultClass, Phase},
    input,
    transport::HttpVersion,
};

/// Largest PEM file: the list of all authorities of the Web takes a quarter of a MiB.
const MAX_FILE: u64 = 16 << 20;

/// How long the machine's authorities count as read: that takes tens of milliseconds, and the monitor makes a
/// configuration for each of its checks.
const AS_READ: Duration = Duration::from_mins(1);

/// The verifiers of the last minute, each with the time at which the machine's authorities were read. Sessions are no
/// part of them, so that each configuration still begins with a full handshake.
static VERIFIERS: Mutex<Vec<(Instant, Arc<EndpointVerifier>)>> = Mutex::new(Vec::new());

/// A TLS configuration that trusts this machine's authorities and those of the PEM file. Blocking: reads files.
///
/// # Errors
/// A `tls` fault in `prepare` that names the file, if it can't be read or holds no certificate.
pub(super) fn config(ca_file: Option<&str>, version: HttpVersion) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(ring::default_provider());
    let extra = ca_file.map_or_else(|| Ok(Vec::new()), authorities)?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(format!("TLS can't be set up: {error}")))?;
    let mut config = match verifier(extra, &provider) {
        Ok(verifier) => builder
            .dangerous()
            .with_custom_certificate_verifier(verifier),
        // An empty list of authorities keeps plain HTTP usable on a machine without any.
        Err(_) if ca_file.is_none() => builder.with_root_certificates(RootCertStore::empty()),
        Err(error) => {
            let file = ca_file.unwrap_or_default();
            return Err(unusable(format!(
                "a certificate in {file} can't be used as an authority: {error}"
            )));
        }
    }
    .with_no_client_auth();
    config.alpn_protocols = match version {
        HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
        HttpVersion::Http2 => vec![b"h2".to_vec()],
    };
    Ok(config)
}

/// The verifier that trusts these authorities, too.
fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<EndpointVerifier>, rustls::Error> {
    // Whoever comes while they are read waits for the same.
    let mut kept = VERIFIERS.lock().unwrap_or_else(PoisonError::into_inner);
    kept.retain(|(read, _)| now().saturating_duration_since(*read) < AS_READ);
    if let Some((_, verifier)) = kept.iter().find(|(_, kept)| kept.extra == extra) {
        return Ok(Arc::clone(verifier));
    }
    let platform = if extra.is_empty() {
        Verifier::new(provider.clone())
    } else {
        Verifier::new_with_extra_roots(extra.clone(), provider.clone())
    }?;
    let verifier = Arc::new(EndpointVerifier { platform, extra });
    kept.push((now(), Arc::clone(&verifier)));
    Ok(verifier)
}

/// Trusts what the platform trusts, and also a server that shows a certificate of the endpoint's own file: people
/// make a self-signed certificate, which is marked as an authority's, and give it to both sides.
#[derive(Debug)]
struct EndpointVerifier {
    platform: Verifier,
    extra: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for EndpointVerifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self
            .platform
            .verify_server_cert(shown, between, name, ocsp, now);
        match &verified {
            // Its dates were checked before; only its name is still to be checked.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(other)))
                if is_authority(other)
                    && self.extra.iter().any(|own| own.as_ref() == shown.as_ref()) =>
            {
                verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            _ => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.platform.verify_tls12_signature(message, shown, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.platform.verify_tls13_signature(message, shown, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}

fn authorities(file: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let unreadable = |error: &dyn std::fmt::Display| {
        unusable(format!(
            "the extra certificate authorities in {file} can't be read: {error}"
        ))
    };
    let pem = input::bytes(Path::new(file), MAX_FILE)
        .map_err(|error| unreadable(&format_args!("it {}", error.why)))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(&error))?;
    if found.is_empty() {
        return Err(unusable(format!(
            "{file} holds no certificate; a PEM file with “BEGIN CERTIFICATE” is needed"
        )));
    }
    Ok(found)
}

fn unusable(message: String) -> Fault {
    Fault::new(FaultClass::Tls, Phase::Prepare, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_shared_by_those_who_trust_the_same() {
        let provider = Arc::new(ring::default_provider());
        let own = |name: &str| {
            let own = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            vec![own.cert.der().clone()]
        };
        let (one, other) = (own("one"), own("other"));
        let verifier = |extra: &[CertificateDer<'static>]| verifier(extra.to_vec(), &provider);
        let first = verifier(&one).unwrap();
        assert!(Arc::ptr_eq(&first, &verifier(&one).unwrap()));
        let second = verifier(&other).unwrap();
        assert_eq!((&first.extra, &second.extra), (&one, &other));
    }

    #[test]
    fn a_bad_authority_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("empty.pem"), "no certificate here").unwrap();
        std::fs::write(
            path("junk.pem"),
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        for name in ["missing.pem", "empty.pem", "junk.pem"] {
            let fault = config(Some(&path(name)), HttpVersion::Auto).unwrap_err();
            assert_eq!(
                (fault.class, fault.phase),
                (FaultClass::Tls, Phase::Prepare)
            );
            assert!(fault.message.contains(name), "{}", fault.message);
        }
    }
}
