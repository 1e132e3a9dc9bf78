//! URLs as they may be shown.

use url::Url;

use super::is_secret_name;

/// A URL as it may be shown: without user, password, and the values of query fields that hold keys.
#[must_use]
pub fn shown_url(url: &Url) -> String {
    let mut shown = url.clone();
    // Only URLs that can't hold a user refuse this.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    if url.query().is_some() {
        shown
            .query_pairs_mut()
            .clear()
            .extend_pairs(url.query_pairs().map(|(name, value)| {
                let hidden = is_secret_name(&name);
                (name, if hidden { "***".into() } else { value })
            }));
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_urls_hold_no_secret() {
        for (url, shown) in [
            ("https://a.example/v1?x=1", "https://a.example/v1?x=1"),
            ("https://me:pw@a.example/v1", "https://a.example/v1"),
            (
                "https://a.example/v1?api-version=2&key=AIza",
                "https://a.example/v1?api-version=2&key=***",
            ),
            (
                "https://a.example/?subscription-key=s&access_token=t",
                "https://a.example/?subscription-key=***&access_token=***",
            ),
        ] {
            assert_eq!(shown_url(&Url::parse(url).unwrap()), shown);
        }
    }
}
