//! Costs: what each provider's counts come to, prices of the settings, and where costs are shown.

use serde_json::Value;
use tokenscope::{
    chat::{CacheLife, ChatRequest, Media, Message, Part, Role},
    dialect::DialectId,
    endpoint::TargetId,
    event::{Fault, FaultClass, Phase},
    measure::cost::{self, NoCost},
    price::{PriceTable, Usd},
    run::{Origin, Run, RunHead, RunId, RunState},
    simulator,
};

use crate::{
    chat::runs,
    dialects::{answer, decode, head},
    home::Home,
};

/// 2026-11-30.
const NOW: i64 = 1_796_000_000_000_000_000;

/// A run whose answer is what the dialect makes of this body.
fn run(dialect: DialectId, url: &str, model: &str, body: &str) -> Run {
    let mut run = Run::new(RunHead {
        id: RunId(1),
        target: TargetId {
            endpoint: "mine".into(),
            model: model.into(),
        },
        dialect,
        route: String::new(),
        url: url.into(),
        simulated: false,
        origin: Origin::Test,
        attempt: 1,
        request: ChatRequest::of_text(model, "Hello").into(),
    });
    run.answer = answer(&decode(dialect.dialect(), &head(200), [body.as_bytes()]));
    run.state = RunState::Ok;
    run.stamps.started_unix_ns = NOW;
    run
}

fn cost_of(run: &Run) -> Result<Usd, NoCost> {
    cost::of(run, &PriceTable::default())
}

const OPENAI: &str = "https://api.openai.com/v1/chat/completions";
const RESPONSES: &str = "https://api.openai.com/v1/responses";
const ANTHROPIC: &str = "https://api.anthropic.com/v1/messages";
const GEMINI: &str =
    "https://generativelanguage.googleapis.com/v1beta/models/x:streamGenerateContent";
const XAI: &str = "https://api.x.ai/v1/chat/completions";

fn chat_body(usage: &str) -> String {
    format!(
        r#"{{"object":"chat.completion","choices":[{{"index":0,"message":{{"role":"assistant","content":"Hi"}},"finish_reason":"stop"}}],"usage":{usage}}}"#
    )
}

fn message_body(usage: &str) -> String {
    format!(
        r#"{{"type":"message","role":"assistant","content":[{{"type":"text","text":"Hi"}}],"stop_reason":"end_turn","usage":{usage}}}"#
    )
}

fn gemini_body(usage: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"role":"model","parts":[{{"text":"Hi"}}]}},"finishReason":"STOP"}}],"usageMetadata":{usage}}}"#
    )
}

fn response_body(usage: &str) -> String {
    format!(
        r#"{{"object":"response","status":"completed","output":[{{"type":"message","role":"assistant","content":[{{"type":"output_text","text":"Hi"}}]}}],"usage":{usage}}}"#
    )
}

