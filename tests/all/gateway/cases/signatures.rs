//! Cases 1 to 5: thought signatures and ids of calls.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokenscope::dialect::DialectId::{
    self, Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};

use super::{
    client::{Called, StrictClient, without_extra},
    rig::{Reply, Target, answer, before, gemini, post, through},
};

const GEMINI_3: &str = "gemini-3-pro-preview";
/// The protocols whose clients drop a thought signature.
const OTHERS: [DialectId; 4] = [OpenaiChat, OpenaiResponses, Anthropic, Ollama];
/// Signatures of two steps, with every character of base64 that an id can't have, and one of many bytes.
const SIGNATURES: [&str; 2] = ["Cs8BAb4+9/g+Pz8/PT0=", "EqQB/+8A"];

fn call(id: Option<&str>, name: &str, signature: Option<&str>) -> Value {
    let mut part = json!({ "functionCall": { "name": name, "args": { "n": 1 } } });
    if let Some(id) = id {
        part["functionCall"]["id"] = id.into();
    }
    if let Some(signature) = signature {
        part["thoughtSignature"] = signature.into();
    }
    part
}

/// Two steps of calls, then a text. Of the parallel calls the first is signed.
fn steps() -> Vec<Reply> {
    let [first, second] = SIGNATURES;
    vec![
        gemini(&[
            json!([{ "text": "Hm", "thought": true }]),
            json!([
                call(Some("a-1"), "weather", Some(first)),
                call(Some("a-2"), "weather", None)
            ]),
        ]),
        gemini(&[
            json!([call(Some("b-1"), "weather", Some(second))]),
            json!([call(Some("b-2"), "weather", None)]),
        ]),
        gemini(&[json!([{ "text": "Done" }])]),
    ]
}

/// Has a client go through the steps; its requests came to the target.
async fn go(client: &mut StrictClient, target: &Target, stream: bool) {
    let gateway = before(&target.endpoint).await;
    client.says("How is the weather?");
    for calls in [2, 2, 0] {
        let said = post(&gateway, client.inbound, stream, client.body()).await;
        let called = client.hears(&said);
        assert_eq!(called.len(), calls, "{}: {}", client.inbound, said.text);
        let results: Vec<(&Called, &str)> = called.iter().map(|call| (call, "sunny")).collect();
        if !results.is_empty() {
            client.answers(&results);
        }
    }
    client.says("And tomorrow?");
    let said = post(&gateway, client.inbound, stream, client.body()).await;
    client.hears(&said);
}

/// The calls of a request to Gemini, each with its id and signature.
fn calls_of(body: &Value) -> Vec<(Option<&str>, Option<&str>)> {
    let contents = body["contents"].as_array().unwrap().iter();
    let parts = contents.flat_map(|content| content["parts"].as_array().unwrap());
    let calls = parts.filter(|part| part["functionCall"].is_object());
    let calls = calls.map(|part| {
        let id = part["functionCall"]["id"].as_str();
        (id, part["thoughtSignature"].as_str())
    });
    calls.collect()
}

fn assert_restored(body: &Value, what: &str) {
    let expected = [
        (Some("a-1"), Some(SIGNATURES[0])),
        (Some("a-2"), None),
        (Some("b-1"), Some(SIGNATURES[1])),
        (Some("b-2"), None),
    ];
    assert_eq!(calls_of(body), expected, "{what}: {body}");
    let contents = body["contents"].as_array().unwrap().iter();
    let parts = contents.flat_map(|content| content["parts"].as_array().unwrap());
    let results = parts.filter_map(|part| part["functionResponse"]["id"].as_str());
    let results: Vec<&str> = results.collect();
    assert_eq!(results, ["a-1", "a-2", "b-1", "b-2"], "{what}");
}

pub async fn comes_back() {
    for inbound in OTHERS {
        for stream in [true, false] {
            let target = Target::of(Gemini, steps()).await;
            let mut client = StrictClient::new(inbound, GEMINI_3);
            client.keeps = without_extra;
            go(&mut client, &target, stream).await;
            assert_restored(
                &target.last().body,
                &format!("{inbound}, streamed: {stream}"),
            );
        }
        #[cfg(feature = "grpc")]
        grpc::comes_back(inbound).await;
    }
}

