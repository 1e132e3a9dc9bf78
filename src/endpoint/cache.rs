//! Cached lists of models, one small JSON file per endpoint.
//!
//! A list belongs to an endpoint's id and base URL: changing the URL discards it. A cache that can't be read or written
//! is not an error: the list is fetched again. Calls access the disk, so they belong on the engine's threads.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use super::Endpoint;
use crate::{body::ModelInfo, private};

/// The cached lists of a data folder.
#[derive(Clone, Debug)]
pub struct ModelCache {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct CachedModels {
    base_url: String,
    models: Vec<ModelInfo>,
}

impl ModelCache {
    /// The cache in this data folder.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self {
            folder: data.join("models"),
        }
    }

    /// The list of an endpoint, if it was fetched from this base URL.
    #[must_use]
    pub fn load(&self, endpoint: &Endpoint) -> Option<Vec<ModelInfo>> {
        let bytes = fs::read(self.path(endpoint)).ok()?;
        let entry: CachedModels = serde_json::from_slice(&bytes).ok()?;
        (entry.base_url == endpoint.base_url.as_str()).then_some(entry.models)
    }

    /// When the list of an endpoint was fetched: the time of its file.
    #[must_use]
    pub fn fetched(&self, endpoint: &Endpoint) -> Option<SystemTime> {
        fs::metadata(self.path(endpoint)).ok()?.modified().ok()
    }

    /// Stores the list of an endpoint.
    pub fn store(&self, endpoint: &Endpoint, models: &[ModelInfo]) {
        let entry = CachedModels {
            base_url: endpoint.base_url.to_string(),
            models: models.to_vec(),
        };
        let kept = serde_json::to_vec_pretty(&entry)
            .map_err(std::io::Error::from)
            .and_then(|bytes| {
                private::folder(&self.folder)?;
                private::replace(&self.path(endpoint), &bytes)
            });
        if let Err(why) = kept {
            tracing::warn!(endpoint = endpoint.id, %why, "the list of models is not cached");
        }
    }

    fn path(&self, endpoint: &Endpoint) -> PathBuf {
        self.folder.join(format!("{}.json", endpoint.id))
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::dialect::DialectId;

    #[test]
    fn a_list_is_found_until_the_base_url_changes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ModelCache::new(folder.path());
        let url = Url::parse("https://a.example/v1").unwrap();
        let mut endpoint = Endpoint::custom("a", url, DialectId::OpenaiChat);
        assert_eq!(cache.load(&endpoint), None);
        let models = vec![ModelInfo {
            id: "m/1".into(),
            label: String::new(),
        }];
        cache.store(&endpoint, &models);
        assert_eq!(cache.load(&endpoint), Some(models));
        assert!(cache.fetched(&endpoint).is_some());
        endpoint.base_url.set_path("/other");
        assert_eq!(cache.load(&endpoint), None);
    }

    #[test]
    fn a_damaged_file_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ModelCache::new(folder.path());
        let url = Url::parse("https://a.example/v1").unwrap();
        let endpoint = Endpoint::custom("a", url, DialectId::OpenaiChat);
        cache.store(&endpoint, &[]);
        fs::write(folder.path().join("models/a.json"), b"{\"base_").unwrap();
        assert_eq!(cache.load(&endpoint), None);
    }
}
