//! How the gaps between reads spread: counted in classes that grow by the same factor.

use egui::{Align2, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::gaps::Gap;
use crate::{
    desktop::{
        theme::{Theme, caption, size},
        widgets::{count, counted, ms_text},
    },
    run::ms,
};

/// Classes in each decade.
const PER_DECADE: u32 = 6;
/// The shortest and the longest gap that have a class of their own, as powers of ten of milliseconds.
const DECADES: (i32, i32) = (-1, 5);
/// Height of the bars, in points.
const HEIGHT: f32 = 56.0;

/// A class of gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GapClass {
    /// How many gaps are in it.
    pub gaps: u64,
    /// Those of them that are stalls.
    pub stalls: u64,
}

/// Counted gaps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GapHistogram {
    /// The number of the first class.
    first: usize,
    /// From the first to the last class that has a gap.
    classes: Vec<GapClass>,
}

impl GapHistogram {
    /// Counts gaps.
    #[must_use]
    pub fn of(gaps: &[Gap]) -> Self {
        let mut classes = vec![GapClass::default(); class_of(f64::INFINITY) + 1];
        for gap in gaps {
            let class = &mut classes[class_of(ms(gap.ns))];
            class.gaps += 1;
            class.stalls += u64::from(gap.is_stall);
        }
        let has_gaps = |class: &GapClass| class.gaps > 0;
        let first = classes.iter().position(has_gaps).unwrap_or(0);
        let last = classes.iter().rposition(has_gaps);
        let classes = last.map(|last| classes[first..=last].to_vec());
        Self {
            first,
            classes: classes.unwrap_or_default(),
        }
    }

    /// Where a class begins, in milliseconds.
    fn begin_ms(class: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few dozen classes")]
        let decades = class as f64 / f64::from(PER_DECADE) + f64::from(DECADES.0);
        10_f64.powf(decades)
    }

    /// Draws it, in the width that is left.
    pub fn ui(&self, ui: &mut Ui, theme: &Theme) {
        let most = self.classes.iter().map(|class| class.gaps).max();
        let Some(most) = most else {
            ui.label(caption(
                theme,
                "No gaps: tokens came in one read, or none did",
            ));
            return;
        };
        // A class at either side, so that a single one does not fill the width.
        let shown = self.classes.len() + 2;
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT + 18.0), Sense::hover());
        let all = self.classes.iter().map(|class| class.gaps).sum();
        let name = format!("Histogram of {}", counted(all, "gap"));
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
        #[expect(clippy::cast_precision_loss, reason = "a few dozen classes")]
        let width = (rect.width() / shown as f32).min(48.0);
        let base = rect.top() + HEIGHT;
        let bar = |place: usize, share: f32| {
            #[expect(clippy::cast_precision_loss, reason = "a few dozen classes")]
            let left = rect.left() + width * (place + 1) as f32;
            // A single gap beside thousands must still show.
            let height = if share > 0.0 {
                (share * (HEIGHT - 4.0)).max(2.0)
            } else {
                0.0
            };
            let top = base - height;
            Rect::from_min_max(pos2(left + 1.0, top), pos2(left + width - 1.0, base))
        };
        let painter = ui.painter();
        for (place, class) in self.classes.iter().enumerate() {
            painter.rect_filled(
                bar(place, share(class.gaps, most)),
                2,
                theme.series_color(2),
            );
            painter.rect_filled(bar(place, share(class.stalls, most)), 2, theme.bad);
        }
        painter.hline(rect.x_range(), base, theme.hairline());
        self.labels_ui(ui, theme, rect, width, base);
        if let Some(pointer) = response.hover_pos() {
            let hit = (0..self.classes.len())
                .find(|place| bar(*place, 1.0).x_range().contains(pointer.x));
            if let Some(place) = hit {
                response.on_hover_text(self.class_text(place));
            }
        }
    }

    /// Labels under every third class, where there is room.
    fn labels_ui(&self, ui: &Ui, theme: &Theme, rect: Rect, width: f32, base: f32) {
        let mut free = rect.left();
        for place in 0..=self.classes.len() {
            let class = self.first + place;
            if !class.is_multiple_of(PER_DECADE as usize / 2) {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "a few dozen classes")]
            let x = rect.left() + width * (place + 1) as f32;
            let text = ms_text(Self::begin_ms(class));
            let font = FontId::proportional(size::TINY);
            let galley = ui.painter().layout_no_wrap(text, font, theme.text_dim);
            let at = Align2::CENTER_TOP.anchor_size(pos2(x, base + 3.0), galley.size());
            if at.left() < free || at.right() > rect.right() {
                continue;
            }
            free = at.right() + 10.0;
            let tick = egui::Rangef::new(base, base + 3.0);
            ui.painter().vline(x, tick, theme.hairline());
            ui.painter().galley(at.min, galley, theme.text_dim);
        }
    }

    fn class_text(&self, place: usize) -> String {
        let class = self.first + place;
        let ends = [class, class + 1].map(|class| ms_text(Self::begin_ms(class)));
        let GapClass { gaps, stalls } = self.classes[place];
        let stalls = match stalls {
            0 => String::new(),
            stalls => format!(", {} of them stalls", count(stalls)),
        };
        let gaps = counted(gaps, "gap");
        format!("{gaps} from {} to {}{stalls}", ends[0], ends[1])
    }
}

/// The class of a gap; gaps out of all classes are in the nearest.
fn class_of(gap_ms: f64) -> usize {
    let (low, high) = (f64::from(DECADES.0), f64::from(DECADES.1));
    // A gap right on a border is in the upper class, however its logarithm is rounded.
    let decades = (gap_ms.log10() + 1e-9).clamp(low, high - 1e-6) - low;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few dozen classes"
    )]
    let class = (decades * f64::from(PER_DECADE)) as usize;
    class
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a share of a bar on screen"
)]
fn share(part: u64, whole: u64) -> f32 {
    (part as f64 / whole.max(1) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(ms: f64, is_stall: bool) -> Gap {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let ns = (ms * 1e6) as u64;
        Gap {
            at: 0,
            ns,
            is_stall,
        }
    }

    #[test]
    fn gaps_are_counted_in_classes_that_grow_by_a_factor() {
        let gaps = [
            gap(10.0, false),
            gap(12.0, false),
            gap(100.0, false),
            gap(900.0, true),
        ];
        let histogram = GapHistogram::of(&gaps);
        assert_eq!(
            histogram
                .classes
                .iter()
                .map(|class| class.gaps)
                .sum::<u64>(),
            4
        );
        assert_eq!(histogram.classes[0].gaps, 2);
        assert_eq!(histogram.classes[6].gaps, 1, "a decade later");
        assert_eq!(histogram.classes.last().unwrap().stalls, 1);
        assert_eq!(histogram.class_text(0), "2 gaps from 10 ms to 15 ms");
    }

    #[test]
    fn extreme_gaps_are_in_the_outermost_classes() {
        assert_eq!(class_of(0.0), 0);
        assert_eq!(class_of(0.1), 0);
        assert_eq!(class_of(f64::INFINITY), 35);
        assert_eq!(GapHistogram::of(&[]).classes, []);
        assert_eq!(GapHistogram::of(&[gap(0.0, false)]).classes.len(), 1);
    }
}
