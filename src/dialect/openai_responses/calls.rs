//! Function calls: one item each, with the arguments in deltas.

use std::borrow::Cow;

use super::{
    client_call::{ClientCall, FUNCTION},
    items::{Items, OutputItem},
    open_call::OpenFunctionCall,
    places::ItemRef,
    whole::arguments_of,
};
use crate::{
    body::{json::Fields, text::SurrogateJoiner},
    event::{Event, ToolCallDelta},
};

impl Items {
    /// Emits a call's name at once.
    pub(super) fn begin_call(
        &mut self,
        kind: &'static ClientCall,
        fields: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> OpenFunctionCall {
        let mut call = self.new_call(kind);
        // Inputs of other types are JSON values and are emitted when complete.
        let begun = (kind.is_function() || kind.is_text())
            .then(|| arguments_of(kind.arguments_field, fields));
        let arguments = String::from_utf8(begun.unwrap_or_default()).unwrap_or_default();
        call.streamed_arguments = !arguments.is_empty();
        call.name(fields, arguments, out);
        call
    }

    fn new_call(&mut self, kind: &'static ClientCall) -> OpenFunctionCall {
        let number = self.calls;
        self.calls += 1;
        OpenFunctionCall {
            number,
            kind,
            joiner: SurrogateJoiner::default(),
            streamed_arguments: false,
            has_name: false,
        }
    }

    /// How many functions were called.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// A delta of a call's arguments.
    pub(super) fn push_arguments(
        &mut self,
        stated: ItemRef<'_>,
        piece: Cow<'_, [u8]>,
        out: &mut Vec<Event>,
    ) -> bool {
        let index = self.places.continued(stated);
        self.add_arguments(index, piece, out)
    }

    /// A call's whole arguments: emitted only if none came in deltas.
    pub(super) fn whole_arguments(
        &mut self,
        stated: ItemRef<'_>,
        whole: Cow<'_, [u8]>,
        out: &mut Vec<Event>,
    ) -> bool {
        let index = self.places.continued(stated);
        self.set_arguments(index, whole, out)
    }

    /// A call that was not announced starts with its arguments, as in a resumed stream.
    fn add_arguments(&mut self, index: u64, piece: Cow<'_, [u8]>, out: &mut Vec<Event>) -> bool {
        if !self.open.contains_key(&index) && !self.closed.contains(&index) {
            let call = OutputItem::Call(self.new_call(&FUNCTION));
            self.open.insert(index, call);
        }
        let Some(OutputItem::Call(call)) = self.open.get_mut(&index) else {
            return false;
        };
        call.streamed_arguments = true;
        let piece = call.joiner.push(piece);
        piece.note_repairs(out);
        let (index, arguments) = (call.number, piece.text);
        out.push(Event::ToolCall(ToolCallDelta {
            index,
            arguments,
            ..ToolCallDelta::default()
        }));
        true
    }

    fn set_arguments(&mut self, index: u64, whole: Cow<'_, [u8]>, out: &mut Vec<Event>) -> bool {
        match self.open.get(&index) {
            Some(OutputItem::Call(call)) if call.streamed_arguments || whole.is_empty() => true,
            _ => self.add_arguments(index, whole, out),
        }
    }

    /// Emits what the deltas of a call left out.
    pub(super) fn close_call(&mut self, index: u64, fields: &Fields<'_>, out: &mut Vec<Event>) {
        if let Some(OutputItem::Call(call)) = self.open.get_mut(&index)
            && !call.has_name
        {
            call.name(fields, String::new(), out);
        }
        let arguments_field = match self.open.get(&index) {
            Some(OutputItem::Call(call)) => call.kind.arguments_field,
            _ => FUNCTION.arguments_field,
        };
        self.set_arguments(index, arguments_of(arguments_field, fields).into(), out);
        self.end_call(index, out);
    }

    pub(super) fn end_call(&mut self, index: u64, out: &mut Vec<Event>) {
        if let Some(OutputItem::Call(call)) = self.open.get_mut(&index) {
            let rest = call.joiner.end();
            rest.note_repairs(out);
            // Empty text is not JSON: a call without arguments gets an empty object.
            let empty = if call.streamed_arguments || call.kind.is_text() {
                ""
            } else {
                "{}"
            };
            let arguments = format!("{}{empty}", rest.text);
            if !arguments.is_empty() {
                out.push(Event::ToolCall(ToolCallDelta {
                    index: call.number,
                    arguments,
                    ..ToolCallDelta::default()
                }));
            }
        }
    }
}
