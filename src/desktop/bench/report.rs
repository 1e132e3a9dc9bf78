//! The report on the bench that is shown.

use egui::{Context, Ui};

use super::BenchView;
use crate::{
    desktop::{
        icons,
        report_dialog::{ReportDialog, ReportWords},
        view::Cx,
    },
    engine::{BenchCommand, Command, SavedBenchCommand},
};

const WORDS: ReportWords = ReportWords {
    heading: "Report on this bench",
    text: "One HTML file without scripts: what was asked, whether it counts, all figures with their n and interval, failures, \
           plots, times, versions, and how each figure is made",
};

impl BenchView {
    /// The button that opens the dialog.
    pub(super) fn report_button_ui(&mut self, ui: &mut Ui) {
        let button = ui.button(format!("{} Report…", icons::EXPORT));
        if button
            .on_hover_text("Writes a report on this bench as one HTML file")
            .clicked()
        {
            self.open_report();
        }
    }

    /// Opens the dialog, if a bench is shown.
    pub(super) fn open_report(&mut self) {
        let id = self.shown.id();
        self.report = id.map(|id| {
            let file = format!("tokenscope-bench-{}.html", id.0);
            (id, ReportDialog::new(WORDS, &file).with_vantage())
        });
    }

    /// Handles what has come for the dialog.
    pub(super) fn report_logic(&mut self, cx: &mut Cx<'_>) {
        if let Some((id, mut report)) = self.report.take() {
            self.report = report.logic(cx).then_some((id, report));
        }
    }

    /// Shows the dialog.
    pub(super) fn report_ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        if let Some((id, mut report)) = self.report.take() {
            let stays = report.ui(ctx, cx, |wanted| {
                let report = SavedBenchCommand::Report {
                    id,
                    vantage: wanted.vantage,
                    to: wanted.to,
                    reply: wanted.reply,
                };
                Command::Bench(BenchCommand::Saved(report))
            });
            self.report = stays.then_some((id, report));
        }
    }
}
