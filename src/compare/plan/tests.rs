use super::*;

fn plan() -> ComparePlan {
    let target: TargetId = "here/m".parse().unwrap();
    ComparePlan {
        arms: vec![Arm::of(target.clone()), Arm::of(target)],
        stop: CompareStopRule {
            pairs: Some(3),
            ..CompareStopRule::default()
        },
        ..ComparePlan::default()
    }
}

#[test]
fn an_arm_is_asked_by_the_plan_with_its_own_changes() {
    let mut plan = plan();
    plan.prompts = vec![ComparePrompt {
        system: Some("Be brief.".into()),
        max_tokens: Some(7),
        ..ComparePrompt::of_text("one")
    }];
    plan.params.temperature = Some(0.5);
    plan.arms[1].params.temperature = Some(1.0);
    plan.arms[1].prompt = Some("two".into());
    let first = plan.request(&plan.arms[0], 0, 10);
    assert_eq!(first.system.as_deref(), Some("000000000000000a\nBe brief."));
    assert_eq!(first.messages, [Message::user("one")]);
    let params = (first.params.temperature, first.params.max_tokens);
    assert_eq!(params, (Some(0.5), Some(7)));
    let second = plan.request(&plan.arms[1], 0, 11);
    assert_eq!(second.messages, [Message::user("two")]);
    assert_eq!(second.params.temperature, Some(1.0));
    plan.arms[1].system = Some(String::new());
    let second = plan.request(&plan.arms[1], 0, 11);
    assert_eq!(
        second.messages,
        [Message::user("000000000000000b\ntwo")],
        "where there is no system instruction"
    );
    plan.fresh = false;
    let same = plan.request(&plan.arms[1], 0, 12);
    assert_eq!(same.messages, [Message::user("two")]);
}

#[test]
fn a_plan_that_can_not_be_followed_says_why() {
    assert_eq!(plan().check(), Ok(()));
    assert!(plan().is_fixed());
    let with = |change: fn(&mut ComparePlan)| {
        let mut plan = plan();
        change(&mut plan);
        plan.check()
    };
    assert_eq!(
        with(|plan| drop(plan.arms.pop())),
        Err(PlanProblem::TooFewArms)
    );
    assert_eq!(
        with(|plan| plan.prompts.clear()),
        Err(PlanProblem::NoPrompt)
    );
    assert_eq!(
        with(|plan| plan.stop = CompareStopRule::default()),
        Err(PlanProblem::NoEnd)
    );
    assert_eq!(with(|plan| plan.margin = 1.0), Err(PlanProblem::BadMargin));
}

#[test]
fn arms_of_one_name_are_told_apart_by_their_letters() {
    let mut plan = plan();
    assert_eq!([plan.name(0), plan.name(1)], ["A: here/m", "B: here/m"]);
    plan.arms[1].label = "warm".into();
    assert_eq!([plan.name(0), plan.name(1)], ["here/m", "here/m (warm)"]);
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    let mut plan = plan();
    plan.stop.usd = Usd::of_dollars(0.25);
    plan.stop.time = Some(Duration::from_secs(90));
    assert!(!plan.is_fixed());
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<ComparePlan>(&text).unwrap(), plan);
}
