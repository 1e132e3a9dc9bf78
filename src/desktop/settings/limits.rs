//! The form for what the history keeps: captures, probes, checks; and for what counts as measured.
//!
//! In: the settings, what is used now. Out: an edit for each part that was changed. What is wrong stands beside its
//! field.

use std::ops::RangeInclusive;

use egui::Ui;

use crate::{
    desktop::{
        theme::{caption, heading, space},
        view::Cx,
        widgets::{count, ghost_button, key_value, labeled_field, primary_button},
    },
    engine::{Asked, Command, HistoryCommand, ask},
    history::HistoryUsage,
    settings::{
        CaptureLimits, Measuring, Settings, SettingsEdit,
        retention::{LONGEST_DAYS, Retention},
    },
};

/// Most MiB of captures that can be asked for: a TiB.
const MOST_MIB: u32 = 1 << 20;

/// What the settings say of these fields.
type Limits = (CaptureLimits, Retention, Measuring);

/// A field: its name, what stands under the pointer, what it takes, and its value in the settings.
struct LimitRow {
    name: &'static str,
    hover: &'static str,
    range: RangeInclusive<u32>,
    get: fn(&Limits) -> u32,
    set: fn(&mut Limits, u32),
}

const ROWS: [LimitRow; 5] = [
    LimitRow {
        name: "Captures: MiB at most",
        hover: "What went over the wire of each run, compressed. The oldest go first; runs and figures stay. 0 keeps none",
        range: 0..=MOST_MIB,
        get: |limits| limits.0.mib,
        set: |limits, mib| limits.0.mib = mib,
    },
    LimitRow {
        name: "Captures: days at most",
        hover: "Older captures are removed; runs and figures stay. 0 keeps none",
        range: 0..=LONGEST_DAYS,
        get: |limits| limits.0.days,
        set: |limits, days| limits.0.days = days,
    },
    LimitRow {
        name: "Probes one by one: days",
        hover: "Older probes of the monitor become figures of each hour, which stay. Other runs stay until they are deleted",
        range: 1..=LONGEST_DAYS,
        get: |limits| limits.1.probes_days,
        set: |limits, days| limits.1.probes_days = days,
    },
    LimitRow {
        name: "Free checks one by one: days",
        hover: "Older checks become counts of each hour, which stay",
        range: 1..=LONGEST_DAYS,
        get: |limits| limits.1.checks_days,
        set: |limits, days| limits.1.checks_days = days,
    },
    LimitRow {
        name: "Late here: percent of TTFT",
        hover: "A run whose first token this machine read later than this share of its TTFT leaves medians and verdicts",
        range: 0..=100,
        get: |limits| percent(limits.2.late_share),
        set: |limits, percent| limits.2.late_share = f64::from(percent) / 100.0,
    },
];

fn limits_of(settings: &Settings) -> Limits {
    (settings.captures, settings.retention, settings.measuring)
}

/// The form.
#[derive(Debug, Default)]
pub struct LimitsForm {
    /// What the fields began with.
    base: Option<Limits>,
    /// What is typed, in the order of the rows.
    texts: [String; ROWS.len()],
    asked: Asked<Result<HistoryUsage, String>>,
    usage: Option<Result<HistoryUsage, String>>,
}

impl LimitsForm {
    /// Takes what was asked.
    pub fn logic(&mut self) {
        if let Some(answer) = self.asked.take() {
            self.usage = Some(answer);
        }
    }

    /// Asks how much room the history takes.
    pub fn ask(&mut self, commands: &mut Vec<Command>) {
        let (reply, asked) = ask();
        self.asked = asked;
        commands.push(Command::History(HistoryCommand::Usage(reply)));
    }

    /// How many runs the history has, once that is known.
    pub fn runs(&self) -> Option<u64> {
        let usage = self.usage.as_ref()?.as_ref();
        usage.ok().map(|usage| usage.runs)
    }

