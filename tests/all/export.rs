//! `tokenscope export`, as a shell runs it.

use std::fs::File;

use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::{Field, Row},
};
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

/// What a row has in a column.
fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    let found = row.get_column_iter().find(|(column, _)| *column == name);
    found.unwrap_or_else(|| panic!("no column {name}")).1
}

#[test]
fn a_parquet_file_has_the_columns_of_a_csv_file_with_types() {
    let home = home();
    let file = |end: &str| home.path().join(format!("runs.{end}"));
    for end in ["parquet", "json", "csv"] {
        let ran = home.run(&["export", "-o", file(end).to_str().unwrap()], "");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    }
    let read = SerializedFileReader::new(File::open(file("parquet")).unwrap()).unwrap();
    let schema = read.metadata().file_metadata().schema_descr();
    let names: Vec<&str> = (schema.columns().iter()).map(|c| c.name()).collect();
    let csv = std::fs::read_to_string(file("csv")).unwrap();
    assert_eq!(names.join(","), csv.lines().next().unwrap());
    let rows: Vec<Row> = read
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let runs: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(file("json")).unwrap()).unwrap();
    assert_eq!((rows.len(), runs.len()), (3, 3));
    for (row, run) in rows.iter().zip(&runs) {
        assert_eq!(field(row, "id"), &Field::Long(run["id"].as_i64().unwrap()));
        let started = run["started_unix_ns"].as_i64().unwrap();
        assert_eq!(field(row, "started"), &Field::Long(started));
        assert_eq!(field(row, "simulated"), &Field::Bool(true));
        let target = (field(row, "endpoint"), field(row, "model"));
        let (Field::Str(endpoint), Field::Str(model)) = target else {
            panic!("{target:?}");
        };
        assert_eq!(format!("{endpoint}/{model}"), run["target"]);
        let known = |number: Option<f64>| number.map_or(Field::Null, Field::Double);
        assert_eq!(field(row, "ttft_ms"), &known(run["ttft_ms"].as_f64()));
        assert_eq!(field(row, "cost_usd"), &Field::Null, "not known is null");
        let failed = run["outcome"] == "fault";
        assert_eq!(field(row, "fault_class") == &Field::Null, !failed);
    }
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
