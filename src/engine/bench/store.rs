//! Stores the requests of a bench while it runs.
//!
//! The last block grows: each write has all its requests so far and replaces the one before. Once it is full, the next
//! begins. So nothing is lost but what came after the last write, and a stored bench is few blocks.

use crate::{
    bench::{BenchId, BenchRequest, TokenArrivals, columns},
    history::History,
};

/// A block of about this many bytes before compression is full.
const FULL_BYTES: usize = 1 << 20;

/// A block of so many requests is full.
const FULL_REQUESTS: usize = 16 << 10;

/// Once a bench takes so many bytes, the reads of further requests are left out, all but the first and the last: their
/// stamps stay.
const MOST_BYTES: usize = 150 << 20;

/// About how many bytes a request takes without its reads.
const STAMPS_BYTES: usize = 60;

/// Stores one bench.
pub(super) struct BlockWriter {
    history: History,
    id: BenchId,
    seq: u32,
    block: Vec<BenchRequest>,
    bytes: usize,
    /// Bytes of the blocks that are full.
    written: usize,
    /// Whether something came since the last write.
    has_new: bool,
}

impl BlockWriter {
    pub(super) fn new(history: History, id: BenchId) -> Self {
        Self {
            history,
            id,
            seq: 0,
            block: Vec::new(),
            bytes: 0,
            written: 0,
            has_new: false,
        }
    }

    /// Takes requests that ended; a block that is full is written.
    pub(super) fn take(&mut self, requests: Vec<BenchRequest>) {
        for mut request in requests {
            if self.written >= MOST_BYTES {
                request.arrivals = TokenArrivals::default();
            }
            let text = request.text.as_ref().map_or(0, |text| text.text.len());
            self.bytes += STAMPS_BYTES + request.arrivals.as_bytes().len() + text;
            self.block.push(request);
            self.has_new = true;
            if self.bytes >= FULL_BYTES || self.block.len() >= FULL_REQUESTS {
                self.written += self.write();
                self.seq += 1;
                self.block.clear();
                self.bytes = 0;
            }
        }
    }

    /// Writes what came since the last write. Gives the size of the block.
    pub(super) fn write(&mut self) -> usize {
        if !std::mem::take(&mut self.has_new) {
            return 0;
        }
        match columns::encode(&self.block) {
            Ok(bytes) => {
                let (size, requests) = (bytes.len(), self.block.len() as u64);
                (self.history).put_bench_block(self.id, self.seq, requests, bytes);
                size
            }
            Err(error) => {
                tracing::error!("requests of a bench could not be kept: {error}");
                0
            }
        }
    }
}
