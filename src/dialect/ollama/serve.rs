//! The server's half of `ollama`: one JSON object per line; the last one has the server's times.
//!
//! Wire facts: <https://docs.ollama.com/api/chat>.

mod read;
mod write;

use std::time::Duration;

use serde_json::{Value, json};

use self::{read::parse, write::LineWriter};
use crate::{
    dialect::serve::{
        AnswerTimes, ModelList, Serve, ServedRoute, bearer, in_turn::InTurn, json_refusal,
        route_below,
    },
    event::Event,
};

/// How a server reads and writes it.
pub(super) static SERVE: Serve = Serve {
    base_path: "",
    route: |path, _| match path {
        "/api/tags" => Some(ServedRoute::Models),
        _ => route_below(
            path,
            "/api/",
            "chat",
            &["embed", "embeddings", "generate", "ps", "show", "version"],
        ),
    },
    key: bearer,
    signs_calls: false,
    timings: Some(timings),
    read: parse,
    models,
    refuse: |fault| json_refusal(fault, &json!({ "error": fault.message })),
    writer: |asked, head| Box::new(InTurn::new(LineWriter::new(asked, head))),
};

fn models(list: &ModelList) -> Value {
    let list: Vec<Value> = (list.models.iter())
        .map(|m| {
            let details =
                json!({ "family": list.owner, "parameter_size": "0B", "quantization_level": "" });
            json!({ "name": m.id, "model": m.id, "modified_at": "1970-01-01T00:00:00Z", "size": 0,
                "digest": "", "details": details })
        })
        .collect();
    json!({ "models": list })
}

/// The times of the last line. Loading counts until the response's head, reading the prompt until the first token.
fn timings(times: &AnswerTimes) -> Vec<Event> {
    let first = times.first_token.unwrap_or(times.end);
    let timing = |(name, time): (&str, Duration)| Event::Timing {
        name: name.to_owned(),
        ns: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
    };
    let timings = [
        ("total_duration", times.end),
        ("load_duration", times.head),
        ("prompt_eval_duration", first.saturating_sub(times.head)),
        ("eval_duration", times.end.saturating_sub(first)),
    ];
    timings.map(timing).into()
}
