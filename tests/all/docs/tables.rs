//! Tables that repeat what the program defines are made from it.

use std::fs;

use clap::CommandFactory as _;
use tokenscope::{
    bench::compat::LoadTool, cli::Cli, conformance::CHECKS, dialect::DIALECTS, endpoint::preset,
    measure::figures, simulator,
};
use url::Url;

use super::{decisions, read, root};
use crate::{
    compatibility,
    faults::{self, Ends},
};

/// A table between `<!-- name -->` and `<!-- /name -->` of a page.
struct Table {
    page: &'static str,
    name: &'static str,
    head: &'static [&'static str],
    rows: fn() -> Vec<Vec<String>>,
}

#[rustfmt::skip]
const TABLES: &[Table] = &[
    Table { page: "docs/figures.md", name: "figures", head: &["figure", "unit", "key", "how it is made"], rows: figure_rows },
    Table { page: "docs/protocols.md", name: "dialects", head: &["dialect", "protocol", "a request goes to"], rows: dialect_rows },
    Table { page: "docs/protocols.md", name: "checks", head: &["check", "what it means"], rows: check_rows },
    Table { page: "docs/protocols.md", name: "presets", head: &["id", "name", "dialect", "base URL", "variables that hold the key"], rows: preset_rows },
    Table { page: "docs/terminal.md", name: "commands", head: &["command", "what it does"], rows: command_rows },
    Table { page: "docs/terminal.md", name: "simulated-models", head: &["model", "what it does"], rows: model_rows },
    Table { page: "docs/faults.md", name: "faults", head: &["number", "what happens", "class", "phase", "what the user is told"], rows: fault_rows },
    Table { page: "docs/compatibility.md", name: "compatibility", head: &["figure", "unit", "from our stamps", "where it stands", "why it differs from ours"], rows: compatibility_rows },
    Table { page: "docs/compatibility.md", name: "printed", head: &["figure", "the tool printed: mean, P50, P99", "ours, from the stamps that it saved", "`bench --compat`, of its own requests"], rows: compatibility::printed::table },
    Table { page: "docs/decisions.md", name: "decisions", head: &["number", "decision"], rows: decision_rows },
];

impl Table {
    fn text(&self) -> String {
        let head = self.head.iter().map(|&cell| cell.to_owned()).collect();
        let rule = vec!["---".to_owned(); self.head.len()];
        let lines = [head, rule].into_iter().chain((self.rows)());
        let lines = lines.map(|cells| format!("| {} |\n", cells.join(" | ")));
        lines
            .collect::<String>()
            .replace("| --- ", "|---")
            .replace("--- |", "---|")
    }
}

/// `TOKENSCOPE_BLESS=1` writes the tables instead of comparing them.
#[test]
fn tables_say_what_the_program_says() {
    for table in TABLES {
        let (begin, end) = (
            format!("<!-- {} -->\n", table.name),
            format!("<!-- /{} -->", table.name),
        );
        let page = read(table.page);
        let parts = page.split_once(&begin).and_then(|(before, rest)| {
            let (written, after) = rest.split_once(&end)?;
            Some((before, written, after))
        });
        let (before, written, after) = parts.unwrap_or_else(|| panic!("{begin} in {}", table.page));
        let wanted = table.text();
        if std::env::var_os("TOKENSCOPE_BLESS").is_some() {
            let text = format!("{before}{begin}{wanted}{end}{after}");
            fs::write(root().join(table.page), text).unwrap();
        } else {
            assert_eq!(written, wanted, "write it anew with TOKENSCOPE_BLESS=1");
        }
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn figure_rows() -> Vec<Vec<String>> {
    let row = |figure: &tokenscope::measure::Figure| {
        let unit = match figure.unit {
            "" if figure.key.ends_with("_share") => "share",
            "" => "count",
            unit => unit,
        };
        vec![
            figure.label.to_owned(),
            unit.to_owned(),
            code(figure.key),
            figure.definition.to_owned(),
        ]
    };
    figures().map(row).collect()
}

fn dialect_rows() -> Vec<Vec<String>> {
    let rows = DIALECTS.iter().map(|dialect| {
        let base = Url::parse(&format!("https://host{}", dialect.base_path)).unwrap();
        let url = (dialect.chat_url)(&base, "MODEL");
        vec![
            code(dialect.id.as_str()),
            dialect.label.to_owned(),
            code(&url[url::Position::BeforePath..]),
        ]
    });
    rows.collect()
}

fn check_rows() -> Vec<Vec<String>> {
    let rows = CHECKS.iter();
    rows.map(|row| vec![row.label.to_owned(), row.meaning.to_owned()])
        .collect()
}

fn preset_rows() -> Vec<Vec<String>> {
    let rows = preset::all().iter().map(|preset| {
        let keys: Vec<String> = preset.key_env.iter().map(|name| code(name)).collect();
        vec![
            code(&preset.id),
            preset.label.clone(),
            code(preset.dialect.as_str()),
            code(&preset.base_url),
            keys.join(", "),
        ]
    });
    rows.collect()
}

fn command_rows() -> Vec<Vec<String>> {
    let cli = Cli::command();
    let rows = cli.get_subcommands().map(|command| {
        let about = command.get_about().expect("each command says what it does");
        vec![code(command.get_name()), about.to_string()]
    });
    rows.collect()
}

fn model_rows() -> Vec<Vec<String>> {
    let models = simulator::listed().into_iter();
    models
        .map(|model| vec![code(&model.id), model.label])
        .collect()
}

/// A line for each case of a row, and one for what other tests prove of it.
fn fault_rows() -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for row in faults::table() {
        let line = |does: String, [class, phase]: [String; 2], told: String| {
            vec![row.number.to_string(), does, class, phase, told]
        };
        for case in &row.cases {
            let does = format!("{}: {}", row.fault, case.does);
            lines.push(match &case.ends {
                Ends::Well => line(does, Default::default(), case.told_when_well()),
                Ends::Fault(class, phase, says) => {
                    let words = [code(class.as_str()), code(phase.as_str())];
                    line(does, words, says[0].replace('<', "&lt;"))
                }
            });
        }
        if !row.told.is_empty() {
            lines.push(line(
                row.fault.to_owned(),
                Default::default(),
                row.told.to_owned(),
            ));
        }
    }
    lines
}

fn compatibility_rows() -> Vec<Vec<String>> {
    let rows = LoadTool::ALL.iter().flat_map(|&tool| {
        let name = format!("**{}** {}", tool.label(), tool.version());
        let head = vec![
            name,
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ];
        let figures = tool.figures().iter().map(|figure| {
            let texts = [figure.unit, figure.formula, figure.source, figure.differs];
            let texts = texts.map(str::to_owned);
            [code(figure.name)].into_iter().chain(texts).collect()
        });
        [head].into_iter().chain(figures)
    });
    rows.collect()
}

fn decision_rows() -> Vec<Vec<String>> {
    let rows = decisions().into_iter().map(|page| {
        let text = read(&page);
        let title = text.lines().next().unwrap().trim_start_matches("# ");
        let (number, title) = title.split_once(". ").unwrap();
        let path = page.strip_prefix("docs/").unwrap();
        vec![number.to_owned(), format!("[{title}]({path})")]
    });
    rows.collect()
}
