//! The form of a new bench: whom it asks, with what load, when it stops, what it will cost.

use egui::{Panel, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::{
    draft::{BenchDraft, LoadKind, USUAL_TEXT, read_limit},
    forecast::BenchForecasts,
};
use crate::{
    bench::{ArrivalProcess, BenchConnections},
    desktop::{
        icons,
        target_picker::Picker,
        theme::{Theme, caption, heading, space},
        view::Cx,
        widgets::{fold_ui, labeled_field, primary_button, segmented, toggle},
    },
};

/// The form.
#[derive(Debug, Default)]
pub struct BenchForm {
    /// What is typed; kept with the layout.
    pub draft: BenchDraft,
    pub forecasts: BenchForecasts,
    picker: Picker,
    is_more_open: bool,
}

impl BenchForm {
    /// Shows the form; returns whether the bench is to be started.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, is_running: bool) -> bool {
        let theme = cx.theme;
        self.forecasts.follow(&self.draft, cx);
        let foot = Panel::bottom("bench.forecast").frame(egui::Frame::new());
        let started = foot.show(ui, |ui| {
            ui.add_space(space::S);
            self.forecasts.ui(ui, theme);
            ui.add_space(space::S);
            let is_ready = self.forecasts.is_ready() && !is_running;
            let start = ui.add_enabled_ui(is_ready, |ui| primary_button(ui, theme, "Start"));
            let why = if is_running {
                "Another bench runs: wait for its end, or stop it"
            } else {
                "What is missing is said above"
            };
            start.inner.on_disabled_hover_text(why).clicked()
        });
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(ui.available_width() - space::S);
            ui.label(heading("New bench"));
            ui.add_space(space::S);
            let target = self.draft.target.clone();
            let width = ui.available_width();
            let picked = self.picker.ui(ui, cx, "Target", target.as_ref(), width);
            self.draft.target = picked.or(target);
            ui.add_space(space::L);
            load_ui(ui, theme, &mut self.draft);
            ui.add_space(space::L);
            stop_ui(ui, theme, &mut self.draft);
            ui.add_space(space::L);
            goodput_ui(ui, theme, &mut self.draft);
            ui.add_space(space::L);
            prompt_ui(ui, theme, &mut self.draft);
            ui.add_space(space::M);
            fold_ui(
                ui,
                theme,
                icons::PARAMS,
                "More settings",
                &mut self.is_more_open,
            );
            if self.is_more_open {
                ui.add_space(space::XS);
                more_ui(ui, theme, &mut self.draft);
            }
            ui.add_space(space::M);
        });
        started.inner
    }
}

fn load_ui(ui: &mut Ui, theme: &Theme, draft: &mut BenchDraft) {
    ui.label(caption(theme, "Load")).on_hover_text(
        "Streams: each sends its next request when its last one is over, so that a target that stalls is asked less \
         (a closed loop). Rate: requests are sent by a schedule, whether earlier ones are over or not (an open loop), \
         so that what a user would wait for is measured",
    );
    let kinds = [(LoadKind::Streams, "Streams"), (LoadKind::Rate, "Rate")];
    segmented(ui, theme, "Load", &mut draft.load, &kinds);
    ui.add_space(space::XS);
    match draft.load {
        LoadKind::Streams => {
            let problem = draft.read_streams().err();
            let text = &mut draft.streams;
            labeled_field(ui, theme, "Streams at a time", text, "", problem.as_deref());
        }
        LoadKind::Rate => {
            let problem = draft.read_rate().err();
            let text = &mut draft.per_second;
            labeled_field(ui, theme, "Requests a second", text, "", problem.as_deref());
            ui.add_space(space::XS);
            let arrivals = [
                (ArrivalProcess::Poisson, "Poisson"),
                (ArrivalProcess::Constant, "Constant"),
            ];
            ui.label(caption(theme, "Spacing")).on_hover_text(
                "Poisson: as the requests of many independent users come. Constant: at equal distances",
            );
            segmented(ui, theme, "Spacing", &mut draft.arrivals, &arrivals);
        }
    }
    ui.add_space(space::XS);
    let (ramp, warm_up) = (draft.read_ramp().err(), draft.read_warm_up().err());
    pair_ui(
        ui,
        |ui| {
            labeled_field(
                ui,
                theme,
                "Ramp, seconds",
                &mut draft.ramp,
                "none",
                ramp.as_deref(),
            )
            .on_hover_text("Over how long the load grows to its full size");
        },
        |ui| {
            let text = &mut draft.warm_up;
            labeled_field(
                ui,
                theme,
                "Warm-up requests",
                text,
                "none",
                warm_up.as_deref(),
            )
            .on_hover_text("They are sent first, and are in no figure");
        },
    );
}

