//! Looks for a list of models at other URLs, if there is none at the base URL.

use http::StatusCode;
use url::Url;

use crate::{
    credential::RequestKeys,
    endpoint::Endpoint,
    exchange::{self, call::models_call, list::read_models},
};

/// The results of an endpoint test without a list of models.
pub(super) struct MissingList {
    /// The result for the key.
    pub(super) key: String,
    /// The result for the list: its URL, the other URLs that were tried, and their responses.
    pub(super) list: String,
}

/// Tries other usual URLs of the list on the same origin, with one request each.
pub(super) async fn tried(endpoint: &Endpoint, keys: &RequestKeys) -> MissingList {
    let models_url = endpoint.dialect.dialect().models_url;
    let mut tried = Vec::new();
    let mut found = None;
    for base in bases(&endpoint.base_url) {
        let there = Endpoint {
            base_url: base.clone(),
            ..endpoint.clone()
        };
        let (response, has_list) = answer(&there, keys).await;
        tried.push(format!("{} ({response})", bare(&models_url(&base))));
        if has_list {
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
        None => "If the base URL is right, the server has no list of models: type their names"
            .to_owned(),
    };
    MissingList {
        key: "not tested: there is no list of models".to_owned(),
        list: format!("HTTP 404 at {asked}{tried}. {advice}"),
    }
}

/// A short form of a URL's response, and whether it was a list.
async fn answer(endpoint: &Endpoint, keys: &RequestKeys) -> (String, bool) {
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

/// Variants of a base URL: without or with the version, and with `/api` before it.
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

/// A URL without parts that may be secret.
fn bare(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // This fails only for URLs that can't have a user name.
    let _ = (url.set_username(""), url.set_password(None));
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_removed_and_added() {
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
    fn no_secret_is_shown() {
        let url = "https://me:pw@a.example/v1/models?key=s3cret#x"
            .parse()
            .unwrap();
        assert_eq!(bare(&url), "https://a.example/v1/models");
    }
}
