//! What heads each report: facts by their names, and how much of it the built-in simulator answered.

use std::fmt::Display;

use super::html::Html;

/// The program that made a report.
pub(super) const MADE_BY: &str = concat!("Tokenscope ", env!("CARGO_PKG_VERSION"));

/// Names and values.
pub(super) fn facts(
    html: &mut Html,
    facts: impl IntoIterator<Item = (&'static str, impl Display)>,
) {
    html.element("dl", &[("class", "facts")], |html| {
        for (name, value) in facts {
            html.words("dt", "", name);
            html.words("dd", "", value);
        }
    });
    html.end_line();
}

/// Where the measuring machine stands, in its owner's words.
pub(super) fn vantage_text(vantage: &str) -> &str {
    if vantage.is_empty() {
        "not stated"
    } else {
        vantage
    }
}

/// Says that the simulator answered so many of these; nothing if it answered none.
pub(super) fn simulated_note(html: &mut Html, simulated: usize, of: usize, these: &str) {
    if simulated == 0 {
        return;
    }
    html.words(
        "p",
        "note",
        format!(
            "Simulated: {simulated} of {of} {these} are answered by Tokenscope's own simulator. Their figures say nothing \
             of any provider."
        ),
    );
}
