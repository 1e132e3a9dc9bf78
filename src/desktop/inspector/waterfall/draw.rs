//! Draws the strips of a waterfall.

use egui::{
    Align2, FontId, Id, Painter, Rangef, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2,
};

use super::{
    AXIS, Drawn, Most, Plot, ReadPlace, ShownRun,
    lane::{LaneRow, WaterfallLane},
    ticks::{delay_ui, gaps_ui, stream_ui},
};
use crate::{
    desktop::{
        fonts,
        inspector::{
            phases::Segment,
            time_axis::ns,
            verdict::{HOW, verdict_look},
        },
        theme::{Theme, size},
        widgets::ms_text,
    },
    run::ms,
};

/// Draws the axis: labels at the top, faint lines down through everything.
pub fn axis_ui(ui: &Ui, theme: &Theme, plot: Plot) {
    let painter = ui.painter();
    for (at, text) in plot.range.labels(plot.rect.width()) {
        let x = plot.x(at);
        let down = Rangef::new(plot.rect.top() + AXIS - 4.0, plot.rect.bottom());
        painter.vline(x, down, theme.hairline());
        let font = FontId::proportional(size::TINY);
        let galley = painter.layout_no_wrap(text, font, theme.text_dim);
        let half = galley.size().x / 2.0;
        let right = plot.rect.right() + 12.0 - galley.size().x;
        let left = (x - half).clamp(plot.rect.left() - half, right);
        painter.galley(pos2(left, plot.rect.top() + 1.0), galley, theme.text_dim);
    }
}

