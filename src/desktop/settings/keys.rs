//! The keys: where each is stored, and forms to set, replace and delete it.
//!
//! A key that was typed moves into a [`SecretString`], and egui's own copies of it are dropped.

use egui::{Id, RichText, TextEdit, Ui, text_edit::TextEditState};
use secrecy::{SecretString, zeroize::Zeroize as _};

use crate::{
    credential::{KeyOf, KeyPlace, KeyStatus},
    desktop::{
        icons,
        theme::{Theme, caption, size, space, strong, title},
        view::Cx,
        widgets::{
            badge, capitalized, card, danger_button, danger_icon, ghost_button, primary_button,
            segmented,
        },
    },
    endpoint::{Endpoint, local_gateway},
    engine::{Command, KeyCommand},
};

/// The section of keys, with the one field in which a key is typed.
#[derive(Default)]
pub struct KeysSection {
    /// The endpoint whose form is open, and for which of its keys.
    open: Option<(String, KeyOf)>,
    typed: String,
    /// The key whose deletion waits for confirmation.
    forgetting: Option<(String, KeyOf)>,
    in_memory: bool,
    /// Numbers the field, so that each form gets a new one and egui's memory of the last is not used.
    field: u64,
    asked: bool,
    /// Whether the field takes the focus in the next frame.
    focus: bool,
}

impl std::fmt::Debug for KeysSection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

impl KeysSection {
    /// Shows the section.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if !std::mem::replace(&mut self.asked, true) {
            cx.commands.push(Command::Key(KeyCommand::Check));
        }
        ui.horizontal(|ui| {
            ui.label(title("Keys"));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui
                    .button(format!("{} Check again", icons::REFRESH))
                    .clicked()
                {
                    cx.commands.push(Command::Key(KeyCommand::Check));
                }
            });
        });
        let text = "A key comes from its environment variable or command, else from the OS keyring, else from memory. It is never written to a file, and is sent to one origin only";
        ui.label(caption(cx.theme, text));
        ui.add_space(space::M);
        let settings = cx.state.settings.clone();
        // The token of the app's own gateway is in the gateway's view.
        let is_users = |endpoint: &&Endpoint| !local_gateway::is_own(&endpoint.id);
        for endpoint in settings.endpoints.iter().filter(is_users) {
            self.key_ui(ui, cx, endpoint);
            ui.add_space(space::S);
        }
    }

    /// Wipes what was typed. Called when another section is shown.
    pub fn leave(&mut self, ctx: &egui::Context) {
        if self.open.take().is_some() {
            self.wipe(ctx);
        }
    }

    fn key_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, endpoint: &Endpoint) {
        card(ui, cx.theme, |ui| {
            ui.set_width(ui.available_width());
            self.row_ui(ui, cx, endpoint, KeyOf::Endpoint);
            // Only a proxy with a user name has a status.
            let proxy = (endpoint.id.clone(), KeyOf::Proxy);
            if cx.state.keys.contains_key(&proxy) {
                ui.add_space(space::XS);
                ui.separator();
                self.row_ui(ui, cx, endpoint, KeyOf::Proxy);
            }
        });
    }

    fn row_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, endpoint: &Endpoint, of: KeyOf) {
        let theme = cx.theme;
        let id = (endpoint.id.clone(), of);
        let status = cx.state.keys.get(&id).cloned();
        ui.horizontal(|ui| {
            ui.label(RichText::new(icons::KEY).color(theme.text_dim));
            match of {
                KeyOf::Endpoint => ui.label(strong(&endpoint.label)),
                KeyOf::Proxy => ui.label("Password of its proxy"),
            };
            place_ui(ui, theme, status.as_ref(), of);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.buttons_ui(ui, cx, &id, status.as_ref());
            });
        });
        let origin = status.as_ref().map_or_else(
            || endpoint.base_url.origin().ascii_serialization(),
            |s| s.origin.clone(),
        );
        ui.label(caption(theme, format!("for {origin}")));
        let problems = [
            status.and_then(|s| s.problem),
            cx.state.key_problems.get(&id).cloned(),
        ];
        for problem in problems.into_iter().flatten() {
            ui.label(
                RichText::new(format!("{} {problem}", icons::WARN))
                    .size(size::SMALL)
                    .color(theme.warn),
            );
        }
        if self.open.as_ref() == Some(&id) {
            self.form_ui(ui, cx, &id);
        }
    }

    fn buttons_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        id: &(String, KeyOf),
        status: Option<&KeyStatus>,
    ) {
        let name = name_of(id);
        let place = status.map(|status| &status.place);
        let ours = matches!(
            place,
            Some(KeyPlace::Keyring | KeyPlace::Memory | KeyPlace::Google { .. })
        );
        if ours && self.forget_ui(ui, cx, id, &name) {
            return;
        }
        if place == Some(&KeyPlace::NotNeeded) || self.open.as_ref() == Some(id) {
            return;
        }
        let verb = if ours { "Replace" } else { "Set" };
        let response = ui
            .button(format!("{verb}…"))
            .accessible_name(format!("{verb} the {name}"));
        if response.clicked() {
            self.wipe(ui.ctx());
            self.open = Some(id.clone());
            self.focus = true;
        }
    }

    /// Shows the delete button. Deleting can't be undone, so it takes a second click; returns whether it waits for that.
    fn forget_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        id: &(String, KeyOf),
        name: &str,
    ) -> bool {
        if self.forgetting.as_ref() != Some(id) {
            let forget = format!("Forget the {name}…");
            if danger_icon(ui, cx.theme, icons::DELETE, &forget).clicked() {
                self.forgetting = Some(id.clone());
            }
            return false;
        }
        let keep = ghost_button(ui, cx.theme, "Keep it").clicked();
        let forget = danger_button(ui, cx.theme, "Forget it").clicked();
        if forget {
            cx.commands.push(Command::Key(KeyCommand::Forget {
                endpoint: id.0.clone(),
                of: id.1,
            }));
        }
        if keep || forget {
            self.forgetting = None;
        }
        true
    }

    fn form_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, id: &(String, KeyOf)) {
        ui.add_space(space::S);
        let (what, keep) = match id.1 {
            KeyOf::Endpoint => ("Paste the key", "Keep the key"),
            KeyOf::Proxy => ("Type the password", "Keep the password"),
        };
        let field = self.field_id();
        let edit = TextEdit::singleline(&mut self.typed)
            .id(field)
            .password(true)
            .hint_text(what)
            .desired_width(f32::INFINITY);
        let response = ui
            .add(edit.margin(egui::vec2(8.0, 5.0)))
            .accessible_name(capitalized(&name_of(id)));
        // Requested a frame after the click that opened the form: the click itself would take the focus away again.
        if std::mem::take(&mut self.focus) {
            response.request_focus();
        }
        let entered =
            response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            let places = [(false, "OS keyring"), (true, "This session only")];
            segmented(ui, cx.theme, "Keep it in", &mut self.in_memory, &places);
            let ready = !self.typed.trim().is_empty();
            let keep = ui
                .add_enabled_ui(ready, |ui| primary_button(ui, cx.theme, keep))
                .inner;
            let cancelled = ghost_button(ui, cx.theme, "Cancel").clicked();
            if ready && (keep.clicked() || entered) {
                let key = SecretString::from(self.typed.trim());
                cx.commands.push(Command::Key(KeyCommand::Set {
                    endpoint: id.0.clone(),
                    of: id.1,
                    key,
                    in_keyring: !self.in_memory,
                }));
                self.leave(ui.ctx());
            } else if cancelled {
                self.leave(ui.ctx());
            }
        });
    }

    fn field_id(&self) -> Id {
        Id::unique(("key-field", self.field))
    }

    /// Overwrites what was typed, and drops egui's cursor and undo history of the field.
    fn wipe(&mut self, ctx: &egui::Context) {
        self.typed.zeroize();
        let id = self.field_id();
        ctx.data_mut(|data| data.remove::<TextEditState>(id));
        self.field += 1;
    }
}

