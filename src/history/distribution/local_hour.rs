//! Local hours of the week.

use jiff::{Timestamp, tz::TimeZone};

const SECOND_NS: i64 = 1_000_000_000;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

/// The weekday of the first day of 1970, a Thursday, from 0 for Monday.
const FIRST_WEEKDAY: i64 = 3;

/// Gives local hours. It remembers until when the zone's clock stays as it is: times come in order, so that the zone is
/// asked some few times a year.
#[derive(Default)]
pub(super) struct LocalHour(Option<KnownOffset>);

/// What the zone's clock is ahead of UTC from one time on until another, all in seconds; times since 1970.
#[derive(Clone, Copy)]
struct KnownOffset {
    from: i64,
    until: i64,
    ahead: i64,
}

impl LocalHour {
    /// The weekday from Monday and the hour of the day.
    pub(super) fn of(&mut self, unix_ns: i64, zone: &TimeZone) -> (u8, u8) {
        let second = unix_ns.div_euclid(SECOND_NS);
        let known = self
            .0
            .filter(|known| (known.from..known.until).contains(&second));
        let known = *self
            .0
            .insert(known.unwrap_or_else(|| KnownOffset::at(second, zone)));
        let local_s = second.saturating_add(known.ahead);
        let weekday = (local_s.div_euclid(DAY_S) + FIRST_WEEKDAY).rem_euclid(7);
        let hour = local_s.rem_euclid(DAY_S) / HOUR_S;
        let small = |number: i64| u8::try_from(number).unwrap_or_default();
        (small(weekday), small(hour))
    }
}

impl KnownOffset {
    fn at(unix_s: i64, zone: &TimeZone) -> Self {
        let time = Timestamp::from_second(unix_s).unwrap_or_default();
        let next = zone.following(time).next();
        Self {
            from: unix_s,
            until: next.map_or(i64::MAX, |next| next.timestamp().as_second()),
            ahead: zone.to_offset(time).seconds().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_the_zone_across_its_changes() {
        let zones = [
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
        ];
        for zone in zones.map(|name| TimeZone::get(name).unwrap()) {
            let mut clock = LocalHour::default();
            // From before 1970 to 2060 in steps of some days and a bit; then each quarter of an hour of a year, and back.
            let far = (-20..1_100).map(|n| n * 30 * DAY_S + 4_321);
            let near = (0..4 * 24 * 366).map(|n| 1_767_225_600 + n * HOUR_S / 4);
            for unix_s in far.chain(near.clone()).chain(near.rev().step_by(997)) {
                let local = zone.to_datetime(Timestamp::from_second(unix_s).unwrap());
                let weekday = local.weekday().to_monday_zero_offset().unsigned_abs();
                let hour = local.hour().unsigned_abs();
                let found = clock.of(unix_s * SECOND_NS + 999, &zone);
                assert_eq!(found, (weekday, hour), "{unix_s} in {zone:?}");
            }
        }
    }
}
