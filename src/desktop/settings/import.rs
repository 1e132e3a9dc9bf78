//! Imports a Google account's file as an endpoint's key.
//!
//! A thread shows the dialog and reads the file. The key is held here, as a secret, until the endpoint is saved.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, Sender, channel},
};

use egui::{Context, RichText, Ui};
use secrecy::SecretString;

use super::draft::EndpointDraft;
use crate::{
    credential::Account,
    desktop::{
        chooser, icons,
        theme::{Theme, caption, space},
        widgets::problem_ui,
    },
};

/// The account and key from a file, or why it can't be used; `None` if no file was chosen.
type ImportResult = Option<Result<(Account, SecretString), String>>;

/// The button, a running import and its result.
pub struct Import {
    results: (Sender<ImportResult>, Receiver<ImportResult>),
    busy: bool,
    result: ImportResult,
}

impl Default for Import {
    fn default() -> Self {
        Self {
            results: channel(),
            busy: false,
            result: None,
        }
    }
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import").finish_non_exhaustive()
    }
}

impl Import {
    /// Shows the button if the endpoint can use an account as its key, and what was imported.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, draft: &mut EndpointDraft) {
        while let Ok(result) = self.results.1.try_recv() {
            self.take(result, draft);
        }
        if !draft.takes_account() {
            return;
        }
        ui.add_space(space::S);
        let button = egui::Button::new("Import service account…");
        let response = ui.add_enabled(!self.busy, button).on_hover_text(
            "Choose the account’s JSON file from Google Cloud, or drop it here: its project goes into the base URL, \
             and Save puts the key into the OS keyring",
        );
        if response.clicked() {
            self.begin(ui.ctx(), choose);
        }
        let dropped = ui.input(|input| Some(input.raw.dropped_files.first()?.path().to_owned()));
        if let Some(file) = dropped {
            self.begin(ui.ctx(), || Some(Ok(file)));
        }
        match &self.result {
            None => {}
            Some(Ok((account, _))) => {
                ui.label(
                    RichText::new(format!("{} Imported: {account}", icons::CHECK))
                        .color(theme.good),
                );
                ui.label(caption(
                    theme,
                    "Save puts its key into the OS keyring, which replaces any key command",
                ));
            }
            Some(Err(why)) => problem_ui(ui, theme, Some(why)),
        }
    }

    /// Takes the key to store for the endpoint, and its account.
    pub fn key(&mut self) -> Option<(Account, SecretString)> {
        self.result.take()?.ok()
    }

    fn take(&mut self, result: ImportResult, draft: &mut EndpointDraft) {
        self.busy = false;
        // A cancelled dialog keeps what was imported before.
        if let Some(read) = result {
            if let Ok((account, _)) = &read {
                draft.take_account(account);
            }
            self.result = Some(read);
        }
    }

    fn begin(
        &mut self,
        ctx: &Context,
        file: impl FnOnce() -> Option<Result<PathBuf, String>> + Send + 'static,
    ) {
        let (sender, ctx) = (self.results.0.clone(), ctx.clone());
        let thread = std::thread::Builder::new().name("import-account".to_owned());
        let begun = thread.spawn(move || {
            let result = file().map(|file| Account::read_file(&file?));
            // If the editor was closed meanwhile, nobody receives this.
            let _ = sender.send(result);
            ctx.request_repaint();
        });
        self.busy = begun.is_ok();
    }
}

/// The system's file dialog.
fn choose() -> Option<Result<PathBuf, String>> {
    let dialog = rfd::FileDialog::new()
        .set_title("Import a service account")
        .add_filter("JSON", &["json"])
        .add_filter("All files", &["*"]);
    let chosen = chooser::pick_one(dialog).transpose()?;
    Some(chosen.map_err(|why| format!("{why}: drop the file on this window")))
}