pub async fn whichever_is_left() {
    // Ids that a client cut off, as one does that knows OpenAI's limit.
    let cut = |message: &mut Value| {
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten() {
            let id = call["id"].as_str().unwrap();
            call["id"] = id[..id.len().min(24)].into();
        }
    };
    let keeps: [fn(&mut Value); 3] = [|_| {}, without_extra, cut];
    for keeps in keeps {
        let target = Target::of(Gemini, steps()).await;
        let mut client = StrictClient::new(OpenaiChat, GEMINI_3);
        client.keeps = keeps;
        go(&mut client, &target, true).await;
        assert_restored(&target.last().body, "one of them is left");
    }

    // Both are there, and an id is one that every server takes.
    let (said, _) = through(
        OpenaiChat,
        false,
        StrictClient::new(OpenaiChat, GEMINI_3).body_of("Hi"),
        Gemini,
        steps().remove(0),
    )
    .await;
    let call = &said.json()["choices"][0]["message"]["tool_calls"][0];
    let signature = &call["extra_content"]["google"]["thought_signature"];
    assert_eq!(*signature, SIGNATURES[0]);
    let id = call["id"].as_str().unwrap();
    assert!(id.starts_with("a-1__thought__"), "{id}");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    assert!(id.chars().all(is_plain), "{id}");

    // A target of another protocol never sees it.
    for target in [OpenaiChat, OpenaiResponses, Anthropic, Ollama] {
        for inbound in OTHERS {
            let up = Target::of(Gemini, steps()).await;
            let mut client = StrictClient::new(inbound, GEMINI_3);
            go(&mut client, &up, true).await;
            let moved = Target::of(target, vec![answer(target)]).await;
            let gateway = before(&moved.endpoint).await;
            let said = post(&gateway, inbound, false, client.body()).await;
            assert_eq!(said.status, 200, "{inbound} to {target}: {}", said.text);
            let body = moved.last().body.to_string();
            assert!(body.contains("a-1"), "{body}");
            let is_carried = body.contains("__thought__") || body.contains("tokenscope/");
            assert!(!is_carried, "{inbound} to {target}: {body}");
            assert_eq!(
                said.header("x-tokenscope-dropped"),
                None,
                "{inbound} to {target}"
            );
        }
    }
}

pub async fn stand_in() {
    const STAND_IN: &str = "skip_thought_signature_validator";
    let calls = json!([
        { "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } },
        { "id": "c2", "type": "function", "function": { "name": "f", "arguments": "{}" } },
    ]);
    let result = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": "x" });
    // The step is told in two messages: it is still one.
    let messages = json!([
        { "role": "user", "content": "Hi" },
        { "role": "assistant", "content": "I look." },
        { "role": "assistant", "content": null, "tool_calls": calls },
        result("c1"), result("c2"),
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "c3", "type": "function", "function": { "name": "f", "arguments": "{}" } } ] },
        result("c3"),
    ]);
    for (model, expected) in [
        (GEMINI_3, [Some(STAND_IN), None, Some(STAND_IN)]),
        ("gemini-3.7-flash", [Some(STAND_IN), None, Some(STAND_IN)]),
        (
            "gemini-flash-latest",
            [Some(STAND_IN), None, Some(STAND_IN)],
        ),
        ("gemini-2.5-flash", [None, None, None]),
    ] {
        let body = json!({ "model": model, "messages": messages });
        let came = super::rig::asked(OpenaiChat, body.clone(), Gemini).await;
        let signatures: Vec<Option<&str>> = calls_of(&came.body).iter().map(|c| c.1).collect();
        assert_eq!(signatures, expected, "{model}");
        #[cfg(feature = "grpc")]
        grpc::stand_in(body, expected).await;
    }
}

pub async fn indexes_run_on() {
    let (said, _) = through(
        OpenaiChat,
        true,
        StrictClient::new(OpenaiChat, GEMINI_3).body_of("Hi"),
        Gemini,
        gemini(&[
            json!([call(None, "a", None), call(None, "b", None)]),
            json!([call(None, "c", None)]),
        ]),
    )
    .await;
    let events = said.events().into_iter();
    let calls = events.flat_map(|event| {
        let calls = event["choices"][0]["delta"]["tool_calls"]
            .as_array()
            .cloned();
        calls.unwrap_or_default()
    });
    let named = calls.filter(|call| call["function"]["name"].is_string());
    let named = named.map(|call| {
        let name = call["function"]["name"].as_str().unwrap().to_owned();
        (call["index"].as_u64().unwrap(), name)
    });
    let named: Vec<(u64, String)> = named.collect();
    assert_eq!(named, [(0, "a".into()), (1, "b".into()), (2, "c".into())]);
}

