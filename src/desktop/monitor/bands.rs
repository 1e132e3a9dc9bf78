//! The chart of bands: each target's median TTFT over time, and how far P90, P95 and P99 lie above it.

use egui::{Color32, Pos2, Response, Ui};
use egui_plot::{
    FilledArea, Line, PlotBounds, PlotPoint, PlotPoints, PlotTransform, PlotUi, Points,
};

use super::{
    axes::{Scale, show_plot},
    tooltip::{stretch_ui, tooltip, track_ui},
    track::Track,
    zoom::{TimeMove, TimeView, zoom_by_wheel},
};
use crate::{
    desktop::{
        theme::Theme,
        widgets::{count, ms_text},
    },
    history::{Distribution, Quantiles, TimeBucket},
};

/// A percentile of a bucket.
type Of = fn(&Quantiles) -> Option<f64>;

const P50: Of = |ttft| ttft.p50;
const P90: Of = |ttft| ttft.p90;
const P95: Of = |ttft| ttft.p95;
const P99: Of = |ttft| ttft.p99;

/// The bands from the lowest up: between which percentiles, and how strong.
const BANDS: [(Of, Of, f32); 3] = [(P50, P90, 0.30), (P90, P95, 0.18), (P95, P99, 0.10)];

/// Width of the line of medians, in points.
const LINE: f32 = 1.7;
/// How close the pointer must be to a median to read its bucket, in points.
const REACH: f32 = 24.0;

/// What the chart shows.
#[derive(Clone, Copy, Debug)]
pub struct BandsFrame<'a> {
    /// The targets that are shown, each with its buckets.
    pub rows: &'a [(&'a Track, &'a Distribution)],
    /// The stretch of time.
    pub view: TimeView,
    /// The scale at the left.
    pub scale: Scale,
}

impl BandsFrame<'_> {
    /// The stretch, and every percentile in it.
    fn bounds(self) -> PlotBounds {
        let buckets = self.rows.iter().flat_map(|(_, row)| &row.buckets);
        let known = buckets.flat_map(|b| [b.ttft.p50, b.ttft.p90, b.ttft.p95, b.ttft.p99]);
        let known: Vec<f64> = known.flatten().collect();
        let low = known.iter().copied().reduce(f64::min).unwrap_or(100.0);
        let high = known.iter().copied().reduce(f64::max).unwrap_or(1_000.0);
        self.view.bounds(self.scale.bounds(low, high))
    }
}

/// Draws the chart in all the space that is left.
pub fn show(ui: &mut Ui, theme: &Theme, frame: BandsFrame<'_>) -> TimeMove {
    let BandsFrame { view, scale, .. } = frame;
    let plot = scale.left_of(view.plot("bands", theme));
    let name = "Bands of time to first token over time";
    let answer = show_plot(ui, theme, plot, name, |plot| {
        plot.set_plot_bounds(frame.bounds());
        for (track, row) in frame.rows {
            draw_bands(plot, theme.series_color(track.look.color), frame, row);
        }
        for (track, row) in frame.rows {
            draw_medians(
                plot,
                theme.series_color(track.look.color),
                frame,
                track,
                row,
            );
        }
        zoom_by_wheel(plot)
    });
    let response = answer.response;
    if let Some((track, bucket, at)) = under_pointer(frame, &answer.transform, &response) {
        hover_ui(ui, theme, &response, (track, bucket), at);
    }
    view.moved(ui, &response, &answer.transform, answer.inner)
}

/// Buckets that follow each other and have a value.
fn parts<'a>(
    buckets: &'a [TimeBucket],
    is_known: impl Fn(&TimeBucket) -> bool + Copy + 'a,
) -> impl Iterator<Item = &'a [TimeBucket]> {
    let follows = move |a: &TimeBucket, b: &TimeBucket| {
        a.to_unix_ns == b.from_unix_ns && is_known(a) && is_known(b)
    };
    let parts = buckets.chunk_by(follows);
    parts.filter(move |part| part.iter().all(is_known))
}

/// Both ends of each bucket with its value: a line of steps.
fn steps(part: &[TimeBucket], frame: BandsFrame<'_>, of: Of) -> Vec<[f64; 2]> {
    let ends = part.iter().filter_map(|bucket| {
        let y = frame.scale.y(of(&bucket.ttft)?);
        Some([bucket.from_unix_ns, bucket.to_unix_ns].map(|at| [frame.view.axis.x(at), y]))
    });
    ends.flatten().collect()
}

/// The same at the middle of each bucket.
fn middles(part: &[TimeBucket], frame: BandsFrame<'_>, of: Of) -> Vec<[f64; 2]> {
    let points = part.iter().filter_map(|bucket| {
        let middle = bucket.from_unix_ns.midpoint(bucket.to_unix_ns);
        Some([frame.view.axis.x(middle), frame.scale.y(of(&bucket.ttft)?)])
    });
    points.collect()
}

