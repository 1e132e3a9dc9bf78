//! `tokenscope export`, as a shell runs it.

use serde_json::Value;

use crate::home::Home;

/// A user with two runs that ended well and one that did not.
fn home() -> Home {
    let home = Home::new();
    for (target, code) in [
        ("simulator/sim-fast", 0),
        ("simulator-gemini/sim-fast", 0),
        ("simulator/sim-locked", 1),
    ] {
        let ran = home.run(&["chat", "-t", target, "a question"], "");
        assert_eq!(ran.code, Some(code), "{}", ran.err);
    }
    home
}

#[test]
fn the_runs_that_are_asked_for_are_written() {
    let home = home();
    let json = home.path().join("runs.json");
    for (more, targets) in [
        (
            &[][..],
            &[
                "simulator-gemini/sim-fast",
                "simulator/sim-fast",
                "simulator/sim-locked",
            ][..],
        ),
        (
            &["--since", "1h", "--outcome", "fault"],
            &["simulator/sim-locked"],
        ),
        (
            &["-t", "simulator-gemini/sim-fast"],
            &["simulator-gemini/sim-fast"],
        ),
        (&["--search", "no such word"], &[]),
        (&["--since", "2200-01-01"], &[]),
    ] {
        let asks = ["export", "-o", json.to_str().unwrap()];
        let ran = home.run(&[&asks[..], more].concat(), "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(
            ran.out.is_empty() && ran.err.contains("written to"),
            "{}",
            ran.err
        );
        let text = std::fs::read_to_string(&json).unwrap();
        let runs: Vec<Value> = serde_json::from_str(&text).unwrap();
        let mut written: Vec<&str> = runs
            .iter()
            .map(|run| run["target"].as_str().unwrap())
            .collect();
        written.sort_unstable();
        assert_eq!(written, targets, "{more:?}");
    }
    let csv = home.path().join("runs.csv");
    let ran = home.run(&["export", "-o", csv.to_str().unwrap()], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let text = std::fs::read_to_string(&csv).unwrap();
    assert!(text.lines().next().unwrap().contains("ttft_ms"), "{text}");
    assert!(text.matches("sim-fast").count() >= 2, "{text}");
}

#[test]
fn what_it_cannot_write_is_said_with_what_to_do() {
    let home = Home::new();
    for (arguments, code, said) in [
        (&["-o", "runs.csv"][..], 1, "there is no history"),
        (&["-o", "runs"], 2, "--format"),
        (&["-o", "runs.csv", "--since", "soon"], 2, "7d"),
        (&["-o", "runs.csv", "-t", "simulator"], 2, "simulator"),
    ] {
        let ran = home.run(&[&["export"], arguments].concat(), "");
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
    let home = self::home();
    let ran = home.run(&["export", "-o", "/no/such/folder/runs.csv"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("choose another place"), "{}", ran.err);
}
