//! The window's title: what is shown, and the name of the program.

use std::borrow::Cow;

use egui::{Context, ViewportCommand};

use super::App;
use crate::visible::visible_line;

/// Most characters of the title that name what is shown.
const MOST_CHARS: usize = 80;

impl App {
    /// The window's title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Has the system show another title once another conversation or view is shown.
    pub(super) fn follow_title(&mut self, ctx: &Context) {
        let shown = self.views.iter().find(|view| view.id() == self.current);
        let Some(view) = shown else {
            return;
        };
        let title = title_of(view.subject().unwrap_or(view.title()));
        if self.title != title {
            self.title.clone_from(&title);
            ctx.send_viewport_cmd(ViewportCommand::Title(title));
        }
    }
}

fn title_of(subject: &str) -> String {
    let subject: Cow<'_, str> = match subject.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &subject[..end]).into(),
        None => subject.into(),
    };
    format!("{} – Tokenscope", visible_line(&subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_short_and_has_nothing_that_acts() {
        assert_eq!(title_of("Why is it blue?"), "Why is it blue? – Tokenscope");
        let long = title_of(&"天".repeat(200));
        assert_eq!(long, format!("{}… – Tokenscope", "天".repeat(80)));
        let hostile = title_of("a\u{202e}b\nc");
        assert_eq!(hostile, "a\\u{202e}b\\nc – Tokenscope");
    }
}
