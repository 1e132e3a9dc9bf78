//! Heads and trailers that are too long: they are read, or refused in words, and memory stays bounded.

use super::{flood::send_once, *};

/// Sends bytes as they are, and asks for a whole run by them.
fn ask_raw(response: Vec<u8>) -> Took {
    let url = send_once(response);
    let arguments = ["chat", "--json", "--base-url", &url, "-m", "m", "hi"];
    measured(&Home::new(), &arguments)
}

fn body() -> Vec<u8> {
    Flood::new("openai-chat", "", 0).body()
}

fn with_head(lines: &str) -> Vec<u8> {
    let head = format!("{EVENTS}connection: close\r\n{lines}\r\n");
    [head.into_bytes(), body()].concat()
}

fn with_trailers(lines: &str) -> Vec<u8> {
    let body = body();
    let head = format!(
        "{EVENTS}transfer-encoding: chunked\r\n\r\n{:x}\r\n",
        body.len()
    );
    let end = format!("\r\n0\r\n{lines}\r\n");
    [head.as_bytes(), &body, end.as_bytes()].concat()
}

fn lines(count: usize) -> String {
    let lines = Flood::json("openai-chat", "", "x-odd-{n}: some text\r\n", count, "");
    String::from_utf8(lines.body()).unwrap()
}

/// Runs it, and holds it to a budget.
fn run(name: &str, response: Vec<u8>) -> Value {
    let took = ask_raw(response);
    let run = took.run();
    println!(
        "{name}: peak {} MiB, disk {} KiB, {} {}",
        took.peak >> 20,
        took.disk >> 10,
        run["outcome"],
        run["fault"]
    );
    assert!(took.above() < ROOM, "{name}: {} bytes of memory", took.peak);
    assert!(took.disk < DISK_ROOM, "{name}: {} bytes on disk", took.disk);
    run
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_head_is_read_or_refused_in_words() {
    ok(&run("500 headers", with_head(&lines(500))));
    let long = format!("x-odd: {}\r\n", "x".repeat(1 << 20));
    let endless = lines(1 << 19);
    for (name, head) in [
        ("10,000 headers", lines(10_000)),
        ("a header of 1 MiB", long),
        ("headers of 11 MiB", endless),
    ] {
        let run = run(name, with_head(&head));
        assert_eq!(
            run["fault"]["class"], "protocol",
            "{name}: {}",
            run["fault"]
        );
        let message = run["fault"]["message"].as_str().unwrap();
        assert!(message.contains("head"), "{name}: {message}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn long_trailers_are_no_part_of_an_answer() {
    for (name, count) in [
        ("trailers", 10),
        ("5,000 trailers", 5_000),
        ("trailers of 11 MiB", 1 << 19),
    ] {
        let run = run(name, with_trailers(&lines(count)));
        assert_eq!(run["text"], "end");
    }
}
