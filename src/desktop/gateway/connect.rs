//! How programs reach the gateway: addresses, the token, texts to paste.

use egui::{Frame, Label, Margin, RichText, ScrollArea, Ui};
use secrecy::ExposeSecret as _;

use crate::{
    desktop::{
        icons,
        theme::{RADIUS, Theme, caption, size, space},
        view::{Action, Cx},
        widgets::{
            Tone, banner, card, choice_box, copy_button, ghost_button, icon_toggle, section,
            segmented,
        },
    },
    engine::GatewayAccess,
    gateway::CLIENT_SETUPS,
    visible::visible_line,
};

/// Widest card.
const WIDEST: f32 = 860.0;

/// The tab's state.
#[derive(Debug, Default)]
pub struct Connect {
    /// Whether the token is drawn.
    is_revealed: bool,
    /// The program that is told, by its place in the table.
    chosen: usize,
    /// The model in the text, if one was chosen.
    model: Option<String>,
}

impl Connect {
    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, access: &GatewayAccess) {
        let margin = Margin {
            left: 16,
            right: 16,
            top: 12,
            bottom: 12,
        };
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(margin).show(ui, |ui| {
                ui.set_max_width(WIDEST.min(ui.available_width()));
                card(ui, cx.theme, |ui| {
                    ui.set_width(ui.available_width());
                    self.access_ui(ui, cx.theme, access);
                });
                ui.add_space(space::M);
                card(ui, cx.theme, |ui| {
                    ui.set_width(ui.available_width());
                    self.program_ui(ui, cx, access);
                });
            });
        });
    }

    fn access_ui(&mut self, ui: &mut Ui, theme: &Theme, access: &GatewayAccess) {
        section(
            ui,
            theme,
            "Address and token",
            "A program keeps the protocol that it speaks: it is given the base URL of that protocol, and the token as its API key",
        );
        for (dialect, base) in &access.base_urls {
            let (label, base) = (dialect.dialect().label, base.as_str().trim_end_matches('/'));
            row_ui(ui, theme, label, base, |ui| {
                let name = format!("Copy the base URL for {label}");
                copy_button(ui, theme, &name, || base.to_owned());
            });
        }
        let hidden = "•".repeat(24);
        let shown = if self.is_revealed {
            access.token.expose_secret()
        } else {
            &hidden
        };
        row_ui(ui, theme, "Token", shown, |ui| {
            let token = || access.token.expose_secret().to_owned();
            copy_button(ui, theme, "Copy the token", token);
            let (icon, name) = if self.is_revealed {
                (icons::EYE_OFF, "Hide the token")
            } else {
                (icons::EYE, "Show the token")
            };
            if icon_toggle(ui, theme, icon, name, self.is_revealed).clicked() {
                self.is_revealed = !self.is_revealed;
            }
        });
        if let Some(why) = &access.token_not_kept {
            ui.add_space(space::S);
            let text = format!(
                "No keyring keeps this token, so that it is a new one each time the gateway is turned on: {why}"
            );
            banner(ui, theme, Tone::Warn, &text, |_| ());
        }
    }

    fn program_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, access: &GatewayAccess) {
        let theme = cx.theme;
        section(ui, theme, "Tell a program", "");
        let names = CLIENT_SETUPS.iter().map(|setup| setup.name);
        let names: Vec<(usize, &str)> = names.enumerate().collect();
        ScrollArea::horizontal().show(ui, |ui| {
            segmented(ui, theme, "Program", &mut self.chosen, &names);
        });
        let Some(setup) = CLIENT_SETUPS.get(self.chosen) else {
            return;
        };
        ui.add_space(space::XS);
        ui.add(Label::new(caption(theme, setup.about)).wrap());
        let model = self.model_ui(ui, theme, &access.models, setup.names_model());
        let text = setup.text(&access.base_urls, &model, None);
        code_ui(ui, theme, &text);
        ui.horizontal(|ui| {
            let name = format!("{} Copy", icons::COPY);
            let copy = ui
                .button(name)
                .on_hover_text("The program reads the token from the variable TOKEN");
            copy.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::Button, true, "Copy the text")
            });
            if copy.clicked() {
                let said = format!("Copied the text for {}, without the token", setup.name);
                cx.actions.push(Action::Copy { text, said });
            }
            let with = ghost_button(ui, theme, "Copy with the token");
            let with = with.on_hover_text("Whoever reads the copied text can use the gateway");
            if with.clicked() {
                let token = access.token.expose_secret();
                let text = setup.text(&access.base_urls, &model, Some(token));
                let said = format!("Copied the text for {}, with the token", setup.name);
                cx.actions.push(Action::Copy { text, said });
            }
        });
    }

    /// Gives the model for the text; where it is named there, lets it be chosen.
    fn model_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        models: &[String],
        is_shown: bool,
    ) -> String {
        let chosen = self.model.clone().filter(|model| models.contains(model));
        let mut model = chosen.or_else(|| models.first().cloned());
        if models.len() > 1 && is_shown {
            ui.horizontal(|ui| {
                ui.label(caption(theme, "Model"));
                let shown = model.clone().unwrap_or_default();
                choice_box("gateway.model")
                    .selected_text(visible_line(&shown))
                    .width(320.0)
                    .truncate()
                    .show_ui(ui, |ui| {
                        for name in models {
                            let value = Some(name.clone());
                            let label = visible_line(name).into_owned();
                            ui.selectable_value(&mut model, value, label);
                        }
                    })
                    .response
                    .accessible_name("Model in the text");
            });
        }
        self.model.clone_from(&model);
        model.unwrap_or_else(|| "ENDPOINT/MODEL".to_owned())
    }
}

/// A name, a text and its buttons in one line; texts and buttons of all lines stand below each other.
fn row_ui(ui: &mut Ui, theme: &Theme, name: &str, text: &str, buttons: impl FnOnce(&mut Ui)) {
    const NAME: f32 = 150.0;
    const TEXT: f32 = 390.0;
    ui.horizontal(|ui| {
        let cell = |ui: &mut Ui, width, text: RichText| {
            let layout = egui::Layout::left_to_right(egui::Align::Center);
            ui.allocate_ui_with_layout(egui::vec2(width, 26.0), layout, |ui| {
                ui.set_min_width(width);
                ui.add(Label::new(text).truncate());
            });
        };
        cell(ui, NAME, caption(theme, name));
        cell(ui, TEXT, RichText::new(text).monospace());
        buttons(ui);
    });
}

fn code_ui(ui: &mut Ui, theme: &Theme, text: &str) {
    ui.add_space(space::XS);
    Frame::new()
        .fill(theme.raised)
        .corner_radius(egui::CornerRadius::same(RADIUS))
        .inner_margin(Margin::symmetric(10, 8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ScrollArea::horizontal()
                .id_salt("gateway.code")
                .show(ui, |ui| {
                    let code = RichText::new(text).monospace().size(size::SMALL);
                    ui.add(Label::new(code).extend());
                });
        });
    ui.add_space(space::XS);
}
