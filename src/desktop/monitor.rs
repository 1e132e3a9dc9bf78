//! The monitor: TTFT history across all endpoints and targets.
//!
//! In: [`Series`] of the history and the gaps between probes, asked for again when runs end, the stretch or the width changes.
//! Out: [`HistoryCommand::Series`], [`HistoryCommand::Distributions`] for the other charts; a click on a point opens its run; the plan of the probes.

mod bands;
mod bar;
mod certificate;
mod changes;
mod chart;
mod cloud;
mod distributions;
mod distributions_ui;
mod every;
mod gaps;
mod hours;
mod layout;
mod legend;
mod legend_panel;
mod mark;
mod outcomes;
mod phases;
mod plan;
mod plot;
mod plot_frame;
mod query;
mod questions;
mod shown_time;
mod spread;
mod stack;
mod target_facts;
mod targets;
mod tooltip;
mod track;
mod verb;
mod zoom;

use std::{cmp::Ordering, collections::BTreeSet};

use egui::{Button, Key, KeyboardShortcut, Layout, Margin, Modifiers, Panel, Ui};
use serde::{Deserialize, Serialize};

pub use self::verb::MonitorVerb;
use self::{
    chart::Chart, distributions::PolledDistributions, gaps::GapBand, phases::PolledPhases,
    plan::PlanForm, plot_frame::PlotFrame, target_facts::PolledFacts, targets::TargetSort,
    track::Track,
};
use super::{
    axes::{self, Scale, TimeAxis, chart_frame},
    icons,
    pacing::Pacing,
    polled,
    range::Range,
    theme::{Theme, space, title},
    view::{Action, Cx, Verb, VerbId, View, ViewId},
    widgets::{Tone, banner, empty, primary_button, segmented},
};
use crate::{
    endpoint::{TargetId, local_gateway},
    engine::{Asked, Command, MonitorCommand},
    history::{Availability, Series, TtftPlot},
};

/// A median line breaks where there were no runs for one part in this many of the range.
const GAPS_IN_RANGE: i64 = 24;

/// Most alerts that are shown above the plot; the latest come first.
const MOST_ALERTS: usize = 3;

/// What is saved with the layout.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SavedMonitor {
    range: Range,
    scale: Scale,
    hidden: BTreeSet<String>,
    chart: Chart,
    /// Whether the charts of distributions show cold runs; else they show warm ones.
    cold: bool,
    sort: TargetSort,
}

/// What the history is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
struct SeriesWanted {
    range: Range,
    zoomed: Option<(i64, i64)>,
    pixels: usize,
    late_share: f64,
}

/// What the history tells with the series.
#[derive(Debug)]
struct AnsweredFacts {
    availability: Vec<Availability>,
    /// Until when probes were rolled up, if any were (nanoseconds since 1970).
    rolled_up_until: Option<i64>,
}

/// The monitor view.
#[derive(Debug, Default)]
pub struct Monitor {
    kept: SavedMonitor,
    pacing: Pacing<SeriesWanted>,
    /// The time range that was asked for: from (`None` for the first run) and to.
    asked_range: (Option<i64>, i64),
    answer: Asked<Result<TtftPlot, String>>,
    /// What the history answered beside the series; `None` until it has.
    answered: Option<AnsweredFacts>,
    series: Vec<Series>,
    /// The times in which targets were not asked.
    bands: Vec<GapBand>,
    /// The series, laid out to be drawn.
    tracks: Vec<Track>,
    /// Whether the tracks must be laid out again.
    outdated: bool,
    problem: Option<String>,
    time: TimeAxis,
    /// The edges of a plot that the user has moved or zoomed: the range to ask for.
    zoomed: Option<(i64, i64)>,
    /// Whether another chart than that of TTFT was moved since that was shown.
    zoomed_elsewhere: bool,
    width: f32,
    /// The target under the pointer, in the legend or on the plot.
    pointed: Option<TargetId>,
    distributions: PolledDistributions,
    facts: PolledFacts,
    phases: PolledPhases,
    /// The target at the keyboard's cursor in the table.
    cursor: Option<TargetId>,
    /// The form of the probes' plan, if it is open.
    plan: Option<PlanForm>,
    /// Whether the engine was told to follow the plan of the settings.
    follows: bool,
}

