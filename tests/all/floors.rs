//! Floors that only look down: no module names one that stands below it in the table of ARCHITECTURE.md, where the
//! order is that of the flow.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The modules of the table "The layers, in the order of the flow", each with its place.
fn floors(architecture: &str) -> BTreeMap<String, usize> {
    let (_, table) = architecture
        .split_once("| module | what it is |")
        .expect("the table of layers");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let names = rows.filter_map(|row| Some(row.split('`').nth(1)?.to_owned()));
    names.zip(0..).collect()
}

/// The Rust text without comments, and without the tests at its end, which may look anywhere.
pub fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join(" ")
}

/// The top modules that a Rust text names behind `crate::`, alone or in braces.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, word) in code.match_indices("crate::") {
        let rest = &code[at + word.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(in_braces(list)),
            None => names.push(first_word(rest)),
        }
    }
    names
}

/// What each part of a list in braces begins with, given the text behind its opening brace.
pub fn in_braces(list: &str) -> Vec<String> {
    let mut depth = 1;
    let mut parts = vec![String::new()];
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => parts.push(String::new()),
            _ => parts.last_mut().unwrap().push(c),
        }
        if depth == 0 {
            break;
        }
    }
    let words = parts.iter().map(|part| first_word(part.trim_start()));
    words.filter(|word| !word.is_empty()).collect()
}

pub fn first_word(text: &str) -> String {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    text[..end.unwrap_or(text.len())].to_owned()
}

pub fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// What looks up in a file of a module: one line each.
fn upward(module: &str, code: &str, floors: &BTreeMap<String, usize>) -> Vec<String> {
    let own = floors[module];
    let named = named(code).into_iter();
    let above = named.filter(|name| floors.get(name).is_some_and(|floor| *floor > own));
    above.map(|name| format!("{module} names {name}")).collect()
}

#[test]
fn no_module_names_one_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let floors = floors(&fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap());
    let src = root.join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 300, "{} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let place = file.strip_prefix(&src).unwrap().to_str().unwrap();
        let module = place.split(['/', '.']).next().unwrap();
        if ["lib", "main"].contains(&module) {
            continue;
        }
        assert!(floors.contains_key(module), "{module} is not in the table");
        let code = code(&fs::read_to_string(&file).unwrap());
        let found = upward(module, &code, &floors).into_iter();
        wrong.extend(found.map(|found| format!("src/{place}: {found}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_line_that_looks_up_is_found() {
    let floors =
        floors("| module | what it is |\n|---|---|\n| `low` | |\n| `mid` | |\n| `high` | |\n\n");
    for (line, found) in [
        ("use crate::high::Thing;", 1),
        ("use crate::{low::{A, B}, high, chat};", 1),
        ("let x = crate::high::f();", 1),
        (
            "pub(crate) use crate::{\n    low::{\n        A,\n    },\n    high::B,\n};",
            1,
        ),
        ("use crate::low::high;", 0),
        ("use crate::{low::{high, mid}, mid};", 0),
        ("// use crate::high;", 0),
        ("#[cfg(test)]\nmod tests {\n    use crate::high;\n}", 0),
    ] {
        let found_here = upward("mid", &code(line), &floors);
        assert_eq!(found_here.len(), found, "{line}");
    }
}
