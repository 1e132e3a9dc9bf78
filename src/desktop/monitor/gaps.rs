//! The times in which a target was not asked: quiet bands behind the plot, each with a text on hover.

use egui::{Response, Ui};
use egui_plot::{PlotTransform, PlotUi, Span};

use super::{axes::TimeAxis, tooltip::tooltip, track::Track};
use crate::{
    desktop::{
        theme::{Theme, caption, strong},
        widgets::{date_time, ms_text},
    },
    endpoint::{TargetId, local_gateway},
    history::{GapReason, ProbeGap},
};

/// The narrowest band, in points.
const NARROWEST: f64 = 2.0;
/// Most targets that a text names.
const NAMED: usize = 3;

/// Gaps of one reason that overlap.
#[derive(Clone, Debug, PartialEq)]
pub struct GapBand {
    why: GapReason,
    from_unix_ns: i64,
    to_unix_ns: i64,
    /// Who was not asked; `None` for nobody at all.
    targets: Option<Vec<TargetId>>,
}

impl GapBand {
    /// The bands of gaps, which are in order of their begin. A gap that lasts reaches to `now_unix_ns`.
    #[must_use]
    pub fn of(gaps: &[ProbeGap], now_unix_ns: i64) -> Vec<Self> {
        let mut bands: Vec<Self> = Vec::new();
        for gap in gaps {
            let to = gap.to_unix_ns.unwrap_or(now_unix_ns);
            let mut before = bands.iter_mut().rev().filter(|band| band.why == gap.why);
            match before
                .next()
                .filter(|band| gap.from_unix_ns <= band.to_unix_ns)
            {
                Some(band) => band.join(gap, to),
                None => bands.push(Self {
                    why: gap.why,
                    from_unix_ns: gap.from_unix_ns,
                    to_unix_ns: to,
                    targets: gap.target.clone().map(|target| vec![target]),
                }),
            }
        }
        bands
    }

    fn join(&mut self, gap: &ProbeGap, to: i64) {
        self.to_unix_ns = self.to_unix_ns.max(to);
        match (&mut self.targets, &gap.target) {
            (Some(targets), Some(target)) if !targets.contains(target) => {
                targets.push(target.clone());
            }
            (Some(_), Some(_)) => {}
            (_, None) | (None, _) => self.targets = None,
        }
    }

    /// Whether not all of its targets are hidden.
    fn is_shown(&self, tracks: &[Track]) -> bool {
        let is_hidden = |target: &TargetId| {
            let mut hidden = tracks.iter().filter(|track| !track.shown);
            hidden.any(|track| track.target == *target)
        };
        let targets = self.targets.as_ref();
        targets.is_none_or(|targets| !targets.iter().all(is_hidden))
    }

    fn who(&self) -> String {
        let Some(targets) = &self.targets else {
            return "all targets".to_owned();
        };
        let named: Vec<String> = (targets.iter().take(NAMED))
            .map(local_gateway::shown)
            .collect();
        let named = named.join(", ");
        match targets.len().saturating_sub(NAMED) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }

    fn lasted(&self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "only shown")]
        let ms = (self.to_unix_ns - self.from_unix_ns) as f64 / 1e6;
        ms_text(ms)
    }
}

/// Why nobody was asked, as a sentence goes on after "Not asked:".
#[must_use]
pub fn reason_text(why: GapReason) -> &'static str {
    match why {
        GapReason::Asleep => "the machine slept",
        GapReason::Offline => "the machine had no network",
        GapReason::Busy => "the probe before took too long, or the machine was busy",
        GapReason::CostCap => "the day’s cost cap was reached",
        GapReason::NotRunning => "no monitor ran, as the program was closed or the monitor off",
        GapReason::NoPrice => "its price is not known, and the plan has a cost cap",
    }
}

/// Draws the bands, behind all that is drawn later.
pub fn draw(
    plot: &mut PlotUi<'_>,
    theme: &Theme,
    bands: &[GapBand],
    tracks: &[Track],
    time: TimeAxis,
) {
    let width = f64::from(plot.response().rect.width()).max(1.0);
    let narrowest = plot.plot_bounds().width() / width * NARROWEST;
    for band in bands.iter().filter(|band| band.is_shown(tracks)) {
        let from = time.x(band.from_unix_ns);
        let to = time.x(band.to_unix_ns).max(from + narrowest);
        let span = Span::new("", from..=to)
            .fill(theme.wash(theme.text_dim))
            .border_width(0.0);
        plot.add(span);
    }
}

/// Says of the band under the pointer why nobody was asked then.
pub fn hover_ui(
    ui: &Ui,
    theme: &Theme,
    (bands, tracks): (&[GapBand], &[Track]),
    (time, transform): (TimeAxis, &PlotTransform),
    response: &Response,
) {
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let x = |unix_ns| transform.position_from_point_x(time.x(unix_ns));
    let is_under = |band: &&GapBand| {
        let from = x(band.from_unix_ns) - 1.0;
        let to = x(band.to_unix_ns).max(from + 4.0);
        (from..=to).contains(&pointer.x) && band.is_shown(tracks)
    };
    let under: Vec<&GapBand> = bands.iter().filter(is_under).collect();
    if under.is_empty() {
        return;
    }
    tooltip(ui, response, pointer, |ui| {
        for band in under {
            ui.label(strong(format!("Not asked: {}", reason_text(band.why))));
            ui.label(band.who());
            let [from, to] = [band.from_unix_ns, band.to_unix_ns].map(date_time);
            let text = format!("{from} to {to}, {}", band.lasted());
            ui.label(caption(theme, text));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(target: Option<&str>, why: GapReason, from: i64, to: Option<i64>) -> ProbeGap {
        ProbeGap {
            target: target.map(|target| target.parse().unwrap()),
            why,
            from_unix_ns: from,
            to_unix_ns: to,
        }
    }

    #[test]
    fn gaps_of_one_reason_that_overlap_are_one_band() {
        use GapReason::{Asleep, Busy, Offline};
        let gaps = [
            gap(Some("a/m"), Offline, 0, Some(10)),
            gap(Some("b/m"), Offline, 5, Some(20)),
            gap(None, Asleep, 6, Some(8)),
            gap(Some("a/m"), Offline, 12, Some(13)),
            gap(Some("a/m"), Busy, 30, None),
        ];
        let bands = GapBand::of(&gaps, 40);
        let told: Vec<_> = (bands.iter())
            .map(|band| (band.why, band.from_unix_ns, band.to_unix_ns, band.who()))
            .collect();
        let owned = str::to_owned;
        assert_eq!(
            told,
            [
                (Offline, 0, 20, owned("a/m, b/m")),
                (Asleep, 6, 8, owned("all targets")),
                (Busy, 30, 40, owned("a/m")),
            ]
        );
    }

    #[test]
    fn many_targets_are_counted() {
        let names = ["a/m", "b/m", "c/m", "d/m", "e/m"];
        let gaps = names.map(|name| gap(Some(name), GapReason::Offline, 0, Some(1)));
        assert_eq!(GapBand::of(&gaps, 1)[0].who(), "a/m, b/m, c/m and 2 more");
    }
}
