//! The waterfall: a run's phases as bars, each read as a tick, the gaps between them; one or two runs on one time axis.
//!
//! In: runs with their facts. Out: shapes, as many as the axis has points. It zooms by wheel, pinch and keys, down to a
//! single read.

mod draw;
mod lane;
mod lanes;
mod marks;
mod pointed;
mod said;
mod ticks;

use egui::{Id, Key, Modifiers, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};

use super::{
    columns::{GapColumn, ReadColumn, columns, gap_columns, nearest},
    facts::RunFacts,
    time_axis::{TimeRange, ns},
};
use crate::{
    capture::DecodedCapture,
    desktop::{theme::Theme, widgets::keys_are_free},
    run::{Read, Run, RunId},
};

/// Height of the time axis.
const AXIS: f32 = 22.0;
/// By how much a key zooms, and which share of the axis it moves.
const KEY_ZOOM: f64 = 1.6;
const KEY_MOVE: f64 = 0.25;
/// How far from a read the pointer may be, in points.
const REACH: f32 = 8.0;

/// A run on the waterfall.
#[derive(Clone, Copy, Debug)]
pub struct ShownRun<'a> {
    /// The run.
    pub run: &'a Run,
    /// What was derived from it.
    pub facts: &'a RunFacts,
    /// Its name, shown if there are two.
    pub title: &'a str,
    /// What went over its wire, if that is known.
    pub wire: Option<&'a DecodedCapture>,
}

/// A read of one of the runs on the waterfall: the run's place, and the read's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadPlace {
    /// Which of the runs.
    pub run: usize,
    /// Which of its reads.
    pub read: usize,
}

/// What the user can do with the axis; by keys, and by buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisStep {
    /// Shows less, larger.
    ZoomIn,
    /// Shows more, smaller.
    ZoomOut,
    /// Shows all.
    Whole,
    /// Shows what came before.
    Earlier,
    /// Shows what came after.
    Later,
    /// Goes to the read before.
    PreviousRead,
    /// Goes to the next read.
    NextRead,
}

/// The state of a waterfall between frames.
#[derive(Debug, Default)]
pub struct Waterfall {
    /// What is shown; `None` shows all, also while a run grows.
    range: Option<TimeRange>,
    /// The runs that were shown last, and the read that was chosen in one of them.
    of: Vec<RunId>,
    cursor: Option<ReadPlace>,
    drawn: [Drawn; 2],
    is_pointed: bool,
    /// How often columns were made.
    #[cfg(test)]
    made: usize,
}

/// The columns of one run, kept until the run or the axis changes.
#[derive(Debug, Default)]
struct Drawn {
    of: Option<(RunId, usize, Option<Read>, usize, TimeRange, f32)>,
    reads: Vec<ReadColumn>,
    gaps: Vec<GapColumn>,
}

/// The highest columns of all runs that are shown: they share a scale, so that their ticks compare.
#[derive(Clone, Copy, Debug, Default)]
struct Most {
    tokens: u64,
    bytes: u64,
}

impl Most {
    fn of(drawn: &[Drawn]) -> Self {
        let columns = || drawn.iter().flat_map(|drawn| &drawn.reads);
        Self {
            tokens: columns().map(|column| column.tokens).max().unwrap_or(0),
            bytes: columns().map(|column| column.bytes).max().unwrap_or(0),
        }
    }
}

/// Where times are on screen.
#[derive(Clone, Copy, Debug)]
struct Plot {
    rect: Rect,
    range: TimeRange,
}

impl Plot {
    fn x(&self, at: f64) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "a place on screen")]
        let share = ((at - self.range.begin) / self.range.length()) as f32;
        // Far outside, a place is as good as any other; egui wants no huge ones.
        self.rect.left() + self.rect.width() * share.clamp(-4.0, 5.0)
    }

    fn at(&self, x: f32) -> f64 {
        let share = f64::from((x - self.rect.left()) / self.rect.width());
        self.range.begin + share * self.range.length()
    }

    /// How long a distance in points is, in nanoseconds.
    fn reach(&self, points: f32) -> f64 {
        f64::from(points / self.rect.width()) * self.range.length()
    }
}

