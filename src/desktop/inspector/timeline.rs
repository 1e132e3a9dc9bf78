//! The inspector's second tab: the waterfall of one run or two, and how the gaps between reads spread.

use egui::{Label, Layout, ScrollArea, Ui, containers::scroll_area::ScrollSource};

use super::{
    facts::Derived,
    verdict::burst_ui,
    waterfall::{AxisStep, ShownRun, Waterfall},
};
use crate::{
    capture::DecodedCapture,
    desktop::{
        icons,
        theme::{Theme, caption, size, space, strong},
        widgets::{date_time, icon_button},
    },
    endpoint::local_gateway,
    run::{Run, RunId},
};

/// How the axis is moved, where no read is chosen.
const HINT: &str =
    "Wheel or + − zoom, drag or Shift+← → move, ← → go from read to read, 0 shows all";

/// The tab's state.
#[derive(Debug, Default)]
pub struct Timeline {
    waterfall: Waterfall,
}

impl Timeline {
    /// Shows the runs; the first is the one that is inspected.
    pub fn ui<'a>(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        runs: &[&Run],
        derived: &Derived,
        wires: &dyn Fn(RunId) -> Option<&'a DecodedCapture>,
    ) {
        let titles: Vec<String> = runs.iter().map(|run| title(run)).collect();
        let facts = |run: &Run| derived.of(run.head.id);
        let shown: Vec<ShownRun<'_>> = (runs.iter().zip(&titles))
            .filter_map(|(run, title)| {
                let facts = facts(run)?;
                let wire = wires(run.head.id);
                Some(ShownRun {
                    run,
                    facts,
                    title,
                    wire,
                })
            })
            .collect();
        self.waterfall.follow(&shown);
        let steps = Waterfall::keys(ui);
        let clicked = self.tools_ui(ui, theme, &shown);
        for step in steps.into_iter().chain(clicked) {
            self.waterfall.step(step, &shown);
        }
        // Over the waterfall, the wheel zooms.
        let source = ScrollSource {
            mouse_wheel: !self.waterfall.is_pointed(),
            ..ScrollSource::default()
        };
        ScrollArea::vertical()
            .id_salt("timeline")
            .auto_shrink(false)
            .scroll_source(source)
            .show(ui, |ui| {
                // Of two, each has its own in the waterfall.
                if let [only] = &shown[..] {
                    burst_ui(ui, theme, only.facts);
                }
                ui.add_space(space::XS);
                self.waterfall.ui(ui, theme, &shown);
                ui.add_space(space::XS);
                for shown in &shown {
                    gaps_ui(ui, theme, shown, shown_twice(&titles));
                }
            });
    }

    /// Buttons for the axis, and the chosen read in words.
    fn tools_ui(&self, ui: &mut Ui, theme: &Theme, shown: &[ShownRun<'_>]) -> Option<AxisStep> {
        let steps = [
            (icons::ADD, "Zoom in", AxisStep::ZoomIn),
            (icons::REMOVE, "Zoom out", AxisStep::ZoomOut),
            (icons::RESET, "Show the whole run", AxisStep::Whole),
            (icons::CHEVRON_LEFT, "Previous read", AxisStep::PreviousRead),
            (icons::CHEVRON_RIGHT, "Next read", AxisStep::NextRead),
        ];
        let mut clicked = None;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            for (icon, name, step) in steps {
                if icon_button(ui, theme, icon, name).clicked() {
                    clicked = Some(step);
                }
            }
            ui.add_space(space::S);
            let text = self.waterfall.cursor_text(shown);
            let text = caption(theme, text.unwrap_or_else(|| HINT.to_owned()));
            ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(Label::new(text).truncate());
            });
        });
        clicked
    }
}

fn shown_twice(titles: &[String]) -> bool {
    titles.len() > 1
}

fn title(run: &Run) -> String {
    let target = local_gateway::shown(&run.head.target);
    let started = date_time(run.stamps.started_unix_ns);
    format!("{target}  {started}")
}

fn gaps_ui(ui: &mut Ui, theme: &Theme, shown: &ShownRun<'_>, named: bool) {
    if shown.run.reads.is_empty() {
        return;
    }
    ui.add_space(space::S);
    let title = if named {
        format!("Gaps between arrivals of tokens: {}", shown.title)
    } else {
        "Gaps between arrivals of tokens".to_owned()
    };
    let title = strong(title).size(size::SMALL).color(theme.text_dim);
    ui.add(Label::new(title).truncate());
    shown.facts.histogram.ui(ui, theme);
}
