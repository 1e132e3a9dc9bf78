//! A server that says when it wrote the first token, and how long that `write` took: one thread a connection, nothing
//! between the clock and the socket.

use std::{
    io::{BufReader, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Tokens of an answer, and the time between two of them.
const TOKENS: u32 = 32;
const PACE: Duration = Duration::from_millis(40);
/// The first token comes after 35 to 65 ms.
const LEAST: Duration = Duration::from_millis(35);
const SPREAD_US: u64 = 30_000;

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const END: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

/// How many tokens are written at once, each in a segment of its own.
fn burst() -> u32 {
    let burst = std::env::var("LATE_BURST").ok();
    burst.and_then(|number| number.parse().ok()).unwrap_or(1)
}

/// Prints its URL, and serves until it is killed.
pub fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut out = std::io::stdout();
    writeln!(out, "http://{}/v1", listener.local_addr()?)?;
    out.flush()?;
    for (number, socket) in (0..).zip(listener.incoming()) {
        let socket = socket?;
        // A client that goes away ends its thread.
        thread::spawn(move || connection(socket, number));
    }
    Ok(())
}

fn connection(mut socket: TcpStream, number: u64) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut requests = BufReader::new(socket.try_clone()?);
    let burst = burst();
    for round in 0.. {
        read_request(&mut requests)?;
        let begun = Instant::now();
        socket.write_all(HEAD.as_bytes())?;
        let spread = (number * 7_919 + round * 104_729) % SPREAD_US;
        sleep_until(begun + LEAST + Duration::from_micros(spread));
        let took = write_stamp(&mut socket)?;
        let first = Instant::now();
        for token in 1..TOKENS {
            sleep_until(first + PACE * (token - token % burst));
            let text = if token == 1 {
                format!(" {} ", took.as_nanos())
            } else {
                "word ".to_owned()
            };
            socket.write_all(&chunk(&event(&text)))?;
        }
        socket.write_all(&chunk(&format!("data: {END}\n\n")))?;
        socket.write_all(&chunk("data: [DONE]\n\n"))?;
        socket.write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}

/// Writes the time as the first token, and gives how long that took.
fn write_stamp(socket: &mut TcpStream) -> std::io::Result<Duration> {
    // All but the digits is there before the clock is read.
    let place = "0000000000000000000";
    let mut bytes = chunk(&event(place));
    let text = String::from_utf8_lossy(&bytes);
    let at = text.find(place).unwrap_or_default();
    let began = Instant::now();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let digits = &mut bytes[at..at + place.len()];
    write!(&mut digits[..], "{:019}", now.as_nanos())?;
    socket.write_all(&bytes)?;
    Ok(began.elapsed())
}

fn event(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

fn chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}

fn sleep_until(at: Instant) {
    thread::sleep(at.saturating_duration_since(Instant::now()));
}

/// Reads a request to its end.
fn read_request(requests: &mut impl std::io::BufRead) -> std::io::Result<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if requests.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    requests.read_exact(&mut body)
}