/// Draws one strip.
pub fn row_ui(
    ui: &Ui,
    theme: &Theme,
    left: f32,
    plot: Plot,
    row: &LaneRow,
    shown: &[ShownRun<'_>],
    (drawn, most): (&[Drawn; 2], Most),
) {
    let (Some(shown), Some(drawn)) = (shown.get(row.run), drawn.get(row.run)) else {
        return;
    };
    let names = Rect::from_x_y_ranges(left..=plot.rect.left() - 10.0, row.y);
    let strip = Rect::from_x_y_ranges(plot.rect.x_range(), row.y);
    let painter = ui.painter().with_clip_rect(strip.intersect(ui.clip_rect()));
    let run = shown.run;
    match row.lane {
        WaterfallLane::Title => title_ui(ui, theme, left, strip, shown),
        WaterfallLane::Verdict => verdict_ui(ui, theme, left, strip, shown),
        WaterfallLane::Marks => {}
        WaterfallLane::Reused => {
            let why = "The connection was open already: this run needed no DNS, TCP or TLS";
            name_ui(ui, theme, names, row, "Connection", "reused", why);
        }
        WaterfallLane::Phase(segment) => {
            let took = ms_text(ms(segment.end.saturating_sub(segment.begin)));
            name_ui(ui, theme, names, row, segment.name, &took, segment.meaning);
            bar_ui(&painter, theme, plot, strip, &segment);
        }
        WaterfallLane::Stream => {
            let took = run.stamps.first_token.zip(run.stamps.last_token);
            let took = took.map(|(first, last)| ms_text(ms(last.saturating_sub(first))));
            let why = "From the first to the last token. Each tick is a read: its height above the line shows how many \
                       tokens it brought, its depth below the line how many bytes";
            name_ui(
                ui,
                theme,
                names,
                row,
                Segment::STREAM,
                &took.unwrap_or_default(),
                why,
            );
            stream_ui(&painter, theme, plot, strip, run, &drawn.reads, most);
        }
        WaterfallLane::Delay => {
            let longest = shown.facts.longest_delay.unwrap_or(0);
            let longest = ms_text(ms(longest.into()));
            let why = "How long after the kernel this program received each read; the number is the longest delay. The \
                       times shown are the kernel’s: they don’t contain it";
            name_ui(ui, theme, names, row, "Our delay", &longest, why);
            delay_ui(&painter, theme, strip, &drawn.reads);
        }
        WaterfallLane::Gaps => {
            let (_, longest) = shown.facts.gap_range.unwrap_or_default();
            let longest = ms_text(ms(longest));
            let why = "The time from one arrival of tokens to the next, on a logarithmic scale; the number is the longest \
                       gap. Stalls are red";
            name_ui(ui, theme, names, row, "Gaps", &longest, why);
            gaps_ui(ui, &painter, theme, strip, shown, &drawn.gaps);
        }
    }
}

fn title_ui(ui: &Ui, theme: &Theme, left: f32, strip: Rect, shown: &ShownRun<'_>) {
    let font = FontId::new(size::SMALL, fonts::strong_family());
    let galley = ui
        .painter()
        .layout(shown.title.to_owned(), font, theme.text, f32::INFINITY);
    let painter = ui
        .painter()
        .with_clip_rect(Rect::from_x_y_ranges(left..=strip.right(), strip.y_range()));
    painter.galley(pos2(left, strip.top() + 8.0), galley, theme.text);
    let name = Rect::from_x_y_ranges(left..=strip.left(), strip.y_range());
    let response = ui.interact(
        name,
        Id::unique(("waterfall title", shown.run.head.id)),
        Sense::hover(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, shown.title));
}

/// Whether something buffers. The text is cut off where it does not fit.
fn verdict_ui(ui: &Ui, theme: &Theme, left: f32, strip: Rect, shown: &ShownRun<'_>) {
    let Some(burst) = &shown.facts.burst else {
        return;
    };
    let (icon, color) = verdict_look(theme, burst.verdict);
    let line = Rect::from_x_y_ranges(left..=strip.right(), strip.y_range());
    let painter = ui.painter().with_clip_rect(line.intersect(ui.clip_rect()));
    let font = FontId::proportional(size::SMALL);
    let at = pos2(left, line.center().y);
    let icon = painter.text(at, Align2::LEFT_CENTER, icon, font.clone(), color);
    let text = burst.to_string();
    let at = pos2(icon.right() + 6.0, line.center().y);
    painter.text(at, Align2::LEFT_CENTER, &text, font, theme.text);
    let id = Id::unique(("waterfall verdict", shown.run.head.id));
    let response = ui.interact(line, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    response.on_hover_text(format!("{text}. {HOW}"));
}

/// A strip's name, and its figure to the right of that.
fn name_ui(ui: &Ui, theme: &Theme, rect: Rect, row: &LaneRow, name: &str, figure: &str, why: &str) {
    let center = match row.lane {
        WaterfallLane::Stream | WaterfallLane::Gaps => rect.top() + 12.0,
        _ => rect.center().y,
    };
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let font = FontId::proportional(size::SMALL);
    let figure_at = pos2(rect.right(), center);
    let taken = painter.text(
        figure_at,
        Align2::RIGHT_CENTER,
        figure,
        font.clone(),
        theme.text,
    );
    let room = Rect::from_x_y_ranges(rect.left()..=taken.left() - 6.0, rect.y_range());
    let painter = painter.with_clip_rect(room.intersect(painter.clip_rect()));
    painter.text(
        pos2(rect.left(), center),
        Align2::LEFT_CENTER,
        name,
        font,
        theme.text_dim,
    );
    let id = Id::unique(("waterfall lane", row.run, name));
    let response = ui.interact(rect, id, Sense::hover());
    let label = format!("{name} {figure}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label.trim_end()));
    response.on_hover_text(why);
}

fn bar_ui(painter: &Painter, theme: &Theme, plot: Plot, strip: Rect, segment: &Segment) {
    let begin = plot.x(ns(segment.begin));
    let end = plot.x(ns(segment.end)).max(begin + 2.0);
    let bar = Rect::from_x_y_ranges(begin..=end, strip.top() + 4.0..=strip.bottom() - 4.0);
    painter.rect_filled(bar, 2, theme.series_color(segment.color));
}

/// Draws the chosen read: a line through its run's strips.
pub fn cursor_ui(
    ui: &Ui,
    theme: &Theme,
    plot: Plot,
    rows: &[LaneRow],
    shown: &[ShownRun<'_>],
    cursor: Option<ReadPlace>,
) {
    let Some(cursor) = cursor else { return };
    let read = shown
        .get(cursor.run)
        .and_then(|shown| shown.run.reads.get(cursor.read));
    let Some(read) = read.filter(|read| plot.range.holds(read.at)) else {
        return;
    };
    let stream = rows.iter().filter(|row| row.run == cursor.run);
    let stream = stream.filter(|row| {
        matches!(
            row.lane,
            WaterfallLane::Stream | WaterfallLane::Delay | WaterfallLane::Gaps
        )
    });
    let (top, bottom) = stream.fold((f32::INFINITY, f32::NEG_INFINITY), |(top, bottom), row| {
        (top.min(row.y.min), bottom.max(row.y.max))
    });
    let x = plot.x(ns(read.at));
    let painter = ui.painter();
    painter.vline(x, Rangef::new(top, bottom), Stroke::new(1.0, theme.text));
    let head = [pos2(x - 4.0, top), pos2(x + 4.0, top), pos2(x, top + 5.0)];
    painter.add(Shape::convex_polygon(
        head.to_vec(),
        theme.text,
        Stroke::NONE,
    ));
}
