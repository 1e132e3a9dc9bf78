//! The state or outcome of a run, as an icon, a word and a colour.

use egui::{Color32, Response, RichText, Ui};

use crate::{
    desktop::{icons, theme::Theme},
    event::FaultClass,
    run::{ConnectionKind, RunState},
};

/// The state or outcome of a run, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// An icon.
    pub icon: &'static str,
    /// A word.
    pub word: &'static str,
    tone: OutcomeTone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutcomeTone {
    Good,
    Live,
    Dim,
    Bad,
}

impl Outcome {
    /// From a run's state and, if it failed, the class of its fault.
    #[must_use]
    pub fn of(state: RunState, fault: Option<FaultClass>) -> Self {
        let (icon, word, tone) = match (state, fault) {
            (RunState::Queued, _) => (icons::QUEUED, "queued", OutcomeTone::Dim),
            (RunState::Connecting, _) => (icons::CONNECTING, "connecting", OutcomeTone::Live),
            (RunState::Waiting, _) => (icons::WAITING, "waiting", OutcomeTone::Live),
            (RunState::Streaming, _) => (icons::STREAMING, "streaming", OutcomeTone::Live),
            (RunState::Ok, _) => (icons::OK, "ok", OutcomeTone::Good),
            (RunState::Fault, Some(FaultClass::Cancelled)) => {
                (icons::CANCELLED, "stopped", OutcomeTone::Dim)
            }
            (RunState::Fault, Some(FaultClass::Suspended)) => {
                (icons::CANCELLED, "machine slept", OutcomeTone::Dim)
            }
            (RunState::Fault, Some(class)) => (icons::FAULT, class.as_str(), OutcomeTone::Bad),
            (RunState::Fault, None) => (icons::FAULT, "failed", OutcomeTone::Bad),
        };
        Self { icon, word, tone }
    }

    /// Its colour.
    #[must_use]
    pub fn color(self, theme: &Theme) -> Color32 {
        match self.tone {
            OutcomeTone::Good => theme.good,
            OutcomeTone::Live => theme.accent,
            OutcomeTone::Dim => theme.text_dim,
            OutcomeTone::Bad => theme.bad,
        }
    }

    /// Shows icon and word: colour alone would not be accessible.
    pub fn ui(self, ui: &mut Ui, theme: &Theme) -> Response {
        let text = format!("{} {}", self.icon, self.word.replace('_', " "));
        let text = RichText::new(text).color(self.color(theme));
        ui.add(egui::Label::new(text).selectable(false).truncate())
    }
}

/// The icon of a cold or warm connection.
#[must_use]
pub fn connection_icon(connection: ConnectionKind) -> &'static str {
    match connection {
        ConnectionKind::Cold => icons::COLD,
        ConnectionKind::Warm => icons::WARM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_word_of_its_own() {
        let words: Vec<_> = RunState::ALL
            .iter()
            .map(|s| Outcome::of(*s, None).word)
            .collect();
        for (index, word) in words.iter().enumerate() {
            assert!(!words[..index].contains(word), "{word}");
        }
    }

    #[test]
    fn a_stopped_run_is_no_error() {
        let stopped = Outcome::of(RunState::Fault, Some(FaultClass::Cancelled));
        assert_eq!(stopped.word, "stopped");
        let theme = &crate::desktop::theme::DARK;
        assert_ne!(stopped.color(theme), theme.bad);
    }
}
