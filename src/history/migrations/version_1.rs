//! The tables of the first version.

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
pub(super) const SQL: &str = "
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
