//! Keeps input in the order in which it came.
//!
//! egui hands one frame all events since the last frame, and each widget and shortcut looks for its own events among
//! them. After a slow frame, or with a fast typist, that loses the order: a shortcut could act before the field has
//! the text that was typed before it. So an event that acts (a shortcut, Enter, Esc, a click) gets a frame of its own:
//! by then the text before it is in its field, and the text after it waits.
//!
//! So the press and the release of a click are some frames apart. egui measures between those frames how long the button
//! was down, so that slow frames would make a quick click too long for it: here a click may take any time.
//!
//! In: the events that egui is about to get. Out: those of them that one frame may have.

use std::collections::VecDeque;

use egui::{Context, Event, Key, Plugin, RawInput, Ui};

/// Frames that a new field or dialog needs to take the focus.
const SETTLING: u8 = 2;

/// A plugin that gives each frame only events whose order does not matter; the rest waits for the next frames.
#[derive(Debug, Default)]
pub struct InOrder {
    waiting: VecDeque<Event>,
    /// How many frames without input are still to follow an event that acted.
    settling: u8,
}

impl Plugin for InOrder {
    fn debug_name(&self) -> &'static str {
        "input in order"
    }

    fn setup(&mut self, ctx: &Context) {
        ctx.options_mut(|options| options.input_options.max_click_duration = f64::INFINITY);
    }

    fn input_hook(&mut self, ctx: &Context, input: &mut RawInput) {
        self.waiting.extend(input.events.drain(..));
        input.events = self.next_frame(ctx.text_edit_focused());
    }

    fn on_begin_pass(&mut self, ui: &mut Ui) {
        if !self.waiting.is_empty() {
            ui.ctx().request_repaint();
        }
    }
}

impl InOrder {
    fn next_frame(&mut self, typing: bool) -> Vec<Event> {
        if self.settling > 0 {
            self.settling -= 1;
            return Vec::new();
        }
        let acting = (self.waiting.iter()).position(|event| acts(event, typing));
        let count = match acting {
            None => self.waiting.len(),
            Some(at) if self.waiting.iter().take(at).any(writes) => {
                // A click hits what the last frame showed: a button that the text enables must be on screen first.
                self.settling = 1;
                at
            }
            Some(at) => {
                self.settling = SETTLING;
                at + 1
            }
        };
        self.waiting.drain(..count).collect()
    }
}

/// Whether an event may use the contents of a field, or move the focus.
fn acts(event: &Event, typing: bool) -> bool {
    match event {
        Event::Key {
            key,
            pressed: true,
            modifiers,
            ..
        } => modifiers.command || modifiers.ctrl || acts_alone(*key, typing),
        Event::PointerButton { .. } | Event::AccessKitActionRequest(_) => true,
        _ => false,
    }
}

/// Whether a key without modifiers may act.
fn acts_alone(key: Key, typing: bool) -> bool {
    match key {
        Key::Enter
        | Key::Escape
        | Key::Tab
        | Key::ArrowUp
        | Key::ArrowDown
        | Key::ArrowLeft
        | Key::ArrowRight => true,
        // It presses the button that has the focus.
        Key::Space => !typing,
        key => key >= Key::F1 && key <= Key::F35,
    }
}

/// Whether an event may change what a field holds.
fn writes(event: &Event) -> bool {
    matches!(
        event,
        Event::Text(_)
            | Event::Ime(_)
            | Event::Cut
            | Event::Paste(_)
            | Event::PasteImage(_)
            | Event::MiddleClickPaste { .. }
            | Event::Key { pressed: true, .. }
    )
}

#[cfg(test)]
mod tests {
    use egui::{Id, ImeEvent, Modifiers, PointerButton, Rect, Sense, pos2, vec2};

    use super::*;

    fn key(key: Key, modifiers: Modifiers) -> Event {
        Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers,
        }
    }

    fn text(text: &str) -> Event {
        Event::Text(text.to_owned())
    }

    fn button(pressed: bool) -> Event {
        Event::PointerButton {
            pos: pos2(9.0, 9.0),
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        }
    }

    /// The frames that come of events that arrived at once.
    fn frames(events: impl IntoIterator<Item = Event>) -> Vec<Vec<Event>> {
        let mut order = InOrder::default();
        order.waiting.extend(events);
        let mut frames = Vec::new();
        while !order.waiting.is_empty() {
            frames.push(order.next_frame(true));
        }
        frames
    }

    #[test]
    fn what_acts_has_a_frame_of_its_own_and_is_followed_by_empty_ones() {
        let send = || key(Key::Enter, Modifiers::COMMAND);
        let moved = || Event::PointerMoved(pos2(9.0, 9.0));
        let commit = || Event::Ime(ImeEvent::Commit("问".to_owned()));
        let paste = || Event::Paste("pasted".to_owned());
        for (events, expected) in [
            (vec![text("a"), text("b")], vec![vec![text("a"), text("b")]]),
            (vec![send()], vec![vec![send()]]),
            (
                vec![text("a"), send(), text("b"), send()],
                vec![
                    vec![text("a")],
                    vec![],
                    vec![send()],
                    vec![],
                    vec![],
                    vec![text("b")],
                    vec![],
                    vec![send()],
                ],
            ),
            (
                vec![commit(), send(), paste()],
                vec![
                    vec![commit()],
                    vec![],
                    vec![send()],
                    vec![],
                    vec![],
                    vec![paste()],
                ],
            ),
            (
                vec![text("a"), moved(), button(true), button(false), text("b")],
                vec![
                    vec![text("a"), moved()],
                    vec![],
                    vec![button(true)],
                    vec![],
                    vec![],
                    vec![button(false)],
                    vec![],
                    vec![],
                    vec![text("b")],
                ],
            ),
            (
                vec![key(Key::Backspace, Modifiers::NONE), text("a")],
                vec![vec![key(Key::Backspace, Modifiers::NONE), text("a")]],
            ),
        ] {
            assert_eq!(frames(events.clone()), expected, "{events:?}");
        }
    }

    #[test]
    fn a_click_counts_however_slow_frames_are() {
        let ctx = Context::default();
        ctx.add_plugin(InOrder::default());
        let mut clicks = 0;
        let mut frame = |time: f64, events: Vec<Event>| {
            let input = RawInput {
                screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(300.0, 300.0))),
                time: Some(time),
                events,
                ..RawInput::default()
            };
            let mut output = ctx.run_ui(input, |ui| {
                let at = Rect::from_min_size(pos2(0.0, 0.0), vec2(200.0, 40.0));
                let response = ui.interact(at, Id::unique("a button"), Sense::click());
                clicks += u32::from(response.clicked());
            });
            output.textures_delta.clear();
        };
        frame(0.0, Vec::new());
        let at = pos2(9.0, 9.0);
        frame(
            1.0,
            vec![Event::PointerMoved(at), button(true), button(false)],
        );
        for time in [2.0, 3.0, 4.0, 5.0] {
            frame(time, Vec::new());
        }
        assert_eq!(clicks, 1);
    }

    #[test]
    fn nothing_is_lost_or_reordered() {
        let keys = [
            Key::A,
            Key::Enter,
            Key::Escape,
            Key::Tab,
            Key::Space,
            Key::F1,
            Key::ArrowUp,
        ];
        let all: Vec<_> = (keys.into_iter())
            .flat_map(|k| [key(k, Modifiers::NONE), text("x"), key(k, Modifiers::CTRL)])
            .collect();
        assert_eq!(frames(all.clone()).concat(), all);
    }
}
