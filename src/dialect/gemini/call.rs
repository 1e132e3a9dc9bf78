//! Function calls: whole ones, and those of Vertex AI whose arguments are streamed.
//!
//! With `streamFunctionCallArguments`, the first `functionCall` has the name and `willContinue`, further ones without a
//! name have arguments by JSON path, and the last one has no `willContinue`
//! (<https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling>). The paths may come in
//! any order, so the arguments are emitted once they are complete.

use serde_json::Value;

use super::partial::PartialArgs;
use crate::{
    body::json::{self, Fields, Raw},
    event::{Event, ToolCallDelta},
};

/// The calls of one answer.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Calls {
    count: usize,
    open: Option<PartialFunctionCall>,
}

/// A call whose arguments are incomplete.
#[derive(Debug)]
struct PartialFunctionCall {
    id: Option<String>,
    args: PartialArgs,
}

/// A call, or the next piece of one, however it was written.
#[derive(Debug, Default)]
pub(in crate::dialect) struct CallPiece {
    pub id: Option<String>,
    pub name: Option<String>,
    /// The JSON text of whole arguments.
    pub args: Option<String>,
    /// The `partialArgs` field.
    pub pieces: Option<Value>,
    pub continues: bool,
}

impl CallPiece {
    fn of(call: &Fields<'_>) -> serde_json::Result<Self> {
        let text = |name| call.get(name).and_then(json::string);
        let args = call.get("args").map(Raw::get);
        let pieces = call.get("partialArgs").map(Raw::get);
        let is_stated = |json: &&str| *json != "null";
        Ok(Self {
            id: text("id"),
            name: text("name"),
            args: args.filter(is_stated).map(str::to_owned),
            pieces: pieces
                .filter(is_stated)
                .map(serde_json::from_str)
                .transpose()?,
            continues: call
                .get("willContinue")
                .is_some_and(|raw| raw.get() == "true"),
        })
    }
}

impl Calls {
    /// How many calls started.
    pub(in crate::dialect) fn count(&self) -> usize {
        self.count
    }

    /// An empty piece of the incomplete call, if there is one.
    pub(super) fn pending(&self) -> Option<Event> {
        self.open.as_ref().map(|_| {
            Event::ToolCall(ToolCallDelta {
                index: self.count - 1,
                ..ToolCallDelta::default()
            })
        })
    }

    /// Reads a call, or the next piece of one. `false` if it is neither.
    ///
    /// # Errors
    /// If it is nested deeper than `serde_json` reads.
    pub(super) fn read(
        &mut self,
        call: &Fields<'_>,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<bool> {
        self.take(CallPiece::of(call)?, out)
    }

    /// Adds a call, or the next piece of one. `false` if it is neither.
    ///
    /// # Errors
    /// If its arguments are not JSON, or nested deeper than `serde_json` reads.
    pub(in crate::dialect) fn take(
        &mut self,
        piece: CallPiece,
        out: &mut Vec<Event>,
    ) -> serde_json::Result<bool> {
        let CallPiece {
            id,
            name,
            args,
            pieces,
            continues,
        } = piece;
        let is_continued = (self.open.as_ref())
            .is_some_and(|open| name.is_none() || (id.is_some() && open.id == id));
        if !is_continued {
            if name.is_none() {
                return Ok(false);
            }
            self.close(out);
            let whole = !continues && pieces.is_none();
            let arguments = if whole {
                args.clone().unwrap_or_else(|| "{}".to_owned())
            } else {
                String::new()
            };
            out.push(Event::ToolCall(ToolCallDelta {
                index: self.count,
                id: id.clone(),
                name,
                arguments,
            }));
            self.count += 1;
            if whole {
                return Ok(true);
            }
            let args = PartialArgs::default();
            self.open = Some(PartialFunctionCall { id, args });
        }
        if let Some(open) = &mut self.open {
            if let Some(args) = args {
                open.args.put_all(serde_json::from_str(&args)?);
            }
            if let Some(pieces) = pieces {
                open.args.put_pieces(pieces);
            }
        }
        if !continues {
            self.close(out);
        }
        Ok(true)
    }

    /// Ends the incomplete call. `false` if there is none.
    pub(super) fn close(&mut self, out: &mut Vec<Event>) -> bool {
        let Some(open) = self.open.take() else {
            return false;
        };
        out.push(Event::ToolCall(ToolCallDelta {
            index: self.count - 1,
            arguments: open.args.into_text(),
            ..ToolCallDelta::default()
        }));
        true
    }
}
