//! The form of the plan: whom to probe, how often, for how much; with what it will cost.

use std::time::Duration;

use egui::{Align, Context, Label, Layout, RichText, ScrollArea, Ui};

use super::every::every_text;
use crate::{
    clock::wall_clock_ns,
    desktop::{
        icons,
        target_picker::Picker,
        theme::{Theme, caption, heading, size, space},
        view::Cx,
        widgets::{
            card, choice_box, dialog, ghost_button, icon_button, labeled_field, primary_button,
            segmented, toggle,
        },
    },
    endpoint::local_gateway,
    engine::Command,
    monitor::{Forecast, PROMPT, ProbePlan, forecast},
    price::Usd,
    settings::{
        SettingsEdit,
        monitor::{MonitorSettings, ProbedConnections, prompt_error},
    },
    visible::visible_line,
};

/// Times between two probes that are offered, in seconds.
const EVERY: [u32; 7] = [10, 30, 60, 300, 900, 1_800, 3_600];
/// Times between two free checks that are offered, in seconds.
const CHECKS: [(u32, &str); 4] = [(0, "Off"), (10, "10 s"), (30, "30 s"), (60, "60 s")];
/// What is offered as the most to spend on a day, in US dollars.
const OFFERED_CAP: &str = "1.00";
const WIDTH: f32 = 460.0;

/// The open form.
#[derive(Debug)]
pub struct PlanForm {
    draft: MonitorSettings,
    /// The cost cap as it is typed; empty for none.
    cap: String,
    /// The question as it is typed; empty for the monitor's own.
    prompt: String,
    picker: Picker,
    /// How high the forecast was in the last frame, in points.
    forecast_height: f32,
}

/// What the user did in a frame.
enum Done {
    Save { on: bool },
    Cancel,
}

impl PlanForm {
    /// A form with what is set.
    #[must_use]
    pub fn new(settings: &MonitorSettings) -> Self {
        let cap = match settings.usd_per_day {
            Some(usd) => usd.to_string(),
            // A first plan has a cap unless the user removes it.
            None if settings.targets.is_empty() => OFFERED_CAP.to_owned(),
            None => String::new(),
        };
        Self {
            draft: settings.clone(),
            cap,
            prompt: settings.prompt.clone().unwrap_or_default(),
            picker: Picker::default(),
            forecast_height: 0.0,
        }
    }

