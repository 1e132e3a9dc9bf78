//! Draws the strip: its columns, its groups with their scales, its bars.

use egui::{
    Align2, Color32, CornerRadius, FontId, Frame, Margin, Panel, Rect, Role, ScrollArea, Sense,
    Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::{BarColumn, BarRow, RowGroup, RowGroupKind, Strip, groups};
use crate::{
    desktop::{
        icons,
        playground::compare::{RULE, Verdict},
        theme::{Theme, size, strong, tiny},
        widgets::{Outcome, connection_icon, figure_text, icon_button},
    },
    endpoint::local_gateway,
    measure::figure,
    run::ConnectionKind,
};

const ROW: f32 = 20.0;
/// Minimum and maximum width of the names.
const NAMES: (f32, f32) = (110.0, 240.0);
/// Width of a bar's number.
const NUMBER: f32 = 76.0;

/// Widths of the columns.
struct Places {
    names: f32,
    bar: f32,
}

impl Places {
    fn of(width: f32) -> Self {
        let names = (width * 0.24).clamp(NAMES.0, NAMES.1);
        let bar = (width - names) / 3.0;
        Self { names, bar }
    }

    fn column(&self, line: Rect, index: usize) -> Rect {
        #[expect(clippy::cast_precision_loss, reason = "three columns")]
        let left = line.left() + self.names + index as f32 * self.bar;
        Rect::from_min_size(pos2(left, line.top()), vec2(self.bar, line.height()))
    }
}

impl Strip {
    /// Shows the strip, if it is open.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, rows: &[BarRow]) {
        if !self.open {
            return;
        }
        let most = (ui.available_height() * 0.45).max(4.0 * ROW);
        let frame = Frame::new()
            .fill(theme.surface)
            .inner_margin(Margin::symmetric(12, 4));
        Panel::top("strip").frame(frame).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            self.head_ui(ui, theme);
            if rows.is_empty() {
                ui.label(tiny(theme, "Nothing to compare yet: ask a question"));
                return;
            }
            let groups = groups(rows, self.sort);
            let scroll = ScrollArea::vertical()
                .id_salt("strip")
                .max_height(most)
                .min_scrolled_height(most);
            scroll.auto_shrink([false, true]).show(ui, |ui| {
                let asked = groups.iter().any(|group| group.question > 0);
                for group in &groups {
                    group_ui(ui, theme, group, rows, asked);
                    for at in &group.rows {
                        row_ui(ui, theme, &rows[*at], group);
                    }
                }
            });
        });
    }

    /// Shows the names of the columns; a click sorts by that column.
    fn head_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::hover());
        let places = Places::of(line.width());
        let left = Rect::from_min_size(line.min, vec2(places.names, line.height()));
        let font = FontId::proportional(size::TINY);
        let painter = ui.painter();
        let text = format!("Last answers {}", icons::INFO);
        painter.text(
            left.left_center(),
            Align2::LEFT_CENTER,
            text,
            font,
            theme.text_dim,
        );
        let id = ui.scope_id().with("strip rule");
        ui.interact(left, id, Sense::hover()).on_hover_text(RULE);
        for (index, column) in BarColumn::ALL.into_iter().enumerate() {
            let rect = places.column(line, index);
            let on = self.sort == Some(column);
            let name = format!("Sort by {}", column.label());
            let response = ui.interact(rect, ui.scope_id().with(&name), Sense::click());
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, &name));
            let arrow = match (on, column) {
                (false, _) => "",
                (true, BarColumn::Speed) => icons::ARROW_DOWN,
                (true, _) => icons::ARROW_UP,
            };
            let lit = on || response.hovered() || response.has_focus();
            let color = if lit { theme.text } else { theme.text_dim };
            let text = format!("{} {arrow}", column.label());
            let font = FontId::proportional(size::TINY);
            (ui.painter()).text(rect.left_center(), Align2::LEFT_CENTER, text, font, color);
            if response.clicked() {
                self.sort = (!on).then_some(column);
            }
            response.on_hover_ui(|ui| {
                ui.label(strong(column.label()));
                ui.label(figure(column.key()).map_or("", |figure| figure.definition));
                ui.label("Click to sort, click again for the order of the panes");
            });
        }
        let close = Rect::from_center_size(line.right_center() - vec2(13.0, 0.0), vec2(26.0, 22.0));
        ui.scope_builder(egui::UiBuilder::new().max_rect(close), |ui| {
            if icon_button(ui, theme, icons::CLOSE, "Close the comparison").clicked() {
                self.open = false;
            }
        });
    }
}

