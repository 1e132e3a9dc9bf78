//! Formulas in TeX: typeset once, drawn over their source.
//!
//! In: a formula's source as `guard` found it. Out: a [`Formula`], or nothing if it can't be drawn, so that its source
//! is shown. The source stays in the text, without width or ink, so that it is selected, copied and read out.

mod coverage;
mod drawing;
mod formula;
mod placed;
mod source;
mod typeset;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

pub use self::{
    formula::Formula,
    placed::{Placed, formulas_ui, room_for},
};

/// How many formulas are kept typeset, those in sight among them.
const KEPT: usize = 1_000;

/// The typeset formulas, by their source. The window has one thread, so nothing ever waits for this lock.
static TYPESET: Mutex<Typeset> = Mutex::new(Typeset {
    known: None,
    clock: 0,
});

/// A cache of formulas; those that were asked for longest ago give way.
struct Typeset {
    known: Option<HashMap<String, Known>>,
    clock: u64,
}

struct Known {
    formula: Option<Arc<Formula>>,
    asked_at: u64,
}

/// The formula of a source with its marks (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`), if it is closed and can be drawn.
#[must_use]
pub fn formula_of(source: &str) -> Option<Arc<Formula>> {
    let mut typeset = TYPESET.lock().unwrap_or_else(PoisonError::into_inner);
    typeset.formula_of(source)
}

impl Typeset {
    fn formula_of(&mut self, source: &str) -> Option<Arc<Formula>> {
        // An unfinished formula changes with each piece that comes: nothing is kept of it.
        let written = source::written(source)?;
        self.clock += 1;
        let known = self.known.get_or_insert_default();
        if let Some(known) = known.get_mut(source) {
            known.asked_at = self.clock;
            return known.formula.clone();
        }
        let formula = typeset::typeset(&written).map(Arc::new);
        if known.len() >= KEPT {
            let newer_half = self.clock.saturating_sub(KEPT as u64 / 2);
            known.retain(|_, known| known.asked_at > newer_half);
        }
        let entry = Known {
            formula: formula.clone(),
            asked_at: self.clock,
        };
        known.insert(source.to_owned(), entry);
        formula
    }
}

#[cfg(test)]
pub(super) mod tests;
