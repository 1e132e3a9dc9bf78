//! Questions to the engine: the command has the sending end of the answer's channel, the asker keeps the receiving end.
//!
//! Dropping an [`Asked`] cancels the question: the engine stops working on it.

use std::{fmt, future::Future, task::Poll};

use tokio::sync::mpsc::{
    UnboundedReceiver, UnboundedSender, error::TryRecvError, unbounded_channel,
};

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

/// Sends the one answer to a question. Dropping it unused means that there is no answer.
pub struct Reply<T>(UnboundedSender<T>);

/// Sends the steps of an answer. Dropping it ends the answer.
pub struct Steps<T>(UnboundedSender<T>);

/// The asker's end of a question. The default is no question.
pub struct Asked<T>(UnboundedReceiver<T>);

impl<T> Reply<T> {
    /// Sends the answer.
    pub fn send(self, answer: T) {
        // An asker that gave up needs no answer.
        let _ = self.0.send(answer);
    }

    /// Answers with what this returns; it is not called if the asker gave up.
    pub fn send_with(self, answer: impl FnOnce() -> T) {
        if !self.is_given_up() {
            self.send(answer());
        }
    }

    /// Whether the asker gave up.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.0.is_closed()
    }

    /// Runs the work on an answer; stops it and returns `None` once the asker gave up.
    pub(super) async fn unless_given_up<U>(&self, answer: impl Future<Output = U>) -> Option<U> {
        unless_closed(&self.0, answer).await
    }
}

impl<T> Steps<T> {
    /// Sends the next step.
    pub fn send(&self, step: T) {
        let _ = self.0.send(step);
    }

    /// Whether the asker gave up.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.0.is_closed()
    }

    /// Runs the work that sends the steps; stops it and returns `None` once the asker gave up.
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
    /// The answer, or its next step, if it has come. Never waits.
    pub fn take(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }

    /// The answer, or its next step, if it has come; `None` once none can follow. Never waits.
    pub fn poll(&mut self) -> Poll<Option<T>> {
        match self.0.try_recv() {
            Ok(answer) => Poll::Ready(Some(answer)),
            Err(TryRecvError::Empty) => Poll::Pending,
            Err(TryRecvError::Disconnected) => Poll::Ready(None),
        }
    }

    /// Whether something has come or may still come.
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

// Questions and answers may contain secrets, or be large.
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
        assert_eq!(asked.poll(), Poll::Pending);
        reply.send(7);
        assert!(asked.is_waiting(), "it was not taken yet");
        assert_eq!(asked.take(), Some(7));
        assert!(!asked.is_waiting());
        assert_eq!(asked.poll(), Poll::Ready(None));
        assert_eq!(asked.wait(), None);
    }

    #[test]
    fn a_dropped_or_replaced_question_is_given_up() {
        let (reply, mut asked) = ask::<u8>();
        assert!(!reply.is_given_up() && asked.take().is_none());
        let (second, next) = ask();
        asked = next;
        assert!(reply.is_given_up() && !second.is_given_up());
        reply.send_with(|| unreachable!("nobody waits"));
        drop(second);
        assert!(!asked.is_waiting());
        assert!(!Asked::<u8>::default().is_waiting());
    }

    #[test]
    fn steps_come_in_order_and_end() {
        let (steps, mut asked) = ask_in_steps();
        steps.send(1);
        steps.send(2);
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
