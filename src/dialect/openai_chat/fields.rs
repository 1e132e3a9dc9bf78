//! What the fields of an answer are called: which ones are passed over, and where token counts and finish
//! words stand.
//!
//! The lists name the metadata. Any other field that carries text is shown as unknown, so that a field
//! of tomorrow shows itself instead of getting lost.

use crate::{
    body::{count::Counts, json::Raw},
    event::{FinishReason, Usage},
};

/// Fields of a chunk that say nothing of the answer itself.
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

/// Fields of a chunk, a delta or a message that are shown as they are: work of the server's own.
pub(super) const KNOWN_ITEMS: &[&str] = &[
    "executed_tools",    // Groq
    "images",            // Perplexity, in a chunk
    "moderation",        // OpenAI
    "related_questions", // Perplexity
];

/// Fields of a choice that say nothing of the answer itself.
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

/// Fields of a delta or a message that say nothing of the answer itself.
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

/// The fields that reasoning comes in, in order of preference: some servers fill two with the same text.
pub(super) const REASONING: &[&str] = &[
    "reasoning_content",
    "reasoning",
    "thinking",
    "reasoning_text",
];

/// Provider words for our classes of finish.
const FINISH: &[(FinishReason, &[&str])] = &[
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
    let row = FINISH.iter().find(|(_, words)| words.contains(&word));
    row.map_or(FinishReason::Other, |(reason, _)| *reason)
}

/// Token counts as OpenAI states them, or with the names that DeepSeek and others use; and what is odd about them.
pub(in crate::dialect) fn usage_of(raw: Raw<'_>) -> (Usage, Option<&'static str>) {
    let counts = Counts::of(raw);
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
