//! The part of the form that says what is compared.

use egui::{Ui, vec2};

use super::CompareForm;
use crate::{
    compare::arm_letter,
    desktop::{
        compare::{draft::ArmsFrom, way::WayDraft},
        icons,
        theme::{caption, space, strong},
        view::Cx,
        widgets::{card, ghost_button, icon_button, labeled_field, multiline_field, segmented},
    },
};

/// Most arms that the form offers.
const MOST: usize = 8;
/// Room for a letter, and for the button that removes an arm, in points.
const BESIDE: f32 = 66.0;

impl CompareForm {
    pub(super) fn arms_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let from = [
            (ArmsFrom::Targets, "Targets"),
            (ArmsFrom::Ways, "Ways to ask one"),
        ];
        segmented(ui, cx.theme, "Compare", &mut self.draft.arms, &from);
        ui.add_space(space::S);
        match self.draft.arms {
            ArmsFrom::Targets => self.targets_ui(ui, cx),
            ArmsFrom::Ways => self.ways_ui(ui, cx),
        }
    }

    fn targets_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let count = self.draft.targets.len();
        self.pickers.resize_with(count.max(2) + 1, Default::default);
        let mut removed = None;
        for at in 0..count.max(2) {
            let width = ui.available_width() - BESIDE;
            ui.horizontal(|ui| {
                ui.label(strong(arm_letter(at).to_string()));
                let name = format!("Target {}", arm_letter(at));
                let target = self.draft.targets.get(at).cloned();
                let picked = self.pickers[at].ui(ui, cx, &name, target.as_ref(), width);
                if let Some(picked) = picked {
                    match self.draft.targets.get_mut(at) {
                        Some(target) => *target = picked,
                        None => self.draft.targets.push(picked),
                    }
                }
                let remove = format!("Remove target {}", arm_letter(at));
                if target.is_some() && icon_button(ui, cx.theme, icons::CLOSE, &remove).clicked() {
                    removed = Some(at);
                }
            });
        }
        if let Some(at) = removed {
            self.draft.targets.remove(at);
        }
        if (2..MOST).contains(&count) {
            let width = ui.available_width() - BESIDE;
            let further = &mut self.pickers[count.max(2)];
            let added = ui
                .horizontal(|ui| {
                    ui.label(caption(cx.theme, "+"));
                    further.ui(ui, cx, "Target to add", None, width)
                })
                .inner;
            self.draft.targets.extend(added);
        }
        ui.label(caption(cx.theme, "Each is compared with A"));
    }

    fn ways_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.pickers
            .resize_with(self.pickers.len().max(1), Default::default);
        let width = ui.available_width() - space::S;
        let target = self.draft.target.clone();
        let picked = self.pickers[0].ui(ui, cx, "Target", target.as_ref(), width);
        self.draft.target = picked.or(target);
        ui.add_space(space::S);
        let count = self.draft.ways.len();
        let mut removed = None;
        for (at, way) in self.draft.ways.iter_mut().enumerate() {
            card(ui, cx.theme, |ui| {
                if way_ui(ui, cx, way, at, count > 2) {
                    removed = Some(at);
                }
            });
            ui.add_space(space::S);
        }
        if let Some(at) = removed {
            self.draft.ways.remove(at);
        }
        if count < MOST
            && ghost_button(ui, cx.theme, &format!("{} Add a way", icons::ADD)).clicked()
        {
            self.draft.ways.push(WayDraft::default());
        }
    }
}

/// Shows the fields of a way; returns whether it is to be removed.
fn way_ui(ui: &mut Ui, cx: &Cx<'_>, way: &mut WayDraft, at: usize, is_removable: bool) -> bool {
    let theme = cx.theme;
    let letter = arm_letter(at);
    ui.spacing_mut().item_spacing = vec2(space::S, space::XS);
    let removed = ui.horizontal(|ui| {
        ui.label(strong(format!("Way {letter}")));
        is_removable
            && icon_button(ui, theme, icons::CLOSE, &format!("Remove way {letter}")).clicked()
    });
    labeled_field(
        ui,
        theme,
        &format!("Name of way {letter}"),
        &mut way.label,
        "brief",
        None,
    );
    let name = format!("Prompt of way {letter}");
    ui.label(caption(theme, name.as_str()));
    let hint = "as what is asked below";
    multiline_field(ui, theme, &name, &mut way.prompt, hint, 2);
    labeled_field(
        ui,
        theme,
        &format!("System instruction of way {letter}"),
        &mut way.system,
        "none",
        None,
    );
    let problem = way.read_params().err();
    let hint = r#"{"temperature": 0.2}"#;
    let label = format!("Settings of way {letter}, JSON");
    labeled_field(ui, theme, &label, &mut way.params, hint, problem.as_deref());
    removed.inner
}
