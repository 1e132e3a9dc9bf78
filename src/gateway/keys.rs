//! Who may ask: the gateway's own token and named keys, each with its limits.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    last_minute::LastMinute,
    spending::{Spending, seconds_until_tomorrow},
    token::LocalToken,
};
use crate::{
    dialect::serve::refusal, event::Fault, hints::matches, settings::gateway::LocalKeySettings,
};

/// A key of a client.
pub(super) struct LocalKey {
    pub settings: LocalKeySettings,
    token: LocalToken,
    usage: Arc<KeyUsage>,
}

/// What a key was used for. It lasts while the settings are read again.
#[derive(Default)]
struct KeyUsage {
    spending: Spending,
    counts: Mutex<KeyCounts>,
}

#[derive(Default)]
struct KeyCounts {
    at_once: u32,
    requests: LastMinute,
    tokens: LastMinute,
}

/// A request's place among those that a key may have at once.
pub(super) struct KeyPermit {
    key: Arc<LocalKey>,
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey")
            .field("name", &self.settings.name)
            .finish_non_exhaustive()
    }
}

/// All keys.
#[derive(Clone, Debug, Default)]
pub struct LocalKeys(Vec<Arc<LocalKey>>);

impl LocalKeys {
    /// The gateway's own token, which may do everything, and these keys.
    #[must_use]
    pub fn new(token: LocalToken, keys: &[LocalKeySettings]) -> Self {
        let own = LocalKeySettings {
            name: "token".into(),
            ..LocalKeySettings::default()
        };
        let named = keys.iter().filter_map(|settings| {
            let token = LocalToken::of_sha256(&settings.sha256)?;
            Some((settings.clone(), token))
        });
        let all = [(own, token)].into_iter().chain(named);
        let of = |(settings, token)| {
            Arc::new(LocalKey {
                settings,
                token,
                usage: Arc::default(),
            })
        };
        Self(all.map(of).collect())
    }

    /// The same with what the keys of these names were used for before.
    pub(super) fn after(self, before: &Self) -> Self {
        let keys = self.0.into_iter().map(|key| {
            let mut known = before.0.iter();
            match known.find(|known| known.settings.name == key.settings.name) {
                Some(known) => Arc::new(LocalKey {
                    settings: key.settings.clone(),
                    token: key.token.clone(),
                    usage: Arc::clone(&known.usage),
                }),
                None => key,
            }
        });
        Self(keys.collect())
    }

    /// The key that is this text.
    pub(super) fn find(&self, given: &str) -> Option<&Arc<LocalKey>> {
        let hash = LocalToken::hash(given);
        self.0.iter().find(|key| key.token.is_hash(&hash))
    }
}

impl LocalKey {
    /// Whether it may ask for this model.
    ///
    /// # Errors
    /// The refusal, with status 403.
    pub(super) fn may_ask(&self, model: &str) -> Result<(), Fault> {
        let names = &self.settings.models;
        if names.is_empty() || names.iter().any(|name| matches(name, model)) {
            return Ok(());
        }
        let message = format!(
            "The key “{}” may ask for {}, not for “{model}”: see its models in the gateway's settings",
            self.settings.name,
            names.join(", ")
        );
        Err(refusal(403, "model_not_allowed", message))
    }

    /// Takes a place for a request at this time.
    ///
    /// # Errors
    /// The refusal, with status 429 and how long to wait: one of its limits is reached.
    pub(super) fn admit(self: &Arc<Self>, at: Instant) -> Result<KeyPermit, Fault> {
        let settings = &self.settings;
        if self.usage.spending.has_reached(settings.usd_per_day) {
            let wait = Duration::from_secs(seconds_until_tomorrow());
            return Err(self.limited("its US dollars of today", wait));
        }
        let mut counts = self.counts();
        if settings
            .requests_at_once
            .is_some_and(|most| counts.at_once >= most)
        {
            return Err(self.limited("its requests at once", Duration::from_secs(1)));
        }
        let (requests, tokens) = (counts.requests.sum(at), counts.tokens.sum(at));
        if (settings.requests_per_minute).is_some_and(|most| requests >= u64::from(most)) {
            let wait = counts.requests.until_less(at);
            return Err(self.limited("its requests per minute", wait));
        }
        if settings
            .tokens_per_minute
            .is_some_and(|most| tokens >= most)
        {
            let wait = counts.tokens.until_less(at);
            return Err(self.limited("its tokens per minute", wait));
        }
        counts.at_once += 1;
        if settings.requests_per_minute.is_some() {
            counts.requests.add(at, 1);
        }
        drop(counts);
        Ok(KeyPermit {
            key: Arc::clone(self),
        })
    }

