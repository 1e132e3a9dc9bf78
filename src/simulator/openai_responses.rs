//! `openai-responses`, from the server's side.
//!
//! Wire facts: <https://platform.openai.com/docs/api-reference/responses-streaming>.

mod request;
mod writer;

use self::{request::parse, writer::ResponseWriter};
use super::{
    dialect::{Dialect, Route, Way},
    openai_chat::{bearer, error, models},
    reply::json_refusal,
};
use crate::dialect::DialectId;

pub(super) static DIALECT: Dialect = Dialect {
    id: DialectId::OpenaiResponses,
    base_path: "/v1",
    route: |path, _| {
        let chat = path.split('?').next() == Some("/v1/responses");
        chat.then(|| Route::Chat(Way::default()))
    },
    key: bearer,
    times: false,
    parse,
    models,
    refuse: |fault| json_refusal(fault, &error(fault)),
    writer: |asked, id| Box::new(ResponseWriter::new(asked, id)),
};
