//! The documents: their links lead somewhere, each page can be found, and their tables say what the program says.

mod clients;
mod links;
mod tables;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What a newcomer reads in three minutes.
const README_WORDS: usize = 700;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Every page of `docs`, from the project's folder.
fn pages() -> BTreeSet<String> {
    let mut pages = BTreeSet::new();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                pages.insert(path.to_str().unwrap().to_owned());
            }
        }
    }
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

#[test]
fn readme_is_short_and_names_both_commands() {
    let readme = read("README.md");
    let words = readme.split_whitespace().count();
    assert!(words <= README_WORDS, "{words} words");
    for command in ["cargo run --release", "bash tests/run"] {
        let line = readme.lines().find(|line| line.starts_with(command));
        assert!(line.is_some(), "{command}");
    }
}

/// The records of `docs/decisions`, in their order.
fn decisions() -> Vec<String> {
    let pages = pages().into_iter();
    pages
        .filter(|page| page.starts_with("docs/decisions/"))
        .collect()
}

#[test]
fn each_decision_has_its_number_and_its_four_parts() {
    for (at, page) in decisions().iter().enumerate() {
        let number = at + 1;
        let file = format!("docs/decisions/{number:03}-");
        assert!(
            page.starts_with(&file),
            "{page}: number {number} is missing"
        );
        let text = read(page);
        let title = format!("# {number}. ");
        assert!(text.starts_with(&title), "{page} begins with {title:?}");
        let parts: Vec<&str> = text.lines().filter(|l| l.starts_with("## ")).collect();
        let wanted = [
            "## Decided",
            "## Why",
            "## What else was tried",
            "## Numbers",
        ];
        assert_eq!(parts, wanted, "{page}");
    }
}
