//! Pages of the table: only those near the screen are kept; outdated ones are asked for again.

use std::collections::BTreeMap;

use crate::{
    engine::{Asked, Command, HistoryCommand, ask},
    history::{RunPage, RunQuery, RunRow},
    run::RunId,
};

/// Rows per page.
pub const PAGE: usize = 200;

/// One page and its state.
#[derive(Debug, Default)]
struct RunsPage {
    rows: Vec<RunRow>,
    answer: Asked<Result<RunPage, String>>,
    /// Whether its rows are up to date.
    fresh: bool,
}

/// The pages of one query.
#[derive(Debug, Default)]
pub struct Pages {
    query: RunQuery,
    held: BTreeMap<usize, RunsPage>,
    total: Option<usize>,
    problem: Option<String>,
}

impl Pages {
    /// Starts over with another query, whose `offset` and `limit` are ignored.
    pub fn begin(&mut self, query: RunQuery) {
        self.query = query;
        self.held.clear();
        self.total = None;
        self.problem = None;
    }

    /// The current query.
    #[must_use]
    pub fn query(&self) -> &RunQuery {
        &self.query
    }

    /// Marks all rows as outdated; they stay on screen until newer ones arrive.
    pub fn outdate(&mut self) {
        for page in self.held.values_mut() {
            page.fresh = false;
        }
    }

    /// Takes the pages that have arrived; returns whether there was one.
    pub fn take_in(&mut self) -> bool {
        let mut any = false;
        for page in self.held.values_mut() {
            let Some(answer) = page.answer.take() else {
                continue;
            };
            any = true;
            page.fresh = true;
            match answer {
                Ok(answer) => {
                    page.rows = answer.rows;
                    self.total = Some(answer.total);
                    self.problem = None;
                }
                Err(problem) => self.problem = Some(problem),
            }
        }
        any
    }

    /// Asks for the pages of the rows on screen and of those beside the open run, from the first to the last. Drops
    /// pages far from them, and requests for such pages.
    pub fn want(
        &mut self,
        shown: (usize, usize),
        beside: Option<(usize, usize)>,
        commands: &mut Vec<Command>,
    ) {
        let wanted = [Some(shown), beside].into_iter().flatten();
        let wanted: Vec<(usize, usize)> = wanted
            .map(|(first, last)| (first / PAGE, last / PAGE))
            .collect();
        let is_near = |number: usize| {
            let mut wanted = wanted.iter();
            wanted.any(|(first, last)| (first.saturating_sub(1)..=last + 1).contains(&number))
        };
        self.held.retain(|number, _| is_near(*number));
        for number in wanted.iter().flat_map(|(first, last)| *first..=*last) {
            let page = self.held.entry(number).or_default();
            if page.fresh || page.answer.is_waiting() {
                continue;
            }
            let (reply, answer) = ask();
            page.answer = answer;
            let query = RunQuery {
                offset: number * PAGE,
                limit: PAGE,
                ..self.query.clone()
            };
            commands.push(Command::History(HistoryCommand::Runs { query, reply }));
        }
    }

