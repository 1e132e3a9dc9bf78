//! What a single line of Markdown begins or ends (by `CommonMark` 0.31 and GFM's tables).

use std::ops::Range;

/// A code fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Its character.
    pub mark: u8,
    /// Its number of characters.
    pub len: usize,
}

/// Whether a line is blank.
pub fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// Columns of leading white space; a tab goes to the next multiple of four.
pub fn indent_of(line: &str) -> usize {
    let mut columns = 0;
    for byte in line.bytes() {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns += 4 - columns % 4,
            _ => break,
        }
    }
    columns
}

/// The fence that a line opens, and the range of its info string in the line.
pub fn opens(line: &str) -> Option<(Fence, Range<usize>)> {
    let trimmed = line.trim_start();
    let mark = *trimmed.as_bytes().first()?;
    if mark != b'`' && mark != b'~' {
        return None;
    }
    let len = trimmed.bytes().take_while(|b| *b == mark).count();
    let rest = &trimmed[len..];
    if len < 3 || (mark == b'`' && rest.contains('`')) {
        return None;
    }
    let start = line.len() - rest.trim_start().len();
    let info = rest.trim();
    Some((Fence { mark, len }, start..start + info.len()))
}

/// Whether a line closes a fence.
pub fn closes(line: &str, fence: Fence) -> bool {
    let trimmed = line.trim();
    trimmed.len() >= fence.len && trimmed.bytes().all(|b| b == fence.mark)
}

/// Whether a line is a heading (`# …`).
pub fn is_heading(line: &str) -> bool {
    let trimmed = line.trim_start();
    let hashes = trimmed.bytes().take_while(|b| *b == b'#').count();
    let after = trimmed.as_bytes().get(hashes);
    indent_of(line) < 4
        && (1..=6).contains(&hashes)
        && after.is_none_or(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Whether a line is a thematic break, which begins like a list item.
fn is_rule(line: &str) -> bool {
    let mut marks = line.bytes().filter(|b| !b.is_ascii_whitespace());
    let Some(first) = marks.next() else {
        return false;
    };
    let rest: Vec<u8> = marks.collect();
    matches!(first, b'-' | b'*' | b'_') && rest.len() >= 2 && rest.iter().all(|b| *b == first)
}

/// The column at which a list item's content begins, if the line begins an item.
pub fn item_offset(line: &str) -> Option<usize> {
    if is_rule(line) {
        return None;
    }
    let indent = indent_of(line);
    let trimmed = line.trim_start();
    let marker = match trimmed.as_bytes() {
        [b'-' | b'*' | b'+', ..] => 1,
        bytes => {
            let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
            let point = matches!(bytes.get(digits), Some(b'.' | b')'));
            ((1..=9).contains(&digits) && point).then_some(digits + 1)?
        }
    };
    let after = &trimmed[marker..];
    let gap = indent_of(after);
    if is_blank(after) {
        return Some(indent + marker + 1);
    }
    (gap > 0).then_some(indent + marker + if gap > 4 { 1 } else { gap })
}

/// Whether a line ends the paragraph before it without a blank line between them.
pub fn interrupts(line: &str) -> bool {
    let starts_list = item_offset(line).is_some() && {
        let trimmed = line.trim_start();
        // In CommonMark only a list that begins with 1 does, so that a wrapped "2024." does not.
        !trimmed.starts_with(|c: char| c.is_ascii_digit())
            || trimmed.starts_with("1.")
            || trimmed.starts_with("1)")
    };
    indent_of(line) < 4
        && (opens(line).is_some()
            || is_heading(line)
            || line.trim_start().starts_with('>')
            || opens_math(line).is_some()
            || starts_list)
}

/// The closing mark of a formula that begins on this line (`\[` or `$$`) and does not end on it.
pub fn opens_math(line: &str) -> Option<&'static str> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("\\[") {
        return (!rest.contains("\\]")).then_some("\\]");
    }
    let rest = line.strip_prefix("$$")?;
    // `$$` is also used for price levels.
    let formula = rest.is_empty() || rest.contains(['\\', '^', '_', '=', '{', '&']);
    (formula && !rest.contains('$')).then_some("$$")
}

/// Whether a formula that begins with `\[` or `$$` has its closing mark, too.
pub fn closes_math(source: &str) -> bool {
    let source = source.trim_start();
    let rest = |mark| source.strip_prefix(mark);
    (rest("\\[").is_some_and(|rest| rest.contains("\\]")))
        || (rest("$$").is_some_and(|rest| rest.contains("$$")))
}

/// Whether a line can be the delimiter row of a table.
pub fn is_delimiter_row(line: &str) -> bool {
    let trimmed = line.trim();
    trimmed.contains('-')
        && trimmed.contains('|')
        && (trimmed.bytes()).all(|b| matches!(b, b'|' | b'-' | b':' | b' ' | b'\t'))
}
