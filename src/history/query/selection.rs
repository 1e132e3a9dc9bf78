//! The runs of a query, and their order, as SQL.

use rusqlite::Connection;

use super::{OutcomeFilter, RunQuery, RunSort, SortColumn, targets};
use crate::{
    endpoint::TargetId,
    history::{
        deletions::ENDED,
        reader::{IsCancelled, QueryCache},
        search,
    },
};

/// How to sort by a column: the index, and the terms of `ORDER BY`.
struct Order {
    index: &'static str,
    /// `{}` stands for the direction. The terms are those of the index, so that the order is total and SQLite need
    /// not sort.
    terms: &'static str,
}

impl SortColumn {
    fn order(self) -> Order {
        let (index, terms) = match self {
            Self::Started => (
                "run_started",
                "run.started_unix_ns {}, run.target {}, run.outcome {}, run.id {}",
            ),
            Self::Target => (
                "run_target",
                "target.endpoint {}, target.model {}, run.started_unix_ns {}",
            ),
            Self::Outcome => (
                "run_outcome",
                "run.outcome {} NULLS LAST, run.started_unix_ns {}, run.target {}, run.id {}",
            ),
            Self::Ttft => (
                "run_ttft",
                "run.first_token {} NULLS LAST, run.started_unix_ns {}, run.target {}, run.outcome {}, run.id {}",
            ),
            Self::Total => (
                "run_total",
                "run.last_token {} NULLS LAST, run.started_unix_ns {}, run.target {}, run.outcome {}, run.id {}",
            ),
            Self::OutputTokens => (
                "run_output",
                "run.output_tokens {} NULLS LAST, run.started_unix_ns {}, run.target {}, run.outcome {}, run.id {}",
            ),
        };
        Order { index, terms }
    }
}

/// The runs of a query, as SQL.
pub(in crate::history) struct Selection {
    conditions: String,
    /// The number of hits of the text; `None` without a text.
    hits: Option<usize>,
}

/// Up to this many hits, their rows are looked up and sorted; with more, the index is scanned in order.
const FEW_HITS: usize = 20_000;

impl Selection {
    /// Searches for the text first, unless its hits are in the cache.
    pub(in crate::history) fn of(
        file: &Connection,
        cache: &mut QueryCache,
        query: &RunQuery,
        is_cancelled: IsCancelled<'_>,
    ) -> rusqlite::Result<Self> {
        let generation = file
            .prepare_cached("SELECT generation FROM meta")?
            .query_row([], |row| row.get(0))?;
        if cache.generation != Some(generation) {
            *cache = QueryCache {
                generation: Some(generation),
                ..QueryCache::default()
            };
        }
        let targets = targets(file)?;
        let text = query.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let hits = match text.as_str() {
            "" => None,
            text => Some(find(file, cache, &targets, text, is_cancelled)?),
        };
        Ok(Self {
            conditions: conditions(query, &targets, hits.is_some()),
            hits,
        })
    }

    /// How many there are.
    pub(in crate::history) fn total(
        &self,
        file: &Connection,
        cache: &mut QueryCache,
    ) -> rusqlite::Result<usize> {
        if let Some(total) = cache.totals.get(&self.conditions) {
            return Ok(*total);
        }
        let sql = format!("SELECT count(*) FROM {}", self.source(SortColumn::Started));
        let total: i64 = file.query_row(&sql, [], |row| row.get(0))?;
        let total = usize::try_from(total).unwrap_or(0);
        cache.totals.insert(self.conditions.clone(), total);
        Ok(total)
    }

    /// The statement that selects their ids in order.
    pub(in crate::history) fn ids(&self, sort: RunSort) -> String {
        let direction = if sort.descending { "DESC" } else { "ASC" };
        let terms = sort.by.order().terms.replace("{}", direction);
        format!(
            "SELECT run.id FROM {} ORDER BY {terms}",
            self.source(sort.by)
        )
    }

    /// The statement that selects the ids of those that are over.
    pub(in crate::history) fn ids_of_ended(&self) -> String {
        let source = self.source(SortColumn::Started);
        format!("SELECT run.id FROM {source} AND {ENDED}")
    }

    /// The `FROM` and `WHERE` for an order.
    fn source(&self, by: SortColumn) -> String {
        let few = self.hits.is_some_and(|hits| hits <= FEW_HITS);
        let index = by.order().index;
        let run = if few {
            "temp.hit CROSS JOIN run ON run.id = hit.id".to_owned()
        } else {
            format!("run INDEXED BY {index}")
        };
        let from = match (by, few) {
            (SortColumn::Target, true) => format!("{run} JOIN target ON target.id = run.target"),
            (SortColumn::Target, false) => {
                format!("target CROSS JOIN {run} ON run.target = target.id")
            }
            _ => run,
        };
        format!("{from} WHERE {}", self.conditions)
    }
}

/// Fills `temp.hit` with the hits of a text, if they are not there, and returns their number.
fn find(
    file: &Connection,
    cache: &mut QueryCache,
    targets: &[(i64, TargetId)],
    text: &str,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<usize> {
    let known = cache.hits.as_ref();
    if let Some((_, hits)) = known.filter(|(known, _)| known == text) {
        return Ok(*hits);
    }
    // While a user types on, only the hits so far have to be searched.
    let narrows = known.is_some_and(|(known, _)| search::narrows(known, text));
    let hits = search::fill_hits(file, targets, text, narrows, is_cancelled)?;
    cache.totals.clear();
    cache.hits = Some((text.to_owned(), hits));
    Ok(hits)
}

/// Safe as SQL text: it holds numbers and fixed words only, nothing that a user typed.
fn conditions(query: &RunQuery, targets: &[(i64, TargetId)], hits: bool) -> String {
    let mut all = vec!["TRUE".to_owned()];
    if !query.targets.is_empty() {
        let wanted = targets.iter().filter(|(_, t)| query.targets.contains(t));
        let ids: Vec<String> = wanted.map(|(id, _)| id.to_string()).collect();
        all.push(format!("run.target IN ({})", ids.join(", ")));
    }
    match query.outcome {
        None => {}
        Some(OutcomeFilter::Ok) => all.push("run.outcome = 'ok'".into()),
        Some(OutcomeFilter::Cancelled) => all.push("run.outcome = 'cancelled'".into()),
        Some(OutcomeFilter::Fault) => {
            all.push("run.outcome NOT IN ('ok', 'cancelled', 'suspended')".into());
        }
    }
    if let Some(since) = query.since_unix_ns {
        all.push(format!("run.started_unix_ns >= {since}"));
    }
    if hits {
        all.push("run.id IN (SELECT id FROM temp.hit)".into());
    }
    all.join(" AND ")
}
