//! The connection to one agent.

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use crate::{
    bench::{
        AskedPrompts,
        offset::{ClockOffset, ClockRoundTrip},
        order::{AgentInfo, AgentTime, BenchOrder},
    },
    cli::bench::machines::AgentAddress,
    clock::{SteadyClock, now},
    event::Fault,
    transport::{
        BodyChunk, ConnectOptions, HttpCall, HttpResponse, HttpVersion, Trace, Transport, Upload,
    },
    visible::visible_line,
};

/// How long an agent may take for a short answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long an agent may take for the prompts.
const UPLOAD_PATIENCE: Duration = Duration::from_mins(1);

/// Largest short answer, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// The body of a response that goes on.
pub(super) type AgentStream = Pin<Box<dyn Stream<Item = Result<BodyChunk, Fault>> + Send>>;

/// An agent, shared between what runs a bench and what stops it.
pub(super) type SharedLink = Arc<AgentLink>;

/// One agent.
pub(super) struct AgentLink {
    /// As it was given.
    pub name: String,
    url: Url,
    token: SecretString,
    connect: ConnectOptions,
    transport: Transport,
    clock: SteadyClock,
}

impl AgentLink {
    /// The way to an agent; offsets are those to this clock.
    pub(super) fn new(
        address: &AgentAddress,
        token: SecretString,
        ca_file: Option<String>,
        clock: SteadyClock,
    ) -> Self {
        Self {
            name: visible_line(&address.name).into_owned(),
            url: address.url.clone(),
            token,
            connect: ConnectOptions {
                ca_file,
                http: HttpVersion::Http1,
                ..ConnectOptions::default()
            },
            transport: Transport::default(),
            clock,
        }
    }

    /// What it says of itself and of a target.
    pub(super) async fn info(&self, target: &str) -> Result<AgentInfo, String> {
        let mut url = self.place("bench/agent");
        url.query_pairs_mut().append_pair("target", target);
        self.short(Method::GET, url).await
    }

    /// How far its clock is ahead of ours, by so many round trips.
    pub(super) async fn clock(&self, trips: u32) -> Result<ClockOffset, String> {
        let mut made = Vec::new();
        for _ in 0..trips {
            let asked = self.clock.unix_ns(now());
            let response = self.sent(Method::GET, self.place("bench/clock"), Upload::default());
            let response = timed(response).await?;
            let answered = self.clock.unix_ns(response.head.stamp.at);
            let time: AgentTime = timed(read(response)).await?;
            made.push(ClockRoundTrip {
                asked,
                other: time.unix_ns,
                answered,
            });
        }
        ClockOffset::of(&made).ok_or_else(|| "its clock was not asked".to_owned())
    }

    /// Sends it what the benches ask that follow, as JSON.
    pub(super) async fn put_prompts(&self, json: Bytes) -> Result<(), String> {
        let mut body = Upload::default();
        body.push(json);
        let sent = async {
            let response = self
                .sent(Method::POST, self.place("bench/prompts"), body)
                .await?;
            read::<AskedPrompts>(response).await
        };
        timed_by(UPLOAD_PATIENCE, sent).await.map(drop)
    }

    /// Begins a bench; what it sends comes until that is over. Dropping it ends the bench.
    pub(super) async fn run(&self, order: &BenchOrder) -> Result<AgentStream, String> {
        let body = upload(order)?;
        let response = timed(self.sent(Method::POST, self.place("bench/run"), body)).await?;
        if response.head.status == 200 {
            Ok(response.body)
        } else {
            Err(timed(refusal(response)).await.unwrap_or_else(|why| why))
        }
    }

    /// Lets the bench send nothing more.
    pub(super) async fn stop(&self) -> Result<(), String> {
        let stopped: Value = self.short(Method::POST, self.place("bench/stop")).await?;
        drop(stopped);
        Ok(())
    }

    async fn short<T: DeserializeOwned>(&self, method: Method, url: Url) -> Result<T, String> {
        timed(async { read(self.sent(method, url, Upload::default()).await?).await }).await
    }

    async fn sent(&self, method: Method, url: Url, body: Upload) -> Result<HttpResponse, String> {
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", self.token.expose_secret());
        let mut bearer = HeaderValue::try_from(bearer)
            .map_err(|_| "the token has letters that no header may have".to_owned())?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        let call = HttpCall {
            method,
            url,
            headers,
            body,
            connect: self.connect.clone(),
            proxy_password: None,
            cold: false,
            as_is: true,
        };
        let prepared = self.transport.prepare(call).await;
        let prepared = prepared.map_err(|fault| fault.to_string())?;
        let sent = prepared.send(&Trace::new()).await;
        sent.map_err(|fault| fault.to_string())
    }

    fn place(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }
}

fn upload(value: &impl Serialize) -> Result<Upload, String> {
    let bytes = serde_json::to_vec(value).map_err(|why| why.to_string())?;
    let mut upload = Upload::default();
    upload.push(bytes);
    Ok(upload)
}

async fn timed<T>(answer: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timed_by(PATIENCE, answer).await
}

async fn timed_by<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let late = |_| format!("it did not answer within {} s", patience.as_secs());
    tokio::time::timeout(patience, answer).await.map_err(late)?
}

async fn whole(mut response: HttpResponse) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.body.next().await {
        let chunk: Bytes = chunk.map_err(|fault| fault.to_string())?.bytes;
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_BYTES {
            return Err("its answer is too large".to_owned());
        }
    }
    Ok(bytes)
}

async fn read<T: DeserializeOwned>(response: HttpResponse) -> Result<T, String> {
    if response.head.status != 200 {
        return Err(refusal(response).await?);
    }
    let bytes = whole(response).await?;
    serde_json::from_slice(&bytes).map_err(|_| "it is no agent of Tokenscope".to_owned())
}

/// Why it refused, in its own words.
async fn refusal(response: HttpResponse) -> Result<String, String> {
    let status = response.head.status;
    let body: Value = serde_json::from_slice(&whole(response).await?).unwrap_or_default();
    let message = body["error"]["message"].as_str();
    Ok(message.map_or_else(
        || format!("it answered with status {status}"),
        |message| visible_line(message).into_owned(),
    ))
}
