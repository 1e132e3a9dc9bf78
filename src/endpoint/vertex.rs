//! Vertex AI's base URLs, which have a Google Cloud project in them.
//!
//! In: a base URL, perhaps incomplete. Out: whether it is one of Vertex AI, and the URL with the project filled in.

/// The placeholder in a base URL whose project is not known yet.
pub const NO_PROJECT: &str = "PROJECT";

const PROJECTS: &str = "/projects/";

/// Whether a base URL is one of Vertex AI, by its host or by a project in it.
#[must_use]
pub fn is_vertex(base_url: &str) -> bool {
    base_url.contains("aiplatform") || base_url.contains(PROJECTS)
}

/// Whether the project is still to be filled in.
#[must_use]
pub fn lacks_project(base_url: &str) -> bool {
    with_project(base_url, NO_PROJECT).is_some()
}

/// The base URL with this project filled in; `None` if it has a project, or no place for one.
#[must_use]
pub fn with_project(base_url: &str, project: &str) -> Option<String> {
    let (before, rest) = base_url.split_once(PROJECTS)?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (now, after) = rest.split_at(end);
    is_placeholder(now).then(|| format!("{before}{PROJECTS}{project}{after}"))
}

/// Whether a text is a placeholder: project names have no capitals and no brackets, which a URL encodes with `%`.
fn is_placeholder(text: &str) -> bool {
    text.is_empty() || text.contains(NO_PROJECT) || text.contains(['{', '<', '[', '$', '%'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_filled_in_only_if_missing() {
        let base = |project| {
            format!("https://l-aiplatform.googleapis.com/v1/projects/{project}/locations/l")
        };
        for placeholder in [
            "",
            "PROJECT",
            "YOUR_PROJECT_ID",
            "{project}",
            "%7Bproject%7D",
            "<id>",
            "$P",
        ] {
            let filled = with_project(&base(placeholder), "p-1");
            assert_eq!(filled, Some(base("p-1")), "{placeholder}");
            assert!(lacks_project(&base(placeholder)));
        }
        for named in ["p-1", "my-project", "example.com:p", "123456"] {
            assert_eq!(with_project(&base(named), "p-2"), None);
        }
        assert_eq!(
            with_project("https://aiplatform.googleapis.com/v1", "p"),
            None
        );
        assert_eq!(
            with_project("https://aiplatform.googleapis.com/v1/projects/", "p").as_deref(),
            Some("https://aiplatform.googleapis.com/v1/projects/p")
        );
    }

    #[test]
    fn vertex_is_recognized_by_host_or_project() {
        assert!(is_vertex("eu-aiplatform.googleapis.com"));
        assert!(is_vertex("http://127.0.0.1:9/v1/projects/p/locations/l"));
        assert!(!is_vertex(
            "https://generativelanguage.googleapis.com/v1beta"
        ));
    }
}
