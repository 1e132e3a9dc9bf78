//! Connection pools by how to connect: each combination of proxy, certificates and HTTP version has its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use url::Url;

use super::{
    connector::{Connector, ServerOrigin},
    kernel,
    phases::lock,
    pool::Pool,
    proxy::{Proxy, Via},
    tls,
};
use crate::{
    event::{Fault, FaultClass, Phase},
    transport::{ConnectOptions, HttpVersion},
};

/// A connector, and its pool for each origin.
struct ConnectorPools {
    connector: Arc<Connector>,
    by_origin: Mutex<HashMap<ServerOrigin, Arc<Pool>>>,
}

/// Everything in which one connector differs from another.
#[derive(PartialEq, Eq, Hash)]
struct ConnectorKey {
    proxy: Option<Proxy>,
    /// The file and its modification time, so that a changed file is read again.
    ca_file: Option<(String, Option<SystemTime>)>,
    version: HttpVersion,
    has_tls: bool,
}

/// All pools of one transport.
pub(super) struct PoolRegistry {
    by_key: tokio::sync::Mutex<HashMap<ConnectorKey, Arc<ConnectorPools>>>,
}

impl Default for PoolRegistry {
    fn default() -> Self {
        kernel::keep_stamping();
        Self {
            by_key: tokio::sync::Mutex::default(),
        }
    }
}

impl PoolRegistry {
    /// The connections to the origin of `url`.
    pub(super) async fn pool(
        &self,
        url: &Url,
        via: &Via,
        options: &ConnectOptions,
    ) -> Result<Arc<Pool>, Fault> {
        let pools = self.connector_pools(url, via, options).await?;
        let origin = ServerOrigin::of(url);
        let mut by_origin = lock(&pools.by_origin);
        let pool = by_origin
            .entry(origin.clone())
            .or_insert_with(|| Pool::new(pools.connector.clone(), origin));
        Ok(pool.clone())
    }

    /// The pools for this way of connecting, made if there are none yet.
    async fn connector_pools(
        &self,
        url: &Url,
        via: &Via,
        options: &ConnectOptions,
    ) -> Result<Arc<ConnectorPools>, Fault> {
        let key = key(url, via, options).await;
        let mut by_key = self.by_key.lock().await;
        if let Some(pools) = by_key.get(&key) {
            return Ok(pools.clone());
        }
        let (ca_file, version) = (options.ca_file.clone(), options.http);
        // Reading the machine's certificate authorities takes tens of milliseconds.
        let read = move || tls::config(ca_file.as_deref(), version).map(Arc::new);
        let tls = if key.has_tls {
            let read = tokio::task::spawn_blocking(read).await;
            Some(read.map_err(|_| stopped())??)
        } else {
            None
        };
        let connector = Connector {
            via: via.clone(),
            tls,
            version,
        };
        let pools = Arc::new(ConnectorPools {
            connector: Arc::new(connector),
            by_origin: Mutex::default(),
        });
        by_key.insert(key, pools.clone());
        Ok(pools)
    }
}

async fn key(url: &Url, via: &Via, options: &ConnectOptions) -> ConnectorKey {
    let ca_file = match options.ca_file.clone() {
        None => None,
        Some(file) => {
            let metadata = tokio::fs::metadata(&file).await;
            Some((file, metadata.and_then(|data| data.modified()).ok()))
        }
    };
    let proxy = via.proxy().cloned();
    ConnectorKey {
        // With a certificate file, TLS is set up even for `http://`, so that an unreadable file is always reported.
        has_tls: url.scheme() == "https"
            || ca_file.is_some()
            || proxy.as_ref().is_some_and(Proxy::is_tls),
        proxy,
        ca_file,
        version: options.http,
    }
}

fn stopped() -> Fault {
    let message = "TLS can't be set up: the program is being stopped";
    Fault::new(FaultClass::Tls, Phase::Prepare, message)
}
