//! Each kind of flood in each dialect that has it: a small one, whose budget is what its kind may hold.

use super::{large::base, *};

/// How many units a flood has. A byte for each pair of them is far beyond any budget.
const TIMES: usize = 12_000;
/// What a flood may take up above what a short answer does: one of which little is kept, and one of which each
/// unit is kept, up to 10,000 of them.
const FEW: usize = 7 << 20;
const MANY: usize = 20 << 20;

/// Most bytes that are kept of a body as it came.
const KEPT_WIRE: usize = 4 << 20;

/// What a flood is, one unit of it, the field of the run that tells of it, and its budget.
type Row = (&'static str, &'static str, &'static str, usize);

/// A call whose arguments come.
const ANTHROPIC_CALL: &str = "data: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n";

#[rustfmt::skip]
const OPENAI_CHAT: &[Row] = &[
    ("keep-alives", ":\n\n", "keep_alives", FEW),
    ("empty data", "data:\n\n", "text", FEW),
    ("unknown fields", "data: {\"choices\":[{\"index\":0,\"delta\":{\"odd{n}\":\"some\"}}]}\n\n", "unknown", FEW),
    ("unknown events", "data: {\"object\":\"new.{n}\",\"said{n}\":\"some\",\"choices\":[]}\n\n", "unknown", FEW),
    ("name in pieces", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"{n}_\"}}]}}]}\n\n", "tool_calls", FEW),
    ("ids", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"id{n}\",\"function\":{\"name\":\"f\"}}]}}]}\n\n", "tool_calls", MANY),
    ("arguments", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1\"}}]}}]}\n\n", "tool_calls", FEW),
    ("calls", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":{n},\"function\":{\"name\":\"f\"}}]}}]}\n\n", "tool_calls", MANY),
    ("choices", "data: {\"choices\":[{\"index\":{n},\"delta\":{\"content\":\"x\"}}]}\n\n", "notes", FEW),
    ("citations", "data: {\"citations\":[\"https://example.com/{n}\"],\"choices\":[]}\n\n", "citations", FEW),
    ("notes", "data: {\"choices\":[{\"index\":0,\"delta\":{}}],\"note{n}\":\"text\"}\n\n", "notes", FEW),
    ("counts", "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":{n}}}\n\n", "usage", FEW),
    ("text and thoughts", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\",\"reasoning_content\":\"b\"}}]}\n\n", "reasoning", MANY),
    ("small pieces", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n", "text", FEW),
    ("files", "data: {\"choices\":[{\"index\":0,\"delta\":{\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,QUJD\"}}]}}]}\n\n", "media", FEW),
];

#[rustfmt::skip]
const OPENAI_RESPONSES: &[Row] = &[
    ("keep-alives", "event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":{n}}\n\n", "keep_alives", FEW),
    ("comments", ":\n\n", "keep_alives", FEW),
    ("empty data", "data:\n\n", "text", FEW),
    ("unknown events", "data: {\"type\":\"new.{n}\",\"text\":\"some\"}\n\n", "unknown", FEW),
    ("unknown fields", "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"a\",\"odd{n}\":\"some\"}\n\n", "text", FEW),
    ("name in pieces", "data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"function_call\",\"id\":\"i\",\"call_id\":\"c\",\"name\":\"f{n}\",\"arguments\":\"\"}}\n\n", "tool_calls", MANY),
    ("ids", "data: {\"type\":\"response.in_progress\",\"response\":{\"id\":\"r{n}\",\"model\":\"m{n}\"}}\n\n", "response_id", FEW),
    ("arguments", "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"1\"}\n\n", "tool_calls", FEW),
    ("calls", "data: {\"type\":\"response.output_item.done\",\"output_index\":{n},\"item\":{\"type\":\"function_call\",\"id\":\"i{n}\",\"call_id\":\"c{n}\",\"name\":\"f\",\"arguments\":\"{}\"}}\n\n", "tool_calls", MANY),
    ("parts", "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":{n},\"delta\":\"x\"}\n\n", "text", FEW),
    ("citations", "data: {\"type\":\"response.output_text.annotation.added\",\"output_index\":0,\"content_index\":0,\"annotation\":{\"type\":\"url_citation\",\"url\":\"https://example.com/{n}\"}}\n\n", "citations", FEW),
    ("text and thoughts", "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"a\"}\n\ndata: {\"type\":\"response.reasoning_text.delta\",\"output_index\":1,\"content_index\":0,\"delta\":\"b\"}\n\n", "reasoning", MANY),
    ("small pieces", "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"a\"}\n\n", "text", FEW),
    ("items", "data: {\"type\":\"response.output_item.done\",\"output_index\":{n},\"item\":{\"type\":\"web_search_call\",\"id\":\"w{n}\",\"status\":\"completed\"}}\n\n", "items", MANY),
];

#[rustfmt::skip]
const ANTHROPIC: &[Row] = &[
    ("keep-alives", "event: ping\ndata: {\"type\":\"ping\"}\n\n", "keep_alives", FEW),
    ("comments", ":\n\n", "keep_alives", FEW),
    ("ids", "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m{n}\",\"model\":\"o{n}\",\"content\":[]}}\n\n", "response_id", FEW),
    ("empty data", "data:\n\n", "text", FEW),
    ("unknown events", "data: {\"type\":\"new_{n}\",\"text\":\"some\"}\n\n", "unknown", FEW),
    ("unknown fields", "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"odd{n}\",\"odd\":\"some\"}}\n\n", "unknown", FEW),
    ("arguments", "data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1\"}}\n\n", "tool_calls", FEW),
    ("calls", "data: {\"type\":\"content_block_start\",\"index\":{n},\"content_block\":{\"type\":\"tool_use\",\"id\":\"t{n}\",\"name\":\"f\",\"input\":{}}}\n\ndata: {\"type\":\"content_block_stop\",\"index\":{n}}\n\n", "tool_calls", MANY),
    ("blocks", "data: {\"type\":\"content_block_start\",\"index\":1{n},\"content_block\":{\"type\":\"text\",\"text\":\"x\"}}\n\n", "text", MANY),
    ("citations", "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"type\":\"web_search_result_location\",\"url\":\"https://example.com/{n}\"}}}\n\n", "citations", MANY),
    ("notes", "data: {\"type\":\"message_delta\",\"delta\":{},\"note{n}\":\"text\"}\n\n", "notes", FEW),
    ("counts", "data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":{n}}}\n\n", "usage", FEW),
    ("text and thoughts", "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"b\"}}\n\n", "reasoning", MANY),
    ("small pieces", "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n", "text", FEW),
    ("items", "data: {\"type\":\"content_block_start\",\"index\":1{n},\"content_block\":{\"type\":\"web_search_tool_result\",\"content\":\"x\"}}\n\ndata: {\"type\":\"content_block_stop\",\"index\":1{n}}\n\n", "items", MANY),
];