fn stop_ui(ui: &mut Ui, theme: &Theme, draft: &mut BenchDraft) {
    ui.label(caption(theme, "It stops at the first of"));
    let (requests, seconds) = (draft.read_requests().err(), draft.read_seconds().err());
    pair_ui(
        ui,
        |ui| {
            let text = &mut draft.requests;
            labeled_field(ui, theme, "Requests", text, "no limit", requests.as_deref());
        },
        |ui| {
            let text = &mut draft.seconds;
            labeled_field(ui, theme, "Seconds", text, "no limit", seconds.as_deref());
        },
    );
    let (failures, usd) = (draft.read_failures().err(), draft.read_usd().err());
    pair_ui(
        ui,
        |ui| {
            let text = &mut draft.failures;
            labeled_field(
                ui,
                theme,
                "More failures than",
                text,
                "no limit",
                failures.as_deref(),
            );
        },
        |ui| {
            labeled_field(
                ui,
                theme,
                "US dollars",
                &mut draft.usd,
                "no limit",
                usd.as_deref(),
            )
            .on_hover_text("Requests under way are counted at their most");
        },
    );
    if draft.load == LoadKind::Rate {
        ui.add_space(space::XS);
        toggle(
            ui,
            &mut draft.over_saturation,
            "The target takes less than is sent",
        )
        .on_hover_text("What is under way then only grows: waiting longer tells nothing more");
    }
}

fn goodput_ui(ui: &mut Ui, theme: &Theme, draft: &mut BenchDraft) {
    ui.label(caption(theme, "A good request takes at most (milliseconds)")).on_hover_text(
        "Goodput is the share of requests, failures included, that keep all of these limits (SLOs). In an open loop \
         they hold from schedule",
    );
    ui.columns(3, |columns| {
        let fields = [
            ("TTFT", &mut draft.ttft),
            ("TPOT", &mut draft.tpot),
            ("Total", &mut draft.total),
        ];
        for (column, (name, text)) in columns.iter_mut().zip(fields) {
            let problem = read_limit(text).err();
            labeled_field(column, theme, name, text, "any", problem.as_deref());
        }
    });
}

fn prompt_ui(ui: &mut Ui, theme: &Theme, draft: &mut BenchDraft) {
    ui.label(caption(theme, "Prompt")).on_hover_text(
        "A number that was never sent before stands in front of it, so that no cache shortens an answer",
    );
    let hint = RichText::new(USUAL_TEXT).color(theme.text_dim);
    let edit = TextEdit::multiline(&mut draft.prompt)
        .hint_text(hint)
        .desired_rows(2)
        .desired_width(f32::INFINITY);
    ui.add(edit.margin(vec2(8.0, 5.0)))
        .accessible_name("Prompt");
    ui.add_space(space::XS);
    let problem = draft.read_max_tokens().err();
    let label = "Most output tokens of an answer";
    labeled_field(
        ui,
        theme,
        label,
        &mut draft.max_tokens,
        "",
        problem.as_deref(),
    );
}

fn more_ui(ui: &mut Ui, theme: &Theme, draft: &mut BenchDraft) {
    ui.label(caption(theme, "Connections")).on_hover_text(
        "Warm: open ones, where there are any. Cold: a new one for each request, whose handshakes are part of its TTFT",
    );
    let connections = [
        (BenchConnections::Warm, "Warm"),
        (BenchConnections::Cold, "Cold"),
    ];
    segmented(
        ui,
        theme,
        "Connections",
        &mut draft.connections,
        &connections,
    );
    ui.add_space(space::XS);
    if draft.load == LoadKind::Rate {
        let problem = draft.read_most_in_flight().err();
        let text = &mut draft.most_in_flight;
        labeled_field(
            ui,
            theme,
            "Most requests under way",
            text,
            "",
            problem.as_deref(),
        )
        .on_hover_text("What is due beyond it waits, which counts as this machine’s lag");
    }
    toggle(ui, &mut draft.is_polite, "Wait after a 429").on_hover_text(
        "Nothing is sent for as long as the target asks, or for a second. What was due meanwhile is skipped and \
         counted. The choice is kept with the bench",
    );
}

/// Two columns of the same width.
fn pair_ui(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    ui.columns(2, |columns| {
        if let [first, second] = columns {
            left(first);
            right(second);
        }
    });
}
