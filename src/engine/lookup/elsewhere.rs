//! Where else an endpoint's list of models may be, when it is not where its base URL says.

use http::StatusCode;
use url::Url;

use super::Keys;
use crate::{
    endpoint::Endpoint,
    exchange::{self, call::models_call, list::read_models},
};

/// What is told of a list that is not there.
pub(super) struct Told {
    /// Of the key.
    pub(super) key: String,
    /// Of the list: its address, what else was tried and what came of it.
    pub(super) list: String,
}

/// Tries the other usual addresses of the list, on the same origin, one request each.
pub(super) async fn tried(endpoint: &Endpoint, keys: &Keys) -> Told {
    let models_url = endpoint.dialect.dialect().models_url;
    let mut tried = Vec::new();
    let mut found = None;
    for base in bases(&endpoint.base_url) {
        let there = Endpoint {
            base_url: base.clone(),
            ..endpoint.clone()
        };
        let (came, lists) = answer(&there, keys).await;
        tried.push(format!("{} ({came})", bare(&models_url(&base))));
        if lists {
            found = Some(base);
            break;
        }
    }
    let asked = bare(&models_url(&endpoint.base_url));
    let tried = if tried.is_empty() {
        String::new()
    } else {
        format!("; also tried {}", tried.join(", "))
    };
    let advice = match found {
        Some(base) => format!("Is its base URL {}?", bare(&base)),
        None => "If the base URL is right, it keeps no list: type model names by hand".to_owned(),
    };
    Told {
        key: "not told: without a list nothing was asked of it".to_owned(),
        list: format!("HTTP 404 at {asked}{tried}. {advice}"),
    }
}

/// What an address answered, and whether it was a list.
async fn answer(endpoint: &Endpoint, keys: &Keys) -> (String, bool) {
    let call = models_call(endpoint, keys.key.as_ref(), keys.proxy_password.clone());
    let whole = match call {
        Ok(call) => exchange::probe(call, &mut |_| ()).await,
        Err(fault) => Err(fault),
    };
    match whole {
        Ok(whole) if read_models(endpoint, &whole).is_ok() => ("a list".to_owned(), true),
        Ok((status, ..)) if status == StatusCode::OK.as_u16() => ("no list".to_owned(), false),
        Ok((status, ..)) => (format!("HTTP {status}"), false),
        Err(fault) => (fault.class.as_str().replace('_', " "), false),
    }
}

/// Base URLs that people write otherwise: with the version left out or added, or with `/api` before it.
fn bases(base: &Url) -> Vec<Url> {
    let path = base.path().trim_end_matches('/');
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let version = |path: &str| {
        let last = path.rsplit('/').next().unwrap_or_default();
        last.strip_prefix('v')
            .is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut paths = if version(path) {
        vec![parent.to_owned(), format!("{parent}/api/v1")]
    } else {
        vec![format!("{path}/v1"), format!("{path}/api/v1")]
    };
    paths.push("/v1".to_owned());
    let mut found: Vec<Url> = Vec::new();
    for path in paths {
        let mut url = base.clone();
        url.set_path(&path);
        if url != *base && path != base.path().trim_end_matches('/') && !found.contains(&url) {
            found.push(url);
        }
    }
    found
}

/// An address without what may be a secret.
fn bare(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Only an address that can't have them refuses; it has none then.
    let _ = (url.set_username(""), url.set_password(None));
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_left_out_and_added() {
        for (base, expected) in [
            ("https://a.example/v1", &["/", "/api/v1"][..]),
            ("https://a.example/", &["/v1", "/api/v1"]),
            (
                "https://a.example/openai",
                &["/openai/v1", "/openai/api/v1", "/v1"],
            ),
            ("https://a.example/api/v1", &["/api", "/api/api/v1", "/v1"]),
        ] {
            let base: Url = base.parse().unwrap();
            let paths: Vec<_> = bases(&base)
                .iter()
                .map(|url| url.path().to_owned())
                .collect();
            assert_eq!(paths, expected, "{base}");
            assert!(bases(&base).iter().all(|url| url.origin() == base.origin()));
        }
    }

    #[test]
    fn no_secret_is_told() {
        let url = "https://me:pw@a.example/v1/models?key=s3cret#x"
            .parse()
            .unwrap();
        assert_eq!(bare(&url), "https://a.example/v1/models");
    }
}
