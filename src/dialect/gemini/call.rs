//! Function calls: whole ones, and those of Vertex AI whose arguments come in pieces.
//!
//! `streamFunctionCallArguments` names a call with `willContinue`, sends its arguments path by path in
//! further calls without a name, and ends it with one that will not continue
//! (<https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling>). The paths
//! may come in any order, so such arguments are told when they are whole.

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

/// A call whose arguments still come.
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
    /// The arguments' JSON text, where they stand whole.
    pub args: Option<String>,
    /// The `partialArgs`.
    pub pieces: Option<Value>,
    pub continues: bool,
}

impl CallPiece {
    fn of(call: &Fields<'_>) -> serde_json::Result<Self> {
        let said = |name| call.get(name).and_then(json::string);
        let args = call.get("args").map(Raw::get);
        let pieces = call.get("partialArgs").map(Raw::get);
        let stated = |json: &&str| *json != "null";
        Ok(Self {
            id: said("id"),
            name: said("name"),
            args: args.filter(stated).map(str::to_owned),
            pieces: pieces
                .filter(stated)
                .map(serde_json::from_str)
                .transpose()?,
            continues: call
                .get("willContinue")
                .is_some_and(|raw| raw.get() == "true"),
        })
    }
}

impl Calls {
    /// How many there were.
    pub(in crate::dialect) fn count(&self) -> usize {
        self.count
    }

    /// An empty piece of the call whose arguments still come.
    pub(super) fn awaited(&self) -> Option<Event> {
        self.open.as_ref().map(|_| {
            Event::ToolCall(ToolCallDelta {
                index: self.count - 1,
                ..ToolCallDelta::default()
            })
        })
    }

    /// Reads a call, or the next piece of one; gives whether it was either.
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

    /// Takes a call, or the next piece of one; gives whether it was either.
    ///
    /// # Errors
    /// If its arguments are no JSON, or nested deeper than `serde_json` reads.
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
        let goes_on = (self.open.as_ref())
            .is_some_and(|open| name.is_none() || (id.is_some() && open.id == id));
        if !goes_on {
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

    /// Ends the call whose arguments still come, and gives whether there was one.
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
