//! Decides whether a pane stays scrolled to its end: only the user's scrolling changes that.
//!
//! In: the offset that was set on a scroll area, and its offset after it was shown. If they differ, the user has
//! scrolled (by wheel, drag, key, scroll bar or screen reader). Anything else that changes (the text, the height of
//! the view, the font size) moves the end, and the pane follows it.

/// Offsets that differ by less count as equal.
const SAME: f32 = 0.01;
/// An offset this close to the end counts as at the end.
const AT_END: f32 = 1.0;

/// The scroll position of a pane, and whether it follows its end.
#[derive(Debug, Default)]
pub struct Follow {
    /// Whether the user has scrolled away from the end.
    away: bool,
    /// The scroll area when it was last shown.
    last: Option<ScrollSnapshot>,
    /// The offset that was set for this frame.
    set: Option<f32>,
    /// The offset for the next frame, if content above was measured anew.
    go: Option<f32>,
}

/// A scroll area after it was shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScrollSnapshot {
    /// How far it was scrolled.
    pub offset: f32,
    /// Height of its content.
    pub content: f32,
    /// Height of the visible part.
    pub room: f32,
}

impl ScrollSnapshot {
    fn end(self) -> f32 {
        (self.content - self.room).max(0.0)
    }

    /// Height of the content below the visible part.
    pub fn below(self) -> f32 {
        self.end() - self.offset
    }
}

impl Follow {
    /// Whether the user has scrolled away from the end.
    pub fn is_away(&self) -> bool {
        self.away
    }

    /// Scrolls to the end and follows it.
    pub fn go_to_end(&mut self) {
        self.away = false;
    }

    /// The offset to set on the scroll area, if any; `room` is its height now.
    pub fn offset(&mut self, room: f32) -> Option<f32> {
        let last = self.last?;
        let wanted = if self.away {
            self.go.take()
        } else {
            Some(ScrollSnapshot { room, ..last }.end())
        };
        let wanted = wanted.filter(|wanted| (wanted - last.offset).abs() > SAME);
        self.set = Some(wanted.unwrap_or(last.offset));
        wanted
    }

    /// Records the scroll area after it was shown; returns whether another frame is needed to show the end.
    pub fn note(&mut self, seen: ScrollSnapshot) -> bool {
        let expected = self.set.take().map(|set| set.min(seen.end()));
        if expected.is_some_and(|at| seen.offset < at - SAME) {
            self.away = true;
        } else if seen.below() <= AT_END {
            self.away = false;
        }
        self.last = Some(seen);
        !self.away && seen.below() > SAME
    }

    /// The content above the visible part has grown by `by`: what the user reads must not move. Returns whether the
    /// pane must be shown again.
    pub fn shifted(&mut self, by: f32) -> bool {
        let Some(last) = self.last.filter(|_| self.away && by.abs() > 0.5) else {
            return false;
        };
        self.go = Some((last.offset + by).max(0.0));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows content of this height; the user scrolls by `by`. Returns the offset.
    fn show(follow: &mut Follow, at: &mut f32, content: f32, room: f32, by: f32) -> f32 {
        *at = follow.offset(room).unwrap_or(*at) + by;
        *at = at.clamp(0.0, (content - room).max(0.0));
        let offset = *at;
        follow.note(ScrollSnapshot {
            offset,
            content,
            room,
        });
        offset
    }

    /// Two frames without scrolling: the second reaches the end.
    fn rest(follow: &mut Follow, at: &mut f32, content: f32, room: f32) -> f32 {
        show(follow, at, content, room, 0.0);
        show(follow, at, content, room, 0.0)
    }

    #[test]
    fn whatever_changes_but_by_a_person_is_followed() {
        let (mut follow, mut at) = (Follow::default(), 0.0);
        for (what, content, room) in [
            ("opened", 1000.0, 400.0),
            ("the answer grows", 1400.0, 400.0),
            ("the figures take room", 1400.0, 340.0),
            ("they take less again", 1400.0, 380.0),
            ("a wider window: fewer lines", 900.0, 380.0),
            ("a narrower one", 2100.0, 380.0),
            ("a low one", 2100.0, 100.0),
            ("all of it fits", 300.0, 400.0),
            ("a second question", 1700.0, 400.0),
            ("half of a point", 1700.5, 400.0),
        ] {
            let offset = rest(&mut follow, &mut at, content, room);
            let end = (content - room).max(0.0);
            assert!((offset - end).abs() < SAME, "{what}: {offset} of {end}");
            assert!(!follow.is_away(), "{what}");
        }
    }

    #[test]
    fn the_end_is_left_by_scrolling_and_found_by_scrolling() {
        let (mut follow, mut at) = (Follow::default(), 0.0);
        rest(&mut follow, &mut at, 1000.0, 400.0);
        // Slowly, while more comes with each frame.
        for step in 1..=20_u8 {
            show(&mut follow, &mut at, 1000.0 + f32::from(step), 400.0, -0.2);
        }
        assert!(follow.is_away());
        let left = at;
        for (content, room) in [(1500.0, 400.0), (1500.0, 300.0), (1800.0, 350.0)] {
            assert!((rest(&mut follow, &mut at, content, room) - left).abs() < SAME);
        }
        show(&mut follow, &mut at, 1800.0, 350.0, 10_000.0);
        assert!(!follow.is_away());
        assert!((rest(&mut follow, &mut at, 2000.0, 350.0) - 1650.0).abs() < SAME);
        show(&mut follow, &mut at, 2000.0, 350.0, -90.0);
        follow.go_to_end();
        assert!((rest(&mut follow, &mut at, 2000.0, 350.0) - 1650.0).abs() < SAME);
    }

    #[test]
    fn what_is_read_stays_where_it_is_when_what_is_above_it_was_measured() {
        let (mut follow, mut at) = (Follow::default(), 0.0);
        rest(&mut follow, &mut at, 1000.0, 400.0);
        assert!(!follow.shifted(30.0), "the end is followed");
        show(&mut follow, &mut at, 1000.0, 400.0, -200.0);
        assert!(follow.shifted(30.0));
        assert!((show(&mut follow, &mut at, 1030.0, 400.0, 0.0) - 430.0).abs() < SAME);
        assert!(follow.is_away());
    }
}
