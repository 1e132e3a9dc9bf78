//! The endpoints: a list, the picker of presets, the editor.

use std::collections::BTreeMap;

use egui::{Id, RichText, ScrollArea, Ui};

use super::{
    draft::EndpointDraft,
    editor::Editor,
    presets,
    probe::{self, Tests},
    tried::Tried,
};
use crate::{
    credential::{KeyOf, KeyPlace},
    desktop::{
        icons,
        palette::score,
        theme::{Theme, caption, size, space, strong, title},
        view::{Action, Cx},
        widgets::{
            badge, card, icon_button, labeled_field, primary_button, problem_ui, search_box,
            simulated_badge,
        },
    },
    endpoint::{Endpoint, local_gateway, preset::Preset},
    run::RunId,
};

/// The page that is open.
#[derive(Debug, Default)]
enum Page {
    /// The list.
    #[default]
    List,
    /// The picker of presets, with its search text.
    Pick(String),
    /// A form for the variables of a preset, with what is wrong with them.
    Fill(&'static Preset, BTreeMap<String, String>, Option<String>),
    /// The editor.
    Edit(Box<Editor>),
}

/// The section of endpoints.
#[derive(Debug, Default)]
pub struct Endpoints {
    page: Page,
    tried: Tried,
}

impl Endpoints {
    /// Opens the picker, or the editor of an endpoint; of a built-in endpoint, the editor of a copy.
    pub fn open(&mut self, id: Option<&str>, cx: &Cx<'_>) {
        let Some(id) = id else {
            self.page = Page::Pick(String::new());
            return;
        };
        let Some(endpoint) = cx.state.settings.endpoint(id) else {
            return;
        };
        let built_in = cx.state.settings.built_in.iter().any(|known| known == id);
        let mut draft = EndpointDraft::of(endpoint, built_in);
        if built_in {
            draft.id = free_id(id, cx);
        }
        self.page = Page::Edit(Box::new(Editor::new(draft)));
    }

    /// Closes an editor whose endpoint was saved.
    pub fn logic(&mut self, cx: &mut Cx<'_>) {
        self.tried.tests.take_in();
        if let Page::Edit(editor) = &mut self.page
            && editor.is_done(cx)
        {
            let told = editor.saved(cx);
            cx.actions.push(Action::Tell(told));
            self.page = Page::List;
        }
    }

    /// The runs of the trial requests.
    pub fn shown_runs(&self) -> Vec<RunId> {
        self.tried.trials.runs().collect()
    }

    /// Shows the page that is open.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.page = match std::mem::take(&mut self.page) {
            Page::List => self.list_ui(ui, cx),
            Page::Pick(query) => pick_ui(ui, cx, query),
            Page::Fill(row, values, problem) => fill_ui(ui, cx, row, values, problem),
            Page::Edit(mut editor) => {
                if editor.ui(ui, cx, &mut self.tried) {
                    Page::Edit(editor)
                } else {
                    Page::List
                }
            }
        };
    }

    fn list_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) -> Page {
        let mut add = false;
        ui.horizontal(|ui| {
            ui.label(title("Endpoints"));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                add = primary_button(ui, cx.theme, &format!("{} Add an endpoint…", icons::ADD))
                    .clicked();
            });
        });
        ui.label(caption(cx.theme, "An endpoint is a base URL with its key, headers and route. Together with a model, it is a target"));
        ui.add_space(space::M);
        let settings = cx.state.settings.clone();
        for endpoint in &settings.endpoints {
            let built_in = settings.built_in.contains(&endpoint.id);
            endpoint_ui(ui, cx, endpoint, built_in, &mut self.tried);
            ui.add_space(space::S);
        }
        if add {
            Page::Pick(String::new())
        } else {
            Page::List
        }
    }
}

