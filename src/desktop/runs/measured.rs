//! What was measured in one run: its figures, its reads, its connection.

use egui::{Grid, Label, Ui};

use crate::{
    desktop::{
        theme::{Theme, caption, space},
        widgets::{card, count, figure_text, figure_ui},
    },
    measure::{CONNECTION_FIGURES, FIGURES, Figure},
    price::PriceTable,
    run::{Link, Run, StampedBy, ms},
    visible::visible,
};

/// Shows the figures and the finish reason.
pub fn figures_ui(ui: &mut Ui, theme: &Theme, run: &Run, prices: &PriceTable) {
    card(ui, theme, |ui| {
        ui.set_width(ui.available_width());
        figures_grid(ui, theme, "figures", FIGURES, (run, prices), |ui| {
            if let Some(finish) = &run.answer.finish {
                ui.label(caption(theme, "Finish"));
                ui.add(Label::new(visible(&finish.raw).into_owned()).truncate());
            }
        });
    });
}

/// Shows names and figures in one or two columns, as there is room, and `last` in a row of its own.
fn figures_grid(
    ui: &mut Ui,
    theme: &Theme,
    id: &str,
    figures: &[Figure],
    (run, prices): (&Run, &PriceTable),
    last: impl FnOnce(&mut Ui),
) {
    let columns = if ui.available_width() > 380.0 { 2 } else { 1 };
    Grid::new(id)
        .num_columns(columns * 2)
        .spacing([space::M - 2.0, 2.0])
        .show(ui, |ui| {
            for (index, figure) in figures.iter().enumerate() {
                if index > 0 && index % columns == 0 {
                    ui.end_row();
                }
                ui.horizontal(|ui| {
                    if index % columns > 0 {
                        // Otherwise a name would be as close to the previous figure as to its own.
                        ui.add_space(space::S);
                    }
                    ui.label(caption(theme, figure.label))
                        .on_hover_text(figure.definition);
                });
                figure_ui(ui, theme, figure, run, prices);
            }
            ui.end_row();
            last(ui);
        });
}

/// Shows a summary of the reads and who stamped them.
pub fn reads_ui(ui: &mut Ui, theme: &Theme, run: &Run) {
    if run.reads.is_empty() {
        return;
    }
    let bytes: u64 = run.reads.iter().map(|read| u64::from(read.bytes)).sum();
    let tokens = run.reads.iter().filter(|read| read.tokens > 0).count();
    let text = format!(
        "{} reads, {} bytes; {} carried tokens",
        count(run.reads.len() as u64),
        count(bytes),
        count(tokens as u64)
    );
    ui.label(caption(theme, text))
        .on_hover_text("A read is one read of bytes off the socket");
    if let Some(by) = run.stamped_by() {
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
}

/// Shows the connection that the run used.
pub fn link_ui(ui: &mut Ui, theme: &Theme, link: &Link, run: &Run, prices: &PriceTable) {
    let age = match link.age_ns {
        0 => String::new(),
        age => {
            let age = figure_text(ms(age), "ms");
            format!("; open for {age} before the run")
        }
    };
    let text = format!("Connection {}, request {}{age}", link.id, count(link.uses));
    ui.label(caption(theme, text)).on_hover_text(
        "Connections are numbered since the program started, requests on each connection",
    );
    card(ui, theme, |ui| {
        ui.set_width(ui.available_width());
        figures_grid(
            ui,
            theme,
            "connection figures",
            CONNECTION_FIGURES,
            (run, prices),
            |_| (),
        );
    });
}
