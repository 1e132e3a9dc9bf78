//! What surrounds a view: the navigation rail, banners, the status bar.

use egui::{
    Align, CornerRadius, Frame, Label, Layout, Margin, Panel, Rect, RichText, Role, Sense, Ui,
    WidgetInfo, pos2, vec2,
};

use super::{
    icons,
    theme::{Theme, size, space},
    toast::Toasts,
    view::{Action, Cx, View, ViewId},
    widgets::{Tone, banner},
};
use crate::{engine::GatewayState, history::Storage, settings::SettingsProblem};
use std::path::Path;

/// Width of the rail; in a narrow window it has icons only.
const RAIL: f32 = 72.0;
const RAIL_NARROW: f32 = 48.0;
/// Windows narrower than this get the narrow rail.
const NARROW: f32 = 840.0;

/// What surrounds a view; remembers which notices the user has closed.
#[derive(Debug, Default)]
pub struct Chrome {
    /// The state of storage whose notice was closed.
    closed: Option<Storage>,
    /// The warnings of the settings that were closed.
    read: Vec<SettingsProblem>,
}

impl Chrome {
    /// The navigation rail at the left: one entry for each view.
    pub fn rail(ui: &mut Ui, cx: &mut Cx<'_>, views: &[Box<dyn View>], current: ViewId) {
        let narrow = ui.ctx().content_rect().width() < NARROW;
        let width = if narrow { RAIL_NARROW } else { RAIL };
        Panel::left("rail")
            .resizable(false)
            .exact_size(width)
            .frame(
                Frame::new()
                    .fill(cx.theme.surface)
                    .inner_margin(Margin::symmetric(6, 8)),
            )
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = space::XS;
                for view in views {
                    let on = view.id() == current;
                    if rail_entry(ui, cx.theme, view.icon(), view.title(), on, !narrow).clicked() {
                        cx.actions.push(Action::Go(view.id()));
                    }
                }
                ui.with_layout(Layout::bottom_up(Align::Center), |ui| {
                    if rail_entry(ui, cx.theme, icons::COMMAND, "Commands", false, !narrow)
                        .clicked()
                    {
                        cx.actions.push(Action::Palette);
                    }
                });
            });
    }

    /// Banners above the view, for what the user must not miss.
    pub fn banners(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if let Some(problem) = cx.state.settings_problem.clone() {
            let text = format!("{problem}. The last valid settings stay in use until it is fixed");
            strip(ui, cx.theme, "settings-problem", |ui| {
                banner(ui, cx.theme, Tone::Bad, &text, |ui| {
                    if ui.button("Open the file").clicked() {
                        let failed = open_path(&problem.path).err();
                        cx.actions.extend(failed.map(Action::Tell));
                    }
                });
            });
        }
        self.warnings(ui, cx);
        let Some(storage) = cx.state.storage.clone() else {
            return;
        };
        let Some((tone, text)) = storage_notice(&storage) else {
            return;
        };
        if self.closed.as_ref() == Some(&storage) {
            return;
        }
        strip(ui, cx.theme, "storage-notice", |ui| {
            banner(ui, cx.theme, tone, &text, |ui| {
                if super::widgets::icon_button(ui, cx.theme, icons::CLOSE, "Close this notice")
                    .clicked()
                {
                    self.closed = Some(storage);
                }
            });
        });
    }

    /// Warnings about the settings, until the user closes them.
    fn warnings(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        const SHOWN: usize = 3;
        let settings = cx.state.settings.clone();
        let warnings = &settings.warnings;
        if warnings.is_empty() || self.read == *warnings {
            return;
        }
        let mut lines: Vec<_> = (warnings.iter().take(SHOWN).map(ToString::to_string)).collect();
        if let Some(more @ 1..) = warnings.len().checked_sub(SHOWN) {
            lines.push(format!("… and {more} more"));
        }
        strip(ui, cx.theme, "settings-warnings", |ui| {
            banner(ui, cx.theme, Tone::Warn, &lines.join("\n"), |ui| {
                if super::widgets::icon_button(ui, cx.theme, icons::CLOSE, "Close these warnings")
                    .clicked()
                {
                    self.read.clone_from(warnings);
                }
            });
        });
    }

    /// The status bar at the bottom.
    pub fn status_bar(ui: &mut Ui, cx: &mut Cx<'_>, toasts: &mut Toasts) {
        let theme = cx.theme;
        Panel::bottom("status")
            .exact_size(26.0)
            .frame(
                Frame::new()
                    .fill(theme.surface)
                    .inner_margin(Margin::symmetric(12, 0)),
            )
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.x = space::M;
                ui.horizontal_centered(|ui| {
                    storage_status(ui, cx);
                    simulator_status(ui, cx);
                    gateway_status(ui, cx);
                    if cx.state.settings_problem.is_some() {
                        status(
                            ui,
                            icons::WARN,
                            "Settings file broken",
                            theme.bad,
                            "See the banner above",
                        );
                    }
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        if ui
                            .add(Label::new(tiny(theme, "? shortcuts")).sense(Sense::click()))
                            .clicked()
                        {
                            cx.actions.push(Action::Shortcuts);
                        }
                        runs_status(ui, cx);
                        toasts.ui(ui, cx.theme);
                    });
                });
            });
    }
}

