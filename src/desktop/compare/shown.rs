//! Which comparison is shown: that which runs here, or one of the history.

use std::sync::Arc;

use crate::{
    compare::{CompareState, ComparisonId},
    desktop::view::{Action, Cx},
    engine::{Asked, Command, CompareCommand, ask},
};

type Opened = Result<Option<Box<CompareState>>, String>;

/// The comparison that is shown.
#[derive(Debug, Default)]
pub struct ShownComparison {
    id: Option<ComparisonId>,
    /// It, as the history had it.
    opened: Option<Arc<CompareState>>,
    opening: Asked<Opened>,
    /// The one of this process that was seen last, and whether it ran.
    seen: Option<(ComparisonId, bool)>,
    /// Why it could not be opened.
    pub problem: Option<String>,
}

impl ShownComparison {
    /// Its key.
    #[must_use]
    pub fn id(&self) -> Option<ComparisonId> {
        self.id
    }

    /// Whether one of the history is on its way.
    #[must_use]
    pub fn is_opening(&self) -> bool {
        self.opening.is_waiting()
    }

    /// The comparison; `None` without one, or until it is opened.
    #[must_use]
    pub fn state(&self, cx: &Cx<'_>) -> Option<Arc<CompareState>> {
        let live = cx.state.comparison.as_ref();
        let live = live.filter(|live| Some(live.head.id) == self.id);
        let opened = self.opened.as_ref();
        match (live, opened) {
            // What was opened since it ended has later marks.
            (Some(live), Some(_)) if live.is_running => Some(Arc::clone(live)),
            (_, Some(opened)) => Some(Arc::clone(opened)),
            (live, None) => live.cloned(),
        }
    }

    /// Shows another one, or the same as the history has it now.
    pub fn open(&mut self, id: ComparisonId, cx: &mut Cx<'_>) {
        if self.id != Some(id) {
            self.opened = None;
        }
        (self.id, self.problem) = (Some(id), None);
        let (reply, opening) = ask();
        self.opening = opening;
        cx.commands
            .push(Command::Compare(CompareCommand::Open { id, reply }));
    }

    /// Shows none.
    pub fn close(&mut self) {
        (self.id, self.opened) = (None, None);
        self.opening = Asked::default();
    }

    /// Takes in what was opened, and follows a comparison that begins here.
    pub fn logic(&mut self, cx: &mut Cx<'_>) {
        match self.opening.take() {
            Some(Ok(Some(opened))) => {
                draw(&opened, cx);
                self.opened = Some(Arc::from(opened));
            }
            Some(Ok(None)) => {
                self.close();
                self.problem = Some("This comparison is no longer in the history".to_owned());
            }
            Some(Err(why)) => self.problem = Some(why),
            None => {}
        }
        let Some(live) = &cx.state.comparison else {
            return;
        };
        let now = (live.head.id, live.is_running);
        if self.seen == Some(now) {
            return;
        }
        let has_begun = live.is_running;
        self.seen = Some(now);
        if has_begun {
            self.id = Some(live.head.id);
            self.problem = None;
            draw(&Arc::clone(live), cx);
        }
        if self.id == Some(live.head.id) {
            // What was opened is older.
            self.opened = None;
        }
    }
}

/// Gives each target a look of its own.
fn draw(state: &CompareState, cx: &mut Cx<'_>) {
    let targets = state.plan().arms.iter().map(|arm| arm.target.clone());
    cx.actions.push(Action::Draw(targets.collect()));
}
