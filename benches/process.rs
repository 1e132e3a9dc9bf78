//! Processes of the benchmarks.

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context as _, ensure};

/// A process that ends when this is dropped.
pub struct Process(Child);

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        Ok(Self(command.spawn()?))
    }

    /// Starts a server; gives the first line that it prints, too: where it listens.
    pub fn serving(command: &mut Command) -> anyhow::Result<(Self, String)> {
        let (child, line) = first_line(command)?;
        Ok((Self(child), line))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This benchmark in another process, which does what the words say.
pub fn this_program(words: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(words);
    Ok(command)
}

/// Starts a command, and waits for the first line that it prints. What it prints later is thrown away.
pub fn first_line(command: &mut Command) -> anyhow::Result<(Child, String)> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let out = child.stdout.take().context("no stdout")?;
    let (mut out, mut line) = (BufReader::new(out), String::new());
    out.read_line(&mut line)?;
    thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    Ok((child, line.trim().to_owned()))
}

/// Waits for a command's end; gives all that it printed.
pub fn said(command: &mut Command) -> anyhow::Result<String> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let (mut out, mut said) = (child.stdout.take().context("no stdout")?, String::new());
    out.read_to_string(&mut said)?;
    ensure!(child.wait()?.success(), "the client failed");
    Ok(said)
}
