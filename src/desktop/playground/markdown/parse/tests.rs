//! What markdown becomes.

use super::{inline::runs_of, *};
use crate::desktop::{fonts, theme::DARK};

fn texts(source: &str) -> Vec<(String, Option<String>, u8)> {
    elements(source, &Ink::of(&DARK))
        .into_iter()
        .filter_map(|element| match element {
            Element::Text(t) => Some((t.job.text, t.marker, t.place.lists)),
            _ => None,
        })
        .collect()
}

#[test]
fn lists_nest_and_go_on_counting() {
    let found = texts("7. seven\n   - inner\n8. eight\n");
    let expected = [("seven", "7.", 1), ("inner", "•", 2), ("eight", "8.", 1)];
    for (found, (text, marker, depth)) in found.iter().zip(expected) {
        assert_eq!(
            (found.0.as_str(), found.1.as_deref(), found.2),
            (text, Some(marker), depth)
        );
    }
}

#[test]
fn images_and_html_are_text() {
    let found =
        texts("![a cat](https://x.example/cat.png) <b>bold</b>\n\n<script>alert(1)</script>\n");
    assert!(found[0].0.contains("a cat (https://x.example/cat.png)"));
    assert!(found[0].0.contains("<b>bold</b>"));
    assert_eq!(found[1].0, "<script>alert(1)</script>");
}

#[test]
fn links_know_their_bytes_and_their_target() {
    let [Element::Text(text)] =
        &elements("see [the **docs**](https://d.example) now", &Ink::of(&DARK))[..]
    else {
        panic!("one text");
    };
    let (range, url) = &text.links[0];
    assert_eq!(&text.job.text[range.clone()], "the docs");
    assert_eq!(url, "https://d.example");
}

/// The text of a source, and what of it is strong.
fn strong_of(source: &str) -> (String, String) {
    let [Element::Text(text)] = &elements(source, &Ink::of(&DARK))[..] else {
        panic!("one text: {source}");
    };
    let strong = |s: &&egui::text::LayoutSection| s.format.font_id.family == fonts::strong_family();
    let bytes =
        |s: &egui::text::LayoutSection| &text.job.text[s.byte_range.start.0..s.byte_range.end.0];
    let strong = text.job.sections.iter().filter(strong).map(bytes).collect();
    (text.job.text.clone(), strong)
}

#[test]
fn emphasis_needs_no_spaces_in_chinese() {
    for (source, text, strong) in [
        ("**中文。**后面", "中文。后面", "中文。"),
        ("前面**「引用」**后面", "前面「引用」后面", "「引用」"),
        ("前面**“引用”**后面", "前面“引用”后面", "“引用”"),
        ("**重要：**abc", "重要：abc", "重要："),
        ("这是**`代码`**吗", "这是代码吗", ""),
        ("**100%**的人", "100%的人", "100%"),
        ("한국어**(강조)**는", "한국어(강조)는", "(강조)"),
        ("**a.**b and **c** d", "**a.**b and c d", "c"),
        ("2 * 3 * 4，**好**", "2 * 3 * 4，好", "好"),
    ] {
        assert_eq!(strong_of(source), (text.into(), strong.into()), "{source}");
    }
    assert_eq!(runs_of("a中文b"), ["a", "中文", "b"]);
}

#[test]
fn formulas_keep_their_source() {
    for source in [
        r"so \(\alpha\) is",
        r"\[ a_1 * b * c \\ d \]",
        r"begun \(\alpha\, x",
        r"not \(\known\_1\) and $\frac{1$",
        "设$x_1$为$y_1$",
    ] {
        assert_eq!(texts(source)[0].0, source);
    }
    let found = texts("1. so\n   \\[\n   + b_1 \\known\n   \\]\n");
    assert_eq!(found[0].0, "so\n\\[\n+ b_1 \\known\n\\]", "not drawn");
}

