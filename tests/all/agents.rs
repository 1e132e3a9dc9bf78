//! Benches of several machines: agents that are driven, and files that are merged.

mod files;
mod lost;
mod merged;
mod prompts;
mod refused;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream as BlockingStream,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

use crate::{
    bench::answer,
    deadline,
    fault_server::{Server, read_request, serve},
    home::{Home, Ran},
};

/// What agents and drivers of these tests share.
const TOKEN: &str = "a-token-of-the-tests-alone";

/// A server that answers after a pause, and counts what it was asked.
struct Provider {
    server: Server,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    async fn new(pause: Duration) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let server = serve(move |mut stream, _| {
            let asked = Arc::clone(&count);
            async move {
                while read_request(&mut stream).await.is_some() {
                    asked.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(pause).await;
                    answer(&mut stream).await;
                }
            }
        })
        .await;
        Self { server, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// An agent in a process and a home of its own, whose endpoint `here` is a provider.
struct Agent {
    child: Child,
    address: String,
    _home: Home,
}

impl Agent {
    fn start(provider: &Provider) -> Self {
        Self::start_with(provider, &[])
    }

    fn start_with(provider: &Provider, more: &[&str]) -> Self {
        let home = Home::new().with("TOKENSCOPE_AGENT_TOKEN", TOKEN);
        let url = provider.server.url();
        home.write_settings(&format!(
            "[endpoint.here]\nbase_url = \"{url}v1\"\nmodels = [\"m\"]\n"
        ));
        let listen = ["probe", "--listen", "127.0.0.1:0", "--accept-benches"];
        let arguments = [&listen[..], &["--no-history"], more].concat();
        let mut child = home.start(arguments, Stdio::null(), Stdio::piped());
        let err = BufReader::new(child.stderr.take().unwrap());
        let (err, address) = deadline::read("its address", err, |err| {
            let mut lines = err.lines().map_while(Result::ok);
            lines.find_map(|line| Some(line.split_once("metrics at ")?.1.to_owned()))
        });
        // What it says later must not end it.
        std::thread::spawn(move || err.lines().map_while(Result::ok).for_each(drop));
        let address = address.expect("it listens");
        let address = address.trim_end_matches("/metrics");
        Self {
            child,
            address: address.trim_start_matches("http://").to_owned(),
            _home: home,
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The status of a request with these lines of a head.
    fn status(&self, request: &str, head: &str) -> u16 {
        let mut stream = BlockingStream::connect(&self.address).unwrap();
        let request =
            format!("{request} HTTP/1.1\r\nhost: localhost\r\n{head}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let (_, response) = deadline::read("a response", stream, |stream| {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).map(|_| bytes)
        });
        let response = String::from_utf8_lossy(&response.unwrap()).into_owned();
        response.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Somebody who drives agents.
fn driver() -> Home {
    Home::new().with("TOKENSCOPE_AGENT_TOKEN", TOKEN)
}

/// The arguments of a bench by these agents.
fn asks<'a>(agents: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let bench = ["bench", "--json", "--agents", agents, "-t", "here/m"];
    [&bench[..], more].concat()
}

fn addresses(agents: &[&Agent]) -> String {
    let addresses: Vec<&str> = agents.iter().map(|agent| &agent.address[..]).collect();
    addresses.join(",")
}

/// The line that a bench ended with.
#[track_caller]
fn line(ran: &Ran) -> Value {
    let last = ran.out.lines().last();
    let last = last.unwrap_or_else(|| panic!("no line: {}", ran.err));
    serde_json::from_str(last).unwrap()
}
