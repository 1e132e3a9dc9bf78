//! The settings file: TOML that people edit by hand, and that the desktop edits, too.
//!
//! In: `config.toml`, the environment. Out: [`Settings`]. Edits keep comments and order. An invalid file is reported
//! with the line and never overwritten.

pub mod alert;
mod captures;
mod edit;
mod environment;
pub mod gateway;
pub mod monitor;
mod parse;
pub mod retention;
mod section;
mod watch;

use std::{
    borrow::Cow,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use self::{
    alert::AlertSettings, gateway::GatewaySettings, monitor::MonitorSettings, retention::Retention,
};
pub use self::{
    captures::CaptureLimits,
    watch::{SettingsWatcher, watch},
};
use crate::{
    endpoint::{Endpoint, local_gateway, preset, variables::Environment},
    input,
    price::PriceTable,
    private,
};

/// The share of its TTFT by which a run may be read late, unless the file says otherwise.
pub const LATE_SHARE: f64 = 0.1;

/// Everything the user can set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// All endpoints: those of the file, then those of the environment, then the simulator's.
    pub endpoints: Vec<Endpoint>,
    /// Ids of endpoints that come from the environment or are built in, and so can't be edited in place.
    pub built_in: Vec<String>,
    /// How the desktop looks.
    pub appearance: Appearance,
    /// What counts as measured.
    pub measuring: Measuring,
    /// The gateway.
    pub gateway: GatewaySettings,
    /// When somebody is told that a target is slow or fails, in the order of the file.
    pub alerts: Vec<AlertSettings>,
    /// The desktop's monitor.
    pub monitor: MonitorSettings,
    /// What the history keeps of what went over the wire.
    pub captures: CaptureLimits,
    /// How long probes and checks are kept one by one.
    pub retention: Retention,
    /// What answers cost: the file's prices before the built-in ones.
    pub prices: PriceTable,
    /// Problems that don't prevent loading: unknown keys, variables that give no endpoint, …
    pub warnings: Vec<SettingsProblem>,
}

impl Settings {
    /// The settings without a file: only the endpoints of the environment.
    #[must_use]
    pub fn of_environment(environment: &Environment) -> Self {
        let mut settings = Self::default();
        settings.add_from_environment(environment);
        settings
    }

    /// The endpoint of this id.
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|e| e.id == id)
    }

    /// The endpoint of this id, or else that of the preset of this id, with variables from the environment.
    #[must_use]
    pub fn endpoint_or_preset(&self, id: &str) -> Option<Cow<'_, Endpoint>> {
        let of_preset = || {
            let preset = preset::find(id)?;
            let endpoint = preset.endpoint_here(&Environment::of_process());
            endpoint.ok().map(Cow::Owned)
        };
        self.endpoint(id).map(Cow::Borrowed).or_else(of_preset)
    }

    /// These settings with the built-in simulator's endpoints at the end.
    #[must_use]
    pub fn with_simulator(mut self, endpoints: Vec<Endpoint>) -> Self {
        self.built_in.extend(endpoints.iter().map(|e| e.id.clone()));
        self.endpoints.extend(endpoints);
        self
    }

    /// These settings with the endpoints of the desktop's gateway at the end, instead of those that they had.
    #[must_use]
    pub fn with_gateway(mut self, endpoints: &[Endpoint]) -> Self {
        (self.endpoints).retain(|endpoint| !local_gateway::is_own(&endpoint.id));
        self.built_in.retain(|id| !local_gateway::is_own(id));
        self.built_in.extend(endpoints.iter().map(|e| e.id.clone()));
        self.endpoints.extend(endpoints.iter().cloned());
        self
    }

    /// Adds the endpoints of the environment, except ids that the file has.
    fn add_from_environment(&mut self, environment: &Environment) {
        let (endpoints, problems) = environment::endpoints(environment);
        for endpoint in endpoints {
            if self.endpoint(&endpoint.id).is_none() {
                self.built_in.push(endpoint.id.clone());
                self.endpoints.push(endpoint);
            }
        }
        self.warnings.extend(problems);
    }
}

/// How the desktop looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Appearance {
    /// Dark, light, or the system's.
    pub theme: ThemeChoice,
    /// Zoom factor, 0.5 to 3.
    pub zoom: f32,
    /// Seconds from which on an answer is long: when one ends while another window is in use, the desktop shows a
    /// notification. 0 for none.
    pub notify_after_s: u32,
}

impl Default for Appearance {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            zoom: 1.0,
            notify_after_s: 0,
        }
    }
}

/// What counts as measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measuring {
    /// The share of its TTFT by which a run may be read late, 0 to 1; a later one leaves percentiles and verdicts.
    pub late_share: f64,
}

impl Default for Measuring {
    fn default() -> Self {
        Self {
            late_share: LATE_SHARE,
        }
    }
}

