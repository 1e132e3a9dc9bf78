//! `tokenscope delete`, as a shell runs it.

use crate::home::Home;

fn home() -> Home {
    let home = Home::new();
    for target in ["simulator/sim-fast", "simulator-gemini/sim-fast"] {
        let ran = home.run(&["chat", "-t", target, "a question"], "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    }
    home
}

/// How many runs an export finds.
fn runs(home: &Home) -> usize {
    let file = home.path().join("runs.json");
    let ran = home.run(&["export", "-o", file.to_str().unwrap()], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let runs: Vec<serde_json::Value> =
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    runs.len()
}

#[test]
fn what_is_named_goes_and_nobody_is_asked_where_nobody_is() {
    let home = home();
    let target = ["delete", "-t", "simulator/sim-fast"];
    let ran = home.run(&target, "y\n");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("--yes"), "{}", ran.err);
    let ran = home.run(&[&target[..], &["--dry-run"]].concat(), "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.err.contains("This would be deleted: 1 run"),
        "{}",
        ran.err
    );
    assert_eq!(runs(&home), 2);
    let ran = home.run(&["delete", "--before", "2020-01-01", "--yes"], "");
    assert!(ran.err.contains("nothing to delete"), "{}", ran.err);
    let ran = home.run(&[&target[..], &["--yes"]].concat(), "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("Deleted: 1 run"), "{}", ran.err);
    assert_eq!(runs(&home), 1);
}

#[test]
fn what_can_not_be_meant_is_refused() {
    let home = home();
    for arguments in [
        &["delete", "--yes"][..],
        &["delete", "--yes", "--day", "yesterday"],
        &[
            "delete",
            "--yes",
            "--day",
            "2026-01-01",
            "--before",
            "2026-01-01",
        ],
        &["delete", "--yes", "--run", "1", "--day", "2026-01-01"],
    ] {
        let ran = home.run(arguments, "");
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
    }
    assert_eq!(runs(&home), 2);
}
