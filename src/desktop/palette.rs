//! The command palette: verbs, views and targets, found by a few letters.

use egui::{
    Align2, Area, Button, Context, CornerRadius, Frame, Id, Key, Modifiers, Order, Role,
    ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2,
};

use super::{
    icons,
    shortcuts::{VIEW_KEYS, WINDOW_VERBS},
    state::State,
    theme::{RADIUS_L, Theme, caption, size, space},
    view::{Action, Verb, VerbId, View, ViewId, WindowVerb},
    widgets::key_hint,
};
use crate::{endpoint::TargetId, visible::visible_line};

/// How many rows are shown at most; more letters find the rest.
const MAX_ROWS: usize = 60;

/// The command palette: the query and the chosen row.
#[derive(Debug, Default)]
pub struct Palette {
    open: bool,
    query: String,
    chosen: usize,
}

/// One row: its label, its group, its keys and what it does.
#[derive(Clone, Debug)]
struct Entry {
    icon: &'static str,
    label: String,
    group: String,
    keys: String,
    actions: Vec<Action>,
}

impl Palette {
    /// Opens it with an empty query, or closes it.
    pub fn toggle(&mut self) {
        *self = Self {
            open: !self.open,
            ..Self::default()
        };
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Shows it if it is open; returns the actions of the chosen row.
    pub fn ui(
        &mut self,
        ctx: &Context,
        theme: &Theme,
        views: &[Box<dyn View>],
        current: ViewId,
        state: &State,
    ) -> Vec<Action> {
        if !self.open {
            return Vec::new();
        }
        let found = ranked(entries(ctx, views, current, state), &self.query);
        self.chosen = self.chosen.min(found.len().saturating_sub(1));
        let (moved, enter) = self.take_keys(ctx, found.len());
        let mut picked = enter.then_some(self.chosen);
        if Self::backdrop(ctx, theme) {
            self.open = false;
        }
        let width = (ctx.content_rect().width() - 64.0).min(560.0);
        Area::new(Id::unique("palette"))
            .order(Order::Foreground)
            .anchor(Align2::CENTER_TOP, [0.0, 72.0])
            .accessible_name("Command palette")
            .show(ctx, |ui| {
                Frame::popup(ui.style())
                    .inner_margin(egui::Margin::same(8))
                    .corner_radius(CornerRadius::same(RADIUS_L))
                    .show(ui, |ui| {
                        ui.set_width(width);
                        let typed = self.query_ui(ui, theme);
                        if let Some(clicked) = self.rows_ui(ui, theme, &found, moved, typed) {
                            picked = Some(clicked);
                        }
                    });
            });
        let Some(entry) = picked.and_then(|index| found.into_iter().nth(index)) else {
            return Vec::new();
        };
        self.open = false;
        entry.actions
    }

    fn take_keys(&mut self, ctx: &Context, rows: usize) -> (bool, bool) {
        ctx.input_mut(|input| {
            let down = input.consume_key(Modifiers::NONE, Key::ArrowDown);
            let up = input.consume_key(Modifiers::NONE, Key::ArrowUp);
            if down && rows > 0 {
                self.chosen = (self.chosen + 1) % rows;
            }
            if up && rows > 0 {
                self.chosen = (self.chosen + rows - 1) % rows;
            }
            if input.consume_key(Modifiers::NONE, Key::Escape) {
                self.open = false;
            }
            (down || up, input.consume_key(Modifiers::NONE, Key::Enter))
        })
    }

    /// Dims the window behind it; returns whether that was clicked.
    fn backdrop(ctx: &Context, theme: &Theme) -> bool {
        let rect = ctx.content_rect();
        Area::new(Id::unique("palette.backdrop"))
            .order(Order::Middle)
            .fixed_pos(rect.min)
            .show(ctx, |ui| {
                let response = ui.allocate_rect(rect, Sense::click());
                let shade = if theme.dark { 110 } else { 40 };
                ui.painter()
                    .rect_filled(rect, 0.0, egui::Color32::from_black_alpha(shade));
                response.clicked()
            })
            .inner
    }

    /// Shows the query field; returns whether the query has changed.
    fn query_ui(&mut self, ui: &mut Ui, theme: &Theme) -> bool {
        let hint = caption(theme, "Type a command, a view or a model").size(size::BODY);
        let edit = TextEdit::singleline(&mut self.query)
            .id(Id::unique("palette.query"))
            .prefix(egui::RichText::new(icons::SEARCH).color(theme.text_dim))
            .hint_text(hint)
            .frame(Frame::NONE)
            .desired_width(f32::INFINITY)
            .margin(vec2(6.0, 8.0));
        let response = ui.add(edit).accessible_name("Command");
        // Only when needed: each request for focus ends what an input method is composing.
        if !response.has_focus() {
            response.request_focus();
        }
        if response.changed() {
            self.chosen = 0;
        }
        super::widgets::hairline(ui, theme);
        ui.add_space(space::XS);
        response.changed()
    }

    fn rows_ui(
        &self,
        ui: &mut Ui,
        theme: &Theme,
        found: &[Entry],
        moved: bool,
        typed: bool,
    ) -> Option<usize> {
        let mut clicked = None;
        if found.is_empty() {
            ui.label(caption(theme, "Nothing is called so"));
        }
        let height = (ui.ctx().content_rect().height() - 200.0).min(380.0);
        let mut area = ScrollArea::vertical().max_height(height);
        if typed {
            // A new query chooses the first match and scrolls to it.
            area = area.vertical_scroll_offset(0.0);
        }
        area.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (index, entry) in found.iter().enumerate() {
                let on = index == self.chosen;
                let response = row(ui, theme, entry, on);
                if on && moved {
                    response.scroll_to_me(None);
                }
                if response.clicked() {
                    clicked = Some(index);
                }
            }
        });
        clicked
    }
}

