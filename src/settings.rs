//! The one settings file: hand-editable TOML that the desktop edits too.
//!
//! In: `config.toml`, the environment. Out: [`Settings`]. Edits keep comments and order; a file that
//! can't be read is explained with its line and never overwritten.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;

/// Everything the user can set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// All endpoints: those of the file, then those that the environment makes ready, then the simulator.
    pub endpoints: Vec<Endpoint>,
    /// Ids of endpoints that come from the environment or are built in, and so can't be edited in place.
    pub built_in: Vec<String>,
    /// How the desktop looks.
    pub appearance: Appearance,
}

impl Settings {
    /// The endpoint of this id.
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|e| e.id == id)
    }
}

/// How the desktop looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Appearance {
    /// Dark, light, or as the system.
    pub theme: Theme,
    /// Zoom factor, 0.5 to 3.
    pub zoom: f32,
}

impl Default for Appearance {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            zoom: 1.0,
        }
    }
}

/// Dark, light, or as the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Dark.
    Dark,
    /// Light.
    Light,
    /// As the system.
    #[default]
    System,
}

/// Why the settings file could not be used, or an edit not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", .path.display(), .line.map(|l| format!(", line {l}")).unwrap_or_default())]
pub struct SettingsProblem {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1, where known.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

/// An edit that the desktop or the terminal makes.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingsEdit {
    /// Adds an endpoint, or replaces the one of this id.
    PutEndpoint {
        /// The id it had, if it is renamed.
        old_id: Option<String>,
        /// The endpoint.
        endpoint: Box<Endpoint>,
    },
    /// Removes an endpoint.
    RemoveEndpoint {
        /// Its id.
        id: String,
    },
    /// Changes the appearance.
    Appearance(Appearance),
}

/// Folders and files of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml`.
    pub settings: PathBuf,
    /// The data folder, with `history.db`.
    pub data: PathBuf,
}

impl Paths {
    /// The folders of this user: `TOKENSCOPE_CONFIG_DIR` and `TOKENSCOPE_DATA_DIR` if set, else the
    /// platform's own.
    ///
    /// # Errors
    /// If the platform knows no home folder.
    pub fn of_user() -> Result<Self, SettingsProblem> {
        todo!("endpoints helper")
    }
}

/// Reads the settings file (a missing one is empty), and adds what the environment makes ready:
/// `LLM_BASE_URL` with `LLM_API_KEY`, and each preset whose key variable is set.
///
/// # Errors
/// With the line, if the file is not what it should be.
pub fn load(_paths: &Paths) -> Result<Settings, SettingsProblem> {
    todo!("endpoints helper")
}

/// Makes one edit in the file, keeping comments, order and everything that it does not know.
///
/// # Errors
/// If the file is broken (it is then left as it is), or can't be written.
pub fn edit(_paths: &Paths, _edit: &SettingsEdit) -> Result<(), SettingsProblem> {
    todo!("endpoints helper")
}

/// Calls back, from a thread of its own, whenever the settings file has changed. Dropping it stops it.
#[derive(Debug)]
pub struct Watch {}

/// Watches the settings file; a folder that does not exist yet is made.
///
/// # Errors
/// If the folder can't be watched.
pub fn watch(
    _paths: &Paths,
    _changed: impl Fn() + Send + 'static,
) -> Result<Watch, SettingsProblem> {
    todo!("endpoints helper")
}
