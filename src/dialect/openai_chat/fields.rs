//! The names of fields: which ones are ignored, and which ones hold token counts and finish reasons.
//!
//! The lists name the metadata. Any other field with text is emitted as unknown, so that new fields are not lost.

use crate::{
    body::{count::TokenCounts, json::Raw},
    event::{FinishReason, Usage},
};

/// Metadata fields of a chunk.
pub(super) const CHUNK_METADATA: &[&str] = &[
    "created",
    "kv_transfer_params", // vLLM
    "nvext",              // Dynamo
    "obfuscation",        // OpenAI: padding against traffic analysis
    "p",                  // Mistral: the same
    "prompt_filter_results",
    "prompt_logprobs", // vLLM
    "provider",        // OpenRouter
    "request_id",
    "service_tier",
    "system_fingerprint",
    "timings",         // llama.cpp
    "usage_breakdown", // Groq
];

/// Fields of a chunk that list sources; those with titles first.
pub(super) const SOURCES: &[&str] = &[
    "search_results", // Perplexity
    "web_search",     // Zhipu
    "citations",      // Perplexity, xAI: bare URLs
];

/// Fields of a chunk, a delta or a message that are emitted unchanged: items of the server's own tools.
pub(super) const KNOWN_ITEMS: &[&str] = &[
    "executed_tools",    // Groq
    "images",            // Perplexity, in a chunk
    "moderation",        // OpenAI
    "related_questions", // Perplexity
];

/// Metadata fields of a choice.
pub(super) const CHOICE_METADATA: &[&str] = &[
    "content_filter_offsets",
    "content_filter_results", // Azure
    "finish_details",
    "logprobs",
    "matched_stop",         // SGLang
    "native_finish_reason", // OpenRouter
    "stop_reason",          // vLLM
    "text",                 // Hugging Face: the delta's content again
    "trace_details",        // Writer
];

/// Metadata fields of a delta or a message.
pub(super) const DELTA_METADATA: &[&str] = &[
    "channel", // Groq: which of gpt-oss's channels
    "name",
    "obfuscation",
    "provider_specific_fields", // LiteLLM: the upstream's fields again
    "reasoning_content_signature",
    "role",
    "thinking_blocks", // LiteLLM: reasoning_content again
    "type",
];

/// The fields of reasoning, in order of preference: some servers put the same text into two of them.
pub(super) const REASONING: &[&str] = &[
    "reasoning_content",
    "reasoning",
    "thinking",
    "reasoning_text",
];

/// The providers' finish reasons by our class.
const FINISH_WORDS: &[(FinishReason, &[&str])] = &[
    (
        FinishReason::Stop,
        &[
            "stop",
            "eos",
            "eos_token",
            "end_turn",
            "stop_sequence",
            "STOP",
        ],
    ),
    (
        FinishReason::Length,
        &["length", "max_tokens", "model_length", "MAX_TOKENS"],
    ),
    (
        FinishReason::ToolCalls,
        &["tool_calls", "function_call", "tool_use"],
    ),
    (
        FinishReason::ContentFilter,
        &["content_filter", "sensitive", "safety", "SAFETY", "refusal"],
    ),
];

/// Our class of a provider's finish word.
pub(super) fn finish_class(word: &str) -> FinishReason {
    let row = FINISH_WORDS.iter().find(|(_, words)| words.contains(&word));
    row.map_or(FinishReason::Other, |(reason, _)| *reason)
}

/// Token counts by OpenAI's names, or those of DeepSeek and others; and a note if one is invalid.
pub(in crate::dialect) fn usage_of(raw: Raw<'_>) -> (Usage, Option<&'static str>) {
    let counts = TokenCounts::of(raw);
    let count = |paths: &[&str]| counts.get(paths);
    let usage = Usage {
        input: count(&["prompt_tokens", "input_tokens"]),
        output: count(&["completion_tokens", "output_tokens"]),
        reasoning: count(&[
            "completion_tokens_details/reasoning_tokens",
            "output_tokens_details/reasoning_tokens",
            "reasoning_tokens",
        ]),
        cache_written: count(&[
            "prompt_tokens_details/cache_write_tokens",
            "input_tokens_details/cache_write_tokens",
        ]),
        cached: count(&[
            "prompt_tokens_details/cached_tokens",
            "input_tokens_details/cached_tokens",
            "prompt_cache_hit_tokens",
            "cached_tokens",
        ]),
        total: count(&["total_tokens"]),
    };
    (usage, counts.oddity())
}
