//! Files that are refused: deep, huge, wrong, or of another kind.

use std::fmt::Write as _;

use tokenscope::conversation_file::read_file;

use crate::home::Home;

/// Why a file with this content is refused.
fn refusal(content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("conversations.json");
    std::fs::write(&file, content).unwrap();
    read_file(&file).unwrap_err().to_string()
}

fn ours(conversations: &str) -> String {
    format!(
        r#"{{"format":"tokenscope-conversations","version":1,"conversations":[{conversations}]}}"#
    )
}

/// Contents, and what the reasons for which they are refused contain.
fn check(files: &[(&str, &[&str])]) {
    for (content, parts) in files {
        let why = refusal(content.as_bytes());
        let shown: String = content.chars().take(80).collect();
        for part in *parts {
            assert!(why.contains(part), "{shown}: {part} is not in {why}");
        }
    }
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    let deep = "[".repeat(100_000);
    let deep_part = format!(
        r#"[{{"mapping":{{"a":{{"message":{}"#,
        r#"{"x":"#.repeat(10_000)
    );
    let deep_body = ours(&format!(r#"{{"panes":[{{"turns":[{{"raw_body":{deep}"#));
    let panes = ours(&format!(r#"{{"panes":[{}]}}"#, ["{}"; 9].join(",")));
    let message = r#"{"sender":"human","text":"a"}"#;
    check(&[
        ("", &["line 1 column 0"][..]),
        ("[] []", &["line 1"]),
        ("3", &["line 1"]),
        (
            "[3]",
            &["conversations[0]", "a conversation", "line 1 column"],
        ),
        (
            "[\n{\"title\":\"x\"}]",
            &["conversations[0]", "mapping", "chat_messages", "line 2"],
        ),
        (r#"{"a":1}"#, &["ChatGPT", "Cherry Studio"]),
        (&deep, &["conversations[0]", "line 1"]),
        (
            &deep_body,
            &["conversations[0]", "recursion limit", "line 1"],
        ),
        (&deep_part, &["conversations[0]", "EOF", "line 1"]),
        (
            r#"[{"mapping":{"a":{"parent":"b"},"b":{"parent":"a"}},"current_node":"a"}]"#,
            &["conversations[0].mapping", "follows from itself"],
        ),
        (
            r#"[{"mapping":{"a":{}},"current_node":"b"}]"#,
            &["conversations[0].mapping", "\"b\""],
        ),
        (
            r#"[{"mapping":{"a":{}}}]"#,
            &["conversations[0].current_node"],
        ),
        (
            r#"[{"chat_messages":[]},{"chat_messages":[{"sender":"robot","text":"a"}]}]"#,
            &["conversations[1].chat_messages[0].sender", "robot"],
        ),
        (
            r#"[{"chat_messages":[{"sender":3}]}]"#,
            &["conversations[0]", "invalid type", "column"],
        ),
        (
            r#"{"indexedDB":{"topics":[{"id":"t","messages":[{"role":"robot"}]}]}}"#,
            &["indexedDB.topics[0].messages[0].role"],
        ),
        (
            &ours(r#"{"panes":[{"turns":[{"answers":[{}]}]}]}"#),
            &["conversations[0]", "missing field"],
        ),
        (&panes, &["conversations[0].panes", "at most 8"]),
        (
            r#"{"format":"tokenscope-conversations","version":2,"conversations":[]}"#,
            &["version", "update"],
        ),
        (
            r#"{"format":"tokenscope-conversations","conversations":[]}"#,
            &["version: it is missing"],
        ),
        (
            r#"{"conversations":[],"format":"tokenscope-conversations","version":1}"#,
            &["behind format and version"],
        ),
        ("PK\u{3}\u{4}rest", &["ZIP archive", "unpack it"]),
        (
            &format!(r#"[{{"chat_messages":[{message}"#),
            &["conversations[0]", "EOF", "line 1"],
        ),
    ]);
    let why = refusal(b"[{\"title\":\"\xff\"}]");
    assert!(
        why.contains("conversations[0]") && why.contains("column"),
        "{why}"
    );
}

#[test]
fn a_file_with_too_much_is_refused_before_it_is_held() {
    let many = |item: &str, count: usize| vec![item; count].join(",");
    let nodes = (0..50_001).fold(String::new(), |mut nodes, at| {
        let comma = if at > 0 { "," } else { "" };
        let _ = write!(nodes, "{comma}\"{at}\":{{}}");
        nodes
    });
    let message = r#"{"sender":"human"}"#;
    for (content, part) in [
        (format!(r#"[{{"mapping":{{{nodes}}}}}]"#), "more than 50000"),
        (
            format!(r#"[{{"chat_messages":[{}]}}]"#, many(message, 50_001)),
            "more than 50000",
        ),
        (format!("[{}]", many("[]", 5_000_000)), "conversations[0]"),
        (
            format!(r#"{{"x":[{}]}}"#, many("1", 10_000_001)),
            "more than 10000000 JSON values",
        ),
    ] {
        let why = refusal(content.as_bytes());
        assert!(why.contains(part), "{part} is not in {why}");
    }
}

#[test]
fn nothing_of_a_file_that_is_wrong_at_its_end_is_imported() {
    let home = Home::new();
    let file = home.path().join("half.json");
    let good = r#"{"chat_messages":[{"sender":"human","text":"a"}]}"#;
    std::fs::write(&file, format!("[{good},{good},3]")).unwrap();
    let ran = home.run(&["conversations", "import", file.to_str().unwrap()], "");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("conversations[2]"), "{}", ran.err);
    let ran = home.run(&["conversations", "list"], "");
    assert!(
        ran.err.contains("there is no history"),
        "{}{}",
        ran.out,
        ran.err
    );
}
