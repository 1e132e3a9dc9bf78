//! The desktop's gateway as endpoints of the desktop: what is asked there goes through it.

use super::GatewayAccess;
use crate::{
    dialect::DialectId,
    endpoint::{Endpoint, local_gateway},
    settings::Settings,
};

/// One endpoint for each protocol that an endpoint of the user's speaks, so that its requests can be passed on as they
/// are; the one of the most common protocol is always there.
pub(super) fn of(access: &GatewayAccess, settings: &Settings) -> Vec<Endpoint> {
    let is_spoken = |dialect: DialectId| {
        let mut own = settings.endpoints.iter();
        own.any(|own| own.dialect == dialect && !own.simulated && !local_gateway::is_own(&own.id))
    };
    let common = access.base_urls.first().map(|(dialect, _)| *dialect);
    let of = |(dialect, base_url): &(DialectId, url::Url)| {
        let is_common = Some(*dialect) == common;
        let (id, label) = if is_common {
            (
                local_gateway::ENDPOINT.to_owned(),
                "Gateway (this app)".to_owned(),
            )
        } else if is_spoken(*dialect) {
            let label = format!("Gateway (this app, {})", dialect.dialect().label);
            (format!("{}-{dialect}", local_gateway::ENDPOINT), label)
        } else {
            return None;
        };
        Some(Endpoint {
            label,
            route: local_gateway::ROUTE.to_owned(),
            key_env: Vec::new(),
            models: access.models.clone(),
            ..Endpoint::custom(id, base_url.clone(), *dialect)
        })
    };
    access.base_urls.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_for_each_protocol_that_is_spoken() {
        let base_urls = [
            (DialectId::OpenaiChat, "http://127.0.0.1:8081/v1"),
            (DialectId::Anthropic, "http://127.0.0.1:8081"),
            (DialectId::Gemini, "http://127.0.0.1:8081"),
        ];
        let access = GatewayAccess {
            address: "127.0.0.1:8081".parse().unwrap(),
            base_urls: base_urls
                .map(|(dialect, url)| (dialect, url.parse().unwrap()))
                .into(),
            token: "ts-1".into(),
            token_not_kept: None,
            models: vec!["m".into()],
            problem: None,
        };
        let anthropic = "https://api.anthropic.com".parse().unwrap();
        let mut simulated = Endpoint::custom("simulator-gemini", anthropic, DialectId::Gemini);
        simulated.simulated = true;
        let settings = Settings {
            endpoints: vec![
                simulated.clone(),
                Endpoint {
                    simulated: false,
                    ..Endpoint::custom("anthropic", simulated.base_url, DialectId::Anthropic)
                },
            ],
            ..Settings::default()
        };
        let endpoints = of(&access, &settings);
        let ids: Vec<&str> = endpoints
            .iter()
            .map(|endpoint| endpoint.id.as_str())
            .collect();
        assert_eq!(ids, ["this-gateway", "this-gateway-anthropic"]);
        for endpoint in &endpoints {
            assert!(local_gateway::is_own(&endpoint.id));
            assert_eq!(
                (endpoint.route.as_str(), &endpoint.models),
                ("via gateway", &access.models)
            );
        }
    }
}
