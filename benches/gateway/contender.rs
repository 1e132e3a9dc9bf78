//! What is measured: the gateway's ways, and its peers, each in a process of its own.

use std::{
    fmt,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use crate::common::process::{first_line, this_program};

const TOKEN: &str = "sk-bench";
const NGINX: &str = "/usr/sbin/nginx";

/// What stands between the client and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing.
    Direct,
    /// The gateway, the same protocol on both sides.
    Pass,
    /// The gateway, from openai-chat to gemini.
    Gemini,
    /// The gateway, from openai-chat to anthropic.
    Anthropic,
    /// The gateway with the history, from openai-chat to gemini.
    History,
    /// A bare pass-through over hyper.
    Hyper,
    Nginx,
    Litellm,
}

const NAMES: [(Kind, &str); 8] = [
    (Kind::Direct, "direct"),
    (Kind::Pass, "pass"),
    (Kind::Gemini, "gemini"),
    (Kind::Anthropic, "anthropic"),
    (Kind::History, "history"),
    (Kind::Hyper, "hyper"),
    (Kind::Nginx, "nginx"),
    (Kind::Litellm, "litellm"),
];

impl FromStr for Kind {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        match NAMES.iter().find(|(_, known)| *known == name) {
            Some((kind, _)) => Ok(*kind),
            None => bail!("there is no contender “{name}”"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(kind, _)| kind == self);
        f.pad(name.map_or("", |(_, name)| name))
    }
}

/// CPU time and resident memory of some processes.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub cpu: Duration,
    pub rss_kib: u64,
}

impl Usage {
    pub fn since(self, begun: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(begun.cpu),
            ..self
        }
    }
}

/// A running contender; dropping it stops it.
pub struct Contender {
    pub kind: Kind,
    pub address: SocketAddr,
    child: Option<Child>,
    _folder: Option<TempDir>,
}

impl Contender {
    /// Starts it before this server; `None` if it is not installed, which is said.
    pub fn start(kind: Kind, upstream: SocketAddr) -> anyhow::Result<Option<Self>> {
        match kind {
            Kind::Direct => Ok(Some(Self {
                kind,
                address: upstream,
                child: None,
                _folder: None,
            })),
            Kind::Pass | Kind::Gemini | Kind::Anthropic | Kind::History => {
                gateway(kind, upstream).map(Some)
            }
            Kind::Hyper => {
                let mut command = this_program(&["pass", &upstream.to_string()])?;
                let (child, line) = first_line(&mut command)?;
                Ok(Some(Self {
                    kind,
                    address: line.parse()?,
                    child: Some(child),
                    _folder: None,
                }))
            }
            Kind::Nginx if Path::new(NGINX).exists() => nginx(upstream).map(Some),
            Kind::Litellm => match std::env::var("GATEWAY_LITELLM") {
                Ok(program) => litellm(&program, upstream).map(Some),
                Err(_) => Ok(missing(kind)),
            },
            Kind::Nginx => Ok(missing(kind)),
        }
    }

    /// The gateway with two routes to this server, `plain` and `hedged`.
    pub fn hedging(upstream: SocketAddr) -> anyhow::Result<Self> {
        let settings = format!(
            "[endpoint.openai]\nbase_url = \"http://{upstream}/v1\"\n\
             [gateway.route.plain]\ntargets = \"openai/m\"\n\
             [gateway.route.hedged]\ntargets = \"openai/m\"\nhedge = {{ quantile = 0.95, share = 0.06, per_minute = 100000 }}\n"
        );
        gateway_with(Kind::Pass, &settings)
    }

    /// Makes the bytes of a request for so many tokens from its number; the prompt decides the simulator's delays.
    pub fn request(&self, tokens: u32) -> Arc<dyn Fn(usize) -> String + Send + Sync> {
        let address = self.address;
        let model = match self.kind {
            Kind::Gemini | Kind::History => "via-gemini",
            Kind::Anthropic => "via-anthropic",
            _ => "sim-bench",
        };
        Arc::new(move |index| chat(address, model, tokens, &format!("request {index}")))
    }

    /// What its processes have used so far.
    pub fn usage(&self) -> Usage {
        let Some(child) = &self.child else {
            return Usage::default();
        };
        let mut all = Usage::default();
        for process in family(child.id()) {
            all.cpu += cpu(process).unwrap_or_default();
            all.rss_kib += rss_kib(process).unwrap_or_default();
        }
        all
    }
}

