//! What a bench asks: prompts of a file, and random words by length, as a server gets them.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokenscope::bench::prompts::{ShippedVocabulary, Tokenizer};

use super::{answer, assert_done, bench_at};
use crate::{
    fault_server::{Server, read_request, serve},
    home::Home,
};

pub type Bodies = Arc<Mutex<Vec<Value>>>;

/// A server that answers, and keeps what it is asked.
pub async fn keeping_server() -> (Server, Bodies) {
    let bodies = Bodies::default();
    let kept = Arc::clone(&bodies);
    let server = serve(move |mut stream, _| {
        let kept = Arc::clone(&kept);
        async move {
            while let Some((_, body)) = read_request(&mut stream).await {
                kept.lock()
                    .unwrap()
                    .push(serde_json::from_slice(&body).unwrap());
                answer(&mut stream).await;
            }
        }
    })
    .await;
    (server, bodies)
}

/// The texts of the messages of a request.
pub fn texts(body: &Value) -> Vec<&str> {
    let messages = body["messages"].as_array().unwrap().iter();
    messages
        .map(|message| message["content"].as_str().unwrap())
        .collect()
}

fn max_tokens(body: &Value) -> u64 {
    let stated = body
        .get("max_tokens")
        .or_else(|| body.get("max_completion_tokens"));
    stated.unwrap().as_u64().unwrap()
}

/// A text without the line in front that no other request has.
#[track_caller]
pub fn after_number(text: &str) -> &str {
    let (number, rest) = text.split_once('\n').unwrap();
    assert_eq!(number.len(), 16, "{text}");
    rest
}

const SHARE_GPT: &str = r#"[
  {"id": "a", "conversations": [
    {"from": "human", "value": "one"}, {"from": "gpt", "value": "hello world"},
    {"from": "human", "value": "two"}]},
  {"id": "b", "conversations": []}
]"#;

#[tokio::test(flavor = "multi_thread")]
async fn each_turn_of_a_recorded_conversation_is_asked_with_its_answers_before_it() {
    let (home, (server, bodies)) = (Home::new(), keeping_server().await);
    let file = home.path().join("sharegpt.json");
    std::fs::write(&file, SHARE_GPT).unwrap();
    let file = file.to_str().unwrap();
    let more = ["-n", "4", "--prompts", file, "--turns", "each"];
    let more = [&more[..], &["--answer-lengths", "--max-tokens", "9"]].concat();
    let (line, ran) = bench_at(&home, &server, &more);
    assert_done(&line, &ran);
    assert!(ran.err.contains("1 entries of"), "{}", ran.err);
    let bodies = bodies.lock().unwrap();
    assert_eq!(bodies.len(), 4);
    for (number, body) in bodies.iter().enumerate() {
        let texts = texts(body);
        let is_first = number % 2 == 0;
        assert_eq!(after_number(texts[0]), "one");
        let rest: &[&str] = if is_first {
            &[]
        } else {
            &["hello world", "two"]
        };
        assert_eq!(&texts[1..], rest);
        assert_eq!(max_tokens(body), if is_first { 2 } else { 9 });
    }
    assert_ne!(texts(&bodies[0]), texts(&bodies[2]), "no cache may answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_file_are_asked_in_order_or_by_chance() {
    let (home, (server, bodies)) = (Home::new(), keeping_server().await);
    let file = home.path().join("lines.txt");
    std::fs::write(&file, "a\n\nb\nc\n").unwrap();
    let file = file.to_str().unwrap();
    let asked = |order: &str| {
        let more = ["-n", "12", "--prompts", file, "--prompt-order", order];
        let (line, ran) = bench_at(&home, &server, &more);
        assert_done(&line, &ran);
        let bodies = std::mem::take(&mut *bodies.lock().unwrap());
        let letters = bodies
            .iter()
            .map(|body| after_number(texts(body)[0]).to_owned());
        letters.collect::<String>()
    };
    assert_eq!(asked("in_order"), "abcabcabcabc");
    let by_chance = asked("random");
    assert_ne!(by_chance, "abcabcabcabc");
    assert_eq!(asked("random"), by_chance, "the seed is the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn random_words_have_exactly_the_tokens_that_were_asked_for() {
    let (home, (server, bodies)) = (Home::new(), keeping_server().await);
    let more = ["-n", "6", "--input-tokens", "20", "--output-tokens", "5"];
    let more = [&more[..], &["--synthetic-prompts", "2"]].concat();
    let (line, ran) = bench_at(&home, &server, &more);
    assert_done(&line, &ran);
    let tokenizer = Tokenizer::shipped(ShippedVocabulary::O200k).unwrap();
    let bodies = bodies.lock().unwrap();
    assert_eq!(bodies.len(), 6);
    for body in bodies.iter() {
        let texts = texts(body);
        assert_eq!(texts.len(), 1);
        assert_eq!(tokenizer.count(texts[0]), 20, "{texts:?}");
        assert_eq!(max_tokens(body), 5);
    }
    assert_ne!(texts(&bodies[0]), texts(&bodies[2]), "no cache may answer");
}

#[test]
fn an_estimate_counts_the_tokens_of_what_is_asked() {
    let home = Home::new();
    let asks = ["bench", "--json", "--dry-run", "-n", "10"];
    let lengths = ["--input-tokens", "500", "--output-tokens", "30"];
    let estimate = home.run(&[&asks[..], &lengths].concat(), "").json();
    assert_eq!(estimate["most_output_tokens"], 300);
    // Servers add something around a message.
    assert_eq!(estimate["most_input_tokens"], 5_160);
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let file = home.path().join("bad.jsonl");
    std::fs::write(&file, "\"a\"\n{\"prompt\": 5}\n").unwrap();
    let file = file.to_str().unwrap();
    let agents = ["--agents", "127.0.0.1:1", "-t", "here/m"];
    for (more, says) in [
        (vec!["--prompts", file], "line 2"),
        (vec!["--prompts", "no-such.txt"], "no-such.txt"),
        (vec!["--prompts", file, "--prompt", "x"], "--prompt"),
        (vec!["--turns", "each"], "--prompts"),
        (vec!["--input-tokens", "3"], "from 4"),
        (vec!["--tokenizer", "cl100k_base"], "--input-tokens"),
        (vec!["--input-tokens", "1000000"], "--synthetic-prompts"),
        ([&agents[..], &["--prompts", file]].concat(), "line 2"),
    ] {
        let ran = home.run(&[&["bench"], &more[..]].concat(), "");
        assert_eq!(ran.code, Some(2), "{more:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(says), "{more:?}: {}", ran.err);
    }
}
