//! A bench that is over, or what is stored of it: whether it counts first, then its figures or one of its plots.

use std::sync::Arc;

use egui::{Label, ScrollArea, Ui};

use super::{
    BenchView, beside, charts, figures,
    heading::plan_ui,
    spread,
    verb::{BenchDetail, TimesFrom},
    verdict,
};
use crate::desktop::{
    axes::Scale,
    theme::{caption, heading, space},
    view::Cx,
    widgets::segmented,
};

impl BenchView {
    /// The choice of what is shown of a bench.
    pub(super) fn detail_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let has_beside = self.beside.id().is_some();
        if !has_beside && self.kept.detail == BenchDetail::Beside {
            self.kept.detail = BenchDetail::default();
        }
        let all = BenchDetail::ALL.iter().copied();
        let details: Vec<_> = all
            .filter(|(detail, _)| has_beside || *detail != BenchDetail::Beside)
            .collect();
        segmented(ui, cx.theme, "Show", &mut self.kept.detail, &details);
    }

    pub(super) fn shown_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        let Some(plan) = self.shown.plan() else {
            if self.shown.is_opening() {
                ui.label(caption(theme, "Opening…"));
            }
            return;
        };
        plan_ui(ui, cx, plan, heading);
        if self.shown.is_running_elsewhere() {
            let text = "Another process runs it: this is what it has measured so far";
            ui.label(caption(theme, text));
        }
        if let Some(found) = self.shown.summary() {
            let text = verdict::ending_text(found, self.shown.started_unix_ns());
            ui.add(Label::new(caption(theme, text)).wrap());
            ui.add_space(space::S);
            verdict::validity_ui(ui, theme, found);
        } else if self.shown.is_opening() {
            ui.label(caption(theme, "Its requests are being read…"));
        }
        ui.add_space(space::S);
        let detail = self.kept.detail;
        if detail == BenchDetail::Figures || detail == BenchDetail::Beside {
            ScrollArea::both()
                .auto_shrink(false)
                .show(ui, |ui| self.tables_ui(ui, cx));
        } else {
            self.plots_ui(ui, cx);
        }
    }

    fn tables_ui(&self, ui: &mut Ui, cx: &Cx<'_>) {
        let theme = cx.theme;
        let Some(found) = self.shown.summary() else {
            return;
        };
        if self.kept.detail == BenchDetail::Beside {
            let plans = self.shown.plan().zip(self.beside.plan());
            match plans.zip(self.beside.summary()) {
                Some(((a, b), other)) => beside::beside_ui(ui, theme, (a, found), (b, other)),
                None => drop(ui.label(caption(theme, "Opening…"))),
            }
            return;
        }
        verdict::summary_tiles_ui(ui, theme, found);
        let fault = self.first_fault.as_ref();
        let fault = fault.filter(|(id, _)| self.shown.id() == Some(*id));
        verdict::faults_ui(ui, theme, found, fault.map(|(_, fault)| fault));
        ui.add_space(space::S);
        figures::figures_ui(ui, theme, found);
    }

    fn plots_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let theme = cx.theme;
        let Some(charts) = self.shown.charts().cloned() else {
            let text = if self.shown.is_opening() {
                "Its requests are being read…"
            } else {
                "Its requests are not in the history, so that there is nothing to draw"
            };
            ui.label(caption(theme, text));
            return;
        };
        let detail = self.kept.detail;
        if detail.has_scale() {
            ui.horizontal_wrapped(|ui| {
                let scales = [(Scale::Linear, "Linear"), (Scale::Log, "Log")];
                segmented(ui, theme, "Scale", &mut self.kept.scale, &scales);
                if detail == BenchDetail::OverTime && charts.ttft_from_schedule.is_some() {
                    let from = [
                        (TimesFrom::Schedule, "From schedule"),
                        (TimesFrom::Start, "From start"),
                    ];
                    segmented(ui, theme, "Times", &mut self.kept.from, &from);
                }
            });
        }
        ui.add(Label::new(caption(theme, detail.meaning())).wrap());
        let scale = self.kept.scale;
        match detail {
            BenchDetail::OverTime => charts::ttft_ui(ui, theme, &charts, self.kept.from, scale),
            BenchDetail::Spread => {
                let beside = self.beside.charts().map(Arc::as_ref);
                spread::spread_ui(ui, theme, &charts, beside, scale);
            }
            BenchDetail::Rate => charts::rate_ui(ui, theme, &charts),
            BenchDetail::Lag => {
                let found = self.shown.summary().map(Arc::as_ref);
                charts::lag_ui(ui, theme, &charts, found, scale);
            }
            BenchDetail::Figures | BenchDetail::Beside => {}
        }
    }
}
