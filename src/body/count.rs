//! Token counts as servers write them: whole numbers, and `21.0` or `"21"` where a language or a proxy made
//! them so.

use std::cell::Cell;

use serde_json::Value;

/// What is noted of a count that is none, such as -1 or "many": it stays blank.
pub(crate) const ODD: &str = "a token count is no whole number";

/// What a server states of its counts, read one by one.
pub(crate) struct Counts<'a> {
    stated: &'a Value,
    odd: Cell<bool>,
}

impl<'a> Counts<'a> {
    /// The counts of a JSON object.
    pub(crate) fn of(stated: &'a Value) -> Self {
        let odd = Cell::new(false);
        Self { stated, odd }
    }

    /// The first count that stands at one of these JSON pointers; blank where none does.
    pub(crate) fn get(&self, paths: &[&str]) -> Option<u64> {
        paths.iter().find_map(|path| self.at(path))
    }

    fn at(&self, path: &str) -> Option<u64> {
        let value = self.stated.pointer(path).filter(|value| !value.is_null())?;
        let count = count(value);
        self.odd.set(self.odd.get() || count.is_none());
        count
    }

    /// What is odd about the counts that were asked for.
    pub(crate) fn oddity(&self) -> Option<&'static str> {
        self.odd.get().then_some(ODD)
    }
}

/// The whole number that a value is, however it is written.
pub(crate) fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => {
            let text = text.trim();
            text.parse()
                .ok()
                .or_else(|| text.parse().ok().and_then(whole))
        }
        _ => None,
    }
}

fn whole(number: f64) -> Option<u64> {
    /// From here on a float can't tell neighbours apart.
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
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        for (value, expected) in [
            (json!(21), Some(21)),
            (json!(21.0), Some(21)),
            (json!("21"), Some(21)),
            (json!(" 21.0 "), Some(21)),
            (json!(u64::MAX), Some(u64::MAX)),
            (json!(0), Some(0)),
            (json!(-1), None),
            (json!(-1.0), None),
            (json!(1.5), None),
            (json!(1e300), None),
            (json!("many"), None),
            (json!("NaN"), None),
            (json!(""), None),
            (json!(true), None),
            (json!([21]), None),
        ] {
            assert_eq!(count(&value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_count_is_blank_and_told() {
        let stated = json!({"a": -1, "b": "7", "c": null});
        let counts = Counts::of(&stated);
        assert_eq!(counts.get(&["/c", "/none", "/b"]), Some(7));
        assert_eq!(counts.oddity(), None);
        assert_eq!(counts.get(&["/a"]), None);
        assert_eq!(counts.oddity(), Some(ODD));
    }
}
