//! The settings: endpoints, keys, appearance, data, about.
//!
//! In: settings, key states, test steps. Out: [`Command::Edit`](crate::engine::Command::Edit) and the
//! commands of keys and tests. The settings file is the truth: an edit shows once it comes back.

mod draft;
mod editor;
mod endpoints;
mod import;
mod keys;
mod pages;
mod presets;
mod probe;
mod trial;

use egui::{Margin, Panel, Role, ScrollArea, Ui, WidgetInfo};
use serde::{Deserialize, Serialize};

pub(super) use self::pages::COUNT_TICKET;
use self::{endpoints::Endpoints, keys::KeysSection};
use super::{
    icons,
    view::{Action, Cx, Verb, View, ViewId},
};

/// The sections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Section {
    #[default]
    Endpoints,
    Keys,
    Appearance,
    Data,
    About,
}

/// The sections in order: name, icon, and the verb that shows each.
const SECTIONS: &[(Section, &str, &str, Verb)] = &[
    (
        Section::Endpoints,
        "Endpoints",
        icons::ENDPOINT,
        verb("settings.endpoints", "Endpoints"),
    ),
    (
        Section::Keys,
        "Keys",
        icons::KEY,
        verb("settings.keys", "Keys"),
    ),
    (
        Section::Appearance,
        "Appearance",
        icons::APPEARANCE,
        verb("settings.appearance", "Appearance, theme and zoom"),
    ),
    (
        Section::Data,
        "Data",
        icons::DATA,
        verb("settings.data", "Data folder and history"),
    ),
    (
        Section::About,
        "About",
        icons::INFO,
        verb("settings.about", "About, and how figures are made"),
    ),
];

const fn verb(id: &'static str, label: &'static str) -> Verb {
    Verb {
        id,
        label,
        shortcut: None,
    }
}

/// The settings view.
#[derive(Debug, Default)]
pub struct SettingsView {
    section: Section,
    endpoints: Endpoints,
    keys: KeysSection,
    /// Runs in the history, once counted.
    runs: Option<usize>,
    /// The count of finished runs that they were counted at.
    counted_at: Option<u64>,
}

impl View for SettingsView {
    fn id(&self) -> ViewId {
        ViewId::Settings
    }

    fn title(&self) -> &'static str {
        "Settings"
    }

    fn icon(&self) -> &'static str {
        icons::SETTINGS
    }

    fn verbs(&self) -> Vec<Verb> {
        SECTIONS.iter().map(|(.., verb)| *verb).collect()
    }

    fn verb(&mut self, id: &str, _cx: &mut Cx<'_>) {
        if let Some((section, ..)) = SECTIONS.iter().find(|(.., verb)| verb.id == id) {
            self.section = *section;
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        if let Action::EditEndpoint(id) = action {
            self.section = Section::Endpoints;
            self.endpoints.open(id.as_deref(), cx);
        }
    }

    fn logic(&mut self, cx: &mut Cx<'_>) {
        self.endpoints.logic(cx);
        cx.state.run_pages.retain(|(ticket, page)| {
            if *ticket == COUNT_TICKET {
                self.runs = page.as_ref().ok().map(|page| page.total);
            }
            *ticket != COUNT_TICKET
        });
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let before = self.section;
        self.sections_ui(ui, cx);
        if before != self.section {
            self.keys.leave(ui.ctx());
        }
        let frame = egui::Frame::new().inner_margin(Margin::symmetric(24, 16));
        frame.show(ui, |ui| {
            ScrollArea::vertical()
                .id_salt(self.section as u8)
                .auto_shrink(false)
                .show(ui, |ui| {
                    ui.set_max_width((ui.available_width() - 12.0).min(760.0));
                    self.section_ui(ui, cx);
                });
        });
    }

    fn save(&self) -> Option<String> {
        serde_json::to_string(&self.section).ok()
    }

    fn restore(&mut self, saved: &str) {
        self.section = serde_json::from_str(saved).unwrap_or_default();
    }
}

impl SettingsView {
    fn sections_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let frame = egui::Frame::new().inner_margin(Margin::symmetric(8, 12));
        Panel::left("settings.sections")
            .resizable(false)
            .exact_size(148.0)
            .frame(frame)
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                for (section, name, icon, _) in SECTIONS {
                    let on = *section == self.section;
                    let color = if on { cx.theme.text } else { cx.theme.text_dim };
                    let fill = if on {
                        cx.theme.hover
                    } else {
                        egui::Color32::TRANSPARENT
                    };
                    let text = egui::RichText::new(format!("{icon}  {name}")).color(color);
                    let button = egui::Button::new(text)
                        .fill(fill)
                        .frame_when_inactive(on)
                        .right_text("")
                        .min_size(egui::vec2(ui.available_width(), 30.0));
                    let response = ui.add(button);
                    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, *name));
                    if response.clicked() {
                        self.section = *section;
                    }
                }
            });
    }

    fn section_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        match self.section {
            Section::Endpoints => self.endpoints.ui(ui, cx),
            Section::Keys => self.keys.ui(ui, cx),
            Section::Appearance => pages::appearance_ui(ui, cx),
            Section::Data => {
                if self.counted_at != Some(cx.state.finished) {
                    self.counted_at = Some(cx.state.finished);
                    pages::ask_count(cx.commands);
                }
                pages::data_ui(ui, cx, self.runs);
            }
            Section::About => pages::about_ui(ui, cx),
        }
    }
}
