//! The rows of the picker: the models of each endpoint that match a search.

use std::collections::HashSet;

use crate::{
    desktop::state::State,
    endpoint::{Endpoint, TargetId},
};

/// How many rows of one endpoint are shown at most; the search finds the others.
const MAX_ROWS: usize = 200;

/// One thing that can be picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickerRow {
    pub target: TargetId,
    pub label: String,
    /// Whether it was typed in the search field, and is in no list.
    pub typed: bool,
}

/// One endpoint with the rows that match the search.
pub struct Group {
    pub id: String,
    pub label: String,
    pub simulated: bool,
    pub rows: Vec<PickerRow>,
    pub left_out: usize,
}

/// The matches of the search, by endpoint. A name that is in no list is offered as typed.
pub fn groups(state: &State, search: &str, target: Option<&TargetId>) -> Vec<Group> {
    let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
    let mut groups = Vec::new();
    for endpoint in &state.settings.endpoints {
        let all = rows_of(state, endpoint, target);
        let exact = all.iter().any(|row| row.target.model == search.trim());
        let haystack = |row: &PickerRow| {
            format!(
                "{} {} {} {}",
                row.target.model, row.label, endpoint.id, endpoint.label
            )
            .to_lowercase()
        };
        let mut rows: Vec<PickerRow> = (all.into_iter())
            .filter(|row| {
                let text = haystack(row);
                words.iter().all(|word| text.contains(word))
            })
            .collect();
        let left_out = rows.len().saturating_sub(MAX_ROWS);
        rows.truncate(MAX_ROWS);
        if !words.is_empty() && !exact {
            rows.push(PickerRow {
                target: TargetId {
                    endpoint: endpoint.id.clone(),
                    model: search.trim().to_owned(),
                },
                label: String::new(),
                typed: true,
            });
        }
        groups.push(Group {
            id: endpoint.id.clone(),
            label: endpoint.label.clone(),
            simulated: endpoint.simulated,
            rows,
            left_out,
        });
    }
    // Endpoints with matches come before those with only the typed name.
    groups.sort_by_key(|group| group.rows.iter().all(|row| row.typed) && !words.is_empty());
    groups
}

/// All models of an endpoint: from the settings, from its list, and the one in use.
fn rows_of(state: &State, endpoint: &Endpoint, target: Option<&TargetId>) -> Vec<PickerRow> {
    let listed = state
        .models
        .get(&endpoint.id)
        .and_then(|models| models.as_ref().ok());
    let settings = endpoint.models.iter().map(|model| (model.as_str(), ""));
    let list = listed
        .iter()
        .flat_map(|models| models.iter())
        .map(|m| (m.id.as_str(), m.label.as_str()));
    let used = target
        .filter(|t| t.endpoint == endpoint.id)
        .map(|t| (t.model.as_str(), ""));
    let mut seen = HashSet::new();
    (settings.chain(list).chain(used))
        .filter(|(model, _)| seen.insert(*model))
        .map(|(model, label)| PickerRow {
            target: TargetId {
                endpoint: endpoint.id.clone(),
                model: model.to_owned(),
            },
            label: label.to_owned(),
            typed: false,
        })
        .collect()
}
