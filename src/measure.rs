//! The figures of a run.
//!
//! In: a [`Run`] with its raw stamps and reads, which are stored. Out: [`FIGURES`], which are computed from them and
//! never stored.

mod figures;
pub mod percentile;

pub use figures::{FIGURES, figure};

use crate::run::Run;

/// Which end of a figure's scale is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Smaller is better.
    Lower,
    /// Larger is better.
    Higher,
    /// Neither.
    Neutral,
}

/// A figure derived from a run: the same row serves hover texts, tables, exports and `--json`.
#[derive(Debug)]
pub struct Figure {
    /// Its key in JSON and CSV, with its unit.
    pub key: &'static str,
    /// Its short name on screen.
    pub label: &'static str,
    /// Its unit on screen.
    pub unit: &'static str,
    /// How it is made, one sentence.
    pub definition: &'static str,
    /// Which end is better.
    pub better: Better,
    /// Its value; `None` (blank) where it is not known.
    pub value: fn(&Run) -> Option<f64>,
}