    /// A row, if its page is here.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<&RunRow> {
        self.held.get(&(index / PAGE))?.rows.get(index % PAGE)
    }

    /// The row of a run, if its page is here; rather by a page that is up to date.
    #[must_use]
    pub fn place(&self, run: RunId) -> Option<usize> {
        self.fresh_place(run).or_else(|| self.find(run, |_| true))
    }

    /// The row of a run, if its page is here and up to date.
    #[must_use]
    pub fn fresh_place(&self, run: RunId) -> Option<usize> {
        self.find(run, |page| page.fresh)
    }

    fn find(&self, run: RunId, is_wanted: impl Fn(&RunsPage) -> bool) -> Option<usize> {
        let mut pages = self.held.iter().filter(|(_, page)| is_wanted(page));
        pages.find_map(|(number, page)| {
            let place = page.rows.iter().position(|row| row.id == run)?;
            Some(number * PAGE + place)
        })
    }

    /// The run in row `to` as it stands beside row `from`: both in one page, or in pages that are up to date.
    #[must_use]
    pub fn beside(&self, from: usize, to: usize) -> Option<RunId> {
        let is_fresh = |row: usize| self.held.get(&(row / PAGE)).is_some_and(|page| page.fresh);
        let is_known = from / PAGE == to / PAGE || is_fresh(from) && is_fresh(to);
        let row = self.row(to).filter(|_| is_known)?;
        Some(row.id)
    }

    /// How many rows the query has in all, once known.
    #[must_use]
    pub fn total(&self) -> Option<usize> {
        self.total
    }

    /// Why there are no rows, if the history could not be read.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// All rows of the pages that are here.
    pub fn rows(&self) -> impl Iterator<Item = &RunRow> {
        self.held.values().flat_map(|page| &page.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{endpoint::TargetId, engine::Reply, run::RunState};

    fn rows(count: usize, from: usize) -> Vec<RunRow> {
        (from..from + count)
            .map(|id| RunRow {
                id: RunId(i64::try_from(id).unwrap()),
                target: TargetId::default(),
                route: String::new(),
                state: RunState::Ok,
                fault: None,
                connection: None,
                simulated: false,
                started_unix_ns: 0,
                ttft_ms: None,
                total_ms: None,
                output_speed: None,
                input_tokens: None,
                output_tokens: None,
                prompt: String::new(),
            })
            .collect()
    }

    type Question = (usize, Reply<Result<RunPage, String>>);

    /// The offsets asked for, and where the pages go.
    fn asked(pages: &mut Pages, first: usize, last: usize) -> Vec<Question> {
        let mut commands = Vec::new();
        pages.want((first, last), None, &mut commands);
        (commands.into_iter())
            .map(|command| match command {
                Command::History(HistoryCommand::Runs { query, reply }) => (query.offset, reply),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn offsets(questions: &[Question]) -> Vec<usize> {
        questions.iter().map(|(offset, _)| *offset).collect()
    }

    /// Answers a request with `count` rows of `total`.
    fn answer(pages: &mut Pages, question: Question, count: usize, total: usize) {
        let rows = rows(count, 0);
        question.1.send(Ok(RunPage { rows, total }));
        pages.take_in();
    }

    #[test]
    fn only_pages_on_screen_are_asked_for_and_only_once() {
        let mut pages = Pages::default();
        let mut first = asked(&mut pages, 0, 30);
        assert_eq!(offsets(&first), [0]);
        assert!(asked(&mut pages, 0, 30).is_empty());
        answer(&mut pages, first.remove(0), PAGE, 1_000_000);
        assert_eq!(pages.total(), Some(1_000_000));
        assert_eq!(pages.row(5).map(|row| row.id), Some(RunId(5)));
        let second = asked(&mut pages, 190, 230);
        assert_eq!(offsets(&second), [PAGE]);
        assert!(pages.row(230).is_none());
    }

    #[test]
    fn pages_far_away_are_dropped_and_waited_for_no_longer() {
        let mut pages = Pages::default();
        for page in 0..20 {
            let mut asked = asked(&mut pages, page * PAGE, page * PAGE);
            answer(&mut pages, asked.remove(0), PAGE, 20 * PAGE);
        }
        assert!(pages.rows().count() <= 3 * PAGE);
        let passed_by = asked(&mut pages, 0, 0);
        assert!(!passed_by[0].1.is_given_up());
        asked(&mut pages, 10 * PAGE, 10 * PAGE);
        assert!(passed_by[0].1.is_given_up());
    }

    #[test]
    fn a_run_is_found_in_the_page_that_is_up_to_date() {
        let mut pages = Pages::default();
        let mut commands = asked(&mut pages, 0, PAGE);
        for question in commands.drain(..) {
            let rows = rows(PAGE, question.0);
            let total = 2 * PAGE;
            question.1.send(Ok(RunPage { rows, total }));
        }
        assert!(pages.take_in() && !pages.take_in());
        let id = |row: usize| RunId(i64::try_from(row).unwrap());
        assert_eq!(pages.beside(PAGE - 1, PAGE), Some(id(PAGE)));
        pages.outdate();
        assert_eq!(pages.place(id(PAGE - 1)), Some(PAGE - 1));
        assert_eq!(pages.fresh_place(id(PAGE - 1)), None);
        assert_eq!(pages.beside(3, 4), Some(id(4)), "they moved together");
        assert_eq!(pages.beside(PAGE - 1, PAGE), None, "one may have moved");
        // A new run stands above all: the last of the first page is now the first of the second.
        let mut first = asked(&mut pages, 0, 0);
        let moved: Vec<_> = rows(1, 9_999)
            .into_iter()
            .chain(rows(PAGE - 1, 0))
            .collect();
        let total = 2 * PAGE + 1;
        first.remove(0).1.send(Ok(RunPage { rows: moved, total }));
        pages.take_in();
        assert_eq!(pages.place(id(7)), Some(8));
        assert_eq!(pages.place(id(PAGE)), Some(PAGE), "as it was known last");
    }

    #[test]
    fn old_rows_stay_until_newer_ones_come() {
        let mut pages = Pages::default();
        let mut first = asked(&mut pages, 0, 1);
        answer(&mut pages, first.remove(0), 3, 3);
        pages.outdate();
        assert_eq!(pages.rows().count(), 3);
        let mut second = asked(&mut pages, 0, 1);
        assert_eq!(offsets(&second), [0]);
        answer(&mut pages, second.remove(0), 4, 4);
        assert_eq!(pages.rows().count(), 4);
    }

    #[test]
    fn nobody_waits_for_the_answer_to_an_earlier_query() {
        let mut pages = Pages::default();
        let mut earlier = asked(&mut pages, 0, 1);
        pages.begin(RunQuery {
            text: "x".into(),
            ..RunQuery::default()
        });
        let mut now = asked(&mut pages, 0, 1);
        assert!(earlier[0].1.is_given_up());
        answer(&mut pages, earlier.remove(0), 3, 3);
        assert_eq!(pages.total(), None);
        now.remove(0).1.send(Err("locked".into()));
        pages.take_in();
        assert_eq!(pages.problem(), Some("locked"));
    }
}
