//! The player of a run from a file: play and pause, how fast, the next frame.

use egui::{Button, Key, Label, Modifiers, RichText, Ui};

use super::replay::FileReplay;
use crate::{
    capture::Speed,
    desktop::{
        theme::{Theme, caption, size, space},
        widgets::{any_popup_open, count, ghost_button, ms_text, segmented},
    },
    run::ms,
    visible::visible_line,
};

/// Shows the player and moves it on; gives the row to go to, if a frame was asked for.
pub fn show(ui: &mut Ui, theme: &Theme, replay: &mut FileReplay) -> Option<usize> {
    let now = ui.input(|input| input.time);
    if let Some(wait) = replay.advance(now) {
        #[expect(clippy::cast_possible_truncation, reason = "the wait for a read")]
        ui.ctx().request_repaint_after_secs(wait as f32);
    }
    let mut row = None;
    ui.horizontal(|ui| {
        let name = if replay.is_playing() { "Pause" } else { "Play" };
        let text = RichText::new(name).size(size::SMALL);
        let play = ui.add(Button::new(text).min_size(egui::vec2(52.0, 0.0)));
        let hover = "Replays the file at the times at which its bytes came (Space)";
        if play.on_hover_text(hover).clicked() || is_space_pressed(ui) {
            toggle(replay, now);
            ui.ctx().request_repaint();
        }
        let next = ghost_button(ui, theme, "Next frame");
        let hover = "Stands still, and goes to what the next frame brought";
        if next.on_hover_text(hover).clicked() {
            row = Some(replay.next_frame());
        }
        let mut speed = replay.speed();
        let speeds = [
            (Speed::Times(0.1), "0.1×"),
            (Speed::Times(1.0), "1×"),
            (Speed::Times(4.0), "4×"),
            (Speed::Times(16.0), "16×"),
            (Speed::Max, "Max"),
        ];
        if segmented(ui, theme, "Speed", &mut speed, &speeds) {
            replay.set_speed(speed, now);
            ui.ctx().request_repaint();
        }
        ui.add(Label::new(caption(theme, place_text(replay))).truncate());
    });
    ui.add_space(space::XS);
    row
}

/// Says that what is shown is from a file.
pub fn badge_text(replay: &FileReplay) -> &'static str {
    if replay.is_over() {
        "from a file"
    } else {
        "replayed from a file"
    }
}

/// What that means.
pub fn meaning(replay: &FileReplay) -> String {
    format!(
        "From {}: the bytes of the file were decoded again here, and all times and figures are those of the file",
        visible_line(&replay.file.name)
    )
}

fn toggle(replay: &mut FileReplay, now: f64) {
    if replay.is_playing() {
        replay.pause();
    } else {
        replay.play(now);
    }
}

/// Space is for what has the focus, where something has it.
fn is_space_pressed(ui: &Ui) -> bool {
    let is_free = ui.memory(|memory| memory.focused().is_none()) && !any_popup_open(ui.ctx());
    is_free && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Space))
}

/// How far it has come.
fn place_text(replay: &FileReplay) -> String {
    let decoded = &replay.file.decoded;
    let last = replay.file.updates.last().map_or(0, |(at, _)| *at);
    let frames = decoded.frames().len();
    format!(
        "{} of {} · frame {} of {}",
        ms_text(ms(replay.at())),
        ms_text(ms(last)),
        count(replay.rows().min(frames) as u64),
        count(frames as u64)
    )
}