/// Dark, light, or the system's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// Dark.
    Dark,
    /// Light.
    Light,
    /// The system's.
    #[default]
    System,
}

impl ThemeChoice {
    /// The word in the settings file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::System => "system",
        }
    }
}

/// Why the settings file can't be used, or an edit failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", .path.display(), .line.map(|l| format!(", line {l}")).unwrap_or_default())]
pub struct SettingsProblem {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1, if known.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

/// An edit by the desktop or the terminal.
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
    /// Changes the monitor's plan, or turns it on or off.
    Monitor(MonitorSettings),
    /// Changes how many captures the history keeps.
    Captures(CaptureLimits),
    /// Changes how long probes and checks are kept one by one.
    Retention(Retention),
    /// Changes what counts as measured.
    Measuring(Measuring),
    /// Adds an alert, or replaces the one of this name.
    PutAlert {
        /// The name it had, if it is renamed.
        old_name: Option<String>,
        /// The alert.
        alert: Box<AlertSettings>,
    },
    /// Removes an alert.
    RemoveAlert {
        /// Its name.
        name: String,
    },
    /// Adds a key for clients of the gateway, or replaces the one of this name; its limits stay.
    PutGatewayKey {
        /// Its name.
        name: String,
        /// The SHA-256 of its text, in hexadecimal digits.
        sha256: String,
    },
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
    /// The folders of this user: `TOKENSCOPE_CONFIG_DIR` and `TOKENSCOPE_DATA_DIR` if set, else the platform's.
    ///
    /// # Errors
    /// If the platform has no home folder.
    pub fn of_user() -> Result<Self, SettingsProblem> {
        Self::of(&Environment::of_process())
    }

    fn of(environment: &Environment) -> Result<Self, SettingsProblem> {
        const CONFIG: &str = "TOKENSCOPE_CONFIG_DIR";
        const DATA: &str = "TOKENSCOPE_DATA_DIR";
        let platform = directories::ProjectDirs::from("", "", "tokenscope");
        let folder = |variable: &str, own: fn(&directories::ProjectDirs) -> PathBuf| {
            let chosen = environment.get(variable).map(PathBuf::from);
            (chosen.or_else(|| platform.as_ref().map(own))).ok_or_else(|| SettingsProblem {
                path: PathBuf::from(format!("${variable}")),
                line: None,
                message: "there is no home folder: set this variable to a folder".to_owned(),
            })
        };
        Ok(Self {
            settings: folder(CONFIG, |dirs| dirs.config_dir().to_owned())?.join("config.toml"),
            data: folder(DATA, |dirs| dirs.data_local_dir().to_owned())?,
        })
    }
}

/// Reads the settings file (a missing one counts as empty), and adds the endpoints of the environment: `LLM_BASE_URL`
/// with `LLM_API_KEY`, and each preset whose key variable is set.
///
/// # Errors
/// If the file is invalid; with the line.
pub fn load(paths: &Paths) -> Result<Settings, SettingsProblem> {
    load_in(paths, &Environment::of_process())
}

/// Like [`load`], in a given environment.
///
/// # Errors
/// If the file is invalid; with the line.
pub fn load_in(paths: &Paths, environment: &Environment) -> Result<Settings, SettingsProblem> {
    let text = read(&paths.settings).map_err(|why| paths.problem(&why))?;
    let mut settings = parse::settings(&paths.settings, &text.unwrap_or_default())?;
    settings.add_from_environment(environment);
    Ok(settings)
}

/// Makes one edit in the file, keeping comments, order and unknown keys.
///
/// # Errors
/// If the file is invalid (it is then not changed), or can't be written.
pub fn edit(paths: &Paths, edit: &SettingsEdit) -> Result<(), SettingsProblem> {
    let path = &paths.settings;
    let locked = || private::locked(path, || Ok(edit::make(path, edit)));
    (path.parent().map_or(Ok(()), private::folder))
        .and_then(|()| locked())
        .map_err(|why| paths.problem(&why))?
}

impl Paths {
    /// A problem with the file as a whole.
    fn problem(&self, why: &io::Error) -> SettingsProblem {
        SettingsProblem {
            path: self.settings.clone(),
            line: None,
            message: why.to_string(),
        }
    }
}

/// Largest settings file, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// The file's text; `None` if there is none yet.
fn read(path: &Path) -> io::Result<Option<String>> {
    match input::text(path, MAX_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(why) if why.is_missing() => Ok(None),
        Err(why) => Err(io::Error::other(format!("it {}", why.why))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_can_be_chosen() {
        let env = Environment::of([
            ("TOKENSCOPE_CONFIG_DIR", "/c"),
            ("TOKENSCOPE_DATA_DIR", "/d"),
        ]);
        let paths = Paths::of(&env).unwrap();
        assert_eq!(paths.settings, PathBuf::from("/c/config.toml"));
        assert_eq!(paths.data, PathBuf::from("/d"));
    }
}
