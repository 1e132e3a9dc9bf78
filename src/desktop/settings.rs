//! The settings: endpoints, keys, alerts, appearance, data, about.
//!
//! In: settings, key states, test steps. Out: [`Command::Edit`](crate::engine::Command::Edit) and the
//! commands for keys and tests. The settings file decides: an edit is shown once the file was written and read again.

mod alert_draft;
mod alert_form;
mod alert_trial;
mod alerts;
mod cleanup;
mod data;
mod draft;
mod editor;
mod endpoints;
mod form;
mod import;
mod keys;
mod limits;
mod pages;
mod presets;
mod probe;
mod section;
mod trial;
mod tried;

use egui::{Margin, Panel, Role, ScrollArea, Ui, WidgetInfo};

pub use self::section::Section;
use self::{alerts::AlertsSection, data::DataSection, endpoints::Endpoints, keys::KeysSection};
use super::{
    icons,
    view::{Action, Cx, Verb, VerbId, View, ViewId},
};
use crate::run::RunId;

/// The sections in order, each with its name, its icon and its name in the palette.
const SECTIONS: &[(Section, &str, &str, &str)] = &[
    (
        Section::Endpoints,
        "Endpoints",
        icons::ENDPOINT,
        "Endpoints",
    ),
    (Section::Keys, "Keys", icons::KEY, "Keys"),
    (
        Section::Alerts,
        "Alerts",
        icons::WARN,
        "Alerts: rules, and who is told",
    ),
    (
        Section::Appearance,
        "Appearance",
        icons::APPEARANCE,
        "Appearance: theme, zoom, notifications",
    ),
    (
        Section::Data,
        "Data",
        icons::DATA,
        "Data folder and history",
    ),
    (
        Section::About,
        "About",
        icons::INFO,
        "About, and how figures are calculated",
    ),
];

/// The settings view.
#[derive(Debug, Default)]
pub struct SettingsView {
    section: Section,
    endpoints: Endpoints,
    keys: KeysSection,
    alerts: AlertsSection,
    data: DataSection,
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
        let verb = |(section, _, _, label): &(Section, _, _, &'static str)| Verb {
            id: VerbId::Settings(*section),
            label,
            shortcut: None,
        };
        SECTIONS.iter().map(verb).collect()
    }

    fn verb(&mut self, id: VerbId, _cx: &mut Cx<'_>) {
        if let VerbId::Settings(section) = id {
            self.section = section;
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
        self.alerts.logic(cx);
        self.data.logic(cx);
    }

    fn shown_runs(&self) -> Vec<RunId> {
        self.endpoints.shown_runs()
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
            Section::Alerts => self.alerts.ui(ui, cx),
            Section::Data => self.data.ui(ui, cx),
            Section::About => pages::about_ui(ui, cx),
        }
    }
}
