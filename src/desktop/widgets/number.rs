//! Numbers and times as text, the same everywhere.

use egui::{Response, RichText, Ui};

use crate::{
    desktop::theme::{Theme, size},
    measure::{Figure, cost},
    price::{PriceTable, usd_digits},
    run::Run,
    visible::visible,
};

/// Milliseconds as text: `0.42 ms`, `412 ms`, `1.24 s`, `2 min 05 s`.
#[must_use]
pub fn ms_text(ms: f64) -> String {
    if ms < 1.0 {
        format!("{ms:.2} ms")
    } else if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 10_000.0 {
        format!("{:.2} s", ms / 1e3)
    } else if ms < 59_950.0 {
        format!("{:.1} s", ms / 1e3)
    } else {
        let seconds = ms / 1e3;
        format!(
            "{} min {:02} s",
            (seconds / 60.0).floor(),
            (seconds % 60.0).floor()
        )
    }
}

/// A value with its unit; milliseconds as by [`ms_text`], dollars as by [`usd_digits`].
#[must_use]
pub fn figure_text(value: f64, unit: &str) -> String {
    match unit {
        "ms" => return ms_text(value),
        "USD" => return format!("${}", usd_digits(value)),
        _ => {}
    }
    let number = if value.fract() == 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts"
        )]
        count(value.abs() as u64)
    } else if unit.is_empty() && value < 1.0 {
        // A share of 1.
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    };
    match unit {
        "" => number,
        "%" => format!("{number}%"),
        unit => format!("{number} {unit}"),
    }
}

/// A whole number with narrow spaces between groups of three digits.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + 8);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A time in milliseconds, to the microsecond: `1 204.057`.
#[must_use]
pub fn exact_ms(ns: u64) -> String {
    format!("{}.{:03}", count(ns / 1_000_000), ns / 1_000 % 1_000)
}

/// A number of things, in the singular or the plural: `1 run`, `320 runs`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

/// A figure of a run: its value or a dash, with its definition on hover.
pub fn figure_ui(
    ui: &mut Ui,
    theme: &Theme,
    figure: &Figure,
    run: &Run,
    prices: &PriceTable,
) -> Response {
    let value = (figure.value)(run, prices);
    figure_value_ui(ui, theme, (figure, value), run, prices)
}

/// The same, with a value that is known already.
pub fn figure_value_ui(
    ui: &mut Ui,
    theme: &Theme,
    (figure, value): (&Figure, Option<f64>),
    run: &Run,
    prices: &PriceTable,
) -> Response {
    let text = match value {
        Some(value) => RichText::new(figure_text(value, figure.unit)),
        None => RichText::new("\u{2013}").color(theme.text_dim),
    };
    ui.label(text.size(size::BODY)).on_hover_ui(|ui| {
        ui.label(crate::desktop::theme::strong(figure.label));
        ui.label(figure.definition);
        if let Some(how) = cost::how_made(figure, run, prices) {
            ui.label(visible(&how));
        }
    })
}

/// A date and time in local time: `2026-11-23 14:05:09`.
#[must_use]
pub fn date_time(unix_ns: i64) -> String {
    zoned(unix_ns).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The time of day: `14:05:09`.
#[must_use]
pub fn time_of_day(unix_ns: i64) -> String {
    zoned(unix_ns).strftime("%H:%M:%S").to_string()
}

/// A time as tables show it: the time of day if it is today, else with its date.
#[must_use]
pub fn ago(unix_ns: i64, now_unix_ns: i64) -> String {
    if zoned(unix_ns).date() == zoned(now_unix_ns).date() {
        time_of_day(unix_ns)
    } else {
        zoned(unix_ns).strftime("%b %d %H:%M").to_string()
    }
}

/// A time in the machine's time zone.
pub(crate) fn zoned(unix_ns: i64) -> jiff::Zoned {
    jiff::Timestamp::from_nanosecond(i128::from(unix_ns))
        .unwrap_or_default()
        .to_zoned(jiff::tz::TimeZone::system())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_keep_three_figures_or_so() {
        for (ms, text) in [
            (0.417, "0.42 ms"),
            (4.25, "4.2 ms"),
            (412.4, "412 ms"),
            (999.6, "1.00 s"),
            (1_239.0, "1.24 s"),
            (59_940.0, "59.9 s"),
            (59_999.0, "0 min 59 s"),
            (125_000.0, "2 min 05 s"),
        ] {
            assert_eq!(ms_text(ms), text, "{ms}");
        }
    }

    #[test]
    fn figures_carry_their_unit() {
        assert_eq!(figure_text(1234.0, "tokens"), "1\u{202f}234 tokens");
        assert_eq!(figure_text(87.25, "tok/s"), "87.2 tok/s");
        assert_eq!(figure_text(37.0, "%"), "37%");
        assert_eq!(figure_text(0.004, ""), "0.00");
        assert_eq!(figure_text(0.25, ""), "0.25");
        assert_eq!(figure_text(80.0, "ms"), "80 ms");
        assert_eq!(figure_text(0.0105, "USD"), "$0.0105");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(7), "7");
        assert_eq!(counted(1, "run"), "1 run");
        assert_eq!(counted(0, "run"), "0 runs");
        assert_eq!(counted(2_000, "gap"), "2\u{202f}000 gaps");
        assert_eq!(count(1_000_000), "1\u{202f}000\u{202f}000");
    }
}
