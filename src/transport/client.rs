//! The ways of connecting, each kept for its open connections.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use url::Url;

use super::{
    connector::{Connector, Origin},
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

/// A way of connecting, and the connections to each origin along it.
struct Way {
    connector: Arc<Connector>,
    pools: Mutex<HashMap<Origin, Arc<Pool>>>,
}

/// Everything that makes one way differ from another.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    proxy: Option<Proxy>,
    /// The file and when it was changed last, so that a replaced file is read anew.
    ca_file: Option<(String, Option<SystemTime>)>,
    version: HttpVersion,
    has_tls: bool,
}

/// All ways of one transport.
pub(super) struct Ways {
    made: tokio::sync::Mutex<HashMap<Key, Arc<Way>>>,
}

impl Default for Ways {
    fn default() -> Self {
        kernel::keep_stamping();
        Self {
            made: tokio::sync::Mutex::default(),
        }
    }
}

impl Ways {
    /// The connections to the origin of `url`.
    pub(super) async fn pool(
        &self,
        url: &Url,
        via: &Via,
        options: &ConnectOptions,
    ) -> Result<Arc<Pool>, Fault> {
        let way = self.way(url, via, options).await?;
        let origin = Origin::of(url);
        let mut pools = lock(&way.pools);
        let pool = pools
            .entry(origin.clone())
            .or_insert_with(|| Pool::new(way.connector.clone(), origin));
        Ok(pool.clone())
    }

    /// This way of connecting, made if there is none yet.
    async fn way(&self, url: &Url, via: &Via, options: &ConnectOptions) -> Result<Arc<Way>, Fault> {
        let key = key(url, via, options).await;
        let mut made = self.made.lock().await;
        if let Some(way) = made.get(&key) {
            return Ok(way.clone());
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
        let way = Arc::new(Way {
            connector: Arc::new(connector),
            pools: Mutex::default(),
        });
        made.insert(key, way.clone());
        Ok(way)
    }
}

async fn key(url: &Url, via: &Via, options: &ConnectOptions) -> Key {
    let ca_file = match options.ca_file.clone() {
        None => None,
        Some(file) => {
            let metadata = tokio::fs::metadata(&file).await;
            Some((file, metadata.and_then(|data| data.modified()).ok()))
        }
    };
    let proxy = via.proxy().cloned();
    Key {
        // A file that can't be read is told of, whether it is needed or not.
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
