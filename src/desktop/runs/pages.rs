//! Pages of the table: only those on screen are held, and asked for again when they are out of date.

use std::collections::BTreeMap;

use crate::{
    engine::Command,
    history::{RunPage, RunQuery, RunRow},
};

/// Rows of a page.
pub const PAGE: usize = 200;

/// One page and where it stands.
#[derive(Debug, Default)]
struct RunsPage {
    rows: Vec<RunRow>,
    /// The ticket that its rows are awaited under.
    awaited: Option<u64>,
    /// Whether its rows answer the query as it is now.
    fresh: bool,
}

/// The pages of one query.
#[derive(Debug, Default)]
pub struct Pages {
    query: RunQuery,
    held: BTreeMap<usize, RunsPage>,
    ticket: u64,
    total: Option<usize>,
    problem: Option<String>,
}

impl Pages {
    /// Begins anew with another query; `offset` and `limit` of it are not used.
    pub fn begin(&mut self, query: RunQuery) {
        self.query = query;
        self.held.clear();
        self.total = None;
        self.problem = None;
    }

    /// The query as it stands.
    #[must_use]
    pub fn query(&self) -> &RunQuery {
        &self.query
    }

    /// Says that rows may have changed; they stay on screen until newer ones come.
    pub fn outdate(&mut self) {
        for page in self.held.values_mut() {
            page.fresh = false;
        }
    }

    /// Takes an answer in; one to an earlier query is passed over.
    pub fn take(&mut self, ticket: u64, answer: Result<RunPage, String>) {
        let Some(page) = self
            .held
            .values_mut()
            .find(|page| page.awaited == Some(ticket))
        else {
            return;
        };
        page.awaited = None;
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

    /// Asks for what the rows `first..=last` need, and drops pages far from them.
    pub fn want(&mut self, first: usize, last: usize, commands: &mut Vec<Command>) {
        let (first, last) = (first / PAGE, last / PAGE);
        self.held.retain(|number, page| {
            page.awaited.is_some() || (first.saturating_sub(1)..=last + 1).contains(number)
        });
        for number in first..=last {
            let page = self.held.entry(number).or_default();
            if page.fresh || page.awaited.is_some() {
                continue;
            }
            self.ticket += 1;
            page.awaited = Some(self.ticket);
            commands.push(Command::QueryRuns {
                ticket: self.ticket,
                query: RunQuery {
                    offset: number * PAGE,
                    limit: PAGE,
                    ..self.query.clone()
                },
            });
        }
    }

    /// A row, if it is here.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<&RunRow> {
        self.held.get(&(index / PAGE))?.rows.get(index % PAGE)
    }

    /// Rows of the query in all, once known.
    #[must_use]
    pub fn total(&self) -> Option<usize> {
        self.total
    }

    /// Why there are no rows, if the history could not be read.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Rows that are here.
    pub fn rows(&self) -> impl Iterator<Item = &RunRow> {
        self.held.values().flat_map(|page| &page.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        endpoint::TargetId,
        run::{RunId, RunState},
    };

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

    /// The tickets and offsets asked for.
    fn asked(pages: &mut Pages, first: usize, last: usize) -> Vec<(u64, usize)> {
        let mut commands = Vec::new();
        pages.want(first, last, &mut commands);
        (commands.iter())
            .map(|command| match command {
                Command::QueryRuns { ticket, query } => (*ticket, query.offset),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn only_pages_on_screen_are_asked_for_and_only_once() {
        let mut pages = Pages::default();
        assert_eq!(asked(&mut pages, 0, 30), [(1, 0)]);
        assert_eq!(asked(&mut pages, 0, 30), []);
        pages.take(
            1,
            Ok(RunPage {
                rows: rows(PAGE, 0),
                total: 1_000_000,
            }),
        );
        assert_eq!(pages.total(), Some(1_000_000));
        assert_eq!(pages.row(5).map(|row| row.id), Some(RunId(5)));
        assert_eq!(asked(&mut pages, 190, 230), [(2, PAGE)]);
        assert!(pages.row(230).is_none());
    }

    #[test]
    fn pages_far_away_are_dropped() {
        let mut pages = Pages::default();
        for page in 0..20 {
            let asked = asked(&mut pages, page * PAGE, page * PAGE);
            pages.take(
                asked[0].0,
                Ok(RunPage {
                    rows: rows(PAGE, 0),
                    total: 20 * PAGE,
                }),
            );
        }
        assert!(pages.rows().count() <= 3 * PAGE);
    }

    #[test]
    fn old_rows_stay_until_newer_ones_come() {
        let mut pages = Pages::default();
        asked(&mut pages, 0, 1);
        pages.take(
            1,
            Ok(RunPage {
                rows: rows(3, 0),
                total: 3,
            }),
        );
        pages.outdate();
        assert_eq!(pages.rows().count(), 3);
        assert_eq!(asked(&mut pages, 0, 1), [(2, 0)]);
        pages.take(
            2,
            Ok(RunPage {
                rows: rows(4, 0),
                total: 4,
            }),
        );
        assert_eq!(pages.rows().count(), 4);
    }

    #[test]
    fn an_answer_to_an_earlier_query_is_passed_over() {
        let mut pages = Pages::default();
        asked(&mut pages, 0, 1);
        pages.begin(RunQuery {
            text: "x".into(),
            ..RunQuery::default()
        });
        asked(&mut pages, 0, 1);
        pages.take(
            1,
            Ok(RunPage {
                rows: rows(3, 0),
                total: 3,
            }),
        );
        assert_eq!(pages.total(), None);
        pages.take(2, Err("locked".into()));
        assert_eq!(pages.problem(), Some("locked"));
    }
}
