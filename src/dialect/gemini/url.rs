//! The URLs of requests, given the base URL of the Gemini API, of Vertex AI, or of a gateway.

use url::Url;

const STREAM: &str = ":streamGenerateContent";

/// The URL that streams an answer as server-sent events (`alt=sse`; without it, the answer comes as one JSON array).
pub(in crate::dialect) fn chat(base: &Url, model: &str) -> Url {
    let root = Root::of(base);
    let method = format!("{}{STREAM}", model.trim_matches('/'));
    let model: Vec<&str> = method.split('/').filter(|s| !s.is_empty()).collect();
    let whole = model.first() == Some(&"projects");
    let root_segments = if whole {
        root.version
    } else {
        root.segments.len()
    };
    let (collection, model): (&[&str], &[&str]) = match (root.vertex, model.as_slice()) {
        (true, ["projects" | "publishers" | "endpoints", ..])
        | (false, ["models" | "tunedModels", ..]) => (&[], &model),
        (true, ["models", ..]) => (&["publishers", "google"], &model),
        // `google/gemini-3-flash`, the form of Vertex AI's OpenAI endpoint and Google's SDK.
        (true, [publisher, name]) => (&["publishers", publisher, "models"], &[name]),
        (true, _) => (&["publishers", "google", "models"], &model),
        (false, _) => (&["models"], &model),
    };
    let mut url = base.clone();
    url.set_path(&root.segments[..root_segments].join("/"));
    if let Ok(mut path) = url.path_segments_mut() {
        // A model's name has one or more segments, which are escaped here.
        path.pop_if_empty().extend(collection).extend(model);
    }
    set_query(&mut url, Some("alt=sse"));
    url
}

/// The URL of another method of a model: `method` with its query.
pub(in crate::dialect) fn operation(base: &Url, model: &str, method: &str) -> Url {
    let mut url = chat(base, model);
    let (method, query) = method.split_once('?').unwrap_or((method, ""));
    let path = url.path().strip_suffix(STREAM).unwrap_or(url.path());
    let path = format!("{path}:{method}");
    url.set_path(&path);
    set_query(&mut url, None);
    if !query.is_empty() {
        let pairs: Vec<&str> = url.query().into_iter().chain([query]).collect();
        let pairs = pairs.join("&");
        url.set_query(Some(&pairs));
    }
    url
}

/// The URL of the list of models. Vertex AI lists its publishers' models outside of projects, and only in `v1beta1`.
pub(in crate::dialect) fn models(base: &Url) -> Url {
    let root = Root::of(base);
    let mut url = base.clone();
    if root.vertex {
        let mut path = root.segments[..root.version].to_vec();
        if path.last().is_some_and(|last| is_version(last)) {
            path.pop();
        }
        path.extend(["v1beta1", "publishers", "google", "models"]);
        url.set_path(&path.join("/"));
        set_query(&mut url, None);
    } else {
        let path = [root.segments.as_slice(), &["models"]].concat();
        url.set_path(&path.join("/"));
        // The default is 50.
        set_query(&mut url, Some("pageSize=1000"));
    }
    url
}

/// The path of a base URL, without the model and method of a chat URL.
struct Root<'a> {
    segments: Vec<&'a str>,
    /// How many segments precede the project.
    version: usize,
    vertex: bool,
}

impl<'a> Root<'a> {
    fn of(base: &'a Url) -> Self {
        let mut segments: Vec<&str> = base.path().split('/').filter(|s| !s.is_empty()).collect();
        // The whole chat URL: the model and its method.
        if segments.last().is_some_and(|last| last.contains(':')) {
            segments.pop();
        }
        while let Some(&("models" | "tunedModels" | "endpoints")) = segments.last() {
            segments.pop();
        }
        if let [.., "publishers", _] = segments.as_slice() {
            segments.truncate(segments.len() - 2);
        }
        let project = segments.iter().position(|s| *s == "projects");
        let located = project.is_some_and(|at| segments.get(at + 2) == Some(&"locations"));
        Self {
            version: project.unwrap_or(segments.len()),
            vertex: located || looks_like_vertex(base),
            segments,
        }
    }
}

/// Whether this is a URL of Vertex AI, or of a gateway to it.
pub(super) fn is_vertex(base: &Url) -> bool {
    Root::of(base).vertex
}

/// `{region}-aiplatform.googleapis.com`, `aiplatform.googleapis.com`, `aiplatform.{us,eu}.rep.googleapis.com`; or any
/// other host with the publisher in the path.
fn looks_like_vertex(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default();
    let service = host.strip_suffix(".googleapis.com").unwrap_or_default();
    let service = service.strip_suffix(".rep").unwrap_or(service);
    service.ends_with("aiplatform")
        || service.starts_with("aiplatform.")
        || base.path().contains("/publishers/google")
}

