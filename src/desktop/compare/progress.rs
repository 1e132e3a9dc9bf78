//! How a comparison stands: how far it is, what is under way, what it cost; for one that is over, why it stopped.

use egui::{Label, ProgressBar, Ui};

use super::arms::ShownArm;
use crate::{
    compare::{CompareCost, CompareState},
    desktop::{
        icons,
        theme::{Theme, caption, space},
        widgets::{capitalized, card, counted, date_time, ms_text},
    },
};

/// Shows it; returns whether the comparison is to be stopped.
pub fn progress_ui(
    ui: &mut Ui,
    theme: &Theme,
    state: &CompareState,
    arms: &[ShownArm],
    is_stopping: bool,
) -> bool {
    if !state.is_running {
        let line = format!("{} · {}", over_text(state), facts_text(state));
        ui.add(Label::new(caption(theme, line)).wrap());
        return false;
    }
    card(ui, theme, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            let (text, hover) = if is_stopping {
                ("Stop at once", "Ends now, without the round that is under way")
            } else {
                ("Stop", "Ends after the round that is under way. What is there is kept, and can be resumed")
            };
            let button = ui.button(format!("{} {text}", icons::STOP));
            let stop = button.on_hover_text(hover).clicked();
            ui.vertical(|ui| {
                if let Some(share) = share_done(state) {
                    let bar = ProgressBar::new(share).desired_height(6.0).fill(theme.accent);
                    ui.add(bar);
                    ui.add_space(space::XS);
                }
                let line = format!("{} · {}", under_way_text(state, arms, is_stopping), facts_text(state));
                ui.add(Label::new(caption(theme, line)).wrap());
            });
            stop
        })
        .inner
    })
    .inner
}

/// How far it is, by the rule that will stop it first; `None` if only the verdict does.
fn share_done(state: &CompareState) -> Option<f32> {
    let rule = &state.plan().stop;
    let kinds = state.plan().connections.kinds().len().max(1);
    #[expect(clippy::cast_precision_loss, reason = "a share of a bar on screen")]
    let pairs = rule
        .pairs
        .filter(|pairs| *pairs > 0)
        .map(|pairs| state.result.pairs() as f64 / (pairs as f64 * kinds as f64));
    let time = rule.time.filter(|time| !time.is_zero());
    let time = time.map(|time| state.elapsed.as_secs_f64() / time.as_secs_f64());
    let usd = rule
        .usd
        .map(|usd| state.cost.counted.dollars() / usd.dollars());
    let all = [pairs, time, usd].into_iter().flatten();
    let most = all.filter(|share| share.is_finite()).reduce(f64::max)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share of a bar on screen"
    )]
    let share = most.clamp(0.0, 1.0) as f32;
    Some(share)
}

fn under_way_text(state: &CompareState, arms: &[ShownArm], is_stopping: bool) -> String {
    let letter = |arm: usize| arms.get(arm).map_or('?', |arm| arm.letter);
    let text = match &state.under_way {
        Some(under_way) if under_way.run.is_none() => {
            format!(
                "{} asked to be left alone for a while",
                letter(under_way.arm)
            )
        }
        Some(under_way) => format!("Asking {}", letter(under_way.arm)),
        None => "Under way".to_owned(),
    };
    if is_stopping {
        format!("{text}, then it stops")
    } else {
        text
    }
}

fn facts_text(state: &CompareState) -> String {
    let pairs = state.result.kinds.iter().map(|kind| {
        let pairs = kind.against_first.iter().map(|arm| arm.pairs).min();
        format!(
            "{} {}",
            counted(pairs.unwrap_or_default() as u64, "pair"),
            kind.connection
        )
    });
    let mut parts: Vec<String> = pairs.collect();
    parts.push(cost_text(state.cost));
    parts.push(ms_text(state.elapsed.as_secs_f64() * 1e3));
    parts.join(" · ")
}

/// What it cost so far.
fn cost_text(cost: CompareCost) -> String {
    let known = cost.known.to_string();
    match cost.unknown {
        0 => known,
        runs => format!("{known}, and {} of unknown cost", counted(runs, "run")),
    }
}

fn over_text(state: &CompareState) -> String {
    let began = date_time(state.head.began_unix_ns);
    match &state.end {
        Some(end) => format!("{}. Begun {began}", capitalized(end.reason.in_words())),
        None if state.is_running_elsewhere => {
            format!("Another process runs it since {began}")
        }
        None => format!("It was cut off, and can be resumed. Begun {began}"),
    }
}
