//! TLS: trusts the platform's certificate authorities, and those of the endpoint's PEM file.

use std::{path::Path, sync::Arc};

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
    event::{Fault, FaultClass, Phase},
    input,
    transport::HttpVersion,
};

/// Largest PEM file: the list of all authorities of the Web takes a quarter of a MiB.
const MAX_FILE: u64 = 16 << 20;

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
    let mut config = match verifier(extra.clone(), &provider) {
        Ok(platform) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(EndpointVerifier { platform, extra })),
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

fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Verifier, rustls::Error> {
    if extra.is_empty() {
        Verifier::new(provider.clone())
    } else {
        Verifier::new_with_extra_roots(extra, provider.clone())
    }
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