fn row(ui: &mut Ui, theme: &Theme, entry: &Entry, on: bool) -> egui::Response {
    let fill = if on {
        theme.hover
    } else {
        egui::Color32::TRANSPARENT
    };
    let width = ui.available_width();
    let response = ui.add(
        Button::new("")
            .fill(fill)
            .frame_when_inactive(on)
            .min_size(vec2(width, 30.0)),
    );
    let name = format!("{}: {}", entry.group, entry.label);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &name));
    let rect = response.rect.shrink2(vec2(8.0, 0.0));
    let left = egui::Layout::left_to_right(egui::Align::Center);
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect).layout(left), |ui| {
        let icon = egui::RichText::new(entry.icon).color(theme.text_dim);
        ui.add(egui::Label::new(icon).selectable(false));
        ui.add(
            egui::Label::new(visible_line(&entry.label).into_owned())
                .selectable(false)
                .truncate(),
        );
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if !entry.keys.is_empty() {
                key_hint(ui, theme, &entry.keys);
            }
            ui.add(egui::Label::new(caption(theme, &entry.group)).selectable(false));
        });
    });
    response
}

fn entries(ctx: &Context, views: &[Box<dyn View>], current: ViewId, state: &State) -> Vec<Entry> {
    let keys = |verb: &Verb| {
        verb.shortcut
            .map(|s| ctx.format_shortcut(&s))
            .unwrap_or_default()
    };
    let mut entries = Vec::new();
    let (here, elsewhere): (Vec<_>, Vec<_>) = views.iter().partition(|view| view.id() == current);
    for view in here.into_iter().chain(elsewhere) {
        entries.extend(view.verbs().iter().map(|verb| Entry {
            icon: view.icon(),
            label: verb.label.to_owned(),
            group: view.title().to_owned(),
            keys: keys(verb),
            actions: vec![Action::Go(view.id()), Action::Verb(verb.id)],
        }));
    }
    for (view, key) in views.iter().zip(VIEW_KEYS) {
        let shortcut = egui::KeyboardShortcut::new(Modifiers::COMMAND, key);
        entries.push(Entry {
            icon: view.icon(),
            label: view.title().to_owned(),
            group: "Go to".to_owned(),
            keys: ctx.format_shortcut(&shortcut),
            actions: vec![Action::Go(view.id())],
        });
    }
    entries.extend(
        WINDOW_VERBS
            .iter()
            .filter(|verb| verb.id != VerbId::Window(WindowVerb::Palette))
            .map(|verb| Entry {
                icon: icons::COMMAND,
                label: verb.label.to_owned(),
                group: "Window".to_owned(),
                keys: keys(verb),
                actions: vec![Action::Verb(verb.id)],
            }),
    );
    entries.extend(target_entries(state));
    entries
}