impl Waterfall {
    /// Shows the runs, one below the other, in the width that is left.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, shown: &[ShownRun<'_>]) {
        let whole = whole(shown);
        self.follow(shown);
        let names = (ui.available_width() * 0.2).clamp(164.0, 190.0);
        let range = self.range.unwrap_or(whole);
        let width = (ui.available_width() - names - 14.0).max(40.0);
        let labels: Vec<_> = (shown.iter())
            .map(|shown| marks::labels(ui, theme, shown, range, width))
            .collect();
        let (rows, height) = lanes::rows(shown, &labels);
        let size = vec2(ui.available_width(), AXIS + height);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let plot = Rect::from_min_size(rect.min + vec2(names, 0.0), vec2(width, rect.height()));
        let response = ui.interact(plot, Id::unique("waterfall"), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Waterfall"));
        self.is_pointed = response.hovered();
        self.navigate(ui, &response, Plot { rect: plot, range }, whole);
        let plot = Plot {
            rect: plot,
            range: self.range.unwrap_or(whole),
        };
        for (place, shown) in shown.iter().enumerate() {
            self.make_columns(place, shown, plot);
        }
        draw::axis_ui(ui, theme, plot);
        let rows: Vec<_> = (rows.iter())
            .map(|row| row.moved(rect.top() + AXIS))
            .collect();
        let most = Most::of(&self.drawn[..shown.len().min(2)]);
        for row in &rows {
            draw::row_ui(
                ui,
                theme,
                rect.left(),
                plot,
                row,
                shown,
                (&self.drawn, most),
            );
        }
        for (place, labels) in labels.iter().enumerate() {
            let of_run = rows.iter().filter(|row| row.run == place);
            marks::show(ui, plot, &of_run.copied().collect::<Vec<_>>(), labels);
        }
        let pointed = pointed::read(plot, &response, &rows, shown);
        if response.clicked() {
            self.cursor = pointed;
        }
        draw::cursor_ui(ui, theme, plot, &rows, shown, self.cursor);
        pointed::tooltip_ui(ui, theme, plot, &response, &rows, shown, pointed);
    }

    /// Whether the pointer was on it in the last frame.
    #[must_use]
    pub fn is_pointed(&self) -> bool {
        self.is_pointed
    }

