//! `tokenscope compare`, as a shell runs it: against the simulator, and against servers that fail, slow down and refuse.

mod contract;
mod engine;
mod faults;
#[cfg(target_os = "linux")]
mod marked;
mod resumed;
mod server;

use serde_json::Value;

use crate::home::{Home, Ran};

/// The lines of JSON.
fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")))
        .collect()
}

/// The lines of the rounds, and that of the whole comparison, which is the last one.
fn told(ran: &Ran) -> (Vec<Value>, Value) {
    let mut lines = lines(ran);
    let whole = lines
        .pop()
        .unwrap_or_else(|| panic!("no line: {}", ran.err));
    assert_eq!(whole["type"], "comparison", "{whole}");
    assert!(lines.iter().all(|line| line["type"] == "pair"), "{lines:?}");
    (lines, whole)
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// Settings in which a run is late only if this machine took longer to read its first token than the server to send it:
/// these tests share the machine's cores with others.
const RARELY_LATE: &str = "[measuring]\nlate_share = 1.0\n";

/// Runs the command with these arguments, and JSON.
fn compare(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["compare", "--json"], arguments].concat(), "")
}

/// The verdict of a figure and quantile.
fn verdict<'a>(whole: &'a Value, figure: &str, percent: u8) -> &'a Value {
    let quantile = Value::from(f64::from(percent) / 100.0);
    let verdicts = whole["verdicts"].as_array().unwrap();
    let found = verdicts
        .iter()
        .find(|it| it["figure"] == figure && it["quantile"] == quantile);
    found.unwrap_or_else(|| panic!("{figure} {percent} in {whole}"))
}
