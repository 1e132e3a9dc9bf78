//! Whom a bench asks and with what load, marked where that is the simulator.

use egui::{Align, Label, Layout, RichText, Ui};

use super::words::plan_text;
use crate::{
    bench::BenchPlan,
    desktop::{view::Cx, widgets::simulated_badge},
    endpoint::TargetId,
};

/// Shows it in this style on one line.
pub fn plan_ui(ui: &mut Ui, cx: &Cx<'_>, plan: &BenchPlan, style: impl FnOnce(String) -> RichText) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if is_simulated(cx, &plan.target) {
                simulated_badge(ui, cx.theme);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(style(plan_text(plan))).truncate());
            });
        });
    });
}

/// Whether the simulator answers for a target.
pub fn is_simulated(cx: &Cx<'_>, target: &TargetId) -> bool {
    let endpoint = cx.state.settings.endpoint(&target.endpoint);
    endpoint.is_some_and(|endpoint| endpoint.simulated)
}
