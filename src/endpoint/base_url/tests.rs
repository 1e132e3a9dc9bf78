use super::*;

/// The text, the normalised URL, and the starts of the changes' descriptions.
const TEXTS: &[(&str, &str, &[&str])] = &[
    (
        "https://api.openai.com/v1",
        "https://api.openai.com/v1",
        &[],
    ),
    (
        "  https://api.openai.com/v1 \n",
        "https://api.openai.com/v1",
        &[],
    ),
    (
        "https://api.openai.com/v1/",
        "https://api.openai.com/v1",
        &["trailing /"],
    ),
    (
        " \"https://api.openai.com/v1\" ",
        "https://api.openai.com/v1",
        &["the quotes"],
    ),
    (
        "'localhost:1/v1'",
        "http://localhost:1/v1",
        &["the quotes", "http:// added"],
    ),
    (
        "[::ffff:127.0.0.1]:1/v1",
        "http://[::ffff:7f00:1]:1/v1",
        &["http:// added"],
    ),
    ("[::]:1/v1", "http://[::]:1/v1", &["http:// added"]),
    (
        "https://api.openai.com",
        "https://api.openai.com/v1",
        &["/v1 added"],
    ),
    (
        "https://api.openai.com/",
        "https://api.openai.com/v1",
        &["/v1 added"],
    ),
    (
        "api.openai.com",
        "https://api.openai.com/v1",
        &["https:// added", "/v1 added"],
    ),
    (
        "HTTPS://API.OpenAI.com/v1",
        "https://api.openai.com/v1",
        &[],
    ),
    ("https:api.openai.com/v1", "https://api.openai.com/v1", &[]),
    (
        "localhost:11434",
        "http://localhost:11434/v1",
        &["http:// added", "/v1 added"],
    ),
    (
        "127.0.0.1:8080/v1",
        "http://127.0.0.1:8080/v1",
        &["http:// added"],
    ),
    ("[::1]:8080/v1", "http://[::1]:8080/v1", &["http:// added"]),
    (
        "0.0.0.0:8000/v1",
        "http://0.0.0.0:8000/v1",
        &["http:// added"],
    ),
    ("http://a.localhost:1/v1", "http://a.localhost:1/v1", &[]),
    (
        "192.168.1.5:8000/v1",
        "https://192.168.1.5:8000/v1",
        &["https:// added"],
    ),
    (
        "https://api.deepseek.com/chat/completions",
        "https://api.deepseek.com/",
        &["/chat/completions removed"],
    ),
    (
        "https://openrouter.ai/api/v1/chat/completions/",
        "https://openrouter.ai/api/v1",
        &["/chat/completions removed"],
    ),
    (
        "https://x.ai/v1/models",
        "https://x.ai/v1",
        &["/models removed"],
    ),
    ("https://x.ai/api/paas/v4", "https://x.ai/api/paas/v4", &[]),
    (
        "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
        "https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
        &["/chat/completions removed"],
    ),
    ("https://h.example/base#", "https://h.example/base", &[]),
    ("https://h.example/models#", "https://h.example/models", &[]),
    ("https://h.example#", "https://h.example/", &[]),
    (
        "https://h.example/v1#top",
        "https://h.example/v1",
        &["the fragment"],
    ),
    ("https://例え.jp/v1", "https://xn--r8jz45g.jp/v1", &[]),
];

#[test]
fn texts_are_normalised() {
    for (text, url, changes) in TEXTS {
        let got = normalise(text, DialectId::OpenaiChat).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(got.url.as_str(), *url, "{text}");
        assert_eq!(
            got.changes.len(),
            changes.len(),
            "{text}: {:?}",
            got.changes
        );
        for (change, expected) in got.changes.iter().zip(*changes) {
            assert!(change.starts_with(expected), "{text}: {change}");
        }
        let again =
            normalise(&written(&got.url), DialectId::Gemini).expect("what we write can be read");
        assert_eq!(again.url, got.url, "{text} is stable");
    }
}

