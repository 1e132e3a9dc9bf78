//! The waterfall in a window: what is drawn, what keys and the wheel do.

use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::{Harness, kittest::Queryable as _};

use super::*;
use crate::{
    chat::ChatRequest,
    desktop::{
        inspector::facts::Derived,
        theme::{self, DARK},
    },
    dialect::DialectId,
    endpoint::TargetId,
    run::{ConnectionKind, Origin, RunHead, RunState, Span},
    settings::Settings,
};

const MS: u64 = 1_000_000;

/// A cold run with so many reads, one each 10 ms, the first after 500 ms.
fn run(reads: u64) -> Run {
    let mut run = Run::new(RunHead {
        id: RunId(1),
        target: TargetId::default(),
        dialect: DialectId::OpenaiChat,
        route: String::new(),
        url: String::new(),
        simulated: false,
        origin: Origin::Test,
        attempt: 1,
        request: Arc::new(ChatRequest::default()),
    });
    let span = |begin, end| {
        Some(Span {
            begin: begin * MS,
            end: end * MS,
        })
    };
    run.state = RunState::Ok;
    run.connection = Some(ConnectionKind::Cold);
    run.stamps.dns = span(0, 12);
    run.stamps.tcp = span(12, 40);
    run.stamps.tls = span(40, 90);
    run.stamps.request_sent = Some(91 * MS);
    run.stamps.headers = Some(300 * MS);
    run.reads = (0..reads)
        .map(|index| Read {
            at: 500 * MS + index * 10 * MS,
            bytes: 210,
            events: 1,
            tokens: 1,
            delay: Some(60_000),
            ..Read::default()
        })
        .collect();
    let last = run.reads.last().map(|read| read.at);
    run.stamps.first_token = run.reads.first().map(|read| read.at);
    run.stamps.last_token = last;
    run.stamps.closed = last.map(|last| last + 5 * MS);
    run
}

struct WaterfallRig {
    run: Run,
    derived: Derived,
    settings: Arc<Settings>,
    waterfall: Waterfall,
}

fn window(run: Run) -> Harness<'static, WaterfallRig> {
    let rig = WaterfallRig {
        run,
        derived: Derived::default(),
        settings: Arc::default(),
        waterfall: Waterfall::default(),
    };
    let mut harness = Harness::builder()
        .with_size([900.0, 420.0])
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui, rig: &mut WaterfallRig| {
                let now = ui.input(|input| input.time);
                rig.derived.update(&rig.run, &rig.settings, now);
                let shown = [ShownRun {
                    run: &rig.run,
                    facts: rig.derived.of(rig.run.head.id).unwrap(),
                    title: "a run",
                    wire: None,
                }];
                for step in Waterfall::keys(ui) {
                    rig.waterfall.step(step, &shown);
                }
                rig.waterfall.ui(ui, &DARK, &shown);
            },
            rig,
        );
    harness.run_steps(2);
    harness
}

/// How many vertices the last frame drew, by egui's tessellator.
fn vertices(harness: &Harness<'_, WaterfallRig>) -> usize {
    let output = harness.output();
    let primitives = harness.ctx.tessellate(output.shapes.clone(), 1.0);
    let vertices = primitives.iter().map(|clipped| match &clipped.primitive {
        egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
        egui::epaint::Primitive::Callback(_) => 0,
    });
    vertices.sum()
}

#[test]
fn a_hundred_thousand_reads_cost_no_more_shapes_than_a_thousand() {
    let few = window(run(1_000));
    let many = window(run(100_000));
    let shapes = |harness: &Harness<'_, WaterfallRig>| harness.output().shapes.len();
    assert!(
        shapes(&many) <= shapes(&few) + 8,
        "{} and {}",
        shapes(&many),
        shapes(&few)
    );
    let (few, many) = (vertices(&few), vertices(&many));
    assert!(many < 2 * few, "{many} vertices and {few}");
}

#[test]
fn nothing_is_derived_again_while_nothing_changes() {
    let mut window = window(run(100_000));
    let counts = |window: &Harness<'_, WaterfallRig>| {
        let rig = window.state();
        (rig.derived.times, rig.waterfall.made)
    };
    let before = counts(&window);
    for step in 0..20_u8 {
        window.hover_at(egui::pos2(300.0 + 20.0 * f32::from(step), 250.0));
        window.run_steps(1);
    }
    assert_eq!(counts(&window), before, "the pointer alone changes nothing");
    window.key_press(Key::Plus);
    window.run_steps(1);
    assert_eq!(counts(&window), (before.0, before.1 + 1));
}

#[test]
fn phases_are_named_with_their_durations() {
    let window = window(run(50));
    for name in [
        "DNS 12 ms",
        "TCP 28 ms",
        "TLS 50 ms",
        "Request 1.0 ms",
        "Until headers 209 ms",
        "Until first token 200 ms",
        "Streaming 490 ms",
        "Our delay 0.06 ms",
        "Gaps 10 ms",
        "Until the end 5.0 ms",
    ] {
        window.get_by_label(name);
    }
}