/// The id itself if no endpoint has it, else `openai-2`, ….
fn free_id(id: &str, cx: &Cx<'_>) -> String {
    let known = |id: &str| cx.state.settings.endpoint(id).is_some();
    if !known(id) {
        return id.to_owned();
    }
    (2..1000)
        .map(|n| format!("{id}-{n}"))
        .find(|id| !known(id))
        .unwrap_or_default()
}

fn endpoint_ui(
    ui: &mut Ui,
    cx: &mut Cx<'_>,
    endpoint: &Endpoint,
    built_in: bool,
    tried: &mut Tried,
) {
    let theme = cx.theme;
    card(ui, theme, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(strong(&endpoint.label));
            if endpoint.label != endpoint.id {
                ui.label(caption(theme, &endpoint.id));
            }
            badges_ui(ui, cx, endpoint, built_in);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                buttons_ui(ui, cx, endpoint, built_in, &mut tried.tests);
            });
        });
        let url = RichText::new(endpoint.base_url.as_str())
            .monospace()
            .color(theme.text_dim);
        ui.add(egui::Label::new(url).truncate());
        let key = (endpoint.id.clone(), KeyOf::Endpoint);
        if let Some(problem) = cx.state.key_problems.get(&key) {
            let text = format!("{} Its key: {problem}", icons::WARN);
            ui.label(RichText::new(text).size(size::SMALL).color(theme.warn));
        }
        if let Some(test) = tried.tests.of(&endpoint.id) {
            ui.add_space(space::S);
            probe::show(ui, theme, test);
            tried.trials.ui(ui, cx, endpoint);
        }
    });
}

fn badges_ui(ui: &mut Ui, cx: &Cx<'_>, endpoint: &Endpoint, built_in: bool) {
    let theme = cx.theme;
    if endpoint.simulated {
        simulated_badge(ui, theme);
    } else if built_in && !local_gateway::is_own(&endpoint.id) {
        badge(ui, theme, "from the environment", theme.text_dim)
            .on_hover_text("Ready because a variable such as its API key is set");
    }
    if !endpoint.route.is_empty() {
        badge(ui, theme, &endpoint.route, theme.text_dim).on_hover_text("Its route");
    }
    let missing = cx
        .state
        .keys
        .get(&(endpoint.id.clone(), KeyOf::Endpoint))
        .is_some_and(|key| key.place == KeyPlace::Missing);
    if missing {
        badge(ui, theme, "no key", theme.warn).on_hover_text("Set one under Keys");
    }
}

fn buttons_ui(
    ui: &mut Ui,
    cx: &mut Cx<'_>,
    endpoint: &Endpoint,
    built_in: bool,
    tests: &mut Tests,
) {
    let name = if endpoint.simulated || local_gateway::is_own(&endpoint.id) {
        return test_ui(ui, cx, endpoint, tests);
    } else if built_in {
        (icons::COPY, format!("Copy {} to change it", endpoint.id))
    } else {
        (icons::EDIT, format!("Edit {}", endpoint.id))
    };
    if icon_button(ui, cx.theme, name.0, &name.1).clicked() {
        cx.actions
            .push(Action::EditEndpoint(Some(endpoint.id.clone())));
    }
    test_ui(ui, cx, endpoint, tests);
}

fn test_ui(ui: &mut Ui, cx: &mut Cx<'_>, endpoint: &Endpoint, tests: &mut Tests) {
    let response = ui
        .button("Test")
        .accessible_name(format!("Test {}", endpoint.id));
    if response
        .on_hover_text("Tries DNS, connection, TLS, key and list of models")
        .clicked()
    {
        tests.begin(endpoint, cx.commands);
    }
}

fn back_ui(ui: &mut Ui, theme: &Theme, name: &str) -> bool {
    ui.horizontal(|ui| {
        let back = icon_button(ui, theme, icons::CHEVRON_LEFT, "Back to the endpoints").clicked();
        ui.label(title(name));
        back
    })
    .inner
}

