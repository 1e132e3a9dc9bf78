//! Converts Anthropic's token counts, and its words for why a message ended.

use crate::{
    body::{count, json::Fields},
    event::{FinishReason, Usage},
};

/// The counts of one message. Each `usage` covers the whole message so far and leaves out unchanged counts:
/// `message_start` has the prompt's, `message_delta` the output's and sometimes the prompt's again.
#[derive(Debug, Default)]
pub(super) struct MessageUsage {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_written: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
}

impl MessageUsage {
    /// Stores the counts of a `usage` object. Returns notes on invalid ones.
    pub(super) fn take(&mut self, stated: &Fields<'_>) -> Vec<&'static str> {
        let mut odd = Vec::new();
        for (path, counted) in [
            ("input_tokens", &mut self.input),
            ("cache_read_input_tokens", &mut self.cache_read),
            ("cache_creation_input_tokens", &mut self.cache_written),
            ("output_tokens", &mut self.output),
            ("output_tokens_details/thinking_tokens", &mut self.thinking),
        ] {
            match count::at(stated, path).map(count::count) {
                None => {}
                Some(Some(number)) => *counted = Some(number),
                Some(None) => odd.push(count::ODD),
            }
        }
        if self.output.is_some() && self.thinking > self.output {
            odd.push("more thinking tokens than output tokens");
        }
        odd
    }

    /// The counts as [`Usage`] defines them: Anthropic's `input_tokens` excludes tokens read from and written to the
    /// cache.
    pub(super) fn usage(&self) -> Usage {
        let cached = self.cache_read.unwrap_or(0);
        let written = self.cache_written.unwrap_or(0);
        let input = self.input.map(|input| {
            let cache = cached.saturating_add(written);
            input.saturating_add(cache)
        });
        Usage {
            input,
            output: self.output,
            reasoning: self.thinking,
            cached: self.cache_read,
            cache_written: self.cache_written,
            total: None,
        }
    }
}

/// Our class of a `stop_reason`.
pub(super) fn finish_class(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        // `pause_turn` and `compaction`: the model continues if asked to.
        _ => FinishReason::Other,
    }
}
