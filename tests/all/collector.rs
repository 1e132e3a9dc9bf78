//! An OpenTelemetry collector of our own: it takes everything, and tells what came.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

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
