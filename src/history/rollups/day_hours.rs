//! The TTFTs of the hours of a day, all in the row of the day: a year of 20 targets has 168,000 hours, whose rows would
//! take longer to read than what stands in them.
//!
//! In and out: for each hour with measured probes, in order of time, its number in the day (1 byte), the length of its
//! counts (2 bytes, little-endian) and its counts ([`TimeSketch::to_counts`]: at most 7,300 of at most 5 bytes).

use std::collections::BTreeMap;

use rusqlite::{Connection, types::FromSqlError};

use super::{DAY, HOUR, start_of, unusable};
use crate::{measure::sketch::TimeSketch, run::ConnectionKind};

/// The measured probes of one hour over one kind of connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::history) struct RolledUpHour<'a> {
    pub(in crate::history) simulated: bool,
    pub(in crate::history) connection: Option<ConnectionKind>,
    pub(in crate::history) from_unix_ns: i64,
    /// The counts of their sketch.
    pub(in crate::history) counts: &'a [u8],
}

/// Calls `give` with the hours of a target that have measured probes and begin in a stretch (both ends count): day by
/// day, and in each of them by kind of connection.
///
/// # Errors
/// If the file can't be read, and what `give` says.
pub(in crate::history) fn for_each_hour(
    file: &Connection,
    target: i64,
    (first, last): (i64, i64),
    mut give: impl FnMut(RolledUpHour<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut select = file.prepare_cached(
        "SELECT simulated, connection, from_unix_ns, hours FROM probe_rollup
            WHERE target = ?1 AND length = ?2 AND from_unix_ns BETWEEN ?3 AND ?4 AND measured > 0
            ORDER BY from_unix_ns",
    )?;
    let mut rows = select.query((target, DAY, start_of(first, DAY), last))?;
    while let Some(row) = rows.next()? {
        let simulated = row.get(0)?;
        let connection = ConnectionKind::parse(row.get_ref(1)?.as_str()?);
        let day: i64 = row.get(2)?;
        let mut hours = row.get_ref(3)?.as_blob()?;
        while !hours.is_empty() {
            let (number, counts) = next_hour(&mut hours)?;
            let from_unix_ns = day.saturating_add(i64::from(number) * HOUR);
            if (first..=last).contains(&from_unix_ns) {
                give(RolledUpHour {
                    simulated,
                    connection,
                    from_unix_ns,
                    counts,
                })?;
            }
        }
    }
    Ok(())
}

/// Takes the first hour: its number and its counts.
fn next_hour<'a>(hours: &mut &'a [u8]) -> rusqlite::Result<(u8, &'a [u8])> {
    let taken = hours
        .split_first_chunk::<3>()
        .and_then(|([number, length @ ..], rest)| {
            let (counts, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
            *hours = rest;
            Some((*number, counts))
        });
    taken.ok_or_else(|| FromSqlError::Other("the hours of a day are not whole".into()).into())
}

/// The hours of a day with further probes of the one that begins at a time.
///
/// # Errors
/// If the hours can't be read, or there is no room for so many probes.
pub(super) fn with_probes(
    mut hours: &[u8],
    from_unix_ns: i64,
    further: &TimeSketch,
) -> rusqlite::Result<Vec<u8>> {
    let mut known = BTreeMap::new();
    while !hours.is_empty() {
        let (number, counts) = next_hour(&mut hours)?;
        known.insert(number, counts);
    }
    let number = from_unix_ns.rem_euclid(DAY) / HOUR;
    let number = u8::try_from(number).unwrap_or_default();
    let mut all = further.clone();
    if let Some(counts) = known.get(&number) {
        all.merge_counts(counts).map_err(unusable)?;
    }
    let all = all.to_counts().map_err(unusable)?;
    known.insert(number, &all);
    let mut written = Vec::new();
    for (number, counts) in known {
        let length = u16::try_from(counts.len())
            .map_err(|_| FromSqlError::Other("an hour has too many counts".into()))?;
        written.push(number);
        written.extend(length.to_le_bytes());
        written.extend(counts);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_join_their_hour_in_any_order_and_what_is_cut_off_is_an_error() {
        let of = |ms: &[f64]| {
            let mut sketch = TimeSketch::new().unwrap();
            for ms in ms {
                sketch.record_ms(*ms).unwrap();
            }
            sketch
        };
        let mut hours = Vec::new();
        for (hour, ms) in [(7, 300.0), (23, 50.0), (0, 1_000.0), (7, 500.0), (7, 100.0)] {
            hours = with_probes(&hours, -3 * DAY + hour * HOUR, &of(&[ms])).unwrap();
        }
        let mut found = Vec::new();
        let mut rest = &hours[..];
        while !rest.is_empty() {
            let (number, counts) = next_hour(&mut rest).unwrap();
            found.push((number, counts.to_vec()));
        }
        let counts = |ms: &[f64]| of(ms).to_counts().unwrap();
        let expected = [
            (0, counts(&[1_000.0])),
            (7, counts(&[100.0, 300.0, 500.0])),
            (23, counts(&[50.0])),
        ];
        assert_eq!(found, expected);
        let cut = &hours[..hours.len() - 1];
        assert!(with_probes(cut, 0, &of(&[1.0])).is_err());
    }

    #[test]
    fn an_hour_of_any_times_fits() {
        let mut sketch = TimeSketch::new().unwrap();
        // Each bucket, with the largest count that there is.
        let mut counts = Vec::new();
        for _ in 0..8_000 {
            counts.extend([0xfe, 0xff, 0xff, 0xff, 0x1f]);
        }
        assert!(sketch.merge_counts(&counts).is_err(), "it is full before");
        let whole = sketch.to_counts().unwrap();
        assert!(sketch.len() > 7_000 * u64::from(u32::MAX));
        assert!(u16::try_from(whole.len()).is_ok(), "{}", whole.len());
    }
}
