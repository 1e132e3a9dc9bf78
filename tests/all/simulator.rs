//! The simulator over real sockets: what each model sends, how it breaks off, whom it refuses, and
//! the truth that it keeps.

pub mod client;
mod command;
mod conformance;
mod connections;
pub mod dialects;
mod refused;
mod secure;

use client::{Ended, Reply, ask, chat, request};
use serde_json::{Value, json};
use tokenscope::simulator::{self, Simulator, SimulatorOptions};

/// A simulator that does not keep its tests waiting.
pub async fn quick() -> Simulator {
    let options = SimulatorOptions {
        speed: 200.0,
        ..SimulatorOptions::default()
    };
    simulator::serve(options).await.unwrap()
}

/// Models that give no stream of tokens, or not a whole one.
const ODD: &[&str] = &[
    "sim-locked",
    "sim-reset",
    "sim-cut",
    "sim-error",
    "sim-rate-limited",
    "sim-overloaded",
    "sim-html",
];

fn plain_models() -> impl Iterator<Item = String> {
    simulator::models()
        .into_iter()
        .filter(|m| !ODD.contains(&m.as_str()))
}

/// What the chunks of a stream say, put together.
#[derive(Debug, Default, PartialEq)]
struct Said {
    text: String,
    reasoning: String,
    refusal: String,
    arguments: Vec<String>,
    tokens: u64,
    finish: Option<String>,
    usage: Option<Value>,
    error: Option<Value>,
    done: bool,
    comments: usize,
}

impl Said {
    fn of(reply: &Reply) -> Self {
        let mut said = Self::default();
        for block in reply.text().split_terminator("\n\n") {
            match block.strip_prefix("data: ") {
                Some("[DONE]") => said.done = true,
                Some(data) => said.take(&serde_json::from_str(data).unwrap()),
                None => {
                    assert!(block.starts_with(": "), "{block:?}");
                    said.comments += 1;
                }
            }
        }
        said
    }

    fn take(&mut self, chunk: &Value) {
        if chunk["error"].is_object() {
            self.error = Some(chunk["error"].clone());
            return;
        }
        assert_eq!(chunk["object"], "chat.completion.chunk");
        if chunk["usage"].is_object() {
            self.usage = Some(chunk["usage"].clone());
        }
        let delta = &chunk["choices"][0]["delta"];
        for (field, into) in [
            ("content", &mut self.text),
            ("reasoning_content", &mut self.reasoning),
            ("refusal", &mut self.refusal),
        ] {
            let piece = delta[field].as_str().unwrap_or_default();
            self.tokens += u64::from(!piece.is_empty());
            into.push_str(piece);
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            self.arguments
                .resize(self.arguments.len().max(index + 1), String::new());
            self.arguments[index].push_str(call["function"]["arguments"].as_str().unwrap());
            self.tokens += 1;
        }
        if let Some(finish) = chunk["choices"][0]["finish_reason"].as_str() {
            self.finish = Some(finish.to_owned());
        }
    }
}

fn streamed(model: &str) -> Value {
    json!({
        "model": model, "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "Two words" }],
        "max_tokens": 2000,
    })
}

#[tokio::test]
async fn every_models_stream_is_whole_and_its_usage_adds_up() {
    let simulator = quick().await;
    for model in plain_models() {
        let reply = chat(&simulator, &streamed(&model)).await;
        assert_eq!((reply.status, reply.ended), (200, Ended::Clean), "{model}");
        assert_eq!(reply.header("content-type"), Some("text/event-stream"));
        let said = Said::of(&reply);
        let usage = said.usage.as_ref().expect(&model);
        assert_eq!(usage["completion_tokens"], said.tokens, "{model}");
        assert_eq!(usage["prompt_tokens"], 2, "{model}");
        assert_eq!(usage["total_tokens"], said.tokens + 2, "{model}");
        assert_eq!(said.done, model != "sim-no-done", "{model}");
        assert_eq!(said.tokens == 0, model == "sim-empty", "{model}");
        assert!(said.finish.is_some(), "{model}");
    }
}

#[tokio::test]
async fn a_whole_answer_says_what_the_stream_said() {
    let simulator = quick().await;
    for model in plain_models() {
        let said = Said::of(&chat(&simulator, &streamed(&model)).await);
        let mut body = streamed(&model);
        body["stream"] = false.into();
        let whole = chat(&simulator, &body).await.json();
        let message = &whole["choices"][0]["message"];
        assert_eq!(
            message["content"].as_str().unwrap_or_default(),
            said.text,
            "{model}"
        );
        assert_eq!(
            message["reasoning_content"].as_str().unwrap_or_default(),
            said.reasoning
        );
        assert_eq!(
            message["refusal"].as_str().unwrap_or_default(),
            said.refusal
        );
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let arguments: Vec<&str> = calls
            .map(|c| c["function"]["arguments"].as_str().unwrap())
            .collect();
        assert_eq!(arguments, said.arguments, "{model}");
        assert_eq!(Some(&whole["usage"]), said.usage.as_ref(), "{model}");
        assert_eq!(
            whole["choices"][0]["finish_reason"].as_str(),
            said.finish.as_deref()
        );
    }
}

