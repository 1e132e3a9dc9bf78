//! How the arms of a comparison are named and drawn.

use egui::{Label, Ui};

use crate::{
    compare::{CompareState, arm_letter},
    desktop::{
        looks::{Look, Looks, sample_ui},
        theme::{Theme, space, strong},
        widgets::simulated_badge,
    },
    endpoint::local_gateway,
    visible::visible_line,
};

/// An arm, as it is shown.
#[derive(Clone, Debug)]
pub struct ShownArm {
    /// A letter, which stands for it in sentences.
    pub letter: char,
    /// Its target, and what tells it apart.
    pub name: String,
    /// How it is drawn.
    pub look: Look,
    /// Whether the simulator answers.
    pub is_simulated: bool,
    /// Where its requests go.
    pub place: String,
}

/// The arms of a comparison. Each has the look of its target in the other views, unless two have the same target.
#[must_use]
pub fn shown_arms(state: &CompareState, looks: &Looks) -> Vec<ShownArm> {
    let arms = &state.plan().arms;
    let is_twice = |at: usize| {
        let mut others = arms.iter().enumerate().filter(|(other, _)| *other != at);
        others.any(|(_, other)| other.target == arms[at].target)
    };
    let has_doubles = (0..arms.len()).any(is_twice);
    let shown = arms.iter().enumerate().map(|(at, arm)| {
        let place = state.head.places.get(at).cloned().unwrap_or_default();
        let target = local_gateway::shown(&arm.target);
        let name = match arm.label.as_str() {
            "" => target,
            label => format!("{target} ({label})"),
        };
        let dialect = place.dialect.map(|dialect| dialect.as_str().to_owned());
        let route = Some(place.route).filter(|route| !route.is_empty());
        let parts = [Some(place.url), dialect, route];
        ShownArm {
            letter: arm_letter(at),
            name,
            look: if has_doubles {
                Look::at(at)
            } else {
                looks.of(&arm.target)
            },
            is_simulated: place.simulated,
            place: parts.into_iter().flatten().collect::<Vec<_>>().join(", "),
        }
    });
    shown.collect()
}

/// Two arms stand beside each other from this width on, in points.
const TWO: f32 = 420.0;

/// Says which letter stands for which arm, and how it is drawn.
pub fn arms_ui(ui: &mut Ui, theme: &Theme, arms: &[ShownArm]) {
    let beside = if ui.available_width() < TWO { 1 } else { 2 };
    for row in arms.chunks(beside) {
        ui.columns(beside, |columns| {
            for (ui, arm) in columns.iter_mut().zip(row) {
                ui.horizontal(|ui| arm_ui(ui, theme, arm));
            }
        });
    }
}

fn arm_ui(ui: &mut Ui, theme: &Theme, arm: &ShownArm) {
    ui.spacing_mut().item_spacing.x = space::S;
    sample_ui(ui, arm.look, theme.series_color(arm.look.color));
    ui.label(strong(arm.letter.to_string()));
    if arm.is_simulated {
        simulated_badge(ui, theme);
    }
    let name = Label::new(visible_line(&arm.name).into_owned()).truncate();
    ui.add(name)
        .on_hover_text(visible_line(&arm.place).into_owned());
}
