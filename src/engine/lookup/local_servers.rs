//! Which model servers answer on this machine, at the ports that the presets of local servers name. Each is asked for
//! its models, without a key.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    endpoint::{Endpoint, TargetId, preset},
    event::FaultClass,
    exchange::list::list_models,
    transport::Transport,
};

/// How long a server has to answer. One that is loading a model may take its time, nobody waits longer.
const LIMIT: Duration = Duration::from_secs(3);

/// A server that answers.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalServer {
    /// Its endpoint, as its preset has it.
    pub endpoint: Endpoint,
    /// Its models; empty if it has none, or does not tell them without a key.
    pub models: Vec<String>,
    /// Whether it asks for a key.
    pub needs_key: bool,
}

impl LocalServer {
    /// Its models as targets.
    #[must_use]
    pub fn targets(&self) -> Vec<TargetId> {
        let of = |model: &String| TargetId {
            endpoint: self.endpoint.id.clone(),
            model: model.clone(),
        };
        self.models.iter().map(of).collect()
    }
}

/// The endpoints to try: one for each address that a preset of a local server has, the first of those that share it.
pub(in crate::engine) fn candidates() -> Vec<Endpoint> {
    let local = preset::all().iter().filter(|preset| preset.local);
    let mut all: Vec<Endpoint> = Vec::new();
    for endpoint in local.filter_map(|preset| preset.endpoint(&BTreeMap::new()).ok()) {
        let is_known = |known: &Endpoint| known.base_url.origin() == endpoint.base_url.origin();
        if !all.iter().any(is_known) {
            all.push(endpoint);
        }
    }
    all
}

/// Those that answer as model servers do, in their order.
pub(in crate::engine) async fn answering(
    transport: &Transport,
    candidates: Vec<Endpoint>,
) -> Vec<LocalServer> {
    let asked = candidates
        .into_iter()
        .map(|endpoint| ask(transport, endpoint));
    join_all(asked).await.into_iter().flatten().collect()
}

async fn ask(transport: &Transport, endpoint: Endpoint) -> Option<LocalServer> {
    let answer = timeout(LIMIT, list_models(transport, &endpoint, None, None)).await;
    let (models, needs_key) = match answer.ok()? {
        Ok(models) => (models, false),
        Err(fault) if fault.class == FaultClass::Auth => (Vec::new(), true),
        Err(_) => return None,
    };
    Some(LocalServer {
        endpoint,
        models: models.into_iter().map(|model| model.id).collect(),
        needs_key,
    })
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::dialect::DialectId;

    /// A server that gives each request this answer, and its endpoint.
    async fn serving(answer: &'static str) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    asked.push(socket.read_u8().await.unwrap());
                }
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let url = format!("http://{at}/v1").parse().unwrap();
        Endpoint::custom("it", url, DialectId::OpenaiChat)
    }

    const MODELS: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
        {\"object\": \"list\", \"data\": [{\"id\": \"gemma3:270m\"}, {\"id\": \"qwen3:0.6b\"}]}";
    const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
        {\"error\": {\"message\": \"no key\"}}";
    const OTHER: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n\
        <html><body>My printer</body></html>";

    #[tokio::test]
    async fn only_model_servers_are_found_and_in_order() {
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/v1", listener.local_addr().unwrap());
            Endpoint::custom("closed", url.parse().unwrap(), DialectId::OpenaiChat)
        };
        let (with, refusing) = (serving(MODELS).await, serving(REFUSED).await);
        let all = vec![closed, refusing.clone(), serving(OTHER).await, with.clone()];
        let found = answering(&Transport::default(), all).await;
        let expected = [
            LocalServer {
                endpoint: refusing,
                models: Vec::new(),
                needs_key: true,
            },
            LocalServer {
                endpoint: with,
                models: vec!["gemma3:270m".into(), "qwen3:0.6b".into()],
                needs_key: false,
            },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn each_address_of_this_machine_is_tried_once() {
        let ports: Vec<_> = candidates()
            .iter()
            .map(|endpoint| (endpoint.id.clone(), endpoint.base_url.port().unwrap()))
            .collect();
        let expected = [
            ("ollama", 11_434),
            ("lmstudio", 1_234),
            ("llamacpp", 8_080),
            ("vllm", 8_000),
            ("gateway", 4_000),
        ];
        assert_eq!(ports, expected.map(|(id, port)| (id.to_owned(), port)));
    }
}
