//! Why an answer ended: Google's words (<https://ai.google.dev/api/generate-content#FinishReason>) and our
//! classes of them.

use crate::event::FinishReason;

/// Our class of a finish word. An answer that calls functions ends with `STOP` as any other does.
pub(in crate::dialect) fn class_of(word: &str, calls: usize) -> FinishReason {
    match word {
        "STOP" if calls > 0 => FinishReason::ToolCalls,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}