fn rail_entry(
    ui: &mut Ui,
    theme: &Theme,
    icon: &str,
    title: &str,
    on: bool,
    word: bool,
) -> egui::Response {
    let size_y = if word { 48.0 } else { 36.0 };
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), size_y), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, title));
    let lit = on || response.hovered() || response.has_focus();
    let color = if on { theme.text } else { theme.text_dim };
    let painter = ui.painter();
    if lit {
        let fill = if on { theme.hover } else { theme.raised };
        painter.rect_filled(rect, CornerRadius::same(6), fill);
    }
    if on {
        let bar = Rect::from_min_size(
            pos2(rect.left() - 6.0, rect.top() + 10.0),
            vec2(2.0, rect.height() - 20.0),
        );
        painter.rect_filled(bar, CornerRadius::same(1), theme.accent);
    }
    if response.has_focus() {
        painter.rect_stroke(
            rect,
            CornerRadius::same(6),
            egui::Stroke::new(1.5, theme.accent),
            egui::StrokeKind::Inside,
        );
    }
    let icon_at = if word {
        rect.center_top() + vec2(0.0, 18.0)
    } else {
        rect.center()
    };
    let icon_color = if on { theme.accent } else { color };
    let centre = egui::Align2::CENTER_CENTER;
    painter.text(
        icon_at,
        centre,
        icon,
        egui::FontId::proportional(18.0),
        icon_color,
    );
    if word {
        let at = rect.center_bottom() - vec2(0.0, 11.0);
        painter.text(at, centre, title, egui::FontId::proportional(10.5), color);
        response
    } else {
        response.on_hover_text(title)
    }
}

fn strip(ui: &mut Ui, theme: &Theme, id: &str, content: impl FnOnce(&mut Ui)) {
    Panel::top(id.to_owned())
        .frame(Frame::new().fill(theme.surface))
        .show(ui, content);
}

fn tiny(theme: &Theme, text: &str) -> RichText {
    RichText::new(text).size(size::TINY).color(theme.text_dim)
}

fn status(ui: &mut Ui, icon: &str, text: &str, color: egui::Color32, hover: &str) {
    let text = RichText::new(format!("{icon} {text}"))
        .size(size::TINY)
        .color(color);
    ui.add(Label::new(text).selectable(false))
        .on_hover_text(hover);
}

fn storage_status(ui: &mut Ui, cx: &Cx<'_>) {
    let theme = cx.theme;
    match &cx.state.storage {
        None => status(
            ui,
            icons::DATA,
            "Opening the history…",
            theme.text_dim,
            "Runs are stored once it is open",
        ),
        Some(Storage::Ok) => status(
            ui,
            icons::DATA,
            "History saved",
            theme.text_dim,
            "Every run and draft is on disk within a second",
        ),
        Some(storage) => {
            let word = match storage {
                Storage::SetAside { .. } => "New history file",
                Storage::ReadOnly { .. } => "History read-only",
                Storage::Failing { .. } | Storage::Ok => "Nothing is saved",
            };
            let text = storage_notice(storage)
                .map(|(_, text)| text)
                .unwrap_or_default();
            status(ui, icons::WARN, word, theme.warn, &text);
        }
    }
}

fn simulator_status(ui: &mut Ui, cx: &Cx<'_>) {
    if let Some(why) = &cx.state.no_simulator {
        status(ui, icons::WARN, "No simulator", cx.theme.warn, why);
    }
}

fn gateway_status(ui: &mut Ui, cx: &Cx<'_>) {
    match &cx.state.gateway {
        GatewayState::On(access) => {
            let hover = format!("Programs reach it at http://{}", access.address);
            status(ui, icons::GATEWAY, "Gateway on", cx.theme.text_dim, &hover);
        }
        GatewayState::Failed(why) => {
            status(ui, icons::WARN, "No gateway", cx.theme.warn, why);
        }
        GatewayState::Off | GatewayState::Starting | GatewayState::Stopping => {}
    }
}

fn runs_status(ui: &mut Ui, cx: &Cx<'_>) {
    let live = cx.state.live_runs();
    if live > 0 {
        let text = format!("{live} running");
        status(
            ui,
            icons::STREAMING,
            &text,
            cx.theme.accent,
            "Runs in progress, in all views",
        );
    }
}

/// What is wrong with the history and how serious it is; `None` if nothing is.
#[must_use]
pub(super) fn storage_notice(storage: &Storage) -> Option<(Tone, String)> {
    match storage {
        Storage::Ok => None,
        Storage::SetAside { kept_as, why } => Some((
            Tone::Warn,
            format!(
                "The history file could not be used ({why}). It was renamed to {}, and a new one was started",
                kept_as.display()
            ),
        )),
        Storage::ReadOnly { why } => Some((
            Tone::Warn,
            format!("The history is read-only, nothing is added: {why}"),
        )),
        Storage::Failing { why } => Some((Tone::Bad, format!("Runs are not saved: {why}"))),
    }
}

/// Opens a file or folder with the system's program for it.
///
/// # Errors
/// If that program can't be started.
pub(super) fn open_path(path: &Path) -> Result<(), String> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let child = std::process::Command::new(program).arg(path).spawn();
    let mut child =
        child.map_err(|error| format!("{program} can’t open {}: {error}", path.display()))?;
    // Waited for only so that no zombie process is left.
    std::thread::spawn(move || child.wait());
    Ok(())
}
