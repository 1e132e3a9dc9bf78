//! The tables, and the migrations from older versions of them.
//!
//! Raw stamps and counts are stored, figures never: they are derived when read. Columns that every scan reads (`run`
//! and its indexes) are kept apart from those that only a search reads (`run_text`) and those that only a single run
//! needs (`run_wire`), so that a million runs can be sorted and plotted from indexes alone.

use rusqlite::{Connection, TransactionBehavior};

mod version_4;
mod version_5;

/// Marks a SQLite file as ours ("Toks" in ASCII).
pub(super) const APPLICATION_ID: i32 = 0x546f_6b73;

/// The version that this program writes: one more for each migration.
pub(super) const VERSION: i32 = 12;

/// One migration: SQL, then a function for what SQL can't do.
type Migration = (&'static str, fn(&Connection) -> rusqlite::Result<()>);

/// The migration at index `n` takes a file from version `n` to `n + 1`.
static MIGRATIONS: [Migration; VERSION as usize] = [
    (VERSION_1, |_| Ok(())),
    (VERSION_2, |_| Ok(())),
    (VERSION_3, |_| Ok(())),
    (VERSION_4, version_4::migrate),
    (VERSION_5, version_5::migrate),
    (VERSION_6, |_| Ok(())),
    (VERSION_7, |_| Ok(())),
    (VERSION_8, |_| Ok(())),
    (VERSION_9, |_| Ok(())),
    (VERSION_10, |_| Ok(())),
    (VERSION_11, |_| Ok(())),
    (VERSION_12, |_| Ok(())),
];

/// Version 1.
///
/// - Times named `_unix_ns` are nanoseconds since 1970; all other stamps are nanoseconds since the
///   run's start. Words are those of the `words!` tables in the code.
/// - `run.outcome` is `ok`, a fault class, or null for a live run. Each sort order of the table of runs has an index
///   that also holds the columns of the filters, so that sorting never reads the table.
/// - `run.session` is the number of the lock file whose process streams the run; null once it is over.
/// - `run_text.calls`, `run_wire.notes`, `run_wire.unknown` are JSON arrays, null when empty.
/// - `run_wire.reads` is the format of `reads.rs`.
/// - An image in `run_wire.request` or `conversation.json` has the eight little-endian bytes of a
///   `blob.id` in place of its data.
/// - `piece` holds the events of a live run: text as it is, other events as lines of JSON, reads as above. When the
///   run is over its pieces are deleted and its text is in `run_text`; the part of a text beyond 4 MiB stays in
///   `piece`.
const VERSION_1: &str = "
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    generation INTEGER NOT NULL,
    checked_unix_ns INTEGER NOT NULL
) STRICT;
INSERT INTO meta VALUES (0, 0, 0);

CREATE TABLE target (
    id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    UNIQUE (endpoint, model)
) STRICT;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    target INTEGER NOT NULL REFERENCES target (id),
    state TEXT NOT NULL,
    session INTEGER,
    simulated INTEGER NOT NULL,
    origin TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    dialect TEXT NOT NULL,
    route TEXT NOT NULL,
    connection TEXT,
    status INTEGER,
    http_version TEXT,
    started_unix_ns INTEGER NOT NULL,
    scheduled_before INTEGER NOT NULL,
    dns_begin INTEGER, dns_end INTEGER,
    tcp_begin INTEGER, tcp_end INTEGER,
    tls_begin INTEGER, tls_end INTEGER,
    request_sent INTEGER,
    headers INTEGER,
    first_byte INTEGER,
    first_event INTEGER,
    first_token INTEGER,
    first_visible INTEGER,
    last_token INTEGER,
    closed INTEGER,
    has_usage INTEGER NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_tokens INTEGER,
    cached_tokens INTEGER,
    total_tokens INTEGER,
    finish TEXT,
    fault_class TEXT,
    fault_phase TEXT,
    fault_status INTEGER,
    retry_after_ms INTEGER,
    prompt TEXT NOT NULL,
    outcome TEXT GENERATED ALWAYS AS (
        CASE state WHEN 'ok' THEN 'ok' WHEN 'fault' THEN coalesce(fault_class, 'fault') END
    ) STORED
) STRICT;
CREATE INDEX run_started ON run (started_unix_ns, target, outcome);
CREATE INDEX run_target ON run (target, started_unix_ns, first_token, connection, outcome, simulated);
CREATE INDEX run_outcome ON run (outcome, started_unix_ns, target);
CREATE INDEX run_ttft ON run (first_token, started_unix_ns, target, outcome);
CREATE INDEX run_total ON run (last_token, started_unix_ns, target, outcome);
CREATE INDEX run_output ON run (output_tokens, started_unix_ns, target, outcome);
CREATE INDEX run_session ON run (session) WHERE session IS NOT NULL;

