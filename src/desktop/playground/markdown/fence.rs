//! Extracts the code from the source of a fenced block.

use super::blocks::{Block, BlockKind, Splitter};

/// The code of one piece: without its fences, without the columns of an enclosing list item.
pub fn code_of(source: &str, block: &Block, closed: bool, growing: bool) -> String {
    let mut code = source;
    if !block.continued {
        code = code.split_once('\n').map_or("", |(_, rest)| rest);
    }
    if closed {
        let body = code.trim_end();
        code = body.rfind('\n').map_or("", |newline| &body[..=newline]);
    } else if growing {
        // An incomplete closing fence is not code.
        let line = code.rfind('\n').map_or(0, |newline| newline + 1);
        let begun = code[line..].trim();
        if !begun.is_empty() && begun.bytes().all(|b| b == b'`' || b == b'~') {
            code = &code[..line];
        }
    }
    dedented(code, block.indent)
}

/// The code of all pieces of the fence that piece `index` belongs to.
pub fn whole_code(splitter: &Splitter, text: &str, index: usize) -> String {
    let blocks = splitter.done().iter().chain(splitter.tail());
    let mut code = String::new();
    for (at, block) in blocks.enumerate().skip(index) {
        match &block.kind {
            BlockKind::Code { closed, .. } if at == index || block.continued => {
                code.push_str(&code_of(&text[block.range.clone()], block, *closed, false));
            }
            _ => break,
        }
    }
    code
}

/// Removes up to `columns` leading spaces from each line.
pub fn dedented(source: &str, columns: usize) -> String {
    if columns == 0 {
        return source.to_owned();
    }
    let cut = |line: &str| {
        let spaces = line.bytes().take_while(|b| *b == b' ').count();
        line[spaces.min(columns)..].to_owned()
    };
    source.split_inclusive('\n').map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_block_of_many_pieces_copies_as_one() {
        let code = "let x = 1;\nlet longer = 2;\n".repeat(50);
        let text = format!("Look:\n\n```rust\n{code}```\nDone\n");
        let mut splitter = Splitter::default();
        splitter.update(&text);
        let first = splitter
            .done()
            .iter()
            .position(|b| matches!(b.kind, BlockKind::Code { .. }));
        assert!(splitter.done().len() > 4);
        assert_eq!(whole_code(&splitter, &text, first.unwrap()), code);
    }

    #[test]
    fn a_growing_fence_hides_its_half_written_end() {
        let text = "```py\nx = 1\n``";
        let mut splitter = Splitter::default();
        splitter.update(text);
        let tail = splitter.tail().unwrap();
        assert_eq!(code_of(text, tail, false, true), "x = 1\n");
    }
}
