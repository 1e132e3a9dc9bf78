//! What was spent on probes today, for the cap of a plan. A day begins at midnight, UTC, as with the gateway's caps.

use crate::{
    history::ProbeUsage,
    price::{PriceTable, PricedCall, Usd},
};

/// A day in nanoseconds.
const DAY_NS: i64 = 24 * 60 * 60 * 1_000_000_000;

/// The midnight, UTC, at which the day of this time began; both in nanoseconds since 1970.
#[must_use]
pub fn day_begin(unix_ns: i64) -> i64 {
    unix_ns - unix_ns.rem_euclid(DAY_NS)
}

/// What probes cost since midnight, UTC, and what those under way may cost.
#[derive(Debug, Default)]
pub struct DailySpending {
    /// When the day began, in nanoseconds since 1970.
    day: i64,
    spent: Usd,
    under_way: Usd,
}

impl DailySpending {
    /// What was spent on the day of this time.
    pub fn today(&mut self, now_unix_ns: i64) -> Usd {
        let day = day_begin(now_unix_ns);
        if day != self.day {
            (self.day, self.spent) = (day, Usd::default());
        }
        self.spent
    }

    /// Sets what was spent on the day of this time.
    pub fn set(&mut self, now_unix_ns: i64, spent: Usd) {
        (self.day, self.spent) = (day_begin(now_unix_ns), spent);
    }

    /// Whether a probe that may cost so much can be sent within the cap.
    pub fn has_room(&mut self, now_unix_ns: i64, cap: Usd, most: Usd) -> bool {
        let with = (self.today(now_unix_ns).checked_add(self.under_way))
            .and_then(|sum| sum.checked_add(most));
        with.is_some_and(|sum| sum <= cap)
    }

    /// A probe is sent that may cost so much.
    pub fn begin(&mut self, most: Usd) {
        self.under_way = self.under_way.checked_add(most).unwrap_or(self.under_way);
    }

    /// A probe that could have cost so much is over, and cost this.
    pub fn end(&mut self, now_unix_ns: i64, most: Usd, cost: Usd) {
        let left = self.under_way.pico().saturating_sub(most.pico());
        self.under_way = Usd::of_pico(left);
        let today = self.today(now_unix_ns);
        self.spent = today.checked_add(cost).unwrap_or(today);
    }
}

/// What a probe that is over is counted as: what its reported tokens cost; `most` if it was answered and that is not
/// known; nothing if no answer came.
#[must_use]
pub fn probe_cost(probe: &ProbeUsage, prices: &PriceTable, most: Usd) -> Usd {
    let price = prices.of_call(&PricedCall {
        endpoint: &probe.target.endpoint,
        url: &probe.url,
        simulated: probe.simulated,
        model: &probe.target.model,
        served: probe.served.as_deref(),
        at_unix_ns: probe.started_unix_ns,
    });
    let cost = price.and_then(|price| price.cost(probe.usage.as_ref()?, None));
    match cost {
        Some(cost) => cost,
        None if probe.is_answered || probe.usage.is_some() => most,
        None => Usd::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Usage;

    fn usd(dollars: f64) -> Usd {
        Usd::of_dollars(dollars).unwrap()
    }

    #[test]
    fn a_cap_counts_what_is_under_way_and_a_new_day_begins_at_nothing() {
        let mut spending = DailySpending::default();
        let (noon, cap) = (7 * DAY_NS + DAY_NS / 2, usd(1.0));
        assert!(spending.has_room(noon, cap, usd(1.0)));
        spending.begin(usd(0.6));
        assert!(!spending.has_room(noon, cap, usd(0.6)));
        spending.end(noon, usd(0.6), usd(0.2));
        assert_eq!(spending.today(noon), usd(0.2));
        assert!(spending.has_room(noon, cap, usd(0.6)));
        spending.set(noon, usd(0.9));
        assert!(!spending.has_room(8 * DAY_NS - 1, cap, usd(0.2)));
        assert!(spending.has_room(8 * DAY_NS, cap, usd(0.2)));
        assert_eq!(spending.today(8 * DAY_NS), Usd::default());
    }

    #[test]
    fn an_answer_without_counts_is_counted_as_the_most_it_could_cost() {
        let table = PriceTable::default();
        let probe = |usage, is_answered, simulated| ProbeUsage {
            target: "openai/gpt-5-mini".parse().unwrap(),
            url: "https://api.openai.com/v1/chat/completions".into(),
            simulated,
            served: None,
            usage,
            is_answered,
            started_unix_ns: 1_796_000_000_000_000_000,
        };
        let counted = Usage {
            input: Some(1_000_000),
            output: Some(0),
            ..Usage::default()
        };
        let most = usd(5.0);
        let cost = |probe| probe_cost(&probe, &table, most);
        let known = cost(probe(Some(counted), true, false));
        assert!(known > Usd::default() && known < most, "{known}");
        assert_eq!(cost(probe(None, true, false)), most);
        assert_eq!(cost(probe(None, false, false)), Usd::default());
    }
}
