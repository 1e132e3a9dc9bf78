//! The clients that are held against each other: each sends one request at a time a stream, and says when the first
//! token was there.

use std::{net::SocketAddr, str::FromStr, sync::Arc, time::Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokenscope::{
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    history::History,
    run::{Run, execute},
    transport::Transport,
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::common::{
    asked,
    closed_loop::{Ask, prompt},
    streams::{self, RawAnswer},
};

/// What is measured.
#[derive(Clone, Copy, PartialEq)]
pub enum Client {
    /// A bare socket and a search for the first content: the floor.
    Raw,
    /// A bare loop over reqwest: lines, a typed pass over each event's data, the text kept.
    Reqwest,
    /// The whole way that a run takes in the product.
    Ours,
    /// The same with the history on, as the engine keeps it.
    History,
}

impl Client {
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Reqwest => "reqwest",
            Self::Ours => "ours",
            Self::History => "history",
        }
    }
}

impl FromStr for Client {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        let all = [Self::Raw, Self::Reqwest, Self::Ours, Self::History];
        match all.into_iter().find(|client| client.name() == name) {
            Some(client) => Ok(client),
            None => bail!("there is no client “{name}”"),
        }
    }
}

/// What a client says of one request, in nanoseconds since it was begun.
pub struct Answer {
    /// The simulator's number of it.
    pub run: u64,
    /// The time to the first token, by the kernel's stamp where there is one.
    pub ttft: u64,
    /// The same by the program's own clock.
    pub own: u64,
}

/// What all streams of a client share.
pub struct Shared {
    client: Client,
    /// Asked for in each request.
    tokens: u32,
    address: SocketAddr,
    base_url: Url,
    endpoint: Arc<Endpoint>,
    transport: Transport,
    reqwest: reqwest::Client,
    history: Option<(History, TempDir)>,
}

impl Shared {
    pub fn new(client: Client, tokens: u32, base_url: &Url) -> anyhow::Result<Self> {
        let history = if client == Client::History {
            let folder = tempfile::tempdir()?;
            Some((History::open(folder.path()), folder))
        } else {
            None
        };
        // Who set another one already has one that serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = base_url.socket_addrs(|| None)?;
        Ok(Self {
            client,
            tokens,
            address: *address.first().context("no address")?,
            base_url: base_url.clone(),
            endpoint: Arc::new(Endpoint {
                auth: Auth::None,
                simulated: true,
                ..Endpoint::custom("simulator", base_url.clone(), DialectId::OpenaiChat)
            }),
            transport: Transport::default(),
            reqwest: reqwest::Client::builder().no_proxy().build()?,
            history,
        })
    }

    /// Waits until all is stored.
    pub async fn end(self) -> anyhow::Result<()> {
        match self.history {
            Some((history, _folder)) => history
                .end()
                .await
                .map_err(|why| anyhow::anyhow!("{why:?}")),
            None => Ok(()),
        }
    }

    async fn by_run(&self, prompt: &str) -> anyhow::Result<Answer> {
        let spec = asked::spec(&self.endpoint, asked::request(prompt, self.tokens), false);
        let id = spec.head.id;
        let history = self.history.as_ref().map(|(history, _)| history);
        if let Some(history) = history {
            history.begin(&Run::new(spec.head.clone()));
        }
        let mut emit = |update| {
            if let Some(history) = history {
                history.record(id, update);
            }
        };
        let run = execute(&self.transport, spec, CancellationToken::new(), &mut emit).await;
        let run = Arc::new(run);
        if let Some(history) = history {
            history.finish(Arc::clone(&run));
        }
        answer_of(&run)
    }

    async fn by_reqwest(&self, prompt: &str) -> anyhow::Result<Answer> {
        let started = Instant::now();
        let url = self.base_url.join("/v1/chat/completions")?;
        let request = self
            .reqwest
            .post(url)
            .header("content-type", "application/json");
        let mut response = request.body(body(prompt, self.tokens)).send().await?;
        let number = response
            .headers()
            .get("x-sim-run")
            .context("no run number")?;
        let run = number.to_str()?.parse()?;
        let (mut answer, mut begun, mut ttft) = (String::new(), Vec::new(), None);
        while let Some(chunk) = response.chunk().await? {
            let at = started.elapsed();
            begun.extend_from_slice(&chunk);
            let end = begun
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1);
            let lines = std::str::from_utf8(&begun[..end])?.split('\n');
            let data = lines.filter_map(|line| line.strip_prefix("data: "));
            answer.extend(data.filter_map(asked::chunk_text));
            begun.drain(..end);
            if ttft.is_none() && !answer.is_empty() {
                ttft = Some(at);
            }
        }
        let ttft = u64::try_from(ttft.context("no token")?.as_nanos())?;
        Ok(Answer {
            run,
            ttft,
            own: ttft,
        })
    }

    async fn by_socket(
        &self,
        socket: &mut Option<TcpStream>,
        prompt: &str,
    ) -> anyhow::Result<Answer> {
        let body = body(prompt, self.tokens);
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len(),
        );
        let RawAnswer { run, ttft } = streams::ask(socket, self.address, &request).await?;
        Ok(Answer {
            run: run.context("no run number")?,
            ttft,
            own: ttft,
        })
    }
}

impl Ask for Shared {
    type Answer = Answer;

    async fn ask(&self, socket: &mut Option<TcpStream>, index: usize) -> anyhow::Result<Answer> {
        let prompt = prompt(index);
        match self.client {
            Client::Raw => self.by_socket(socket, &prompt).await,
            Client::Reqwest => self.by_reqwest(&prompt).await,
            Client::Ours | Client::History => self.by_run(&prompt).await,
        }
    }
}

fn answer_of(run: &Run) -> anyhow::Result<Answer> {
    if let Some(fault) = &run.answer.fault {
        return Err(fault.clone().into());
    }
    let id = run
        .answer
        .response_id
        .as_ref()
        .context("an answer without an id")?;
    let number = id
        .strip_prefix("chatcmpl-sim-")
        .context("not the simulator's id")?;
    let ttft = run
        .stamps
        .first_token
        .context("an answer without a token")?;
    let first = run.reads.iter().find(|read| read.tokens > 0);
    let delay = first.and_then(|read| read.delay).unwrap_or(0);
    Ok(Answer {
        run: number.parse()?,
        ttft,
        own: ttft + u64::from(delay),
    })
}

/// What the clients without a dialect of their own send.
fn body(prompt: &str, tokens: u32) -> String {
    format!(
        r#"{{"model":"sim-bench","stream":true,"max_tokens":{tokens},"messages":[{{"role":"user","content":"{prompt}"}}]}}"#
    )
}