    /// Counts what an answer took.
    fn count(&self, at: Instant, tokens: u64, usd: Option<f64>) {
        if self.settings.tokens_per_minute.is_some() {
            self.counts().tokens.add(at, tokens);
        }
        if let Some(usd) = usd {
            self.usage.spending.add(usd);
        }
    }

    fn limited(&self, what: &str, wait: Duration) -> Fault {
        let name = &self.settings.name;
        let message = format!(
            "The key “{name}” has used up {what}: this is a limit of the gateway, not of the model"
        );
        Fault {
            retry_after_ms: u64::try_from(wait.as_millis()).ok(),
            ..refusal(429, "local_limit", message)
        }
    }

    fn counts(&self) -> MutexGuard<'_, KeyCounts> {
        self.usage
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyPermit {
    /// Counts what its answer took.
    pub(super) fn count(&self, at: Instant, tokens: u64, usd: Option<f64>) {
        self.key.count(at, tokens, usd);
    }
}

impl Drop for KeyPermit {
    fn drop(&mut self) {
        let mut counts = self.key.counts();
        counts.at_once = counts.at_once.saturating_sub(1);
    }
}

impl fmt::Debug for KeyPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyPermit").field(&self.key).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    const MINUTE: Duration = Duration::from_mins(1);

    fn key(settings: LocalKeySettings) -> Arc<LocalKey> {
        let (token, _) = LocalToken::generate();
        Arc::new(LocalKey {
            settings,
            token,
            usage: Arc::default(),
        })
    }

    fn code(result: Result<KeyPermit, Fault>) -> Option<(u16, u64)> {
        let fault = result.err()?;
        Some((fault.status?, fault.retry_after_ms?))
    }

    #[test]
    fn requests_at_once_are_given_back() {
        let key = key(LocalKeySettings {
            requests_at_once: Some(2),
            ..LocalKeySettings::default()
        });
        let (first, _second) = (key.admit(now()).unwrap(), key.admit(now()).unwrap());
        assert_eq!(code(key.admit(now())), Some((429, 1_000)));
        drop(first);
        assert!(key.admit(now()).is_ok());
    }

    #[test]
    fn limits_of_a_minute_say_how_long_to_wait() {
        let at = now();
        let by_requests = key(LocalKeySettings {
            requests_per_minute: Some(2),
            ..LocalKeySettings::default()
        });
        assert!(by_requests.admit(at).is_ok());
        assert!(by_requests.admit(at + Duration::from_secs(20)).is_ok());
        let later = at + Duration::from_secs(30);
        assert_eq!(code(by_requests.admit(later)), Some((429, 30_000)));
        assert!(by_requests.admit(at + MINUTE).is_ok());

        let by_tokens = key(LocalKeySettings {
            tokens_per_minute: Some(100),
            ..LocalKeySettings::default()
        });
        by_tokens.count(at, 99, None);
        assert!(by_tokens.admit(at).is_ok());
        by_tokens.count(at, 1, None);
        assert_eq!(code(by_tokens.admit(at)), Some((429, 60_000)));
        assert!(by_tokens.admit(at + MINUTE).is_ok());
    }

    #[test]
    fn a_cap_of_dollars_and_a_list_of_models_hold() {
        let key = key(LocalKeySettings {
            usd_per_day: Some(1.0),
            models: vec!["gpt-*".into(), "x".into()],
            ..LocalKeySettings::default()
        });
        assert!(key.may_ask("gpt-5").is_ok() && key.may_ask("x").is_ok());
        assert_eq!(key.may_ask("xy").unwrap_err().status, Some(403));
        key.count(now(), 5, None);
        assert!(key.admit(now()).is_ok());
        key.count(now(), 5, Some(1.0));
        assert_eq!(code(key.admit(now())).map(|(status, _)| status), Some(429));
    }

    #[test]
    fn what_a_key_was_used_for_lasts_when_keys_are_read_again() {
        let settings = |name: &str, most| LocalKeySettings {
            name: name.into(),
            sha256: LocalToken::sha256_text("secret"),
            requests_at_once: Some(most),
            ..LocalKeySettings::default()
        };
        let (token, _) = LocalToken::generate();
        let before = LocalKeys::new(token.clone(), &[settings("a", 1)]);
        let permit = before.find("secret").unwrap().admit(now()).unwrap();
        let after = LocalKeys::new(token.clone(), &[settings("a", 1)]).after(&before);
        assert!(after.find("secret").unwrap().admit(now()).is_err());
        drop(permit);
        assert!(after.find("secret").unwrap().admit(now()).is_ok());
        let renamed = LocalKeys::new(token, &[settings("b", 1)]).after(&before);
        assert_eq!(renamed.find("secret").unwrap().settings.name, "b");
        assert!(renamed.find("other").is_none());
    }
}
