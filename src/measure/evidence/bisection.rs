//! Bisection: where an interval ends, given what is ruled out.

/// The end of an interval between a value that is ruled out, or is the end of the scale, and one that stands. The value
/// that is given is the ruled out one, so that intervals come out wider rather than narrower; each halving makes the
/// difference half as large.
pub(super) fn interval_end(
    [mut out, mut stands]: [f64; 2],
    halvings: usize,
    is_ruled_out: impl Fn(f64) -> bool,
) -> f64 {
    for _ in 0..halvings {
        let middle = f64::midpoint(out, stands);
        if is_ruled_out(middle) {
            out = middle;
        } else {
            stands = middle;
        }
    }
    out
}

/// The same of an interval of differences or ratios. The value `none`, which says that there is no difference, is tried
/// first if it lies between: so the interval excludes it exactly where it is ruled out.
pub(super) fn interval_end_from_none(
    [out, stands]: [f64; 2],
    none: f64,
    halvings: usize,
    is_ruled_out: impl Fn(f64) -> bool,
) -> f64 {
    let is_between = (out - none) * (stands - none) < 0.0;
    let between = match is_between {
        true if is_ruled_out(none) => [none, stands],
        true => [out, none],
        false => [out, stands],
    };
    interval_end(between, halvings, is_ruled_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_ruled_out_and_close_to_what_stands() {
        let below = |limit: f64| move |value: f64| value < limit;
        let end = interval_end([-1.0, 1.0], 30, below(0.3));
        assert!(end < 0.3 && 0.3 - end < 1e-8, "{end}");
        let end = interval_end([-1.0, 1.0], 3, below(0.3));
        assert!((end - 0.25).abs() < 1e-12, "{end}");
    }

    #[test]
    fn none_is_the_end_exactly_where_nothing_beyond_it_is_ruled_out() {
        let end = |ruled_out_up_to: f64| {
            interval_end_from_none([-1.0, 3.0], 0.0, 40, |value| value <= ruled_out_up_to)
        };
        assert_eq!(end(0.0).to_bits(), 0.0_f64.to_bits());
        assert!(end(-1e-9) < 0.0);
        assert!(end(1e-9) >= 0.0);
    }
}
