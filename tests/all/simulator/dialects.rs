//! The simulator in every protocol, through our own dialects: the same model says the same, at the same
//! times, however it is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use secrecy::SecretString;
use serde_json::{Value, json};
use tokenscope::{
    chat::{ChatRequest, Files, Media, Message, Part, Role, Tool},
    dialect::{DialectId, WireFormat},
    endpoint::Endpoint,
    event::{Answer, FaultClass, FinishReason, Usage},
    exchange::list::list_models,
    run::{Origin, Run, RunHead, RunId, RunSpec, execute},
    simulator::{self, Simulator, SimulatorOptions},
    transport::Transport,
};
use tokio_util::sync::CancellationToken;

use crate::deadline::soon;

use super::{
    client::{request, reqwest_client},
    quick,
};

pub fn endpoints(simulator: &Simulator) -> Vec<Endpoint> {
    let endpoints = simulator::endpoints(&simulator.base_url());
    assert_eq!(endpoints.len(), 5 + usize::from(cfg!(feature = "grpc")));
    endpoints
}

pub async fn run(endpoint: &Endpoint, request: ChatRequest) -> Run {
    run_with(endpoint, request, None).await
}

/// A run with this key, on a connection of its own.
pub async fn run_with(endpoint: &Endpoint, request: ChatRequest, key: Option<SecretString>) -> Run {
    run_on(&Transport::default(), endpoint, request, key).await
}

async fn run_on(
    transport: &Transport,
    endpoint: &Endpoint,
    request: ChatRequest,
    key: Option<SecretString>,
) -> Run {
    let head = RunHead::new(RunId::new(), endpoint, Arc::new(request), Origin::Test);
    let ask = RunSpec {
        head,
        endpoint: Arc::new(endpoint.clone()),
        key,
        proxy_password: None,
        no_key_reason: None,
        cold: false,
    };
    let mut emit = |_| {};
    let run = execute(transport, ask, CancellationToken::new(), &mut emit);
    soon("the run's end", run).await
}

#[tokio::test]
async fn after_a_connection_broke_the_next_request_opens_another() {
    let simulator = quick().await;
    for endpoint in endpoints(&simulator) {
        let transport = Transport::default();
        for (model, fails) in [
            ("sim-cut", true),
            ("sim-cut", true),
            ("sim-reset", true),
            ("sim-fast", false),
        ] {
            let run = run_on(&transport, &endpoint, asked(model), None).await;
            let fault = run.answer.fault;
            assert_eq!(fault.is_some(), fails, "{}/{model}: {fault:?}", endpoint.id);
        }
    }
}

/// What every protocol says of an answer.
#[derive(Debug, PartialEq)]
pub struct Told {
    /// Some protocols have no field for a refusal, and say it as text.
    pub text: String,
    pub reasoning: String,
    pub calls: Vec<(String, Value)>,
    pub generated: Option<u64>,
    pub usage: Option<(Option<u64>, Option<u64>)>,
    pub finish: Option<FinishReason>,
    pub fault: Option<FaultClass>,
}

impl Told {
    pub fn of(answer: &Answer) -> Self {
        let calls = answer.tool_calls.iter().map(|call| {
            let arguments = serde_json::from_str(&call.arguments).unwrap_or_default();
            (call.name.clone(), arguments)
        });
        let finish = answer.finish.as_ref().map(|finish| finish.reason);
        Self {
            text: format!("{}{}", answer.text, answer.refusal),
            reasoning: answer.reasoning.clone(),
            calls: calls.collect(),
            generated: answer.usage.as_ref().and_then(Usage::generated),
            usage: answer.usage.map(|usage| (usage.input, usage.reasoning)),
            // A refusal is an end of its own in some protocols.
            finish: finish.filter(|reason| *reason != FinishReason::ContentFilter),
            fault: answer.fault.as_ref().map(|fault| fault.class),
        }
    }
}

