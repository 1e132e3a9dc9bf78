//! Keys that a configured command prints: a password manager, a cloud's token helper.
//!
//! In: a program and its arguments, run without a shell. Out: what it prints, kept for the session.
//! What it prints never stands in an error, even if it failed half-way.

use std::{
    collections::HashMap,
    process::{ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::{SecretString, zeroize::Zeroizing};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, Command},
    time::timeout,
};

use super::KeyError;
use crate::mask::cover;

/// How long a command may take: it may ask a server, or a finger on a sensor.
const LIMIT: Duration = Duration::from_secs(10);

/// The most that is read of what it prints; no key is that long.
const MAX_OUTPUT: u64 = 64 * 1024;

/// The most that is shown of its complaint, in characters.
const MAX_COMPLAINT: usize = 200;

/// The last outcome of each command.
#[derive(Default)]
pub(super) struct Commands {
    outcomes: Mutex<HashMap<String, (Vec<String>, CommandResult)>>,
}

type CommandResult = Result<SecretString, KeyError>;

impl Commands {
    /// The secret that the command gives: what it gave before, or what it prints now.
    pub(super) async fn secret(&self, owner: &str, command: &[String]) -> CommandResult {
        if let Some(Ok(secret)) = self.last(owner, command) {
            return Ok(secret);
        }
        let outcome = run(command).await;
        let entry = (command.to_vec(), outcome.clone());
        self.lock().insert(owner.to_owned(), entry);
        outcome
    }

    /// How the command ended last time, if it ran.
    pub(super) fn last(&self, owner: &str, command: &[String]) -> Option<CommandResult> {
        let outcomes = self.lock();
        let (ran, outcome) = outcomes.get(owner)?;
        (ran == command).then(|| outcome.clone())
    }

    /// Forgets the outcomes of owners that begin so: their commands run again.
    pub(super) fn forget(&self, prefix: &str) {
        self.lock().retain(|owner, _| !owner.starts_with(prefix));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Vec<String>, CommandResult)>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(command: &[String]) -> CommandResult {
    run_within(command, LIMIT).await
}

async fn run_within(command: &[String], limit: Duration) -> CommandResult {
    let [program, arguments @ ..] = command else {
        return Err(KeyError::Command("it is empty".to_owned()));
    };
    let failed = |why: String| KeyError::Command(format!("{program} {why}"));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // A group of its own, so that what it starts can be ended with it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command
        .spawn()
        .map_err(|why| failed(format!("can't be started: {why}")))?;
    let group = ProcessGroup::of(&child);
    let (status, printed, complaint) = timeout(limit, finish(&mut child))
        .await
        .map_err(|_| {
            failed(format!(
                "did not end within {} seconds",
                limit.as_secs_f32()
            ))
        })?
        .map_err(|why| failed(format!("can't be read: {why}")))?;
    group.ended();
    let text = std::str::from_utf8(&printed).map(str::trim);
    if !status.success() {
        return Err(failed(complained(status, &complaint, text.unwrap_or(""))));
    }
    match text {
        Ok("") => Err(failed("printed nothing".to_owned())),
        Ok(key) if key.contains(char::is_control) => {
            Err(failed("printed more than one line".to_owned()))
        }
        Ok(key) => Ok(key.to_owned().into()),
        Err(_) => Err(failed("printed what is no UTF-8 text".to_owned())),
    }
}

/// A command and all that it started: ended with it where it is given up.
struct ProcessGroup(Option<u32>);

impl ProcessGroup {
    fn of(child: &Child) -> Self {
        Self(child.id())
    }

