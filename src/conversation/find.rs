//! Where a text stands in another, whatever the case.

use std::ops::Range;

/// The bytes of all places of `words` in `text`, in order; they don't overlap. None if `words` is empty.
#[must_use]
pub fn matches(text: &str, words: &str) -> Vec<Range<usize>> {
    if words.is_ascii() {
        ascii_matches(text, words)
    } else {
        char_matches(text, words)
    }
}

fn ascii_matches(text: &str, words: &str) -> Vec<Range<usize>> {
    let (text, words) = (text.as_bytes(), words.as_bytes());
    let Some(first) = words.first() else {
        return Vec::new();
    };
    let mut found: Vec<Range<usize>> = Vec::new();
    let begins = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text);
    for start in begins {
        let end = start + words.len();
        let is_free = found.last().is_none_or(|last| last.end <= start);
        let here = text.get(start..end).filter(|_| is_free);
        if here.is_some_and(|here| here.eq_ignore_ascii_case(words)) {
            found.push(start..end);
        }
    }
    found
}

fn char_matches(text: &str, words: &str) -> Vec<Range<usize>> {
    let words: Vec<char> = words.chars().map(folded).collect();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, _) in text.char_indices() {
        if found.last().is_some_and(|last| last.end > start) {
            continue;
        }
        let mut rest = text[start..].chars();
        if words.iter().all(|c| rest.next().map(folded) == Some(*c)) {
            found.push(start..text.len() - rest.as_str().len());
        }
    }
    found
}

/// A letter in lower case; one letter stays one.
fn folded(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_whatever_the_case() {
        for (text, words, found) in [
            ("", "a", vec![]),
            ("abc", "", vec![]),
            ("Token, TOKEN, toke", "token", vec![(0, 5), (7, 12)]),
            ("aaa", "aa", vec![(0, 2)]),
            ("Größe GRÖSSE größe", "GRÖ", vec![(0, 4), (8, 12), (16, 20)]),
            ("首个词元，词元", "词元", vec![(6, 12), (15, 21)]),
            ("İi", "i", vec![(2, 3)]),
        ] {
            let places = matches(text, words).into_iter();
            let places: Vec<_> = places.map(|place| (place.start, place.end)).collect();
            assert_eq!(places, found, "{words} in {text}");
        }
    }
}
