//! What a schedule keeps to, for every simulated model.

use super::*;
use crate::{
    chat::{Message, Part, Role},
    simulator::model::MODELS,
};

fn drawn(random: u64) -> Seeds {
    Seeds {
        question: random,
        conversation: random,
    }
}

fn plan_of(model: &Model, random: u64) -> Plan {
    Plan::new(
        model,
        &ChatRequest::of_text(model.name, "Hello"),
        drawn(random),
        1.0,
    )
}

#[test]
fn a_plan_depends_on_its_seed_alone_runs_forward_in_time_and_ends() {
    for model in MODELS {
        let steps: Vec<PlanStep> = plan_of(model, 7).collect();
        assert!(
            steps.iter().eq(&plan_of(model, 7).collect::<Vec<_>>()),
            "{}",
            model.name
        );
        assert!(steps.is_sorted_by_key(|s| s.at), "{}", model.name);
        assert!(steps[0].at >= plan_of(model, 7).head, "{}", model.name);
        assert!(
            matches!(steps[0].act, PlanAction::Say(Event::Meta { .. })),
            "{}",
            model.name
        );
    }
    let jittery = |random| {
        plan_of(
            crate::simulator::model::find("sim-jittery").unwrap(),
            random,
        )
        .promise()
    };
    assert_ne!(jittery(7), jittery(8));
}

/// The tour's lesson: asked again on a warm connection, an answer starts sooner by what connecting took.
#[test]
fn a_question_asked_again_takes_the_model_as_long() {
    let say = |role, text: &str| Message {
        role,
        parts: vec![Part::Text { text: text.into() }],
    };
    for model in MODELS {
        let first = ChatRequest::of_text(model.name, "Why?");
        let mut again = first.clone();
        let more = [say(Role::Assistant, "So."), say(Role::User, "Why?")];
        again.messages.extend(more);
        let mut other = first.clone();
        other.messages = vec![say(Role::User, "How?")];
        let [one, two, three] = [&first, &again, &other].map(|asked| {
            let seeds = seeds(asked, 9);
            (seeds, Plan::new(model, asked, seeds, 1.0).promise())
        });
        // A buffering proxy holds the first token back until others have come.
        if !model.pace.scaled && model.pace.burst.is_none() {
            assert_eq!(one.1.head, two.1.head, "{}", model.name);
            assert_eq!(one.1.first_token, two.1.first_token, "{}", model.name);
        }
        assert_ne!(one.0.conversation, two.0.conversation);
        assert_ne!(one.0.question, three.0.question);
    }
}

#[test]
fn a_promise_is_what_the_plan_then_does() {
    for model in MODELS {
        let plan = plan_of(model, 3);
        let promise = plan.promise();
        let is_token = |s: &PlanStep| matches!(&s.act, PlanAction::Say(event) if event.is_token());
        let steps: Vec<PlanStep> = plan.collect();
        let tokens: Vec<&PlanStep> = steps.iter().filter(|s| is_token(s)).collect();
        assert_eq!(promise.tokens, tokens.len() as u64, "{}", model.name);
        assert_eq!(
            promise.first_token,
            tokens.first().map(|s| s.at),
            "{}",
            model.name
        );
        assert_eq!(
            Some(promise.end),
            steps.last().map(|s| s.at),
            "{}",
            model.name
        );
    }
}

#[test]
fn usage_counts_the_pieces_and_the_limit_holds() {
    for model in MODELS {
        for limit in [None, Some(1), Some(17)] {
            let mut request = ChatRequest::of_text(model.name, "Two words");
            request.params.max_tokens = limit;
            let mut answer = crate::event::Answer::default();
            let (mut tokens, mut reasoning) = (0, 0);
            for step in Plan::new(model, &request, drawn(1), 1.0) {
                if let PlanAction::Say(event) = step.act {
                    tokens += u64::from(event.is_token());
                    reasoning += u64::from(matches!(event, Event::Reasoning { .. }));
                    answer.apply(&event);
                }
            }
            let Some(usage) = answer.usage else {
                assert!(model.mishap.is_some(), "{}", model.name);
                continue;
            };
            assert_eq!(
                (usage.input, usage.output, usage.reasoning),
                (Some(2), Some(tokens), Some(reasoning))
            );
            let cut = limit.is_some_and(|l| u64::from(l) == tokens);
            let finish = answer.finish.unwrap().reason;
            assert_eq!(finish == FinishReason::Length, cut, "{}", model.name);
        }
    }
}

#[test]
fn speed_shortens_every_delay_alike() {
    for model in MODELS {
        let request = ChatRequest::of_text(model.name, "Hello");
        let slow = Plan::new(model, &request, drawn(5), 1.0).promise();
        let fast = Plan::new(model, &request, drawn(5), 10.0).promise();
        assert_eq!(slow.tokens, fast.tokens);
        let ratio = slow.end.as_secs_f64() / fast.end.as_secs_f64();
        assert!((ratio - 10.0).abs() < 0.01, "{}: {ratio}", model.name);
    }
}
