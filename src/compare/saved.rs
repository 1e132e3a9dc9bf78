//! A comparison as the history has it.

use serde::{Deserialize, Serialize};

use super::{ComparePlan, CompareRound, CompareStopReason, ComparisonId, PairMark};
use crate::endpoint::TargetPlace;

/// The part of a comparison that does not change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparisonHead {
    /// Its key.
    pub id: ComparisonId,
    /// Its plan.
    pub plan: ComparePlan,
    /// Where the requests of each arm go.
    pub places: Vec<TargetPlace>,
    /// When it began, in nanoseconds since 1970.
    pub began_unix_ns: i64,
    /// The version of Tokenscope that began it.
    pub version: String,
}

/// How a comparison ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompareEnd {
    /// Why it stopped.
    pub reason: CompareStopReason,
    /// When, in nanoseconds since 1970.
    pub at_unix_ns: i64,
}

/// A comparison with all that is kept of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedComparison {
    /// The part that does not change.
    pub head: ComparisonHead,
    /// Its rounds that are over, in their order.
    pub rounds: Vec<CompareRound>,
    /// What people thought of the answers.
    pub marks: Vec<PairMark>,
    /// How it ended; `None` if it goes on, or was cut off and can be resumed.
    pub end: Option<CompareEnd>,
    /// Whether another process runs it now.
    pub is_running_elsewhere: bool,
}

/// A comparison in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonSummary {
    /// Its key.
    pub id: ComparisonId,
    /// The names of its arms.
    pub arms: Vec<String>,
    /// When it began, in nanoseconds since 1970.
    pub began_unix_ns: i64,
    /// How it ended; `None` if it goes on, or was cut off and can be resumed.
    pub end: Option<CompareEnd>,
    /// Whether another process runs it now.
    pub is_running_elsewhere: bool,
    /// How many rounds are over.
    pub rounds: u64,
}

/// Amounts of money as picodollars.
pub(super) mod usd {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::price::Usd;

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(in super::super) fn serialize<S: Serializer>(
        usd: &Option<Usd>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        usd.map(Usd::pico).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Usd>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Usd::of_pico))
    }
}
