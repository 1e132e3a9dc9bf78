//! Answers that are marked at a terminal: blind, one key a pair, ended and gone on with.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{RARELY_LATE, compare, lines};
use crate::{
    deadline,
    home::{Home, Ran, piped},
};

/// The pairs of the comparison.
const PAIRS: u64 = 3;

/// Runs the command at a pseudo-terminal, which `script` (of util-linux) makes, and types these lines.
fn at_a_terminal(home: &Home, arguments: &[&str], typed: &str) -> Ran {
    let inner = home.tokenscope(arguments);
    let mut words = vec![inner.get_program().to_string_lossy().into_owned()];
    words.extend(
        inner
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    let line: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let mut command = Command::new("script");
    command.env_clear();
    command.envs(
        inner
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command.args(["-qec", &line.join(" "), "/dev/null"]);
    let mut child = piped(command);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).unwrap();
    drop(stdin);
    deadline::output(child).into()
}

/// What was preferred, as it is kept.
fn preferred(home: &Home) -> Value {
    let shown = lines(&compare(home, &["--show", "last"])).pop().unwrap();
    shown["preferences"][0].clone()
}

fn marks(preferred: &Value) -> u64 {
    let counts = ["better", "worse", "same"].map(|count| preferred[count].as_u64().unwrap());
    counts.iter().sum()
}

#[test]
fn answers_are_marked_blind_and_gone_on_with() {
    let has_script = Command::new("script")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if has_script.is_err() {
        println!("skipped: no program “script” makes a pseudo-terminal here");
        return;
    }
    let home = Home::new();
    home.write_settings(RARELY_LATE);
    let arms = ["simulator/sim-steady", "simulator/sim-fast"];
    // The first round opens the connection and gives no pair of times, but one of answers.
    let pairs = (PAIRS - 1).to_string();
    let ran = compare(
        &home,
        &[arms[0], arms[1], "-n", &pairs, "--max-tokens", "8"],
    );
    assert_eq!(lines(&ran).len() as u64, PAIRS + 1, "{}", ran.err);

    let mark = ["compare", "--mark", "last"];
    let refused = home.run(&mark, "1\n");
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("at a terminal"), "{}", refused.err);

    let ran = at_a_terminal(&home, &mark, "1\nwhat?\n3\nq\n");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (asked, told) = ran.out.split_once("answers: ").expect(&ran.out);
    assert!(!asked.contains("simulator/"), "whose is whose: {asked}");
    for text in [
        "0 of 3 pairs",
        "Pair 1 of 3",
        "Answer 1",
        "Answer 2",
        "Pair 3 of 3",
    ] {
        assert!(asked.contains(text), "{text}: {asked}");
    }
    assert!(
        told.contains("(2 marks)") && told.contains("95 %"),
        "{told}"
    );
    let kept = preferred(&home);
    assert_eq!((marks(&kept), &kept["same"]), (2, &1.into()), "{kept}");

    let ran = at_a_terminal(&home, &mark, "s\n");
    assert!(
        ran.out.contains("2 of 3 pairs") && ran.out.contains("Pair 3 of 3"),
        "{ran:?}"
    );
    assert_eq!(
        marks(&preferred(&home)),
        2,
        "one that is skipped has no mark"
    );

    let ran = at_a_terminal(&home, &mark, "2\n");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(marks(&preferred(&home)), PAIRS);
    let ran = at_a_terminal(&home, &mark, "");
    assert!(
        ran.out.contains("3 of 3 pairs") && !ran.out.contains("Answer 1"),
        "{ran:?}"
    );
}
