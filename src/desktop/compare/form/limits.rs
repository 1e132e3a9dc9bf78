//! The part of the form that says over which connections it goes, when it stops, and what is seldom changed.

use egui::Ui;

use super::CompareForm;
use crate::{
    compare::{ComparedConnections, ComparedFigure},
    desktop::{
        compare::draft::CompareDraft,
        setup::{self, NO_LIMIT},
        theme::{Theme, caption, space},
        widgets::{choice_box, labeled_field, segmented, toggle},
    },
    endpoint::BackOff,
};

impl CompareForm {
    pub(super) fn limits_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        ui.label(caption(theme, "Connections")).on_hover_text(
            "Warm: over an open connection. Cold: each request opens a new one. The verdicts of the two are apart",
        );
        let connections = [
            (ComparedConnections::Warm, "Warm"),
            (ComparedConnections::Cold, "Cold"),
            (ComparedConnections::Both, "Both"),
        ];
        segmented(
            ui,
            theme,
            "Connections to compare",
            &mut self.draft.connections,
            &connections,
        );
        ui.add_space(space::L);
        stop_ui(ui, theme, &mut self.draft);
        setup::more_ui(ui, theme, &mut self.is_more_open, |ui| {
            more_ui(ui, theme, &mut self.draft);
        });
    }
}

fn stop_ui(ui: &mut Ui, theme: &Theme, draft: &mut CompareDraft) {
    ui.label(caption(theme, "It stops at the first of"));
    toggle(ui, &mut draft.until_settled, "Settled: its verdict can be told").on_hover_text(
        "The intervals hold at every look: whoever stops at the first verdict is wrong in at most 5 % of comparisons. \
         With a number of pairs alone they are narrower, for one look at the end",
    );
    ui.add_enabled_ui(draft.until_settled, |ui| {
        decided_by_ui(ui, &mut draft.decided_by);
    });
    ui.add_space(space::XS);
    let problem = draft.read_pairs().err();
    let (label, text) = ("Pairs, over each kind of connection", &mut draft.pairs);
    labeled_field(ui, theme, label, text, NO_LIMIT, problem.as_deref());
    ui.columns_const(|[left, right]| {
        let problem = draft.read_time().err();
        let text = &mut draft.minutes;
        labeled_field(left, theme, "Minutes", text, NO_LIMIT, problem.as_deref());
        let problem = draft.read_usd().err();
        let text = &mut draft.usd;
        labeled_field(
            right,
            theme,
            "US dollars",
            text,
            NO_LIMIT,
            problem.as_deref(),
        );
    });
    if !draft.usd.trim().is_empty() {
        let label = "Ask targets without a known price, too";
        toggle(ui, &mut draft.allow_unpriced, label)
            .on_hover_text("They do not count for the limit of cost");
    }
}

fn more_ui(ui: &mut Ui, theme: &Theme, draft: &mut CompareDraft) {
    ui.columns_const(|[left, right]| {
        let problem = draft.read_margin().err();
        let text = &mut draft.margin;
        labeled_field(left, theme, "Same within, %", text, "", problem.as_deref()).on_hover_text(
            "Two arms are the same if the whole interval of their ratio is within 1 ± this",
        );
        let problem = draft.read_max_tokens().err();
        let text = &mut draft.max_tokens;
        labeled_field(right, theme, "Most tokens", text, "", problem.as_deref())
            .on_hover_text("Most output tokens of an answer");
    });
    let hint = "where this machine stands";
    labeled_field(ui, theme, "Vantage", &mut draft.vantage, hint, None)
        .on_hover_text("It is stated in the report");
    toggle(ui, &mut draft.fresh, "A new number before each prompt").on_hover_text(
        "So that no cache answers: a number that was never sent before stands in front",
    );
    let mut is_polite = draft.back_off == BackOff::Polite;
    let changed = toggle(ui, &mut is_polite, "Wait after a 429").on_hover_text(
        "The endpoint is left alone as long as it asks for. The choice is kept with the comparison",
    );
    if changed.changed() {
        draft.back_off = BackOff::polite_if(is_polite);
    }
}

/// The figure and the quantile that settle it.
fn decided_by_ui(ui: &mut Ui, by: &mut crate::compare::DecidedBy) {
    ui.horizontal(|ui| {
        let quantile = |percent: u8| match percent {
            50 => "Median".to_owned(),
            percent => format!("P{percent}"),
        };
        choice_box("compare.quantile")
            .width(80.0)
            .selected_text(quantile(by.percent))
            .show_ui(ui, |ui| {
                for percent in [50, 95, 99] {
                    ui.selectable_value(&mut by.percent, percent, quantile(percent));
                }
            })
            .response
            .accessible_name("Quantile that settles it");
        ui.label("of");
        choice_box("compare.figure")
            .width(110.0)
            .selected_text(by.figure.label())
            .show_ui(ui, |ui| {
                for figure in ComparedFigure::ALL {
                    ui.selectable_value(&mut by.figure, *figure, figure.label());
                }
            })
            .response
            .accessible_name("Figure that settles it");
    });
}