/// The answer to one question by each protocol.
async fn by_dialect(simulator: &Simulator, request: &ChatRequest) -> BTreeMap<String, Run> {
    let mut runs = BTreeMap::new();
    for endpoint in endpoints(simulator) {
        runs.insert(endpoint.id.clone(), run(&endpoint, request.clone()).await);
    }
    runs
}

pub fn asked(model: &str) -> ChatRequest {
    let mut request = ChatRequest::of_text(model, "Two words");
    request.params.max_tokens = Some(300);
    request
}

/// The numbers of these protocols: Ollama counts no reasoning apart.
fn without_reasoning_count(mut told: Told) -> Told {
    told.usage = told.usage.map(|(input, _)| (input, None));
    told
}

#[tokio::test]
async fn every_model_says_the_same_in_every_protocol() {
    let simulator = quick().await;
    for model in simulator::models() {
        // Their answers break off where the transport says, or are long.
        if ["sim-reset", "sim-cut", "sim-long", "sim-locked"].contains(&model.as_str()) {
            continue;
        }
        let runs = by_dialect(&simulator, &asked(&model)).await;
        let reference = Told::of(&runs["simulator"].answer);
        for (id, run) in &runs {
            let told = Told::of(&run.answer);
            let mut expected = Told::of(&runs["simulator"].answer);
            match (model.as_str(), id.as_str()) {
                // It lacks its end: what that means is each protocol's own.
                ("sim-no-done", _) => continue,
                // protobuf has no zero.
                ("sim-empty", "simulator-vertex-grpc") => expected.generated = None,
                ("sim-refusal", _) => expected.finish = told.finish,
                // Nothing at all is a whole answer everywhere.
                ("sim-error", _) => {
                    assert_eq!(told.fault, Some(FaultClass::Provider), "{id}");
                    expected.finish = told.finish;
                    expected.usage = told.usage;
                    expected.generated = told.generated;
                }
                _ => {}
            }
            let (told, expected) = (
                without_reasoning_count(told),
                without_reasoning_count(expected),
            );
            assert_eq!(told, expected, "{model} {id}");
            if id != "simulator-ollama" {
                // protobuf has no zero.
                let reasoned = |run: &Run| {
                    run.answer
                        .usage
                        .and_then(|usage| usage.reasoning)
                        .unwrap_or(0)
                };
                let (counts, theirs) = (reasoned(run), reasoned(&runs["simulator"]));
                let known = reference.fault.is_none() && model != "sim-empty";
                assert!(!known || counts == theirs, "{model} {id}");
            }
            let ok = run.answer.fault.is_none();
            assert!(
                !ok || run.answer.unknown.is_empty(),
                "{model} {id}: {:?}",
                run.answer.unknown
            );
        }
    }
}

#[tokio::test]
async fn an_answer_without_its_end_mark_is_told_by_each_protocol() {
    let simulator = quick().await;
    for (id, run) in by_dialect(&simulator, &asked("sim-no-done")).await {
        let whole = Told::of(&run.answer);
        assert!(!whole.text.is_empty(), "{id}");
        let noted = run
            .answer
            .notes
            .iter()
            .any(|(note, _)| note.text.contains("without"));
        let fault = whole.fault == Some(FaultClass::Interrupted);
        assert!(noted || fault, "{id}: {:?}", run.answer.notes);
    }
}

#[tokio::test]
async fn a_reset_and_a_cut_are_faults_in_every_protocol() {
    let simulator = quick().await;
    for model in ["sim-reset", "sim-cut"] {
        for (id, run) in by_dialect(&simulator, &asked(model)).await {
            let fault = run.answer.fault.unwrap();
            assert_eq!(fault.class, FaultClass::Interrupted, "{model} {id}");
            assert!(!run.answer.text.is_empty(), "{model} {id}");
        }
    }
}

/// The plan's own dates, as the simulator promises them: one schedule, whatever the protocol.
#[tokio::test]
async fn the_schedule_is_the_same_in_every_protocol() {
    let simulator = quick().await;
    for model in ["sim-fast", "sim-jittery", "sim-reasoning", "sim-tools"] {
        let mut plans = BTreeMap::new();
        for endpoint in endpoints(&simulator) {
            let plan = plan_of(&endpoint, &asked(model)).await;
            plans.insert(endpoint.id, plan);
        }
        let first = plans.values().next().unwrap();
        assert!(
            plans.values().all(|plan| plan == first),
            "{model}: {plans:?}"
        );
    }
}