#[test]
fn a_pasted_url_of_any_method_is_reduced_to_its_base() {
    use DialectId::{Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses};
    const GOOGLE: &str = "https://generativelanguage.googleapis.com/v1beta";
    const VERTEX: &str = "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l";
    for (dialect, text, url) in [
        (
            OpenaiChat,
            "http://localhost:11434/api/generate",
            "http://localhost:11434/v1",
        ),
        (
            OpenaiChat,
            "http://localhost:11434/api/tags/",
            "http://localhost:11434/v1",
        ),
        (
            Ollama,
            "http://localhost:11434/api/chat",
            "http://localhost:11434/v1",
        ),
        (OpenaiChat, "https://h/team/api/tags", "https://h/team"),
        (OpenaiChat, "https://h/v1/completions", "https://h/v1"),
        (
            OpenaiChat,
            "https://h/v1/embeddings?x=1",
            "https://h/v1?x=1",
        ),
        (OpenaiResponses, "https://h/v1/responses", "https://h/v1"),
        (Anthropic, "https://h/v1/messages", "https://h/v1"),
        (
            Gemini,
            &format!("{GOOGLE}/models/gemini-3:generateContent"),
            GOOGLE,
        ),
        (
            Gemini,
            &format!("{GOOGLE}/models/g:streamGenerateContent?alt=sse"),
            &format!("{GOOGLE}?alt=sse"),
        ),
        (
            Gemini,
            &format!("{VERTEX}/publishers/google/models/g:generateContent"),
            VERTEX,
        ),
        (Gemini, "https://h/gemini", "https://h/gemini/v1beta"),
        (Gemini, "https://h/gemini/", "https://h/gemini/v1beta"),
        (
            Gemini,
            "https://h/x/google-ai-studio",
            "https://h/x/google-ai-studio/v1beta",
        ),
        (Gemini, "https://h/gemini/v1beta", "https://h/gemini/v1beta"),
        (Gemini, "https://h/gemini#", "https://h/gemini"),
        (OpenaiChat, "https://h/gemini", "https://h/gemini"),
    ] {
        let got = normalise(text, dialect).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(got.url.as_str(), url, "{text}");
        let again = normalise(&written(&got.url), dialect).expect("what we write can be read");
        assert_eq!(again.url, got.url, "{text} is stable");
    }
}

#[test]
fn invalid_urls_are_errors_with_a_reason() {
    let table: &[(&str, &str)] = &[
        ("", "empty"),
        (" \t", "empty"),
        ("https://a b/v1", "a space or a control character"),
        ("https://a/v1\u{7f}", "a space or a control character"),
        ("ftp://host/v1", "not ftp://"),
        ("file:///etc/passwd", "not file://"),
        ("https://", "can't be read"),
        ("https://host:99999/v1", "can't be read"),
        ("https://user:hunter2@host/v1", "user name or password"),
        ("https://sk-hunter2@host/v1", "user name or password"),
        ("user:hunter2@host", "user name or password"),
        ("http://api.openai.com/v1", "http:// to api.openai.com"),
        ("http://192.168.1.5:8000/v1", "allow_http = true"),
        (
            "http://127.0.0.1.evil.example/v1",
            "http:// to 127.0.0.1.evil.example",
        ),
        (
            "http://localhost.evil.example/v1",
            "http:// to localhost.evil.example",
        ),
    ];
    for (text, why) in table {
        let error = normalise(text, DialectId::OpenaiChat)
            .expect_err(text)
            .to_string();
        assert!(error.contains(why), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{text}: {error}");
    }
}

#[test]
fn plain_http_to_a_private_network_can_be_allowed() {
    let got = normalise_allowing_http("http://192.168.1.5:8000", DialectId::OpenaiChat).unwrap();
    assert_eq!(got.url.as_str(), "http://192.168.1.5:8000/v1");
}

#[test]
fn a_bare_host_gets_the_path_of_its_dialect() {
    for (dialect, path) in [
        (DialectId::OpenaiChat, "/v1"),
        (DialectId::Gemini, "/v1beta"),
    ] {
        let got = normalise("https://h.example", dialect).unwrap();
        assert_eq!(got.url.path(), path);
        let change = format!("{path} added; end the URL with # to keep it as written");
        assert_eq!(got.changes, [change]);
    }
}
