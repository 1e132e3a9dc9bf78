//! What is written in one transaction.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::sync::oneshot;

use crate::{
    capture::WireLog,
    conformance::CheckedRun,
    conversation::{ConversationChange, ConversationId},
    history::{
        benches::BenchWrites, checks::EndpointCheck, comparisons::ComparisonWrite,
        firing_alerts::FiringAlert, gaps::ProbeGap, pieces::PieceRows,
    },
    run::{Run, RunId},
};

/// A write to a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::history) enum ConversationWrite {
    Change(ConversationChange),
    Delete,
}

/// What is written in one transaction. Idempotent: a batch may be written again.
#[derive(Debug, Default)]
pub(in crate::history) struct Batch {
    /// Live runs that are not in the file yet.
    pub(in crate::history) begun: Vec<Run>,
    /// Live runs whose row is out of date.
    pub(in crate::history) changed: Vec<Run>,
    pub(in crate::history) pieces: Vec<PieceRows>,
    pub(in crate::history) finished: BTreeMap<RunId, CheckedRun>,
    /// The wire of finished runs.
    pub(in crate::history) wires: BTreeMap<RunId, WireLog>,
    /// Whether to remove captures that are beyond their limits.
    pub(in crate::history) trim_captures: bool,
    /// Finished runs whose text is in the file already, or in `pieces`.
    pub(in crate::history) pieces_stored: BTreeSet<RunId>,
    /// The writes to each conversation, in order.
    pub(in crate::history) conversations: BTreeMap<ConversationId, Vec<ConversationWrite>>,
    /// Gaps that began, went on or ended.
    pub(in crate::history) gaps: Vec<ProbeGap>,
    pub(in crate::history) checks: VecDeque<EndpointCheck>,
    pub(in crate::history) benches: BenchWrites,
    /// The alerts that fire, if that changed.
    pub(in crate::history) firing_alerts: Option<Vec<FiringAlert>>,
    /// The writes to comparisons, in order.
    pub(in crate::history) comparisons: VecDeque<ComparisonWrite>,
    /// Answered when the batch was written, or writing it failed.
    pub(in crate::history) flushes: Vec<oneshot::Sender<()>>,
    /// What a reader found wrong with the file.
    pub(in crate::history) damage: Option<String>,
    /// Whether to look for runs whose process died.
    pub(in crate::history) end_dead_runs: bool,
    /// Conversations that are about to be loaded here: this session takes over their drafts that belong to no
    /// session.
    pub(in crate::history) adopt: Vec<ConversationId>,
    /// The conversation that this window shows now, if that changed.
    pub(in crate::history) shown: Option<ConversationId>,
}

impl Batch {
    /// The runs in the batch.
    pub(in crate::history) fn runs(&self) -> impl Iterator<Item = RunId> {
        let live = self.begun.iter().chain(&self.changed);
        let over = self.finished.keys().copied();
        let whole = live.map(|run| run.head.id).chain(over);
        whole.chain(self.pieces.iter().map(|piece| RunId(piece.run)))
    }

    /// Whether there is nothing to write; there may still be flushes to answer.
    pub(in crate::history) fn is_empty(&self) -> bool {
        self.begun.is_empty()
            && self.changed.is_empty()
            && self.pieces.is_empty()
            && self.finished.is_empty()
            && !self.trim_captures
            && self.conversations.is_empty()
            && self.gaps.is_empty()
            && self.checks.is_empty()
            && self.benches.is_empty()
            && self.firing_alerts.is_none()
            && self.comparisons.is_empty()
            && self.shown.is_none()
    }
}
