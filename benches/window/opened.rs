//! Opens a bench and a comparison of the history, and looks at each of their plots.

use std::time::Duration;

use egui::{Event as Input, Key, Modifiers, Pos2, vec2};

use crate::driver::Window;

/// Opens the comparison.
pub fn comparison(window: &mut Window) {
    view(window, Key::Num3, "Compare");
    let row = row(window, "Saved comparisons", "Comparison of ");
    let took = window.until_drawn(row, "B against A");
    told(window, "the comparison, until its verdicts", took);
    for (detail, drawn) in [
        ("Over time", "Each point is a pair"),
        ("Spread", "100 %"),
        ("Q–Q", "Each point is a quantile"),
        ("Phases", "Where the time until"),
        ("Table", "The table of the article"),
    ] {
        let button = window.find(&format!("Detail: {detail}"));
        let took = window.until_drawn(button, drawn);
        told(window, &format!("its {detail}"), took);
        hover(window);
    }
}

/// Opens the bench.
pub fn bench(window: &mut Window) {
    view(window, Key::Num4, "Bench");
    let row = row(window, "Saved benches", "Open the bench of ");
    let took = window.until_drawn(row, "Valid: ");
    told(window, "the bench, until its figures", took);
    for (detail, drawn) in [
        ("TTFT", "slowest"),
        ("Spread", "TTFT from start"),
        ("Rate", "sent/s"),
        ("Lag", "largest"),
    ] {
        let button = window.find(&format!("Show: {detail}"));
        let took = window.until_drawn(button, drawn);
        told(window, &format!("its {detail}"), took);
        hover(window);
    }
}

fn view(window: &mut Window, key: Key, name: &str) {
    window.press(key, Modifiers::COMMAND);
    window.frames(60, |_| Vec::new());
    window.report(name);
}

/// Shows the list at the side, and gives the place of its first row.
fn row(window: &mut Window, list: &str, row: &str) -> Pos2 {
    let button = window.find(list);
    window.click(button);
    window.frames(60, |_| Vec::new());
    window.report(list);
    window.find(row)
}

/// Prints how long it took until something was drawn, and the frames meanwhile.
fn told(window: &mut Window, step: &str, took: Duration) {
    window.report(step);
    println!(
        "{:>34} {:.0} ms until it is drawn",
        "",
        took.as_secs_f64() * 1e3
    );
}

/// Moves the pointer over what is shown.
fn hover(window: &mut Window) {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred points")]
    window.frames(120, |n| {
        vec![Input::PointerMoved(
            Pos2::new(500.0, 300.0) + vec2(n as f32 * 5.0, n as f32 * 2.0),
        )]
    });
    window.report("  hovering over it");
}