fn is_version(segment: &str) -> bool {
    let rest = segment.strip_prefix('v').unwrap_or_default();
    rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Sets `ours` in the query and removes any `alt`, which would change the format of the answer.
fn set_query(url: &mut Url, ours: Option<&str>) {
    fn name(pair: &str) -> &str {
        pair.split('=').next().unwrap_or_default()
    }
    let query = url.query().unwrap_or_default().to_owned();
    let theirs = query.split('&').filter(|pair| {
        ours.map(name) != Some(name(pair)) && !matches!(name(pair), "" | "alt" | "$alt" | "%24alt")
    });
    let pairs: Vec<&str> = theirs.chain(ours).collect();
    url.set_query(Some(pairs.join("&").as_str()).filter(|query| !query.is_empty()));
    url.set_fragment(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEMINI: &str = "https://generativelanguage.googleapis.com/v1beta";
    const VERTEX: &str =
        "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1";

    fn chat_of(base: &str, model: &str) -> String {
        chat(&Url::parse(base).unwrap(), model).into()
    }

    #[test]
    fn chat_urls_use_the_models_streaming_method() {
        let flash = format!("{GEMINI}/models/gemini-3-flash:streamGenerateContent?alt=sse");
        for base in [
            GEMINI,
            "https://generativelanguage.googleapis.com//v1beta/",
            "https://generativelanguage.googleapis.com/v1beta/models",
            "https://generativelanguage.googleapis.com/v1beta/models/?alt=json#x",
            "https://generativelanguage.googleapis.com/v1beta/models/other:streamGenerateContent?alt=sse",
            "https://generativelanguage.googleapis.com/v1beta/models/other:generateContent",
        ] {
            assert_eq!(chat_of(base, "gemini-3-flash"), flash, "{base}");
            assert_eq!(chat_of(base, "models/gemini-3-flash"), flash, "{base}");
        }
        assert_eq!(
            chat_of(GEMINI, "tunedModels/x"),
            format!("{GEMINI}/tunedModels/x:streamGenerateContent?alt=sse")
        );
        assert_eq!(
            chat_of("http://h:1/g%20w?a=b&alt=sse&c=%20", "odd name?/../#"),
            "http://h:1/g%20w/models/odd%20name%3F/%23:streamGenerateContent?a=b&c=%20&alt=sse"
        );
        assert_eq!(
            chat_of("http://h", "m"),
            "http://h/models/m:streamGenerateContent?alt=sse"
        );
    }

    #[test]
    fn vertex_urls_include_the_publisher() {
        let flash = "publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
        for base in [
            VERTEX.to_owned(),
            format!("{VERTEX}/"),
            format!("{VERTEX}/publishers/google"),
            format!("{VERTEX}/publishers/google/models/"),
            format!("{VERTEX}/publishers/google/models/x:streamGenerateContent"),
            format!("{VERTEX}/endpoints/12:streamGenerateContent"),
        ] {
            for model in [
                "gemini-2.5-flash",
                "models/gemini-2.5-flash",
                "google/gemini-2.5-flash",
                "publishers/google/models/gemini-2.5-flash",
                "projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash",
            ] {
                assert_eq!(
                    chat_of(&base, model),
                    format!("{VERTEX}/{flash}"),
                    "{base} {model}"
                );
            }
        }
        assert_eq!(
            chat_of(VERTEX, "endpoints/12"),
            format!("{VERTEX}/endpoints/12:streamGenerateContent?alt=sse")
        );
        assert_eq!(
            chat_of(VERTEX, "meta/llama-4"),
            format!("{VERTEX}/publishers/meta/models/llama-4:streamGenerateContent?alt=sse")
        );
        for base in [
            "https://aiplatform.googleapis.com/v1",
            "https://aiplatform.googleapis.com/v1/projects/p/locations/global",
            "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu",
            "http://gateway/vertex/v1/projects/p/locations/l",
        ] {
            assert_eq!(chat_of(base, "gemini-2.5-flash"), format!("{base}/{flash}"));
        }
    }

    #[test]
    fn models_urls_of_both_apis() {
        for (base, list) in [
            (GEMINI, format!("{GEMINI}/models?pageSize=1000")),
            (
                "http://h/v1/models/m:streamGenerateContent?alt=sse&k=1",
                "http://h/v1/models?k=1&pageSize=1000".into(),
            ),
            (
                VERTEX,
                "https://us-central1-aiplatform.googleapis.com/v1beta1/publishers/google/models"
                    .into(),
            ),
            (
                "https://aiplatform.googleapis.com/v1beta1/publishers/google/models",
                "https://aiplatform.googleapis.com/v1beta1/publishers/google/models".into(),
            ),
            (
                "http://gateway/vertex/v1/projects/p/locations/l?k=1",
                "http://gateway/vertex/v1beta1/publishers/google/models?k=1".into(),
            ),
        ] {
            assert_eq!(models(&Url::parse(base).unwrap()).as_str(), list);
        }
    }
}
