//! Where blocks begin and end, however the text came.

use proptest::prelude::*;

use super::*;

fn blocks_of(splitter: &Splitter) -> Vec<Block> {
    (splitter.done().iter().chain(splitter.tail()))
        .cloned()
        .collect()
}

fn split(text: &str) -> Vec<Block> {
    let mut splitter = Splitter::default();
    splitter.update(text);
    blocks_of(&splitter)
}

fn pieces(text: &str) -> Vec<&str> {
    split(text).iter().map(|b| &text[b.range.clone()]).collect()
}

#[test]
fn blocks_end_where_markdown_ends_them() {
    let text = "# One\nText\nmore\n\n- a\n  - b\n\n  c\n- d\n2. e\n3. f\n\n> q\n> r\n\n```rs\nx\n\ny\n```\nend";
    assert_eq!(
        pieces(text),
        [
            "# One\n",
            "Text\nmore\n\n",
            "- a\n  - b\n\n  c\n",
            "- d\n",
            "2. e\n",
            "3. f\n\n",
            "> q\n> r\n\n",
            "```rs\nx\n\ny\n```\n",
            "end",
        ]
    );
}

#[test]
fn a_year_does_not_begin_a_list() {
    assert_eq!(pieces("It was\n2024. Then\n"), ["It was\n2024. Then\n"]);
}

#[test]
fn an_unfinished_fence_is_code() {
    let text = "a\n\n```python\nprint(1)\npri";
    let blocks = split(text);
    let BlockKind::Code { info, closed } = &blocks[1].kind else {
        panic!("{blocks:?}");
    };
    assert_eq!(&text[info.clone()], "python");
    assert!(!closed);
}

#[test]
fn a_table_begins_at_its_head_row() {
    let text = "Look:\n| a | b |\n|---|---|\n| 1 | 2 |\n\nafter\n";
    let blocks = split(text);
    assert_eq!(
        pieces(text),
        ["Look:\n", "| a | b |\n|---|---|\n| 1 | 2 |\n\n", "after\n"]
    );
    let BlockKind::Table { head } = &blocks[1].kind else {
        panic!("{blocks:?}");
    };
    assert_eq!(&text[head.clone()], "| a | b |\n|---|---|\n");
}

#[test]
fn a_formula_on_lines_of_its_own_is_a_block() {
    let text = "So\n\\[\n- a\n+ b\n\\]\nand\n\n$$ x =\n# y\n$$\n\n$$ a $$ b\n\n$$\nunfinished\n\nafter\n$$ is cheap\n";
    let expected = [
        ("So\n", BlockKind::Prose),
        ("\\[\n- a\n+ b\n\\]\n", BlockKind::Math),
        ("and\n\n", BlockKind::Prose),
        ("$$ x =\n# y\n$$\n\n", BlockKind::Math),
        ("$$ a $$ b\n\n", BlockKind::Prose),
        ("$$\nunfinished\n\n", BlockKind::Math),
        ("after\n$$ is cheap\n", BlockKind::Prose),
    ];
    let found: Vec<_> = (split(text).into_iter())
        .map(|block| (text[block.range].to_owned(), block.kind))
        .collect();
    let expected: Vec<_> = (expected.into_iter())
        .map(|(text, kind)| (text.to_owned(), kind))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_fence_in_an_item_is_cut_as_code_and_the_item_goes_on() {
    let mut text = String::from("1. Do:\n   ```sh\n");
    text.push_str(&"   echo again\n".repeat(100));
    text.push_str("   ```\n   and then\n2. next\n");
    let blocks = split(&text);
    assert_eq!(blocks[0].kind, BlockKind::Item);
    assert!(matches!(
        blocks[1].kind,
        BlockKind::Code { closed: false, .. }
    ));
    let last_code = blocks
        .iter()
        .rposition(|b| matches!(b.kind, BlockKind::Code { .. }));
    let after = &blocks[last_code.unwrap() + 1];
    assert_eq!(&text[after.range.clone()], "   and then\n");
    assert_eq!((after.kind.clone(), after.indent), (BlockKind::Prose, 3));
    assert_eq!(blocks.last().unwrap().kind, BlockKind::Item);
}

#[test]
fn nothing_is_ever_much_longer_than_the_limit() {
    let code = format!("```\n{}", "let x = 1;\n".repeat(20_000));
    let line = "word ".repeat(40_000);
    let unbroken = "\u{6f22}".repeat(60_000);
    let table = format!("| a | b |\n|--|--|\n{}", "| 1 | 2 |\n".repeat(10_000));
    let list = format!("- a\n{}", "  more of it\n".repeat(10_000));
    for text in [code, line, unbroken, table, list] {
        let blocks = split(&text);
        let longest = blocks.iter().map(|b| b.range.len()).max();
        assert!(
            longest.is_some_and(|l| l <= 2 * MAX_BYTES + 2),
            "{longest:?}"
        );
    }
}

/// Lines that mean something to the splitter, and some that don't.
fn markdown() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("```rust".to_owned()),
        Just("```".to_owned()),
        Just("~~~~".to_owned()),
        Just("  ```".to_owned()),
        Just("- item".to_owned()),
        Just("  - nested".to_owned()),
        Just("1. one".to_owned()),
        Just("12) twelve".to_owned()),
        Just("> quote".to_owned()),
        Just("# head".to_owned()),
        Just("| a | b |".to_owned()),
        Just("|---|---|".to_owned()),
        Just("---".to_owned()),
        Just("$$".to_owned()),
        Just("\\[".to_owned()),
        Just("\\]".to_owned()),
        Just(String::new()),
        "[ -~\u{4e00}-\u{4e10}\r\t]{0,40}",
        "[a-z ]{1500,3600}",
    ];
    proptest::collection::vec(line, 0..60).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn blocks_are_the_text_however_it_came(text in markdown(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let whole = split(&text);
        let joined: String = whole.iter().map(|b| &text[b.range.clone()]).collect();
        prop_assert_eq!(&joined, &text);
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).filter(|c| text.is_char_boundary(*c)).collect();
        at.sort_unstable();
        let mut splitter = Splitter::default();
        for cut in at {
            splitter.update(&text[..cut]);
            let frozen = splitter.done().to_vec();
            prop_assert_eq!(&frozen[..], &whole[..frozen.len().min(whole.len())]);
        }
        splitter.update(&text);
        prop_assert_eq!(blocks_of(&splitter), whole);
    }
}
