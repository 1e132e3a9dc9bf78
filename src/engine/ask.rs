//! Questions to the engine: a command carries where the answer goes, the asker keeps where it comes.
//!
//! An [`Asked`] that is dropped says that nobody waits any more; the engine then ends its work on the question.

use std::{fmt, future::Future};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A question with one answer.
#[must_use]
pub fn ask<T>() -> (Reply<T>, Asked<T>) {
    let (answer, asked) = unbounded_channel();
    (Reply(answer), Asked(asked))
}

/// A question whose answer comes in steps.
#[must_use]
pub fn ask_in_steps<T>() -> (Steps<T>, Asked<T>) {
    let (step, asked) = unbounded_channel();
    (Steps(step), Asked(asked))
}

/// Where the one answer to a question goes. Dropped unused, it says that there is none.
pub struct Reply<T>(UnboundedSender<T>);

/// Where the steps of an answer go. Dropped, it says that no step follows.
pub struct Steps<T>(UnboundedSender<T>);

/// The asker's end. The default is no question at all.
pub struct Asked<T>(UnboundedReceiver<T>);

impl<T> Reply<T> {
    /// Answers.
    pub fn send(self, answer: T) {
        // Who gave the question up wants no answer.
        let _ = self.0.send(answer);
    }

    /// Whether nobody waits for the answer any more.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits for an answer that is being made; `None` as soon as nobody waits for it, and the work ends.
    pub(super) async fn unless_given_up<U>(&self, answer: impl Future<Output = U>) -> Option<U> {
        unless_closed(&self.0, answer).await
    }
}

impl<T> Steps<T> {
    /// Tells the next step.
    pub fn tell(&self, step: T) {
        let _ = self.0.send(step);
    }

    /// Whether nobody waits for steps any more.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits for work whose steps are told; `None` as soon as nobody waits for them, and the work ends.
    pub(super) async fn unless_given_up<U>(&self, work: impl Future<Output = U>) -> Option<U> {
        unless_closed(&self.0, work).await
    }
}

async fn unless_closed<T, U>(
    sender: &UnboundedSender<T>,
    work: impl Future<Output = U>,
) -> Option<U> {
    tokio::select! {
        biased;
        () = sender.closed() => None,
        done = work => Some(done),
    }
}

impl<T> Asked<T> {
    /// The answer, or its next step, if it is there. Never waits.
    pub fn take(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }

    /// Whether something is there or may still come.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.0.is_closed() || !self.0.is_empty()
    }

    /// Waits for the answer, or its next step; `None` if none follows. Never call it on the UI thread.
    pub fn wait(&mut self) -> Option<T> {
        self.0.blocking_recv()
    }
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        ask().1
    }
}

// What is asked and answered may hold secrets, or be large.
impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

impl<T> fmt::Debug for Steps<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Steps")
    }
}

impl<T> fmt::Debug for Asked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_once() {
        let (reply, mut asked) = ask();
        assert!(asked.is_waiting() && asked.take().is_none());
        reply.send(7);
        assert!(asked.is_waiting(), "it is there to be taken");
        assert_eq!(asked.take(), Some(7));
        assert!(!asked.is_waiting());
        assert_eq!(asked.wait(), None);
    }

    #[test]
    fn nobody_waits_for_a_question_that_was_dropped_or_replaced() {
        let (reply, mut asked) = ask::<u8>();
        assert!(!reply.is_given_up() && asked.take().is_none());
        let (second, next) = ask();
        asked = next;
        assert!(reply.is_given_up() && !second.is_given_up());
        drop(second);
        assert!(!asked.is_waiting());
        assert!(!Asked::<u8>::default().is_waiting());
    }

    #[test]
    fn steps_come_in_order_and_end() {
        let (steps, mut asked) = ask_in_steps();
        steps.tell(1);
        steps.tell(2);
        drop(steps);
        assert!(asked.is_waiting());
        assert_eq!(
            (asked.take(), asked.wait(), asked.wait()),
            (Some(1), Some(2), None)
        );
        assert!(!asked.is_waiting());
    }

    #[tokio::test]
    async fn work_ends_with_the_question() {
        let (reply, asked) = ask::<u8>();
        drop(asked);
        let forever = reply.unless_given_up(std::future::pending::<u8>());
        assert_eq!(forever.await, None);
    }
}