#[test]
fn keys_go_from_read_to_read_and_zoom_down_to_one() {
    let mut window = window(run(400));
    let press = |window: &mut Harness<'static, WaterfallRig>, key| {
        window.key_press(key);
        window.run_steps(1);
    };
    press(&mut window, Key::ArrowRight);
    press(&mut window, Key::ArrowRight);
    let text = |window: &Harness<'_, WaterfallRig>| {
        let rig = window.state();
        let facts = rig.derived.of(rig.run.head.id).unwrap();
        rig.waterfall.cursor_text(&[ShownRun {
            run: &rig.run,
            facts,
            title: "",
            wire: None,
        }])
    };
    assert_eq!(
        text(&window).unwrap(),
        "Read 2 of 400 · at 510.000 ms, 10.000 ms after the read before · 210 bytes, 1 event, 1 token · our delay \
         0.060 ms"
    );
    for _ in 0..40 {
        press(&mut window, Key::Plus);
    }
    let range = window.state().waterfall.range.unwrap();
    assert!(range.length() < 20_001.0, "{range:?}");
    assert!(range.holds(510 * MS), "it zooms around the chosen read");
    assert_eq!(window.state().waterfall.drawn[0].reads.len(), 1);
    press(&mut window, Key::ArrowRight);
    let range = window.state().waterfall.range.unwrap();
    assert!(range.holds(520 * MS), "it follows the chosen read");
    for _ in 0..3 {
        window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
        window.run_steps(1);
    }
    assert!(!window.state().waterfall.range.unwrap().holds(520 * MS));
    press(&mut window, Key::Num0);
    assert_eq!(window.state().waterfall.range, None);
}

#[test]
fn a_click_chooses_the_read_and_the_wheel_zooms_around_it() {
    let mut window = window(run(40));
    let place = |window: &Harness<'_, WaterfallRig>, at: u64| {
        let rect = window.get_by_label("Waterfall").rect();
        let waterfall = &window.state().waterfall;
        let shown = whole_of(&window.state().run);
        let range = waterfall.range.unwrap_or(shown);
        Plot { rect, range }.x(ns(at))
    };
    let stream = window.get_by_label_contains("Streaming").rect().center().y;
    let x = place(&window, 600 * MS);
    window.hover_at(egui::pos2(x, stream));
    window.run_steps(2);
    assert!(
        window.query_by_label("Read 11 of 40").is_some(),
        "the tooltip"
    );
    window.drag_at(egui::pos2(x, stream));
    window.drop_at(egui::pos2(x, stream));
    window.run_steps(2);
    let chosen = window.state().waterfall.cursor;
    assert_eq!(chosen, Some(ReadPlace { run: 0, read: 10 }));
    window.hover_at(egui::pos2(x, stream));
    window.run_steps(1);
    window.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, 400.0),
        phase: egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
        source: egui::MouseWheelSource::Wheel,
    });
    window.run_steps(12);
    assert!(window.state().waterfall.range.unwrap().length() < 0.5e9);
    let moved = place(&window, 600 * MS);
    assert!((moved - x).abs() < 3.0, "{moved} and {x}");
}

fn whole_of(run: &Run) -> TimeRange {
    TimeRange::whole(end(run))
}

#[test]
fn marks_never_cover_each_other() {
    for reads in [1, 2, 5, 50, 500] {
        let mut run = run(reads);
        run.stamps.first_visible = run.stamps.first_token.map(|at| at + MS);
        let window = window(run);
        let names = ["first token", "first visible", "last token", "end"];
        let painted = painted_texts(&window);
        let found: Vec<Rect> = (painted.iter())
            .filter(|(text, _)| names.iter().any(|name| text.starts_with(name)))
            .map(|(_, rect)| *rect)
            .collect();
        assert!(found.len() >= 2, "{painted:?}");
        for (place, one) in found.iter().enumerate() {
            for other in &found[..place] {
                assert!(!one.intersects(*other), "{reads}: {one:?} {other:?}");
            }
        }
    }
}

/// All texts that the last frame painted, with their places.
fn painted_texts(harness: &Harness<'_, WaterfallRig>) -> Vec<(String, Rect)> {
    let shapes = harness.output().shapes.iter();
    let texts = shapes.filter_map(|clipped| match &clipped.shape {
        egui::Shape::Text(text) => {
            Some((text.galley.text().to_owned(), text.visual_bounding_rect()))
        }
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_run_without_reads_or_stamps_is_shown_too() {
    let mut broken = run(0);
    broken.stamps.headers = None;
    broken.stamps.closed = Some(1_500 * MS);
    let failed = window(broken);
    failed.get_by_label("No headers came 1.41 s");
    let mut empty = run(0);
    empty.stamps = crate::run::Stamps::default();
    window(empty).get_by_label("Waterfall");
}
