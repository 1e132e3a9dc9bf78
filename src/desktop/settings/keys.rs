//! The keys: where each lives, and how to set, replace and forget it.
//!
//! What is typed is moved into a [`SecretString`] at once, and egui's own copies of it are thrown away.

use egui::{Id, RichText, TextEdit, Ui, text_edit::TextEditState};
use secrecy::{SecretString, zeroize::Zeroize as _};

use crate::{
    credential::{KeyOf, KeyPlace, KeyStatus},
    desktop::{
        icons,
        theme::{Theme, caption, size, space, strong, title},
        view::Cx,
        widgets::{
            badge, card, danger_button, danger_icon, ghost_button, primary_button, segmented,
        },
    },
    endpoint::Endpoint,
    engine::{Command, KeyCommand},
};

/// The section of keys, and the one field that may hold a key for as long as it is typed.
#[derive(Default)]
pub struct KeysSection {
    /// The endpoint whose key is typed, and which.
    open: Option<(String, KeyOf)>,
    typed: String,
    /// The key that is about to be forgotten.
    forgetting: Option<(String, KeyOf)>,
    in_memory: bool,
    /// A new field each time: what egui remembers of the last one is not shown again.
    field: u64,
    asked: bool,
    /// The field is to have the keyboard in the next frame.
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
        let text = "A key is taken from its environment variable or command, else from the OS keyring, else from memory. It is never written to a file and belongs to one origin";
        ui.label(caption(cx.theme, text));
        ui.add_space(space::M);
        let settings = cx.state.settings.clone();
        for endpoint in &settings.endpoints {
            self.key_ui(ui, cx, endpoint);
            ui.add_space(space::S);
        }
    }

    /// Forgets what is typed: another section is shown, or the window closes.
    pub fn leave(&mut self, ctx: &egui::Context) {
        if self.open.take().is_some() {
            self.wipe(ctx);
        }
    }

    fn key_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, endpoint: &Endpoint) {
        card(ui, cx.theme, |ui| {
            ui.set_width(ui.available_width());
            self.row_ui(ui, cx, endpoint, KeyOf::Endpoint);
            // Only a proxy that knows a user has a status.
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

    /// Forgetting can't be taken back, so it takes a second click; gives whether that is awaited.
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
            .accessible_name(capitalised(&name_of(id)));
        // The click that opened the field would take the focus again within its own frame.
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

    /// Overwrites what was typed, and has egui drop its cursor and undo history of the field.
    fn wipe(&mut self, ctx: &egui::Context) {
        self.typed.zeroize();
        let id = self.field_id();
        ctx.data_mut(|data| data.remove::<TextEditState>(id));
        self.field += 1;
    }
}

/// What is kept, within a sentence.
fn name_of((endpoint, of): &(String, KeyOf)) -> String {
    match of {
        KeyOf::Endpoint => format!("key of {endpoint}"),
        KeyOf::Proxy => format!("proxy password of {endpoint}"),
    }
}

fn capitalised(text: &str) -> String {
    let (first, rest) = text.split_at(text.len().min(1));
    first.to_uppercase() + rest
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
