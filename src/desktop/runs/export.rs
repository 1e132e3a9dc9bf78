//! The dialog that exports the runs of a query to a file. The engine writes the file; the file chooser runs on a
//! thread of its own.

use std::{
    path::PathBuf,
    sync::mpsc::{self, Receiver},
};

use egui::{Context, ProgressBar, Ui};

use crate::{
    desktop::{
        chooser::{self, NoChooser},
        icons,
        theme::{Theme, caption, heading, space},
        view::{Action, Cx},
        widgets::{count, dialog, labeled_field, primary_button, segmented},
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
    path: String,
    chooser: Option<Receiver<Result<Option<PathBuf>, NoChooser>>>,
    /// The progress of a running export.
    progress: Asked<ExportStep>,
    /// Rows written, and rows in all.
    written: (usize, usize),
    problem: Option<String>,
}

impl Export {
    /// A dialog for the runs of `query`, of which there are `total`.
    #[must_use]
    pub fn new(query: RunQuery, total: usize) -> Self {
        let folder = directories::UserDirs::new()
            .map(|dirs| dirs.document_dir().unwrap_or(dirs.home_dir()).to_path_buf());
        let name = jiff::Zoned::now()
            .strftime("tokenscope-runs-%Y%m%d-%H%M%S.csv")
            .to_string();
        Self {
            query,
            total,
            format: ExportFormat::Csv,
            path: folder.unwrap_or_default().join(name).display().to_string(),
            chooser: None,
            progress: Asked::default(),
            written: (0, total),
            problem: None,
        }
    }

    /// Handles news from the engine and the file chooser; returns whether the dialog stays open.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> bool {
        if let Some(answer) = self
            .chooser
            .as_ref()
            .and_then(|chooser| chooser.try_recv().ok())
        {
            self.chooser = None;
            match answer {
                Ok(Some(path)) => self.path = path.display().to_string(),
                Ok(None) => {}
                Err(why) => self.problem = Some(format!("{why}: type the path")),
            }
        }
        while let Some(step) = self.progress.take() {
            match step {
                ExportStep::Written { done, total } => self.written = (done, total),
                ExportStep::Over(Ok(rows)) => {
                    let rows = count(rows as u64);
                    let told = format!("{rows} runs written to {}", self.path.trim());
                    cx.actions.push(Action::Tell(told));
                    return false;
                }
                ExportStep::Over(Err(problem)) => {
                    self.progress = Asked::default();
                    self.problem = Some(problem);
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
            let name = PathBuf::from(&self.path).with_extension(self.extension());
            self.path = name.display().to_string();
        }
        ui.add_space(space::S);
        labeled_field(
            ui,
            theme,
            "File",
            &mut self.path,
            "",
            self.problem.as_deref(),
        );
        if ui
            .add_enabled(self.chooser.is_none(), egui::Button::new("Choose…"))
            .clicked()
        {
            self.chooser = Some(choose(ui.ctx(), &self.path, self.extension()));
        }
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
            let ready = !self.path.trim().is_empty();
            if ui
                .add_enabled_ui(ready, |ui| primary_button(ui, cx.theme, "Export"))
                .inner
                .clicked()
            {
                self.problem = None;
                self.written = (0, self.total);
                let (steps, progress) = ask_in_steps();
                self.progress = progress;
                cx.commands.push(Command::History(HistoryCommand::Export {
                    query: self.query.clone(),
                    format: self.format,
                    to: PathBuf::from(self.path.trim()),
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
                self.problem = Some("stopped; no file was written".to_owned());
            }
        });
    }
}

/// Opens the system's file chooser. macOS wants its future made on the UI thread; another thread awaits it.
fn choose(
    ctx: &Context,
    path: &str,
    extension: &'static str,
) -> Receiver<Result<Option<PathBuf>, NoChooser>> {
    let (send, receive) = mpsc::channel();
    let path = PathBuf::from(path);
    let mut dialog = rfd::AsyncFileDialog::new().add_filter(extension, &[extension]);
    if let Some(name) = path.file_name() {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    if let Some(folder) = path.parent() {
        dialog = dialog.set_directory(folder);
    }
    let chosen = dialog.save_file();
    let ctx = ctx.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let file = runtime.ok().and_then(|runtime| runtime.block_on(chosen));
        let path = file.map(|file| file.path().to_path_buf());
        // If the export dialog was closed meanwhile, nobody receives this.
        let _ = send.send(chooser::cancelled_or_missing(path));
        ctx.request_repaint();
    });
    receive
}
