//! The gateway: what a client asks in one protocol is asked of a target in another, and answered in the client's.
//!
//! In: HTTP requests in any dialect that is served. Out: an [exchange](crate::exchange) with the target of the model's
//! route, and its events as the client's dialect writes them.
//!
//! ```text
//! request ─ server ─ serve.read ─► ChatRequest ─ route ─► exchange ─► Event ─ answer ─ serve.writer ─► response
//! ```

mod answer;
mod fields;
mod refusals;
mod request;
mod respond;
mod routes;
mod token;

use std::{fmt, io, net::SocketAddr};

use url::Url;

use self::respond::GatewayResponder;
pub use self::{
    routes::{Route, RouteTable},
    token::LocalToken,
};
use crate::{
    credential::Credentials,
    dialect::{DialectId, WireFormat},
    server::RunningServer,
};

/// How the gateway is served.
pub struct GatewayOptions {
    /// Where it listens; port 0 picks a free one.
    pub address: SocketAddr,
    /// What its clients must give as their API key.
    pub token: LocalToken,
    /// Where each model's requests go.
    pub routes: RouteTable,
    /// The keys of the endpoints.
    pub credentials: Credentials,
    /// Is told of each request, in one line without its contents.
    pub log: Option<fn(&str)>,
}

/// A running gateway; dropping it stops it.
#[derive(Debug)]
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    /// Stops it when it is dropped.
    _server: RunningServer,
}

impl Gateway {
    /// The protocols that it serves, the most common one first, each with the base URL that its clients are given. gRPC
    /// is not among them: its clients name projects and places of Google's.
    ///
    /// # Panics
    /// Never: an address makes a valid URL.
    #[must_use]
    pub fn base_urls(&self) -> Vec<(DialectId, Url)> {
        let server = Url::parse(&format!("http://{}", self.address)).expect("an address");
        let of = |id: &DialectId| {
            let dialect = id.dialect();
            let is_json = matches!(dialect.wire, WireFormat::Json);
            let serve = dialect.serve.filter(|_| is_json)?;
            Some((*id, serve.base_url(&server, "gateway")))
        };
        DialectId::ALL.iter().filter_map(of).collect()
    }
}

impl fmt::Debug for GatewayOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayOptions")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Starts the gateway on a thread of its own.
///
/// # Errors
/// If the address can't be had.
pub async fn serve(options: GatewayOptions) -> io::Result<Gateway> {
    let address = options.address;
    let responder = move || Ok(GatewayResponder::new(options));
    let server = RunningServer::start("gateway", address, None, responder).await?;
    Ok(Gateway {
        address: server.address,
        _server: server,
    })
}
