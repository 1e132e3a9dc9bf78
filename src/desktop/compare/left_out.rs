//! What is in no figure, and what must not be overlooked beside a verdict.

use egui::{Label, Ui};

use super::{arms::ShownArm, signed::signed_ms};
use crate::{
    compare::{ArmSummary, ArmVerdicts, Exclusion, KindComparison},
    desktop::{
        icons,
        theme::{Theme, caption},
        widgets::counted,
    },
};

/// Shows what is left out of the times, arm by arm.
pub fn left_out_ui(ui: &mut Ui, theme: &Theme, kind: &KindComparison, arms: &[ShownArm]) {
    let mut is_any = false;
    for (summary, arm) in kind.arms.iter().zip(arms) {
        let Some(text) = left_out_text(summary) else {
            continue;
        };
        is_any = true;
        let text = format!("Left out of {}’s times: {text}", arm.letter);
        ui.add(Label::new(caption(theme, text)).wrap())
            .on_hover_ui(|ui| {
                for why in Exclusion::ALL
                    .iter()
                    .filter(|why| summary.excluded_for(**why) > 0)
                {
                    ui.label(format!("{}: {}", why.in_words(), why.meaning()));
                }
                for (class, count) in &summary.faults {
                    let class = class.replace('_', " ");
                    ui.label(format!("{class}: {}", counted(*count as u64, "failed run")));
                }
                if summary.failed() > 0 {
                    ui.label("What failed counts in the failure rate");
                }
            });
    }
    if !is_any {
        ui.label(caption(theme, "No run is left out"));
    }
}

/// How many runs are left out, by reason; `None` if none is.
fn left_out_text(summary: &ArmSummary) -> Option<String> {
    let excluded = Exclusion::ALL.iter().filter_map(|why| {
        let count = summary.excluded_for(*why);
        (count > 0).then(|| format!("{count} {}", why.in_words()))
    });
    let mut parts: Vec<String> = excluded.collect();
    if summary.failed() > 0 {
        let classes = summary.faults.iter();
        let classes = classes.map(|(class, count)| format!("{count} {}", class.replace('_', " ")));
        let classes = classes.collect::<Vec<_>>().join(", ");
        parts.push(format!("{} failed ({classes})", summary.failed()));
    }
    let asked = counted(summary.asked as u64, "run");
    (!parts.is_empty()).then(|| format!("{}, of {asked}", parts.join(", ")))
}

/// Shows what makes a verdict doubtful: a drift, and failures that came together.
pub fn remarks_ui(ui: &mut Ui, theme: &Theme, against: &ArmVerdicts, arm: &ShownArm) {
    let mut remark = |text: String| {
        let text = caption(theme, format!("{} {text}", icons::WARN)).color(theme.warn);
        ui.add(Label::new(text).wrap());
    };
    if against.failed_together > 0 {
        remark(format!(
            "In {} both failed: what made them fail may be common to both, or this machine’s",
            counted(against.failed_together as u64, "pair")
        ));
    }
    if against.has_drifted() {
        let [first, _, last] = against.thirds;
        let text = |ms: Option<f64>| ms.map(signed_ms).unwrap_or_default();
        remark(format!(
            "The difference of {} drifted: {} in the first third of the pairs, {} in the last. The verdict is about the \
             whole time, and may hold for no part of it",
            arm.letter,
            text(first.value),
            text(last.value)
        ));
    }
}
