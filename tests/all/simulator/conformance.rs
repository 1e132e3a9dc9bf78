//! What is found in answers of every protocol: nothing in those that are as they should be, and the right
//! thing in odd ones.

use serde_json::{Value, json};
use tokenscope::{
    chat::{ChatRequest, Params, Tool},
    conformance::{Check, findings},
    dialect::{DIALECTS, DialectId},
    endpoint::Endpoint,
    run::{Run, RunState},
    simulator,
};

use super::{dialects::run_with, quick};
use crate::{
    dialects::{answer, decode, fixtures},
    history::a_run,
};

/// A run whose answer is a fixture's.
fn run_of_fixture(dialect: DialectId, name: &str) -> Option<Run> {
    let wanted = format!("{dialect} {name}");
    let all = fixtures(dialect.dialect()).into_iter();
    let fixture = all.into_iter().find(|fixture| fixture.name == wanted)?;
    let events = decode(dialect.dialect(), &fixture.head, [fixture.body.as_slice()]);
    let mut run = a_run(1);
    run.answer = answer(&events);
    run.head.dialect = dialect;
    run.head.target.model = run.answer.model.clone().unwrap_or_default();
    let request = ChatRequest::of_text(run.head.target.model.clone(), "hello");
    run.head.request = request.into();
    run.status = Some(fixture.head.status);
    run.state = match run.answer.fault {
        Some(_) => RunState::Fault,
        None => RunState::Ok,
    };
    Some(run)
}

fn checks(run: &Run) -> Vec<Check> {
    findings(run).iter().map(|finding| finding.check).collect()
}

#[test]
fn an_answer_by_the_book_has_nothing_to_tell_and_odd_ones_have() {
    use Check::{EndMark, Malformed, Unknown, Usage};
    for dialect in DIALECTS {
        let run = run_of_fixture(dialect.id, "by-the-book").unwrap();
        assert_eq!(findings(&run), [], "{}", dialect.id);
    }
    for (dialect, fixture, check) in [
        (DialectId::Anthropic, "unknown", Unknown),
        (DialectId::Anthropic, "usage-odd", Usage),
        (DialectId::Anthropic, "no-message-stop", EndMark),
        (DialectId::Anthropic, "lone-surrogates", Malformed),
        (DialectId::Gemini, "half-characters", Malformed),
    ] {
        let run = run_of_fixture(dialect, fixture).unwrap();
        assert!(
            checks(&run).contains(&check),
            "{dialect} {fixture}: {:?}",
            findings(&run)
        );
    }
}

fn asked(model: &str) -> ChatRequest {
    let mut request = ChatRequest::of_text(model, "hello");
    request.params = Params {
        temperature: Some(0.5),
        top_p: Some(0.9),
        max_tokens: Some(20_000),
        stop: vec!["<never>".into()],
        seed: Some(7),
        ..Params::default()
    };
    request.tools.push(Tool {
        name: "get_weather".into(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": {"city": {"type": "string"}}}),
    });
    request
}

async fn run(endpoint: &Endpoint, request: ChatRequest) -> Run {
    run_with(endpoint, request, None).await
}

/// What the protocol does not take is told, and nothing else.
#[tokio::test]
async fn what_is_heeded_raises_no_alarm_in_any_protocol() {
    let simulator = quick().await;
    for endpoint in simulator::endpoints(&simulator.base_url()) {
        for model in [
            "sim-fast",
            "sim-reasoning",
            "sim-tools",
            "sim-json",
            "sim-chinese",
        ] {
            let run = run(&endpoint, asked(model)).await;
            let odd = findings(&run)
                .into_iter()
                .filter(|f| f.check != Check::NotSent);
            assert_eq!(odd.collect::<Vec<_>>(), [], "{} {model}", endpoint.id);
        }
    }
}

#[tokio::test]
async fn what_is_not_heeded_is_told_in_every_protocol() {
    let simulator = quick().await;
    for endpoint in simulator::endpoints(&simulator.base_url()) {
        let choice = match endpoint.dialect {
            DialectId::Gemini | DialectId::VertexGrpc => (
                "toolConfig",
                json!({"functionCallingConfig": {"mode": "ANY"}}),
            ),
            DialectId::Anthropic => ("tool_choice", json!({"type": "any"})),
            // The protocol has no such field.
            DialectId::Ollama => continue,
            _ => ("tool_choice", json!("required")),
        };
        let mut request = asked("sim-fast");
        request.params.extra.insert(choice.0.to_owned(), choice.1);
        request.params.reasoning_effort = Some("high".into());
        let run = run(&endpoint, request).await;
        let found = findings(&run);
        for word in ["tool_choice: nothing was called", "reasoning_effort high"] {
            let told = found
                .iter()
                .any(|finding| finding.check == Check::Ignored && finding.text.starts_with(word));
            assert!(told, "{}: {word}: {found:?}", endpoint.id);
        }
    }
}

/// A response that says other parameters back than were sent.
#[test]
fn another_value_that_is_said_back_is_told() {
    let mut run = run_of_fixture(DialectId::OpenaiResponses, "by-the-book").unwrap();
    let mut request = asked("m");
    request.model.clone_from(&run.head.target.model);
    run.head.request = request.into();
    let said: Value = json!({"temperature": 0.5, "top_p": 1.0, "store": true});
    run.answer.echoed = said.as_object().unwrap().clone();
    let told: Vec<_> = findings(&run).into_iter().map(|f| f.text).collect();
    assert!(
        told.iter()
            .any(|text| text.starts_with("top_p 0.9: the provider says")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|text| text.starts_with("store false: ")),
        "{told:?}"
    );
    assert!(
        !told.iter().any(|text| text.starts_with("temperature")),
        "{told:?}"
    );
}
