//! The bar of the probes: on or off, how it stands, and the way to the plan.

use std::time::{Duration, Instant};

use egui::{Align, Label, Layout, Margin, Panel, RichText, Ui};

use super::{Monitor, every::every_text, gaps::reason_text, plan::PlanForm};
use crate::{
    clock::now,
    desktop::{
        theme::space,
        view::Cx,
        widgets::{Tone, banner, counted, ghost_button, switch},
    },
    engine::{Command, MonitorState, ProbingState},
    settings::{SettingsEdit, monitor::MonitorSettings},
};

/// How often the time to the next probe is shown anew.
const TICK: Duration = Duration::from_secs(1);

impl Monitor {
    /// Shows the bar.
    pub(super) fn bar_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        let settings = &cx.state.settings.monitor;
        let frame = egui::Frame::new()
            .fill(theme.surface)
            .inner_margin(Margin::symmetric(16, 6));
        Panel::top("monitor.probes").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                if switch(ui, theme, settings.on, "Probes").clicked() {
                    self.switch(cx);
                }
                ui.add_space(space::XS);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let plan = if cx.state.settings.monitor.targets.is_empty() {
                        "Choose targets…"
                    } else {
                        "Plan…"
                    };
                    if ghost_button(ui, theme, plan).clicked() {
                        self.open_plan(cx);
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let (text, hover) = said(cx, now());
                        let color = if settings_on(cx) {
                            theme.text
                        } else {
                            theme.text_dim
                        };
                        let label = Label::new(RichText::new(text).color(color)).truncate();
                        let label = ui.add(label);
                        if !hover.is_empty() {
                            label.on_hover_text(hover);
                        }
                    });
                });
            });
        });
        if let MonitorState::Failed(why) = &cx.state.monitor {
            banner(ui, theme, Tone::Bad, &format!("Not probing: {why}"), |_| ());
        }
        if matches!(&cx.state.monitor, MonitorState::Probing(probing) if probing.next.is_some()) {
            ui.ctx().request_repaint_after(TICK);
        }
    }

    /// Turns the probes on, or off. Without a target there is nothing to turn on.
    pub(super) fn switch(&mut self, cx: &mut Cx<'_>) {
        let settings = &cx.state.settings.monitor;
        if !settings.on && settings.targets.is_empty() {
            return self.open_plan(cx);
        }
        let changed = MonitorSettings {
            on: !settings.on,
            ..settings.clone()
        };
        cx.commands
            .push(Command::Edit(SettingsEdit::Monitor(changed)));
    }

    pub(super) fn open_plan(&mut self, cx: &Cx<'_>) {
        self.plan = Some(PlanForm::new(&cx.state.settings.monitor));
    }
}

fn settings_on(cx: &Cx<'_>) -> bool {
    cx.state.settings.monitor.on
}

/// How the probes stand, and what else is to be said of that on hover.
fn said(cx: &Cx<'_>, now: Instant) -> (String, String) {
    let settings = &cx.state.settings.monitor;
    let plan = plan_text(settings.targets.len(), settings.every());
    match &cx.state.monitor {
        _ if settings.targets.is_empty() => ("No target is probed yet".to_owned(), String::new()),
        MonitorState::Off if settings.on => ("Starting…".to_owned(), String::new()),
        MonitorState::Off => (format!("Off · {plan} when on"), String::new()),
        MonitorState::Probing(probing) => (probing_text(probing, now), paused_text(probing)),
        MonitorState::Watching { pid } => {
            let pid = pid.map_or_else(String::new, |pid| format!(": pid {pid}"));
            let text = format!("Another process probes{pid}. This one takes over when that ends");
            (
                text,
                "Of the processes with one data folder, one probes".to_owned(),
            )
        }
        MonitorState::Failed(_) => ("Not probing".to_owned(), String::new()),
    }
}

fn plan_text(targets: usize, every: Duration) -> String {
    let targets = counted(targets as u64, "target");
    format!("{targets} every {}", every_text(every))
}

fn probing_text(probing: &ProbingState, now: Instant) -> String {
    let every = probing.every.unwrap_or_default();
    let mut parts = vec![format!("Probing {}", plan_text(probing.targets, every))];
    let not_asked = probing.not_asked.len();
    if let Some((_, why)) = probing.not_asked.first() {
        let who = match (not_asked, probing.targets) {
            (n, all) if n == all => "paused".to_owned(),
            (n, _) => format!("{n} paused"),
        };
        parts.push(format!("{who}: {}", reason_text(*why)));
    } else if probing.under_way > 0 {
        parts.push(format!("{} under way", probing.under_way));
    } else if let Some(next) = probing.next {
        let secs = next.saturating_duration_since(now).as_secs_f64().ceil();
        parts.push(format!("next in {secs:.0} s"));
    }
    parts.push(match probing.usd_per_day {
        Some(cap) => format!("{} today of {cap}", probing.spent),
        None => format!("{} today", probing.spent),
    });
    parts.join(" · ")
}

/// Which targets are not asked, and why; and what "today" is.
fn paused_text(probing: &ProbingState) -> String {
    let mut lines: Vec<String> = (probing.not_asked.iter())
        .map(|(target, why)| format!("{target}: {}", reason_text(*why)))
        .collect();
    lines.push(
        "A day is from midnight to midnight, UTC. Probes whose cost is not known count nothing"
            .to_owned(),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{history::GapReason, price::Usd};

    #[test]
    fn the_state_is_one_line() {
        let now = now();
        let probing = ProbingState {
            targets: 3,
            every: Some(Duration::from_mins(1)),
            next: Some(now + Duration::from_millis(11_400)),
            spent: Usd::of_dollars(0.02).unwrap(),
            usd_per_day: Usd::of_dollars(1.0),
            ..ProbingState::default()
        };
        assert_eq!(
            probing_text(&probing, now),
            "Probing 3 targets every 60 s · next in 12 s · $0.0200 today of $1.00"
        );
        let target = "openai/gpt-5-mini".parse().unwrap();
        let capped = ProbingState {
            not_asked: vec![(target, GapReason::CostCap)],
            ..probing
        };
        assert_eq!(
            probing_text(&capped, now),
            "Probing 3 targets every 60 s · 1 paused: the day’s cost cap was reached · $0.0200 today of $1.00"
        );
        assert!(paused_text(&capped).starts_with("openai/gpt-5-mini: the day’s cost cap"));
    }
}
