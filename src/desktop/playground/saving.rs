//! When the conversation is saved.

use std::{sync::Arc, time::Duration};

use egui::Ui;

use super::{Playground, edits};
use crate::{
    conversation::ConversationChange,
    desktop::view::Cx,
    engine::{Command, ConversationCommand},
};

/// How long after the first unsaved change the conversation is saved, in seconds.
const SAVE_AFTER_S: f64 = 0.5;
impl Playground {
    pub(super) fn save_later(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let now = ui.input(|input| input.time);
        if std::mem::take(&mut self.changed) {
            if std::mem::take(&mut self.pristine) {
                // A stored conversation no longer replaces this one.
                self.give_up_opening();
            }
            self.changed_at.get_or_insert(now);
        }
        match self.changed_at {
            Some(at) if now - at >= SAVE_AFTER_S => {
                self.save_now(cx);
                if self.sessions.open {
                    self.sessions.list(cx.commands);
                }
            }
            Some(at) => {
                let wait = Duration::from_secs_f64((SAVE_AFTER_S - (now - at)).max(0.01));
                ui.ctx().request_repaint_after(wait);
            }
            None => {}
        }
    }

    /// Saves unsaved changes of the conversation; returns whether there were any.
    pub(super) fn keep_changes(&mut self, cx: &mut Cx<'_>) -> bool {
        self.keep_unchecked();
        let changed = std::mem::take(&mut self.changed) || self.changed_at.is_some();
        if changed {
            self.save_now(cx);
        }
        changed
    }

    pub(super) fn save_now(&mut self, cx: &mut Cx<'_>) {
        self.changed_at = None;
        self.pristine = false;
        self.conversation.updated_unix_ns = edits::now_unix_ns();
        let mine = Arc::new(self.conversation.clone());
        let base = std::mem::replace(&mut self.base, Arc::clone(&mine));
        let change = ConversationChange { base, mine };
        cx.commands
            .push(Command::Conversation(ConversationCommand::Save(change)));
        self.seen.saved();
    }
}
