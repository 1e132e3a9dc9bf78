//! The server's half of `openai-responses`.
//!
//! Wire facts: <https://platform.openai.com/docs/api-reference/responses-streaming>.

mod items;
mod read;
mod whole;
mod write;

use self::{read::parse, write::ResponseWriter};
use crate::dialect::{
    openai_chat::serve::{error, models},
    serve::{Serve, bearer, in_turn::InTurn, json_refusal, route_below},
};

/// How a server reads and writes it.
pub(super) static SERVE: Serve = Serve {
    base_path: "/v1",
    // Below its path are stored responses, and the count of a request's tokens.
    route: |path, _| route_below(path, "/v1/", "responses", &["responses/"]),
    key: bearer,
    signs_calls: false,
    timings: None,
    read: parse,
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, head| Box::new(InTurn::new(ResponseWriter::new(asked, head))),
};
