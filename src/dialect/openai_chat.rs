//! `openai-chat`: chat completions as OpenAI defines them and a hundred servers vary them.

use crate::dialect::{Dialect, DialectId};

/// The dialect's row.
pub static DIALECT: Dialect = Dialect {
    id: DialectId::OpenaiChat,
    label: "OpenAI chat completions",
    chat_url: |base, _model| { let mut u = base.clone(); let p = format!("{}/chat/completions", u.path().trim_end_matches('/')); u.set_path(&p); u },
    models_url: |_base| todo!("wire helper"),
    encode: |_request| todo!("wire helper"),
    decoder: |_head| todo!("wire helper"),
    models: |_body| todo!("wire helper"),
};
