//! The editor of one endpoint.

mod advanced;

use egui::{RichText, TextEdit, Ui};

use self::advanced::advanced_ui;
use super::{
    draft::{AuthKind, EndpointDraft, Field, Problems},
    form::{FormProgress, captioned_field, head_ui},
    import::Import,
    probe,
    tried::Tried,
};
use crate::{
    credential::KeyOf,
    desktop::{
        theme::{Theme, caption, space},
        view::{Action, Cx},
        widgets::{choice_box, ghost_button, labeled_field, problem_ui, segmented},
    },
    dialect::DIALECTS,
    engine::{Command, KeyCommand},
    settings::SettingsEdit,
};

/// The open editor of an endpoint.
#[derive(Debug)]
pub struct Editor {
    draft: EndpointDraft,
    import: Import,
    progress: FormProgress,
    tested: bool,
}

impl Editor {
    /// An editor of this draft.
    #[must_use]
    pub fn new(draft: EndpointDraft) -> Self {
        Self {
            draft,
            import: Import::default(),
            progress: FormProgress::default(),
            tested: false,
        }
    }

    /// Whether the saved endpoint has arrived with new settings, so that the editor can close.
    pub fn is_done(&mut self, cx: &mut Cx<'_>) -> bool {
        self.progress.is_saved(cx)
    }

    /// Stores the imported account's key, now that the endpoint is saved; returns the message for a toast.
    pub fn saved(&mut self, cx: &mut Cx<'_>) -> String {
        let imported = self.import.key().filter(|_| self.draft.takes_account());
        let Some((account, key)) = imported else {
            return "Saved the endpoint".to_owned();
        };
        cx.commands.push(Command::Key(KeyCommand::Set {
            endpoint: self.draft.id.trim().to_owned(),
            of: KeyOf::Endpoint,
            key,
            in_keyring: true,
        }));
        format!("Saved the endpoint with {account}")
    }

