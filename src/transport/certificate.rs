//! The certificate that a server showed.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// The certificate that a server showed, in DER. Nothing is parsed until it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCertificate(Arc<[u8]>);

impl ServerCertificate {
    /// The server's own: the first of those that it showed.
    pub(super) fn first(shown: Option<&[CertificateDer<'_>]>) -> Option<Self> {
        let own = shown?.first()?;
        Some(Self(own.as_ref().into()))
    }

    /// The end of its validity (`notAfter`, RFC 5280, 4.1.2.5), in seconds since 1970; `None` if it can't be parsed.
    #[must_use]
    pub fn valid_until(&self) -> Option<i64> {
        let (_, parsed) = X509Certificate::from_der(&self.0).ok()?;
        Some(parsed.validity().not_after.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn the_end_of_validity_is_read_before_and_after_2050() {
        // Years from 2050 on are written in another form.
        for (year, until) in [(2027, 1_802_822_400), (2051, 2_560_204_800)] {
            let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.not_after = date_time_ymd(year, 2, 17);
            let signed = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            let shown = ServerCertificate::first(Some(&[signed.der().clone()]));
            assert_eq!(shown.unwrap().valid_until(), Some(until), "{year}");
        }
        assert_eq!(ServerCertificate::first(Some(&[])), None);
        assert_eq!(
            ServerCertificate(b"junk".as_slice().into()).valid_until(),
            None
        );
    }
}
