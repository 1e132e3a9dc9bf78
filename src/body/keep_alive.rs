//! Events whose data only keeps the connection open.

/// Whether data only keeps the connection open: a comment, an empty value, or a word for it.
pub(super) fn is_keep_alive(data: &str) -> bool {
    const WORDS: &[&str] = &[
        "null",
        "\"\"",
        "[]",
        "ping",
        "[ping]",
        "keep-alive",
        "keepalive",
        "heartbeat",
    ];
    data.starts_with(':') || WORDS.iter().any(|word| data.eq_ignore_ascii_case(word))
}
