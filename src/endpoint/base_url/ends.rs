//! Removes the ends of pasted full URLs: the methods that a dialect appends itself.

/// Ends of pasted full URLs that the dialect appends itself.
const TAILS: &[&str] = &[
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/responses",
    "/messages/count_tokens",
    "/messages",
    "/models",
    "/images/generations",
    "/audio/transcriptions",
    "/audio/speech",
    "/moderations",
    "/rerank",
];

/// Ends of Ollama's own methods, whose base is the server's root.
const OLLAMA_TAILS: &[&str] = &[
    "/api/chat",
    "/api/generate",
    "/api/tags",
    "/api/embeddings",
    "/api/embed",
    "/api/show",
    "/api/ps",
    "/api/version",
];

/// Google's methods, which follow a model's name and a colon.
const METHODS: &[&str] = &[
    "generateContent",
    "streamGenerateContent",
    "countTokens",
    "embedContent",
    "batchEmbedContents",
    "predict",
    "rawPredict",
    "streamRawPredict",
];

/// Splits a path that ends in a method: the base, the method, and whether the method is relative to the server's root.
pub(super) fn without_end(bare: &str) -> Option<(&str, &str, bool)> {
    let tail = |tails: &[&str]| {
        let tail = tails.iter().find(|tail| bare.ends_with(**tail))?;
        Some(bare.split_at(bare.len() - tail.len()))
    };
    if let Some((before, end)) = tail(OLLAMA_TAILS) {
        return Some((before, end, true));
    }
    let method = bare.rsplit_once(':').map_or("", |(_, method)| method);
    if METHODS.contains(&method) {
        let at = bare
            .rfind("/publishers/")
            .or_else(|| bare.rfind("/models/"))?;
        return Some((&bare[..at], &bare[at..], false));
    }
    tail(TAILS).map(|(before, end)| (before, end, false))
}
