//! The names of panes: the model, with the endpoint and a number where needed to tell panes apart.

use crate::{
    conversation::Pane,
    endpoint::{TargetId, local_gateway},
};

/// The name of each pane: `gpt-4o`, `gpt-4o · gateway`, `gpt-4o #2`.
pub fn of_panes(panes: &[Pane]) -> Vec<String> {
    // Through the app's gateway it is the same model, by another way.
    let by_its_way = |target: &TargetId| match local_gateway::behind(target) {
        Some(behind) => TargetId {
            endpoint: local_gateway::ROUTE.to_owned(),
            ..behind
        },
        None => target.clone(),
    };
    let targets = panes
        .iter()
        .map(|pane| pane.target.as_ref().map(by_its_way));
    let targets: Vec<Option<TargetId>> = targets.collect();
    let numbers = panes.iter().enumerate().map(|(at, _)| number(panes, at));
    let names = targets.iter().zip(numbers).map(|(target, number)| {
        let Some(target) = target else {
            return "no model".to_owned();
        };
        let elsewhere =
            |other: &TargetId| other.model == target.model && other.endpoint != target.endpoint;
        let mut name = target.model.clone();
        if targets.iter().flatten().any(elsewhere) {
            name = format!("{name} · {}", target.endpoint);
        }
        match number {
            Some(number) => format!("{name} #{number}"),
            None => name,
        }
    });
    names.collect()
}

/// The number, from 1, of the pane at index `at` among the panes with its target; `None` if it is the only one.
pub fn number(panes: &[Pane], at: usize) -> Option<usize> {
    let target = panes.get(at)?.target.as_ref()?;
    let is_same = |pane: &&Pane| pane.target.as_ref() == Some(target);
    (panes.iter().filter(is_same).count() > 1).then(|| panes[..=at].iter().filter(is_same).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_panes_with_a_model_have_one_name() {
        let pane = |target: Option<(&str, &str)>| Pane {
            target: target.map(|(endpoint, model)| TargetId {
                endpoint: endpoint.into(),
                model: model.into(),
            }),
            ..Pane::default()
        };
        let panes = [
            pane(Some(("openai", "gpt-4o"))),
            pane(Some(("openai", "gpt-5"))),
            pane(Some(("openai", "gpt-4o"))),
            pane(Some(("gateway", "gpt-4o"))),
            pane(Some(("this-gateway", "openai/gpt-5"))),
            pane(None),
        ];
        let names = [
            "gpt-4o · openai #1",
            "gpt-5 · openai",
            "gpt-4o · openai #2",
            "gpt-4o · gateway",
            "gpt-5 · via gateway",
            "no model",
        ];
        assert_eq!(of_panes(&panes), names);
    }
}
