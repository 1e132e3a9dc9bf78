//! The table of official clients has a row for each client and upstream, and a cell for each case.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{read, root};

fn keys(fields: &Value) -> Vec<&str> {
    let fields = fields.as_object().unwrap();
    fields.keys().map(String::as_str).collect()
}

#[test]
fn the_table_of_clients_is_whole() {
    let matrix: Value = serde_json::from_str(&read("tests/clients/matrix.json")).unwrap();
    let page = read("docs/clients.md");
    let notes = matrix["outside"].as_array().unwrap().len();
    let clients = matrix["clients"].as_array().unwrap();
    let (upstreams, cases) = (keys(&matrix["upstreams"]), keys(&matrix["cases"]));
    assert!(page.contains(&format!("| Client | Upstream | {} |", cases.join(" | "))));
    let mut used = BTreeSet::new();
    for client in clients {
        let name = client["name"].as_str().unwrap();
        for upstream in &upstreams {
            let begin = format!("| {name} | {upstream} | ");
            let line = page.lines().find_map(|line| line.strip_prefix(&begin));
            let line = line.unwrap_or_else(|| panic!("no row {begin}: run tests/clients/run"));
            let cells: Vec<&str> = line.trim_end_matches(" |").split(" | ").collect();
            assert_eq!(cells.len(), cases.len(), "{begin}{line}");
            for cell in cells {
                let note = cell.trim_matches(['(', ')']).parse::<usize>();
                assert!(cell == "✓" || note.is_ok(), "{begin}{cell}");
                used.extend(note);
            }
        }
        // One for each upstream, and its versions.
        let rows = page.matches(&format!("| {name} |")).count();
        assert_eq!(rows, upstreams.len() + 1, "{name}");
        let file = client["run"].as_str().unwrap();
        let file = root().join("tests/clients").join(file);
        assert!(file.is_file(), "{}", file.display());
    }
    assert_eq!(used, (1..=notes).collect(), "each note is needed");
}
