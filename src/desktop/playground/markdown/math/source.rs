//! Which sources may be typeset.

/// A longer formula stays its source.
const MAX_BYTES: usize = 2_000;
/// How deep groups, environments and pairs of delimiters may nest together.
const MAX_DEPTH: usize = 24;

/// What defines commands, so that a short source could become a long formula; what leads out of the formula; and
/// chemistry, which takes a frame's time if it is nested.
const REFUSED: &[&str] = &[
    "def",
    "gdef",
    "edef",
    "xdef",
    "let",
    "futurelet",
    "global",
    "long",
    "newcommand",
    "renewcommand",
    "providecommand",
    "newenvironment",
    "renewenvironment",
    "DeclareMathOperator",
    "expandafter",
    "noexpand",
    "csname",
    "includegraphics",
    "href",
    "url",
    "htmlClass",
    "htmlId",
    "htmlStyle",
    "htmlData",
    "ce",
    "pu",
];

/// A formula as it was written.
#[derive(Debug, PartialEq, Eq)]
pub struct WrittenFormula<'a> {
    /// What stands between its marks.
    pub tex: &'a str,
    /// Whether its marks are those of a formula on lines of its own.
    pub display: bool,
}

/// What may be typeset of a source: nothing if it is unfinished, too long, too deep, or defines commands.
pub fn written(source: &str) -> Option<WrittenFormula<'_>> {
    let within = |open, close| source.strip_prefix(open)?.strip_suffix(close);
    let found = |tex, display| Some(WrittenFormula { tex, display });
    let written = None
        .or_else(|| within("$$", "$$").and_then(|tex| found(tex, true)))
        .or_else(|| within("\\[", "\\]").and_then(|tex| found(tex, true)))
        .or_else(|| within("\\(", "\\)").and_then(|tex| found(tex, false)))
        .or_else(|| within("$", "$").and_then(|tex| found(tex, false)))?;
    let fits = written.tex.len() <= MAX_BYTES && !written.tex.trim().is_empty();
    (fits && is_shallow(written.tex) && !tokens(written.tex).any(is_refused)).then_some(written)
}

fn is_refused(token: &str) -> bool {
    let command = token.strip_prefix('\\');
    command.is_some_and(|name| REFUSED.contains(&name))
}

/// The commands and the braces of a formula, in their order.
fn tokens(tex: &str) -> impl Iterator<Item = &str> {
    let mut rest = tex;
    std::iter::from_fn(move || {
        rest = &rest[rest.find(['\\', '{', '}'])?..];
        let name = rest.strip_prefix('\\').unwrap_or_default();
        let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
        // A command without letters is one character, which may be a brace or a backslash.
        let sign = name.chars().next().map_or(0, char::len_utf8);
        let (token, after) = rest.split_at(1 + if letters > 0 { letters } else { sign });
        rest = after;
        Some(token)
    })
}

/// Whether nothing nests deeper than [`MAX_DEPTH`].
fn is_shallow(tex: &str) -> bool {
    let mut depth = 0_usize;
    tokens(tex).all(|token| {
        depth = match token {
            "{" | "\\left" | "\\begin" | "\\begingroup" => depth + 1,
            "}" | "\\right" | "\\end" | "\\endgroup" => depth.saturating_sub(1),
            _ => depth,
        };
        depth <= MAX_DEPTH
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_formulas_lose_their_marks() {
        for (source, tex, display) in [
            ("$x$", "x", false),
            ("\\(x\\)", "x", false),
            ("$$x$$", "x", true),
            ("\\[\nx\n\\]", "\nx\n", true),
        ] {
            assert_eq!(
                written(source),
                Some(WrittenFormula { tex, display }),
                "{source}"
            );
        }
    }

    #[test]
    fn what_is_unfinished_or_hostile_stays_source() {
        let deep = |open: &str, close: &str| format!("${}x{}$", open.repeat(25), close.repeat(25));
        for source in [
            "$".to_owned(),
            "$$".to_owned(),
            "$$ x".to_owned(),
            "\\( x".to_owned(),
            "\\]".to_owned(),
            "$ $".to_owned(),
            format!("${}$", "x".repeat(MAX_BYTES + 1)),
            deep("{", "}"),
            deep("\\left(", "\\right)"),
            deep("\\begin{matrix}", "\\end{matrix}"),
            "$\\def\\a{\\a\\a}\\a$".to_owned(),
            "$\\newcommand{\\a}{b}\\a$".to_owned(),
            "$\\href{https://a.example}{x}$".to_owned(),
        ] {
            assert_eq!(written(&source), None, "{source}");
        }
        assert!(written("$\\\\def$").is_some(), "a line break, then letters");
        assert!(written(&format!("${}$", "{x}".repeat(100))).is_some());
        assert!(written(&format!("${}$", "\\{x".repeat(100))).is_some());
    }
}
