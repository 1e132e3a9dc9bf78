//! A bench in words, for people.

use super::StopReason;

impl StopReason {
    /// It in words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Requests => "All its requests were sent",
            Self::Time => "Its time was over",
            Self::Failures => "Too many requests failed",
            Self::Cost => "Its budget was spent",
            Self::OverSaturation => "The target took less than was sent",
            Self::Stopped => "It was stopped",
            Self::Killed => "The program ended in the middle",
        }
    }
}