fn target_entries(state: &State) -> impl Iterator<Item = Entry> + '_ {
    state.settings.endpoints.iter().flat_map(move |endpoint| {
        let listed = state
            .models
            .get(&endpoint.id)
            .and_then(|models| models.as_ref().ok());
        let listed = listed
            .into_iter()
            .flat_map(|models| models.iter().map(|model| &model.id));
        let mut models: Vec<&String> = endpoint.models.iter().collect();
        models.extend(listed.filter(|model| !endpoint.models.contains(model)));
        let asks = models.into_iter().map(|model| Entry {
            icon: icons::TARGET,
            label: format!("{}/{model}", endpoint.id),
            group: "Ask".to_owned(),
            keys: String::new(),
            actions: vec![Action::Ask(TargetId {
                endpoint: endpoint.id.clone(),
                model: model.clone(),
            })],
        });
        std::iter::once(Entry {
            icon: icons::ENDPOINT,
            label: endpoint.label.clone(),
            group: "Endpoint".to_owned(),
            keys: String::new(),
            actions: vec![Action::EditEndpoint(Some(endpoint.id.clone()))],
        })
        .chain(asks)
    })
}

/// The entries that contain the letters of `query`, best match first.
fn ranked(entries: Vec<Entry>, query: &str) -> Vec<Entry> {
    let mut scored: Vec<_> = (entries.into_iter())
        .filter_map(|entry| {
            Some((
                score(query, &format!("{} {}", entry.label, entry.group))?,
                entry,
            ))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.truncate(MAX_ROWS);
    scored.into_iter().map(|(_, entry)| entry).collect()
}

/// How well `text` contains the letters of `query` in order; `None` if it does not. Beginnings of words and
/// consecutive letters count more; spaces in the query are ignored.
#[must_use]
pub fn score(query: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    // A search that prefers beginnings of words may miss the only match: then search again without that.
    scored(query, &text, true).or_else(|| scored(query, &text, false))
}

fn scored(query: &str, text: &[char], prefer_beginnings: bool) -> Option<i32> {
    let starts = |i: usize| i == 0 || !text[i - 1].is_alphanumeric();
    let mut at = 0;
    let mut total = 0;
    for letter in query.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let next = (at > 0 && text.get(at) == Some(&letter)).then_some(at);
        let mut places = (at..text.len()).filter(|i| text[*i] == letter);
        let found = match next {
            Some(next) => next,
            None if prefer_beginnings => {
                let beginning = places.clone().find(|i| starts(*i));
                beginning.or_else(|| places.next())?
            }
            None => places.next()?,
        };
        total += match next {
            Some(_) => 9,
            None if starts(found) => 8,
            None => 1,
        };
        at = found + 1;
    }
    let length = i32::try_from(text.len()).unwrap_or(i32::MAX).min(200);
    Some(if total == 0 {
        0
    } else {
        total * 10 - length / 4
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_must_occur_in_order() {
        assert!(score("rns", "Runs Go to").is_some());
        assert!(score("snr", "Runs").is_none());
        assert!(score("x", "Runs").is_none());
        assert_eq!(score("", "anything"), Some(0));
    }

    #[test]
    fn beginnings_of_words_win() {
        let initials = score("zi", "Zoom in").unwrap();
        let inside = score("zi", "razzia").unwrap();
        assert!(initials > inside);
        assert!(
            score("export", "Export as CSV").unwrap()
                > score("export", "Go to experiments of reporting tools").unwrap_or(i32::MIN)
        );
    }

    #[test]
    fn letters_and_case_of_other_scripts_are_found() {
        assert!(score("模型", "sim/中文模型").is_some());
        assert!(score("ÄQ", "äquator").is_some());
    }

    #[test]
    fn a_jump_to_the_beginning_of_a_word_does_not_lose_the_match() {
        // The second "a" begins a word, but the only "b" lies before it.
        assert!(score("ab", "cab a").is_some());
    }
}