/// Each provider's own counts, and what they come to by hand, in millionths of a dollar (for $1 per million tokens, one
/// for each token).
#[test]
fn the_counts_of_each_provider_cost_what_they_do_by_hand() {
    use DialectId::{Anthropic, Gemini, OpenaiChat, OpenaiResponses};
    let chat = |usage: &str| chat_body(usage);
    #[rustfmt::skip]
    let table = [
        // 1,200 − 1,024 = 176 × 1.25 + 1,024 × 0.125 + 300 × 10; reasoning is a part of the output.
        (OpenaiChat, OPENAI, "gpt-5", chat(r#"{"prompt_tokens":1200,"completion_tokens":300,"total_tokens":1500,"prompt_tokens_details":{"cached_tokens":1024},"completion_tokens_details":{"reasoning_tokens":192}}"#), 3_348.0),
        // No details: nothing was cached.
        (OpenaiChat, OPENAI, "gpt-4o-mini", chat(r#"{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}"#), 210.0),
        // 2,000 − 1,500 − 400 = 100 × 2 + 1,500 × 0.1 + 400 × 2.5 + 10 × 10.
        (OpenaiResponses, RESPONSES, "gpt-6.1-sol", response_body(r#"{"input_tokens":2000,"input_tokens_details":{"cached_tokens":1500,"cache_write_tokens":400},"output_tokens":10,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":2010}"#), 1_450.0),
        // More than 272,000 tokens: 300,000 × 4 + 10 × 15.
        (OpenaiResponses, RESPONSES, "gpt-6.1-sol", response_body(r#"{"input_tokens":300000,"output_tokens":10,"total_tokens":300010}"#), 1_200_150.0),
        // Anthropic's input excludes the cache: 50 × 3 + 2,000 × 0.3 + 1,000 × 3.75 + 500 × 15.
        (Anthropic, ANTHROPIC, "claude-sonnet-4-5-20250929", message_body(r#"{"input_tokens":50,"cache_read_input_tokens":2000,"cache_creation_input_tokens":1000,"output_tokens":500}"#), 12_000.0),
        // The cache counts for the tier: 50 + 120,000 > 100,000. 50 × 0.5 + 120,000 × 0.05 + 10 × 2.5.
        (Anthropic, ANTHROPIC, "claude-haiku-5-5", message_body(r#"{"input_tokens":50,"cache_read_input_tokens":120000,"cache_creation_input_tokens":0,"output_tokens":10}"#), 6_050.0),
        // Gemini's candidates exclude thinking: 400 × 1.25 + 600 × 0.125 + (50 + 150) × 10.
        (Gemini, GEMINI, "gemini-2.5-pro", gemini_body(r#"{"promptTokenCount":1000,"cachedContentTokenCount":600,"candidatesTokenCount":50,"thoughtsTokenCount":150,"totalTokenCount":1200}"#), 2_575.0),
        // Results of built-in tools are input: (10 + 90) × 0.3 + 20 × 2.5.
        (Gemini, GEMINI, "gemini-2.5-flash", gemini_body(r#"{"promptTokenCount":10,"toolUsePromptTokenCount":90,"candidatesTokenCount":20,"totalTokenCount":120}"#), 80.0),
        // xAI counts reasoning beside the output: 12 × 2 + (2 + 340) × 6.
        (OpenaiChat, XAI, "grok-4.5", chat(r#"{"prompt_tokens":12,"completion_tokens":2,"total_tokens":354,"completion_tokens_details":{"reasoning_tokens":340}}"#), 2_076.0),
        // Groq: 100 × 0.15 + 10 × 0.6.
        (OpenaiChat, "https://api.groq.com/openai/v1/chat/completions", "openai/gpt-oss-120b", chat(r#"{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}"#), 21.0),
        (OpenaiChat, "https://api.mistral.ai/v1/chat/completions", "mistral-large-latest", chat(r#"{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}"#), 65.0),
    ];
    for (dialect, url, model, body, millionths) in table {
        let run = run(dialect, url, model, &body);
        assert_eq!(run.answer.fault, None, "{model}");
        let cost = cost_of(&run).map(|usd| usd.dollars() * 1e6);
        let cost = cost.unwrap_or_else(|why| panic!("{model}: {why}: {:?}", run.answer.usage));
        assert!((cost - millionths).abs() < 1e-6, "{model}: {cost}");
    }
}

fn paid() -> Run {
    let body = message_body(
        r#"{"input_tokens":100,"cache_creation_input_tokens":1000,"output_tokens":10}"#,
    );
    run(DialectId::Anthropic, ANTHROPIC, "claude-opus-5-5", &body)
}

fn change(run: &Run, of: impl FnOnce(&mut ChatRequest)) -> Run {
    let mut run = run.clone();
    of(std::sync::Arc::make_mut(&mut run.head.request));
    run
}

#[test]
fn what_the_list_price_does_not_cover_is_blank_and_says_why() {
    let run = paid();
    // 100 × 4 + 1,000 × 5 + 10 × 20 millionths.
    assert_eq!(cost_of(&run), Ok(Usd::of_pico(5_600_000_000)));
    let hour = change(&run, |request| {
        request.params.cache_prompt = Some(CacheLife::Hour);
    });
    assert_eq!(
        cost_of(&hour),
        Ok(Usd::of_pico(8_600_000_000)),
        "written for an hour"
    );
    let extra = |json: &str| {
        let json: Value = serde_json::from_str(json).unwrap();
        change(&run, |request| {
            request.params.extra = json.as_object().unwrap().clone();
        })
    };
    let not_covered = |run: &Run| matches!(cost_of(run), Err(NoCost::NotCovered(_)));
    assert!(not_covered(&extra(r#"{"speed":"fast"}"#)));
    assert!(not_covered(&extra(r#"{"inference_geo":"us"}"#)));
    assert!(not_covered(&extra(r#"{"service_tier":"priority"}"#)));
    // The user's own JSON may ask for another life of the cache.
    assert_eq!(
        cost_of(&extra(r#"{"service_tier":"auto"}"#)),
        Err(NoCost::PartUnknown)
    );
    let sound = Part::Media(Media {
        mime: "audio/wav".into(),
        ..Media::default()
    });
    let with_sound = change(&run, |request| {
        request.messages.push(Message {
            role: Role::User,
            parts: vec![sound],
        });
    });
    assert!(not_covered(&with_sound));
    let mut echoed = run.clone();
    echoed
        .answer
        .echoed
        .insert("service_tier".into(), "flex".into());
    assert!(not_covered(&echoed), "the provider says so");
    let mut simulated = run.clone();
    simulated.head.simulated = true;
    assert_eq!(cost_of(&simulated), Err(NoCost::Simulated));
    assert!(cost::is_free(&simulated));
    let mut odd = run.clone();
    odd.answer.usage.as_mut().unwrap().total = Some(2_000);
    assert_eq!(
        cost_of(&odd),
        Err(NoCost::PartUnknown),
        "what are the others?"
    );
    let mut uncounted = run.clone();
    uncounted.answer.usage = None;
    assert_eq!(cost_of(&uncounted), Err(NoCost::NotCounted));
    let mut elsewhere = run;
    elsewhere.head.url = "https://proxy.example/v1/messages".into();
    assert_eq!(cost_of(&elsewhere), Err(NoCost::NoPrice));
}

#[test]
fn an_answer_that_broke_off_costs_what_was_counted_and_a_refused_one_nothing() {
    let mut run = paid();
    run.state = RunState::Fault;
    run.answer.fault = Some(Fault::new(FaultClass::Interrupted, Phase::Stream, "gone"));
    assert!(cost_of(&run).is_ok() && !cost::is_free(&run));
    let how = cost::explanation(&run, &PriceTable::default());
    for part in [
        "1000 written to the cache × $5",
        "2026-10-24",
        "https://platform.claude.com/",
        "broke off",
    ] {
        assert!(how.contains(part), "{part}: {how}");
    }
    run.answer.usage = None;
    assert!(cost::is_free(&run), "nothing was answered");
    run.stamps.first_token = Some(1);
    assert!(!cost::is_free(&run), "something was");
}

const PRICES: &str = "[price.\"url/sim-*\"]\ninput = 1000\noutput = 2000\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_shows_costs_in_its_table_and_as_json() {
    let simulator = simulator::start(0).await.unwrap();
    let url = simulator.base_url().to_string();
    let home = Home::new();
    let ask = |json: &[&str]| {
        let arguments = [
            "chat",
            "--base-url",
            &url,
            "-m",
            "sim-fast",
            "--max-tokens",
            "20",
            "Hi",
        ];
        home.run(&[&arguments[..], json].concat(), "")
    };
    // A server on this machine: no price is known.
    let unpriced = ask(&["--json"]);
    assert_eq!(runs(&unpriced.out)[0]["cost_usd"], Value::Null);
    let table = ask(&[]).err;
    assert!(table.contains("Cost USD"), "{table}");
    home.write_settings(PRICES);
    let priced = ask(&["--json"]);
    let line = &runs(&priced.out)[0];
    let count = |name: &str| line["usage"][name].as_f64().unwrap();
    let expected = (count("input") * 1_000.0 + count("output") * 2_000.0) / 1e6;
    assert!(
        (line["cost_usd"].as_f64().unwrap() - expected).abs() < 1e-9,
        "{line}"
    );
    let table = ask(&[]).err;
    let shown = tokenscope::price::usd_digits(expected);
    assert!(table.contains(&shown), "{shown}: {table}");
    // The built-in simulator costs nothing, whatever is written.
    home.write_settings("[price.\"*\"]\ninput = 1\noutput = 1\n");
    let simulated = home.run(&["chat", "--json", "-t", "simulator/sim-fast", "Hi"], "");
    assert_eq!(runs(&simulated.out)[0]["cost_usd"], Value::Null);
    home.write_settings("[price.\"x\"]\ninput = -1\n");
    let bad = ask(&[]);
    assert!(
        bad.err.contains("line 2") && bad.err.contains("USD per million tokens"),
        "{}",
        bad.err
    );
}
