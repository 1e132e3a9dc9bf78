//! The settings that the engine works by: read, watched, edited.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::Core;
use crate::{
    endpoint::{Endpoint, variables::Environment},
    engine::{Outbox, SettingsNews, Update, lookup},
    settings::{self, Paths, Settings, SettingsEdit, SettingsProblem, SettingsWatcher},
    simulator,
};

/// The consequence if the settings file can't be watched.
const WATCH_PROBLEM: &str = "changes by hand take effect only at the next start";

impl Core {
    /// Offers the endpoints of the desktop's gateway, instead of those before.
    pub(super) fn offer_gateway(&mut self, endpoints: Vec<Endpoint>) {
        self.gateway_endpoints = endpoints;
        self.reload();
    }

    /// Reads the settings file. If it is invalid, the last valid settings stay in use.
    pub(super) fn reload(&mut self) {
        let (settings, problem) = match settings::load(&self.paths) {
            Ok(settings) => (self.with_own_endpoints(settings), None),
            Err(problem) if self.settings.endpoints.is_empty() => {
                let ready = Settings::of_environment(&Environment::of_process());
                (self.with_own_endpoints(ready), Some(problem))
            }
            Err(problem) => ((*self.settings).clone(), Some(problem)),
        };
        let settings = settings.with_gateway(&self.gateway_endpoints);
        self.settings = Arc::new(settings);
        // What is rolled up stays so: only settings that are valid can ask for it.
        if let (Some(history), None) = (&self.history, &problem) {
            history.keep(self.settings.retention, self.settings.measuring.late_share);
        }
        self.gateway.settings_are(Arc::clone(&self.settings));
        self.monitor.settings_are(Arc::clone(&self.settings));
        self.compare.settings_are(Arc::clone(&self.settings));
        self.bench.settings_are(Arc::clone(&self.settings));
        if let Some(history) = &self.history {
            history.limit_captures(self.settings.captures);
        }
        let news = SettingsNews::Are(Arc::clone(&self.settings));
        self.out.send(Update::Settings(news));
        self.report_problem(problem);
    }

    /// Adds the endpoints that are not in the file: those of the command line first, the simulator's last.
    fn with_own_endpoints(&self, mut settings: Settings) -> Settings {
        settings.endpoints.splice(0..0, self.extra.iter().cloned());
        match &self.simulator {
            Some(simulator) => settings.with_simulator(simulator::endpoints(&simulator.base_url())),
            None => settings,
        }
    }

    fn report_problem(&mut self, problem: Option<SettingsProblem>) {
        if problem.is_some() || self.settings_broken {
            self.settings_broken = problem.is_some();
            self.out
                .send(Update::Settings(SettingsNews::Problem(problem)));
        }
    }

    pub(super) fn edit(&mut self, edit: &SettingsEdit) {
        // Only these two move or delete keys.
        let before = match edit {
            SettingsEdit::PutEndpoint { old_id, .. } => old_id.as_deref(),
            SettingsEdit::RemoveEndpoint { id } => Some(id.as_str()),
            _ => None,
        };
        let before = before.and_then(|id| self.settings.endpoint(id)).cloned();
        match settings::edit(&self.paths, edit) {
            Ok(()) => {
                self.reload();
                if let Some(before) = before {
                    self.update_keys(edit, before);
                }
            }
            Err(problem) => self.report_problem(Some(problem)),
        }
    }

    /// Moves the keys of a renamed endpoint, and deletes those of a deleted one.
    fn update_keys(&self, edit: &SettingsEdit, before: Endpoint) {
        let (out, credentials) = (self.out.clone(), self.credentials.clone());
        match edit {
            SettingsEdit::PutEndpoint { endpoint, .. } if endpoint.id != before.id => {
                let endpoint = endpoint.as_ref().clone();
                self.tasks.spawn(async move {
                    lookup::rename_keys(&out, &credentials, &before, &endpoint).await;
                });
            }
            SettingsEdit::RemoveEndpoint { .. } => {
                self.tasks.spawn(async move {
                    lookup::forget_keys(&out, &credentials, &before).await;
                });
            }
            _ => {}
        }
    }
}

pub(super) fn watch(
    paths: &Paths,
    changed: UnboundedSender<()>,
    out: &Outbox,
) -> Option<SettingsWatcher> {
    let on_change = move || {
        // The loop that reads it may have ended already.
        let _ = changed.send(());
    };
    settings::watch(paths, on_change)
        .inspect_err(|problem| {
            let mut problem = problem.clone();
            problem.message = format!("{}; {WATCH_PROBLEM}", problem.message);
            out.send(Update::Settings(SettingsNews::Problem(Some(problem))));
        })
        .ok()
}
