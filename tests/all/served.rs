//! A command that serves, run as a shell runs it: it says where in its first line.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::deadline;

/// A program that serves, and does not outlive its test.
pub struct Served {
    child: Child,
    out: BufReader<ChildStdout>,
    /// The base URL that it printed.
    pub base_url: String,
}

impl Served {
    pub fn start(command: Command) -> Self {
        Self::start_with(command, |_| {})
    }

    /// Starts it, and does something with its process id before it has said where it serves.
    pub fn start_with(mut command: Command, while_it_starts: impl FnOnce(u32)) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while_it_starts(child.id());
        let out = BufReader::new(child.stdout.take().unwrap());
        let (out, line) = deadline::read("its address", out, |out| {
            let mut line = String::new();
            out.read_line(&mut line).map(|_| line)
        });
        let base_url = line.unwrap().trim().to_owned();
        Self {
            child,
            out,
            base_url,
        }
    }

    /// Sends it this signal.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// The next line of its log.
    pub fn error_line(&mut self) -> String {
        let err = self.child.stderr.take().unwrap();
        let (err, line) = deadline::read("a line of the log", err, |err| {
            let mut line = Vec::new();
            let mut byte = [0];
            while err.read(&mut byte)? > 0 && byte != *b"\n" {
                line.push(byte[0]);
            }
            std::io::Result::Ok(String::from_utf8_lossy(&line).into_owned())
        });
        self.child.stderr = Some(err);
        line.unwrap()
    }

    /// Ends it by SIGTERM; what it printed after its first line, and its log.
    pub fn stop(mut self) -> (String, String) {
        self.signal("TERM");
        assert!(deadline::ended(&mut self.child).success());
        let (mut usage, mut log) = (String::new(), String::new());
        self.out.read_to_string(&mut usage).unwrap();
        let mut err = self.child.stderr.take().unwrap();
        err.read_to_string(&mut log).unwrap();
        (usage, log)
    }
}

/// Sends a process this signal.
pub fn signal(pid: u32, name: &str) {
    let told = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(told.unwrap().success());
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
