//! The comparison that is shown: its arms, how it stands, the verdicts that it is about, and below them one detail.

use egui::{Label, ScrollArea, Ui};

use super::{
    CompareView, HEAD, SharedComparison,
    arms::{ShownArm, arms_ui, shown_arms},
    article::article_ui,
    data::DataKey,
    differences::{self, DifferencesFrame},
    phases::phases_ui,
    progress::progress_ui,
    spread::{SpreadFrame, distributions_ui, quantiles_ui},
    verb::CompareDetail,
    verdicts::{headline_ui, verdicts_ui},
};
use crate::{
    compare::{ComparedConnections, ComparedFigure, KindComparison},
    desktop::{
        axes::Scale,
        icons,
        setup::Nothing,
        theme::{Theme, caption, space},
        view::{Action, Cx},
        widgets::{Tone, banner, icon_button, segmented},
    },
    run::ConnectionKind,
};

/// From this width on, all choices stand on one line, in points.
const ONE_LINE: f32 = 800.0;

const NOTHING: Nothing = Nothing {
    icon: icons::COMPARE,
    heading: "Which one is faster?",
    text: "The same prompts go to each target in pairs and random order. A verdict says which is faster, by how much, and how \
        sure that is; or about how many more pairs it takes",
};

impl CompareView {
    pub(super) fn empty_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.problems_ui(ui, cx);
        if self.shown.is_opening() {
            ui.label(caption(cx.theme, "Opening…"));
            return;
        }
        NOTHING.ui(ui, cx.theme, HEAD, &mut self.kept.side);
    }

    pub(super) fn comparison_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, state: &SharedComparison) {
        self.problems_ui(ui, cx);
        let theme = cx.theme;
        let arms = shown_arms(state, &cx.state.looks);
        arms_ui(ui, theme, &arms);
        ui.add_space(space::XS);
        let is_stopping = self.stopping == Some(state.head.id) && state.is_running;
        if progress_ui(ui, theme, state, &arms, is_stopping) {
            self.stop(cx);
        }
        ui.add_space(space::S);
        if self.kept.detail != CompareDetail::Answers {
            headline_ui(ui, theme, state, &arms);
        }
        if state.rounds.is_empty() {
            let text = "Verdicts follow once pairs are over";
            ui.label(caption(theme, text));
            return;
        }
        self.choices_ui(ui, cx, state);
        ui.add_space(space::S);
        self.detail_ui(ui, cx, state, &arms);
    }

    fn problems_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if let Some(problem) = &self.shown.problem {
            banner(ui, cx.theme, Tone::Bad, problem, |_| ());
        }
        if let Some((times, why)) = &cx.state.comparison_refused
            && *times > self.closed_refusals
        {
            let text = format!("It could not be started: {why}");
            let closed = banner(ui, cx.theme, Tone::Bad, &text, |ui| {
                icon_button(ui, cx.theme, icons::CLOSE, "Close this notice").clicked()
            });
            if closed {
                self.closed_refusals = *times;
            }
        }
    }

    /// Which detail is shown, of which connections, of which figure.
    fn choices_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, state: &SharedComparison) {
        let theme = cx.theme;
        let is_wide = ui.available_width() > ONE_LINE;
        ui.horizontal(|ui| {
            let (name, all) = ("Detail", CompareDetail::ALL);
            segmented(ui, theme, name, &mut self.kept.detail, all);
            if is_wide {
                self.of_what_ui(ui, theme, state);
            }
        });
        if !is_wide && self.has_choice(state) {
            ui.horizontal(|ui| self.of_what_ui(ui, theme, state));
        }
        // The verdicts are sentences already.
        if self.kept.detail != CompareDetail::Verdicts {
            let meaning = caption(theme, self.kept.detail.meaning());
            ui.add(Label::new(meaning).wrap());
        }
    }

    /// Whether anything is to be chosen beside the detail.
    fn has_choice(&self, state: &SharedComparison) -> bool {
        let detail = self.kept.detail;
        let has_both = state.plan().connections == ComparedConnections::Both;
        detail.has_figure() || (detail.has_connection() && has_both)
    }

    /// Of which connections, of which figure, on which scale.
    fn of_what_ui(&mut self, ui: &mut Ui, theme: &Theme, state: &SharedComparison) {
        let detail = self.kept.detail;
        if detail.has_connection() && state.plan().connections == ComparedConnections::Both {
            let kinds = [(false, "Warm"), (true, "Cold")];
            segmented(ui, theme, "Connections", &mut self.kept.is_cold, &kinds);
        }
        if detail.has_figure() {
            let figures = ComparedFigure::ALL.iter();
            let figures: Vec<_> = figures.map(|figure| (*figure, figure.label())).collect();
            segmented(ui, theme, "Figure", &mut self.kept.figure, &figures);
        }
        if detail.has_scale() {
            let scales = [(Scale::Linear, "Linear"), (Scale::Log, "Log")];
            segmented(ui, theme, "Scale", &mut self.kept.scale, &scales);
        }
    }

    /// The kind of connection that is shown.
    fn kind<'a>(&self, state: &'a SharedComparison) -> Option<&'a KindComparison> {
        let wanted = if self.kept.is_cold {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        };
        let kinds = &state.result.kinds;
        kinds
            .iter()
            .find(|kind| kind.connection == wanted)
            .or(kinds.first())
    }

    fn detail_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        state: &SharedComparison,
        arms: &[ShownArm],
    ) {
        let theme = cx.theme;
        let detail = self.kept.detail;
        if detail == CompareDetail::Answers {
            self.answers.ui(ui, cx, state, arms);
            return;
        }
        let Some(kind) = self.kind(state) else { return };
        if detail.has_figure() {
            self.plot_ui(ui, cx, state, kind, arms);
            return;
        }
        let area = ScrollArea::vertical()
            .id_salt(detail.meaning())
            .auto_shrink(false);
        area.show(ui, |ui| {
            ui.set_max_width(ui.available_width() - space::S);
            match detail {
                CompareDetail::Phases => phases_ui(ui, theme, kind, arms),
                CompareDetail::Table => article_ui(ui, theme, &kind.article, arms),
                _ => verdicts_ui(ui, theme, state, kind, arms),
            }
        });
    }

    fn plot_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        state: &SharedComparison,
        kind: &KindComparison,
        arms: &[ShownArm],
    ) {
        let key = DataKey {
            comparison: state.head.id,
            rounds: state.rounds.len(),
            connection: kind.connection,
            figure: self.kept.figure,
        };
        let Some(data) = self.data.of(ui.ctx(), state, key) else {
            return;
        };
        if data.counts.iter().all(|count| *count == 0) {
            ui.label(caption(
                cx.theme,
                "No run was measured over such connections",
            ));
            return;
        }
        let figure = self.kept.figure;
        if self.kept.detail == CompareDetail::Differences {
            let frame = DifferencesFrame {
                data: &data,
                arms,
                kind,
                figure,
            };
            let clicked = differences::show(ui, cx.theme, frame);
            cx.actions.extend(clicked.map(Action::OpenRun));
            return;
        }
        let frame = SpreadFrame {
            data: &data,
            arms,
            figure,
            scale: self.kept.scale,
        };
        match self.kept.detail {
            CompareDetail::Quantiles => quantiles_ui(ui, cx.theme, frame),
            _ => distributions_ui(ui, cx.theme, frame),
        }
    }
}
