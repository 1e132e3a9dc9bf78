//! A user of our own: folders of a test, and the program run in them with nothing else around it.

use std::{
    ffi::OsStr,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
};

use tempfile::TempDir;
use tokenscope::settings::Paths;

use crate::deadline;

/// What of the test's own environment the program still needs.
const INHERITED: &[&str] = &["PATH", "SYSTEMROOT", "TMPDIR", "TEMP"];

/// The folders of a user who has just come. Clones share them.
#[derive(Clone)]
pub struct Home {
    folder: Arc<TempDir>,
    environment: Vec<(String, String)>,
}

impl Home {
    pub fn new() -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().expect("a temporary folder")),
            // Nothing listens there: no test may find the keyring of whoever runs it.
            environment: vec![(
                "DBUS_SESSION_BUS_ADDRESS".into(),
                "unix:path=/nonexistent/bus".into(),
            )],
        }
    }

    /// With a variable set for every program run here; a later value replaces an earlier one.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn settings(&self) -> PathBuf {
        self.path().join("config/config.toml")
    }

    pub fn paths(&self) -> Paths {
        Paths {
            settings: self.settings(),
            data: self.path().join("data"),
        }
    }

    pub fn write_settings(&self, text: &str) {
        std::fs::create_dir_all(self.path().join("config")).expect("the folder");
        std::fs::write(self.settings(), text).expect("the settings");
    }

    /// The program with these arguments, about to be run.
    pub fn tokenscope(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenscope"));
        command.env_clear();
        command.envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
        command
            .env("HOME", self.path())
            .env("TOKENSCOPE_CONFIG_DIR", self.path().join("config"))
            .env("TOKENSCOPE_DATA_DIR", self.path().join("data"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .args(arguments);
        command
    }

    /// Starts the program with nothing on standard input.
    pub fn start(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        stdout: Stdio,
        stderr: Stdio,
    ) -> Child {
        let mut command = self.tokenscope(arguments);
        let command = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        command.spawn().expect("the program starts")
    }

    /// Runs the program to its end, with `input` piped in.
    #[track_caller]
    pub fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = piped(self.tokenscope(arguments));
        let mut stdin = child.stdin.take().expect("a pipe");
        // A program that reads nothing may be gone already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        deadline::output(child).into()
    }
}

/// The program started with all three streams piped.
pub fn piped(mut command: Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}
