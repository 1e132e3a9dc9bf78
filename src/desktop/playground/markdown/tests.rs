//! Texts as they are shown, whole and while they stream.

use egui_kittest::{Harness, kittest::Queryable as _};

use super::*;
use crate::desktop::theme::{self, DARK};

type Rig = (Doc, String);

/// A long text in a window of 400 × 300 points, scrolled to its end.
fn shown(text: &str) -> Harness<'static, Rig> {
    let mut harness = Harness::builder()
        .with_size([400.0, 300.0])
        .with_context_setup(theme::install)
        .allow_missing_glyphs()
        .build_ui_state(
            |ui, (doc, text): &mut Rig| {
                egui::ScrollArea::vertical()
                    .stick_to_bottom(true)
                    .show(ui, |ui| {
                        doc.ui(ui, &DARK, &Ink::of(&DARK), text, Mode::Markdown);
                    });
            },
            (Doc::default(), text.to_owned()),
        );
    harness.run_steps(4);
    harness
}

#[test]
fn a_long_line_of_code_scrolls_and_moves_nothing_else() {
    let long = format!("let x = \"{}\";\n", "long ".repeat(60));
    let text = format!("Look:\n\n```rust\n{long}let y = 1;\n```\n\n```sh\necho {long}```\n");
    let mut harness = shown(&text);
    let heights = |rig: &Rig| -> Vec<f32> { rig.0.views.iter().map(|view| view.height).collect() };
    let before = heights(harness.state());
    assert!(
        before[1] < 26.0 + 3.0 * 18.0 + 12.0,
        "two lines, unwrapped: {before:?}"
    );
    let places = |harness: &Harness<'_, Rig>| -> Vec<f32> {
        let labels = harness.query_all_by_role(egui::Role::Label);
        let code = labels.filter(|label| label.value().is_some_and(|v| v.contains("long")));
        code.map(|label| label.rect().left()).collect()
    };
    let [first, second] = places(&harness)[..] else {
        panic!("two pieces of code: {:?}", places(&harness));
    };
    let code = harness
        .query_all_by_role(egui::Role::Label)
        .find(|label| label.value().is_some_and(|v| v.contains("long")))
        .map(|label| label.rect());
    let code = code.expect("code is on screen");
    harness.hover_at(code.left_center() + vec2(20.0, 0.0));
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(-120.0, 0.0),
        phase: egui::TouchPhase::Move,
        modifiers: egui::Modifiers::NONE,
        source: egui::MouseWheelSource::Wheel,
    });
    harness.run_steps(30);
    let now = places(&harness);
    assert!(
        now[0] < first - 50.0,
        "the first has scrolled: {first} to {now:?}"
    );
    assert!((now[1] - second).abs() < 0.5, "the second has not");
    assert_eq!(heights(harness.state()), before);
}

/// What markdown can say that has caused trouble, cut at every character.
#[test]
fn any_cut_of_the_text_shows_as_if_it_had_come_at_once() {
    let text = "前**中文。**后 https://a.example/x_y。\n\n\\[\n+ \\alpha_1 \\\\\n\\]\nso \\(x\\) and $\\frac{1}{2}$\n\n$$\n\\sum_i x_i\n$$\n\n- $$\n  a\n  $$\n\n| a | **表。** |\n|---|---|\n| \\(b\\) | c |\n\n```rs\nlet x = 1;\n```\n";
    let mut harness = shown("");
    for (cut, _) in text.char_indices() {
        text[..cut].clone_into(&mut harness.state_mut().1);
        harness.step();
    }
    text.clone_into(&mut harness.state_mut().1);
    harness.run_steps(4);
    let fresh = shown(text);
    let heights = |rig: &Rig| -> Vec<f32> { rig.0.views.iter().map(|v| v.height).collect() };
    assert_eq!(heights(harness.state()), heights(fresh.state()));
    let kinds = |rig: &Rig| -> Vec<BlockKind> {
        rig.0
            .splitter
            .done()
            .iter()
            .map(|block| block.kind.clone())
            .collect()
    };
    assert_eq!(kinds(harness.state()), kinds(fresh.state()));
    assert!(kinds(fresh.state()).contains(&BlockKind::Math));
}

#[test]
fn what_is_off_screen_is_not_laid_out() {
    let text =
        "A paragraph of a line or two, which is not much but more than nothing\n\n".repeat(500);
    let mut harness = shown(&text);
    assert_eq!(harness.state().0.splitter.done().len(), 499);
    assert!(
        (1..=12).contains(&harness.state().0.laid_out()),
        "{}",
        harness.state().0.laid_out()
    );
    let kept = |doc: &Doc| doc.views.iter().filter(|v| v.elements.is_some()).count();
    assert!(kept(&harness.state().0) <= 12);
    // A growing answer lays out no more than a resting one.
    harness.state_mut().1.push_str("and on");
    harness.run_steps(2);
    assert!(harness.state().0.laid_out() <= 12);
}