/// Shows what the rows below have in common, and the scale of each column.
fn group_ui(ui: &mut Ui, theme: &Theme, group: &RowGroup, rows: &[BarRow], asked: bool) {
    let (line, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let places = Places::of(line.width());
    let count = group.rows.len();
    let (icon, word) = match group.kind {
        RowGroupKind::Warm => (connection_icon(ConnectionKind::Warm), "Warm"),
        RowGroupKind::Cold => (connection_icon(ConnectionKind::Cold), "Cold"),
        RowGroupKind::NotCompared => (icons::MORE, "Not compared"),
    };
    let mut text = format!("{icon} {word} · n = {count}");
    if asked && let Some(at) = group.rows.first() {
        text = format!("{text} · “{}”", rows[*at].asked);
    }
    let font = FontId::proportional(size::TINY);
    let painter = ui.painter();
    painter.hline(line.x_range(), line.top(), theme.hairline());
    let room = if group.kind == RowGroupKind::NotCompared {
        line.width()
    } else {
        places.names
    };
    let clip = Rect::from_min_size(line.min, vec2(room - 8.0, line.height()));
    (painter.with_clip_rect(clip.intersect(ui.clip_rect()))).text(
        line.left_center(),
        Align2::LEFT_CENTER,
        &text,
        font.clone(),
        theme.text_dim,
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    if group.kind == RowGroupKind::NotCompared {
        return;
    }
    for (index, column) in BarColumn::ALL.into_iter().enumerate() {
        let most = group.most[index];
        if most > 0.0 {
            let at = places.column(line, index).left_center();
            let most = if column == BarColumn::Speed {
                most.round()
            } else {
                most
            };
            let scale = format!("0 to {}", figure_text(most, column.unit()));
            painter.text(at, Align2::LEFT_CENTER, scale, font.clone(), theme.text_dim);
        }
    }
    response.on_hover_text(
        "Answers over the same kind of connection share a scale: don’t compare bars of different groups",
    );
}

fn row_ui(ui: &mut Ui, theme: &Theme, row: &BarRow, group: &RowGroup) {
    let (line, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let places = Places::of(line.width());
    let color = theme.series_color(row.look.color);
    let painter = ui.painter();
    let name = format!("{} {}", row.place + 1, row.name);
    let mut job = egui::text::LayoutJob::simple_singleline(
        name.clone(),
        FontId::proportional(size::SMALL),
        theme.text,
    );
    job.wrap = egui::text::TextWrapping::truncate_at_width(places.names - 22.0);
    let galley = painter.layout_job(job);
    let dot = pos2(line.left() + 4.0, line.center().y);
    painter.add(row.look.marker(dot, color));
    let at = pos2(line.left() + 13.0, line.center().y - galley.size().y / 2.0);
    painter.galley(at, galley, theme.text);
    let mut told = vec![name];
    for (index, column) in BarColumn::ALL.into_iter().enumerate() {
        let rect = places.column(line, index);
        if let Some(text) = bar_ui(ui, theme, row, column, group, rect, color) {
            told.push(text);
        }
    }
    if group.kind == RowGroupKind::NotCompared {
        let outcome = Outcome::of(row.sheet.state, row.fault);
        let word = outcome.word.replace('_', " ");
        if row.sheet.is_blank() {
            let at = places.column(line, 0).left_center();
            let text = format!("{} {word}", outcome.icon);
            let font = FontId::proportional(size::SMALL);
            painter.text(at, Align2::LEFT_CENTER, text, font, outcome.color(theme));
        }
        told.push(word);
    }
    let told = told.join(", ");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &told));
    response.on_hover_ui(|ui| {
        ui.label(strong(local_gateway::shown(&row.sheet.target)));
        for column in BarColumn::ALL {
            let word = match row.comparison.verdict(column.key()) {
                Some(Verdict::Best(run)) if *run == row.sheet.run => "the best".to_owned(),
                Some(Verdict::None(why)) => format!("no best: {why}"),
                _ => continue,
            };
            ui.label(format!("{}: {word}", column.label()));
        }
    });
}

/// Draws a bar and its number; returns its text for a screen reader. An estimate is hollow; a row that is not compared
/// has a number only.
fn bar_ui(
    ui: &Ui,
    theme: &Theme,
    row: &BarRow,
    column: BarColumn,
    group: &RowGroup,
    rect: Rect,
    color: Color32,
) -> Option<String> {
    let (value, about) = column.value(&row.sheet)?;
    let best = row.comparison.is_best(column.key(), row.sheet.run);
    let most = group.most[column as usize].max(f64::EPSILON);
    #[expect(clippy::cast_possible_truncation, reason = "a share")]
    let share = (value / most).clamp(0.0, 1.0) as f32;
    let room = (rect.width() - NUMBER - 12.0).max(0.0);
    let painter = ui.painter();
    let mut end = rect.left();
    if group.kind != RowGroupKind::NotCompared && room > 8.0 {
        let size = vec2((room * share).max(1.0), 8.0);
        let bar = Rect::from_min_size(pos2(rect.left(), rect.center().y - 4.0), size);
        end = bar.right() + 6.0;
        let round = CornerRadius::same(2);
        if about {
            painter.rect_stroke(bar, round, Stroke::new(1.0, color), StrokeKind::Inside);
        } else {
            painter.rect_filled(bar, round, color);
        }
    }
    let value = if about { value.round() } else { value };
    let mut text = figure_text(value, column.unit());
    if about {
        text = format!("≈ {text}");
    }
    let shown = if best {
        format!("{text} {}", icons::BEST)
    } else {
        text.clone()
    };
    let ink = match (best, about) {
        (true, _) => theme.good,
        (_, true) => theme.text_dim,
        _ => theme.text,
    };
    let at = pos2(end, rect.center().y);
    painter.text(
        at,
        Align2::LEFT_CENTER,
        shown,
        FontId::proportional(size::SMALL),
        ink,
    );
    let best = if best { " (best)" } else { "" };
    Some(format!("{} {text}{best}", column.label()))
}