#[rustfmt::skip]
const GEMINI: &[Row] = &[
    ("keep-alives", ":\n\n", "keep_alives", FEW),
    ("empty data", "data:\n\n", "text", FEW),
    ("unknown fields", "data: {\"odd{n}\":\"some\",\"candidates\":[{}]}\n\n", "unknown", FEW),
    ("arguments", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":{n}}}}]}}]}\n\n", "tool_calls", MANY),
    ("ids", "data: {\"responseId\":\"r{n}\",\"modelVersion\":\"m{n}\",\"candidates\":[{}]}\n\n", "response_id", FEW),
    ("calls", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]}}]}\n\n", "tool_calls", MANY),
    ("candidates", "data: {\"candidates\":[{\"index\":0},{\"index\":1{n},\"content\":{\"parts\":[{\"text\":\"x\"}]}}]}\n\n", "notes", FEW),
    ("citations", "data: {\"candidates\":[{\"citationMetadata\":{\"citations\":[{\"uri\":\"https://example.com/{n}\"}]}}]}\n\n", "citations", FEW),
    ("notes", "data: {\"candidates\":[{\"finishMessage\":\"note {n}\"}]}\n\n", "notes", FEW),
    ("counts", "data: {\"usageMetadata\":{\"promptTokenCount\":1,\"candidatesTokenCount\":{n}}}\n\n", "usage", FEW),
    ("text and thoughts", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"},{\"text\":\"b\",\"thought\":true}]}}]}\n\n", "reasoning", MANY),
    ("small pieces", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n", "text", FEW),
    ("files", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"QUJD\"}}]}}]}\n\n", "media", MANY),
    ("items", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"{n}\"}}]}}]}\n\n", "items", MANY),
];

