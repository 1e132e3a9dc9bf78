//! Two benches side by side, each figure with its interval.

use egui::{Grid, Label, RichText, Ui, vec2};

use super::{
    figures::{PERCENTILES, ShownPercentile, interval_text, rows},
    words::rate_text,
};
use crate::{
    bench::{BenchPlan, BenchSummary, figures::share_interval},
    desktop::{
        theme::{Theme, caption, space, strong, tiny},
        widgets::ms_text,
    },
};

/// How two intervals lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlap {
    /// B’s is below A’s.
    Below,
    /// B’s is above A’s.
    Above,
    /// They have something in common.
    Overlapping,
    /// One of them is not known.
    Unknown,
}

impl Overlap {
    fn of(a: ShownPercentile, b: ShownPercentile) -> Self {
        match (a.interval, b.interval) {
            (Some((low, _)), Some((_, high))) if high < low => Self::Below,
            (Some((_, high)), Some((low, _))) if low > high => Self::Above,
            (Some(_), Some(_)) => Self::Overlapping,
            _ => Self::Unknown,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Below => "B is lower",
            Self::Above => "B is higher",
            Self::Overlapping => "can’t tell",
            Self::Unknown => "",
        }
    }
}

/// A figure of both.
struct BothRow {
    name: String,
    a: ShownPercentile,
    b: ShownPercentile,
    text: fn(f64) -> String,
}

/// Shows both.
pub fn beside_ui(
    ui: &mut Ui,
    theme: &Theme,
    a: (Option<&BenchPlan>, &BenchSummary),
    b: (Option<&BenchPlan>, &BenchSummary),
) {
    for (letter, (plan, found)) in [("A", a), ("B", b)] {
        let plan = plan.map(super::words::plan_text).unwrap_or_default();
        let mark = if found.valid {
            ""
        } else {
            " · invalid, so it counts for nothing"
        };
        let color = if found.valid { theme.text } else { theme.bad };
        let text = strong(format!("{letter}  {plan}{mark}")).color(color);
        ui.add(Label::new(text).wrap());
    }
    ui.add_space(space::S);
    let do_count = a.1.valid && b.1.valid;
    Grid::new("bench.beside")
        .spacing(vec2(space::L, space::XS))
        .min_col_width(88.0)
        .show(ui, |ui| {
            for name in ["", "A", "B", ""] {
                ui.label(caption(theme, name));
            }
            ui.end_row();
            for row in both(a.1, b.1) {
                ui.vertical(|ui| ui.add(Label::new(&row.name).extend()));
                value_ui(ui, theme, row.a, row.text);
                value_ui(ui, theme, row.b, row.text);
                let overlap = Overlap::of(row.a, row.b);
                if do_count {
                    let color = match overlap {
                        Overlap::Below | Overlap::Above => theme.text,
                        Overlap::Overlapping | Overlap::Unknown => theme.text_dim,
                    };
                    let text = RichText::new(overlap.text()).color(color);
                    ui.vertical(|ui| ui.add(Label::new(text).extend()));
                }
                ui.end_row();
            }
        });
    ui.add_space(space::S);
    let text = "Where the 95 % intervals do not overlap it is said which is lower. Benches that ran at different times \
                also differ by what changed between them: a comparison asks both in turn";
    ui.add(Label::new(caption(theme, text)).wrap());
}

fn both(a: &BenchSummary, b: &BenchSummary) -> Vec<BothRow> {
    let (of_a, of_b) = (rows(a), rows(b));
    let mut all = Vec::new();
    for row in &of_a {
        let Some(other) = of_b.iter().find(|other| other.name == row.name) else {
            continue;
        };
        for (name, percentile) in PERCENTILES {
            let (a, b) = (percentile(row.figures), percentile(other.figures));
            if a.value.is_some() || b.value.is_some() {
                all.push(BothRow {
                    name: format!("{}, {}", row.name.trim(), name.to_lowercase()),
                    a,
                    b,
                    text: ms_text,
                });
            }
        }
    }
    let shares = [
        (
            "Goodput",
            goodput as fn(&BenchSummary) -> ShownPercentile,
            percent as fn(f64) -> String,
        ),
        ("Failed", failed, percent),
        ("Sent a second", |it| plain(it.achieved_rate), rate_text),
        (
            "Complete a second",
            |it| plain(it.completed_rate),
            rate_text,
        ),
    ];
    for (name, of, text) in shares {
        let (a, b) = (of(a), of(b));
        if a.value.is_some() || b.value.is_some() {
            all.push(BothRow {
                name: name.to_owned(),
                a,
                b,
                text,
            });
        }
    }
    all
}

fn plain(value: Option<f64>) -> ShownPercentile {
    ShownPercentile {
        value,
        interval: None,
    }
}

fn goodput(found: &BenchSummary) -> ShownPercentile {
    let goodput = found.goodput.unwrap_or_default();
    ShownPercentile {
        value: goodput.share,
        interval: goodput.share_low.zip(goodput.share_high),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests")]
fn failed(found: &BenchSummary) -> ShownPercentile {
    let (failed, of) = (
        found.requests.failed,
        found.requests.ok + found.requests.failed,
    );
    ShownPercentile {
        value: (of > 0).then(|| failed as f64 / of as f64),
        interval: share_interval(failed, of),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn value_ui(ui: &mut Ui, theme: &Theme, shown: ShownPercentile, text: fn(f64) -> String) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let Some(value) = shown.value else {
            let dash = RichText::new("\u{2013}").color(theme.text_dim);
            ui.label(dash)
                .on_hover_text("Not known, or too few requests for it");
            return;
        };
        ui.add(Label::new(text(value)).extend());
        if let Some((low, high)) = shown.interval {
            // Shares are written out, times share their unit.
            let interval = if high <= 1.0 {
                format!("{}–{}", text(low), text(high))
            } else {
                interval_text(low, high)
            };
            ui.add(Label::new(tiny(theme, interval)).extend());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{RequestCounts, TimeFigures};

    fn found(p50: f64, failed: u64) -> BenchSummary {
        BenchSummary {
            valid: true,
            ttft_ms: TimeFigures {
                n: 100,
                p50: Some(p50),
                p50_low: Some(p50 - 5.0),
                p50_high: Some(p50 + 5.0),
                ..TimeFigures::default()
            },
            requests: RequestCounts {
                ok: 100 - failed,
                failed,
                ..RequestCounts::default()
            },
            ..BenchSummary::default()
        }
    }

    #[test]
    fn only_intervals_that_lie_apart_tell_which_is_lower() {
        let told = |a: f64, b: f64| {
            let rows = both(&found(a, 0), &found(b, 0));
            Overlap::of(rows[0].a, rows[0].b)
        };
        assert_eq!(told(100.0, 80.0), Overlap::Below);
        assert_eq!(told(100.0, 120.0), Overlap::Above);
        assert_eq!(told(100.0, 108.0), Overlap::Overlapping);
    }

    #[test]
    fn failures_stand_beside_each_other_with_their_interval() {
        let rows = both(&found(100.0, 0), &found(100.0, 40));
        let failed = rows.iter().find(|row| row.name == "Failed").unwrap();
        assert_eq!((failed.a.value, failed.b.value), (Some(0.0), Some(0.4)));
        assert_eq!(Overlap::of(failed.a, failed.b), Overlap::Above);
        assert!(
            !rows.iter().any(|row| row.name == "Goodput"),
            "none was asked for"
        );
    }
}
