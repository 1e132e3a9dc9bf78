//! Words that begin a line.

/// A text with a capital letter at its beginning.
#[must_use]
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_alone_is_capital() {
        for (text, expected) in [
            ("key of a", "Key of a"),
            ("éa", "Éa"),
            ("中", "中"),
            ("", ""),
        ] {
            assert_eq!(capitalized(text), expected);
        }
    }
}