fn draw_bands(plot: &mut PlotUi<'_>, color: Color32, frame: BandsFrame<'_>, row: &Distribution) {
    for (low, high, strength) in BANDS {
        let is_known = |b: &TimeBucket| low(&b.ttft).is_some() && high(&b.ttft).is_some();
        for part in parts(&row.buckets, is_known) {
            let (below, above) = (steps(part, frame, low), steps(part, frame, high));
            let xs: Vec<f64> = below.iter().map(|[x, _]| *x).collect();
            let ys = |ends: &[[f64; 2]]| -> Vec<f64> { ends.iter().map(|[_, y]| *y).collect() };
            let area = FilledArea::new("", &xs, &ys(&below), &ys(&above))
                .fill_color(color.gamma_multiply(strength))
                .allow_hover(false);
            plot.add(area);
        }
    }
}

fn draw_medians(
    plot: &mut PlotUi<'_>,
    color: Color32,
    frame: BandsFrame<'_>,
    track: &Track,
    row: &Distribution,
) {
    for part in parts(&row.buckets, |b: &TimeBucket| b.ttft.p50.is_some()) {
        // Not in steps: where a line turns at a right angle, it is drawn as a thick wedge.
        let middles = middles(part, frame, P50);
        if let [only] = middles.as_slice() {
            let point = Points::new("", vec![*only]).color(color).radius(LINE);
            plot.points(point.allow_hover(false));
            continue;
        }
        let line = Line::new("", PlotPoints::from(middles))
            .color(color)
            .width(LINE)
            .style(track.look.dash)
            .allow_hover(false);
        plot.line(line);
    }
}

/// The bucket at the pointer's time whose median is closest to it.
fn under_pointer<'a>(
    frame: BandsFrame<'a>,
    transform: &PlotTransform,
    response: &Response,
) -> Option<(&'a Track, &'a TimeBucket, Pos2)> {
    let pointer = response.hover_pos()?;
    let at = frame.view.axis.unix_ns_at(transform, pointer);
    let found = frame.rows.iter().filter_map(|(track, row)| {
        let mut buckets = row.buckets.iter();
        let bucket = buckets.find(|b| (b.from_unix_ns..b.to_unix_ns).contains(&at))?;
        let y = frame.scale.y(bucket.ttft.p50?);
        let middle = bucket.from_unix_ns.midpoint(bucket.to_unix_ns);
        let point = PlotPoint::new(frame.view.axis.x(middle), y);
        Some((*track, bucket, transform.position_from_point(&point)))
    });
    let distance = |at: &Pos2| (at.y - pointer.y).abs();
    found
        .filter(|(.., at)| distance(at) <= REACH)
        .min_by(|(.., a), (.., b)| distance(a).total_cmp(&distance(b)))
}

fn hover_ui(
    ui: &Ui,
    theme: &Theme,
    response: &Response,
    (track, bucket): (&Track, &TimeBucket),
    at: Pos2,
) {
    let color = theme.series_color(track.look.color);
    ui.painter_at(response.rect).circle_filled(at, 3.0, color);
    tooltip(ui, response, at, |ui| {
        track_ui(ui, theme, track);
        ui.label(quantiles_text(&bucket.ttft));
        stretch_ui(ui, theme, bucket.from_unix_ns, bucket.to_unix_ns);
    });
}

/// What is known of some runs: `P50 412 ms, P90 690 ms, n 12`.
fn quantiles_text(ttft: &Quantiles) -> String {
    let all = [("P50", P50), ("P90", P90), ("P95", P95), ("P99", P99)];
    let known = all.iter().filter_map(|(name, of)| Some((name, of(ttft)?)));
    let mut parts: Vec<String> = known
        .map(|(name, ms)| format!("{name} {}", ms_text(ms)))
        .collect();
    parts.push(format!("n {}", count(ttft.runs as u64)));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(from: i64, ms: &[f64]) -> TimeBucket {
        TimeBucket {
            from_unix_ns: from,
            to_unix_ns: from + 10,
            ttft: Quantiles::of(ms),
            outcomes: crate::history::Outcomes::default(),
        }
    }

    #[test]
    fn a_band_breaks_where_its_percentiles_are_not_known() {
        let (few, many) = ([100.0; 9], [100.0; 10]);
        let buckets = [
            bucket(0, &many),
            bucket(10, &many),
            bucket(20, &few),
            bucket(30, &[]),
            bucket(40, &many),
            // A bucket without any run is not there.
            bucket(60, &many),
        ];
        let lengths = |of: Of| -> Vec<usize> {
            let parts = parts(&buckets, |b: &TimeBucket| of(&b.ttft).is_some());
            parts.map(<[TimeBucket]>::len).collect()
        };
        assert_eq!(lengths(P50), [3, 1, 1]);
        assert_eq!(lengths(P90), [2, 1, 1]);
        assert_eq!(lengths(P95), [0_usize; 0]);
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let text = |runs: usize| quantiles_text(&Quantiles::of(&vec![250.0; runs]));
        assert_eq!(text(0), "n 0");
        assert_eq!(text(9), "P50 250 ms, n 9");
        assert_eq!(text(20), "P50 250 ms, P90 250 ms, P95 250 ms, n 20");
    }
}
