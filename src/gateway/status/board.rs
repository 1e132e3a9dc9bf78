//! The board on which each request notes what becomes of it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{super::audit::AuditRecord, FinishedRequest, LiveRequest, RouteCounts};
use crate::{clock::wall_clock_ns, endpoint::TargetId, run::RunId};

/// How many requests that are over are kept.
const MOST_RECENT: usize = 200;
/// Most names that are counted for themselves: a client can't fill memory with names of models.
const MOST_NAMES: usize = 1_000;
/// Under which name those beyond are counted.
const OTHER_NAMES: &str = "other names";

/// What all requests note.
#[derive(Debug, Default)]
pub(in crate::gateway) struct RequestBoard {
    noted: Mutex<NotedRequests>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct NotedRequests {
    begun: u64,
    finished: u64,
    live: BTreeMap<u64, Arc<LiveEntry>>,
    recent: VecDeque<FinishedRequest>,
    counts: BTreeMap<String, RouteCounts>,
}

/// What a request under way has noted so far.
#[derive(Debug)]
pub(in crate::gateway) struct LiveEntry {
    number: u64,
    /// When it came, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// When the first bytes of an answer were handed on.
    first_frame: Arc<OnceLock<Instant>>,
    facts: Mutex<LiveFacts>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct LiveFacts {
    received: Instant,
    key: String,
    model: String,
    route: String,
    /// Each attempt's number, target and run, in the order in which they were begun.
    attempts: Vec<(u32, TargetId, Option<RunId>)>,
    /// The attempt that was begun beside another one.
    hedge: Option<u32>,
    /// The attempt that answers.
    winner: Option<u32>,
    /// Whether the first token went with the first bytes.
    is_token_first: bool,
    ttft: Option<Duration>,
}

impl RequestBoard {
    /// A request came.
    pub(in crate::gateway) fn begin(
        &self,
        received: Instant,
        first_frame: Arc<OnceLock<Instant>>,
    ) -> Arc<LiveEntry> {
        let mut noted = self.noted();
        noted.begun += 1;
        let entry = Arc::new(LiveEntry {
            number: noted.begun,
            at_unix_ns: wall_clock_ns(),
            first_frame,
            facts: Mutex::new(LiveFacts::new(received)),
            changes: self.changes.clone(),
        });
        noted.live.insert(entry.number, Arc::clone(&entry));
        drop(noted);
        entry.changed();
        entry
    }

    /// A request is over.
    pub(in crate::gateway) fn end(&self, entry: &LiveEntry, record: Arc<AuditRecord>) {
        let (run, hedge_won) = {
            let facts = entry.facts();
            (
                facts.shown().and_then(|shown| shown.2),
                facts.has_hedge_won(),
            )
        };
        let mut noted = self.noted();
        noted.finished += 1;
        noted.live.remove(&entry.number);
        if !record.route.is_empty() {
            noted.counts_of(&record.route).add(&record, hedge_won);
        }
        noted.recent.truncate(MOST_RECENT - 1);
        noted.recent.push_front(FinishedRequest {
            number: entry.number,
            at_unix_ns: entry.at_unix_ns,
            record,
            run,
        });
        drop(noted);
        entry.changed();
    }

    /// How many requests are under way.
    pub(in crate::gateway) fn in_flight(&self) -> usize {
        self.noted().live.len()
    }

    /// How many requests are over.
    pub(super) fn finished(&self) -> u64 {
        self.noted().finished
    }

    /// Tells of each event.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The requests under way and those that are over, the newest first, and the counts by route.
    pub(super) fn read(
        &self,
    ) -> (
        Vec<LiveRequest>,
        Vec<FinishedRequest>,
        BTreeMap<String, RouteCounts>,
    ) {
        let noted = self.noted();
        let live: Vec<Arc<LiveEntry>> = noted.live.values().rev().cloned().collect();
        let recent = noted.recent.iter().cloned().collect();
        let counts = noted.counts.clone();
        drop(noted);
        (
            live.iter().map(|entry| entry.shown()).collect(),
            recent,
            counts,
        )
    }

