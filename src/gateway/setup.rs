//! What a gateway is made of when it starts: the routes of the settings, and the token of its clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use secrecy::SecretString;

use super::{GatewayConfig, LocalKeys, LocalToken, RouteTable};
use crate::{
    credential::Credentials,
    dialect::DialectId,
    endpoint::{TargetId, simulated},
    settings::{Settings, gateway::RouteSettings},
};

/// Where it listens, unless the settings say another.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);

/// The model of the first try without a key, and what answers for it.
const FIRST_TRY: (&str, DialectId) = ("gemini-3-pro-preview", DialectId::Gemini);

/// The route of the first try without a key: the simulator's answers, from this model of it. What is set goes before
/// it: `None` if the settings have a route of its name.
#[must_use]
pub fn first_try(model: String, settings: &Settings) -> Option<RouteSettings> {
    let (name, dialect) = FIRST_TRY;
    if settings.gateway.routes.iter().any(|set| set.name == name) {
        return None;
    }
    let endpoint = simulated::id_of(dialect);
    Some(RouteSettings::to(name, TargetId { endpoint, model }))
}

impl GatewayConfig {
    /// What the settings say, with these routes and the gateway's own token.
    #[must_use]
    pub fn of_settings(settings: &Settings, routes: RouteTable, token: LocalToken) -> Self {
        Self {
            routes,
            keys: LocalKeys::new(token, &settings.gateway.keys),
            contents: settings.gateway.history,
            prices: settings.prices.clone(),
        }
    }
}

impl RouteTable {
    /// These routes and those of the settings with their endpoints, and all other endpoints, whose models can be asked
    /// by their targets' names. Of two routes with the same name the first one holds.
    ///
    /// # Errors
    /// The id of an endpoint that a route leads to, and that is not there.
    pub fn of_settings(
        mut routes: Vec<RouteSettings>,
        settings: &Settings,
    ) -> Result<Self, String> {
        for route in &settings.gateway.routes {
            if routes.iter().all(|other| other.name != route.name) {
                routes.push(route.clone());
            }
        }
        let mut endpoints = settings.endpoints.clone();
        for target in routes.iter().flat_map(|route| &route.targets) {
            let endpoint = settings.endpoint_or_preset(&target.endpoint);
            let endpoint = endpoint.ok_or_else(|| target.endpoint.clone())?;
            if !endpoints.iter().any(|known| known.id == endpoint.id) {
                endpoints.push(endpoint.into_owned());
            }
        }
        Ok(Self::new(routes, endpoints))
    }
}

/// The gateway's own token, and who keeps its text.
#[derive(Clone, Debug)]
pub struct OwnToken {
    /// The token.
    pub token: LocalToken,
    /// Its text.
    pub text: SecretString,
    /// Who keeps it.
    pub kept: TokenKept,
}

/// Who keeps the text of the gateway's own token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenKept {
    /// The keyring had it.
    Before,
    /// It was made now, and the keyring keeps it.
    Now,
    /// It was made now for this time, and nobody keeps it: why not.
    Not(String),
}

impl OwnToken {
    /// The token of the keyring; a new one if it has none.
    pub async fn of_keyring(credentials: &Credentials) -> Self {
        let why = match credentials.gateway_token().await {
            Ok(Some(text)) => {
                return Self {
                    token: LocalToken::of(&text),
                    text,
                    kept: TokenKept::Before,
                };
            }
            Ok(None) => None,
            Err(why) => Some(why),
        };
        let (token, text) = LocalToken::generate();
        let kept = match why {
            None => credentials.keep_gateway_token(text.clone()).await,
            Some(why) => Err(why),
        };
        let kept = match kept {
            Ok(()) => TokenKept::Now,
            Err(why) => TokenKept::Not(why.to_string()),
        };
        Self { token, text, kept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;

    fn settings(routes: &[&str]) -> Settings {
        let url = "http://127.0.0.1:1/v1".parse().unwrap();
        let mut settings = Settings {
            endpoints: vec![Endpoint::custom("mine", url, DialectId::OpenaiChat)],
            ..Settings::default()
        };
        settings.gateway.routes = routes.iter().map(|route| route.parse().unwrap()).collect();
        settings
    }

    #[test]
    fn a_route_that_is_given_holds_before_that_of_the_settings() {
        let settings = settings(&["m=mine/a", "n=mine/b"]);
        let given = vec!["m=mine/c".parse().unwrap()];
        let table = RouteTable::of_settings(given, &settings).unwrap();
        let targets: Vec<String> = (table.all().iter())
            .map(|route| route.settings.targets[0].to_string())
            .collect();
        assert_eq!(targets, ["mine/c", "mine/b"]);
    }

    #[test]
    fn presets_are_routed_to_and_what_is_not_there_is_told() {
        let table = RouteTable::of_settings(vec!["m=openai/x".parse().unwrap()], &settings(&[]));
        assert!(table.unwrap().endpoint("openai").is_some());
        let lost = RouteTable::of_settings(Vec::new(), &settings(&["m=nowhere/x"]));
        assert_eq!(lost.unwrap_err(), "nowhere");
    }

    #[test]
    fn the_first_try_goes_to_the_simulator() {
        let route = first_try("steady".into(), &settings(&[])).unwrap();
        assert_eq!(route.name, "gemini-3-pro-preview");
        assert_eq!(route.targets[0].to_string(), "simulator-gemini/steady");
        let set = settings(&["gemini-3-pro-preview=mine/a"]);
        assert_eq!(first_try("steady".into(), &set), None);
    }

    #[tokio::test]
    async fn without_a_keyring_the_token_is_new_and_that_is_told() {
        let credentials =
            Credentials::without_keyring(crate::endpoint::variables::Environment::default());
        let own = OwnToken::of_keyring(&credentials).await;
        assert!(matches!(own.kept, TokenKept::Not(why) if !why.is_empty()));
    }
}