#[rustfmt::skip]
const OLLAMA: &[Row] = &[
    ("comments", ":\n", "keep_alives", FEW),
    ("blank lines", "\n", "text", FEW),
    ("counts", "{\"message\":{\"content\":\"\"},\"prompt_eval_count\":1,\"eval_count\":{n}}\n", "usage", FEW),
    ("unknown lines", "{\"odd{n}\":\"some\"}\n", "unknown", FEW),
    ("unknown fields", "{\"message\":{\"odd{n}\":\"some\"}}\n", "unknown", FEW),
    ("arguments", "{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":{n}}}}]}}\n", "tool_calls", MANY),
    ("ids", "{\"message\":{\"tool_calls\":[{\"id\":\"i{n}\",\"function\":{\"name\":\"f\"}}]}}\n", "tool_calls", MANY),
    ("notes", "{\"message\":{\"content\":\"\"},\"note{n}\":\"text\"}\n", "notes", FEW),
    ("text and thoughts", "{\"message\":{\"content\":\"a\",\"thinking\":\"b\"}}\n", "reasoning", MANY),
    ("small pieces", "{\"message\":{\"content\":\"a\"}}\n", "text", FEW),
    ("files", "{\"message\":{\"images\":[\"QUJD\"]}}\n", "media", FEW),
];

/// Whether a run tells something in a field.
fn tells(run: &Value, field: &str) -> bool {
    match &run[field] {
        Value::Null => false,
        Value::Number(number) => number.as_u64() != Some(0),
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
        Value::Bool(is) => *is,
    }
}

/// What a flood took up. What is above the budget is measured again: on a machine under load more may wait to be
/// written, but what a flood leaves behind is there each time.
fn least(flood: &Flood, budget: usize) -> Took {
    let took = ask(flood, true);
    if took.peak < budget {
        return took;
    }
    let again = [ask(flood, true), ask(flood, true)];
    let all = again.into_iter().chain([took]);
    all.min_by_key(|took| took.peak).expect("three")
}

fn assert_each_is_bounded(dialect: &'static str, rows: &[Row]) {
    let mut beyond = Vec::new();
    for (kind, unit, field, budget) in rows {
        let mut flood = Flood::new(dialect, unit, TIMES);
        if dialect == "anthropic" && *kind == "arguments" {
            flood.begin.push_str(ANTHROPIC_CALL);
        }
        // What is kept of its wire, and the same once more while it is packed.
        let wire = (unit.len() * TIMES).min(KEPT_WIRE);
        let budget = budget + 2 * wire;
        let took = least(&flood, base() + budget);
        let run = took.run();
        let above = took.above();
        println!(
            "matrix {dialect} {kind}: {} KiB above, disk {} KiB, {}",
            above >> 10,
            took.disk >> 10,
            run["outcome"]
        );
        if above >= budget
            || took.disk >= DISK_ROOM
            || run["outcome"] != "ok"
            || !tells(&run, field)
        {
            let said = run.to_string();
            beyond.push(format!(
                "{kind}: {above} bytes of memory, {} on disk, {field} {}: {}",
                took.disk,
                tells(&run, field),
                said.chars().take(300).collect::<String>()
            ));
        }
    }
    assert!(beyond.is_empty(), "{dialect}: {beyond:#?}");
}

macro_rules! dialects {
    ($($test:ident: $dialect:literal, $rows:expr;)+) => {
        $(
            #[test]
            #[cfg(target_os = "linux")]
            fn $test() {
                assert_each_is_bounded($dialect, $rows);
            }
        )+
    };
}

dialects! {
    openai_chat: "openai-chat", OPENAI_CHAT;
    openai_responses: "openai-responses", OPENAI_RESPONSES;
    anthropic: "anthropic", ANTHROPIC;
    gemini: "gemini", GEMINI;
    ollama: "ollama", OLLAMA;
}