/// What the schedule of an answer promises, once the answer has come whole.
async fn plan_of(endpoint: &Endpoint, asked: &ChatRequest) -> String {
    let dialect = endpoint.dialect.dialect();
    let url = (dialect.chat_url)(&endpoint.base_url, &asked.model);
    let json = (dialect.encode)(asked);
    let body = match dialect.wire {
        WireFormat::Json => json.to_string().into(),
        WireFormat::Grpc(grpc) => {
            let message = (grpc.message)(json, &Files::of(asked), &endpoint.base_url, &asked.model);
            message.unwrap().framed
        }
    };
    let client = reqwest_client().build().unwrap();
    let request = client.post(url).header("x-tokenscope-plan", "1").body(body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", endpoint.id);
    let plan = response.headers()["x-sim-plan"]
        .to_str()
        .unwrap()
        .to_owned();
    response.bytes().await.unwrap();
    plan
}

#[tokio::test]
async fn a_conversation_with_calls_goes_on_in_every_protocol() {
    let simulator = quick().await;
    for endpoint in endpoints(&simulator) {
        let id = &endpoint.id;
        let dialect = endpoint.dialect.as_str();
        let mut asked = asked("sim-tools");
        asked.tools = vec![Tool {
            name: "get_weather".into(),
            description: "The weather".into(),
            parameters: json!({"type": "object", "properties": {"city": {"type": "string"}}}),
        }];
        let answer = run(&endpoint, asked.clone()).await.answer;
        assert_eq!(answer.tool_calls.len(), 2, "{id}");
        assert_eq!(
            answer.finish.as_ref().unwrap().reason,
            FinishReason::ToolCalls,
            "{id}"
        );
        asked.messages.push(answer.message(dialect).unwrap());
        let results = answer.tool_calls.iter().zip(["sun", "rain"]);
        asked.messages.push(Message {
            role: Role::Tool,
            parts: results
                .map(|(call, content)| Part::ToolResult {
                    id: call.id.clone(),
                    name: call.name.clone(),
                    content: content.into(),
                })
                .collect(),
        });
        let answer = run(&endpoint, asked).await.answer;
        assert!(answer.text.ends_with("- sun\n- rain\n"), "{id}: {answer:?}");
    }
}

/// The second step of a turn, as `spoil` leaves the first one's answer; and the turn's end, if it goes on.
async fn signed_turn(endpoint: &Endpoint, spoil: fn(&mut Message)) -> Run {
    let mut asked = asked("sim-signed");
    let mut ids = BTreeSet::new();
    loop {
        let run = run(endpoint, asked.clone()).await;
        if run.answer.tool_calls.is_empty() {
            return run;
        }
        for call in &run.answer.tool_calls {
            assert!(ids.insert(call.id.clone()), "{} came twice", call.id);
        }
        let mut said = run.answer.message(endpoint.dialect.as_str()).unwrap();
        spoil(&mut said);
        asked.messages.push(said);
        let results = run.answer.tool_calls.iter().map(|call| Part::ToolResult {
            id: call.id.clone(),
            name: call.name.clone(),
            content: format!("result {}", asked.messages.len()),
        });
        asked.messages.push(Message {
            role: Role::Tool,
            parts: results.collect(),
        });
    }
}

#[tokio::test]
async fn a_model_that_signs_its_calls_wants_every_byte_back() {
    let simulator = quick().await;
    for endpoint in endpoints(&simulator) {
        let id = &endpoint.id;
        let whole = signed_turn(&endpoint, |_| {}).await.answer;
        // Two calls in each of two steps.
        let last = "- result 4\n- result 4\n";
        assert!(whole.text.ends_with(last), "{id}: {whole:?}");
        if ![DialectId::Gemini, DialectId::VertexGrpc].contains(&endpoint.dialect) {
            continue;
        }
        let without = signed_turn(&endpoint, |message| {
            message
                .parts
                .retain(|part| !matches!(part, Part::Signature { .. }));
        });
        let other = signed_turn(&endpoint, |message| {
            for part in &mut message.parts {
                if let Part::Signature { value, .. } = part {
                    let rest = value.split_off(60);
                    value.push(if rest.starts_with('A') { 'B' } else { 'A' });
                    value.push_str(&rest[1..]);
                }
            }
        });
        for (run, why) in [
            (without.await, "has no thought signature"),
            (other.await, "is not the one that it was given with"),
        ] {
            let fault = run.answer.fault.unwrap();
            assert_eq!(fault.class, FaultClass::BadRequest, "{id}: {fault}");
            assert!(fault.message.contains(why), "{id}: {fault}");
        }
    }
}

#[tokio::test]
async fn a_system_prompt_and_a_picture_arrive_in_every_protocol() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";
    let simulator = quick().await;
    let mut asked = asked("sim-echo");
    asked.system = Some("Be brief".into());
    asked.messages[0].parts.push(Part::Media(Media {
        mime: "image/png".into(),
        data: PNG.into(),
        ..Media::default()
    }));
    for (id, run) in by_dialect(&simulator, &asked).await {
        let text = run.answer.text;
        for part in ["System: Be brief", "Two words", "[image/png, 18 bytes]"] {
            assert!(text.contains(part), "{id}: {text}");
        }
    }
}

