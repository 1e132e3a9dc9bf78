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

use std::{
    fmt, io,
    net::SocketAddr,
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::respond::GatewayResponder;
pub use self::{
    routes::{Route, RouteTable},
    token::LocalToken,
};
use crate::{
    credential::Credentials,
    dialect::{Dialect, DialectId, WireFormat},
    server::{self, HttpServer},
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
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    /// The base URL that clients of this protocol are given; `None` if it is not served.
    ///
    /// # Panics
    /// Never: an address makes a valid URL.
    #[must_use]
    pub fn base_url(&self, dialect: DialectId) -> Option<Url> {
        let path = served_path(dialect.dialect())?;
        let mut url = Url::parse(&format!("http://{}", self.address)).expect("an address");
        url.set_path(&path);
        Some(url)
    }
}

/// The path of the base URL of a protocol that is served. gRPC's clients are not: they name projects and places of
/// Google's.
fn served_path(dialect: &Dialect) -> Option<String> {
    let is_json = matches!(dialect.wire, WireFormat::Json);
    let serve = dialect.serve.filter(|_| is_json)?;
    Some(serve.base_path.replace("{name}", "gateway"))
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; there is nothing to add while dropping.
            let _ = thread.join();
        }
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
    let (report, bound) = oneshot::channel();
    let stop = CancellationToken::new();
    let until = stop.clone();
    let thread = thread::Builder::new()
        .name("gateway".into())
        .spawn(move || run(options, report, &until))?;
    let address = bound
        .await
        .map_err(|_| io::Error::other("the gateway's thread ended at once"))??;
    Ok(Gateway {
        address,
        stop,
        thread: Some(thread),
    })
}

/// The gateway's thread: reports the address it got, then serves until it is stopped.
fn run(
    options: GatewayOptions,
    report: oneshot::Sender<io::Result<SocketAddr>>,
    stop: &CancellationToken,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(report.send(Err(error))),
    };
    runtime.block_on(async {
        let started = server::listen(options.address)
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        match started {
            Ok((address, listener)) => {
                // Nobody waits for the address any more: then the token is about to stop us.
                let _ = report.send(Ok(address));
                let server = HttpServer::new(GatewayResponder::new(options), None);
                stop.run_until_cancelled(server.serve(listener)).await;
            }
            Err(error) => drop(report.send(Err(error))),
        }
    });
}
