//! What two benches were planned to do differently.

use std::fmt::Display;

use crate::bench::BenchPlan;

/// A field in which two plans differ, or of which one of them does not say what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDifference {
    /// Its name in the JSON of a plan, with a point between the levels.
    pub field: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Of A; `None` if it is not known.
    pub a: Option<String>,
    /// Of B; `None` if it is not known.
    pub b: Option<String>,
}

/// A field: its name in JSON, its name for people, and its value in words; `None` if it is not known.
type PlanField = (&'static str, &'static str, fn(&BenchPlan) -> Option<String>);

const FIELDS: [PlanField; 20] = [
    ("target", "target", |plan| text(&plan.target)),
    ("load", "load", |plan| text(&plan.load)),
    ("asked", "what is asked", |plan| {
        plan.asked.as_ref().map(ToString::to_string)
    }),
    ("max_tokens", "most output tokens", |plan| {
        text(plan.max_tokens)
    }),
    ("connections", "connections", |plan| text(plan.connections)),
    ("ramp_ms", "ramp", |plan| ms(Some(plan.ramp_ms))),
    ("warm_up", "requests of the warm-up", |plan| {
        text(plan.warm_up)
    }),
    ("stop.requests", "most requests", |plan| {
        limit(plan.stop.requests)
    }),
    ("stop.time_ms", "longest time", |plan| ms(plan.stop.time_ms)),
    ("stop.failures", "most failures", |plan| {
        limit(plan.stop.failures)
    }),
    ("stop.cost_usd", "most US dollars", |plan| {
        limit(plan.stop.cost_usd)
    }),
    ("stop.over_saturation", "stops once saturated", |plan| {
        yes_or_no(plan.stop.over_saturation)
    }),
    ("stop.drain_ms", "wait for the last answers", |plan| {
        ms(plan.stop.drain_ms)
    }),
    ("goodput.ttft_ms", "limit of TTFT", |plan| {
        ms(plan.goodput.ttft_ms)
    }),
    ("goodput.tpot_ms", "limit of TPOT", |plan| {
        ms(plan.goodput.tpot_ms)
    }),
    ("goodput.total_ms", "limit of total", |plan| {
        ms(plan.goodput.total_ms)
    }),
    ("back_off", "waits after a 429", |plan| text(plan.back_off)),
    ("most_in_flight", "most requests under way", |plan| {
        text(plan.most_in_flight)
    }),
    ("seed", "seed", |plan| text(plan.seed)),
    ("keep_texts", "keeps texts", |plan| {
        yes_or_no(plan.keep_texts)
    }),
];

#[expect(clippy::unnecessary_wraps, reason = "as the table has it")]
fn text(value: impl Display) -> Option<String> {
    Some(value.to_string())
}

fn yes_or_no(is_so: bool) -> Option<String> {
    text(if is_so { "yes" } else { "no" })
}

fn limit(value: Option<impl Display>) -> Option<String> {
    value.map_or_else(|| text("no limit"), text)
}

fn ms(value: Option<impl Display>) -> Option<String> {
    limit(value.map(|ms| format!("{ms} ms")))
}

/// The fields in which two plans differ.
pub(super) fn differences(a: &BenchPlan, b: &BenchPlan) -> Vec<PlanDifference> {
    let fields = FIELDS.iter().map(|(field, name, value)| PlanDifference {
        field,
        name,
        a: value(a),
        b: value(b),
    });
    let differ = |found: &PlanDifference| {
        let is_another_trace = found.field == "load" && a.load != b.load;
        found.a != found.b || found.a.is_none() || is_another_trace
    };
    fields.filter(differ).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Load, StopRules, plan::tests::a_plan};

    fn fields(a: &BenchPlan, b: &BenchPlan) -> Vec<&'static str> {
        differences(a, b).iter().map(|found| found.field).collect()
    }

    #[test]
    fn each_field_that_differs_is_told_in_words() {
        let a = a_plan();
        let b = BenchPlan {
            load: Load::Closed { concurrency: 4 },
            stop: StopRules {
                requests: Some(10),
                time_ms: Some(1_500),
                ..StopRules::default()
            },
            ..a_plan()
        };
        assert_eq!(fields(&a, &b), ["load", "stop.requests", "stop.time_ms"]);
        let found = differences(&a, &b);
        let told = |at: usize| (found[at].a.as_deref(), found[at].b.as_deref());
        assert_eq!(told(0), (Some("1 stream"), Some("4 streams")));
        assert_eq!(told(1), (Some("no limit"), Some("10")));
        assert_eq!(told(2), (Some("no limit"), Some("1500 ms")));
        assert_eq!(fields(&a, &a), Vec::<&str>::new());
    }

    #[test]
    fn another_trace_of_the_same_size_differs() {
        let trace = |second| BenchPlan {
            load: Load::Trace {
                offsets: [0, second, 9].into(),
            },
            ..a_plan()
        };
        assert_eq!(fields(&trace(1), &trace(2)), ["load"]);
        assert_eq!(fields(&trace(1), &trace(1)), Vec::<&str>::new());
    }

    #[test]
    fn what_an_older_bench_does_not_say_is_told() {
        let older = BenchPlan {
            asked: None,
            ..a_plan()
        };
        assert_eq!(fields(&older, &older), ["asked"]);
    }

    /// A field of a plan that is in no row would never be told.
    #[test]
    fn every_field_of_a_plan_has_a_row() {
        let plan = serde_json::to_value(a_plan()).unwrap();
        let mut names = Vec::new();
        for (name, value) in plan.as_object().unwrap() {
            match (name.as_str(), value.as_object()) {
                ("stop" | "goodput", Some(fields)) => {
                    names.extend(fields.keys().map(|field| format!("{name}.{field}")));
                }
                _ => names.push(name.clone()),
            }
        }
        names.sort_unstable();
        let mut rows: Vec<&str> = FIELDS.iter().map(|(field, ..)| *field).collect();
        rows.sort_unstable();
        assert_eq!(names, rows);
    }
}
