//! The README tells the figures as the program defines them.

use std::fmt::Write as _;

use tokenscope::measure::figures;

const BEGIN: &str = "<!-- figures -->\n";
const END: &str = "<!-- /figures -->";

/// `TOKENSCOPE_BLESS=1` writes the table instead of comparing it.
#[test]
fn figures_are_defined_as_in_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let wanted = figures_table();
    if std::env::var_os("TOKENSCOPE_BLESS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(table, wanted, "write it anew with TOKENSCOPE_BLESS=1");
}

fn figures_table() -> String {
    let mut table = "| figure | unit | key | how it is made |\n|---|---|---|---|\n".to_owned();
    for figure in figures() {
        let unit = match figure.unit {
            "" if figure.key.ends_with("_share") => "share",
            "" => "count",
            unit => unit,
        };
        writeln!(
            table,
            "| {} | {unit} | `{}` | {} |",
            figure.label, figure.key, figure.definition
        )
        .unwrap();
    }
    table
}
