//! The OS keyring, called on a thread of its own, since it may be absent, locked, or never answer.
//!
//! In: calls from any async task. Out: an answer within five seconds. The keyring's own calls block,
//! so they run on one detached OS thread, one at a time; nothing ever waits for that thread to end.
//! While a call hangs, further calls fail at once. The thread takes calls again as soon as the hung
//! one returns: the service answered after all, died, or its prompt was closed.

#[cfg(test)]
mod tests;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use secrecy::SecretString;
use tokio::{sync::oneshot, time::timeout};

use super::KeyError;

/// How long a call may take, waiting for its turn included.
const LIMIT: Duration = Duration::from_secs(5);

/// An open keyring. Calls block. After a failure other than being locked, it is opened again.
pub(super) trait Store {
    /// Performs one operation.
    fn call(&mut self, op: &Op) -> KeyringResult;
}

/// An operation on a keyring.
#[derive(Clone)]
pub(super) enum Op {
    /// Reads a secret, if that is possible without asking the user for the keyring's password.
    Peek { owner: String },
    /// Reads a secret. The service may ask the user to unlock the keyring.
    Get { owner: String },
    /// Stores a secret. The service may ask the user to unlock the keyring.
    Set { owner: String, secret: SecretString },
    /// Deletes a secret, if there is one.
    Forget { owner: String },
}

pub(super) type KeyringResult = Result<Option<SecretString>, KeyError>;

/// Opens a keyring. Called on the keyring's thread, again after each failure, so that a service that
/// was started later is seen.
pub(super) type OpenKeyring = Box<dyn FnMut() -> Result<Box<dyn Store>, KeyError> + Send>;

/// A handle on the keyring's thread.
pub(super) struct Keyring {
    limit: Duration,
    state: Arc<Mutex<KeyringThread>>,
    /// Moved into the thread by the first call, which starts it.
    open: Mutex<Option<OpenKeyring>>,
    jobs: Mutex<Option<Sender<KeyringJob>>>,
}

/// The state of the thread.
#[derive(Default)]
struct KeyringThread {
    busy: bool,
    hung: bool,
}

struct KeyringJob {
    op: Op,
    reply: oneshot::Sender<KeyringResult>,
}

impl Keyring {
    /// The keyring that `open` opens; nothing is opened before the first call.
    pub(super) fn new(open: OpenKeyring) -> Self {
        Self {
            limit: LIMIT,
            state: Arc::default(),
            open: Mutex::new(Some(open)),
            jobs: Mutex::new(None),
        }
    }

    /// Makes one call, on a tokio runtime with its timer on.
    pub(super) async fn call(&self, op: Op) -> KeyringResult {
        if lock(&self.state).hung {
            let why = "it is still busy with an earlier call; answer its prompt if one is open";
            return Err(KeyError::Hung(why.to_owned()));
        }
        let (reply, answer) = oneshot::channel();
        self.queue(KeyringJob { op, reply })?;
        match timeout(self.limit, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(KeyError::Other("the keyring's thread has ended".to_owned())),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// Marks the thread as hung, unless the call has just returned.
    fn timed_out(&self) -> KeyError {
        let mut state = lock(&self.state);
        state.hung = state.busy;
        KeyError::Hung(format!(
            "no answer within {} seconds; if it shows a prompt, answer that and try again",
            self.limit.as_secs()
        ))
    }

    fn queue(&self, job: KeyringJob) -> Result<(), KeyError> {
        let mut jobs = lock(&self.jobs);
        if jobs.is_none() {
            *jobs = Some(self.start()?);
        }
        (jobs.as_ref().map(|jobs| jobs.send(job)))
            .and_then(Result::ok)
            .ok_or_else(|| KeyError::Other("the keyring's thread has ended".to_owned()))
    }

    fn start(&self) -> Result<Sender<KeyringJob>, KeyError> {
        let gone = || KeyError::Other("the keyring's thread could not be started".to_owned());
        let open = lock(&self.open).take().ok_or_else(gone)?;
        let (jobs, queue) = mpsc::channel();
        let state = Arc::clone(&self.state);
        thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || serve(&queue, open, &state))
            .map_err(|_| gone())?;
        Ok(jobs)
    }
}

/// The thread: takes calls until no one can make any.
fn serve(queue: &Receiver<KeyringJob>, mut open: OpenKeyring, state: &Mutex<KeyringThread>) {
    let mut store = None;
    while let Ok(KeyringJob { op, reply }) = queue.recv() {
        // A caller that timed out was told that the call failed, so it must not be made any more.
        if reply.is_closed() {
            continue;
        }
        lock(state).busy = true;
        let answer = answer(&mut store, &mut open, &op);
        *lock(state) = KeyringThread::default();
        // The caller may have given up meanwhile.
        let _ = reply.send(answer);
    }
}

/// Makes the call on the open store, or on a new one if that fails: the service may have been restarted.
fn answer(store: &mut Option<Box<dyn Store>>, open: &mut OpenKeyring, op: &Op) -> KeyringResult {
    let reused = store.is_some();
    let first = attempt(store, open, op);
    match first {
        Err(KeyError::NoKeyring(_) | KeyError::Other(_)) if reused => attempt(store, open, op),
        first => first,
    }
}

fn attempt(store: &mut Option<Box<dyn Store>>, open: &mut OpenKeyring, op: &Op) -> KeyringResult {
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let mut current = match store.take() {
            Some(open) => open,
            None => open()?,
        };
        let answer = current.call(op);
        if matches!(answer, Ok(_) | Err(KeyError::Locked(_))) {
            *store = Some(current);
        }
        answer
    }));
    caught.unwrap_or_else(|_| Err(KeyError::Other("the keyring's library panicked".to_owned())))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
