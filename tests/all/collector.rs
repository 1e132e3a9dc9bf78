//! OpenTelemetry collectors: one of our own, which takes everything and tells what came, and a real one.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use crate::deadline::{self, Deadline};

/// Listens as long as the test runs.
pub struct Collector {
    /// Where it listens.
    pub url: String,
    came: Receiver<String>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, came) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (sender, stream) = (sender.clone(), stream.unwrap());
                thread::spawn(move || take(stream, &sender));
            }
        });
        Self { url, came }
    }

    /// What came so far as traces, and as metrics: protobuf, whose texts can be found.
    pub fn came(&self) -> (String, String) {
        let came: Vec<String> = self.came.try_iter().collect();
        let of = |path: &str| {
            let head = format!("POST {path} ");
            let of = came.iter().filter(|text| text.starts_with(&head));
            of.cloned().collect::<String>()
        };
        (of("/v1/traces"), of("/v1/metrics"))
    }
}

/// Takes the requests of a connection.
fn take(mut stream: TcpStream, sender: &Sender<String>) {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 << 10];
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap().parse().unwrap();
        if bytes.len() < end + 4 + length {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        sender.send(text).unwrap();
        bytes.clear();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }
}

/// The collector of the Python package `rotel`, which `tests/run` installs; it does not outlive its test.
pub struct Rotel {
    child: Child,
    pub url: String,
    lines: Receiver<String>,
}

impl Rotel {
    /// Its program, if it is there.
    fn program() -> Option<PathBuf> {
        let made = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/sdk/bin/python");
        let python = std::env::var_os("TOKENSCOPE_PYTHON").unwrap_or_else(|| made.into());
        let place = "import os, rotel; print(os.path.dirname(rotel.__file__))";
        let found = Command::new(python).args(["-c", place]).output().ok()?;
        let folder = String::from_utf8(found.stdout).ok()?;
        let folder = (found.status.success()).then(|| PathBuf::from(folder.trim()));
        folder.map(|folder| folder.join("rotel-agent"))
    }

    /// Starts it, if it is there. It can't pick a free port by itself, so that another program may take ours first: then once more.
    pub fn start() -> Option<Self> {
        let Some(program) = Self::program() else {
            println!("skipped: the Python package rotel is not installed (tests/run does that)");
            return None;
        };
        let deadline = Deadline::of("a collector that listens");
        Some(deadline.until(|| Self::at_free_ports(&program)))
    }

    /// Waits until its log has all these texts.
    pub fn says_all(&self, texts: &[&str]) {
        let mut said = String::new();
        let deadline = Deadline::of("traces and metrics in the collector's log");
        while !texts.iter().all(|text| said.contains(text)) {
            let line = deadline.next(&self.lines);
            let line = line.unwrap_or_else(|| panic!("the collector ended: {said}"));
            said.push_str(&line);
            said.push('\n');
        }
    }

    fn at_free_ports(program: &PathBuf) -> Result<Self, String> {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap();
        let [http, grpc] = [free(), free()].map(|port| port.local_addr().unwrap().to_string());
        let mut command = Command::new(program);
        command.args(["start", "--exporter", "blackhole"]);
        command.args(["--debug-log-verbosity", "detailed"]);
        command.args(["--debug-log", "traces", "--debug-log", "metrics"]);
        command.args(["--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc]);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (give, lines) = channel();
        thread::spawn(move || {
            let mut lines = out.lines().map_while(Result::ok);
            lines.all(|line| give.send(line).is_ok())
        });
        let url = format!("http://{http}");
        let mut rotel = Self { child, url, lines };
        deadline::until("the collector's port", || {
            if rotel.child.try_wait().unwrap().is_some() {
                return Ok(false);
            }
            TcpStream::connect(&http).map(|_| true)
        })
        .then_some(rotel)
        .ok_or_else(|| format!("it did not start at {http}"))
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
