//! Token counts as servers write them: whole numbers, or `21.0` or `"21"`, which some languages and proxies make of
//! them.

use std::cell::Cell;

use super::json::{self, Fields, Raw};

/// The note for an invalid count, such as -1 or "many", which stays blank.
pub(crate) const ODD: &str = "a token count is not a whole number";

/// Reads the token counts of a JSON object one by one.
pub(crate) struct TokenCounts<'a> {
    stated: Option<Fields<'a>>,
    odd: Cell<bool>,
}

impl<'a> TokenCounts<'a> {
    /// The counts of a JSON object. Many servers put `null` into every chunk but the last.
    pub(crate) fn of(stated: Raw<'a>) -> Self {
        let is_object = stated.get().starts_with('{');
        Self {
            stated: is_object.then(|| Fields::of(stated).ok()).flatten(),
            odd: Cell::new(false),
        }
    }

    /// The first count found at one of these paths; `None` if there is none.
    pub(crate) fn get(&self, paths: &[&str]) -> Option<u64> {
        paths.iter().find_map(|path| self.at(path))
    }

    fn at(&self, path: &str) -> Option<u64> {
        let count = count(at(self.stated.as_ref()?, path)?);
        self.odd.set(self.odd.get() || count.is_none());
        count
    }

    /// The note on the counts that were read, if one was invalid.
    pub(crate) fn oddity(&self) -> Option<&'static str> {
        self.odd.get().then_some(ODD)
    }
}

/// The value at a path such as `details/cached`.
pub(crate) fn at<'a>(stated: &Fields<'a>, path: &str) -> Option<Raw<'a>> {
    match path.split_once('/') {
        None => stated.stated(path),
        Some((name, rest)) => at(&Fields::of(stated.stated(name)?).ok()?, rest),
    }
}

/// The value as a whole number, however it is written.
pub(crate) fn count(value: Raw<'_>) -> Option<u64> {
    let text = json::text(value).unwrap_or(value.get().into());
    let text = text.trim();
    let by_float = || text.parse().ok().and_then(whole);
    text.parse().ok().or_else(by_float)
}

fn whole(number: f64) -> Option<u64> {
    /// Beyond 2^53 not every whole number has a float of its own.
    const MOST: f64 = 9_007_199_254_740_992.0;
    let is_whole = (0.0..=MOST).contains(&number) && number.trunc().total_cmp(&number).is_eq();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number in range"
    )]
    is_whole.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        for (value, expected) in [
            ("21", Some(21)),
            ("21.0", Some(21)),
            ("\"21\"", Some(21)),
            ("\" 21.0 \"", Some(21)),
            ("18446744073709551615", Some(u64::MAX)),
            ("0", Some(0)),
            ("-1", None),
            ("-1.0", None),
            ("1.5", None),
            ("1e300", None),
            ("\"many\"", None),
            ("\"NaN\"", None),
            ("\"\"", None),
            ("true", None),
            ("[21]", None),
        ] {
            assert_eq!(count(Raw::of(value)), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_count_is_blank_and_told() {
        let stated = Raw::of(r#"{"a": -1, "b": {"d": "7"}, "c": null}"#);
        let counts = TokenCounts::of(stated);
        assert_eq!(counts.get(&["c", "none", "b/none", "b/d"]), Some(7));
        assert_eq!(counts.oddity(), None);
        assert_eq!(counts.get(&["a"]), None);
        assert_eq!(counts.oddity(), Some(ODD));
    }
}