    /// Shows the form; returns whether it stays open.
    pub fn ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) -> bool {
        let (done, closed) = dialog(ctx, cx.theme, "plan", WIDTH, |ui| {
            let around = 176.0 + self.forecast_height;
            let room = (ui.ctx().content_rect().height() - around).max(200.0);
            ui.label(heading("Probe plan"));
            let text = "A probe is a short question of at most 16 output tokens; each is a run in the history";
            ui.label(caption(cx.theme, text));
            ui.add_space(space::M);
            // Without a least height it grows with the dialog, frame by frame.
            let scrolled = ScrollArea::vertical().max_height(room);
            let scrolled = scrolled.min_scrolled_height(room).show(ui, |ui| {
                self.targets_ui(ui, cx);
                ui.add_space(space::M);
                self.schedule_ui(ui, cx.theme);
                ui.add_space(space::XS);
                self.prompt_ui(ui, cx.theme);
                ui.add_space(space::M);
                self.cost_ui(ui, cx)
            });
            self.forecast_ui(ui, cx.theme, &scrolled.inner);
            ui.add_space(space::M);
            self.buttons_ui(ui, cx)
        });
        match done {
            Some(Done::Save { on }) => {
                let changed = MonitorSettings {
                    on,
                    ..self.draft.clone()
                };
                cx.commands
                    .push(Command::Edit(SettingsEdit::Monitor(changed)));
                false
            }
            Some(Done::Cancel) => false,
            None => !closed,
        }
    }

    fn targets_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        ui.label(caption(theme, "Targets"));
        let mut removed = None;
        for (index, target) in self.draft.targets.iter().enumerate() {
            ui.horizontal(|ui| {
                let name = local_gateway::shown(target);
                let remove = format!("Remove {name}");
                if icon_button(ui, theme, icons::CLOSE, &remove).clicked() {
                    removed = Some(index);
                }
                ui.add(Label::new(visible_line(&name).into_owned()).truncate());
            });
        }
        if let Some(index) = removed {
            self.draft.targets.remove(index);
        }
        let picked = self.picker.ui(ui, cx, "Target to add", None, WIDTH / 2.0);
        if let Some(target) = picked
            && !self.draft.targets.contains(&target)
        {
            self.draft.targets.push(target);
        }
    }

    fn schedule_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let draft = &mut self.draft;
        row_ui(ui, theme, "Each target is probed every", |ui| {
            let mut offered = EVERY.to_vec();
            if !offered.contains(&draft.every_s) {
                offered.push(draft.every_s);
                offered.sort_unstable();
            }
            let text = |secs: u32| every_text(Duration::from_secs(secs.into()));
            choice_box("plan.every")
                .width(100.0)
                .selected_text(text(draft.every_s))
                .show_ui(ui, |ui| {
                    for secs in offered {
                        ui.selectable_value(&mut draft.every_s, secs, text(secs));
                    }
                })
                .response
                .accessible_name("Time between two probes of a target");
        });
        row_ui(ui, theme, "Connections", |ui| {
            let choices = [
                (ProbedConnections::Warm, "Warm"),
                (ProbedConnections::Cold, "Cold"),
                (ProbedConnections::Both, "In turn"),
            ];
            segmented(ui, theme, "Connections", &mut draft.connections, &choices);
        });
        row_ui(ui, theme, "Free checks of the endpoints", |ui| {
            let mut choices = CHECKS.to_vec();
            let own = format!("{} s", draft.check_every_s);
            if !choices.iter().any(|(secs, _)| *secs == draft.check_every_s) {
                choices.push((draft.check_every_s, own.as_str()));
            }
            let text = "A check is a handshake and the list of models: it costs nothing, and tells when an endpoint is away";
            ui.scope(|ui| {
                segmented(ui, theme, "Free checks", &mut draft.check_every_s, &choices);
            })
            .response
            .on_hover_text(text);
        });
    }

    fn prompt_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let problem = self.read_prompt().err();
        let label = "Question, sent with a new random number in front";
        labeled_field(
            ui,
            theme,
            label,
            &mut self.prompt,
            PROMPT,
            problem.as_deref(),
        );
        if let Ok(prompt) = self.read_prompt() {
            self.draft.prompt = prompt;
        }
    }

    /// The question that is typed.
    fn read_prompt(&self) -> Result<Option<String>, String> {
        let text = self.prompt.trim();
        if text.is_empty() {
            return Ok(None);
        }
        prompt_error(text).map_or_else(|| Ok(Some(text.to_owned())), Err)
    }

    /// Shows what the plan will cost, in sight while the rest is scrolled.
    fn forecast_ui(&mut self, ui: &mut Ui, theme: &Theme, forecast: &Forecast) {
        let top = ui.cursor().top();
        ui.add_space(space::S);
        card(ui, theme, |ui| {
            ui.set_min_width(ui.available_width());
            for line in self.forecast_lines(forecast) {
                ui.add(Label::new(RichText::new(line).color(theme.text)).wrap());
            }
        });
        let height = ui.cursor().top() - top;
        let before = std::mem::replace(&mut self.forecast_height, height);
        if (height - before).abs() > 0.5 {
            ui.ctx()
                .request_discard("the forecast is higher or lower than before");
        }
    }

    /// Shows the cap; returns what the plan will cost.
    fn cost_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Forecast {
        let theme = cx.theme;
        let problem = self.read_cap().err();
        labeled_field(
            ui,
            theme,
            "Most US dollars a day, from midnight to midnight, UTC",
            &mut self.cap,
            "no cap",
            problem.as_deref(),
        );
        if let Ok(cap) = self.read_cap() {
            self.draft.usd_per_day = cap;
        }
        let forecast = self.forecast(cx);
        if !forecast.unpriced.is_empty() && self.draft.usd_per_day.is_some() {
            ui.add_space(space::XS);
            let label = "Probe targets without a known price, too, and do not count them";
            toggle(ui, &mut self.draft.allow_unpriced, label);
        }
        forecast
    }

    /// The cap that is typed.
    fn read_cap(&self) -> Result<Option<f64>, String> {
        let text = self.cap.trim().trim_start_matches('$');
        if text.is_empty() {
            return Ok(None);
        }
        let usd: Option<f64> = text.parse().ok();
        usd.filter(|usd| Usd::of_dollars(*usd).is_some())
            .map(Some)
            .ok_or_else(|| "An amount is written as 0.50 or 2".to_owned())
    }

    fn forecast(&self, cx: &Cx<'_>) -> Forecast {
        let settings = &cx.state.settings;
        let plan = ProbePlan::drafted(&self.draft);
        let endpoint = |id: &str| settings.endpoint_or_preset(id);
        forecast(&plan, endpoint, &settings.prices, wall_clock_ns())
    }

    /// What the plan will cost, in sentences.
    fn forecast_lines(&self, forecast: &Forecast) -> Vec<String> {
        if self.draft.targets.is_empty() {
            return vec!["Add a target to see what probing it costs".to_owned()];
        }
        let mut lines = Vec::new();
        if forecast.paid_probes > 0 {
            lines.push(format!(
                "About {} a day at most, for {} probes of known price",
                forecast.a_day, forecast.paid_probes
            ));
            let cap = self.draft.usd_per_day.and_then(Usd::of_dollars);
            if let Some(cap) = cap.filter(|cap| *cap < forecast.a_day) {
                let hours = 24.0 * cap.dollars() / forecast.a_day.dollars();
                lines.push(format!(
                    "The cap of {cap} may be reached after {hours:.1} hours; nobody is probed then until the next day"
                ));
            }
        } else if forecast.unpriced.is_empty() {
            lines.push("It costs nothing: the simulator answers".to_owned());
        }
        if !forecast.unpriced.is_empty() {
            let names: Vec<String> = (forecast.unpriced.iter())
                .map(local_gateway::shown)
                .collect();
            let names = names.join(", ");
            let names = visible_line(&names);
            let what = match (self.draft.usd_per_day, self.draft.allow_unpriced) {
                (Some(_), false) => {
                    ": it is not probed while there is a cap. A section [price] in the settings can give it"
                }
                (Some(_), true) => ": it is probed, and does not count for the cap",
                (None, _) => "",
            };
            lines.push(format!("The price of {names} is not known{what}"));
        }
        lines
    }

    fn buttons_ui(&self, ui: &mut Ui, cx: &Cx<'_>) -> Option<Done> {
        let theme = cx.theme;
        let mut done = None;
        ui.horizontal(|ui| {
            let is_read = self.read_cap().is_ok() && self.read_prompt().is_ok();
            let has_target = !self.draft.targets.is_empty();
            let primary = if self.draft.on {
                "Save"
            } else {
                "Save and turn on"
            };
            let save = ui.add_enabled_ui(is_read && has_target, |ui| {
                primary_button(ui, theme, primary)
            });
            if save.inner.clicked() {
                done = Some(Done::Save { on: true });
            }
            if !self.draft.on {
                let only = ui.add_enabled_ui(is_read, |ui| ui.button("Save only"));
                if only.inner.clicked() {
                    done = Some(Done::Save { on: false });
                }
            }
            if ghost_button(ui, theme, "Cancel").clicked() {
                done = Some(Done::Cancel);
            }
        });
        done
    }
}

/// A name, and what is set by it.
fn row_ui(ui: &mut Ui, theme: &Theme, name: &str, content: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        let layout = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(egui::vec2(190.0, 26.0), layout, |ui| {
            ui.set_min_width(190.0);
            let text = RichText::new(name).size(size::SMALL).color(theme.text_dim);
            ui.add(Label::new(text).truncate());
        });
        content(ui);
    });
}
