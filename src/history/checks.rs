//! Free checks of endpoints: a handshake and the list of models, over a connection of its own. They tell when an
//! endpoint was there, between the probes that cost something.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::rollups;
use crate::{event::FaultClass, run::ms};

/// What one check of an endpoint found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointCheck {
    /// The endpoint's id.
    pub endpoint: String,
    /// When it began, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// How long resolving its name took, in nanoseconds.
    pub dns_ns: Option<u64>,
    /// How long the TCP handshake took, in nanoseconds.
    pub tcp_ns: Option<u64>,
    /// How long the TLS handshake took, in nanoseconds.
    pub tls_ns: Option<u64>,
    /// From there until the list of models, or another answer, was read, in nanoseconds.
    pub models_ns: Option<u64>,
    /// The HTTP status of that answer.
    pub status: Option<u16>,
    /// What went wrong, if something did.
    pub fault: Option<FaultClass>,
    /// The end of the validity of its certificate, in seconds since 1970.
    pub certificate_until: Option<i64>,
}

impl EndpointCheck {
    /// Whether the endpoint was there: it answered, and not by an error of its own (status 500 and up). `None` if it was
    /// not asked, for want of a key.
    #[must_use]
    pub fn is_up(&self) -> Option<bool> {
        match (self.status, self.fault) {
            (Some(status), _) => Some(status < 500),
            (
                None,
                None | Some(FaultClass::Auth | FaultClass::BadRequest | FaultClass::NotFound),
            ) => None,
            (None, Some(fault)) => (!fault.is_no_failure()).then_some(false),
        }
    }

    /// Its line of JSON.
    #[must_use]
    pub fn line(&self) -> CheckLine {
        CheckLine {
            r#type: "check",
            endpoint: self.endpoint.clone(),
            at_unix_ns: self.at_unix_ns,
            is_up: self.is_up(),
            dns_ms: self.dns_ns.map(ms),
            tcp_ms: self.tcp_ns.map(ms),
            tls_ms: self.tls_ns.map(ms),
            models_ms: self.models_ns.map(ms),
            status: self.status,
            fault: self.fault,
            certificate_until_unix_s: self.certificate_until,
        }
    }
}

/// A check as a line of JSON.
#[derive(Debug, Serialize)]
pub struct CheckLine {
    r#type: &'static str,
    endpoint: String,
    at_unix_ns: i64,
    is_up: Option<bool>,
    dns_ms: Option<f64>,
    tcp_ms: Option<f64>,
    tls_ms: Option<f64>,
    models_ms: Option<f64>,
    status: Option<u16>,
    fault: Option<FaultClass>,
    certificate_until_unix_s: Option<i64>,
}

/// How often an endpoint was there, by its checks in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// The endpoint's id.
    pub endpoint: String,
    /// In how many checks it was there.
    pub up: u64,
    /// How many checks could tell.
    pub checks: u64,
    /// Until when the certificate is valid that its latest check was shown (seconds since 1970), if one was.
    pub certificate_until: Option<i64>,
}

/// Writes a check.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(file: &Connection, check: &EndpointCheck) -> rusqlite::Result<()> {
    let known: Option<i64> = file
        .prepare_cached("SELECT id FROM checked_endpoint WHERE endpoint = ?1")?
        .query_row([&check.endpoint], |row| row.get(0))
        .optional()?;
    let key = match known {
        Some(key) => key,
        None => file
            .prepare_cached("INSERT INTO checked_endpoint (endpoint) VALUES (?1)")?
            .insert([&check.endpoint])?,
    };
    file.prepare_cached(
        "INSERT OR REPLACE INTO endpoint_check VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        key,
        check.at_unix_ns,
        check.is_up(),
        check.dns_ns.map(u64::cast_signed),
        check.tcp_ns.map(u64::cast_signed),
        check.tls_ns.map(u64::cast_signed),
        check.models_ns.map(u64::cast_signed),
        check.status,
        check.fault.map(FaultClass::as_str),
        check.certificate_until,
    ])?;
    Ok(())
}

