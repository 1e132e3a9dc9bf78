//! The engine's end of a task that takes commands of one kind, one after another.

use std::sync::Arc;

use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};

use crate::settings::Settings;

/// What a task is told.
pub(super) enum TaskMessage<C> {
    Command(C),
    /// The settings that hold from now on.
    Settings(Arc<Settings>),
    /// It is to end, and to say when that is done.
    End(oneshot::Sender<()>),
}

/// Tells a task.
pub(super) struct TaskHandle<C>(UnboundedSender<TaskMessage<C>>);

impl<C> TaskHandle<C> {
    /// A handle, and what its task is told by it.
    pub(super) fn new() -> (Self, UnboundedReceiver<TaskMessage<C>>) {
        let (sender, inbox) = unbounded_channel();
        (Self(sender), inbox)
    }

    /// Hands on a command.
    pub(super) fn take(&self, command: C) {
        self.tell(TaskMessage::Command(command));
    }

    /// Tells which settings hold now.
    pub(super) fn settings_are(&self, settings: Arc<Settings>) {
        self.tell(TaskMessage::Settings(settings));
    }

    /// Ends the task, and waits until that is done.
    pub(super) async fn end(&self) {
        let (done, ended) = oneshot::channel();
        self.tell(TaskMessage::End(done));
        // A task that has ended needs no waiting.
        let _ = ended.await;
    }

    fn tell(&self, message: TaskMessage<C>) {
        // The task ends with the engine.
        let _ = self.0.send(message);
    }
}
