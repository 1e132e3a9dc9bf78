//! The URL of a call: the method on the base URL's origin. Also the model's resource name, which is in the path by REST
//! and in the message by gRPC.

use url::Url;

use crate::dialect::gemini;

/// The method's path.
pub(super) const METHOD: &str =
    "/google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent";

/// The URL of the method.
pub(super) fn method(base: &Url) -> Url {
    let mut url = base.clone();
    url.set_path(METHOD);
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// The name of a model: `projects/P/locations/L/publishers/google/models/M`, or without a project if the base URL has
/// none.
///
/// # Errors
/// If the base URL is not one of Vertex AI, or has another version or a path prefix.
#[cfg_attr(not(feature = "grpc"), allow(dead_code, reason = "for messages only"))]
pub(super) fn resource(base: &Url, model: &str) -> Result<String, String> {
    let rest = gemini::url::chat(base, model);
    let path = rest.path().trim_start_matches('/');
    let path = path.rsplit_once(':').map_or(path, |(path, _)| path);
    let segments: Vec<&str> = path.split('/').collect();
    let is_root = |segment: &&str| matches!(*segment, "projects" | "publishers");
    let Some(root) = segments.iter().position(is_root) else {
        return Err(format!(
            "gRPC needs a base URL of Vertex AI, such as \
             https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION, not {}",
            crate::visible::shown_url(base)
        ));
    };
    match segments[..root] {
        [] | ["v1"] => Ok(segments[root..].join("/")),
        ["v1beta1"] => Err(
            "gRPC is available in v1 only: write v1 instead of v1beta1 in the base URL, or set \
                            the endpoint's dialect to gemini"
                .into(),
        ),
        ref prefix => Err(format!(
            "gRPC allows no path before its method, so “/{}” in the base URL can't be kept: set the endpoint's \
             dialect to gemini",
            prefix.join("/")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource_of(base: &str, model: &str) -> Result<String, String> {
        resource(&Url::parse(base).unwrap(), model)
    }

    #[test]
    fn the_method_is_on_the_origin() {
        for base in [
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1",
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/?a=b#c",
        ] {
            assert_eq!(
                method(&Url::parse(base).unwrap()).as_str(),
                format!("https://us-central1-aiplatform.googleapis.com{METHOD}")
            );
        }
    }

    #[test]
    fn a_model_is_named_with_project_and_location() {
        let flash = "projects/p/locations/l/publishers/google/models/gemini-2.5-flash";
        for base in [
            "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l",
            "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/l/",
            "http://127.0.0.1:1/v1/projects/p/locations/l/publishers/google",
            "http://127.0.0.1:1/projects/p/locations/l/publishers/google/models/x:streamGenerateContent?alt=sse",
        ] {
            for model in ["gemini-2.5-flash", "models/gemini-2.5-flash", flash] {
                assert_eq!(resource_of(base, model).unwrap(), flash, "{base} {model}");
            }
        }
        let base = "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l";
        assert_eq!(
            resource_of(base, "endpoints/12").unwrap(),
            "projects/p/locations/l/endpoints/12"
        );
        assert_eq!(
            resource_of(base, "publishers/meta/models/llama:free").unwrap(),
            "projects/p/locations/l/publishers/meta/models/llama:free"
        );
        assert_eq!(
            resource_of("https://aiplatform.googleapis.com/v1", "gemini-3-flash").unwrap(),
            "publishers/google/models/gemini-3-flash"
        );
    }

    #[test]
    fn base_urls_without_grpc_are_errors() {
        for (base, message) in [
            (
                "https://generativelanguage.googleapis.com/v1beta",
                "gRPC needs a base URL of Vertex AI",
            ),
            ("http://127.0.0.1:1/", "gRPC needs a base URL of Vertex AI"),
            (
                "https://l-aiplatform.googleapis.com/v1beta1/projects/p/locations/l",
                "write v1 instead of v1beta1",
            ),
            (
                "http://gateway/vertex/v1/projects/p/locations/l",
                "“/vertex/v1” in the base URL can't be kept",
            ),
        ] {
            let error = resource_of(base, "m").unwrap_err();
            assert!(error.contains(message), "{base}: {error}");
        }
    }
}
