//! Whether the parameters that a provider echoes are those that were sent.

use serde_json::{Map, Value};

use crate::{chat::ChatRequest, exchange::call::fitted_body, run::Run};

pub(super) fn changed(run: &Run) -> Vec<String> {
    let echoed = &run.answer.echoed;
    if echoed.is_empty() {
        return Vec::new();
    }
    let sent = sent(run);
    let pairs = sent
        .iter()
        .filter_map(|(name, sent)| Some((name, sent, echoed.get(name)?)));
    let changed = pairs.filter_map(|(name, sent, said)| difference(name, sent, said));
    changed.collect()
}

/// The parameters as they stood in the body. No provider says the conversation back.
fn sent(run: &Run) -> Map<String, Value> {
    let request = ChatRequest {
        messages: Vec::new(),
        ..ChatRequest::clone(&run.head.request)
    };
    let dialect = run.head.dialect.dialect();
    let body = request.raw_body.clone();
    match body.unwrap_or_else(|| fitted_body(dialect, &request)) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The first place where another value was said back. What was left to the provider (`auto`) and what it does
/// not say (null) is no difference; a schema may be said back in another form.
fn difference(name: &str, sent: &Value, said: &Value) -> Option<String> {
    let same = match (sent, said) {
        (_, Value::Null) | (Value::Null | Value::Array(_), _) => true,
        (Value::Object(sent), Value::Object(said)) => {
            let mut fields = sent.iter().filter(|(name, _)| *name != "schema");
            return fields.find_map(|(field, sent)| {
                difference(&format!("{name}.{field}"), sent, said.get(field)?)
            });
        }
        (Value::String(sent), _) if sent == "auto" => true,
        (Value::Number(sent), Value::Number(said)) => {
            // Servers that count in 32 bits say 0.7 as 0.699999988.
            let (sent, said) = (sent.as_f64()?, said.as_f64()?);
            (sent - said).abs() <= 1e-6 * sent.abs().max(1.0)
        }
        (sent, said) => sent == said,
    };
    (!same).then(|| format!("{name} {sent}: the provider says that it took {said}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_another_value_is_a_difference() {
        for (sent, said, told) in [
            (json!(0.7), json!(0.699_999_988), None),
            (json!(0), json!(0.0), None),
            (json!("auto"), json!("default"), None),
            (
                json!({"effort": "low", "summary": "auto"}),
                json!({"effort": "low", "summary": "detailed"}),
                None,
            ),
            (
                json!({"format": {"schema": {}, "strict": true}}),
                json!({"format": {"schema": {"a": 1}, "strict": true, "x": null}}),
                None,
            ),
            (json!(16), json!(null), None),
            (
                json!(0.7),
                json!(1.0),
                Some("p 0.7: the provider says that it took 1.0"),
            ),
            (
                json!(false),
                json!(true),
                Some("p false: the provider says that it took true"),
            ),
            (
                json!("required"),
                json!("auto"),
                Some("p \"required\": the provider says that it took \"auto\""),
            ),
            (
                json!({"effort": "low"}),
                json!({"effort": "medium"}),
                Some("p.effort \"low\": the provider says that it took \"medium\""),
            ),
        ] {
            assert_eq!(
                difference("p", &sent, &said).as_deref(),
                told,
                "{sent} {said}"
            );
        }
    }
}
