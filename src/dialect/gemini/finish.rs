//! Maps Google's finish reasons (<https://ai.google.dev/api/generate-content#FinishReason>) to our classes.

use crate::event::FinishReason;

/// Our class of a finish reason. An answer with function calls ends with `STOP`, too.
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