    /// The command has ended by itself; what it left running is its own business.
    fn ended(mut self) {
        self.0 = None;
    }
}

#[cfg(unix)]
impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let id = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(rustix::process::Pid::from_raw) {
            // One that is gone already needs no ending.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

type Printed = Zeroizing<Vec<u8>>;

async fn finish(child: &mut Child) -> std::io::Result<(ExitStatus, Printed, Printed)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (printed, complaint) = tokio::try_join!(read(stdout), read(stderr))?;
    Ok((child.wait().await?, printed, complaint))
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Printed> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    if let Some(from) = from {
        from.take(MAX_OUTPUT).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// How it ended, and the first line of its complaint, with whatever it printed as a key taken out.
fn complained(status: ExitStatus, complaint: &[u8], secret: &str) -> String {
    let complaint = String::from_utf8_lossy(complaint);
    let line = complaint
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty());
    let how = match status.code() {
        Some(code) => format!("ended with code {code}"),
        None => "was killed".to_owned(),
    };
    let Some(line) = line else { return how };
    let masked = (secret.split_whitespace()).fold(line.to_owned(), |line, word| cover(&line, word));
    let shown: String = masked
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_COMPLAINT)
        .collect();
    format!("{how}: {shown}")
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::BufRead as _;

    use secrecy::ExposeSecret;

    use super::*;

    fn clear(outcome: &CommandResult) -> Result<&str, &KeyError> {
        outcome.as_ref().map(ExposeSecret::expose_secret)
    }

    fn sh(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn what_it_prints_is_the_key_without_its_line_end() {
        for script in [
            "echo sk-1",
            "printf '  sk-1\\r\\n\\n'",
            "printf sk-1; echo careful >&2",
        ] {
            assert_eq!(clear(&run(&sh(script)).await), Ok("sk-1"), "{script}");
        }
    }

    #[tokio::test]
    async fn a_failure_is_told_without_what_was_printed() {
        for (script, why) in [
            ("exit 3", "sh ended with code 3"),
            (
                "echo sk-hunter2; echo; echo no >&2; exit 1",
                "sh ended with code 1: no",
            ),
            (
                "echo sk-hunter2; echo 'bad sk-hunter2!' >&2; exit 1",
                "code 1: bad •••!",
            ),
            ("printf 'a\\n\\033[2Jb' >&2; exit 1", "code 1: a"),
            ("true", "sh printed nothing"),
            ("echo '  '", "sh printed nothing"),
            (
                "printf 'sk-hunter2\\nsecond'",
                "sh printed more than one line",
            ),
            (
                "printf 'sk-hunter2\\377'",
                "sh printed what is no UTF-8 text",
            ),
            ("kill -9 $$", "sh was killed"),
        ] {
            let error = run(&sh(script)).await.map(drop).unwrap_err().to_string();
            assert!(error.contains(why), "{script}: {error}");
            assert!(!error.contains("hunter2"), "{script}: {error}");
        }
        let missing = run(&["/no/such/program".to_owned()])
            .await
            .map(drop)
            .unwrap_err();
        assert!(
            missing.to_string().contains("can't be started"),
            "{missing}"
        );
        assert!(run(&[]).await.is_err());
    }

    #[tokio::test]
    async fn what_a_command_started_ends_with_it() {
        // The writing end of the pipe is the orphan's alone: its end is the pipe's.
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        let (tell, started) = tokio::sync::oneshot::channel();
        let read = pipe.clone();
        let reader = tokio::task::spawn_blocking(move || {
            let mut lines = std::io::BufReader::new(std::fs::File::open(read).unwrap()).lines();
            tell.send(lines.next()).unwrap();
            lines.next().is_none()
        });
        let script = sh(&format!(
            "(echo here; exec sleep 600) > {} & wait",
            pipe.display()
        ));
        tokio::select! {
            _ = run_within(&script, Duration::from_hours(1)) => panic!("it ended by itself"),
            line = started => assert_eq!(line.unwrap().unwrap().unwrap(), "here"),
        }
        assert!(reader.await.unwrap(), "the orphan lives");
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_told_of() {
        let error = run_within(&sh("sleep 600"), Duration::from_millis(1)).await;
        let error = error.map(drop).unwrap_err().to_string();
        assert!(
            error.contains("did not end within 0.001 seconds"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn arguments_are_not_read_by_a_shell() {
        let command = ["echo", "$HOME;`id`"].map(str::to_owned);
        assert_eq!(clear(&run(&command).await), Ok("$HOME;`id`"));
    }

    #[tokio::test]
    async fn an_outcome_holds_until_it_is_forgotten_and_a_failure_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("n").display().to_string();
        let counting = sh(&format!("echo x >> {count}; wc -l < {count}"));
        let commands = Commands::default();
        for (owner, expected) in [("a@x", "1"), ("a@x", "1"), ("b@x", "2"), ("a@x", "1")] {
            assert_eq!(
                clear(&commands.secret(owner, &counting).await),
                Ok(expected)
            );
        }
        commands.forget("a@");
        assert_eq!(clear(&commands.secret("a@x", &counting).await), Ok("3"));
        assert_eq!(clear(&commands.secret("b@x", &counting).await), Ok("2"));
        let failing = sh(&format!("echo x >> {count}; exit 1"));
        for _ in 0..2 {
            assert!(commands.secret("c@x", &failing).await.is_err());
        }
        assert_eq!(clear(&commands.secret("d@x", &counting).await), Ok("6"));
    }
}
