//! Local hours of the week.

use jiff::{Timestamp, tz::TimeZone};

/// A quarter of an hour in nanoseconds: the clocks of all zones are off UTC by a multiple of it.
const QUARTER_NS: i64 = 15 * 60 * 1_000_000_000;

/// Gives local hours, and remembers the last one: runs come in order of time.
#[derive(Default)]
pub(super) struct LocalHour(Option<(i64, (u8, u8))>);

impl LocalHour {
    /// The weekday from Monday and the hour of the day.
    pub(super) fn of(&mut self, unix_ns: i64, zone: &TimeZone) -> (u8, u8) {
        let quarter = unix_ns.div_euclid(QUARTER_NS);
        if let Some((known, hour)) = self.0
            && known == quarter
        {
            return hour;
        }
        let time = Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or_default();
        let local = zone.to_datetime(time);
        let weekday = local.weekday().to_monday_zero_offset();
        let hour = (weekday.unsigned_abs(), local.hour().unsigned_abs());
        self.0 = Some((quarter, hour));
        hour
    }
}