CREATE TABLE run_text (
    id INTEGER PRIMARY KEY,
    target INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    text TEXT NOT NULL,
    refusal TEXT,
    calls TEXT,
    fault_message TEXT,
    fault_code TEXT,
    reasoning TEXT
) STRICT;

CREATE TABLE run_wire (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL,
    request TEXT NOT NULL,
    finish_raw TEXT,
    response_id TEXT,
    model TEXT,
    done INTEGER NOT NULL,
    keep_alives INTEGER NOT NULL,
    notes TEXT,
    unknown TEXT,
    reads BLOB NOT NULL
) STRICT;

CREATE TABLE piece (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX blob_hash ON blob (hash);

CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    updated_unix_ns INTEGER NOT NULL,
    title TEXT NOT NULL,
    panes INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;
";

/// Version 2: the overflow column `run_wire.rest`, a JSON object with the fields of an answer that have no column of
/// their own; null if there are none.
const VERSION_2: &str = "ALTER TABLE run_wire ADD COLUMN rest TEXT;";

/// Version 3: the findings of each run, by the words of `conformance::Check`. `run.looked_at` is 1 once a run was
/// checked, null for runs of older versions and for runs that can't be checked.
const VERSION_3: &str = "
ALTER TABLE run ADD COLUMN looked_at INTEGER;
CREATE INDEX run_looked_at ON run (target, started_unix_ns, looked_at) WHERE looked_at = 1;
CREATE TABLE finding (
    run INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (run, kind, text)
) STRICT, WITHOUT ROWID;
";

/// Version 4: a file has its SHA-256 in place of its data, in `run_wire.request`, in `run_wire.rest` and in
/// `conversation.json`; `blob_use` says who uses it (`owner` is a word of `files::BlobOwner`). Triggers delete a blob
/// that is not used any more, and all rows that belong to a deleted run or conversation. `INSERT OR REPLACE` does not
/// fire them: recursive triggers are off.
const VERSION_4: &str = "
DROP INDEX blob_hash;
ALTER TABLE blob RENAME TO old_blob;
CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE blob_use (
    owner TEXT NOT NULL,
    id INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    PRIMARY KEY (owner, id, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_use_blob ON blob_use (blob);
CREATE TRIGGER blob_unused AFTER DELETE ON blob_use
WHEN NOT EXISTS (SELECT 1 FROM blob_use WHERE blob = OLD.blob) BEGIN
    DELETE FROM blob WHERE id = OLD.blob;
END;
CREATE TRIGGER run_gone AFTER DELETE ON run BEGIN
    DELETE FROM run_text WHERE id = OLD.id;
    DELETE FROM run_wire WHERE id = OLD.id;
    DELETE FROM piece WHERE run = OLD.id;
    DELETE FROM finding WHERE run = OLD.id;
    DELETE FROM blob_use WHERE owner = 'run' AND id = OLD.id;
END;
CREATE TRIGGER conversation_gone AFTER DELETE ON conversation BEGIN
    DELETE FROM blob_use WHERE owner = 'conversation' AND id = OLD.id;
END;
";

/// Version 5: panes and turns have rows of their own, so that windows can add to one conversation at the same
/// time. `pane.place` orders the panes, a turn's id the turns; `json` holds the rest of each.
///
/// - A draft belongs to the window of a session number (see `session.rs`); `session` is null once that window is
///   gone.
/// - `open` says which conversation a window shows.
/// - `meta.talk` counts changes of conversations, drafts aside.
const VERSION_5: &str = "
ALTER TABLE meta ADD COLUMN talk INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER conversation_gone;
ALTER TABLE conversation RENAME TO old_conversation;
CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    updated_unix_ns INTEGER NOT NULL,
    title TEXT NOT NULL
) STRICT;
CREATE TABLE pane (
    conversation INTEGER NOT NULL,
    id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE turn (
    conversation INTEGER NOT NULL,
    pane INTEGER NOT NULL,
    id INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (conversation, pane, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE draft (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    session INTEGER,
    updated_unix_ns INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX draft_conversation ON draft (conversation, session);
CREATE TABLE open (
    session INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL
) STRICT;
CREATE TRIGGER draft_gone AFTER DELETE ON draft BEGIN
    DELETE FROM blob_use WHERE owner = 'draft' AND id = OLD.id;
END;
CREATE TRIGGER conversation_gone AFTER DELETE ON conversation BEGIN
    DELETE FROM pane WHERE conversation = OLD.id;
    DELETE FROM turn WHERE conversation = OLD.id;
    DELETE FROM draft WHERE conversation = OLD.id;
    DELETE FROM blob_use WHERE owner = 'conversation' AND id = OLD.id;
END;
";

/// Version 6: `run_wire.link` is the run's connection as a JSON object, null where it has none or was stored before.
/// `run_wire.reads` may hold the kernel's stamps, which older versions can't read.
const VERSION_6: &str = "ALTER TABLE run_wire ADD COLUMN link TEXT;";

/// Version 7: how much later than the kernel the first token was read, in nanoseconds; null where that is not known,
/// and for runs of older versions.
const VERSION_7: &str = "
ALTER TABLE run ADD COLUMN first_token_delay INTEGER;
DROP INDEX run_target;
CREATE INDEX run_target
    ON run (target, started_unix_ns, first_token, connection, outcome, simulated, first_token_delay);
";

/// Version 8: the times in which a target was not asked although it should have been, by the words of
/// `gaps::GapReason`. A `gap.target` of 0 stands for all targets. A gap that lasts has its end so far. And the free
/// checks of endpoints: `dns`, `tcp`, `tls` and `models` are durations in nanoseconds, `is_up` is null where a check
/// could not tell.
const VERSION_8: &str = "
CREATE TABLE gap (
    from_unix_ns INTEGER NOT NULL,
    target INTEGER NOT NULL,
    why TEXT NOT NULL,
    to_unix_ns INTEGER NOT NULL,
    PRIMARY KEY (from_unix_ns, target, why)
) STRICT, WITHOUT ROWID;
CREATE INDEX gap_to ON gap (to_unix_ns);

CREATE TABLE checked_endpoint (
    id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE endpoint_check (
    checked INTEGER NOT NULL,
    at_unix_ns INTEGER NOT NULL,
    is_up INTEGER,
    dns INTEGER,
    tcp INTEGER,
    tls INTEGER,
    models INTEGER,
    status INTEGER,
    fault_class TEXT,
    PRIMARY KEY (checked, at_unix_ns)
) STRICT, WITHOUT ROWID;
";

/// Version 9: what went over the wire of a run.
///
/// - `capture_piece` holds the `.tscap` text of a capture: each row is a block of at most 256 KiB, compressed by zstd.
/// - `capture.bytes` is the size of these rows together, 0 once they were removed; `removed` is then a word of
///   `captures::Removed`. A run that never had a capture has no row.
/// - `meta.capture_bytes` is the sum of `capture.bytes`, kept by triggers.
const VERSION_9: &str = "
ALTER TABLE meta ADD COLUMN capture_bytes INTEGER NOT NULL DEFAULT 0;
CREATE TABLE capture (
    run INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL,
    removed TEXT
) STRICT;
CREATE INDEX capture_kept ON capture (run, bytes) WHERE bytes > 0;
CREATE TABLE capture_piece (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER capture_added AFTER INSERT ON capture BEGIN
    UPDATE meta SET capture_bytes = capture_bytes + NEW.bytes;
END;
CREATE TRIGGER capture_changed AFTER UPDATE OF bytes ON capture BEGIN
    UPDATE meta SET capture_bytes = capture_bytes + NEW.bytes - OLD.bytes;
END;
CREATE TRIGGER capture_gone AFTER DELETE ON capture BEGIN
    UPDATE meta SET capture_bytes = capture_bytes - OLD.bytes;
    DELETE FROM capture_piece WHERE run = OLD.run;
END;
CREATE TRIGGER run_capture_gone AFTER DELETE ON run BEGIN
    DELETE FROM capture WHERE run = OLD.id;
END;
";

/// Version 10: probes and checks that were rolled up (`rollups`), and the indexes that find what is old.
///
/// - A row of `probe_rollup` is about the probes of one target over one kind of connection that started in the
///   `length` nanoseconds since `from_unix_ns`: an hour or a day of UTC. `connection` is empty where none was made.
///   `outcomes` is a JSON object of counts by `run.outcome`; `late` is how many of those with a clean end and a token
///   were read late; `measured` counts the others. Only the row of a day has their sketch, `ttft`, with its
///   `median_ms`, and those of its `hours` (`rollups/day_hours.rs`), each null without any.
/// - A row of `check_rollup` counts the checks of an endpoint in an hour: all, those that could tell, and those in
///   which it was there.
const VERSION_10: &str = "
CREATE INDEX run_probe ON run (started_unix_ns) WHERE origin = 'probe' AND outcome IS NOT NULL;
CREATE INDEX endpoint_check_at ON endpoint_check (at_unix_ns);
CREATE TABLE probe_rollup (
    target INTEGER NOT NULL,
    length INTEGER NOT NULL,
    from_unix_ns INTEGER NOT NULL,
    connection TEXT NOT NULL,
    simulated INTEGER NOT NULL,
    late INTEGER NOT NULL,
    outcomes TEXT NOT NULL,
    measured INTEGER NOT NULL,
    median_ms REAL,
    ttft BLOB,
    hours BLOB,
    PRIMARY KEY (target, length, from_unix_ns, connection, simulated)
) STRICT, WITHOUT ROWID;
CREATE INDEX probe_rollup_from ON probe_rollup (length, from_unix_ns);
CREATE TABLE check_rollup (
    checked INTEGER NOT NULL,
    from_unix_ns INTEGER NOT NULL,
    checks INTEGER NOT NULL,
    told INTEGER NOT NULL,
    up INTEGER NOT NULL,
    PRIMARY KEY (checked, from_unix_ns)
) STRICT, WITHOUT ROWID;
";

/// Version 11: the end of the validity of the certificate that a check was shown, in seconds since 1970; null without
/// one, and for checks of older versions. And the alerts that fire (`firing_alerts`): `judgement` is what the rule
/// judged by, an endpoint as a whole has an empty `model`.
const VERSION_11: &str = "
ALTER TABLE endpoint_check ADD COLUMN certificate_until INTEGER;
CREATE TABLE firing_alert (
    rule TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    judgement TEXT NOT NULL,
    since_unix_ns INTEGER NOT NULL,
    is_told INTEGER NOT NULL,
    value REAL NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (rule, endpoint, model)
) STRICT, WITHOUT ROWID;
";

/// Version 12: load benches (`benches`). `plan` and `summary` are JSON; `summary` is null while the bench runs, and where
/// its process died. `session` is the process that runs it, 0 once it has died. A row of `bench_block` holds some requests, as
/// `bench::columns` writes them: a bench has one, or one for about each MiB.
const VERSION_12: &str = "
CREATE TABLE bench (
    id INTEGER PRIMARY KEY,
    started_unix_ns INTEGER NOT NULL,
    session INTEGER NOT NULL,
    plan TEXT NOT NULL,
    summary TEXT
) STRICT;
CREATE TABLE bench_block (
    bench INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (bench, seq)
) STRICT;
CREATE TRIGGER bench_gone AFTER DELETE ON bench BEGIN
    DELETE FROM bench_block WHERE bench = OLD.id;
END;
";

/// Migrates an empty file, or one of an older version, to [`VERSION`] in one transaction.
///
/// # Errors
/// If the file can't be written.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < VERSION {
        for migration in MIGRATIONS
            .iter()
            .skip(usize::try_from(version).unwrap_or(0))
        {
            let (sql, by_code) = migration;
            transaction.execute_batch(sql)?;
            by_code(&transaction)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}
