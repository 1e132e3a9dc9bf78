//! Connections that are opened ahead and kept: no request pays for their handshakes.
//!
//! A TCP and TLS handshake is all that is sent: no request of ours can cost anything or count against a limit. (A
//! `HEAD` makes some providers close the connection.) The endpoints' keys are looked up ahead, too, so that access
//! tokens are refreshed before they are needed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::GatewayShared;
use crate::{endpoint::Endpoint, event::Fault, exchange::call::warming_call, transport::Transport};

/// How often connections are looked after: less than the time for which servers and ours keep idle ones, and names are
/// resolved again for those that are opened anew.
const EVERY: Duration = Duration::from_secs(40);

/// Opens connections to the routes' endpoints, and to those that were asked, and keeps them, without an end.
pub(super) async fn keep(shared: Arc<GatewayShared>, transport: Transport) {
    loop {
        let endpoints = endpoints(&shared).into_iter();
        let warming = endpoints.map(|endpoint| warm(&shared, &transport, endpoint));
        futures_util::future::join_all(warming).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// The endpoints of the routes' targets, and those that were asked.
fn endpoints(shared: &GatewayShared) -> Vec<Arc<Endpoint>> {
    let config = shared.config();
    let routed = config.routes.target_endpoints();
    let asked = shared.health.targets().into_iter();
    let ids = routed.chain(asked.map(|target| target.endpoint));
    let by_id: BTreeMap<String, Arc<Endpoint>> = ids
        .filter_map(|id| {
            let endpoint = Arc::clone(config.routes.endpoint(&id)?);
            Some((id, endpoint))
        })
        .collect();
    by_id.into_values().collect()
}

async fn warm(shared: &GatewayShared, transport: &Transport, endpoint: Arc<Endpoint>) {
    let warmed: Result<(), Fault> = async {
        let keys = shared.keys.look_up(&endpoint).await?;
        let endpoint = keys.place.fitted(&endpoint);
        let call = warming_call(&endpoint, keys.proxy_password.clone())?;
        transport.ensure_warm(call, 1).await
    }
    .await;
    if let Err(fault) = warmed {
        // The next request will tell it to its client.
        tracing::info!(endpoint = endpoint.id, %fault, "no connection could be opened ahead");
    }
}