impl View for Monitor {
    fn id(&self) -> ViewId {
        ViewId::Monitor
    }

    fn title(&self) -> &'static str {
        "Monitor"
    }

    fn icon(&self) -> &'static str {
        icons::MONITOR
    }

    fn verbs(&self) -> Vec<Verb> {
        let verb = |verb, label, key: Option<Key>| Verb {
            id: VerbId::Monitor(verb),
            label,
            shortcut: key.map(|key| KeyboardShortcut::new(Modifiers::COMMAND, key)),
        };
        vec![
            verb(
                MonitorVerb::Scale,
                "Linear or logarithmic scale",
                Some(Key::L),
            ),
            verb(MonitorVerb::Reset, "Reset the zoom", Some(Key::Home)),
            verb(MonitorVerb::ShowAll, "Show all targets", None),
            verb(MonitorVerb::Switch, "Turn the probes on or off", None),
            verb(MonitorVerb::Plan, "Change the probe plan…", None),
        ]
    }

    fn verb(&mut self, id: VerbId, cx: &mut Cx<'_>) {
        let VerbId::Monitor(verb) = id else { return };
        match verb {
            MonitorVerb::Scale => {
                self.kept.scale = match self.kept.scale {
                    Scale::Linear => Scale::Log,
                    Scale::Log => Scale::Linear,
                };
                self.follow_scale();
            }
            MonitorVerb::Reset => self.zoomed = None,
            MonitorVerb::ShowAll => self.show_all(),
            MonitorVerb::Switch => self.switch(cx),
            MonitorVerb::Plan => {
                cx.actions.push(Action::Go(ViewId::Monitor));
                self.open_plan(cx);
            }
        }
    }

    fn logic(&mut self, cx: &mut Cx<'_>) {
        if !std::mem::replace(&mut self.follows, true) {
            cx.commands.push(Command::Monitor(MonitorCommand::Follow));
        }
        self.distributions.take_in();
        self.facts.take_in();
        self.phases.take_in();
        match self.answer.take() {
            None => {}
            Some(Ok(plot)) => {
                let mut series = plot.series;
                // Both ways to a target come one after the other, so that their looks stand together.
                series.sort_by_cached_key(|series| local_gateway::shown(&series.target));
                let targets = series.iter().map(|series| series.target.clone());
                cx.actions.push(Action::Draw(targets.collect()));
                series.sort_by(by_median);
                self.series = series;
                self.bands = self.bands_of(&plot.gaps);
                self.answered = Some(AnsweredFacts {
                    availability: plot.availability,
                    rolled_up_until: plot.rolled_up_until,
                });
                self.problem = None;
                self.outdated = true;
            }
            Some(Err(problem)) => self.problem = Some(problem),
        }
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        // The whole view's width, not the plot's: moving the legend's border needs no new query.
        self.width = ui.available_width();
        self.toolbar_ui(ui, cx);
        self.bar_ui(ui, cx);
        if std::mem::take(&mut self.outdated) {
            self.lay_out(&cx.state.looks);
        }
        if let Some(problem) = self.problem.as_ref().or(self.problem_of_chart()) {
            banner(ui, cx.theme, Tone::Bad, problem, |_| ());
        }
        for news in cx.state.alerts.iter().rev().take(MOST_ALERTS) {
            banner(ui, cx.theme, Tone::Warn, &news.to_string(), |_| ());
        }
        if self.series.is_empty() {
            self.empty_ui(ui, cx);
        } else if self.kept.chart == Chart::Targets {
            self.targets_ui(ui, cx);
        } else {
            let before = self.pointed.take();
            self.legend_ui(ui, cx);
            // What the pointer is on in the plot is known only from the last frame.
            let pointed = self.pointed.take().or(before);
            match self.kept.chart {
                Chart::Ttft => self.plot_ui(ui, cx, pointed.as_ref()),
                Chart::Phases => self.phases_ui(ui, cx),
                _ => self.distributions_ui(ui, cx),
            }
        }
        self.ask(ui, cx);
        self.ask_for_chart(ui, cx);
        if let Some(mut plan) = self.plan.take() {
            self.plan = plan.ui(ui.ctx(), cx).then_some(plan);
        }
    }

    fn save(&self) -> Option<String> {
        serde_json::to_string(&self.kept).ok()
    }

    fn restore(&mut self, saved: &str) {
        self.kept = serde_json::from_str(saved).unwrap_or_default();
    }
}

