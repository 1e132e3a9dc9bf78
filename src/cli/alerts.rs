//! `tokenscope alerts`: when the alerts of the settings would have fired on the probes and checks of the past.

use std::{fmt::Write as _, io::Write as _, process::ExitCode};

use anyhow::Context as _;
use jiff::{SignedDuration, SpanRound, Timestamp, Unit, tz::TimeZone};
use serde::Serialize;

use super::{UsageError, note, since::since, stored, terminal::stdout};
use crate::{
    alert::{AlertPeriod, AlertTrial, not_kept, past_samples, trial},
    clock::wall_clock_ns,
    record,
    settings::{
        self, Paths, Settings,
        alert::{AlertFigure, AlertSettings},
    },
    visible::visible_line,
};

/// Arguments of `tokenscope alerts`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct AlertsArgs {
    /// On probes and checks since then: 12h, 7d, 2026-11-30 or 2026-11-30T08:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = since, default_value = "7d")]
    since: i64,

    /// Prints a line of JSON for each time that one fired.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Exit codes: 0 success; 1 the settings or the history can't be read; 2 wrong arguments, or the settings
have no alert.

An alert is a section of the settings file, which `tokenscope probe` and the desktop's monitor follow:
  [alert.slow]
  figure = \"ttft_p95\"
  above = 2000

Example:
  tokenscope alerts --since 30d";

/// A time in which an alert fired, as a line of JSON.
#[derive(Serialize)]
struct AlertPeriodLine<'a> {
    rule: &'a str,
    #[serde(flatten)]
    period: &'a AlertPeriod,
}

pub(super) fn run(args: &AlertsArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::of_user()?;
    let settings = settings::load(&paths)?;
    if settings.alerts.is_empty() {
        let file = paths.settings.display();
        let why = format!("{file} has no section [alert.NAME]: `tokenscope help alerts` shows one");
        return Err(UsageError::new(why).into());
    }
    let since = args.since;
    let late_share = settings.measuring.late_share;
    let (samples, rolled_up) = stored::read(&paths, async |history| {
        let samples = past_samples(history, &settings.alerts, since, late_share).await?;
        Ok((samples, history.rolled_up_until().await?))
    })?;
    tell_not_kept(&settings, since, rolled_up);
    let mut out = stdout();
    for rule in &settings.alerts {
        let found = trial(rule, &samples);
        if args.json {
            for period in &found.periods {
                let rule = &rule.name;
                record::write_line(&mut out, &AlertPeriodLine { rule, period })?;
            }
        } else {
            write!(out, "{}", told(rule, &found))?;
        }
    }
    out.end().context("standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// Says what of the time since then can't be tried, as it is not kept one by one.
fn tell_not_kept(settings: &Settings, since: i64, rolled_up_until: Option<i64>) {
    let figures: Vec<AlertFigure> = settings.alerts.iter().map(|rule| rule.figure).collect();
    let told = not_kept(&figures, (since, wall_clock_ns()), settings.retention);
    if told.is_empty() && rolled_up_until.is_some_and(|until| until > since) {
        note("probes that were rolled up are not tried: only those that are kept one by one");
    }
    for told in &told {
        note(told);
    }
}

/// How often a rule would have fired, and a line for each time.
fn told(rule: &AlertSettings, found: &AlertTrial) -> String {
    let (one, many) = match rule.figure {
        AlertFigure::Availability => ("probe or check", "probes and checks"),
        AlertFigure::CertificateDays => ("check", "checks"),
        AlertFigure::Burst => (
            "probe that shows whether something buffers",
            "probes that show whether something buffers",
        ),
        _ => ("probe", "probes"),
    };
    let n = found.n;
    let probes = format!("{n} {}", if n == 1 { one } else { many });
    let (name, times) = (visible_line(&rule.name), found.times());
    let mut text = format!("{name}: {times} in {probes}\n");
    for period in &found.periods {
        let to = period.to_unix_ns.unwrap_or_else(wall_clock_ns);
        let lasted = lasted(to.saturating_sub(period.from_unix_ns));
        let lasts = if period.to_unix_ns.is_some() {
            "for"
        } else {
            "and fires since,"
        };
        let target = visible_line(&period.target).into_owned();
        let from = local(period.from_unix_ns);
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {from}  {target}  {lasts} {lasted}");
    }
    text
}

/// A time of day by this machine's time zone.
fn local(unix_ns: i64) -> String {
    let at = Timestamp::from_nanosecond(unix_ns.into()).unwrap_or_default();
    at.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// A length of time in minutes, hours and days.
fn lasted(ns: i64) -> String {
    let minutes = SignedDuration::from_nanos(ns).as_mins().max(1);
    let span = jiff::Span::new().minutes(minutes);
    let round = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    span.round(round)
        .map(|span| format!("{span:#}"))
        .unwrap_or_default()
}
