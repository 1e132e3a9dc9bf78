//! A capture is shown, saved and replayed by the program, and served to another client.

use serde_json::Value;
use tokenscope::{
    capture::{CapturedRead, Speed, har, tscap},
    dialect::DialectId,
    event::{Event, Fault, FaultClass, Phase},
    run::Run,
};

use super::{asked, of_body, served, whole};
use crate::{
    home::{Home, Ran},
    simulator::{dialects::endpoints, quick},
};

fn lines(ran: &Ran) -> Vec<Value> {
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The events of some lines of JSON, without their times.
fn events(lines: &[Value]) -> Vec<Event> {
    let events = lines
        .iter()
        .filter_map(|line| serde_json::from_value(line.clone()).ok());
    // Notes are of how it was sent, too.
    events
        .filter(|event| !matches!(event, Event::Note(_) | Event::KeepAlive { .. }))
        .collect()
}

#[test]
fn a_run_is_inspected_saved_and_replayed() {
    let home = Home::new();
    let asked = home.run(
        &["chat", "-t", "simulator/sim-tools", "--json", "Weather?"],
        "",
    );
    assert_eq!(asked.code, Some(0), "{}", asked.err);
    let asked = lines(&asked);
    let id = asked.last().unwrap()["id"].as_str().unwrap();
    let (tscap_file, har_file) = (home.path().join("run.tscap"), home.path().join("run.har"));
    for (given, file) in [("last", &tscap_file), (id, &har_file)] {
        let saved = home.run(&["inspect", given, "--save", file.to_str().unwrap()], "");
        assert_eq!(saved.code, Some(0), "{}", saved.err);
    }
    let read = |file| std::fs::read_to_string(file).unwrap();
    let capture = tscap::read(&read(&tscap_file)).unwrap();
    assert_eq!(har::read(&read(&har_file)).unwrap(), capture);
    assert_eq!(capture.run.id.0.to_string(), id);
    for given in [
        "last",
        id,
        tscap_file.to_str().unwrap(),
        har_file.to_str().unwrap(),
    ] {
        let replayed = home.run(&["replay", given, "--speed", "max", "--json"], "");
        assert_eq!(replayed.code, Some(0), "{}", replayed.err);
        let replayed = lines(&replayed);
        assert_eq!(events(&replayed), events(&asked), "{given}");
        let (then, now) = (asked.last().unwrap(), replayed.last().unwrap());
        for figure in [
            "ttft_ms",
            "total_ms",
            "tool_calls",
            "started_unix_ns",
            "status",
        ] {
            assert_eq!(now[figure], then[figure], "{given}: {figure}");
        }
        let page = home.run(&["inspect", given], "");
        assert_eq!(page.code, Some(0), "{}", page.err);
        for part in [
            "phases",
            "POST http://127.0.0.1",
            "HTTP/1.1 200",
            "data: {",
            "tool_call",
        ] {
            assert!(page.out.contains(part), "{part} in {}", page.out);
        }
        let frames = lines(&home.run(&["inspect", given, "--json"], ""));
        let raw: String = frames
            .iter()
            .filter_map(|line| line["text"].as_str())
            .collect();
        let body = &capture.response.as_ref().unwrap().body.bytes;
        assert_eq!(raw.as_bytes(), &body[..], "{given}");
    }
}

#[test]
fn a_failed_run_shows_its_error_and_what_is_no_capture_is_refused() {
    let home = Home::new();
    assert_eq!(
        home.run(&["inspect", "last"], "").code,
        Some(1),
        "no history yet"
    );
    let asked = home.run(&["chat", "-t", "simulator/sim-locked", "Hi"], "");
    assert_eq!(asked.code, Some(1));
    let page = home.run(&["inspect", "last"], "");
    assert!(
        page.out.contains("HTTP/1.1 401") && page.out.contains("{\"error\":"),
        "{}",
        page.out
    );
    assert_eq!(
        home.run(&["replay", "last", "--speed", "max"], "").code,
        Some(1)
    );
    for (arguments, code, why) in [
        (&["inspect", "123"][..], 2, "the history has no run 123"),
        (&["inspect", "no-such.tscap"], 2, "no-such.tscap"),
        (
            &["inspect", "last", "--save", "x.txt"],
            2,
            "neither in .har nor in .tscap",
        ),
        (&["replay", "last", "--speed", "0"], 2, "write a number"),
        (
            &["replay", "last", "--serve", "--listen", "0.0.0.0:0"],
            2,
            "loopback",
        ),
        (&["inspect", "-"], 2, "neither a .tscap nor a .har file"),
    ] {
        let ran = home.run(arguments, "no capture");
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(why), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn a_stall_is_a_gap_that_stands_out_and_what_is_not_known_is_blank() {
    let chunk = |n: usize| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{n}\"}}}}]}}\n\n")
    };
    let mut body = (0..8).map(chunk).collect::<String>();
    let silent_from = body.len();
    // A keep-alive in a silence ends none.
    body += &(": ping\n\n".to_owned() + &(8..12).map(chunk).collect::<String>());
    let ends: Vec<usize> = body.match_indices("\n\n").map(|(at, _)| at + 2).collect();
    let mut capture = of_body(DialectId::OpenaiChat, 200, body.as_bytes(), body.len());
    let home = Home::new();
    let file = home.path().join("run.tscap");
    let given = file.to_str().unwrap();
    for (gap_ms, silence_ms, stalled) in [(20, 700, vec![9]), (400, 40, vec![])] {
        let response = capture.response.as_mut().unwrap();
        let mut at = 2_000_000_000;
        response.reads = (ends.iter())
            .map(|end| {
                let is_silence = *end > silent_from && *end <= silent_from + 20;
                let waited_ms = if is_silence { silence_ms } else { gap_ms };
                at += waited_ms * 1_000_000;
                CapturedRead {
                    at,
                    delay: None,
                    is_at_most: false,
                    end: *end,
                }
            })
            .collect();
        capture.run.stamps.closed = None;
        let fault = Fault::new(
            FaultClass::Interrupted,
            Phase::Stream,
            "it\nbroke \u{1b}[31moff",
        );
        capture.fault = Some(fault);
        std::fs::write(&file, tscap::write(&capture)).unwrap();
        let shown = lines(&home.run(&["inspect", given, "--json"], ""));
        assert_eq!(
            (&shown[0]["type"], &shown[0]["tscap"]),
            (&"head".into(), &1.into())
        );
        let frames = shown
            .iter()
            .filter(|line| line["type"] == "frame")
            .enumerate();
        let marked = frames.filter(|(_, line)| line["is_stall"] == true);
        let marked: Vec<usize> = marked.map(|(place, _)| place).collect();
        assert_eq!(marked, stalled, "{gap_ms} ms apart");
        let page = home.run(&["inspect", given], "").out;
        assert_eq!(page.matches("  stall\n").count(), stalled.len(), "{page}");
        assert!(page.lines().any(|line| line == "   end"), "{page}");
        assert!(page.contains("it\\nbroke \\u{1b}[31moff"), "{page}");
    }
}

/// What an answer said, without notes of how it was sent.
fn said(run: &Run) -> impl PartialEq + std::fmt::Debug {
    let answer = &run.answer;
    let fault = answer.fault.as_ref().map(|fault| fault.class);
    (
        answer.text.clone(),
        answer.reasoning.clone(),
        answer.tool_calls.clone(),
        answer.usage,
        answer.finish.clone(),
        fault,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_served_capture_gives_another_client_the_same_answer() {
    let simulator = quick().await;
    for endpoint in endpoints(&simulator) {
        for model in ["sim-tools", "sim-reasoning", "sim-locked", "sim-cut"] {
            let name = format!("{}/{model}", endpoint.id);
            let (run, kept) = asked(&Home::new(), endpoint.clone(), model).await;
            let capture = whole(kept);
            let (_server, endpoint) = served(&capture, Speed::Max).await;
            let (again, kept) = asked(&Home::new(), endpoint, "any").await;
            let fault = &again.answer.fault;
            assert_eq!(again.status, run.status, "{name}: {fault:?}");
            // A reset is a reset for the first client, and an end without its mark for the second.
            if run
                .answer
                .fault
                .as_ref()
                .is_none_or(|fault| fault.class == FaultClass::Auth)
            {
                assert_eq!(said(&again), said(&run), "{name}");
            } else {
                assert_eq!(again.answer.text, run.answer.text, "{name}");
                assert!(again.answer.fault.is_some(), "{name}");
            }
            let (then, now) = (capture.response.unwrap(), whole(kept).response.unwrap());
            assert_eq!(now.body, then.body, "{name}");
            assert_eq!(now.trailers, then.trailers, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_served_capture_keeps_its_pace() {
    let chunk = |n: u32| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{n}\"}}}}]}}\n\n")
    };
    let body = (0..8).map(chunk).collect::<Vec<_>>().concat();
    let body = body + "data: [DONE]\n\n";
    let piece = body.find("\n\n").unwrap() + 2;
    let mut capture = of_body(DialectId::OpenaiChat, 200, body.as_bytes(), piece);
    let response = capture.response.as_mut().unwrap();
    for (number, read) in response.reads.iter_mut().enumerate() {
        read.at = 50_000_000 + number as u64 * 20_000_000;
    }
    let (_server, endpoint) = served(&capture, Speed::Times(1.0)).await;
    let (run, _) = asked(&Home::new(), endpoint, "any").await;
    assert_eq!(run.answer.text, "01234567");
    let sent = run.stamps.request_sent.unwrap();
    let mut tokens = 0;
    for read in run.reads.iter().filter(|read| read.tokens > 0) {
        tokens += u64::from(read.tokens);
        // It came at 50 ms, and its request was sent at 1 ms. A busy machine can only make it later.
        let due = 49_000_000 + (tokens - 1) * 20_000_000;
        let came = read.at - sent;
        assert!(came + 1_000_000 >= due, "{tokens}: {came} before {due}");
    }
    assert_eq!(tokens, 8);
}
