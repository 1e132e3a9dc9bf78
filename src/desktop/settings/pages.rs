//! The sections without state of their own: appearance, data, about.

use egui::{DragValue, RichText, Ui};

use crate::{
    desktop::{
        chrome::{open_path, storage_notice},
        fonts, icons,
        theme::{caption, heading, size, space, strong, title},
        view::{Action, Cx},
        widgets::{copy_button, count, hairline, key_value, segmented, toggle},
    },
    history::Storage,
    measure::figures,
    settings::{Appearance, ThemeChoice},
};

/// From how many seconds on an answer is long, until the user says otherwise.
const LONG_S: u32 = 20;

/// Theme, zoom, notifications and fonts.
pub fn appearance_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let theme = cx.theme;
    let before = cx.state.settings.appearance;
    let mut wanted = before;
    ui.label(title("Appearance"));
    ui.add_space(space::M);
    ui.label(caption(theme, "Theme"));
    let themes = [
        (ThemeChoice::System, "System"),
        (ThemeChoice::Dark, "Dark"),
        (ThemeChoice::Light, "Light"),
    ];
    segmented(ui, theme, "Theme", &mut wanted.theme, &themes);
    ui.add_space(space::M);
    ui.label(caption(theme, "Zoom"));
    ui.horizontal(|ui| {
        let mut percent = (wanted.zoom * 100.0).round();
        let drag = DragValue::new(&mut percent)
            .range(50.0..=300.0)
            .speed(1.0)
            .suffix("%")
            .update_while_editing(false);
        if ui.add(drag).accessible_name("Zoom").changed() {
            wanted.zoom = percent / 100.0;
        }
        for (label, value) in [
            ("\u{2212}", wanted.zoom - 0.1),
            ("+", wanted.zoom + 0.1),
            ("Reset", 1.0),
        ] {
            let name = match label {
                "+" => "Zoom in",
                "Reset" => "Zoom to 100%",
                _ => "Zoom out",
            };
            if ui.button(label).accessible_name(name).clicked() {
                wanted.zoom = (value * 10.0).round() / 10.0;
            }
        }
    });
    wanted.zoom = wanted.zoom.clamp(0.5, 3.0);
    ui.add_space(space::M);
    ui.label(caption(theme, "Notifications"));
    notifications_ui(ui, &mut wanted);
    if wanted != before {
        cx.actions.push(Action::Look(wanted));
    }
    ui.add_space(space::M);
    ui.label(caption(theme, "Fonts"));
    match fonts::has_chinese(ui.ctx()) {
        None => ui.label("Looking at this machine’s fonts…"),
        Some(true) => {
            ui.label("Chinese, Japanese and Korean text is drawn with this machine’s own fonts")
        }
        Some(false) => {
            let text = "This machine has no font for Chinese, so such text shows as boxes. On Debian or Ubuntu: sudo apt-get install fonts-noto-cjk, then start Tokenscope again";
            ui.label(RichText::new(format!("{} {text}", icons::WARN)).color(theme.warn))
        }
    };
}

/// Whether the desktop is told of long answers, and which are long.
fn notifications_ui(ui: &mut Ui, wanted: &mut Appearance) {
    let mut on = wanted.notify_after_s > 0;
    let hover = "When all answers have ended while another window is in use, the desktop shows a notification with their targets and times; never what was asked or answered";
    if toggle(
        ui,
        &mut on,
        "A notification of the desktop for long answers",
    )
    .on_hover_text(hover)
    .changed()
    {
        wanted.notify_after_s = if on { LONG_S } else { 0 };
    }
    ui.horizontal(|ui| {
        ui.label("Those that take at least");
        let mut seconds = if on { wanted.notify_after_s } else { LONG_S };
        let drag = DragValue::new(&mut seconds)
            .range(1..=3600)
            .suffix(" s")
            .update_while_editing(false);
        let field = ui.add_enabled(on, drag);
        if field.accessible_name("Seconds of a long answer").changed() {
            wanted.notify_after_s = seconds;
        }
    });
}

/// Where files are stored, and how many runs.
pub fn data_ui(ui: &mut Ui, cx: &mut Cx<'_>, runs: Option<u64>) {
    let theme = cx.theme;
    ui.label(title("Data"));
    ui.label(caption(
        theme,
        "Runs, conversations and drafts stay on this machine",
    ));
    ui.add_space(space::M);
    if let Some(paths) = cx.state.paths.clone() {
        for (name, path, verb) in [
            ("Data folder", paths.data, "Open the folder"),
            ("Settings file", paths.settings, "Open the file"),
        ] {
            ui.label(caption(theme, name));
            ui.horizontal(|ui| {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if ui.button(verb).clicked() {
                        cx.actions.extend(open_path(&path).err().map(Action::Tell));
                    }
                    copy_button(
                        ui,
                        theme,
                        &format!("Copy the path: {}", name.to_lowercase()),
                        || path.display().to_string(),
                    );
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        ui.add(
                            egui::Label::new(RichText::new(path.display().to_string()).monospace())
                                .truncate(),
                        );
                    });
                });
            });
            ui.add_space(space::S);
        }
    }
    let (word, color) = match cx
        .state
        .storage
        .as_ref()
        .map(|storage| (storage, storage_notice(storage)))
    {
        None => ("opening…".to_owned(), theme.text_dim),
        Some((Storage::Ok, _)) => ("OK".to_owned(), theme.good),
        Some((_, notice)) => (notice.map(|(_, text)| text).unwrap_or_default(), theme.warn),
    };
    key_value(
        ui,
        theme,
        110.0,
        "History",
        RichText::new(word).color(color),
    );
    let runs = runs.map_or_else(|| "counting…".to_owned(), count);
    key_value(ui, theme, 110.0, "Runs stored", runs);
}

/// Version, licence, and how every figure is calculated.
pub fn about_ui(ui: &mut Ui, cx: &Cx<'_>) {
    let theme = cx.theme;
    ui.horizontal(|ui| {
        ui.label(RichText::new(icons::MONITOR).size(28.0).color(theme.accent));
        ui.vertical(|ui| {
            ui.label(strong("Tokenscope").size(size::TITLE));
            ui.label(caption(
                theme,
                format!(
                    "Version {}, an oscilloscope for LLM APIs",
                    env!("CARGO_PKG_VERSION")
                ),
            ));
        });
    });
    ui.add_space(space::S);
    ui.label("Licensed under MIT or Apache-2.0, at your choice. Fonts: Inter (SIL Open Font License 1.1) and Hack; icons: Lucide (ISC)");
    ui.add_space(space::L);
    hairline(ui, theme);
    ui.add_space(space::M);
    ui.label(heading("How each figure is calculated"));
    ui.label(caption(
        theme,
        "A missing figure is blank, never 0. A failed run is not part of any average",
    ));
    ui.add_space(space::S);
    for figure in figures() {
        let name = if figure.unit.is_empty() {
            figure.label.to_owned()
        } else {
            format!("{} ({})", figure.label, figure.unit)
        };
        key_value(ui, theme, 190.0, &name, figure.definition);
    }
}
