//! A task that takes commands of one kind, one after another, and the engine's end of it.
//!
//! In: commands, settings, the end. Out: what each task tells. The gateway, the monitor, comparisons and the load bench are
//! such tasks.

use std::{borrow::Cow, sync::Arc};

use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};

use super::{Outbox, runs::why_no_endpoint};
use crate::{credential::Credentials, endpoint::Endpoint, history::History, settings::Settings};

/// What tasks work with.
#[derive(Clone)]
pub(super) struct TaskContext {
    pub(super) out: Outbox,
    pub(super) credentials: Credentials,
    pub(super) history: Option<History>,
    /// The settings that hold now.
    pub(super) settings: Arc<Settings>,
}

impl TaskContext {
    /// The endpoint of this name, or the preset.
    ///
    /// # Errors
    /// In words, if there is neither.
    pub(super) fn endpoint(&self, name: &str) -> Result<Endpoint, String> {
        let found = self.settings.endpoint_or_preset(name).map(Cow::into_owned);
        found.ok_or_else(|| why_no_endpoint(name))
    }
}

/// What a task does with commands, and with what happens meanwhile.
pub(super) trait EngineTask: Send + Sized + 'static {
    /// What it is told to do.
    type Command: Send + 'static;
    /// What it waits for besides that.
    type Event: Send;

    /// Does what it is told. Further commands wait until that is done.
    fn take(&mut self, command: Self::Command) -> impl Future<Output = ()> + Send;

    /// Works by these settings from now on.
    fn settings_are(&mut self, settings: Arc<Settings>);

    /// Waits for the next event, for ever if there is none to wait for. A command that comes first drops it: nothing may be
    /// lost then.
    fn next_event(&mut self) -> impl Future<Output = Self::Event> + Send;

    /// Does what an event asks for.
    fn take_event(&mut self, event: Self::Event) -> impl Future<Output = ()> + Send;

    /// What follows each command, each event and other settings.
    fn follow_up(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Ends what is under way, and waits for it.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// Starts a task.
pub(super) fn spawn<T: EngineTask>(task: T) -> TaskHandle<T::Command> {
    let (sender, inbox) = unbounded_channel();
    tokio::spawn(serve(task, inbox));
    TaskHandle(sender)
}

async fn serve<T: EngineTask>(mut task: T, mut inbox: UnboundedReceiver<TaskMessage<T::Command>>) {
    loop {
        tokio::select! {
            message = inbox.recv() => match message {
                Some(TaskMessage::Command(command)) => task.take(command).await,
                Some(TaskMessage::Settings(settings)) => task.settings_are(settings),
                Some(TaskMessage::End(done)) => {
                    task.end().await;
                    // The engine may have given up waiting.
                    let _ = done.send(());
                    return;
                }
                None => return,
            },
            event = task.next_event() => task.take_event(event).await,
        }
        task.follow_up().await;
    }
}

/// What a task is told.
enum TaskMessage<C> {
    Command(C),
    /// The settings that hold from now on.
    Settings(Arc<Settings>),
    /// It is to end, and to say when that is done.
    End(oneshot::Sender<()>),
}

/// Tells a task.
pub(super) struct TaskHandle<C>(UnboundedSender<TaskMessage<C>>);

impl<C> TaskHandle<C> {
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
