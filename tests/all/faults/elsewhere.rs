//! The tests that rows name: each is there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::table;

/// Where the source of a module may stand, below a folder.
fn sources(folder: &str, modules: &[&str]) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let path: PathBuf = modules.iter().collect();
    vec![
        root.join(&path).with_extension("rs"),
        root.join(path).join("mod.rs"),
    ]
}

/// The text that defines the test of this path: an integration test's, or a unit test's, which stands in a module
/// `tests` of its file or in a file of its own.
fn source(modules: &[&str]) -> Option<String> {
    let unit = modules.strip_suffix(&["tests"]);
    let mut files = sources("tests/all", modules);
    files.extend(sources("src", modules));
    files.extend(unit.into_iter().flat_map(|modules| sources("src", modules)));
    files.iter().find_map(|file| fs::read_to_string(file).ok())
}

/// Whether a text defines this test, and whether it runs without being asked for.
fn defines(text: &str, name: &str) -> Option<bool> {
    let at = text.find(&format!("fn {name}("))?;
    let line = text[..at].rfind('\n')?;
    let before = text[..line].lines().rev();
    let attributes: Vec<&str> = before
        .take_while(|line| !line.trim().is_empty() && line.trim() != "}")
        .collect();
    let is_test = |line: &&str| line.contains("#[test]") || line.contains("#[tokio::test");
    let is_ignored = attributes.iter().any(|line| line.contains("#[ignore"));
    attributes.iter().any(is_test).then_some(!is_ignored)
}

fn runs(path: &str) -> Option<bool> {
    let names: Vec<&str> = path.split("::").collect();
    let (name, modules) = names.split_last()?;
    defines(&source(modules)?, name)
}

#[test]
fn tests_that_rows_name_are_there() {
    for row in table() {
        let found: Vec<Option<bool>> = row.proved_by.iter().map(|path| runs(path)).collect();
        for (path, found) in row.proved_by.iter().zip(&found) {
            assert!(
                found.is_some(),
                "row {}: there is no test {path}",
                row.number
            );
        }
        let some_run = found.contains(&Some(true)) || !row.cases.is_empty();
        assert!(some_run, "row {}: all its tests are ignored", row.number);
    }
}

#[test]
fn a_test_that_is_gone_is_missed() {
    assert_eq!(
        runs("faults::elsewhere::a_test_that_is_gone_is_missed"),
        Some(true)
    );
    assert_eq!(runs("history::mounts::full_disk_half"), Some(false));
    for path in [
        "faults::elsewhere::no_such_test",
        "faults::elsewhere::source",
        "no_such_file::test",
        "monitor::sleep::tests::no_such_test",
    ] {
        assert_eq!(runs(path), None, "{path}");
    }
    assert_eq!(
        runs("monitor::sleep::tests::each_sleep_is_told_once"),
        Some(true)
    );
}
