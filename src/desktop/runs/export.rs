//! The dialog that exports the runs of a query to a file. The engine writes the file.

use std::path::PathBuf;

use egui::{Context, ProgressBar, Ui};

use crate::{
    desktop::{
        icons,
        path_field::{ChooseFor, PathField},
        theme::{Theme, caption, heading, space},
        view::{Action, Cx},
        widgets::{count, dialog, primary_button, segmented},
    },
    engine::{Asked, Command, ExportStep, HistoryCommand, ask_in_steps},
    history::{ExportFormat, RunQuery},
};

/// The dialog while it is open.
#[derive(Debug)]
pub struct Export {
    query: RunQuery,
    total: usize,
    format: ExportFormat,
    file: PathField,
    /// The progress of a running export.
    progress: Asked<ExportStep>,
    /// Rows written, and rows in all.
    written: (usize, usize),
}

impl Export {
    /// A dialog for the runs of `query`, of which there are `total`.
    #[must_use]
    pub fn new(query: RunQuery, total: usize) -> Self {
        let name = jiff::Zoned::now()
            .strftime("tokenscope-runs-%Y%m%d-%H%M%S.csv")
            .to_string();
        Self {
            query,
            total,
            format: ExportFormat::Csv,
            file: PathField::in_documents(&name),
            progress: Asked::default(),
            written: (0, total),
        }
    }

    /// Handles news from the engine and the file chooser; returns whether the dialog stays open.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> bool {
        self.file.take_in();
        while let Some(step) = self.progress.take() {
            match step {
                ExportStep::Written { done, total } => self.written = (done, total),
                ExportStep::Over(Ok(rows)) => {
                    let rows = count(rows as u64);
                    let told = format!("{rows} runs written to {}", self.file.path.trim());
                    cx.actions.push(Action::Tell(told));
                    return false;
                }
                ExportStep::Over(Err(problem)) => {
                    self.progress = Asked::default();
                    self.file.problem = Some(problem);
                }
            }
        }
        true
    }

    /// Shows the dialog; returns whether it stays open.
    pub fn ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) -> bool {
        let theme = cx.theme;
        let mut stays = true;
        let running = self.progress.is_waiting();
        let ((), closed) = dialog(ctx, theme, "export", 440.0, |ui| {
            ui.label(heading(format!("Export {} runs", count(self.total as u64))));
            ui.label(caption(
                theme,
                "The runs that the table shows, in the same order, with every figure",
            ));
            ui.add_space(space::M);
            ui.add_enabled_ui(!running, |ui| self.fields_ui(ui, theme));
            ui.add_space(space::M);
            if running {
                self.progress_ui(ui, theme);
            } else {
                stays = self.buttons_ui(ui, cx);
            }
        });
        // Only its Stop button stops a running export, not a click outside the dialog.
        stays && (running || !closed)
    }

    fn fields_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let formats = [
            (ExportFormat::Csv, "CSV"),
            (ExportFormat::Json, "JSON"),
            (ExportFormat::Parquet, "Parquet"),
        ];
        if segmented(ui, theme, "Format", &mut self.format, &formats) {
            let name = PathBuf::from(&self.file.path).with_extension(self.extension());
            self.file.path = name.display().to_string();
        }
        ui.add_space(space::S);
        let choose = ChooseFor::Save(self.extension());
        self.file.ui(ui, theme, choose);
    }

    fn extension(&self) -> &'static str {
        match self.format {
            ExportFormat::Csv => "csv",
            ExportFormat::Json => "json",
            ExportFormat::Parquet => "parquet",
        }
    }

    fn buttons_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) -> bool {
        let mut stays = true;
        ui.horizontal(|ui| {
            let ready = self.file.given().is_some();
            if ui
                .add_enabled_ui(ready, |ui| primary_button(ui, cx.theme, "Export"))
                .inner
                .clicked()
            {
                self.file.problem = None;
                self.written = (0, self.total);
                let (steps, progress) = ask_in_steps();
                self.progress = progress;
                cx.commands.push(Command::History(HistoryCommand::Export {
                    query: self.query.clone(),
                    format: self.format,
                    to: PathBuf::from(self.file.path.trim()),
                    steps,
                }));
            }
            stays = !ui.button("Cancel").clicked();
        });
        stays
    }

    fn progress_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let (done, total) = self.written;
        #[expect(clippy::cast_precision_loss, reason = "a share of a bar on screen")]
        let share = done as f32 / total.max(1) as f32;
        let text = format!("{} of {}", count(done as u64), count(total as u64));
        ui.add(
            ProgressBar::new(share)
                .desired_height(6.0)
                .fill(theme.accent),
        );
        ui.horizontal(|ui| {
            ui.label(caption(theme, text));
            if ui.button(format!("{} Stop", icons::STOP)).clicked() {
                self.progress = Asked::default();
                self.file.problem = Some("stopped; no file was written".to_owned());
            }
        });
    }
}
