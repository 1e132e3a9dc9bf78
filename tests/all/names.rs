//! One name, one type: no two types of `src` have the same name.

use std::{collections::BTreeMap, fs, path::Path};

use crate::floors::rust_files;

/// Names that several types may have, each with the reason.
const ALLOWED: &[(&str, &str)] = &[
    (
        "Google",
        "with and without the feature `google`: only one of the two is compiled",
    ),
    (
        "Receiver",
        "of Linux and of other systems: only one of the two is compiled",
    ),
];

/// The name of the type that a line defines outside of functions and `impl` blocks, where it does.
fn defined(line: &str) -> Option<&str> {
    let rest = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.strip_prefix(' ')?,
        None => line,
    };
    let (keyword, rest) = rest.split_once(' ')?;
    let is_type = ["struct", "enum", "trait", "type", "union"].contains(&keyword);
    is_type.then(|| identifier(rest))
}

/// The name of the enum that the line behind `words! {` and its comments defines.
fn of_words(lines: &[&str]) -> Option<String> {
    let mut lines = lines.iter().map(|line| line.trim());
    let name = lines.find(|line| !line.starts_with("//") && !line.starts_with('#'))?;
    Some(identifier(name).to_owned())
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn types(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut names: Vec<String> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        names.extend(defined(line).map(str::to_owned));
        if *line == "words! {" {
            names.extend(of_words(&lines[at + 1..]));
        }
    }
    names
}

#[test]
fn no_two_types_have_one_name() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let place = file.strip_prefix(&src).unwrap().display().to_string();
        for name in types(&fs::read_to_string(&file).unwrap()) {
            known.entry(name).or_default().push(place.clone());
        }
    }
    assert!(known.len() > 600, "{} types", known.len());
    for (name, reason) in ALLOWED {
        let places = known.remove(*name).unwrap_or_default();
        assert!(places.len() > 1, "{name} is one type: not {reason}");
    }
    let twice = known.into_iter().filter(|(_, places)| places.len() > 1);
    let twice: Vec<_> = twice
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect();
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}

#[test]
fn types_are_found_by_their_definitions() {
    let text = "pub(super) struct One<'a>(&'a str);\nenum Two {}\npub(in crate::a) type Three = u8;\n\
                pub trait Four: Send {}\nimpl Iterator for Two {\n    type Item = u8;\n}\nwords! {\n    /// A word.\n    \
                Five {\n}\n}\n// struct Six;\n#[cfg(test)]\nmod tests {\nstruct Seven;\n}";
    assert_eq!(types(text), ["One", "Two", "Three", "Four", "Five"]);
}
