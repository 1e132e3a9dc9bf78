//! How a rule would have done on the past, and how much of the past there is to try it on.

use egui::{Label, RichText, Ui};

use crate::{
    alert::{AlertTrial, not_kept},
    clock::wall_clock_ns,
    desktop::{
        theme::{Theme, caption, size},
        view::Cx,
        widgets::{capitalized, count, date_time},
    },
    settings::alert::AlertFigure,
    visible::visible_line,
};

/// A day in nanoseconds.
pub const DAY_NS: i64 = 86_400_000_000_000;
/// Most times that are listed of those at which it would have fired.
const MOST_PERIODS: usize = 5;

/// Says what of the last days can't be tried, as it is not kept one by one.
pub fn not_kept_ui(ui: &mut Ui, cx: &Cx<'_>, figure: AlertFigure, days: i64) {
    let now = wall_clock_ns();
    let since = now.saturating_sub(days.saturating_mul(DAY_NS));
    for text in not_kept(&[figure], (since, now), cx.state.settings.retention) {
        ui.add(Label::new(caption(cx.theme, text)).wrap());
    }
}

/// Shows how a rule would have done on the last days.
pub fn trial_lines(ui: &mut Ui, theme: &Theme, days: i64, trial: &AlertTrial) {
    let times = capitalized(&trial.times());
    let over = if days == 1 {
        "the last day".to_owned()
    } else {
        format!("the last {days} days")
    };
    let n = count(trial.n as u64);
    ui.label(format!("{times} in {over}, by {n} probes or checks"));
    for period in trial.periods.iter().rev().take(MOST_PERIODS) {
        let (from, target) = (date_time(period.from_unix_ns), visible_line(&period.target));
        let to = match period.to_unix_ns {
            Some(to) => format!("until {}", date_time(to)),
            None => "and fires still".to_owned(),
        };
        let text = RichText::new(format!("{from}  {target}  {to}")).size(size::SMALL);
        ui.add(Label::new(text.color(theme.text_dim)).truncate());
    }
    let more = trial.periods.len().saturating_sub(MOST_PERIODS);
    if more > 0 {
        ui.label(caption(theme, format!("and {more} times before")));
    }
}