    /// Drops the cursor where its read is gone or the runs are others, and a range that is out of the axis.
    pub fn follow(&mut self, shown: &[ShownRun<'_>]) {
        let ids = shown.iter().map(|shown| shown.run.head.id);
        if !ids.clone().eq(self.of.iter().copied()) {
            self.of = ids.collect();
            self.cursor = None;
        }
        let is_there = |cursor: &ReadPlace| {
            let run = shown.get(cursor.run);
            run.is_some_and(|shown| cursor.read < shown.run.reads.len())
        };
        self.cursor = self.cursor.filter(is_there);
        let whole = whole(shown);
        self.range = self.range.map(|range| range.moved(0.0, whole));
        self.range = self.range.filter(|range| range.length() < whole.length());
    }

    /// Wheel, pinch, drag and double click.
    fn navigate(&mut self, ui: &Ui, response: &Response, plot: Plot, whole: TimeRange) {
        let range = plot.range;
        let mut next = range;
        if let Some(pointer) = response.hover_pos() {
            let (wheel, pinch) = ui.input(|i| (i.smooth_scroll_delta(), i.zoom_delta()));
            let factor = (f64::from(-wheel.y) / 240.0).exp() / f64::from(pinch);
            next = next.zoomed(factor, plot.at(pointer.x), whole);
            next = next.moved(f64::from(-wheel.x / plot.rect.width()), whole);
        }
        if response.dragged() {
            let by = -response.drag_delta().x / plot.rect.width();
            next = next.moved(f64::from(by), whole);
        }
        if response.double_clicked() {
            self.range = None;
        } else if next != range {
            self.range = Some(next);
        }
    }

    /// What the keys ask for.
    pub fn keys(ui: &Ui) -> Vec<AxisStep> {
        if !keys_are_free(ui) {
            return Vec::new();
        }
        let keys = [
            (Modifiers::SHIFT, Key::ArrowLeft, AxisStep::Earlier),
            (Modifiers::SHIFT, Key::ArrowRight, AxisStep::Later),
            (Modifiers::NONE, Key::ArrowLeft, AxisStep::PreviousRead),
            (Modifiers::NONE, Key::ArrowRight, AxisStep::NextRead),
            (Modifiers::NONE, Key::Plus, AxisStep::ZoomIn),
            (Modifiers::NONE, Key::Equals, AxisStep::ZoomIn),
            (Modifiers::NONE, Key::Minus, AxisStep::ZoomOut),
            (Modifiers::NONE, Key::Num0, AxisStep::Whole),
        ];
        ui.input_mut(|input| {
            let pressed = keys.into_iter();
            let pressed = pressed.filter(|(modifiers, key, _)| input.consume_key(*modifiers, *key));
            pressed.map(|(.., step)| step).collect()
        })
    }

    /// Does what a key or a button asks for.
    pub fn step(&mut self, step: AxisStep, shown: &[ShownRun<'_>]) {
        let whole = whole(shown);
        let range = self.range.unwrap_or(whole);
        let middle = range.begin.midpoint(range.end);
        let fixed = self.cursor_at(shown).filter(|at| range.holds(*at));
        let fixed = fixed.map_or(middle, ns);
        self.range = match step {
            AxisStep::ZoomIn => Some(range.zoomed(1.0 / KEY_ZOOM, fixed, whole)),
            AxisStep::ZoomOut => Some(range.zoomed(KEY_ZOOM, fixed, whole)),
            AxisStep::Whole => None,
            AxisStep::Earlier => Some(range.moved(-KEY_MOVE, whole)),
            AxisStep::Later => Some(range.moved(KEY_MOVE, whole)),
            AxisStep::PreviousRead | AxisStep::NextRead => {
                self.go_to_read(step == AxisStep::NextRead, shown, range);
                let hidden = self.cursor_at(shown).filter(|at| !range.holds(*at));
                hidden.map_or(self.range, |at| Some(range.around(at, whole)))
            }
        };
        self.follow(shown);
    }

    /// Moves the cursor by one read; the first step goes to the first read that is shown.
    fn go_to_read(&mut self, next: bool, shown: &[ShownRun<'_>], range: TimeRange) {
        let run = self.cursor.map_or(0, |cursor| cursor.run);
        let Some(reads) = shown.get(run).map(|shown| &shown.run.reads) else {
            return;
        };
        let last = reads.len().saturating_sub(1);
        let read = match self.cursor {
            None => reads.partition_point(|read| ns(read.at) < range.begin),
            Some(cursor) if next => cursor.read + 1,
            Some(cursor) => cursor.read.saturating_sub(1),
        };
        let read = read.min(last);
        self.cursor = (!reads.is_empty()).then_some(ReadPlace { run, read });
    }

    fn cursor_at(&self, shown: &[ShownRun<'_>]) -> Option<u64> {
        let cursor = self.cursor?;
        Some(shown.get(cursor.run)?.run.reads.get(cursor.read)?.at)
    }

    /// The chosen read, in words.
    #[must_use]
    pub fn cursor_text(&self, shown: &[ShownRun<'_>]) -> Option<String> {
        let cursor = self.cursor?;
        let run = shown.get(cursor.run)?.run;
        Some(pointed::read_lines(run, cursor.read)?.join(" · "))
    }

    fn make_columns(&mut self, place: usize, shown: &ShownRun<'_>, plot: Plot) {
        let Some(drawn) = self.drawn.get_mut(place) else {
            return;
        };
        let (run, gaps) = (shown.run, &shown.facts.gaps);
        let (range, width) = (plot.range, plot.rect.width());
        let last = run.reads.last().copied();
        let of = Some((run.head.id, run.reads.len(), last, gaps.len(), range, width));
        if drawn.of != of {
            drawn.of = of;
            drawn.reads = columns(&run.reads, range, width);
            drawn.gaps = gap_columns(gaps, range, width);
            #[cfg(test)]
            {
                self.made += 1;
            }
        }
    }
}

/// All of the axis: until the last thing that happened in any of the runs.
fn whole(shown: &[ShownRun<'_>]) -> TimeRange {
    TimeRange::whole(shown.iter().map(|shown| end(shown.run)).max().unwrap_or(0))
}

/// The last thing that is known of a run.
fn end(run: &Run) -> u64 {
    let stamps = &run.stamps;
    let spans = [stamps.dns, stamps.tcp, stamps.tls];
    let spans = spans.into_iter().map(|span| span.map(|span| span.end));
    let points = [
        stamps.request_sent,
        stamps.headers,
        stamps.last_token,
        stamps.closed,
        run.reads.last().map(|read| read.at),
    ];
    spans.chain(points).flatten().max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
