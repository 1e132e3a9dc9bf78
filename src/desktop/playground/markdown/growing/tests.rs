//! A text that grew is laid out as one that came at once, and with little work.

use std::cell::Cell;

use egui::{Context, RawInput, Rect, pos2, vec2};

use super::{
    super::{element::Element, ink::Ink, parse},
    *,
};
use crate::desktop::theme::{self, DARK};

thread_local! {
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// Counts bytes of text that are laid out.
pub fn note_work(bytes: usize) {
    WORK.set(WORK.get() + bytes);
}

/// How many bytes of text this thread has laid out since it was asked last.
pub fn work() -> usize {
    WORK.take()
}

/// Words, markup that opens and closes, scripts with and without blanks, what no blank parts, and lines of their own.
const TEXT: &str = "A **bold claim** that `goes` on and *on and on* for a while, as [a link](https://example.com/with/a/path) \
does. 前面**「引用」**后面没有空格的中文句子，一直写到行尾为止，然后再写一行。 Then emoji 👩🏽‍🚀 and 🏳️‍🌈 in AVAWA To. \
where $x_1 - \\frac{a}{b}$, and so \\(\\sum_i y_i\\) are drawn. QWxsIHRoZSB3b3JsZCdzIGEgc3RhZ2UsIGFuZCBhbGwgdGhlIG1lbiBhbmQgd29tZW4gbWVyZWx5IHBsYXllcnM= fi ffi office\n\
a line, and\nanother one that is longer than the first and so has to be wrapped somewhere, e\u{301} and all\n\
สวัสดีชาวโลกนี่คือประโยคที่ไม่มีช่องว่าง مرحبا بالعالم ~~struck out at last~~ and one more time **bold to the end of it all**";

fn job_of(markdown: &str) -> LayoutJob {
    match parse::elements(markdown, &Ink::of(&DARK))
        .into_iter()
        .next()
    {
        Some(Element::Text(text)) => text.job,
        _ => LayoutJob::default(),
    }
}

fn context(pixels_per_point: f32) -> Context {
    let ctx = Context::default();
    theme::install(&ctx);
    ctx.options_mut(|options| options.fallback_theme = egui::Theme::Dark);
    ctx.set_pixels_per_point(pixels_per_point);
    ctx
}

fn frame(ctx: &Context, mut show: impl FnMut(&mut Ui)) {
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(900.0, 900.0))),
        ..RawInput::default()
    };
    let mut output = ctx.run_ui(input, |ui| show(ui));
    output.textures_delta.clear();
}

/// The layout of a text as it grew to `job`, and that of the same text at once.
fn both(ctx: &Context, job: &LayoutJob, width: f32) -> (Arc<Galley>, Arc<Galley>) {
    let mut found = None;
    frame(ctx, |ui| {
        let grown = galley(ui, "text", job, width);
        let wrap = TextWrapping::wrap_at_width(width);
        let whole = LayoutJob {
            wrap,
            ..job.clone()
        };
        found = Some((grown, ui.fonts_mut(|fonts| fonts.layout_job(whole))));
    });
    found.unwrap()
}

fn cuts() -> impl Iterator<Item = usize> {
    let ends = TEXT.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.enumerate()
        .filter(|(n, _)| n % 4 == 0)
        .map(|(_, at)| at)
}

#[test]
fn a_text_that_grew_stands_where_it_would_have_stood() {
    for (width, pixels_per_point) in [(90.0, 1.0), (200.0, 1.0), (437.0, 2.0)] {
        let ctx = context(pixels_per_point);
        frame(&ctx, |_| {});
        for cut in cuts() {
            let (grown, whole) = both(&ctx, &job_of(&TEXT[..cut]), width);
            let at = format!("{cut} at {width}, × {pixels_per_point}");
            assert_eq!(grown.job, whole.job, "{at}");
            assert_eq!(grown.rows.len(), whole.rows.len(), "{at}");
            for (row, (a, b)) in grown.rows.iter().zip(&whole.rows).enumerate() {
                assert_eq!(a, b, "row {row}, {at}");
            }
            assert_eq!(grown.rect, whole.rect, "{at}");
            assert_eq!(grown.mesh_bounds, whole.mesh_bounds, "{at}");
            assert_eq!(grown.num_vertices, whole.num_vertices, "{at}");
            assert_eq!(grown.num_indices, whole.num_indices, "{at}");
        }
    }
}

/// Where a point is no whole number of pixels, what is rounded twice may differ by less than one.
#[test]
fn a_text_that_grew_stands_within_a_pixel_on_any_screen() {
    for pixels_per_point in [1.25, 1.333] {
        let ctx = context(pixels_per_point);
        frame(&ctx, |_| {});
        for cut in cuts() {
            let (grown, whole) = both(&ctx, &job_of(&TEXT[..cut]), 230.0);
            assert_eq!(grown.rows.len(), whole.rows.len());
            for (a, b) in grown.rows.iter().zip(&whole.rows) {
                assert_eq!(a.text(), b.text());
                let apart = |a: egui::Pos2, b: egui::Pos2| (a - b) * pixels_per_point;
                assert!(
                    apart(a.pos, b.pos).length() < 0.01,
                    "{:?} {:?}",
                    a.pos,
                    b.pos
                );
                for (a, b) in a.glyphs.iter().zip(&b.glyphs) {
                    assert!(apart(a.pos, b.pos).abs().max_elem() < 1.01, "{a:?} {b:?}");
                }
            }
        }
    }
}

#[test]
fn a_growing_text_costs_its_last_rows() {
    let ctx = context(1.0);
    frame(&ctx, |_| {});
    let words = "what one token after another adds to a paragraph that never ends ".repeat(60);
    let job = job_of(&words);
    let grow = |end: usize| {
        let job =
            LayoutJob::single_section(words[..end].to_owned(), job.sections[0].format.clone());
        work();
        frame(&ctx, |ui| drop(galley(ui, "text", &job, 230.0)));
        work()
    };
    let most = (20..words.len()).step_by(20).map(grow).max().unwrap();
    assert!((60..300).contains(&most), "{most} bytes in one frame");
    // A text that rests costs nothing.
    grow(words.len() - 1);
    assert_eq!(grow(words.len() - 1), 0);
}

#[test]
fn what_changes_above_the_last_rows_is_laid_out_anew() {
    let ctx = context(1.0);
    frame(&ctx, |_| {});
    let words = "as many words as are needed for some rows ".repeat(6);
    for markdown in [
        format!("**{words}"),
        format!("**{words}end**"),
        words.clone(),
    ] {
        let (grown, whole) = both(&ctx, &job_of(&markdown), 230.0);
        assert_eq!(grown.rows, whole.rows, "{markdown}");
    }
    let (grown, whole) = both(&ctx, &job_of(&words), 130.0);
    assert_eq!(grown.rows, whole.rows);
}

#[test]
fn what_egui_has_dropped_is_laid_out_anew() {
    let ctx = context(1.0);
    frame(&ctx, |_| {});
    let job = job_of(&"a text of a few rows ".repeat(10));
    both(&ctx, &job, 200.0);
    work();
    // Other fonts are other glyphs at the same places.
    ctx.set_fonts(egui::FontDefinitions::default());
    let (grown, whole) = both(&ctx, &job, 200.0);
    assert_eq!(work(), job.text.len());
    assert_eq!(grown.rows, whole.rows);
    // And a text that was not shown for a frame is forgotten.
    frame(&ctx, |_| {});
    frame(&ctx, |_| {});
    work();
    both(&ctx, &job, 200.0);
    assert_eq!(work(), job.text.len());
}
