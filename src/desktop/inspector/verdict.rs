//! The verdict on bursts, as a line.

use egui::{Color32, Label, Response, RichText, Ui};

use super::facts::RunFacts;
use crate::{
    desktop::{icons, theme::Theme, widgets::counted},
    measure::burst::BurstVerdict,
};

/// How the verdict is made.
pub const HOW: &str = "Reads less than 0.2 ms apart count as one; events are those with tokens. An answer is buffered if at \
                   least 80% of them came in reads of six or more after silences of 0.1 s or longer: a server that sends \
                   several tokens at a time does so every few milliseconds";

/// The icon and the colour of a verdict.
pub fn verdict_look(theme: &Theme, verdict: BurstVerdict) -> (&'static str, Color32) {
    match verdict {
        BurstVerdict::Buffered => (icons::WARN, theme.warn),
        BurstVerdict::Flowing => (icons::OK, theme.good),
        BurstVerdict::Unclear => (icons::HELP, theme.text_dim),
    }
}

/// Shows what the reads say about buffering, and how many stalls there were.
pub fn burst_ui(ui: &mut Ui, theme: &Theme, facts: &RunFacts) {
    if let Some(burst) = &facts.burst {
        let (icon, color) = verdict_look(theme, burst.verdict);
        line_ui(ui, theme, icon, color, &burst.to_string()).on_hover_text(HOW);
    }
    if facts.stalls > 0 {
        let stalls = counted(facts.stalls as u64, "stall");
        let text = format!("{stalls}: gaps of 250 ms or more that stand far out");
        line_ui(ui, theme, icons::TIMER, theme.bad, &text).on_hover_text(
            "A gap is a stall if the modified z-score of its logarithm is above 3.5 (Iglewicz & Hoaglin 1993)",
        );
    }
}

fn line_ui(ui: &mut Ui, theme: &Theme, icon: &str, color: Color32, text: &str) -> Response {
    ui.horizontal_top(|ui| {
        ui.label(RichText::new(icon).color(color));
        ui.add(Label::new(RichText::new(text).color(theme.text)).wrap())
    })
    .inner
}