/// The order of the legend: by the median of warm runs or, where there are none, of cold ones; those without any come
/// last.
fn by_median(a: &Series, b: &Series) -> Ordering {
    let median = |series: &Series| series.warm.or(series.cold).map(|median| median.ms);
    match (median(a), median(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

impl Monitor {
    /// Lays everything out for another scale. A zoom was one of the other scale.
    fn follow_scale(&mut self) {
        self.zoomed = None;
        self.outdated = true;
    }

    fn toolbar_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let theme = cx.theme;
        let frame = egui::Frame::new().inner_margin(Margin::symmetric(16, 10));
        Panel::top("monitor.bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                let (name, meaning) = self.kept.chart.title();
                ui.label(title(name)).on_hover_text(meaning);
                ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                    let ranges: Vec<_> = Range::ALL
                        .iter()
                        .map(|(range, short, _)| (*range, *short))
                        .collect();
                    // Another range resets the zoom.
                    if segmented(ui, theme, "Range", &mut self.kept.range, &ranges) {
                        self.zoomed = None;
                    }
                    let scales = [(Scale::Linear, "Linear"), (Scale::Log, "Log")];
                    if self.kept.chart.has_scale()
                        && segmented(ui, theme, "Scale", &mut self.kept.scale, &scales)
                    {
                        self.follow_scale();
                    }
                    if self.zoomed.is_some()
                        && ui
                            .add(Button::new(format!("{} Reset zoom", icons::RESET)))
                            .clicked()
                    {
                        self.zoomed = None;
                    }
                });
            });
            ui.add_space(space::XS);
            self.charts_ui(ui, theme);
        });
    }

    /// Shows the choice of the chart and, where it has one, of the connections.
    fn charts_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        ui.horizontal(|ui| {
            segmented(ui, theme, "Chart", &mut self.kept.chart, Chart::ALL);
            if self.kept.chart.has_connection() {
                ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                    let kinds = [(false, "Warm"), (true, "Cold")];
                    segmented(ui, theme, "Connections", &mut self.kept.cold, &kinds);
                });
            }
        });
    }

    fn plot_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, pointed: Option<&TargetId>) {
        let bounds = self.ttft_bounds();
        let frame = PlotFrame {
            tracks: &self.tracks,
            series: &self.series,
            bands: &self.bands,
            time: self.time,
            scale: self.kept.scale,
            bounds,
            pointed,
        };
        let shown = chart_frame().show(ui, |ui| plot::show(ui, cx.theme, frame));
        let shown = shown.inner;
        if shown.reset {
            self.zoomed = None;
        } else if shown.moved {
            self.zoomed = Some(shown.edges);
        }
        cx.actions.extend(shown.clicked.map(Action::OpenRun));
        if shown.pointed.as_ref() != pointed {
            ui.ctx().request_repaint();
        }
        self.pointed = shown.pointed;
    }

    fn empty_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if self.answered.is_none() {
            return;
        }
        let (head, text) = if self.kept.range == Range::All {
            (
                "No runs yet".to_owned(),
                "Every answer in the playground adds a point here: how long its target took to send the first token",
            )
        } else {
            (
                format!("No runs in the last {}", self.kept.range.name()),
                "Ask something in the playground, or look further back",
            )
        };
        empty(ui, cx.theme, icons::MONITOR, &head, text, |ui| {
            if primary_button(ui, cx.theme, "Open the playground").clicked() {
                cx.actions.push(Action::Go(ViewId::Playground));
            }
            if cx.state.settings.monitor.targets.is_empty() {
                ui.add_space(space::S);
                if ui.button("Probe targets…").clicked() {
                    self.open_plan(cx);
                }
            }
        });
    }
}