    /// Shows the editor; returns whether it stays open.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, tried: &mut Tried) -> bool {
        let theme = cx.theme;
        let name = match &self.draft.old_id {
            Some(id) => format!("Edit {id}"),
            None => "New endpoint".to_owned(),
        };
        let mut stays = head_ui(ui, theme, "Back to the endpoints", name);
        ui.add_space(space::S);
        let checked = self.draft.endpoint(&cx.state.settings);
        let none = Problems::new();
        let problems = match &checked {
            Err(problems) if self.progress.has_tried => problems,
            _ => &none,
        };
        self.fields_ui(ui, theme, problems);
        advanced_ui(ui, theme, &mut self.draft, problems);
        ui.add_space(space::L);
        stays &= self.buttons_ui(ui, cx, tried, &checked);
        self.tested_ui(ui, cx, tried, checked.ok());
        stays
    }

    fn fields_ui(&mut self, ui: &mut Ui, theme: &Theme, problems: &Problems) {
        let draft = &mut self.draft;
        let problem = |field: Field| problems.get(&field).map(String::as_str);
        ui.columns_const(|[left, right]| {
            labeled_field(
                left,
                theme,
                "Name",
                &mut draft.label,
                "Shown in lists",
                None,
            );
            labeled_field(
                right,
                theme,
                "Id",
                &mut draft.id,
                "Used in endpoint/model",
                problem(Field::Id),
            );
        });
        ui.add_space(space::S);
        labeled_field(
            ui,
            theme,
            "Base URL",
            &mut draft.url,
            "https://host/v1",
            problem(Field::Url),
        );
        final_url_ui(ui, theme, draft);
        allow_http_ui(ui, draft);
        ui.add_space(space::S);
        dialect_ui(ui, theme, draft);
        ui.add_space(space::S);
        ui.label(caption(theme, "How the key is sent"));
        ui.horizontal(|ui| {
            let kinds = [
                (AuthKind::Bearer, "Bearer"),
                (AuthKind::Header, "Header…"),
                (AuthKind::Query, "Query (?key=)"),
                (AuthKind::None, "No key"),
            ];
            segmented(ui, theme, "Key", &mut draft.auth, &kinds);
            if draft.auth == AuthKind::Header {
                let edit = TextEdit::singleline(&mut draft.auth_header)
                    .hint_text("x-api-key")
                    .desired_width(160.0);
                ui.add(edit.margin(egui::vec2(8.0, 4.0)))
                    .accessible_name("Header of the key");
            }
        });
        problem_ui(ui, theme, problem(Field::AuthHeader));
        if let Some(how) = draft.sign_in() {
            ui.label(caption(theme, how));
        }
        self.import.ui(ui, theme, draft);
        ui.add_space(space::S);
        let models = TextEdit::multiline(&mut draft.models).desired_rows(3);
        let takes = "Models, one per line; the endpoint’s own list is added to them";
        captioned_field(ui, theme, ("Models", takes), models.hint_text("model-name"));
    }

    fn buttons_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        tried: &mut Tried,
        checked: &Result<crate::endpoint::Endpoint, Problems>,
    ) -> bool {
        let theme = cx.theme;
        let mut stays = true;
        if self.progress.has_tried && checked.is_err() {
            problem_ui(ui, theme, Some("Fix the fields marked above first"));
        }
        ui.horizontal(|ui| {
            let save = self.progress.save_button(ui, theme);
            let test = ui
                .button("Test")
                .on_hover_text(
                    "Tries DNS, connection, TLS, key and list of models, even before it is saved",
                )
                .clicked();
            self.progress.has_tried |= save || test;
            if let Ok(endpoint) = checked {
                if save {
                    self.progress.saves(cx);
                    let edit = SettingsEdit::PutEndpoint {
                        old_id: self.draft.old_id.clone(),
                        endpoint: Box::new(endpoint.clone()),
                    };
                    cx.commands.push(Command::Edit(edit));
                } else if test {
                    self.tested = true;
                    tried.tests.begin(endpoint, cx.commands);
                }
            }
            stays = !ghost_button(ui, theme, "Cancel").clicked();
            if let Some(id) = self.draft.old_id.clone() {
                stays &= !self.delete_ui(ui, cx, &id);
            }
        });
        stays
    }

    /// Shows the result of the test, and the form for a trial request once the endpoint is saved: a request names its
    /// endpoint by id.
    fn tested_ui(
        &self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        tried: &mut Tried,
        draft: Option<crate::endpoint::Endpoint>,
    ) {
        let id = self.draft.id.trim();
        let Some(test) = tried.tests.of(id).filter(|_| self.tested) else {
            return;
        };
        ui.add_space(space::S);
        probe::show(ui, cx.theme, test);
        let saved = cx.state.settings.endpoint(id).cloned();
        match (saved, draft) {
            (Some(saved), Some(draft)) if saved == draft => tried.trials.ui(ui, cx, &saved),
            _ => {
                ui.label(caption(
                    cx.theme,
                    "Save the endpoint to send a tiny request to it",
                ));
            }
        }
    }

    /// Shows the delete button. Deleting takes a second click; returns whether it was done.
    fn delete_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, id: &str) -> bool {
        let texts = ["Delete…", "Delete it"];
        let rest = Some("Its runs stay in the history; its key is deleted");
        let deleted = (self.progress).remove_button(ui, cx.theme, texts, rest);
        if deleted {
            cx.commands
                .push(Command::Edit(SettingsEdit::RemoveEndpoint {
                    id: id.to_owned(),
                }));
            cx.actions.push(Action::Tell(format!("Deleted {id}")));
        }
        deleted
    }
}

fn dialect_ui(ui: &mut Ui, theme: &Theme, draft: &mut EndpointDraft) {
    ui.label(caption(theme, "Dialect: the wire protocol of the endpoint"));
    let shown = draft.dialect.dialect().label;
    let choice = choice_box("endpoint.dialect")
        .width(280.0)
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for dialect in DIALECTS {
                let row = ui.selectable_label(draft.dialect == dialect.id, dialect.label);
                if row.clicked() {
                    draft.set_dialect(dialect.id);
                }
            }
        });
    choice.response.accessible_name("Dialect");
}

fn final_url_ui(ui: &mut Ui, theme: &Theme, draft: &EndpointDraft) {
    match draft.final_url() {
        Ok((url, changes)) => {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                ui.label(caption(theme, "Requests go to"));
                ui.label(RichText::new(url).monospace().color(theme.accent));
            });
            for change in changes {
                ui.label(caption(theme, change));
            }
        }
        Err(problem) => problem_ui(ui, theme, Some(&problem)),
    }
}

/// Shown only where it matters: where keys and prompts would travel unencrypted.
fn allow_http_ui(ui: &mut Ui, draft: &mut EndpointDraft) {
    if draft.is_cleartext() {
        ui.checkbox(&mut draft.allow_http, "Allow http:// to another machine")
            .on_hover_text(
                "Key, prompt and answer travel unencrypted: allow it only on a network you trust",
            );
    }
}
