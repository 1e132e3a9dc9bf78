//! A function call whose arguments are still coming.

use super::{client_call::ClientCall, whole::emit_signature_fields};
use crate::{
    body::{
        json::{self, Fields},
        text::SurrogateJoiner,
    },
    event::{Event, ToolCallDelta},
};

/// Fields that the provider requires when a call is sent back: the function's namespace, and the program that called
/// it.
pub(super) const CALL_SIGNATURE_FIELDS: &[&str] = &["namespace", "caller"];
/// The same for types other than function calls.
pub(super) const OTHER_CALL_SIGNATURE_FIELDS: &[&str] = &["type", "namespace", "caller"];

/// A call whose arguments are still coming.
#[derive(Debug)]
pub(super) struct OpenFunctionCall {
    pub(super) number: usize,
    pub(super) kind: &'static ClientCall,
    pub(super) joiner: SurrogateJoiner,
    /// Whether its arguments came in deltas.
    pub(super) streamed_arguments: bool,
    pub(super) has_name: bool,
}

impl OpenFunctionCall {
    pub(super) fn name(&mut self, fields: &Fields<'_>, arguments: String, out: &mut Vec<Event>) {
        let text = |name| fields.stated(name).and_then(json::string);
        self.has_name = true;
        out.push(Event::ToolCall(ToolCallDelta {
            index: self.number,
            id: text("call_id").or_else(|| text("id")),
            name: text("name").or_else(|| Some(self.kind.name.to_owned())),
            arguments,
        }));
        let fields_sent_back = if self.kind.is_function() {
            CALL_SIGNATURE_FIELDS
        } else {
            OTHER_CALL_SIGNATURE_FIELDS
        };
        emit_signature_fields(fields_sent_back, fields, out);
    }
}
