//! The ids under which the desktop's own gateway is an endpoint of the desktop, which no other endpoint may have, and
//! the two ways to a target: directly, and through that gateway.

use super::{Endpoint, TargetId};

/// The id of its first endpoint; those of its other protocols start with it.
pub const ENDPOINT: &str = "this-gateway";
/// The label of the way through it.
pub const ROUTE: &str = "via gateway";

/// Whether an endpoint's id is one of the desktop's own gateway.
#[must_use]
pub fn is_own(id: &str) -> bool {
    let rest = id.strip_prefix(ENDPOINT);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// A way to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetWay {
    /// Straight to its endpoint.
    Direct,
    /// Through the desktop's own gateway.
    ViaGateway,
}

/// The other way to a target, and the target that takes it; `None` if there is none among these endpoints: the gateway
/// is off, or it was asked by the name of a route. Through the gateway, the endpoint of the same protocol is taken,
/// since bytes are passed on there.
#[must_use]
pub fn other_way(target: &TargetId, endpoints: &[Endpoint]) -> Option<(TargetWay, TargetId)> {
    let find = |id: &str| endpoints.iter().find(|endpoint| endpoint.id == id);
    if is_own(&target.endpoint) {
        let direct = behind(target)?;
        find(&direct.endpoint)?;
        return Some((TargetWay::Direct, direct));
    }
    let dialect = find(&target.endpoint)?.dialect;
    let mut own = endpoints.iter().filter(|endpoint| is_own(&endpoint.id));
    let same = own.clone().find(|endpoint| endpoint.dialect == dialect);
    let through = TargetId {
        endpoint: same.or_else(|| own.next())?.id.clone(),
        model: target.to_string(),
    };
    Some((TargetWay::ViaGateway, through))
}

/// The target that one is by the desktop's own gateway, if it is asked there by endpoint and model.
#[must_use]
pub fn behind(target: &TargetId) -> Option<TargetId> {
    let model = is_own(&target.endpoint).then_some(&target.model);
    model?.parse().ok()
}

/// A target as views name it: through the desktop's own gateway it is the same target by another way.
#[must_use]
pub fn shown(target: &TargetId) -> String {
    match behind(target) {
        Some(behind) => format!("{behind} · {ROUTE}"),
        None => target.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DialectId;

    #[test]
    fn both_ways_have_the_name_of_the_target() {
        for (target, name) in [
            ("openai/org/m", "openai/org/m"),
            (
                "this-gateway-gemini/openai/org/m",
                "openai/org/m · via gateway",
            ),
            ("this-gateway/a-route", "this-gateway/a-route"),
        ] {
            assert_eq!(shown(&target.parse().unwrap()), name);
        }
    }

    fn endpoint(id: &str, dialect: DialectId) -> Endpoint {
        let url = "http://127.0.0.1:1/v1".parse().unwrap();
        Endpoint::custom(id, url, dialect)
    }

    #[test]
    fn each_way_leads_back_to_the_other() {
        use DialectId::{Anthropic, Gemini, OpenaiChat};
        let mut endpoints = vec![
            endpoint("openai", OpenaiChat),
            endpoint("claude", Anthropic),
            endpoint("google", Gemini),
        ];
        let target = |text: &str| text.parse::<TargetId>().unwrap();
        let way = |endpoints: &[Endpoint], from: &str| other_way(&target(from), endpoints);
        assert_eq!(way(&endpoints, "openai/m"), None, "the gateway is off");
        endpoints.push(endpoint("this-gateway", OpenaiChat));
        endpoints.push(endpoint("this-gateway-anthropic", Anthropic));
        for (direct, through) in [
            ("openai/org/m", "this-gateway/openai/org/m"),
            ("claude/m", "this-gateway-anthropic/claude/m"),
            ("google/m", "this-gateway/google/m"),
        ] {
            let to = Some((TargetWay::ViaGateway, target(through)));
            assert_eq!(way(&endpoints, direct), to);
            let back = Some((TargetWay::Direct, target(direct)));
            assert_eq!(way(&endpoints, through), back);
        }
        for from in ["this-gateway/a-route", "this-gateway/gone/m", "gone/m"] {
            assert_eq!(way(&endpoints, from), None, "{from}");
        }
    }

    #[test]
    fn its_ids_are_its_own() {
        assert!(is_own("this-gateway") && is_own("this-gateway-anthropic"));
        assert!(!is_own("this-gateways") && !is_own("gateway"));
    }
}