/// A streamed request of openai-chat for so many tokens.
pub fn chat(address: SocketAddr, model: &str, tokens: u32, prompt: &str) -> String {
    let body = format!(
        "{{\"model\":\"{model}\",\"stream\":true,\"max_tokens\":{tokens},\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}"
    );
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Drop for Contender {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            for process in family(child.id()).into_iter().rev() {
                let _ = Command::new("kill").arg(process.to_string()).status();
            }
            let _ = child.wait();
        }
    }
}

fn missing(kind: Kind) -> Option<Contender> {
    println!("| – | {kind} | not installed here |");
    None
}

fn gateway(kind: Kind, upstream: SocketAddr) -> anyhow::Result<Contender> {
    let settings = format!(
        "[endpoint.openai]\nbase_url = \"http://{upstream}/v1\"\n\
             [endpoint.gemini]\ndialect = \"gemini\"\nbase_url = \"http://{upstream}/v1beta\"\n\
             [endpoint.anthropic]\ndialect = \"anthropic\"\nbase_url = \"http://{upstream}\"\n\
             [gateway.route.sim-bench]\ntargets = \"openai/sim-bench\"\n\
             [gateway.route.via-gemini]\ntargets = \"gemini/sim-bench\"\n\
             [gateway.route.via-anthropic]\ntargets = \"anthropic/sim-bench\"\n"
    );
    gateway_with(kind, &settings)
}

fn gateway_with(kind: Kind, settings: &str) -> anyhow::Result<Contender> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("config.toml"), settings)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenscope"));
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--token-env",
            "BENCH_TOKEN",
        ])
        .env("BENCH_TOKEN", TOKEN)
        .env("TOKENSCOPE_CONFIG_DIR", folder.path())
        .env("TOKENSCOPE_DATA_DIR", folder.path().join("data"))
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    if kind != Kind::History {
        command.arg("--no-history");
    }
    let (child, line) = first_line(&mut command)?;
    let url: url::Url = line
        .parse()
        .with_context(|| format!("the gateway said “{line}”"))?;
    let address = url.socket_addrs(|| None)?;
    Ok(Contender {
        kind,
        address: *address.first().context("no address")?,
        child: Some(child),
        _folder: Some(folder),
    })
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn nginx(upstream: SocketAddr) -> anyhow::Result<Contender> {
    let (folder, port) = (tempfile::tempdir()?, free_port()?);
    let file = folder.path().join("nginx.conf");
    let here = folder.path().display();
    std::fs::write(
        &file,
        format!(
            "daemon off; worker_processes 2; pid {here}/pid; error_log {here}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; client_body_temp_path {here}/b; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f;\n\
             uwsgi_temp_path {here}/u; scgi_temp_path {here}/s; keepalive_requests 1000000;\n\
             upstream up {{ server {upstream}; keepalive 2048; keepalive_requests 1000000; }}\n\
             server {{ listen 127.0.0.1:{port} reuseport; location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Host $http_host;\n\
             proxy_set_header Connection \"\"; proxy_buffering off; }} }} }}\n"
        ),
    )?;
    let child = Command::new(NGINX).arg("-c").arg(&file).spawn()?;
    listening(Kind::Nginx, port, child, Some(folder))
}

fn litellm(program: &str, upstream: SocketAddr) -> anyhow::Result<Contender> {
    let (folder, port) = (tempfile::tempdir()?, free_port()?);
    let file = folder.path().join("litellm.yaml");
    std::fs::write(
        &file,
        format!(
            "model_list:\n  - model_name: sim-bench\n    litellm_params:\n      model: openai/sim-bench\n      api_base: http://{upstream}/v1\n      api_key: none\n\
             general_settings:\n  master_key: {TOKEN}\n"
        ),
    )?;
    let child = Command::new(program)
        .args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--config",
        ])
        .arg(&file)
        .env("LITELLM_LOG", "ERROR")
        .env("LITELLM_MODE", "PRODUCTION")
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    listening(Kind::Litellm, port, child, Some(folder))
}

/// Waits until it listens.
fn listening(
    kind: Kind,
    port: u16,
    child: Child,
    folder: Option<TempDir>,
) -> anyhow::Result<Contender> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let contender = Contender {
        kind,
        address,
        child: Some(child),
        _folder: folder,
    };
    for _ in 0..1_200 {
        if TcpStream::connect(address).is_ok() {
            return Ok(contender);
        }
        thread::sleep(Duration::from_millis(100));
    }
    ensure!(false, "{kind} does not listen");
    Ok(contender)
}

/// A process and those that it started.
fn family(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut at = 0;
    while let Some(process) = all.get(at).copied() {
        let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            let children =
                std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        at += 1;
    }
    all
}

/// The CPU time of a process: fields 14 and 15 of `/proc/PID/stat`, in ticks of 10 ms.
fn cpu(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

fn rss_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
