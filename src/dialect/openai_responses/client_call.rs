//! The items with which the model calls its client: function calls, and calls of other client-side tools. Each is
//! sent back as an item of its type, and has a matching type of result.
//!
//! Source: <https://platform.openai.com/docs/api-reference/responses/create>, `input`.

use serde_json::{Value, json};

use crate::body::json::{self, Fields};

/// A type of item that the client must answer.
#[derive(Debug)]
pub(super) struct ClientCall {
    /// The item's type.
    pub(super) kind: &'static str,
    /// Its name if the item has none.
    pub(super) name: &'static str,
    /// The field with the arguments.
    pub(super) arguments_field: &'static str,
    /// The type of item that answers it.
    answer: fn(&str, &str) -> Value,
}

/// A function call.
pub(super) static FUNCTION: ClientCall = ClientCall {
    kind: "function_call",
    name: "",
    arguments_field: "arguments",
    answer: |id, output| json!({"type": "function_call_output", "call_id": id, "output": output}),
};

static ALL: &[&ClientCall] = &[
    &FUNCTION,
    &ClientCall {
        kind: "custom_tool_call",
        name: "custom",
        arguments_field: "input",
        answer: |id, output| json!({"type": "custom_tool_call_output", "call_id": id, "output": output}),
    },
    &ClientCall {
        kind: "local_shell_call",
        name: "local_shell",
        arguments_field: "action",
        answer: |id, output| json!({"type": "local_shell_call_output", "id": id, "output": output}),
    },
    &ClientCall {
        kind: "shell_call",
        name: "shell",
        arguments_field: "action",
        answer: |id, output| json!({"type": "shell_call_output", "call_id": id, "output": shell_output(output)}),
    },
    &ClientCall {
        kind: "apply_patch_call",
        name: "apply_patch",
        arguments_field: "operation",
        answer: |id, output| json!({"type": "apply_patch_call_output", "call_id": id, "status": "completed", "output": output}),
    },
    &ClientCall {
        kind: "computer_call",
        name: "computer",
        arguments_field: "action",
        answer: |id, output| json!({"type": "computer_call_output", "call_id": id, "output": screenshot(output)}),
    },
];

impl ClientCall {
    /// The type of a call item; `None` for items of the provider's own tools.
    pub(super) fn of(item: &Fields<'_>) -> Option<&'static Self> {
        let kind = item.stated("type").and_then(json::string)?;
        let environment = item
            .stated("environment")
            .and_then(|raw| Fields::of(raw).ok());
        let place = environment.and_then(|of| json::string(of.stated("type")?));
        let hosted = place.is_some_and(|place| place != "local");
        Self::of_kind(&kind).filter(|_| !hosted)
    }

    /// The call of an item's type.
    pub(super) fn of_kind(kind: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|call| call.kind == kind)
    }

    /// Whether it calls a function.
    pub(super) fn is_function(&self) -> bool {
        self.kind == FUNCTION.kind
    }

    /// Whether its arguments are text rather than JSON.
    pub(super) fn is_text(&self) -> bool {
        self.kind == "custom_tool_call"
    }

    /// Converts the item of a function call into this type.
    pub(super) fn rewrite(&self, item: &mut Value) {
        let Some(fields) = item.as_object_mut() else {
            return;
        };
        if self.is_function() {
            return;
        }
        let arguments = fields.remove(FUNCTION.arguments_field).unwrap_or_default();
        let arguments = match arguments {
            Value::String(text) if !self.is_text() => {
                serde_json::from_str(&text).unwrap_or(Value::String(text))
            }
            other => other,
        };
        fields.insert("type".into(), self.kind.into());
        if !self.is_text() {
            fields.remove("name");
            fields.insert("status".into(), "completed".into());
        }
        fields.insert(self.arguments_field.into(), arguments);
    }

    /// The item that answers the call of this id.
    pub(super) fn answer(&self, id: &str, output: &str) -> Value {
        (self.answer)(id, output)
    }
}

/// The output of a shell: unchanged if it is the documented list, else as `stdout`.
fn shell_output(output: &str) -> Value {
    match serde_json::from_str(output) {
        Ok(list @ Value::Array(_)) => list,
        _ => json!([{"stdout": output, "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]),
    }
}

/// A screenshot: unchanged if it is an object, else as a URL.
fn screenshot(output: &str) -> Value {
    match serde_json::from_str(output) {
        Ok(object @ Value::Object(_)) => object,
        _ => json!({"type": "computer_screenshot", "image_url": output}),
    }
}