#[test]
fn a_formula_on_lines_of_its_own_is_an_element() {
    let parts = |source: &str| -> Vec<(String, bool, usize, Option<String>)> {
        let elements = elements(source, &Ink::of(&DARK));
        let texts = elements.into_iter().filter_map(|element| match element {
            Element::Text(text) => Some(text),
            _ => None,
        });
        let part = |t: Text| (t.job.text, t.display, t.formulas.len(), t.marker);
        texts.map(part).collect()
    };
    let part = |text: &str, display, formulas| (text.to_owned(), display, formulas, None);
    assert_eq!(
        parts(r"so $\{x\}$ and $$a_1*b*c_1$$ where **b** is"),
        [
            part(r"so $\{x\}$ and ", false, 1),
            part("$$a_1*b*c_1$$", true, 1),
            part("where b is", false, 0),
        ]
    );
    assert_eq!(
        parts("> so\n> \\[\n> a_1\n> \\]\n> and"),
        [
            part("so", false, 0),
            part("\\[ a_1 \\]", true, 1),
            part("and", false, 0)
        ]
    );
    let listed = parts("- $$x$$\n- b\n");
    assert_eq!(listed[0], ("$$x$$".into(), true, 1, Some("•".into())));
    let [Element::Table(table)] = &elements("| a |\n|--|\n| so $$x$$ |\n", &Ink::of(&DARK))[..]
    else {
        panic!("one table");
    };
    let cell = &table.rows[1][0];
    assert_eq!((cell.job.text.as_str(), cell.display), ("so $$x$$", false));
    assert_eq!(cell.formulas[0].range, 3..8);
}

/// Code, escapes and prices are no formulas.
#[test]
fn what_is_no_formula_stays_text() {
    for source in [
        "it costs $5 and $10, or US$7 to US$8",
        "`$x$` and ``\\(y\\)``",
        r"a \\(x\\) and \$x\$",
        "set $HOME to $PATH:$HOME",
    ] {
        for element in elements(source, &Ink::of(&DARK)) {
            let Element::Text(text) = element else {
                panic!("a text");
            };
            assert!(text.formulas.is_empty(), "{source}");
        }
    }
}

#[test]
fn bare_addresses_are_links_but_not_in_code() {
    let links = |source: &str| -> Vec<(String, String)> {
        let elements = elements(source, &Ink::of(&DARK));
        let texts = elements.into_iter().filter_map(|element| match element {
            Element::Text(text) => Some(text),
            _ => None,
        });
        let links = |t: Text| {
            let shown = |range: std::ops::Range<usize>| t.job.text[range].to_owned();
            let links = t.links.iter().cloned();
            links
                .map(|(range, url)| (shown(range), url))
                .collect::<Vec<_>>()
        };
        texts.flat_map(links).collect()
    };
    let link = |text: &str, url: &str| (text.to_owned(), url.to_owned());
    let plain = |url| link(url, url);
    for (source, expected) in [
        (
            "at https://a.example/x_y_z, or (http://b.example)。",
            vec![plain("https://a.example/x_y_z"), plain("http://b.example")],
        ),
        (
            "**见https://a.example/b**后面",
            vec![plain("https://a.example/b")],
        ),
        ("`https://a.example` and\n\n    https://b.example\n", vec![]),
        (
            "[https://a.example](https://b.example)",
            vec![link("https://a.example", "https://b.example")],
        ),
        ("<https://a.example>", vec![plain("https://a.example")]),
        ("mailto:ada@a.example.", vec![plain("mailto:ada@a.example")]),
    ] {
        assert_eq!(links(source), expected, "{source}");
    }
}

#[test]
fn tables_keep_rows_and_alignment() {
    let [Element::Table(table)] =
        &elements("| a | b |\n|:-:|--:|\n| 1 | `2` |\n", &Ink::of(&DARK))[..]
    else {
        panic!("one table");
    };
    assert_eq!(table.align, [egui::Align::Center, egui::Align::Max]);
    assert_eq!(table.rows.len(), 2);
    assert_eq!(table.rows[1][1].job.text, "2");
}

#[test]
fn an_unfinished_fence_is_code_already() {
    let [_, Element::Code(code)] = &elements("x\n\n```rust\nfn main", &Ink::of(&DARK))[..] else {
        panic!("text and code");
    };
    assert_eq!(
        (code.language.as_str(), code.text.as_str()),
        ("rust", "fn main")
    );
}
