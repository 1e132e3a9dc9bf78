//! The tables, and the migrations from older versions of them.
//!
//! Raw stamps and counts are stored, figures never: they are derived when read. Columns that every scan reads (`run`
//! and its indexes) are kept apart from those that only a search reads (`run_text`) and those that only a single run
//! needs (`run_wire`), so that a million runs can be sorted and plotted from indexes alone.

use rusqlite::{Connection, TransactionBehavior};

mod version_1;
mod version_4;
mod version_5;

/// Marks a SQLite file as ours ("Toks" in ASCII).
pub(super) const APPLICATION_ID: i32 = 0x546f_6b73;

/// The version that this program writes: one more for each migration.
pub(super) const VERSION: i32 = 14;

/// One migration: SQL, then a function for what SQL can't do.
type Migration = (&'static str, fn(&Connection) -> rusqlite::Result<()>);

/// The migration at index `n` takes a file from version `n` to `n + 1`.
static MIGRATIONS: [Migration; VERSION as usize] = [
    (version_1::SQL, |_| Ok(())),
    (VERSION_2, |_| Ok(())),
    (VERSION_3, |_| Ok(())),
    (version_4::SQL, version_4::migrate),
    (version_5::SQL, version_5::migrate),
    (VERSION_6, |_| Ok(())),
    (VERSION_7, |_| Ok(())),
    (VERSION_8, |_| Ok(())),
    (VERSION_9, |_| Ok(())),
    (VERSION_10, |_| Ok(())),
    (VERSION_11, |_| Ok(())),
    (COMPARISONS, |_| Ok(())),
    (BENCHES, |_| Ok(())),
    (IMPORTS, |_| Ok(())),
];

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

/// Version 12: comparisons.
///
/// - `comparison.head` and `comparison_round.round` are JSON (`compare::ComparisonHead`, `compare::CompareRound`): raw stamps
///   and counts of the runs, so that a comparison can be opened when the runs are gone. `comparison.reason` is a word of
///   `compare::CompareStopReason`, null while it goes on and where it was cut off; `session` is the number of the lock file
///   whose process runs it, as of `run`, null once it is over.
/// - A row of `comparison_mark` is a word of `compare::AnswerMark`: what somebody thought of an arm's answer beside that of the
///   first arm.
const COMPARISONS: &str = "
CREATE TABLE comparison (
    id INTEGER PRIMARY KEY,
    head TEXT NOT NULL,
    session INTEGER,
    reason TEXT,
    ended_unix_ns INTEGER
) STRICT;
CREATE TABLE comparison_round (
    comparison INTEGER NOT NULL,
    number INTEGER NOT NULL,
    round TEXT NOT NULL,
    PRIMARY KEY (comparison, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE comparison_mark (
    comparison INTEGER NOT NULL,
    number INTEGER NOT NULL,
    arm INTEGER NOT NULL,
    mark TEXT NOT NULL,
    PRIMARY KEY (comparison, number, arm)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER comparison_gone AFTER DELETE ON comparison BEGIN
    DELETE FROM comparison_round WHERE comparison = OLD.id;
    DELETE FROM comparison_mark WHERE comparison = OLD.id;
END;
";

/// Version 13: load benches (`benches`). `plan` and `summary` are JSON; `summary` is null while the bench runs, and where
/// its process died. `session` is the process that runs it, 0 once it has died. A row of `bench_block` holds some requests, as
/// `bench::columns` writes them: a bench has one, or one for about each MiB.
const BENCHES: &str = "
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

/// Version 14: runs whose origin is an import have states of their own (`rows`), which older versions can't read.
const IMPORTS: &str = "";

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
