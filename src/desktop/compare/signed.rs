//! Differences of times, with their signs.

use egui_plot::{GridInput, GridMark};

use crate::{desktop::widgets::ms_text, measure::evidence::IntervalEstimate};

/// A difference: `+120 ms`, `−4.2 ms`, `0`.
#[must_use]
pub fn signed_ms(ms: f64) -> String {
    if ms.abs() < 1e-9 {
        "0".to_owned()
    } else if ms < 0.0 {
        format!("\u{2212}{}", ms_text(-ms))
    } else {
        format!("+{}", ms_text(ms))
    }
}

/// An estimate with its interval, in words: `+120 ms (95 % interval +90 ms to +150 ms)`; blank if it is not known.
#[must_use]
pub fn estimate_text(of: &IntervalEstimate, text: impl Fn(f64) -> String) -> String {
    let value = of.value.map(&text).unwrap_or_default();
    match of.low.zip(of.high) {
        Some((low, high)) => {
            let (low, high) = (text(low), text(high));
            format!("{value} (95 % interval {low} to {high})")
        }
        None => value,
    }
}

/// Marks at even distances on both sides of 0.
#[must_use]
pub fn signed_marks(input: &GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let wanted = (input.base_step_size * 6.0).max(1e-6);
    let power = 10_f64.powf(wanted.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
    let step = steps
        .into_iter()
        .find(|step| *step >= wanted)
        .unwrap_or(power);
    let first = (low / step).ceil();
    let marks = (0..100).map(|index| (first + f64::from(index)) * step);
    let marks = marks.take_while(|value| *value <= high);
    marks
        .map(|value| GridMark {
            value,
            step_size: step,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_its_sign() {
        for (ms, text) in [(0.0, "0"), (120.4, "+120 ms"), (-4.25, "\u{2212}4.2 ms")] {
            assert_eq!(signed_ms(ms), text);
        }
    }

    #[test]
    fn marks_stand_on_both_sides_of_zero() {
        for (low, high) in [(-30.0, 500.0), (-0.4, 0.1), (-2_000.0, 2_000.0)] {
            let marks = signed_marks(&GridInput {
                bounds: (low, high),
                base_step_size: (high - low) / 40.0,
            });
            assert!((3..=9).contains(&marks.len()), "{low}: {}", marks.len());
            assert!(marks.iter().any(|mark| mark.value.abs() < 1e-9));
            assert!(marks.iter().all(|mark| (low..=high).contains(&mark.value)));
        }
    }
}
