//! How each target is drawn: a combination of colour, marker and dash of its own, the same in every view.

use std::collections::{BTreeMap, BTreeSet};

use egui::{
    Color32, FontId, Label, Pos2, Response, Sense, Shape, Stroke, TextFormat, Ui, text::LayoutJob,
    vec2,
};
use egui_plot::{LineStyle, MarkerShape};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{desktop::theme::size, endpoint::TargetId};

/// How many colours can be told apart; see [`Theme::series`](crate::desktop::theme::Theme).
pub const COLORS: usize = 8;

/// Markers that can be filled or hollow: a hollow one is a cold run.
const MARKERS: [MarkerShape; 7] = [
    MarkerShape::Circle,
    MarkerShape::Up,
    MarkerShape::Square,
    MarkerShape::Down,
    MarkerShape::Diamond,
    MarkerShape::Right,
    MarkerShape::Left,
];

/// Line styles; lengths and spacings are in points.
const DASHES: [LineStyle; 4] = [
    LineStyle::Solid,
    LineStyle::Dashed { length: 9.0 },
    LineStyle::Dotted { spacing: 5.0 },
    LineStyle::Dashed { length: 4.0 },
];

/// How many different looks there are. With more targets than that, some look the same.
pub const LOOKS: usize = COLORS * MARKERS.len() * DASHES.len();

/// How a target is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Index into the theme's series colours.
    pub color: usize,
    /// The marker of its points.
    pub marker: MarkerShape,
    /// The style of its median lines.
    pub dash: LineStyle,
}

impl Look {
    /// The look with this index: neighbours differ in colour and marker; two with the same colour differ in marker and
    /// dash.
    #[must_use]
    pub fn at(place: usize) -> Self {
        let once = COLORS * MARKERS.len();
        let dash = place % once / COLORS + place / once;
        Self {
            color: place % COLORS,
            marker: MARKERS[place % MARKERS.len()],
            dash: DASHES[dash % DASHES.len()],
        }
    }

    /// Its filled marker, as legends and lists show it.
    pub fn marker(self, at: Pos2, color: Color32) -> Shape {
        const R: f32 = 4.0;
        let polygon = |points: &[(f32, f32)]| {
            let points = points.iter().map(|(x, y)| at + vec2(*x, *y) * R).collect();
            Shape::convex_polygon(points, color, Stroke::NONE)
        };
        match self.marker {
            MarkerShape::Up => polygon(&[(-0.95, 0.75), (0.0, -0.95), (0.95, 0.75)]),
            MarkerShape::Down => polygon(&[(-0.95, -0.75), (0.95, -0.75), (0.0, 0.95)]),
            MarkerShape::Left => polygon(&[(-0.95, 0.0), (0.75, -0.95), (0.75, 0.95)]),
            MarkerShape::Right => polygon(&[(-0.75, -0.95), (0.95, 0.0), (-0.75, 0.95)]),
            MarkerShape::Diamond => polygon(&[(-1.1, 0.0), (0.0, -1.1), (1.1, 0.0), (0.0, 1.1)]),
            MarkerShape::Square => {
                polygon(&[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)])
            }
            _ => Shape::circle_filled(at, R, color),
        }
    }
}

/// The look of each known target, by index.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Looks(BTreeMap<TargetKey, usize>);

/// A target as text, so that the table can be kept as JSON.
type TargetKey = String;

impl Looks {
    /// Gives each of these targets a look of its own; those that have one keep it. Other targets lose theirs only
    /// when there are not enough looks.
    pub fn take_in<'a>(&mut self, targets: impl Iterator<Item = &'a TargetId>) {
        let keys: BTreeSet<TargetKey> = targets.map(ToString::to_string).collect();
        let new = keys.iter().filter(|key| !self.0.contains_key(*key)).count();
        if self.0.len() + new > LOOKS {
            self.0.retain(|key, _| keys.contains(key));
        }
        for key in keys {
            if !self.0.contains_key(&key) {
                let place = self.free_place(&key);
                self.0.insert(key, place);
            }
        }
    }

    /// Whether a target has a look.
    #[must_use]
    pub fn knows(&self, target: &TargetId) -> bool {
        self.0.contains_key(&target.to_string())
    }

    /// The look of a target that was given one.
    #[must_use]
    pub fn of(&self, target: &TargetId) -> Look {
        let place = self.0.get(&target.to_string());
        Look::at(place.copied().unwrap_or_default())
    }

    /// A free index in the first group of [`COLORS`] indices that has one. The target's name decides with which colour
    /// the search begins.
    fn free_place(&self, key: &str) -> usize {
        let taken: BTreeSet<usize> = self.0.values().copied().collect();
        let free = |place: &usize| !taken.contains(place);
        let first = (0..=taken.len()).find(free).unwrap_or_default() / COLORS * COLORS;
        let wish = usize::try_from(hash(key) % COLORS as u64).unwrap_or_default();
        let places = (0..COLORS).map(|step| first + (wish + step) % COLORS);
        places.into_iter().find(free).unwrap_or(first)
    }
}

