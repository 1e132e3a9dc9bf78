//! Texts of answers: kept only where that is asked for, and within limits.

use std::time::Duration;

use serde_json::Value;

use super::{HEAD, assert_done, bench_at, lines, steady_server};
use crate::{
    fault_server::{Server, chunk, read_request, send, serve},
    home::Home,
};

/// Most bytes of one text.
const MOST: usize = 16 << 10;

/// A server whose answers are this many letters long.
async fn long_server(letters: usize) -> Server {
    serve(move |mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            send(&mut stream, HEAD).await;
            let text = "x".repeat(letters);
            let event = format!(
                "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
            );
            send(&mut stream, chunk(event)).await;
            let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
            send(&mut stream, chunk(end)).await;
            send(&mut stream, "0\r\n\r\n").await;
        }
    })
    .await
}

fn id(line: &Value) -> String {
    line["id"].as_i64().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_kept_only_where_that_is_asked_for() {
    let (home, server) = (Home::new(), steady_server(Duration::ZERO).await);
    let (without, ran) = bench_at(&home, &server, &["-n", "6"]);
    assert_done(&without, &ran);
    assert!(
        without.get("texts").is_none() && !ran.err.contains("texts"),
        "{}",
        ran.err
    );
    let refused = home.run(&["bench", "--show", &id(&without), "--texts"], "");
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("--keep-texts"), "{}", refused.err);

    let (line, ran) = bench_at(
        &home,
        &server,
        &["-n", "6", "--warm-up", "2", "--keep-texts"],
    );
    assert_done(&line, &ran);
    assert!(
        ran.err.contains("128 KiB at most"),
        "told before: {}",
        ran.err
    );
    assert_eq!(
        line["texts"],
        serde_json::json!({ "kept": 6, "cut": 0, "left_out": 0 })
    );
    let texts = lines(&home.run(&["bench", "--show", &id(&line), "--texts"], ""));
    assert_eq!(texts.len(), 6, "none of the warm-up");
    for text in &texts {
        assert_eq!(
            (&text["type"], &text["text"]),
            (&"text".into(), &"one two".into())
        );
        assert_eq!(
            (&text["outcome"], &text["is_cut"]),
            (&"ok".into(), &false.into())
        );
    }

    for (bench, has_texts) in [(&without, false), (&line, true)] {
        let file = home.path().join("requests.json");
        let to = file.to_str().unwrap();
        let ran = home.run(&["bench", "--show", &id(bench), "-o", to], "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let written = std::fs::read_to_string(&file).unwrap();
        assert_eq!(written.contains("one two"), has_texts);
    }
    let nowhere = ["bench", "-n", "1", "--keep-texts", "--no-history"];
    let refused = home.run(&nowhere, "");
    assert_eq!(refused.code, Some(2), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_answer_the_beginning_is_kept() {
    let (home, server) = (Home::new(), long_server(MOST + 1).await);
    let (line, ran) = bench_at(&home, &server, &["-n", "3", "--keep-texts"]);
    assert_done(&line, &ran);
    assert_eq!(line["texts"]["cut"], 3, "{line}");
    let texts = lines(&home.run(&["bench", "--show", &id(&line), "--texts"], ""));
    for text in &texts {
        assert_eq!(text["text"].as_str().unwrap().len(), MOST);
        assert_eq!(text["is_cut"], true);
    }
}
