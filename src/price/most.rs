//! What a request takes at most, said before it is sent.

use crate::{chat::ChatRequest, event::Usage};

/// The tokens of a request, if its answer is as long as it may be.
#[must_use]
pub fn most_tokens(request: &ChatRequest) -> Usage {
    let system = request.system.as_ref().map_or(0, String::len);
    let messages = request.messages.iter().map(|message| message.text().len());
    Usage {
        input: Some(most_input_tokens((system + messages.sum::<usize>()) as u64)),
        output: request.params.max_tokens.map(Into::into),
        ..Usage::default()
    }
}

/// The input tokens of so many bytes of text, with what servers add around messages. A token is four letters at least two
/// thirds of the time, so that three bytes a token are too many rather than too few.
#[must_use]
pub const fn most_input_tokens(bytes: u64) -> u64 {
    bytes / 3 + 16
}
