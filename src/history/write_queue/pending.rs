//! What waits to be written.

use std::collections::BTreeMap;

use super::{Batch, NextWrite};
use crate::{
    history::pieces::LiveRun,
    run::{Read, Run, RunId},
};

/// What waits to be written, and the live runs, of which a batch takes what is new.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "states that come in any mix")]
pub(super) struct Pending {
    pub(super) live: BTreeMap<RunId, LiveRun>,
    /// The next batch, as far as it does not come from live runs.
    pub(super) next: Batch,
    /// About how many bytes the wire of all live runs takes.
    pub(super) live_wire_bytes: usize,
    /// Whether captures are not to be kept.
    pub(super) has_no_captures: bool,
    /// Whether there is anything to do.
    pub(super) any: bool,
    /// Whether to write without waiting for more.
    pub(super) urgent: bool,
    pub(super) closed: bool,
    /// Whether the writer has ended.
    pub(super) ended: bool,
    /// About how many bytes wait.
    pub(super) bytes: usize,
    /// How many runs had to be dropped so far.
    pub(super) dropped: usize,
}

impl Pending {
    /// The wire of a run that is over waits to be written with it.
    pub(super) fn take_wire(&mut self, live: &mut LiveRun) {
        let wire = std::mem::take(&mut live.wire);
        self.live_wire_bytes -= wire.bytes_held();
        if !wire.is_empty() {
            self.bytes += wire.bytes_held();
            self.next.wires.insert(live.run.head.id, wire);
        }
    }

    pub(super) fn take_batch(&mut self) -> NextWrite {
        let mut batch = std::mem::take(&mut self.next);
        for live in self.live.values_mut() {
            // `finish` brings the whole of it in a moment: nobody is to read it as over without its end. Until then it is
            // in the file as a live one.
            if live.run.state.is_over() && !self.closed {
                if !std::mem::replace(&mut live.begun, true) {
                    batch.begun.push(Run::new(live.run.head.clone()));
                }
                continue;
            }
            if !std::mem::replace(&mut live.begun, true) {
                batch.begun.push(live.run.clone());
            } else if live.changed {
                batch.changed.push(live.run.clone());
            }
            live.changed = false;
            live.take_pieces(&mut batch.pieces);
        }
        let ended = self.closed && batch.is_empty() && batch.flushes.is_empty();
        (self.any, self.urgent, self.bytes) = (self.closed, self.closed, 0);
        if ended {
            NextWrite::Closed
        } else {
            NextWrite::Write(Box::new(batch))
        }
    }

    /// Drops the oldest finished runs until the queue is small enough. The latest one always stays, since its end is
    /// not in the file yet. Changes of conversations stay: they are merged as they come.
    pub(super) fn drop_oldest(&mut self, most: usize) {
        while self.bytes > most {
            if self.next.finished.len() > 1
                && let Some((id, run)) = self.next.finished.pop_first()
            {
                let wire = self.next.wires.remove(&id);
                let bytes = run_bytes(&run) + wire.map_or(0, |wire| wire.bytes_held());
                self.bytes = self.bytes.saturating_sub(bytes);
                self.dropped += 1;
            } else {
                // Only text of live runs is left; `finish` brings it again.
                self.live
                    .values_mut()
                    .for_each(|live| live.take_pieces(&mut Vec::new()));
                self.next.pieces.clear();
                self.bytes = 0;
            }
        }
    }
}

/// About how many bytes a run holds, without its request, which is shared.
pub(super) fn run_bytes(run: &Run) -> usize {
    let unknown = run.answer.unknown.iter();
    let calls = run.answer.tool_calls.iter();
    let media = run.answer.media.iter();
    1000 + run.answer.text.len()
        + run.answer.reasoning.len()
        + run.answer.refusal.len()
        + run.reads.len() * size_of::<Read>()
        + unknown
            .map(|(kind, raw)| kind.len() + raw.len())
            .sum::<usize>()
        + calls.map(|call| call.arguments.len()).sum::<usize>()
        + media.map(|media| media.data.len()).sum::<usize>()
}