/// The availability of each endpoint that was checked in a stretch of time, ordered by its id. Of checks that were
/// rolled up, those of all hours count that reach into the stretch.
///
/// # Errors
/// If the file can't be read.
pub(super) fn availability(
    file: &Connection,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<Availability>> {
    // Endpoints in the order of their keys, so that SQLite need not sort hundreds of thousands of checks to group them.
    let mut select = file.prepare_cached(
        "SELECT endpoint, sum(up), sum(told), (
                SELECT certificate_until FROM endpoint_check AS shown
                    WHERE shown.checked = checked_endpoint.id AND shown.at_unix_ns <= ?2
                        AND shown.certificate_until IS NOT NULL
                    ORDER BY shown.at_unix_ns DESC LIMIT 1
            ) FROM checked_endpoint JOIN (
                SELECT checked, sum(is_up) AS up, count(is_up) AS told
                    FROM checked_endpoint NOT INDEXED CROSS JOIN endpoint_check ON checked = id
                    WHERE at_unix_ns BETWEEN ?1 AND ?2 GROUP BY id
                UNION ALL SELECT checked, sum(up), sum(told)
                    FROM checked_endpoint NOT INDEXED CROSS JOIN check_rollup ON checked = id
                    WHERE from_unix_ns BETWEEN ?3 AND ?2 GROUP BY id
            ) AS counted ON counted.checked = checked_endpoint.id
            GROUP BY counted.checked HAVING sum(told) > 0 ORDER BY endpoint",
    )?;
    let first_hour = rollups::start_of(from, rollups::HOUR);
    let found = select.query_map((from, to, first_hour), |row| {
        Ok(Availability {
            endpoint: row.get(0)?,
            up: row.get::<_, i64>(1)?.unsigned_abs(),
            checks: row.get::<_, i64>(2)?.unsigned_abs(),
            certificate_until: row.get(3)?,
        })
    })?;
    found.collect()
}

/// The checks of a stretch of time, in order of their begin.
///
/// # Errors
/// If the file can't be read.
pub(super) fn between(
    file: &Connection,
    (from, to): (i64, i64),
) -> rusqlite::Result<Vec<EndpointCheck>> {
    let mut select = file.prepare_cached(
        "SELECT endpoint, at_unix_ns, dns, tcp, tls, models, status, fault_class, certificate_until
            FROM checked_endpoint CROSS JOIN endpoint_check ON checked = checked_endpoint.id
            WHERE at_unix_ns BETWEEN ?1 AND ?2 ORDER BY at_unix_ns, endpoint",
    )?;
    let found = select.query_map((from, to), |row| {
        let count = |column| {
            let count: Option<i64> = row.get(column)?;
            Ok::<_, rusqlite::Error>(count.map(i64::cast_unsigned))
        };
        let fault: Option<String> = row.get(7)?;
        Ok(EndpointCheck {
            endpoint: row.get(0)?,
            at_unix_ns: row.get(1)?,
            dns_ns: count(2)?,
            tcp_ns: count(3)?,
            tls_ns: count(4)?,
            models_ns: count(5)?,
            status: row.get(6)?,
            fault: fault.as_deref().and_then(FaultClass::parse),
            certificate_until: row.get(8)?,
        })
    })?;
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_answers_is_there_whatever_it_thinks_of_the_key() {
        use FaultClass::{Auth, Connect, NotFound, Overloaded, Suspended};
        for (status, fault, up) in [
            (Some(200), None, Some(true)),
            (Some(401), Some(Auth), Some(true)),
            (Some(404), Some(NotFound), Some(true)),
            (Some(503), Some(Overloaded), Some(false)),
            (None, Some(Connect), Some(false)),
            (None, Some(Auth), None),
            (None, Some(Suspended), None),
        ] {
            let check = EndpointCheck {
                status,
                fault,
                ..EndpointCheck::default()
            };
            assert_eq!(check.is_up(), up, "{status:?} {fault:?}");
        }
    }
}
