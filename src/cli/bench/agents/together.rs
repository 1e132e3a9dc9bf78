//! How all agents of a bench go together, for the line of progress.

use crate::{bench::order::AgentProgress, engine::BenchProgress, price::Usd};

/// How all agents go together. Percentiles are not put together from theirs.
pub(super) fn together(agents: &[AgentProgress]) -> BenchProgress {
    let mut all = BenchProgress::default();
    let mut cost = Some(0.0);
    for agent in agents {
        let (counts, more) = (&mut all.counts, agent.counts);
        counts.sent += more.sent;
        counts.ok += more.ok;
        counts.failed += more.failed;
        counts.cancelled += more.cancelled;
        counts.warm_up += more.warm_up;
        for (class, count) in &agent.faults {
            *all.faults.entry(*class).or_default() += count;
        }
        all.elapsed_ms = all.elapsed_ms.max(agent.elapsed_ms);
        all.under_way += agent.under_way;
        if let Some(rate) = agent.rate {
            all.rate = Some(all.rate.unwrap_or(0.0) + rate);
        }
        if let Some(lag) = agent.lag_max_ms {
            all.lag_max_ms = Some(all.lag_max_ms.map_or(lag, |most| most.max(lag)));
        }
        // One that has said nothing yet has spent nothing.
        let is_silent = *agent == AgentProgress::default();
        let own = agent.cost_usd.or(is_silent.then_some(0.0));
        cost = cost.zip(own).map(|(cost, own)| cost + own);
    }
    all.cost = cost.and_then(Usd::of_dollars);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::RequestCounts;

    #[test]
    fn counts_and_costs_are_added_and_lags_compared() {
        let agent = |sent, lag, cost_usd| AgentProgress {
            elapsed_ms: 5.0,
            counts: RequestCounts {
                sent,
                ..RequestCounts::default()
            },
            rate: Some(2.0),
            lag_max_ms: Some(lag),
            cost_usd,
            ..AgentProgress::default()
        };
        let silent = AgentProgress::default();
        let all = together(&[agent(3, 1.0, Some(0.5)), silent, agent(4, 9.0, Some(0.25))]);
        assert_eq!((all.counts.sent, all.rate), (7, Some(4.0)));
        assert_eq!(all.lag_max_ms, Some(9.0));
        assert_eq!(all.cost, Usd::of_dollars(0.75));
        let unknown = together(&[agent(3, 1.0, Some(0.5)), agent(4, 9.0, None)]);
        assert_eq!(unknown.cost, None);
    }
}
