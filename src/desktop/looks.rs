//! How each target looks: a colour, a marker and a dash that no other has, the same in every view for as long as it
//! is known.

use std::collections::{BTreeMap, BTreeSet};

use egui::{Color32, Pos2, Sense, Shape, Stroke, Ui, vec2};
use egui_plot::{LineStyle, MarkerShape};
use serde::{Deserialize, Deserializer, Serialize};

use crate::endpoint::TargetId;

/// Colours that are told apart; see [`Theme::series`](crate::desktop::theme::Theme).
pub const COLORS: usize = 8;

/// Markers that show whether they are filled: a hollow one is a cold run.
const MARKERS: [MarkerShape; 7] = [
    MarkerShape::Circle,
    MarkerShape::Up,
    MarkerShape::Square,
    MarkerShape::Down,
    MarkerShape::Diamond,
    MarkerShape::Right,
    MarkerShape::Left,
];

/// How a line is broken: solid, or by a length of its dashes or dots in points.
const DASHES: [LineStyle; 4] = [
    LineStyle::Solid,
    LineStyle::Dashed { length: 9.0 },
    LineStyle::Dotted { spacing: 5.0 },
    LineStyle::Dashed { length: 4.0 },
];

/// How many looks there are. As many targets differ; one more looks like the first.
pub const LOOKS: usize = COLORS * MARKERS.len() * DASHES.len();

/// How a target is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Place in the theme's list of colours.
    pub color: usize,
    /// Of its points.
    pub marker: MarkerShape,
    /// Of its medians.
    pub dash: LineStyle,
}

impl Look {
    /// The look at a place: neighbours differ in colour and marker, and two of one colour in marker and dash.
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

    /// Its marker, filled, as it stands in lists.
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

/// Which place each known target has.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Looks(BTreeMap<TargetKey, usize>);

/// A target as text, so that the table can be kept as JSON.
type TargetKey = String;

impl Looks {
    /// Gives every one of these targets a place of its own: those who have one keep it. Others are forgotten
    /// only when places run out.
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

    /// Whether a target has a place.
    #[must_use]
    pub fn knows(&self, target: &TargetId) -> bool {
        self.0.contains_key(&target.to_string())
    }

    /// The look of a target that was taken in.
    #[must_use]
    pub fn of(&self, target: &TargetId) -> Look {
        let place = self.0.get(&target.to_string());
        Look::at(place.copied().unwrap_or_default())
    }

    /// A free place among the first that have one: which of their colours, the target's name decides.
    fn free_place(&self, key: &str) -> usize {
        let taken: BTreeSet<usize> = self.0.values().copied().collect();
        let free = |place: &usize| !taken.contains(place);
        let first = (0..=taken.len()).find(free).unwrap_or_default() / COLORS * COLORS;
        let wish = usize::try_from(hash(key) % COLORS as u64).unwrap_or_default();
        let places = (0..COLORS).map(|step| first + (wish + step) % COLORS);
        places.into_iter().find(free).unwrap_or(first)
    }
}

/// Reads what was kept. Where two have one place, as an older version let them, the second gets another.
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

/// FNV-1a, which stays the same from build to build.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// Width of a sample, in points.
pub const SAMPLE: f32 = 26.0;

/// A piece of a target's line with its marker.
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
