//! The HTTP clients: one per way of connecting, kept for their open connections.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::Mutex;
use url::Url;

use super::{
    connector::{MarkConnects, MarkingResolver},
    phases::Opened,
    proxy::Via,
    tls,
};
use crate::{
    event::{Fault, FaultClass, Phase},
    transport::{ConnectOptions, HttpVersion},
};

/// What this program calls itself to servers and proxies.
const USER_AGENT: &str = concat!("tokenscope/", env!("CARGO_PKG_VERSION"));

/// Most headers of a response, and bytes of them all.
const MAX_HEADERS: usize = 1_000;
const MAX_HEADER_BYTES: u32 = 256 << 10;

/// A client, and the connections it opened lately.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) opened: Opened,
}

/// Everything that makes one client differ from another.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    via: ViaKey,
    /// The file and when it was changed last, so that a replaced file is read anew.
    ca_file: Option<(String, Option<SystemTime>)>,
    version: HttpVersion,
}

#[derive(PartialEq, Eq, Hash)]
enum ViaKey {
    Direct,
    Environment,
    /// A keyed hash, so that no password is kept here.
    Proxy(u64),
}

/// All clients of one transport.
#[derive(Default)]
pub(super) struct Clients {
    made: Mutex<HashMap<Key, Client>>,
    hasher: RandomState,
}

impl Clients {
    /// The client for this way of connecting, made if there is none yet.
    pub(super) async fn get(&self, via: &Via, options: &ConnectOptions) -> Result<Client, Fault> {
        let key = self.key(via, options).await;
        let mut made = self.made.lock().await;
        if let Some(client) = made.get(&key) {
            return Ok(client.clone());
        }
        let (via, ca_file, version) = (via.clone(), options.ca_file.clone(), options.http);
        // Reading the machine's certificate authorities takes tens of milliseconds.
        let client =
            tokio::task::spawn_blocking(move || Client::new(&via, ca_file.as_deref(), version))
                .await
                .map_err(|_| unusable("stopped"))??;
        made.insert(key, client.clone());
        Ok(client)
    }

    async fn key(&self, via: &Via, options: &ConnectOptions) -> Key {
        let ca_file = match options.ca_file.clone() {
            None => None,
            Some(file) => {
                let metadata = tokio::fs::metadata(&file).await;
                Some((file, metadata.and_then(|data| data.modified()).ok()))
            }
        };
        Key {
            via: match via {
                Via::Direct => ViaKey::Direct,
                Via::Environment(..) => ViaKey::Environment,
                Via::Proxy(url) => ViaKey::Proxy(self.hasher.hash_one(url.as_str())),
            },
            ca_file,
            version: options.http,
        }
    }
}

impl Client {
    fn new(via: &Via, ca_file: Option<&str>, version: HttpVersion) -> Result<Self, Fault> {
        let opened = Opened::default();
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            // hyper reads 100 by default, and servers behind several proxies send more.
            .http1_max_headers(MAX_HEADERS)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .tls_backend_preconfigured(tls::config(ca_file, version)?)
            .dns_resolver(Arc::new(MarkingResolver))
            .connector_layer(MarkConnects {
                opened: opened.clone(),
                http2_only: version == HttpVersion::Http2,
            });
        let builder = match version {
            HttpVersion::Auto => builder,
            HttpVersion::Http1 => builder.http1_only(),
            // A ping tells a dead connection from a silent answer. More often than every five minutes, gRPC
            // servers close the connection for “too_many_pings”.
            HttpVersion::Http2 => builder
                .http2_prior_knowledge()
                .http2_keep_alive_interval(Duration::from_mins(5))
                .http2_keep_alive_timeout(Duration::from_secs(20)),
        };
        let builder = match via {
            Via::Direct => builder.no_proxy(),
            Via::Environment(..) => builder,
            Via::Proxy(url) => builder.no_proxy().proxy(proxy(url)?),
        };
        let http = builder
            .build()
            .map_err(|error| unusable(&error.without_url().to_string()))?;
        Ok(Self { http, opened })
    }
}

fn proxy(url: &Url) -> Result<reqwest::Proxy, Fault> {
    reqwest::Proxy::all(url.clone()).map_err(|error| {
        let why = error.without_url();
        Fault::new(
            FaultClass::Proxy,
            Phase::Prepare,
            format!("the endpoint's proxy can't be used: {why}"),
        )
    })
}

fn unusable(why: &str) -> Fault {
    let message = format!("the HTTP client can't be set up: {why}");
    Fault::new(FaultClass::Connect, Phase::Prepare, message)
}
