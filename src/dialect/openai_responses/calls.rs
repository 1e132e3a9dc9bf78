//! Function calls: an item each, with its arguments in pieces.

use std::borrow::Cow;

use super::{
    client_call::{ClientCall, FUNCTION},
    items::{Item, Items},
    places::Stated,
    whole::{arguments_of, keep},
};
use crate::{
    body::{
        json::{self, Fields},
        text::Joiner,
    },
    event::{Event, ToolCallDelta},
};

/// Fields without which the provider refuses a call that goes back: where the function was found, and which program
/// called it.
pub(super) const KEPT: &[&str] = &["namespace", "caller"];
/// The same where the type is not that of a function call.
pub(super) const KEPT_OF_OTHERS: &[&str] = &["type", "namespace", "caller"];

/// A call that is open.
#[derive(Debug)]
pub(super) struct Call {
    number: usize,
    of: &'static ClientCall,
    joiner: Joiner,
    /// Whether its arguments came in pieces.
    argued: bool,
    named: bool,
}

impl Call {
    fn name(&mut self, fields: &Fields<'_>, arguments: String, out: &mut Vec<Event>) {
        let text = |name| fields.stated(name).and_then(json::string);
        self.named = true;
        out.push(Event::ToolCall(ToolCallDelta {
            index: self.number,
            id: text("call_id").or_else(|| text("id")),
            name: text("name").or_else(|| Some(self.of.name.to_owned())),
            arguments,
        }));
        let kept = if self.of.is_function() {
            KEPT
        } else {
            KEPT_OF_OTHERS
        };
        keep(kept, fields, out);
    }
}

impl Items {
    /// A call is named at once.
    pub(super) fn begin_call(
        &mut self,
        of: &'static ClientCall,
        fields: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> Call {
        let mut call = self.new_call(of);
        // What others ask for is told when it is whole: it is no text that grows.
        let begun = (of.is_function() || of.is_text()).then(|| arguments_of(of.asked, fields));
        let arguments = String::from_utf8(begun.unwrap_or_default()).unwrap_or_default();
        call.argued = !arguments.is_empty();
        call.name(fields, arguments, out);
        call
    }

    fn new_call(&mut self, of: &'static ClientCall) -> Call {
        let number = self.calls;
        self.calls += 1;
        Call {
            number,
            of,
            joiner: Joiner::default(),
            argued: false,
            named: false,
        }
    }

    /// How many functions were called.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// The next piece of a call's arguments.
    pub(super) fn argue(
        &mut self,
        stated: Stated<'_>,
        piece: Cow<'_, [u8]>,
        out: &mut Vec<Event>,
    ) -> bool {
        let index = self.places.go_on(stated);
        self.add_arguments(index, piece, out)
    }

    /// A call's whole arguments: told only if none came in pieces.
    pub(super) fn argued(
        &mut self,
        stated: Stated<'_>,
        whole: Cow<'_, [u8]>,
        out: &mut Vec<Event>,
    ) -> bool {
        let index = self.places.go_on(stated);
        self.set_arguments(index, whole, out)
    }

    /// A call that nothing announced begins with its arguments: a stream that is taken up again has such.
    fn add_arguments(&mut self, index: u64, piece: Cow<'_, [u8]>, out: &mut Vec<Event>) -> bool {
        if !self.open.contains_key(&index) && !self.closed.contains(&index) {
            let call = Item::Call(self.new_call(&FUNCTION));
            self.open.insert(index, call);
        }
        let Some(Item::Call(call)) = self.open.get_mut(&index) else {
            return false;
        };
        call.argued = true;
        let piece = call.joiner.push(piece);
        piece.note_seams(out);
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
            Some(Item::Call(call)) if call.argued || whole.is_empty() => true,
            _ => self.add_arguments(index, whole, out),
        }
    }

    /// Tells of a whole call what its pieces did not.
    pub(super) fn close_call(&mut self, index: u64, fields: &Fields<'_>, out: &mut Vec<Event>) {
        if let Some(Item::Call(call)) = self.open.get_mut(&index)
            && !call.named
        {
            call.name(fields, String::new(), out);
        }
        let asked = match self.open.get(&index) {
            Some(Item::Call(call)) => call.of.asked,
            _ => FUNCTION.asked,
        };
        self.set_arguments(index, arguments_of(asked, fields).into(), out);
        self.end_call(index, out);
    }

    pub(super) fn end_call(&mut self, index: u64, out: &mut Vec<Event>) {
        if let Some(Item::Call(call)) = self.open.get_mut(&index) {
            let rest = call.joiner.end();
            rest.note_seams(out);
            // Nothing at all is no JSON: a call without arguments has an empty object.
            let empty = if call.argued || call.of.is_text() {
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