pub async fn unique_ids() {
    let nameless = || {
        gemini(&[json!([
            call(None, "weather", None),
            call(None, "weather", None)
        ])])
    };
    for inbound in OTHERS {
        let target = Target::of(Gemini, vec![nameless(), nameless(), gemini(&[json!([])])]).await;
        let gateway = before(&target.endpoint).await;
        let mut client = StrictClient::new(inbound, GEMINI_3);
        client.says("Hi");
        let mut ids = BTreeSet::new();
        for stream in [true, false] {
            let said = post(&gateway, inbound, stream, client.body()).await;
            let called = client.hears(&said);
            let results: Vec<_> = called.iter().map(|call| (call, "sunny")).collect();
            client.answers(&results);
            ids.extend(called.into_iter().map(|(id, ..)| id));
        }
        assert_eq!(ids.len(), 4, "{inbound}: {ids:?}");
        assert!(
            ids.iter().all(|id| !id.is_empty() && id.len() <= 40),
            "{ids:?}"
        );
        post(&gateway, inbound, false, client.body()).await;
        let body = target.last().body;
        let ids: Vec<Option<&str>> = calls_of(&body).iter().map(|call| call.0).collect();
        assert_eq!(ids, [None; 4], "the target gave none: {body}");
    }
}

#[cfg(feature = "grpc")]
mod grpc {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
        Content, GenerateContentRequest, part::Data,
    };
    use tokenscope::dialect::DialectId::VertexGrpc;

    use super::*;
    use crate::{
        fault_server::Server,
        grpc_messages::response,
        grpc_server::{Came, messages, plain},
    };
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tokenscope::endpoint::Endpoint;
    use tokio::sync::mpsc::UnboundedReceiver;

    fn endpoint(server: &Server) -> Endpoint {
        let base = format!("{}v1/projects/p/locations/l", server.url());
        Endpoint::custom("up", base.parse().unwrap(), VertexGrpc)
    }

    /// A server that gives the same steps as by REST.
    async fn target() -> (Server, UnboundedReceiver<Came>) {
        let replies: Vec<Vec<_>> = steps()
            .iter()
            .map(|reply| {
                let text = String::from_utf8(reply.body.clone()).unwrap();
                let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
                lines
                    .map(|line| response(&serde_json::from_str(line).unwrap()))
                    .collect()
            })
            .collect();
        let count = Arc::new(AtomicUsize::new(0));
        let script: crate::grpc_server::Script = Arc::new(move |request| {
            let at = count.fetch_add(1, Ordering::SeqCst).min(replies.len() - 1);
            messages(replies[at].clone(), Ok(()))(request)
        });
        plain(script).await
    }

    /// The signatures of the calls of a message.
    fn signatures(message: &GenerateContentRequest) -> Vec<Vec<u8>> {
        let parts = message
            .contents
            .iter()
            .flat_map(|Content { parts, .. }| parts);
        let calls = parts.filter(|part| matches!(part.data, Some(Data::FunctionCall(_))));
        calls.map(|part| part.thought_signature.to_vec()).collect()
    }

    pub async fn comes_back(inbound: DialectId) {
        let (server, mut came) = target().await;
        let gateway = before(&endpoint(&server)).await;
        let mut client = StrictClient::new(inbound, GEMINI_3);
        client.keeps = without_extra;
        client.says("How is the weather?");
        for _ in 0..3 {
            let said = post(&gateway, inbound, true, client.body()).await;
            let called = client.hears(&said);
            let results: Vec<_> = called.iter().map(|call| (call, "sunny")).collect();
            if !results.is_empty() {
                client.answers(&results);
            }
        }
        let mut last = None;
        while let Ok((_, message)) = came.try_recv() {
            last = Some(message);
        }
        let bytes = |signature: &str| STANDARD.decode(signature).unwrap();
        let [first, second] = SIGNATURES.map(bytes);
        let expected = [first, Vec::new(), second, Vec::new()];
        assert_eq!(signatures(&last.unwrap()), expected, "{inbound}");
    }

    /// The bytes are those that REST makes of Google's word: it is read as base64 there.
    pub async fn stand_in(body: Value, expected: [Option<&str>; 3]) {
        let (server, mut came) = target().await;
        let gateway = before(&endpoint(&server)).await;
        let said = post(&gateway, OpenaiChat, false, body).await;
        assert_eq!(said.status, 200, "{}", said.text);
        let (_, message) = came.try_recv().unwrap();
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let bytes = |word: Option<&str>| url_safe.decode(word.unwrap_or_default()).unwrap();
        assert_eq!(signatures(&message), expected.map(bytes));
    }
}
