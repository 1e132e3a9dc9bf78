//! What was measured in one run: its figures in groups, its reads, its connection.

use egui::{Grid, Label, RichText, Ui};

use super::{facts::RunFacts, phases::tls_text};
use crate::{
    desktop::{
        icons,
        theme::{Theme, caption, size, space, strong},
        widgets::{card, count, figure_text, figure_value_ui},
    },
    event::Usage,
    measure::FigureGroup,
    price::PriceTable,
    run::{Link, Run, StampedBy, ms},
    transport::ConnectionLoss,
    visible::visible,
};

/// Room that a name and its figure need side by side, twice.
const TWO_COLUMNS: f32 = 360.0;

/// Shows the figures in groups, each with what belongs to it.
pub fn groups_ui(ui: &mut Ui, theme: &Theme, run: &Run, facts: &RunFacts, prices: &PriceTable) {
    for group in FigureGroup::ALL {
        let is_connection = group == FigureGroup::Connection;
        let link = run.stamps.link.as_ref().filter(|_| is_connection);
        // A run without an answer has no figures of some groups.
        let of_group = || facts.figures().filter(|(figure, _)| figure.group == group);
        let any = of_group().any(|(_, value)| value.is_some());
        let is_cost = group == FigureGroup::Cost;
        let usage = run.answer.usage.filter(|_| is_cost);
        let finish = run.answer.finish.as_ref();
        let finish = finish.filter(|finish| is_cost && !finish.raw.is_empty());
        if !any && link.is_none() && usage.is_none() && finish.is_none() {
            continue;
        }
        ui.add_space(space::S);
        ui.label(
            strong(group.label())
                .size(size::SMALL)
                .color(theme.text_dim),
        );
        if let Some(link) = link {
            link_ui(ui, theme, link);
        }
        card(ui, theme, |ui| {
            ui.set_width(ui.available_width());
            let mut cells: Vec<FigureCell<'_>> = Vec::new();
            for (figure, value) in of_group().filter(|(_, value)| value.is_some()) {
                let value_ui = move |ui: &mut Ui| {
                    figure_value_ui(ui, theme, (figure, value), run, prices);
                };
                cells.push((figure.label, figure.definition, Box::new(value_ui)));
            }
            for (name, meaning, tokens) in usage.iter().flat_map(token_counts) {
                let value_ui = move |ui: &mut Ui| {
                    ui.label(RichText::new(count(tokens)).size(size::BODY))
                        .on_hover_text(meaning);
                };
                cells.push((name, meaning, Box::new(value_ui)));
            }
            if let Some(finish) = finish {
                let meaning = "Why the answer ended, in the provider’s word";
                let value_ui = |ui: &mut Ui| {
                    ui.add(Label::new(visible(&finish.raw).into_owned()).truncate());
                };
                cells.push(("Finish", meaning, Box::new(value_ui)));
            }
            cells_ui(ui, theme, group, cells);
        });
    }
}

/// A name, what it means, and what shows its value: two cells of a grid.
type FigureCell<'a> = (&'static str, &'static str, Box<dyn FnOnce(&mut Ui) + 'a>);

/// Shows names and values in one or two columns, as there is room.
fn cells_ui(ui: &mut Ui, theme: &Theme, group: FigureGroup, cells: Vec<FigureCell<'_>>) {
    let is_wide = ui.available_width() > TWO_COLUMNS;
    let columns = if is_wide { 2 } else { 1 };
    Grid::new(group.label())
        .num_columns(columns * 2)
        .spacing([space::M - 2.0, 2.0])
        .show(ui, |ui| {
            for (index, (name, meaning, value_ui)) in cells.into_iter().enumerate() {
                if index > 0 && index % columns == 0 {
                    ui.end_row();
                }
                ui.horizontal(|ui| {
                    if index % columns > 0 {
                        // Otherwise a name would be as close to the previous figure as to its own.
                        ui.add_space(space::XL);
                    }
                    ui.label(caption(theme, name)).on_hover_text(meaning);
                });
                value_ui(ui);
            }
            ui.end_row();
        });
}

/// The counts that the provider reported.
fn token_counts(usage: &Usage) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
    let counts = [
        (
            "Input",
            "Prompt tokens, cached ones included, as reported",
            usage.input,
        ),
        (
            "Cached",
            "The part of the prompt that came from the provider’s cache",
            usage.cached,
        ),
        (
            "Written to cache",
            "The part of the prompt that was written to the provider’s cache",
            usage.cache_written,
        ),
        ("Output", "Output tokens, as reported", usage.output),
        (
            "Reasoning",
            "Tokens of reasoning, as reported",
            usage.reasoning,
        ),
    ];
    counts
        .into_iter()
        .filter_map(|(name, meaning, tokens)| Some((name, meaning, tokens?)))
}

/// Shows a summary of the reads and who stamped them.
pub fn reads_ui(ui: &mut Ui, theme: &Theme, run: &Run, facts: &RunFacts) {
    if run.reads.is_empty() {
        return;
    }
    let text = format!(
        "{} reads, {} bytes; {} carried tokens",
        count(run.reads.len() as u64),
        count(facts.bytes),
        count(facts.token_reads)
    );
    ui.label(caption(theme, text))
        .on_hover_text("A read is one read of bytes off the socket");
    let Some(by) = facts.stamped_by else { return };
    let (text, why) = match by {
        StampedBy::Kernel => (
            "Reads are stamped by the kernel",
            "Their times say when the kernel received the bytes, however late this program read them",
        ),
        StampedBy::User => (
            "Reads are stamped by this program",
            "Their times say when this program read the bytes: the kernel does not stamp them here",
        ),
    };
    ui.label(caption(theme, text)).on_hover_text(why);
}

/// Shows the connection that the run used.
fn link_ui(ui: &mut Ui, theme: &Theme, link: &Link) {
    let age = match link.age_ns {
        0 => String::new(),
        age => {
            let age = figure_text(ms(age), "ms");
            format!("; open for {age} before the run")
        }
    };
    // A connection that was never ready has no number.
    if link.id > 0 {
        let text = format!("Connection {}, request {}{age}", link.id, count(link.uses));
        ui.label(caption(theme, text)).on_hover_text(
            "Connections are numbered since the program started, requests on each connection",
        );
    }
    if let Some(address) = link.address {
        let tls = link.tls.map(|tls| format!("; {}", tls_text(tls)));
        let text = format!("To {address}{}", tls.unwrap_or_default());
        ui.label(caption(theme, text)).on_hover_text(
            "The address of the nearest TCP endpoint: a proxy’s, where there is one. TLS is with the host itself",
        );
    }
    if let Some(lost) = link.lost {
        let (text, why) = loss_text(lost);
        let text = format!("{} {text}", icons::FAULT);
        ui.label(caption(theme, text).color(theme.bad))
            .on_hover_text(why);
    }
}

/// How a connection was lost, and what that means.
fn loss_text(lost: ConnectionLoss) -> (&'static str, &'static str) {
    match lost {
        ConnectionLoss::Reset => (
            "The connection was reset (RST)",
            "By the nearest TCP endpoint, or by something between it and this machine: what is behind that endpoint is \
             not visible here",
        ),
        ConnectionLoss::HalfOpen => (
            "The connection was half open",
            "The nearest TCP endpoint acknowledged nothing that this machine sent, and sent again, until the run was \
             given up",
        ),
    }
}
