//! A real nginx in front of the simulator: one that buffers is found out, one that does not is not. Skipped where nginx
//! is missing.

use std::{
    fs,
    io::Read as _,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use tokenscope::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::Endpoint,
    measure::{
        arrivals::arrivals,
        burst::{Burst, BurstVerdict},
    },
    run::{Origin, Run, RunHead, RunId, RunSpec, execute},
    simulator,
    transport::Transport,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::deadline::{soon, until};

/// Tries to find a free port: another program may take one before nginx does.
const PORTS: usize = 5;

/// An nginx of its own, stopped when dropped.
struct Nginx {
    program: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Nginx {
    /// Starts one in front of `upstream` with these lines in its server block; `None` if there is no nginx here.
    fn start(upstream: &Url, lines: &str) -> Option<Self> {
        let mut said = String::new();
        for _ in 0..PORTS {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap();
            let folder = tempfile::tempdir().unwrap();
            fs::write(
                folder.path().join("nginx.conf"),
                configuration(port, upstream, lines),
            )
            .unwrap();
            let mut program = command(folder.path()).spawn().ok()?;
            let is_up = until("nginx", || {
                match (program.try_wait().unwrap(), TcpStream::connect(port)) {
                    (Some(_), _) => Ok(false),
                    (None, Ok(_)) => Ok(true),
                    (None, Err(error)) => Err(error),
                }
            });
            if is_up {
                return Some(Self {
                    program,
                    address: port,
                    _folder: folder,
                });
            }
            said.clear();
            program
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
        }
        panic!("nginx did not start: {said}");
    }

    fn endpoint(&self) -> Url {
        Url::parse(&format!("http://{}/v1", self.address)).unwrap()
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg("nginx.conf");
    // The name of the error log until the configuration is read.
    command.args(["-e", "stderr"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn configuration(address: SocketAddr, upstream: &Url, lines: &str) -> String {
    let upstream = upstream.origin().ascii_serialization();
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders
        .map(|name| format!("{name}_temp_path {name};"))
        .concat();
    format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr warn; events {{}}
         http {{ access_log off; {folders}
           server {{ listen {address}; location / {{ proxy_pass {upstream}; proxy_set_header Host $proxy_host; {lines} }} }} }}"
    )
}

/// Asks the simulated model `sim-steady`, 50 tokens a second, for this many.
async fn run(base_url: Url, tokens: u32, takes_gzip: bool) -> Run {
    let mut request = ChatRequest::of_text("sim-steady", "hello");
    request.params.max_tokens = Some(tokens);
    let accept = ("Accept-Encoding".to_owned(), "gzip".to_owned());
    let endpoint = Endpoint {
        allow_http: true,
        headers: takes_gzip.then_some(accept).into_iter().collect(),
        ..Endpoint::custom("proxied", base_url, DialectId::OpenaiChat)
    };
    let spec = RunSpec {
        head: RunHead::new(RunId::new(), &endpoint, Arc::new(request), Origin::Test),
        endpoint: Arc::new(endpoint),
        key: None,
        proxy_password: None,
        no_key_reason: None,
        cold: true,
    };
    let (transport, mut ignore) = (Transport::default(), |_| ());
    let run = execute(&transport, spec, CancellationToken::new(), &mut ignore);
    soon("the run's end", run).await
}

#[tokio::test]
async fn an_nginx_that_buffers_is_found_out() {
    let simulator = simulator::start(0).await.unwrap();
    let through = |lines| Nginx::start(&simulator.base_url(), lines);
    let [Some(plain), Some(buffers), Some(packs)] = [
        through("proxy_buffering off;"),
        through("proxy_buffering on;"),
        through("proxy_buffering on; gzip on; gzip_proxied any; gzip_types text/event-stream;"),
    ] else {
        println!("skipped: nginx is not here");
        return;
    };
    let cases = [
        ("no proxy", simulator.base_url(), 100, BurstVerdict::Flowing),
        (
            "proxy_buffering off",
            plain.endpoint(),
            100,
            BurstVerdict::Flowing,
        ),
        (
            "proxy_buffering on, a probe",
            buffers.endpoint(),
            16,
            BurstVerdict::Buffered,
        ),
        (
            "proxy_buffering on",
            buffers.endpoint(),
            150,
            BurstVerdict::Buffered,
        ),
        (
            "gzip on, a probe",
            packs.endpoint(),
            16,
            BurstVerdict::Buffered,
        ),
        ("gzip on", packs.endpoint(), 150, BurstVerdict::Buffered),
    ];
    let runs = cases.map(|(name, url, tokens, verdict)| async move {
        let run = run(url, tokens, name.starts_with("gzip")).await;
        assert_eq!(run.answer.fault, None, "{name}");
        let burst = Burst::of(&run, &arrivals(&run.reads)).expect("it is over");
        println!("{name}: {burst}");
        (name, burst.verdict, verdict)
    });
    let found = futures_util::future::join_all(runs).await;
    for (name, found, expected) in found {
        assert_eq!(found, expected, "{name}");
    }
}
