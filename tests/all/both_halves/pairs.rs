//! Every answer of every protocol, written in every other one as the gateway writes it, and read back.
//!
//! In: all fixtures and recordings. What is not the same in a pair of protocols is listed in a table with its reason; a
//! row that nothing needs any more fails.

mod differs;

use differs::DIFFERS;
use tokenscope::{
    dialect::{DIALECTS, Dialect},
    event::Event,
};

use super::{Case, cases, difference, kept, served, streamed_by, writer};
use crate::sse::wire_folder;

/// Cases that have no counterpart in another protocol: a call whose name is not known, and counts of which one contradicts
/// another.
const OWN: &[&str] = &[
    "taken-up-again",
    "usage-odd",
    "usage-oddities",
    "silent-pieces",
    "tool-calls-odd",
];

/// The events without what the rows say of this pair, but for one row.
fn same_in(from: &Dialect, to: &Dialect, events: &[Event], but: Option<usize>) -> Vec<Event> {
    let mut events = events.to_vec();
    for (row, differs) in DIFFERS.iter().enumerate() {
        if Some(row) != but && differs.holds(from, to) {
            (differs.change)(&mut events);
        }
    }
    kept(to, &events, None)
}

#[test]
fn every_pair_of_protocols_tells_the_same() {
    let mut needed = vec![false; DIFFERS.len()];
    let mut wrong = Vec::new();
    for from in DIALECTS {
        let (mut cases, _) = cases(from);
        cases.retain(|case| !OWN.iter().any(|name| case.name.ends_with(name)));
        for (to, serve) in served().filter(|(to, _)| to.id != from.id) {
            let mut exact = 0;
            for case in &cases {
                let events = case.batches.concat();
                let back = streamed_by(to, writer(serve, true), case, usize::MAX);
                exact += usize::from(events == back);
                let side = |events: &[Event], but| same_in(from, to, events, but);
                let (one, other) = (side(&events, None), side(&back, None));
                if one != other {
                    let name = format!("{} by {}", case.name, to.id);
                    let case = Case {
                        name,
                        batches: Vec::new(),
                    };
                    wrong.push(difference(&case, &one, &other));
                    continue;
                }
                for row in 0..DIFFERS.len() {
                    let is_open = DIFFERS[row].holds(from, to) && !needed[row];
                    needed[row] |= is_open && side(&events, Some(row)) != side(&back, Some(row));
                }
            }
            println!(
                "{} by {}: {} streams, {exact} event for event",
                from.id,
                to.id,
                cases.len()
            );
        }
    }
    for row in DIFFERS {
        println!("not the same: {}, since {}", row.what, row.why);
    }
    let n = wrong.len();
    wrong.truncate(40);
    assert!(wrong.is_empty(), "{}\n{n} wrong", wrong.join("\n"));
    let idle = DIFFERS.iter().zip(needed).filter(|(_, needed)| !needed);
    let idle: Vec<&str> = idle.map(|(row, _)| row.what).collect();
    assert!(
        wire_folder().is_none() || idle.is_empty(),
        "not needed any more: {idle:?}"
    );
}
