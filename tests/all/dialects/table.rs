//! The table of dialects is whole, and what is known of a dialect stands in its row.

use std::{collections::HashSet, fs, path::Path};

use tokenscope::{
    chat::{CacheLife, ChatRequest},
    dialect::{
        DIALECTS, DialectId, WireFormat,
        serve::{ServedRoute, route},
    },
    endpoint::Endpoint,
    hints::fit,
    snippet::{Language, snippet},
};

use crate::floors::{code, rust_files};

#[test]
fn every_dialect_file_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialect");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .map(|path| {
            path.file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .replace('_', "-")
        })
        .collect();
    // What a dialect is made of.
    files.retain(|file| !["protocol", "serve"].contains(&file.as_str()));
    let mut rows: Vec<String> = DIALECTS.iter().map(|d| d.id.to_string()).collect();
    files.sort();
    rows.sort();
    assert_eq!(files, rows);
    assert_eq!(DIALECTS.len(), DialectId::ALL.len());
    for id in DialectId::ALL {
        assert_eq!(id.dialect().id, *id);
    }
}

/// What is known of a dialect outside its row: where, and why there.
const TOLD_APART: &[(&str, &str)] = &[
    (
        "cli/models.rs",
        "the line of the simulator's first endpoint",
    ),
    ("cli/chat/report.rs", "a run that was not accepted has none"),
    (
        "conversation_file/chatgpt.rs",
        "what ChatGPT's answers are shown as having come by",
    ),
    (
        "conversation_file/cherry_studio.rs",
        "what Cherry Studio's answers are shown as having come by",
    ),
    (
        "conversation_file/claude.rs",
        "what Claude's answers are shown as having come by",
    ),
    (
        "gateway/client_setup.rs",
        "which base URL each program is given",
    ),
    ("gateway/setup.rs", "what answers a first try"),
    (
        "cli/otlp.rs",
        "the conventions' word for each: the compiler asks for a new one's",
    ),
    (
        "desktop/inspector/save.rs",
        "how a file with a body is named: the compiler asks for a new one's",
    ),
    (
        "snippet/python.rs",
        "a program for each: the compiler asks for a new one's",
    ),
    (
        "snippet/javascript.rs",
        "how a program reads each: the compiler asks for a new one's",
    ),
    (
        "endpoint/simulated.rs",
        "the id of the simulator's first endpoint",
    ),
    ("simulator.rs", "the name of the simulator's first endpoint"),
    (
        "server/reply.rs",
        "who asks for nothing known is answered as most clients are",
    ),
    (
        "settings/section.rs",
        "what an endpoint speaks that does not say",
    ),
    (
        "settings/environment.rs",
        "what the variables of OpenAI's clients mean",
    ),
    (
        "endpoint/preset.rs",
        "what a preset speaks that does not say",
    ),
];

/// A dialect that nobody thought of is not taken for another one.
#[test]
fn a_dialect_is_told_apart_by_its_row() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut found = Vec::new();
    for file in files {
        let place = file
            .strip_prefix(&src)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap();
        let in_tests = place.ends_with("/tests.rs");
        if place.starts_with("dialect") || in_tests {
            continue;
        }
        let code = code(
            text.split("#[cfg(test)]")
                .next()
                .unwrap()
                .split("#[cfg(all(test")
                .next()
                .unwrap(),
        );
        let names = code.match_indices("DialectId::");
        let names = names.map(|(at, word)| &code[at + word.len()..]);
        let variant = |rest: &str| {
            let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            word.chars().any(char::is_lowercase) && rest.starts_with(char::is_uppercase)
        };
        if names.into_iter().any(variant) {
            found.push(place);
        }
    }
    found.sort();
    let mut known: Vec<&str> = TOLD_APART.iter().map(|(place, _)| *place).collect();
    known.sort_unstable();
    assert_eq!(found, known, "move what is known into the row");
}

/// Every part of the program that has something for each dialect has it for each.
#[test]
fn every_dialect_is_known_everywhere() {
    let simulated = tokenscope::simulator::endpoints(&"http://127.0.0.1:1/v1".parse().unwrap());
    let mut programs = HashSet::new();
    for dialect in DIALECTS {
        let id = dialect.id;
        assert!(!dialect.efforts.is_empty(), "{id}: its words for an effort");
        let asked = |effort: &str| {
            let mut request = ChatRequest::of_text("gemini-2.5-flash", "Hi");
            request.params.reasoning_effort = Some(effort.to_owned());
            (dialect.encode)(&request)
        };
        let none = (dialect.encode)(&ChatRequest::of_text("gemini-2.5-flash", "Hi"));
        for effort in dialect.efforts {
            assert_ne!(asked(effort), none, "{id}: what it makes of “{effort}”");
        }
        let mut keeps = ChatRequest::of_text("m", "Hi");
        keeps.params.cache_prompt = Some(CacheLife::Hour);
        let hints = fit(id, &keeps).1;
        let is_told = hints.iter().any(|hint| hint.setting == "cache_prompt");
        assert_ne!(
            dialect.asks_to_cache, is_told,
            "{id}: a rule of assets/models.toml"
        );
        // A build without gRPC serves none.
        assert_eq!(
            simulated.iter().any(|endpoint| endpoint.dialect == id),
            dialect.serve.is_some(),
            "{id}"
        );
        let base = format!(
            "http://127.0.0.1:1{}/projects/p/locations/l",
            dialect.base_path
        );
        let endpoint = Endpoint::custom("e", base.parse().unwrap(), id);
        for language in Language::ALL {
            let program = snippet(*language, &endpoint, &ChatRequest::of_text("model-x", "Hi"));
            assert!(program.contains("model-x"), "{id} {language}: {program}");
            programs.insert(program);
        }
        if let Some(serve) = dialect.serve {
            let path = serve.base_path.replace("{name}", "x");
            let base = format!("http://h{path}").parse().unwrap();
            let url = (dialect.chat_url)(&base, "m");
            let path = &url.as_str()["http://h".len()..];
            let (found, asked) = route(path, &http::HeaderMap::new()).expect("served");
            assert!(std::ptr::eq(found, serve), "{id}: {path} is another's");
            assert!(matches!(asked, ServedRoute::Chat(_)), "{id}");
        }
    }
    // gRPC has no programs of its own: they ask by REST.
    let own = DIALECTS
        .iter()
        .filter(|d| matches!(d.wire, WireFormat::Json))
        .count();
    assert!(
        programs.len() >= own * Language::ALL.len(),
        "{}",
        programs.len()
    );
}
