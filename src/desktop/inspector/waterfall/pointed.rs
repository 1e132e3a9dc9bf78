//! What is under the pointer on a waterfall.

use egui::{Label, Rect, Response, Tooltip, Ui, pos2, vec2};

use super::{
    Plot, REACH, ReadPlace, ShownRun,
    lane::{LaneRow, WaterfallLane},
    nearest, said,
    ticks::TOKENS,
};
use crate::{
    desktop::{
        inspector::{phases::Segment, time_axis::ns},
        theme::{Theme, caption, strong},
        widgets::{count, counted, exact_ms, ms_text},
    },
    run::{OffsetNs, Run, Stamps, ms},
};

fn row_at<'a>(rows: &'a [LaneRow], response: &Response) -> Option<&'a LaneRow> {
    let pointer = response.hover_pos()?;
    rows.iter().find(|row| row.y.contains(pointer.y))
}

/// The read under the pointer, if that is on a strip of reads.
pub fn read(
    plot: Plot,
    response: &Response,
    rows: &[LaneRow],
    shown: &[ShownRun<'_>],
) -> Option<ReadPlace> {
    let pointer = response.hover_pos().or(response.interact_pointer_pos())?;
    let row = rows.iter().find(|row| row.y.contains(pointer.y))?;
    if !matches!(
        row.lane,
        WaterfallLane::Stream | WaterfallLane::Delay | WaterfallLane::Gaps
    ) {
        return None;
    }
    let reads = &shown.get(row.run)?.run.reads;
    let read = nearest(reads, plot.at(pointer.x), plot.reach(REACH))?;
    Some(ReadPlace { run: row.run, read })
}

/// A time to the microsecond, in milliseconds.
fn exact(at: OffsetNs) -> String {
    format!("{} ms", exact_ms(at))
}

/// A read in words: which, when, what it brought, how late it was read.
pub fn read_lines(run: &Run, index: usize) -> Option<Vec<String>> {
    let read = run.reads.get(index)?;
    let all = count(run.reads.len() as u64);
    let which = format!("Read {} of {all}", count(index as u64 + 1));
    let before = index
        .checked_sub(1)
        .and_then(|before| run.reads.get(before));
    let after = match before {
        Some(before) => {
            let gap = exact(read.at.saturating_sub(before.at));
            format!("at {}, {gap} after the read before", exact(read.at))
        }
        None => format!("at {}", exact(read.at)),
    };
    let brought = [
        counted(read.bytes.into(), "byte"),
        counted(read.events.into(), "event"),
        counted(read.tokens.into(), "token"),
    ];
    let mut lines = vec![which, after, brought.join(", ")];
    if let Some(delay) = read.delay {
        let most = if read.is_at_most { "at most " } else { "" };
        lines.push(format!("our delay {most}{}", exact(delay.into())));
    }
    Some(lines)
}

/// Tells what is under the pointer.
pub fn tooltip_ui(
    ui: &Ui,
    theme: &Theme,
    plot: Plot,
    response: &Response,
    rows: &[LaneRow],
    shown: &[ShownRun<'_>],
    read: Option<ReadPlace>,
) {
    let Some(row) = row_at(rows, response).filter(|_| !response.dragged()) else {
        return;
    };
    let Some(run) = shown.get(row.run).map(|shown| shown.run) else {
        return;
    };
    let pointer = response.hover_pos().unwrap_or_default();
    let (x, lines) = match (row.lane, read) {
        (_, Some(place)) => {
            let at = run.reads.get(place.read).map_or(0, |read| read.at);
            let wire = shown.get(row.run).and_then(|shown| shown.wire);
            let said = said::lines(run, place.read, wire);
            let lines = read_lines(run, place.read);
            let lines = lines.map(|lines| lines.into_iter().chain(said).collect());
            (plot.x(ns(at)), lines)
        }
        (WaterfallLane::Phase(segment), None) => {
            let stamps = &run.stamps;
            (pointer.x, phase_lines(plot, &segment, stamps, pointer.x))
        }
        _ => (pointer.x, None),
    };
    let Some(lines) = lines else { return };
    if read.is_some() {
        let line = draw_line(theme);
        ui.painter().vline(x, row.y, line);
    }
    let place = Rect::from_center_size(pos2(x, row.y.center()), vec2(14.0, row.y.span()));
    let ctx = ui.ctx().clone();
    Tooltip::always_open(ctx, ui.layer_id(), response.id, place).show(|ui| {
        let mut lines = lines.into_iter();
        if let Some(first) = lines.next() {
            ui.label(strong(first));
        }
        for line in lines {
            ui.add(Label::new(caption(theme, line)).wrap());
        }
    });
}

fn draw_line(theme: &Theme) -> egui::Stroke {
    egui::Stroke::new(1.0, theme.series_color(TOKENS))
}

/// A phase in words, if the pointer is on its bar.
fn phase_lines(plot: Plot, segment: &Segment, stamps: &Stamps, x: f32) -> Option<Vec<String>> {
    let begin = plot.x(ns(segment.begin)) - REACH / 2.0;
    let end = plot.x(ns(segment.end)) + REACH / 2.0;
    (begin..=end).contains(&x).then(|| {
        let took = segment.end.saturating_sub(segment.begin);
        let mut lines = vec![
            format!("{} {}", segment.name, ms_text(ms(took))),
            format!("from {} to {}", exact(segment.begin), exact(segment.end)),
        ];
        lines.extend(segment.told(stamps));
        lines
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_to_the_microsecond() {
        assert_eq!(exact(623_114_900), "623.114 ms");
        assert_eq!(exact(1_623_004_000), "1\u{202f}623.004 ms");
        assert_eq!(exact(7), "0.000 ms");
    }
}
