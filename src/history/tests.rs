//! Runs for tests.

use super::*;
use crate::{
    chat::ChatRequest, dialect::DialectId, endpoint::TargetId, run::Origin, run::RunHead,
    run::RunState,
};

/// A run with nothing but a key and a prompt, whose answer is waited for.
pub(super) fn a_run(id: i64) -> Run {
    let head = RunHead {
        id: RunId(id),
        target: TargetId {
            endpoint: "here".into(),
            model: "m".into(),
        },
        dialect: DialectId::OpenaiChat,
        route: "direct".into(),
        url: "http://127.0.0.1/v1/chat/completions".into(),
        simulated: false,
        origin: Origin::Playground,
        attempt: 1,
        request: Arc::new(ChatRequest::of_text("m", "hello")),
    };
    Run {
        state: RunState::Waiting,
        ..Run::new(head)
    }
}
