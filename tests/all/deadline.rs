//! The one deadline of all waits: a test that waits in vain fails, and says where it waited and for what.

use std::{
    fmt::Debug,
    future::Future,
    io::Read,
    panic::{self, AssertUnwindSafe, Location, UnwindSafe},
    process::{Child, ExitStatus, Output},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long one wait may last. A machine under load is far from it.
const LIMIT: Duration = Duration::from_mins(3);
/// How long others may work before a thing that nobody announces is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// When a wait began, where, and for what.
#[derive(Clone, Copy)]
pub struct Deadline<'a> {
    what: &'a str,
    at: &'static Location<'static>,
    ends: Instant,
}

impl<'a> Deadline<'a> {
    #[track_caller]
    pub fn of(what: &'a str) -> Self {
        Self {
            what,
            at: Location::caller(),
            ends: Instant::now() + LIMIT,
        }
    }

    fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    fn missed(&self, last: &dyn Debug) -> ! {
        let Self { what, at, .. } = self;
        panic!("{at}: waited {LIMIT:?} for {what}; last: {last:?}")
    }

    /// The next message; `None` once nobody can send one any more.
    pub fn next<T>(&self, messages: &Receiver<T>) -> Option<T> {
        match messages.recv_timeout(self.left()) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.missed(&"no message"),
        }
    }

    /// Looks again and again until there is something; an error is what was seen instead.
    pub fn until<T, E: Debug>(&self, mut look: impl FnMut() -> Result<T, E>) -> T {
        loop {
            match look() {
                Ok(found) => return found,
                Err(seen) if self.left().is_zero() => self.missed(&seen),
                Err(_) => thread::sleep(LOOK_AGAIN),
            }
        }
    }
}

/// Waits for something that nobody announces.
#[track_caller]
pub fn until<T, E: Debug>(what: &str, look: impl FnMut() -> Result<T, E>) -> T {
    Deadline::of(what).until(look)
}

/// Waits until something holds.
#[track_caller]
pub fn until_true(what: &str, mut holds: impl FnMut() -> bool) {
    Deadline::of(what).until(|| holds().then_some(()).ok_or(false));
}

/// Waits for a message.
#[track_caller]
pub fn message<T>(what: &str, messages: &Receiver<T>) -> T {
    let deadline = Deadline::of(what);
    let message = deadline.next(messages);
    message.unwrap_or_else(|| panic!("{}: nobody can send {what} any more", deadline.at))
}

/// Waits for a future.
#[track_caller]
pub fn soon<F: Future>(what: &'static str, future: F) -> impl Future<Output = F::Output> {
    let deadline = Deadline::of(what);
    async move {
        match tokio::time::timeout(LIMIT, future).await {
            Ok(output) => output,
            Err(_) => deadline.missed(&"not ready"),
        }
    }
}

/// Waits for what blocks and can't be interrupted: it stays behind on its thread if it never ends.
#[track_caller]
pub fn returned<T: Send + 'static>(what: &str, call: impl FnOnce() -> T + Send + 'static) -> T {
    let (give, given) = channel();
    let deadline = Deadline::of(what);
    let thread = thread::spawn(move || {
        let _ = give.send(call());
    });
    match deadline.next(&given) {
        Some(returned) => returned,
        None => panic::resume_unwind(thread.join().expect_err("it gave nothing")),
    }
}

/// Reads from a pipe, and gives it back with what was read.
#[track_caller]
pub fn read<R, T>(
    what: &str,
    mut pipe: R,
    read: impl FnOnce(&mut R) -> T + Send + 'static,
) -> (R, T)
where
    R: Send + 'static,
    T: Send + 'static,
{
    returned(what, move || {
        let said = read(&mut pipe);
        (pipe, said)
    })
}

/// Waits for a thread.
#[track_caller]
pub fn joined<T>(what: &str, thread: JoinHandle<T>) -> T {
    until_true(what, || thread.is_finished());
    thread
        .join()
        .unwrap_or_else(|why| panic::resume_unwind(why))
}

/// Waits for the end of a program; one that does not end is killed.
#[track_caller]
pub fn ended(child: &mut Child) -> ExitStatus {
    let what = format!("the end of process {}", child.id());
    ended_by(&Deadline::of(&what), child)
}

fn ended_by(deadline: &Deadline<'_>, child: &mut Child) -> ExitStatus {
    loop {
        if let Some(status) = child.try_wait().expect("a process of ours") {
            return status;
        }
        if deadline.left().is_zero() {
            let _ = child.kill();
            deadline.missed(&"it runs");
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// Waits for the end of a program, and gives what it wrote to its pipes.
#[track_caller]
pub fn output(mut child: Child) -> Output {
    drop(child.stdin.take());
    let what = format!("the output of process {}", child.id());
    let deadline = Deadline::of(&what);
    let stdout = read_to_end(child.stdout.take());
    let stderr = read_to_end(child.stderr.take());
    let status = ended_by(&deadline, &mut child);
    // A program that it started may hold a pipe open.
    let all = |pipe| deadline.next(&pipe).expect("it was read");
    Output {
        status,
        stdout: all(stdout),
        stderr: all(stderr),
    }
}

/// All that comes through a pipe, once it is closed.
fn read_to_end(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (give, given) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).expect("a pipe");
        }
        let _ = give.send(bytes);
    });
    given
}

/// A deadline that has passed.
fn passed(what: &str) -> Deadline<'_> {
    Deadline {
        ends: Instant::now(),
        ..Deadline::of(what)
    }
}

/// What a wait in vain says.
fn said(wait: impl FnOnce() + UnwindSafe) -> String {
    let why = panic::catch_unwind(wait).expect_err("it waited in vain");
    *why.downcast::<String>().expect("a formatted text")
}

#[test]
fn a_wait_in_vain_says_where_and_for_what() {
    let (_open, messages) = channel::<()>();
    let mut child = std::process::Command::new("sleep");
    let mut child = child.arg("1000").spawn().expect("a program");
    let nothing = || {
        passed("a thing").until(|| Err::<(), _>("nothing yet"));
    };
    let no_message = AssertUnwindSafe(|| {
        let _ = passed("a thing").next(&messages);
    });
    let no_end = AssertUnwindSafe(|| {
        ended_by(&passed("a thing"), &mut child);
    });
    for said in [said(nothing), said(no_message), said(no_end)] {
        assert!(said.starts_with(&format!("{}:", file!())), "{said}");
        assert!(said.contains("for a thing; last: "), "{said}");
    }
    assert!(!child.wait().expect("it was killed").success());
}

#[test]
fn a_future_that_is_never_ready_says_where_it_was_waited_for() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let waiting = || runtime.block_on(soon("a thing", std::future::pending::<()>()));
    let said = said(AssertUnwindSafe(waiting));
    assert!(
        said.starts_with(file!()) && said.contains("for a thing"),
        "{said}"
    );
}

#[test]
fn what_comes_in_time_is_given() {
    let (give, given) = channel();
    give.send(1).expect("it is heard");
    assert_eq!(message("a number", &given), 1);
    let mut looks = 0;
    until_true("the third look", || {
        looks += 1;
        looks == 3
    });
    assert_eq!(returned("a sum", || 1 + 1), 2);
    assert_eq!(joined("a thread", thread::spawn(|| 3)), 3);
    let echo = std::process::Command::new("echo")
        .arg("hello")
        .stdout(std::process::Stdio::piped())
        .spawn();
    let output = output(echo.expect("a program"));
    assert!(output.status.success() && output.stdout == b"hello\n");
}
