//! The UI thread encodes no request, builds no validator and computes no findings: the window's sources name nothing that
//! does. They ask the engine (`engine::ComputeCommand`), or read what it told (`State::findings`).

use std::{fs, path::Path};

use crate::floors::{code, first_word, in_braces, rust_files};

/// The modules whose functions may take long on a large request, and the names of theirs that take no time.
const LIGHT: &[(&str, &[&str])] = &[
    (
        "conformance",
        &[
            "CHECKS",
            "CheckRow",
            "Check",
            "Finding",
            "row",
            "is_told",
            "in_words",
            "self",
            // The window's own module of that name.
            "ConformanceView",
        ],
    ),
    ("exchange", &[]),
    ("hints", &["Hint", "refusal", "settings", "self"]),
    ("jsonschema", &[]),
    ("schema", &["SchemaCheck", "SchemaProblem"]),
    ("snippet", &["Language"]),
];

/// Calls that no frame may make, by what stands in the code without its white space.
const HEAVY: &[&str] = &[
    "SchemaCheck::of",
    // A dialect's half of the client.
    ".encode)(",
    ".message)(",
    // What the engine does with a question.
    "command.answer(",
    "ComputeCommand::answer",
    // It reads a file.
    "UserDirs::new",
];

/// Files whose calls are made on threads of their own.
const IN_BACKGROUND: &[&str] = &["desktop/user_folders.rs"];

/// What a text of Rust names that no frame may call.
fn heavy(text: &str) -> Vec<String> {
    let code = code(text);
    let mut found = Vec::new();
    for (module, light) in LIGHT {
        let path = format!("{module}::");
        for (at, _) in code.match_indices(&path) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &code[at + path.len()..];
            let named = match rest.strip_prefix('{') {
                Some(list) => in_braces(list),
                None => vec![first_word(rest)],
            };
            let named = named.iter().filter(|name| !light.contains(&name.as_str()));
            found.extend(named.map(|name| format!("{module}::{name}")));
        }
    }
    let dense: String = code.split_whitespace().collect();
    let calls = HEAVY.iter().filter(|call| dense.contains(**call));
    found.extend(calls.map(|call| (*call).to_owned()));
    found
}

#[test]
fn the_window_names_nothing_that_takes_long() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![src.join("desktop.rs")];
    rust_files(&src.join("desktop"), &mut files);
    assert!(files.len() > 90, "{} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let place = file.strip_prefix(&src).unwrap().display().to_string();
        let is_tests = file.file_name().is_some_and(|name| name == "tests.rs");
        if is_tests || IN_BACKGROUND.contains(&place.as_str()) {
            continue;
        }
        let found = heavy(&fs::read_to_string(&file).unwrap());
        wrong.extend(
            found
                .into_iter()
                .map(|found| format!("src/{place}: {found}")),
        );
    }
    assert!(
        wrong.is_empty(),
        "ask the engine for what takes long:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn each_call_that_takes_long_is_found() {
    for (line, found) in [
        (
            "let all = conformance::findings(run);",
            "conformance::findings",
        ),
        (
            "use crate::conformance::{self, Check, findings};",
            "conformance::findings",
        ),
        (
            "let run = crate::conformance::CheckedRun::from(run);",
            "conformance::CheckedRun",
        ),
        (
            "use crate::exchange::call::raw_body as body_of;",
            "exchange::call",
        ),
        (
            "use crate::{\n    exchange::{effort, call},\n    run::Run,\n};",
            "exchange::effort",
        ),
        ("let sent = hints::fit(dialect, &request);", "hints::fit"),
        (
            "let validator = jsonschema::validator_for(&schema);",
            "jsonschema::validator_for",
        ),
        ("let wrong = schema::problems(&schema);", "schema::problems"),
        (
            "use crate::schema::{SchemaProblem, strict_notes};",
            "schema::strict_notes",
        ),
        (
            "use crate::snippet::{Language, snippet};",
            "snippet::snippet",
        ),
        ("let check = SchemaCheck::of(&schema);", "SchemaCheck::of"),
        ("let body = (dialect\n    .encode)(&request);", ".encode)("),
        ("let dirs = directories::UserDirs::new();", "UserDirs::new"),
        (
            "ComputeCommand::Effort { dialect, request, reply };\ncommand.answer();",
            "command.answer(",
        ),
    ] {
        assert!(
            heavy(line).iter().any(|name| name == found),
            "{line}: {:?}",
            heavy(line)
        );
    }
    for line in [
        "use crate::{conformance::{self, Finding}, snippet::Language, schema::SchemaCheck};",
        "let row = conformance::row(finding.check);",
        "let form = schema_form::laid_out(schema); // schema::problems(&schema)",
    ] {
        assert_eq!(heavy(line), [""; 0], "{line}");
    }
}