fn pick_ui(ui: &mut Ui, cx: &Cx<'_>, mut query: String) -> Page {
    let theme = cx.theme;
    if back_ui(ui, theme, "Add an endpoint") {
        return Page::List;
    }
    ui.add_space(space::S);
    let width = ui.available_width();
    let search = search_box(
        ui,
        theme,
        Id::unique("presets.search"),
        "Search providers",
        &mut query,
        width,
    );
    ui.add_space(space::S);
    let mut picked = None;
    let mut area = ScrollArea::vertical().auto_shrink([false, true]);
    if search.changed() {
        area = area.vertical_scroll_offset(0.0);
    }
    area.show(ui, |ui| {
        for row in presets_for(&query) {
            if preset_ui(ui, theme, row).clicked() {
                picked = Some(row);
            }
        }
    });
    match picked {
        None => Page::Pick(query),
        Some(row) if row.variables.is_empty() => made(row, BTreeMap::new(), cx),
        Some(row) => {
            let values = row
                .variables
                .iter()
                .map(|v| (v.name.clone(), v.default.clone().unwrap_or_default()))
                .collect();
            Page::Fill(row, values, None)
        }
    }
}

/// The presets that a search finds, best match first.
fn presets_for(query: &str) -> Vec<&'static Preset> {
    let mut found: Vec<_> = (presets::all().iter())
        .filter_map(|row| {
            let text = format!("{} {} {}", row.label, row.id, row.note);
            Some((score(query, &text)?, row))
        })
        .collect();
    if !query.is_empty() {
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    }
    found.into_iter().map(|(_, row)| row).collect()
}

fn preset_ui(ui: &mut Ui, theme: &Theme, row: &Preset) -> egui::Response {
    let width = ui.available_width();
    let note = if row.note.is_empty() {
        &row.base_url
    } else {
        &row.note
    };
    let button = egui::Button::new("")
        .frame_when_inactive(false)
        .min_size(egui::vec2(width, 44.0));
    let response = ui.add(button);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Add {}", row.label))
    });
    let rect = response.rect.shrink2(egui::vec2(10.0, 4.0));
    let layout = egui::Layout::top_down(egui::Align::Min);
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect).layout(layout), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.add(egui::Label::new(strong(&row.label)).selectable(false));
        ui.add(
            egui::Label::new(caption(theme, note))
                .selectable(false)
                .truncate(),
        );
    });
    response
}

fn made(row: &'static Preset, values: BTreeMap<String, String>, cx: &Cx<'_>) -> Page {
    match presets::endpoint(row, &values) {
        Ok(endpoint) => {
            let mut draft = EndpointDraft::of(&endpoint, true);
            draft.id = free_id(&endpoint.id, cx);
            Page::Edit(Box::new(Editor::new(draft)))
        }
        Err(problem) => Page::Fill(row, values, Some(problem)),
    }
}

fn fill_ui(
    ui: &mut Ui,
    cx: &Cx<'_>,
    row: &'static Preset,
    mut values: BTreeMap<String, String>,
    problem: Option<String>,
) -> Page {
    let theme = cx.theme;
    if back_ui(ui, theme, &row.label) {
        return Page::Pick(String::new());
    }
    if !row.note.is_empty() {
        ui.label(caption(theme, &row.note));
    }
    if presets::project_may_wait(row) {
        ui.label(caption(
            theme,
            "If you have a service account’s file, leave the project empty: the file names it, and you import it next",
        ));
    }
    ui.add_space(space::S);
    for variable in &row.variables {
        let value = values.entry(variable.name.clone()).or_default();
        labeled_field(ui, theme, &variable.name, value, "", None);
        ui.label(caption(theme, &variable.hint));
        ui.add_space(space::S);
    }
    problem_ui(ui, theme, problem.as_deref());
    if primary_button(ui, theme, "Continue").clicked() {
        return made(row, values, cx);
    }
    Page::Fill(row, values, problem)
}
