//! How the figures of a conversation were made.

use super::{
    super::{
        html::Html,
        terms::{CLOCKS, Term, entry, figure_entry, method_section},
    },
    turn::FIGURES,
};
use crate::measure::figure;

/// What is no figure.
const TERMS: [Term; 7] = [
    (
        "Side by side",
        "The panes of a turn were asked at about the same time, once each. That shows what happened once, and is no verdict on \
         which is faster: a comparison of Tokenscope asks in pairs, many times, and says how sure the difference is.",
    ),
    (
        "Cold, warm",
        "A cold run opened a new connection, whose name resolution and handshakes are in its TTFT; a warm one went over an \
         open connection.",
    ),
    (
        "Tokens",
        "As the provider counted them; the output includes reasoning.",
    ),
    (
        "Blank",
        "A figure that is not known: the provider did not report it, the answer ended before, or the answer was imported from \
         a program that measures nothing.",
    ),
    (
        "Imported",
        "The answer came out of a file. Its figures, if it has any, were measured where it was given.",
    ),
    (
        "Text",
        "Questions and answers stand as they were written; their Markdown is not rendered. Characters that could hide or \
         reorder text are written as escapes.",
    ),
    CLOCKS,
];

/// The section.
pub(super) fn section(html: &mut Html) {
    method_section(html, |html| {
        for figure in FIGURES.iter().filter_map(|key| figure(key)) {
            figure_entry(html, figure);
        }
        for (term, meaning) in TERMS {
            entry(html, term, meaning);
        }
    });
}
