//! A target's trend in the table: the medians over time as a line as high as the row.
//!
//! The line is drawn from the 5th to the 95th percentile of the target's own medians, with room above and below: so a
//! single outlier does not make all the rest flat, and steps of a few percent can be seen.

use egui::{Color32, Pos2, Rect, Sense, Stroke, Ui, pos2, vec2};

use crate::{
    desktop::{theme::space, widgets::ms_text},
    history::{Distribution, TimeBucket},
    measure::percentile::percentile,
};

/// The least range of a line, as a share of its median: what varies less looks flat, as it is.
const LEAST_RANGE: f64 = 0.1;

/// Room above and below the range, as a share of it.
const ROOM: f64 = 0.25;

/// What is drawn at the bottom and the top of a row, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct TrendScale {
    /// The 5th and the 95th percentile of the medians.
    range: (f64, f64),
    bottom: f64,
    top: f64,
}

impl TrendScale {
    /// That of a target; `None` without a median.
    fn of(row: &Distribution) -> Option<Self> {
        let medians: Vec<f64> = (row.buckets.iter())
            .filter_map(|bucket| bucket.ttft.p50)
            .collect();
        // Of a few values the lowest and the highest are meant.
        let of = |p: f64, end: fn(f64, f64) -> f64| {
            let estimate = percentile(medians.iter().copied(), p).value;
            estimate.or_else(|| medians.iter().copied().reduce(end))
        };
        let (low, high) = (of(0.05, f64::min)?, of(0.95, f64::max)?);
        let middle = percentile(medians.iter().copied(), 0.5).value?;
        let least = (middle * LEAST_RANGE).max(f64::MIN_POSITIVE);
        let widen = ((least - (high - low)) / 2.0).max(0.0);
        let room = (high - low).max(least) * ROOM;
        Some(Self {
            range: (low, high),
            bottom: low - widen - room,
            top: high + widen + room,
        })
    }

    /// Where a value stands between bottom (0) and top (1); outliers stand at an edge.
    fn share(&self, ms: f64) -> f64 {
        ((ms - self.bottom) / (self.top - self.bottom)).clamp(0.0, 1.0)
    }
}

/// The line's parts: it breaks where a bucket has no median.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "places on screen"
)]
fn parts(
    row: &Distribution,
    scale: TrendScale,
    (from, to): (i64, i64),
    rect: Rect,
) -> Vec<Vec<Pos2>> {
    let length = to.saturating_sub(from).max(1) as f64;
    let place = |bucket: &TimeBucket| {
        let middle = bucket.from_unix_ns.midpoint(bucket.to_unix_ns);
        let x = middle.saturating_sub(from) as f64 / length;
        let y = scale.share(bucket.ttft.p50?);
        Some(pos2(
            rect.left() + rect.width() * x as f32,
            rect.bottom() - rect.height() * y as f32,
        ))
    };
    let follows = |a: &TimeBucket, b: &TimeBucket| {
        a.to_unix_ns == b.from_unix_ns && a.ttft.p50.is_some() && b.ttft.p50.is_some()
    };
    let parts = row.buckets.chunk_by(follows);
    let parts = parts.map(|part| part.iter().filter_map(place).collect());
    parts.filter(|part: &Vec<Pos2>| !part.is_empty()).collect()
}

/// Paints the line in the room that is left of a cell. `edges` are the first and the last time of any target.
pub fn trend_ui(ui: &mut Ui, row: &Distribution, edges: (i64, i64), color: Color32) {
    let room = vec2(ui.available_width(), space::ROW - 8.0);
    let (rect, response) = ui.allocate_exact_size(room, Sense::hover());
    let Some(scale) = TrendScale::of(row) else {
        return;
    };
    let painter = ui.painter_at(rect.expand(2.0));
    for points in parts(row, scale, edges, rect.shrink2(vec2(1.0, 1.0))) {
        match points[..] {
            [alone] => drop(painter.circle_filled(alone, 1.5, color)),
            _ => drop(painter.line(points, Stroke::new(1.5, color))),
        }
    }
    let (low, high) = (ms_text(scale.range.0), ms_text(scale.range.1));
    response.on_hover_text(format!(
        "Nine in ten of its medians are from {low} to {high}. Each target has a scale of its own"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Outcomes, Quantiles};

    /// A target whose sixty buckets have these medians.
    fn row(median: impl Fn(i32) -> f64) -> Distribution {
        let buckets = (0..60).map(|n| TimeBucket {
            from_unix_ns: i64::from(n) * 10,
            to_unix_ns: i64::from(n) * 10 + 10,
            ttft: Quantiles::of(&[median(n)]),
            outcomes: Outcomes::default(),
        });
        Distribution {
            target: "here/m".parse().unwrap(),
            simulated: false,
            ttft: Quantiles::default(),
            outcomes: Outcomes::default(),
            last: None,
            last_ttft_ms: None,
            buckets: buckets.collect(),
            hours: Vec::new(),
            ecdf: Vec::new(),
        }
    }

    fn points(row: &Distribution) -> Vec<Pos2> {
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(84.0, 20.0));
        parts(row, TrendScale::of(row).unwrap(), (0, 600), rect).concat()
    }

    fn mean(points: &[Pos2]) -> f32 {
        let count = f32::from(u16::try_from(points.len()).unwrap());
        points.iter().map(|at| at.y).sum::<f32>() / count
    }

    #[test]
    fn a_step_of_15_percent_is_seen_beside_an_outlier() {
        let step = |n: i32| if n < 30 { 400.0 } else { 460.0 };
        let noise = |n: i32| f64::from(n * 37 % 11) - 5.0;
        let row = row(|n| if n == 7 { 9_000.0 } else { step(n) + noise(n) });
        let points = points(&row);
        assert_eq!(points.len(), 60);
        let (before, after) = (mean(&points[10..30]), mean(&points[30..]));
        // Twenty points high: the step is more than a third of it.
        assert!(before - after > 7.0, "{before} {after}");
        assert!(points.iter().all(|at| (0.0..=20.0).contains(&at.y)));
        assert!(points[7].y < 0.01, "the outlier stands at the top");
    }

    #[test]
    fn what_hardly_varies_looks_flat() {
        let points = points(&row(|n| 400.0 + f64::from(n % 3)));
        let (low, high) = (
            points.iter().map(|at| at.y).fold(f32::MAX, f32::min),
            points.iter().map(|at| at.y).fold(f32::MIN, f32::max),
        );
        assert!(high - low < 1.0, "{low} {high}");
        assert!((low - 10.0).abs() < 1.0, "in the middle");
    }

    #[test]
    fn a_line_breaks_where_nothing_is_known() {
        let mut row = row(|n| f64::from(n) + 100.0);
        row.buckets.retain(|bucket| bucket.from_unix_ns != 300);
        row.buckets[3].ttft = Quantiles::default();
        let scale = TrendScale::of(&row).unwrap();
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(84.0, 20.0));
        let lengths: Vec<usize> = parts(&row, scale, (0, 600), rect)
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(lengths, [3, 26, 29]);
        row.buckets.clear();
        assert_eq!(TrendScale::of(&row), None);
    }
}