    fn noted(&self) -> MutexGuard<'_, NotedRequests> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NotedRequests {
    fn counts_of(&mut self, route: &str) -> &mut RouteCounts {
        let is_full = self.counts.len() >= MOST_NAMES && !self.counts.contains_key(route);
        let name = if is_full { OTHER_NAMES } else { route };
        self.counts.entry(name.to_owned()).or_default()
    }
}

impl LiveEntry {
    /// It was asked with this key.
    pub(in crate::gateway) fn admitted(&self, key: &str) {
        key.clone_into(&mut self.facts().key);
    }

    /// It was read: it asks for this model, and takes this route, if it takes any.
    pub(in crate::gateway) fn routed(&self, received: Instant, model: &str, route: &str) {
        let mut facts = self.facts();
        facts.received = received;
        model.clone_into(&mut facts.model);
        route.clone_into(&mut facts.route);
        drop(facts);
        self.changed();
    }

    /// A target is asked, in this attempt and run.
    pub(in crate::gateway) fn attempt(&self, number: u32, target: TargetId, run: RunId) {
        self.facts().attempts.push((number, target, Some(run)));
        self.changed();
    }

    /// Nothing was sent in this attempt, so that it has no run.
    pub(in crate::gateway) fn not_sent(&self, number: u32) {
        let mut facts = self.facts();
        let mut attempts = facts.attempts.iter_mut();
        if let Some(attempt) = attempts.find(|attempt| attempt.0 == number) {
            attempt.2 = None;
        }
    }

    /// This attempt is begun beside another one.
    pub(in crate::gateway) fn hedged(&self, number: u32) {
        self.facts().hedge = Some(number);
    }

    /// This attempt answers; its first token may be among what it said so far.
    pub(in crate::gateway) fn answers(&self, number: u32, has_token: bool) {
        let mut facts = self.facts();
        facts.winner = Some(number);
        facts.is_token_first = has_token;
        drop(facts);
        self.changed();
    }

    /// Its first token was handed on now.
    pub(in crate::gateway) fn first_token(&self, at: Instant) {
        let mut facts = self.facts();
        facts.ttft = Some(at.saturating_duration_since(facts.received));
        drop(facts);
        self.changed();
    }

    fn shown(&self) -> LiveRequest {
        let facts = self.facts();
        let shown = facts.shown();
        let since_received = |at: &Instant| at.saturating_duration_since(facts.received);
        let with_first_bytes = self.first_frame.get().filter(|_| facts.is_token_first);
        LiveRequest {
            number: self.number,
            at_unix_ns: self.at_unix_ns,
            received: facts.received,
            key: facts.key.clone(),
            model: facts.model.clone(),
            route: facts.route.clone(),
            target: shown.map(|shown| shown.1.clone()),
            attempts: u32::try_from(facts.attempts.len()).unwrap_or(u32::MAX),
            is_answering: facts.winner.is_some(),
            ttft: facts.ttft.or(with_first_bytes.map(since_received)),
            run: shown.and_then(|shown| shown.2),
        }
    }

    fn changed(&self) {
        self.changes
            .send_modify(|version| *version = version.wrapping_add(1));
    }

    fn facts(&self) -> MutexGuard<'_, LiveFacts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveFacts {
    fn new(received: Instant) -> Self {
        Self {
            received,
            key: String::new(),
            model: String::new(),
            route: String::new(),
            attempts: Vec::new(),
            hedge: None,
            winner: None,
            is_token_first: false,
            ttft: None,
        }
    }

    /// The attempt that answers, or was begun last.
    fn shown(&self) -> Option<&(u32, TargetId, Option<RunId>)> {
        let mut attempts = self.attempts.iter();
        match self.winner {
            Some(winner) => attempts.find(|attempt| attempt.0 == winner),
            None => attempts.next_back(),
        }
    }

