//! Texts of the simulated models, and how they are cut into tokens.
//!
//! A simulated token is a word with the space before it, a number of up to three digits, one sign,
//! or one Chinese character: about the size of a real one. The count in `usage` is the count of
//! these pieces, so it is true by construction.

use std::sync::LazyLock;

pub(super) const TOUR: &str = include_str!("../../assets/simulator/tour.md");
pub(super) const TTFT: &str = include_str!("../../assets/simulator/ttft.md");
pub(super) const MARKDOWN: &str = include_str!("../../assets/simulator/markdown.md");
pub(super) const CHINESE: &str = include_str!("../../assets/simulator/chinese.md");
pub(super) const REASONING: &str = include_str!("../../assets/simulator/reasoning.txt");
pub(super) const REASONED: &str = include_str!("../../assets/simulator/reasoning.md");
const CHAPTER: &str = include_str!("../../assets/simulator/chapter.md");

/// Tokens of `sim-long` where no limit is asked.
const LONG_TOKENS: usize = 50_000;

/// The text of `sim-long`: numbered chapters, exactly [`LONG_TOKENS`] tokens.
pub(super) static LONG: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::new();
    let mut left = LONG_TOKENS;
    for number in 1.. {
        let chapter = format!("## Chapter {number}\n\n{CHAPTER}\n");
        for token in tokens(&chapter).take(left) {
            text.push_str(token);
            left -= 1;
        }
        if left == 0 {
            break;
        }
    }
    text
});

/// Longest word that is one token, in characters.
const LONGEST_WORD: usize = 10;

/// The tokens of a text, in order; joined they are the text.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (token, tail) = rest.split_at(token_len(rest));
        rest = tail;
        (!token.is_empty()).then_some(token)
    })
}

/// Length in bytes of the first token of a text; 0 for an empty text.
pub(super) fn token_len(text: &str) -> usize {
    // A run of white space ends before the last space, which belongs to the word after it.
    let blank = text.len() - text.trim_start().len();
    let body = text[blank..].chars().next();
    let lead = match body {
        Some(c) if is_word(c) && text[..blank].ends_with(' ') => blank - 1,
        _ => blank,
    };
    if lead > 0 {
        return lead;
    }
    let start = blank;
    match body {
        None => start,
        Some(c) if c.is_ascii_digit() => start + run(&text[start..], 3, |c| c.is_ascii_digit()),
        Some(c) if is_word(c) => start + run(&text[start..], LONGEST_WORD, is_word),
        Some(c) => start + c.len_utf8(),
    }
}

/// Whether a character makes words with its neighbours (Chinese characters stand alone).
fn is_word(c: char) -> bool {
    c.is_alphabetic() && c < '\u{2E80}' || c.is_ascii_digit()
}

/// Bytes of the leading run of at most `most` characters that `belongs`.
fn run(text: &str, most: usize, belongs: impl Fn(char) -> bool) -> usize {
    (text.chars().take(most))
        .take_while(|&c| belongs(c))
        .map(char::len_utf8)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_join_to_the_text_and_are_never_empty() {
        for text in [
            TOUR,
            TTFT,
            MARKDOWN,
            CHINESE,
            REASONING,
            REASONED,
            "",
            " ",
            "  a\n\n b1234 𠮷𠮷",
            "\u{301}x",
        ] {
            assert_eq!(tokens(text).collect::<String>(), text);
            assert!(tokens(text).all(|t| !t.is_empty()));
        }
    }

    #[test]
    fn a_token_is_a_word_with_its_space_a_short_number_or_one_character() {
        let cut = |text| tokens(text).collect::<Vec<_>>();
        assert_eq!(
            cut("Two words, 12345"),
            ["Two", " words", ",", " 123", "45"]
        );
        assert_eq!(cut("a\n\n  b"), ["a", "\n\n ", " b"]);
        assert_eq!(cut("首个token"), ["首", "个", "token"]);
        assert_eq!(cut("incomprehensible"), ["incomprehe", "nsible"]);
    }

    #[test]
    fn the_long_text_has_as_many_tokens_as_it_says() {
        assert_eq!(tokens(&LONG).count(), LONG_TOKENS);
    }
}
