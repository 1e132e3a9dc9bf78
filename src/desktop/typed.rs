//! What people type into the fields of forms.

use std::str::FromStr;

use crate::price::Usd;

/// What a field says; `None` if it is empty.
///
/// # Errors
/// `why`, if it is none of the values that are good.
pub fn optional<T: FromStr>(
    text: &str,
    why: &str,
    is_good: impl Fn(&T) -> bool,
) -> Result<Option<T>, String> {
    match text.trim() {
        "" => Ok(None),
        text => needed(text, why, is_good).map(Some),
    }
}

/// What a field says that must not be empty.
///
/// # Errors
/// `why`, if it is none of the values that are good.
pub fn needed<T: FromStr>(
    text: &str,
    why: &str,
    is_good: impl Fn(&T) -> bool,
) -> Result<T, String> {
    let value = text.trim().parse().ok().filter(is_good);
    value.ok_or_else(|| why.to_owned())
}

/// The most that something may cost, in US dollars; `None` if the field is empty.
///
/// # Errors
/// How an amount is written.
pub fn usd(text: &str) -> Result<Option<Usd>, String> {
    let why = "An amount is written as 0.50 or 2";
    let text = text.trim().trim_start_matches('$');
    let dollars: Option<f64> = optional(text, why, |usd| *usd > 0.0)?;
    let of = |dollars| Usd::of_dollars(dollars).ok_or_else(|| why.to_owned());
    dollars.map(of).transpose()
}

/// The most output tokens of an answer.
///
/// # Errors
/// How a number of tokens is written.
pub fn tokens(text: &str) -> Result<u32, String> {
    needed(text, "A number of tokens is written as 64", |n| *n > 0)
}

/// A path, without blanks around it.
///
/// # Errors
/// `why`, if there is none.
pub fn path<'a>(text: &'a str, why: &str) -> Result<&'a str, String> {
    let path = Some(text.trim()).filter(|path| !path.is_empty());
    path.ok_or_else(|| why.to_owned())
}