/// Reads a saved table. If two targets share an index, as in an older version, the second gets another.
impl<'de> Deserialize<'de> for Looks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut kept = BTreeMap::<TargetKey, usize>::deserialize(from)?;
        let mut taken = BTreeSet::new();
        let twice: Vec<_> = kept
            .extract_if(.., |_, place| *place >= LOOKS || !taken.insert(*place))
            .collect();
        let mut looks = Self(kept);
        for (key, _) in twice {
            let place = looks.free_place(&key);
            looks.0.insert(key, place);
        }
        Ok(looks)
    }
}

/// FNV-1a: unlike the standard library's hash, it is the same in every build.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// Width of a line sample, in points.
pub const SAMPLE: f32 = 26.0;

/// Draws a short piece of a target's line with its marker.
pub fn sample_ui(ui: &mut Ui, look: Look, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(SAMPLE, 18.0), Sense::hover());
    let line = [rect.left_center(), rect.right_center()];
    let painter = ui.painter();
    let stroke = Stroke::new(1.7, color);
    match look.dash {
        LineStyle::Solid => {
            painter.line_segment(line, stroke);
        }
        LineStyle::Dashed { length } => {
            painter.extend(Shape::dashed_line(
                &line,
                stroke,
                length * 0.7,
                length * 0.45,
            ));
        }
        LineStyle::Dotted { spacing } => {
            painter.extend(Shape::dotted_line(&line, color, spacing, 1.2));
        }
    }
    painter.add(look.marker(rect.center(), color));
}

/// Explains a colour: a square of it and what it stands for, which stay together where a key is wrapped.
pub fn key_item_ui(ui: &mut Ui, color: Color32, text: &str) -> Response {
    let mut job = LayoutJob::default();
    let format = |color| TextFormat::simple(FontId::proportional(size::SMALL), color);
    job.append("\u{25a0}", 0.0, format(color));
    job.append(text, 5.0, format(ui.visuals().text_color()));
    ui.add(Label::new(job).extend())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: usize) -> TargetId {
        TargetId {
            endpoint: "e".into(),
            model: name.to_string(),
        }
    }

    fn places(looks: &Looks) -> Vec<usize> {
        looks.0.values().copied().collect()
    }

    #[test]
    fn no_two_looks_are_alike() {
        let all: BTreeSet<_> = (0..LOOKS)
            .map(|place| format!("{:?}", Look::at(place)))
            .collect();
        assert_eq!(all.len(), LOOKS);
        for place in 0..LOOKS - COLORS {
            let (one, next) = (Look::at(place), Look::at(place + COLORS));
            assert_eq!(one.color, next.color);
            assert!(
                one.marker != next.marker && one.dash != next.dash,
                "{place}"
            );
        }
    }

    #[test]
    fn looks_are_spread_and_stay_when_targets_come_and_go() {
        let mut looks = Looks::default();
        let many: Vec<_> = (0..60).map(target).collect();
        looks.take_in(many[..8].iter());
        let colors: BTreeSet<_> = many[..8].iter().map(|t| looks.of(t).color).collect();
        assert_eq!(colors.len(), 8, "eight targets have eight colours");
        let first = looks.clone();
        looks.take_in(many[3..].iter());
        for known in &many[..8] {
            assert_eq!(looks.of(known), first.of(known));
        }
        let distinct: BTreeSet<_> = places(&looks).into_iter().collect();
        assert_eq!(distinct.len(), 60);
        assert!(
            distinct.into_iter().all(|place| place < 64),
            "no round is left out"
        );
    }

    #[test]
    fn a_look_goes_by_the_name_and_not_by_who_came_first() {
        let (a, b) = (target(1), target(2));
        let of_one = |target: &TargetId| {
            let mut looks = Looks::default();
            looks.take_in(std::iter::once(target));
            looks.of(target)
        };
        assert_ne!(hash("e/1") % 8, hash("e/2") % 8, "no collision here");
        let mut looks = Looks::default();
        looks.take_in([&b].into_iter());
        looks.take_in([&a, &b].into_iter());
        assert_eq!((looks.of(&a), looks.of(&b)), (of_one(&a), of_one(&b)));
    }

    #[test]
    fn places_that_were_shared_are_parted_and_those_of_the_gone_come_back() {
        let kept = r#"{"e/1":0,"e/2":0,"e/3":0,"e/4":9999}"#;
        let mut looks: Looks = serde_json::from_str(kept).unwrap();
        let distinct: BTreeSet<_> = places(&looks).into_iter().collect();
        assert_eq!(distinct.len(), 4);
        assert_eq!(looks.of(&target(1)).color, 0, "the first keeps its own");
        let again: Looks = serde_json::from_str(&serde_json::to_string(&looks).unwrap()).unwrap();
        assert_eq!(again, looks);
        let many: Vec<_> = (100..100 + LOOKS).map(target).collect();
        looks.take_in(many.iter());
        let distinct: BTreeSet<_> = places(&looks).into_iter().collect();
        assert_eq!(distinct.len(), LOOKS);
    }
}
