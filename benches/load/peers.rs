//! Other load tools, which `peers.py` installs and runs.

use std::{path::Path, process::Command};

use anyhow::Context as _;

use crate::{
    common::{closed_loop::Level, process::said, served::Served},
    levels::Measured,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/load/peers.py");

/// The tools that the script knows.
pub const ALL: [&str; 4] = ["openai", "oha", "aiperf", "guidellm"];

fn script(folder: &Path, what: &str, tool: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-B", SCRIPT, what, tool]).arg(folder);
    command
}

/// Installs a tool into the folder, unless it is there.
pub fn install(folder: &Path, tool: &str) -> anyhow::Result<()> {
    said(&mut script(folder, "install", tool)).with_context(|| format!("installing {tool}"))?;
    Ok(())
}

/// Has a tool send all requests of a level.
pub fn measure(
    folder: &Path,
    tool: &str,
    level: Level,
    simulator: &Served,
) -> anyhow::Result<Measured> {
    let mut command = script(folder, "measure", tool);
    command
        .arg(simulator.base_url.as_str())
        .arg(level.0.to_string())
        .arg(level.requests().to_string())
        .arg(level.tokens().to_string());
    Ok(serde_json::from_str(&said(&mut command)?)?)
}
