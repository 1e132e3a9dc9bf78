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
    serve::{PathParams, Serve, ServedRoute, bearer, in_turn::InTurn, json_refusal},
};

/// How a server reads and writes it.
pub(super) static SERVE: Serve = Serve {
    base_path: "/v1",
    route: |path, _| {
        let chat = path.split('?').next() == Some("/v1/responses");
        chat.then(|| ServedRoute::Chat(PathParams::default()))
    },
    key: bearer,
    timings: None,
    read: parse,
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, head| Box::new(InTurn::new(ResponseWriter::new(asked, head))),
};
