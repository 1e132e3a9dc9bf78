//! A turn: what was asked, the answers side by side, and their figures.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::super::{
    html::Html,
    number::{count_text, ms_text},
    table,
};
use crate::{
    chat::{Media, Part},
    conversation::{Conversation, Turn},
    measure::{Figure, figure},
    price::{PriceTable, usd_digits},
    run::{ConnectionKind, Origin, Run, RunId},
};

/// The figures of an answer, whose definitions are those of the whole program.
pub(super) const FIGURES: [&str; 7] = [
    "ttft_ms",
    "ttft_net_ms",
    "ttfo_ms",
    "output_speed_tps",
    "tpot_ms",
    "total_ms",
    "cost_usd",
];

/// A pane's turn: the number of the pane, the turn, and the answer that is shown.
struct AnswerColumn<'a> {
    number: usize,
    turn: &'a Turn,
    run: Option<&'a Run>,
}

/// The turn at an index of all panes that have it.
pub(super) fn section(
    html: &mut Html,
    conversation: &Conversation,
    at: usize,
    (runs, prices): (&HashMap<RunId, Run>, &PriceTable),
) {
    let panes = conversation.panes.iter().zip(1..);
    let columns = panes.filter_map(|(pane, number)| {
        let turn = pane.turns.get(at)?;
        let run = turn.run().and_then(|id| runs.get(&id));
        Some(AnswerColumn { number, turn, run })
    });
    let columns: Vec<AnswerColumn<'_>> = columns.collect();
    let Some(first) = columns.first() else { return };
    html.raw("<section>\n");
    html.words("h2", "", format!("Turn {}", at + 1));
    let is_same = columns
        .iter()
        .all(|column| column.turn.user == first.turn.user);
    if is_same {
        question(html, &first.turn.user);
    }
    html.raw("<div class=\"columns\">\n");
    for column in &columns {
        html.raw("<div>\n");
        heading(html, column);
        if !is_same {
            question(html, &column.turn.user);
        }
        match column.run {
            Some(run) => answer(html, run),
            None => html.raw("<p class=\"quiet\">There is no answer.</p>\n"),
        }
        html.raw("</div>\n");
    }
    html.raw("</div>\n");
    figures(html, &columns, prices);
    html.raw("</section>\n");
}

fn heading(html: &mut Html, column: &AnswerColumn<'_>) {
    html.element("h3", &[], |html| {
        let Some(run) = column.run else {
            return html.text(format!("Pane {}", column.number));
        };
        html.text(format!("Pane {}: {}", column.number, run.head.target));
        if run.head.simulated {
            html.words("span", "tag", "simulated");
        }
        if run.head.origin == Origin::Import {
            html.words("span", "tag", "imported");
        }
        let attempts = column.turn.runs.len();
        if attempts > 1 {
            let shown = column.turn.shown + 1;
            html.words("span", "tag", format!("attempt {shown} of {attempts}"));
        }
    });
    html.end_line();
}

fn question(html: &mut Html, parts: &[Part]) {
    html.element("div", &[("class", "asked")], |html| {
        for part in parts {
            match part {
                Part::Text { text } => said(html, text),
                Part::Media(media) => file(html, media),
                Part::ToolResult { name, content, .. } => {
                    html.words("p", "quiet", format!("Result of {name}"));
                    said(html, content);
                }
                _ => {}
            }
        }
    });
    html.end_line();
}

fn answer(html: &mut Html, run: &Run) {
    let answer = &run.answer;
    if !answer.reasoning.is_empty() {
        html.raw("<details><summary>Reasoning</summary>\n");
        said(html, &answer.reasoning);
        html.raw("</details>\n");
    }
    for text in [&answer.text, &answer.refusal] {
        if !text.is_empty() {
            said(html, text);
        }
    }
    for call in &answer.tool_calls {
        html.words("p", "quiet", format!("Call of {}", call.name));
        said(html, &call.arguments);
    }
    answer.media.iter().for_each(|media| file(html, media));
    if let Some(fault) = &answer.fault {
        html.words("p", "note", fault);
    }
}

/// A text with its lines.
fn said(html: &mut Html, text: &str) {
    html.element("div", &[("class", "said")], |html| html.lines(text));
    html.end_line();
}

/// A picture, or the name of another file.
fn file(html: &mut Html, media: &Media) {
    let name = media.file_name(1);
    let kind = media.essence();
    let is_picture = ["image/png", "image/jpeg", "image/gif", "image/webp"].contains(&&*kind);
    if is_picture && !media.data.is_empty() {
        let source = format!("data:{kind};base64,{}", STANDARD.encode(&media.data));
        html.element("p", &[], |html| html.picture(&source, &name));
        return;
    }
    let size = count_text(media.data.len());
    html.words("p", "quiet", format!("File: {name} ({kind}, {size} bytes)"));
}

/// A table with a row for each answer.
fn figures(html: &mut Html, columns: &[AnswerColumn<'_>], prices: &PriceTable) {
    let all: Vec<&Figure> = FIGURES.iter().filter_map(|key| figure(key)).collect();
    let names: Vec<String> = all.iter().map(|figure| name_of(figure)).collect();
    let mut head = vec!["Answer", "Connection"];
    head.extend(names.iter().map(String::as_str));
    head.extend(["Input (tokens)", "Output (tokens)", "Ended"]);
    table::table(html, &head, |html| {
        for column in columns {
            let Some(run) = column.run else { continue };
            table::row(html, |html| {
                html.words(
                    "td",
                    "target",
                    format!("{}: {}", column.number, run.head.target),
                );
                html.words("td", "", run.connection.map_or("", ConnectionKind::as_str));
                for figure in &all {
                    let value = (figure.value)(run, prices);
                    let text = value.map(|value| value_text(value, figure.unit));
                    html.words("td", "num", text.unwrap_or_default());
                }
                let usage = run.answer.usage.unwrap_or_default();
                for tokens in [usage.input, usage.generated()] {
                    let text = tokens.map(|tokens| tokens.to_string());
                    html.words("td", "num", text.unwrap_or_default());
                }
                html.words("td", "", ended(run));
            });
        }
    });
}

fn name_of(figure: &Figure) -> String {
    match figure.unit {
        "" => figure.label.to_owned(),
        unit => format!("{} ({unit})", figure.label),
    }
}

fn value_text(value: f64, unit: &str) -> String {
    match unit {
        "ms" => ms_text(value),
        "USD" => usd_digits(value),
        _ => format!("{value:.1}"),
    }
}

/// Why an answer ended.
fn ended(run: &Run) -> String {
    match (&run.answer.fault, &run.answer.finish) {
        (Some(fault), _) => fault.class.to_string(),
        (None, Some(finish)) => finish.reason.as_str().to_owned(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_is_known() {
        for key in FIGURES {
            assert!(figure(key).is_some(), "{key}");
        }
    }
}