    /// Shows what is used now, and the fields.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        self.follow(&cx.state.settings);
        self.usage_ui(ui, cx);
        ui.add_space(space::M);
        ui.label(heading("What is kept"));
        for pair in [[0, 1], [2, 3]] {
            ui.add_space(space::S);
            ui.columns_const(|columns: &mut [Ui; 2]| {
                for (column, index) in columns.iter_mut().zip(pair) {
                    self.field_ui(column, cx, index);
                }
            });
        }
        ui.add_space(space::M);
        ui.label(heading("What counts as measured"));
        ui.add_space(space::S);
        ui.columns_const(|columns: &mut [Ui; 2]| self.field_ui(&mut columns[0], cx, 4));
        ui.add_space(space::M);
        let Some(base) = self.base else { return };
        let is_changed = self.is_changed(base);
        let wanted = self.read(base).filter(|_| is_changed);
        ui.horizontal(|ui| {
            let can_save = wanted.is_some();
            let save = ui.add_enabled_ui(can_save, |ui| primary_button(ui, theme, "Save"));
            if save.inner.clicked()
                && let Some(wanted) = wanted
            {
                let edits = edits(&base, &wanted).into_iter();
                cx.commands.extend(edits.map(Command::Edit));
            }
            if is_changed && ghost_button(ui, theme, "Undo").clicked() {
                self.texts = texts_of(&base);
            }
        });
    }

    /// Takes over what the settings say, unless something is typed that they don't.
    fn follow(&mut self, settings: &Settings) {
        let now = limits_of(settings);
        if self.base == Some(now) {
            return;
        }
        let is_typed = self.base.is_some_and(|base| self.is_changed(base));
        if !is_typed {
            self.texts = texts_of(&now);
        }
        self.base = Some(now);
    }

    fn usage_ui(&self, ui: &mut Ui, cx: &Cx<'_>) {
        let theme = cx.theme;
        let usage = match &self.usage {
            None => return drop(ui.label(caption(theme, "Measuring the history…"))),
            Some(Err(why)) => return drop(ui.colored_label(theme.warn, why)),
            Some(Ok(usage)) => usage,
        };
        let limits = cx.state.settings.captures;
        let captures = format!(
            "{} of {} MiB, of {} runs",
            mib(usage.capture_bytes),
            limits.mib,
            count(usage.captures)
        );
        for (name, value) in [
            ("History file", format!("{} MiB", mib(usage.file_bytes))),
            ("Captures", captures),
            ("Probes kept", count(usage.probes)),
            ("Checks kept", count(usage.checks)),
        ] {
            key_value(ui, theme, 110.0, name, value);
        }
    }

    fn field_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, index: usize) {
        let row = &ROWS[index];
        let problem = read_number(&self.texts[index], row).err();
        let text = &mut self.texts[index];
        labeled_field(ui, cx.theme, row.name, text, "", problem.as_deref())
            .on_hover_text(row.hover);
    }

    /// Whether what is typed says something else than was there; what can't be read does.
    fn is_changed(&self, before: Limits) -> bool {
        self.read(before) != Some(before)
    }

    /// What is typed, over what was there; `None` if some of it can't be read. A share that is no whole percent is only
    /// changed by typing.
    fn read(&self, before: Limits) -> Option<Limits> {
        let mut limits = before;
        for (text, row) in self.texts.iter().zip(&ROWS) {
            let number = read_number(text, row).ok()?;
            if number != (row.get)(&before) {
                (row.set)(&mut limits, number);
            }
        }
        Some(limits)
    }
}

/// The edits that make the one of the other.
fn edits(before: &Limits, wanted: &Limits) -> Vec<SettingsEdit> {
    let mut edits = Vec::new();
    if before.0 != wanted.0 {
        edits.push(SettingsEdit::Captures(wanted.0));
    }
    if before.1 != wanted.1 {
        edits.push(SettingsEdit::Retention(wanted.1));
    }
    if before.2 != wanted.2 {
        edits.push(SettingsEdit::Measuring(wanted.2));
    }
    edits
}

fn texts_of(limits: &Limits) -> [String; ROWS.len()] {
    ROWS.each_ref().map(|row| (row.get)(limits).to_string())
}

fn read_number(text: &str, row: &LimitRow) -> Result<u32, String> {
    let number = text.trim().parse().ok();
    number
        .filter(|number| row.range.contains(number))
        .ok_or_else(|| {
            let (from, to) = (row.range.start(), row.range.end());
            format!("A whole number from {from} to {to}")
        })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share from 0 to 1"
)]
fn percent(share: f64) -> u32 {
    (share * 100.0).round() as u32
}

#[expect(clippy::cast_precision_loss, reason = "only shown, with one digit")]
fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}