#[tokio::test]
async fn gemini_answers_as_one_json_array_where_events_are_not_asked_for() {
    let simulator = quick().await;
    let body =
        json!({"contents": [{"role": "user", "parts": [{"text": "Two words"}]}]}).to_string();
    for path in [
        "/v1beta/models/sim-tools:streamGenerateContent",
        "/v1/projects/p/locations/l/publishers/google/models/sim-tools:streamGenerateContent",
    ] {
        let reply = request(&simulator, "POST", path, &[], body.as_bytes()).await;
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let responses: Vec<Value> = serde_json::from_str(&reply.text()).unwrap();
        let last = responses.last().unwrap();
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
        let calls = |response: &&Value| {
            let part = &response["candidates"][0]["content"]["parts"][0];
            part["functionCall"].is_object()
        };
        assert_eq!(responses.iter().filter(calls).count(), 2);
    }
    let path = "/v1beta/models/sim-fast:generateContent";
    let whole = request(&simulator, "POST", path, &[], body.as_bytes())
        .await
        .json();
    assert!(whole["usageMetadata"]["totalTokenCount"].as_u64() > Some(10));
}

/// What a stock client of each protocol is told when something is wrong.
#[tokio::test]
async fn errors_have_each_protocols_own_form() {
    let simulator = quick().await;
    for (path, body, pointer) in [
        ("/v1/messages", json!({"model": "sim-fast"}), "/error/type"),
        ("/v1/responses", json!({}), "/error/code"),
        (
            "/v1beta/models/nobody:generateContent",
            json!({}),
            "/error/status",
        ),
        (
            "/api/chat",
            json!({"model": "nobody", "messages": [{"role": "user"}]}),
            "/error",
        ),
    ] {
        let reply = request(&simulator, "POST", path, &[], body.to_string().as_bytes()).await;
        assert!(reply.status >= 400, "{path}");
        let said = reply.json();
        assert!(
            said.pointer(pointer).is_some_and(Value::is_string),
            "{path}: {said}"
        );
    }
}

#[tokio::test]
async fn the_models_are_listed_in_every_protocol() {
    let simulator = simulator::serve(SimulatorOptions::default()).await.unwrap();
    for endpoint in endpoints(&simulator) {
        let transport = Transport::default();
        let listing = list_models(&transport, &endpoint, None, None);
        let list = listing.await.unwrap();
        let names: Vec<_> = list
            .iter()
            .map(|m| m.id.trim_start_matches("models/"))
            .collect();
        assert_eq!(names, simulator::models(), "{}", endpoint.id);
    }
}