#[test]
fn another_text_in_its_place_is_shown_as_it_is() {
    let long = "é€\n".repeat(900);
    let texts = [
        "```json\n{\"city\":\"\n```\n",
        "```json\n{\"city\":\"ü\n```\n",
        "```json\n{\n  \"city\": \"ü€\"\n}\n```\n",
        &long,
        "| a |\n|---|\n| € |\n",
        "",
        "€",
    ];
    for first in texts {
        for second in texts {
            let mut harness = shown(first);
            second.clone_into(&mut harness.state_mut().1);
            harness.run_steps(2);
            let fresh = shown(second);
            let blocks = |rig: &Rig| {
                let splitter = &rig.0.splitter;
                (splitter.done().to_vec(), splitter.tail().cloned())
            };
            assert_eq!(blocks(harness.state()), blocks(fresh.state()));
        }
    }
}

/// Shows `text` as it comes, some bytes a frame; gives how many bytes each frame laid out.
fn stream(harness: &mut Harness<'static, Rig>, text: &str, bytes_a_frame: usize) -> Vec<usize> {
    growing::tests::work();
    let ends = (bytes_a_frame..text.len()).step_by(bytes_a_frame);
    ends.chain([text.len()])
        .map(|end| {
            text[..end].clone_into(&mut harness.state_mut().1);
            harness.step();
            growing::tests::work()
        })
        .collect()
}

#[test]
fn a_paragraph_without_end_costs_no_more_the_longer_it_is() {
    let text =
        "what **one token** after another adds to a paragraph that `never` ends ".repeat(100);
    let work = stream(&mut shown(""), &text, 20);
    let (early, late) = work.split_at(work.len() / 2);
    let mean = |work: &[usize]| work.iter().sum::<usize>() / work.len();
    assert!((60..300).contains(&mean(early)), "{}", mean(early));
    assert!((60..300).contains(&mean(late)), "{}", mean(late));
    let most = work.iter().max().unwrap();
    assert!(*most <= 2 * blocks::MAX_BYTES, "{most} bytes in one frame");
}

#[test]
fn a_selection_goes_over_rows_of_different_frames() {
    let text = "some words that go on and on ".repeat(12);
    let mut harness = shown("");
    stream(&mut harness, &text, 7);
    let label = harness.get_by_role(egui::Role::Label).rect();
    let (from, to) = (label.min + vec2(0.0, 4.0), label.max - vec2(0.0, 4.0));
    let copied = copied(&mut harness, from, to);
    assert_eq!(copied.as_deref(), Some(text.trim_end()));
}

/// What a user copies of a text in which everything is selected.
fn copied(harness: &mut Harness<'static, Rig>, from: egui::Pos2, to: egui::Pos2) -> Option<String> {
    let button = |pos, pressed| egui::Event::PointerButton {
        pos,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: egui::Modifiers::NONE,
    };
    for event in [
        egui::Event::PointerMoved(from),
        button(from, true),
        egui::Event::PointerMoved(to),
        button(to, false),
        egui::Event::Copy,
    ] {
        harness.event(event);
        harness.step();
    }
    let commands = &harness.output().platform_output.commands;
    commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

#[test]
fn a_formula_is_copied_and_read_out_as_its_source() {
    let text = "with $\\frac{a}{b} + c$ in it\n\n$$\n\\sum_i x_i\n$$\n";
    let mut harness = shown(text);
    let labels = |harness: &Harness<'_, Rig>| -> Vec<(String, Rect)> {
        let labels = harness.query_all_by_role(egui::Role::Label);
        let known = labels.filter_map(|label| Some((label.value()?, label.rect())));
        known.collect()
    };
    let found = labels(&harness);
    let expected = ["with $\\frac{a}{b} + c$ in it", "$$ \\sum_i x_i $$"];
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, expected);
    for (name, rect) in found {
        let [from, to] = [rect.left_top(), rect.right_bottom()];
        let inside = vec2(0.5, 2.0);
        let text = copied(&mut harness, from + inside, to - inside + vec2(2.0, 0.0));
        assert_eq!(text.as_deref(), Some(name.as_str()));
    }
}

#[test]
fn a_formula_takes_its_room_and_is_drawn_once() {
    let mut harness = shown("a\n\n$$\\frac{a}{b}$$\n\nwith $x^2$ in it and more\n");
    math::tests::work();
    harness.run_steps(3);
    assert_eq!(
        math::tests::work(),
        [0, 0],
        "neither typeset nor drawn anew"
    );
    harness.state_mut().1.push_str("\nand more");
    harness.run_steps(3);
    assert_eq!(math::tests::work(), [0, 0]);
    let rows: Vec<f32> = (harness.query_all_by_role(egui::Role::Label))
        .map(|label| label.rect().height())
        .collect();
    assert!(rows[1] > 1.5 * rows[0], "{rows:?}");
}
