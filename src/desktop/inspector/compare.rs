//! With which other run the shown one is compared.

use egui::{Button, Ui};

use crate::{
    desktop::{
        icons,
        theme::caption,
        view::Cx,
        widgets::{ghost_button, menu_item},
    },
    engine::{Asked, Command, HistoryCommand, Reply, RunCommand, ask},
    history::{RunPage, RunQuery},
    run::{Run, RunId},
};

type PageAnswer = Result<RunPage, String>;

/// The other run, and the search for it.
#[derive(Debug, Default)]
pub struct Compare {
    with: Option<RunId>,
    search: Search,
    /// Why no run was found.
    problem: Option<String>,
}

/// What is waited for.
#[derive(Debug, Default)]
enum Search {
    #[default]
    Nothing,
    /// How many runs of the target began no sooner: that many come before the previous one.
    Count(RunQuery, Asked<PageAnswer>),
    /// The previous run.
    Previous(Asked<PageAnswer>),
    /// A click on a row of the table.
    Click,
}

impl Compare {
    /// The other run.
    #[must_use]
    pub fn with(&self) -> Option<RunId> {
        self.with
    }

    /// Whether the next click on a row of the table picks the run.
    #[must_use]
    pub fn is_picking(&self) -> bool {
        matches!(self.search, Search::Click)
    }

    /// Waits no longer, neither for a click nor for the history.
    pub fn stop_waiting(&mut self) {
        self.search = Search::Nothing;
    }

    /// The run is gone: it is compared with no longer.
    pub fn forget(&mut self, run: RunId) {
        self.with = self.with.filter(|with| *with != run);
    }

    /// Takes the run that was clicked, if a click is waited for.
    pub fn pick(&mut self, run: RunId, cx: &mut Cx<'_>) -> bool {
        let is_picking = self.is_picking();
        if is_picking {
            self.choose(run, cx);
        }
        is_picking
    }

    fn choose(&mut self, run: RunId, cx: &mut Cx<'_>) {
        *self = Self {
            with: Some(run),
            ..Self::default()
        };
        if !cx.state.runs.contains_key(&run) {
            cx.commands.push(Command::Run(RunCommand::Load(run)));
        }
    }

    /// Takes the history's answers.
    pub fn logic(&mut self, cx: &mut Cx<'_>) {
        match std::mem::take(&mut self.search) {
            Search::Count(query, mut asked) => match asked.take() {
                Some(Ok(RunPage { total, .. })) => {
                    let query = RunQuery {
                        since_unix_ns: None,
                        offset: total,
                        ..query
                    };
                    let (reply, answer) = ask();
                    cx.commands.push(runs(query, reply));
                    self.search = Search::Previous(answer);
                }
                Some(Err(problem)) => self.problem = Some(problem),
                None => self.search = Search::Count(query, asked),
            },
            Search::Previous(mut asked) => match asked.take() {
                Some(Ok(page)) => match page.rows.first() {
                    Some(row) => self.choose(row.id, cx),
                    None => self.problem = Some("There is no earlier run of this target".into()),
                },
                Some(Err(problem)) => self.problem = Some(problem),
                None => self.search = Search::Previous(asked),
            },
            other => self.search = other,
        }
    }

    /// The menu, and how the search stands.
    pub fn menu_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, run: &Run) {
        let label = format!("Compare with…  {}", icons::CHEVRON_DOWN);
        ui.menu_button(label, |ui| {
            if menu_item(ui, icons::HISTORY, "The previous run of this target") {
                self.find_previous(cx, run);
                ui.close();
            }
            if menu_item(ui, icons::RUNS, "A run in the table…") {
                self.search = Search::Click;
                self.problem = None;
                ui.close();
            }
        });
        if self.with.is_some() {
            let stop = Button::new(format!("{}  Stop comparing", icons::CLOSE));
            if ui.add(stop.frame_when_inactive(false)).clicked() {
                *self = Self::default();
            }
        }
        if self.is_picking() {
            ui.label(caption(cx.theme, "Click a run in the table"));
            if ghost_button(ui, cx.theme, "Cancel").clicked() {
                self.stop_waiting();
            }
        }
        if let Some(problem) = &self.problem {
            ui.label(caption(cx.theme, problem.clone()));
        }
    }

    fn find_previous(&mut self, cx: &mut Cx<'_>, run: &Run) {
        let query = RunQuery {
            targets: vec![run.head.target.clone()],
            since_unix_ns: Some(run.stamps.started_unix_ns),
            limit: 1,
            ..RunQuery::default()
        };
        let (reply, answer) = ask();
        cx.commands.push(runs(query.clone(), reply));
        self.problem = None;
        self.search = Search::Count(query, answer);
    }
}

fn runs(query: RunQuery, reply: Reply<PageAnswer>) -> Command {
    Command::History(HistoryCommand::Runs { query, reply })
}