    fn has_hedge_won(&self) -> bool {
        self.hedge.is_some() && self.hedge == self.winner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    fn target(model: &str) -> TargetId {
        TargetId {
            endpoint: "e".into(),
            model: model.into(),
        }
    }

    fn record(route: &str, outcome: &str, attempts: u32, hedges: u32) -> Arc<AuditRecord> {
        Arc::new(AuditRecord {
            route: route.into(),
            outcome: outcome.into(),
            attempts,
            hedges,
            ..AuditRecord::default()
        })
    }

    #[test]
    fn a_request_is_live_until_it_is_over() {
        let board = RequestBoard::default();
        let mut changes = board.changes();
        let received = now();
        let entry = board.begin(received, Arc::default());
        assert!(changes.has_changed().unwrap());
        entry.admitted("laptop");
        entry.routed(received, "m", "m*");
        entry.attempt(1, target("a"), RunId(1));
        entry.attempt(2, target("b"), RunId(2));
        let live = board.read().0.remove(0);
        assert_eq!((live.key.as_str(), live.model.as_str()), ("laptop", "m"));
        assert_eq!(live.target, Some(target("b")), "the last that was asked");
        assert!(!live.is_answering && live.ttft.is_none());
        entry.answers(1, false);
        entry.first_token(received + Duration::from_millis(40));
        let live = board.read().0.remove(0);
        assert_eq!((live.target, live.run), (Some(target("a")), Some(RunId(1))));
        assert_eq!(live.ttft, Some(Duration::from_millis(40)));
        changes.mark_unchanged();
        board.end(&entry, record("m*", "ok", 2, 1));
        assert!(changes.has_changed().unwrap());
        let (live, recent, counts) = board.read();
        assert!(live.is_empty());
        assert_eq!((recent[0].number, recent[0].run), (1, Some(RunId(1))));
        assert_eq!(counts["m*"].attempts, 2);
    }

    #[test]
    fn a_token_in_the_first_bytes_came_when_they_were_handed_on() {
        let board = RequestBoard::default();
        let (received, first_frame) = (now(), Arc::new(OnceLock::new()));
        let entry = board.begin(received, Arc::clone(&first_frame));
        entry.attempt(1, target("a"), RunId(1));
        entry.answers(1, true);
        assert_eq!(board.read().0[0].ttft, None, "not yet");
        first_frame
            .set(received + Duration::from_millis(7))
            .unwrap();
        assert_eq!(board.read().0[0].ttft, Some(Duration::from_millis(7)));
    }

    #[test]
    fn hedges_that_won_and_lost_are_told_apart_from_retries() {
        let board = RequestBoard::default();
        for (winner, attempts, hedges, outcome) in [
            (Some(1), 1, 0, "ok"),
            (Some(2), 2, 1, "ok"),
            (Some(1), 2, 1, "ok"),
            (None, 3, 0, "overloaded"),
            (Some(1), 1, 0, "cancelled"),
        ] {
            let entry = board.begin(now(), Arc::default());
            for number in 1..=attempts {
                entry.attempt(number, target("a"), RunId(number.into()));
            }
            if hedges > 0 {
                entry.hedged(2);
            }
            if let Some(winner) = winner {
                entry.answers(winner, false);
            }
            board.end(&entry, record("r", outcome, attempts, hedges));
        }
        let counts = board.read().2["r"];
        let expected = RouteCounts {
            requests: 5,
            failed: 1,
            attempts: 9,
            retries: 2,
            hedges: 2,
            hedges_won: 1,
            ..RouteCounts::default()
        };
        assert_eq!((counts, counts.hedges_lost()), (expected, 1));
    }

    #[test]
    fn no_more_are_kept_than_the_limits() {
        let board = RequestBoard::default();
        for request in 0..3 * MOST_NAMES {
            let entry = board.begin(now(), Arc::default());
            board.end(&entry, record(&request.to_string(), "ok", 1, 0));
        }
        let (live, recent, counts) = board.read();
        assert_eq!((live.len(), recent.len()), (0, MOST_RECENT));
        assert_eq!(recent[0].number, 3 * MOST_NAMES as u64);
        assert_eq!(counts.len(), MOST_NAMES + 1);
        assert_eq!(board.finished(), 3 * MOST_NAMES as u64);
    }

    #[test]
    fn an_attempt_that_was_not_sent_has_no_run() {
        let board = RequestBoard::default();
        let entry = board.begin(now(), Arc::default());
        entry.attempt(1, target("a"), RunId(1));
        entry.not_sent(1);
        board.end(&entry, record("r", "bad_request", 1, 0));
        assert_eq!(board.read().1[0].run, None);
    }
}
