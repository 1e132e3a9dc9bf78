//! The heat map: each target's median TTFT by hour of the day and weekday, in local time.

use egui::{Color32, Rect, Response, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use super::track::Track;
use crate::{
    desktop::{
        looks::sample_ui,
        theme::{Theme, caption, size, space, strong},
        widgets::{count, ms_text},
    },
    endpoint::local_gateway,
    history::{Distribution, HourOfWeek},
    visible::visible_line,
};

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Hours between two labels of the axis along the bottom.
const LABEL_EVERY: u8 = 6;
/// Room for the names of the weekdays and of the hours, in points.
const DAYS: f32 = 34.0;
const HOURS: f32 = 16.0;
/// Height of a cell, in points.
const CELL: f32 = 15.0;
/// Widest cell, in points.
const WIDEST: f32 = 34.0;

/// Shows a heat map for each target, one below the other.
pub fn show(ui: &mut Ui, theme: &Theme, rows: &[(&Track, &Distribution)]) {
    let text = "The stronger the colour, the slower. Each target has its own scale";
    ui.label(caption(theme, text));
    ui.add_space(space::XS);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (track, row) in rows {
            ui.horizontal(|ui| {
                sample_ui(ui, track.look, theme.series_color(track.look.color));
                let name = local_gateway::shown(&track.target);
                ui.label(strong(visible_line(&name).into_owned()));
                if let Some((low, high)) = extremes(row) {
                    let low = ms_text(low.median_ms);
                    let text = format!("{low} to {}", ms_text(high.median_ms));
                    let label = ui.label(caption(theme, text));
                    label.on_hover_text("The lowest and the highest median of an hour: the faintest and the strongest colour");
                }
            });
            map_ui(ui, theme, track, row);
            ui.add_space(space::M);
        }
    });
}

/// The hours with the lowest and with the highest median.
fn extremes(row: &Distribution) -> Option<(HourOfWeek, HourOfWeek)> {
    let by_median = |a: &&HourOfWeek, b: &&HourOfWeek| a.median_ms.total_cmp(&b.median_ms);
    let low = row.hours.iter().min_by(by_median)?;
    let high = row.hours.iter().max_by(by_median)?;
    Some((*low, *high))
}

fn map_ui(ui: &mut Ui, theme: &Theme, track: &Track, row: &Distribution) {
    let width = ((ui.available_width() - DAYS) / 24.0).clamp(8.0, WIDEST);
    let room = vec2(DAYS + width * 24.0, CELL * 7.0 + HOURS);
    let (rect, response) = ui.allocate_exact_size(room, Sense::hover());
    let name = map_name(row);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    let cell = |weekday: u8, hour: u8| {
        let x = rect.left() + DAYS + width * f32::from(hour);
        let y = rect.top() + CELL * f32::from(weekday);
        Rect::from_min_size(pos2(x, y), vec2(width, CELL)).shrink(0.5)
    };
    let painter = ui.painter_at(rect);
    let font = egui::FontId::proportional(size::TINY);
    for (day, name) in (0_u8..).zip(WEEKDAYS) {
        for hour in 0..24 {
            painter.rect_filled(cell(day, hour), 1.0, theme.raised);
        }
        let at = pos2(rect.left(), cell(day, 0).center().y);
        let short = name.get(..3).unwrap_or(name);
        painter.text(
            at,
            egui::Align2::LEFT_CENTER,
            short,
            font.clone(),
            theme.text_dim,
        );
    }
    for hour in (0..24).step_by(usize::from(LABEL_EVERY)) {
        let at = pos2(cell(0, hour).left(), rect.bottom());
        let text = format!("{hour:02}:00");
        painter.text(
            at,
            egui::Align2::LEFT_BOTTOM,
            text,
            font.clone(),
            theme.text_dim,
        );
    }
    let color = theme.series_color(track.look.color);
    let Some((low, high)) = extremes(row) else {
        return;
    };
    for hour in &row.hours {
        let at = cell(hour.weekday, hour.hour);
        let strength = strength(hour.median_ms, low.median_ms, high.median_ms);
        painter.rect_filled(at, 1.0, mixed(theme.raised, color, strength));
    }
    let under = response.hover_pos().and_then(|at| {
        let mut hours = row.hours.iter();
        hours.find(|hour| cell(hour.weekday, hour.hour).contains(at))
    });
    tell(response, under);
}

fn tell(response: Response, hour: Option<&HourOfWeek>) {
    if let Some(hour) = hour {
        response.on_hover_text_at_pointer(hour_text(hour));
    }
}

/// How strong a median's colour is, from 0.15 for the lowest to 1 for the highest.
#[expect(clippy::cast_possible_truncation, reason = "a share")]
fn strength(ms: f64, low: f64, high: f64) -> f32 {
    let share = if high > low {
        (ms - low) / (high - low)
    } else {
        0.0
    };
    0.15 + 0.85 * share as f32
}

/// A colour between two.
fn mixed(from: Color32, to: Color32, share: f32) -> Color32 {
    from.lerp_to_gamma(to, share)
}

fn hour_text(hour: &HourOfWeek) -> String {
    let weekday = WEEKDAYS.get(usize::from(hour.weekday)).unwrap_or(&"");
    format!(
        "{weekday} {:02}:00 to {:02}:00: median {}, n {}",
        hour.hour,
        hour.hour + 1,
        ms_text(hour.median_ms),
        count(hour.runs as u64)
    )
}

/// What a screen reader says of a map.
fn map_name(row: &Distribution) -> String {
    let name = format!("Heat map of {} by hour and weekday", row.target);
    match extremes(row) {
        None => format!("{name}: no runs"),
        Some((low, high)) => format!(
            "{name}. Lowest: {}. Highest: {}",
            hour_text(&low),
            hour_text(&high)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_median_is_faint_and_the_highest_is_full() {
        for (ms, low, high, expected) in [
            (100.0, 100.0, 300.0, 0.15),
            (200.0, 100.0, 300.0, 0.575),
            (300.0, 100.0, 300.0, 1.0),
            (100.0, 100.0, 100.0, 0.15),
        ] {
            assert!((strength(ms, low, high) - expected).abs() < 1e-6, "{ms}");
        }
    }

    #[test]
    fn an_hour_is_said_with_its_runs() {
        let hour = HourOfWeek {
            weekday: 6,
            hour: 23,
            runs: 1_200,
            median_ms: 412.0,
        };
        let text = "Sunday 23:00 to 24:00: median 412 ms, n 1\u{202f}200";
        assert_eq!(hour_text(&hour), text);
    }
}
