//! Keyboard shortcuts: the window's own verbs, and the overlay that lists all shortcuts.

use egui::{Context, Grid, Key, KeyboardShortcut, Modifiers, ScrollArea};

use super::{
    theme::{Theme, caption, heading, space, strong},
    view::{Verb, VerbId, View, ViewId, WindowVerb},
    widgets::{dialog, key_hint},
};

const fn command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

/// What the window itself can do, in every view.
pub static WINDOW_VERBS: &[Verb] = &[
    Verb {
        id: VerbId::Window(WindowVerb::Palette),
        label: "Command palette",
        shortcut: Some(command(Key::K)),
    },
    Verb {
        id: VerbId::Window(WindowVerb::Shortcuts),
        label: "Keyboard shortcuts",
        shortcut: Some(KeyboardShortcut::new(Modifiers::NONE, Key::F1)),
    },
    Verb {
        id: VerbId::Window(WindowVerb::ZoomIn),
        label: "Zoom in",
        shortcut: Some(command(Key::Plus)),
    },
    Verb {
        id: VerbId::Window(WindowVerb::ZoomOut),
        label: "Zoom out",
        shortcut: Some(command(Key::Minus)),
    },
    Verb {
        id: VerbId::Window(WindowVerb::ZoomReset),
        label: "Zoom to 100%",
        shortcut: Some(command(Key::Num0)),
    },
    Verb {
        id: VerbId::Window(WindowVerb::Theme),
        label: "Switch between dark and light",
        shortcut: None,
    },
    Verb {
        id: VerbId::Window(WindowVerb::AddEndpoint),
        label: "Add an endpoint…",
        shortcut: None,
    },
];

/// Second shortcuts of verbs.
pub static ALSO: &[(VerbId, KeyboardShortcut)] = &[
    (
        VerbId::Window(WindowVerb::Palette),
        KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::P),
    ),
    (
        VerbId::Window(WindowVerb::ZoomIn),
        KeyboardShortcut::new(Modifiers::COMMAND, Key::Equals),
    ),
];

/// The keys that show a view, in the order of the navigation.
pub const VIEW_KEYS: [Key; 9] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
];

/// What a pressed shortcut stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// A verb's shortcut.
    Verb(VerbId),
    /// The shortcut that shows a view.
    View(ViewId),
}

/// Takes the shortcuts of the window and of the current view out of the input.
#[must_use]
pub fn pressed(ctx: &Context, views: &[Box<dyn View>], current: ViewId) -> Vec<Pressed> {
    let mut found = Vec::new();
    let typing = ctx.text_edit_focused();
    ctx.input_mut(|input| {
        for (view, key) in views.iter().zip(VIEW_KEYS) {
            if input.consume_key(Modifiers::COMMAND, key) {
                found.push(Pressed::View(view.id()));
            }
        }
        let shown = views.iter().filter(|view| view.id() == current);
        let verbs = shown
            .flat_map(|view| view.verbs())
            .chain(WINDOW_VERBS.iter().copied());
        let keys = verbs
            .filter_map(|verb| verb.shortcut.map(|shortcut| (verb.id, shortcut)))
            .chain(ALSO.iter().copied());
        for (id, shortcut) in keys {
            // A letter alone belongs to the text that is typed.
            let is_letter = shortcut.modifiers.is_none() && shortcut.logical_key.name().len() == 1;
            if typing && is_letter {
                continue;
            }
            if input.consume_shortcut(&shortcut) {
                found.push(Pressed::Verb(id));
            }
        }
        let asks = |event: &egui::Event| matches!(event, egui::Event::Text(text) if text == "?");
        if !typing && input.events.iter().any(asks) {
            found.push(Pressed::Verb(VerbId::Window(WindowVerb::Shortcuts)));
        }
    });
    found
}

/// Shows the overlay; returns whether it stays open.
#[must_use]
pub fn overlay(ctx: &Context, theme: &Theme, views: &[Box<dyn View>]) -> bool {
    let ((), closed) = dialog(ctx, theme, "shortcuts", 440.0, |ui| {
        ui.label(heading("Keyboard shortcuts"));
        ui.label(caption(theme, "Everything else is in the command palette"));
        ui.add_space(space::S);
        let height = ctx.content_rect().height() - 180.0;
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            let going: Vec<_> = (views.iter().zip(VIEW_KEYS))
                .map(|(view, key)| (view.title(), command(key)))
                .collect();
            group(ui, theme, "Go to", &going);
            group(ui, theme, "Window", &with_keys(WINDOW_VERBS));
            for view in views {
                group(ui, theme, view.title(), &with_keys(&view.verbs()));
            }
        });
    });
    !closed
}

fn with_keys(verbs: &[Verb]) -> Vec<(&'static str, KeyboardShortcut)> {
    (verbs.iter())
        .filter_map(|verb| Some((verb.label, verb.shortcut?)))
        .collect()
}

fn group(ui: &mut egui::Ui, theme: &Theme, title: &str, rows: &[(&str, KeyboardShortcut)]) {
    if rows.is_empty() {
        return;
    }
    ui.add_space(space::S);
    ui.label(strong(title).color(theme.text_dim));
    Grid::new(("shortcuts", title))
        .num_columns(2)
        .min_col_width(220.0)
        .spacing([space::L, space::XS])
        .show(ui, |ui| {
            for (label, shortcut) in rows {
                ui.label(*label);
                key_hint(ui, theme, &ui.ctx().format_shortcut(shortcut));
                ui.end_row();
            }
        });
}