#[tokio::test]
async fn the_same_question_has_the_same_plan_and_another_has_another() {
    let simulator = simulator::start(0).await.unwrap();
    let plan = async |prompt: &str, seed: Option<i64>| {
        let body = json!({
            "model": "sim-jittery", "stream": true, "seed": seed, "max_tokens": 5,
            "messages": [{ "role": "user", "content": prompt }],
        });
        let reply = ask(&simulator, &[("x-tokenscope-plan", "1")], &body).await;
        let plan = reply.header("x-sim-plan").unwrap();
        assert!(
            plan.starts_with("head_ns=") && plan.ends_with("tokens=5"),
            "{plan}"
        );
        plan.to_owned()
    };
    let first = plan("a", None).await;
    assert_eq!(first, plan("a", None).await);
    assert_ne!(first, plan("b", None).await);
    assert_ne!(first, plan("a", Some(1)).await);
    assert_eq!(plan("a", Some(1)).await, plan("a", Some(1)).await);
}

#[tokio::test]
async fn a_run_tells_what_was_planned_and_what_was_done() {
    let simulator = simulator::start(0).await.unwrap();
    let mut body = streamed("sim-bench");
    body["max_tokens"] = 6.into();
    let reply = ask(&simulator, &[("x-tokenscope-plan", "1")], &body).await;
    let run = reply.header("x-sim-run").unwrap().to_owned();
    assert!(
        reply
            .text()
            .contains(&format!("\"id\":\"chatcmpl-sim-{run}\""))
    );

    let record = request(&simulator, "GET", &format!("/sim/runs/{run}"), &[], b"")
        .await
        .json();
    assert_eq!(record["model"], "sim-bench");
    let promised = format!("first_token_ns={};", record["planned_first_token_ns"]);
    assert!(reply.header("x-sim-plan").unwrap().contains(&promised));
    let pieces = record["pieces"].as_array().unwrap();
    // Role, six tokens, finish, usage, end mark.
    assert_eq!(pieces.len(), 10);
    assert_eq!(record["pieces_sent"], 10);
    for piece in pieces {
        let (planned, written) = (&piece["planned_ns"], &piece["written_ns"]);
        assert!(
            written.as_u64().unwrap() >= planned.as_u64().unwrap(),
            "{piece}"
        );
    }
    assert_eq!(record["written_first_token_ns"], pieces[1]["written_ns"]);

    let before = run.parse::<u64>().unwrap() - 1;
    let list = request(
        &simulator,
        "GET",
        &format!("/sim/runs?after={before}"),
        &[],
        b"",
    )
    .await
    .json();
    assert_eq!(list["runs"].as_array().unwrap().len(), 1);
    assert_eq!(
        list["runs"][0]["written_first_token_ns"],
        record["written_first_token_ns"]
    );
}

#[tokio::test]
async fn limits_stops_and_usage_are_as_asked() {
    let simulator = quick().await;
    let mut body = streamed("sim-fast");
    body["max_completion_tokens"] = 3.into();
    let said = Said::of(&chat(&simulator, &body).await);
    assert_eq!((said.tokens, said.finish.as_deref()), (3, Some("length")));

    let mut body = streamed("sim-fast");
    body["stop"] = "simulated".into();
    body["stream_options"] = Value::Null;
    let reply = chat(&simulator, &body).await;
    let said = Said::of(&reply);
    assert!(said.text.ends_with("This answer is **"), "{}", said.text);
    assert_eq!(said.finish.as_deref(), Some("stop"));
    assert!(!reply.text().contains("usage"));
}

#[tokio::test]
async fn models_say_what_they_are_for() {
    let simulator = quick().await;
    let mut body = streamed("sim-echo");
    body["messages"] = json!([
        { "role": "system", "content": "Be brief" },
        { "role": "user", "content": [
            { "type": "text", "text": "你好" },
            { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } },
        ]},
    ]);
    let echo = Said::of(&chat(&simulator, &body).await).text;
    for part in ["Be brief", "你好", "[image/png, 8 bytes]"] {
        assert!(echo.contains(part), "{part} in {echo}");
    }

    let mut body = streamed("sim-json");
    body["response_format"] = json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": {
        "type": "object", "properties": { "city": { "type": "string" } } } } });
    let text = Said::of(&chat(&simulator, &body).await).text;
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        json!({ "city": "simulated" })
    );

    let tools = Said::of(&chat(&simulator, &streamed("sim-tools")).await);
    assert_eq!(tools.finish.as_deref(), Some("tool_calls"));
    assert_eq!(tools.arguments.len(), 2);
    for arguments in tools.arguments {
        assert!(serde_json::from_str::<Value>(&arguments).unwrap()["city"].is_string());
    }

    assert!(Said::of(&chat(&simulator, &streamed("sim-keepalive")).await).comments >= 5);
    let reasoning = Said::of(&chat(&simulator, &streamed("sim-reasoning")).await);
    assert!(reasoning.reasoning.len() > 500 && !reasoning.text.is_empty());
    let bursty = chat(&simulator, &streamed("sim-bursty")).await;
    let most = bursty.chunks.iter().map(|c| c.split("\n\n").count()).max();
    assert!(most.unwrap() > 24, "a burst is one write");
}

#[tokio::test]
async fn the_list_names_every_model_as_simulated() {
    let simulator = quick().await;
    let list = request(&simulator, "GET", "/v1/models", &[], b"")
        .await
        .json();
    let data = list["data"].as_array().unwrap();
    let ids: Vec<&str> = data.iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(ids, simulator::models());
    assert!(
        data.iter()
            .all(|m| m["owned_by"] == "simulated" && m["description"].is_string())
    );
}
