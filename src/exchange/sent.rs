//! The request of an exchange, as it goes on the wire.

use std::{fmt, sync::Arc};

use http::{HeaderMap, Method};
use url::Url;

use crate::{
    dialect::DialectId,
    mask::Mask,
    transport::{PreparedCall, Upload},
};

/// A request as it is sent, its secrets among it: [`mask`](Self::mask) covers them. Its body shares the bytes that are
/// sent.
pub struct SentRequest {
    /// `GET` or `POST`.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers, without those that the connection itself writes (`host`, `content-length`).
    pub headers: HeaderMap,
    /// Its body, before any framing.
    pub body: Upload,
    /// The dialect of its answer; `None` if that is not known here.
    pub dialect: Option<DialectId>,
    mask: Mask,
}

impl SentRequest {
    /// The request of a call. Made before its clock starts.
    pub(super) fn of(call: &PreparedCall, dialect: Option<DialectId>) -> Arc<Self> {
        let http = call.call();
        Arc::new(Self {
            method: http.method.clone(),
            url: http.url.clone(),
            headers: call.headers().clone(),
            body: http.body.clone(),
            dialect,
            mask: call.mask(),
        })
    }

    /// What covers the secrets that it is sent with, wherever they are repeated.
    #[must_use]
    pub fn mask(&self) -> &Mask {
        &self.mask
    }
}

impl fmt::Debug for SentRequest {
    // It holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentRequest")
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
