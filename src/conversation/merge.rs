//! Merges two windows' changes to one conversation.
//!
//! In: `base`, the last common version, and each window's version. Out: one conversation with the changes of both. No
//! question is lost: a deletion is undone if the other side added a run to the deleted part. If both changed a field,
//! `mine` wins. Merging again changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Conversation, Pane, Turn, TurnId};
use crate::{chat::Params, run::RunId};

/// Merges two versions. `theirs` is `None` if it was deleted; so is the result, unless `mine` has a new run or a new
/// draft.
#[must_use]
pub fn merge(
    base: &Conversation,
    mine: &Conversation,
    theirs: Option<&Conversation>,
) -> Option<Conversation> {
    let Some(theirs) = theirs else {
        let asks = base.panes.is_empty() || any_asks(&base.panes, &mine.panes);
        let writes = base.draft != mine.draft && !mine.draft.is_empty();
        return (asks || writes).then(|| mine.clone());
    };
    Some(Conversation {
        id: mine.id,
        title: pick(&base.title, &mine.title, &theirs.title),
        panes: panes(&base.panes, &mine.panes, &theirs.panes),
        draft: pick(&base.draft, &mine.draft, &theirs.draft),
        updated_unix_ns: mine.updated_unix_ns.max(theirs.updated_unix_ns),
    })
}

/// Merges only the panes.
#[must_use]
pub fn panes(base: &[Pane], mine: &[Pane], theirs: &[Pane]) -> Vec<Pane> {
    let find = |panes: &'_ [Pane], id| panes.iter().position(|pane| pane.id == id);
    let of = |id: u32| {
        let [base, mine, theirs] =
            [base, mine, theirs].map(|panes| find(panes, id).map(|at| &panes[at]));
        one(base, mine, theirs, pane_asks, pane)
    };
    let ids = [base, mine, theirs].map(|panes| panes.iter().map(|pane| pane.id).collect());
    let [base, mine, theirs]: [Vec<u32>; 3] = ids;
    order(&base, &mine, &theirs)
        .into_iter()
        .filter_map(of)
        .collect()
}

/// Merges a pane or a turn. If both sides have it, `both` merges it. If one side deleted it, it stays deleted unless
/// the other side `asks` in it.
fn one<T: Clone>(
    base: Option<&T>,
    mine: Option<&T>,
    theirs: Option<&T>,
    asks: impl Fn(&T, &T) -> bool,
    both: impl Fn(Option<&T>, &T, &T) -> T,
) -> Option<T> {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => Some(both(base, mine, theirs)),
        (Some(left), None) | (None, Some(left)) => base
            .is_none_or(|base| asks(base, left))
            .then(|| left.clone()),
        (None, None) => None,
    }
}

/// Merges a field: a change of `mine` wins.
fn pick<T: Clone + PartialEq>(base: &T, mine: &T, theirs: &T) -> T {
    if mine == base {
        theirs.clone()
    } else {
        mine.clone()
    }
}

fn pane(base: Option<&Pane>, mine: &Pane, theirs: &Pane) -> Pane {
    let turns_before = base.map_or(&[][..], |base| &base.turns);
    let base = base.unwrap_or(theirs);
    Pane {
        id: mine.id,
        target: pick(&base.target, &mine.target, &theirs.target),
        system: pick(&base.system, &mine.system, &theirs.system),
        params: params(&base.params, &mine.params, &theirs.params),
        tools: pick(&base.tools, &mine.tools, &theirs.tools),
        cold: pick(&base.cold, &mine.cold, &theirs.cold),
        turns: turns(turns_before, &mine.turns, &theirs.turns),
    }
}

fn params(base: &Params, mine: &Params, theirs: &Params) -> Params {
    macro_rules! each {
        ($($field:ident),*) => {
            Params { $($field: pick(&base.$field, &mine.$field, &theirs.$field)),* }
        };
    }
    each!(
        temperature,
        top_p,
        max_tokens,
        seed,
        stop,
        reasoning_effort,
        cache_prompt,
        response_format,
        must_call,
        parallel_calls,
        extra
    )
}

fn turns(base: &[Turn], mine: &[Turn], theirs: &[Turn]) -> Vec<Turn> {
    let [base, mine, theirs] = [base, mine, theirs].map(by_id);
    let ids: BTreeSet<TurnId> = mine.keys().chain(theirs.keys()).copied().collect();
    let of = |id: TurnId| {
        let [base, mine, theirs] = [&base, &mine, &theirs].map(|turns| turns.get(&id).copied());
        one(base, mine, theirs, turn_asks, turn)
    };
    ids.into_iter().filter_map(of).collect()
}

fn by_id(turns: &[Turn]) -> BTreeMap<TurnId, &Turn> {
    turns.iter().map(|turn| (turn.id, turn)).collect()
}

fn turn(base: Option<&Turn>, mine: &Turn, theirs: &Turn) -> Turn {
    let base = base.unwrap_or(theirs);
    let mut runs = theirs.runs.clone();
    runs.extend(mine.runs.iter().filter(|run| !theirs.runs.contains(run)));
    let shown = pick(&base.run(), &mine.run(), &theirs.run());
    let shown = shown.and_then(|shown| runs.iter().position(|run| *run == shown));
    let typed = |run: &RunId| {
        let [base, mine, theirs] = [base, mine, theirs].map(|turn| turn.results.get(run));
        Some((*run, pick(&base, &mine, &theirs)?.clone()))
    };
    Turn {
        id: mine.id,
        user: pick(&base.user, &mine.user, &theirs.user),
        raw_body: pick(&base.raw_body, &mine.raw_body, &theirs.raw_body),
        results: runs.iter().filter_map(typed).collect(),
        shown: shown.unwrap_or_default(),
        runs,
    }
}

/// Whether a run was added to any of the panes.
fn any_asks(before: &[Pane], after: &[Pane]) -> bool {
    let mut panes = after.iter();
    panes.any(|pane| match before.iter().find(|b| b.id == pane.id) {
        Some(before) => pane_asks(before, pane),
        None => pane.turns.iter().any(|turn| !turn.runs.is_empty()),
    })
}

fn pane_asks(before: &Pane, after: &Pane) -> bool {
    let before = by_id(&before.turns);
    let mut turns = after.turns.iter();
    turns.any(|turn| match before.get(&turn.id) {
        Some(before) => turn_asks(before, turn),
        None => true,
    })
}

fn turn_asks(before: &Turn, after: &Turn) -> bool {
    after.runs.iter().any(|run| !before.runs.contains(run))
}

/// The order of panes: that of the side that moved some, `mine` if both did. Panes that the other side added follow
/// their predecessor there; those added at the end stay at the end.
fn order(base: &[u32], mine: &[u32], theirs: &[u32]) -> Vec<u32> {
    let known = |ids: &[u32], of: &[u32]| -> Vec<u32> {
        let in_all = |id: &&u32| base.contains(id) && of.contains(id);
        ids.iter().filter(in_all).copied().collect()
    };
    let moved = known(mine, mine) != known(base, mine);
    let (first, second) = if moved {
        (mine, theirs)
    } else {
        (theirs, mine)
    };
    let mut order = first.to_vec();
    for (at, id) in second.iter().enumerate() {
        if order.contains(id) {
            continue;
        }
        let is_last = second[at..].iter().all(|id| !first.contains(id));
        let mut before = second[..at].iter().rev();
        let before = before.find_map(|id| order.iter().position(|o| o == id));
        let place = match before {
            _ if is_last => order.len(),
            Some(before) => before + 1,
            None => 0,
        };
        order.insert(place, *id);
    }
    order
}

#[cfg(test)]
mod tests;