/// What is stored, as part of a sentence.
fn name_of((endpoint, of): &(String, KeyOf)) -> String {
    match of {
        KeyOf::Endpoint => format!("key of {endpoint}"),
        KeyOf::Proxy => format!("proxy password of {endpoint}"),
    }
}

fn place_ui(ui: &mut Ui, theme: &Theme, status: Option<&KeyStatus>, of: KeyOf) {
    let (word, color) = match status.map(|status| &status.place) {
        None => ("looking…".to_owned(), theme.text_dim),
        Some(KeyPlace::Env { var }) => (format!("from {var}"), theme.good),
        Some(KeyPlace::Command { program }) => (format!("from the command {program}"), theme.good),
        Some(KeyPlace::Google { account, .. }) => {
            (format!("access token of {account}"), theme.good)
        }
        Some(KeyPlace::Keyring) => ("in the OS keyring".to_owned(), theme.good),
        Some(KeyPlace::Memory) => ("in memory, for this session".to_owned(), theme.accent),
        Some(KeyPlace::NotNeeded) => ("not needed".to_owned(), theme.text_dim),
        Some(KeyPlace::Missing) => match of {
            KeyOf::Endpoint => ("no key".to_owned(), theme.warn),
            KeyOf::Proxy => ("no password".to_owned(), theme.warn),
        },
    };
    badge(ui, theme, &word, color);
}
