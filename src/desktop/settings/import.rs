//! The import of a Google account's file as an endpoint's key.
//!
//! The dialog and the file are a thread's. What it read waits here, as a secret, until the endpoint is saved.

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
        theme::{Theme, caption, size, space},
    },
};

/// What came of a file; nothing if none was chosen.
type ImportResult = Option<Result<(Account, SecretString), String>>;

/// An import, from the button on.
pub struct Import {
    news: (Sender<ImportResult>, Receiver<ImportResult>),
    busy: bool,
    came: ImportResult,
}

impl Default for Import {
    fn default() -> Self {
        Self {
            news: channel(),
            busy: false,
            came: None,
        }
    }
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import").finish_non_exhaustive()
    }
}

impl Import {
    /// Shows the button where an account can be a key, and what was imported.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, draft: &mut EndpointDraft) {
        while let Ok(news) = self.news.1.try_recv() {
            self.take(news, draft);
        }
        if !draft.takes_account() {
            return;
        }
        ui.add_space(space::S);
        let button = egui::Button::new("Import service account…");
        let response = ui.add_enabled(!self.busy, button).on_hover_text(
            "Takes the JSON file that Google Cloud made for the account, also one that is dropped here: its project \
             goes into the base URL, and with Save the key into the OS keyring",
        );
        if response.clicked() {
            self.begin(ui.ctx(), choose);
        }
        let dropped = ui.input(|input| Some(input.raw.dropped_files.first()?.path().to_owned()));
        if let Some(file) = dropped {
            self.begin(ui.ctx(), || Some(Ok(file)));
        }
        match &self.came {
            None => {}
            Some(Ok((account, _))) => {
                ui.label(
                    RichText::new(format!("{} Imported: {account}", icons::CHECK))
                        .color(theme.good),
                );
                ui.label(caption(
                    theme,
                    "Save puts its key into the OS keyring, in place of any key command",
                ));
            }
            Some(Err(why)) => {
                ui.label(RichText::new(why).size(size::SMALL).color(theme.bad));
            }
        }
    }

    /// The key to keep with the endpoint, and whose it is.
    pub fn key(&mut self) -> Option<(Account, SecretString)> {
        self.came.take()?.ok()
    }

    fn take(&mut self, news: ImportResult, draft: &mut EndpointDraft) {
        self.busy = false;
        // A dialog that was left changes nothing.
        if let Some(came) = news {
            if let Ok((account, _)) = &came {
                draft.take_account(account);
            }
            self.came = Some(came);
        }
    }

    fn begin(
        &mut self,
        ctx: &Context,
        file: impl FnOnce() -> Option<Result<PathBuf, String>> + Send + 'static,
    ) {
        let (sender, ctx) = (self.news.0.clone(), ctx.clone());
        let thread = std::thread::Builder::new().name("import-account".to_owned());
        let begun = thread.spawn(move || {
            let came = file().map(|file| Account::read_file(&file?));
            // An editor that is closed needs no account.
            let _ = sender.send(came);
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
