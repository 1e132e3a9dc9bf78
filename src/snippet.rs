//! A request as a program to copy: cURL, Python with the provider's SDK, JavaScript.
//!
//! In: an [`Endpoint`] and a [`ChatRequest`]. Out: a program that sends the same request. It reads keys and the values
//! of the user's headers from environment variables, and never contains them.

mod curl;
mod javascript;
mod literal;
mod python;

use http::header;
use serde_json::Value;
use url::Url;

pub(crate) use self::curl::shell_word;
use crate::{
    chat::ChatRequest,
    dialect::{Dialect, DialectId},
    endpoint::{Auth, Endpoint},
    event::words,
    exchange::call::{body_with_files, left_out},
    visible::shown_url,
};

words! {
    /// The languages of snippets.
    Language {
        /// A shell command.
        Curl = "curl",
        /// Python, with the provider's SDK if there is one.
        Python = "python",
        /// JavaScript for Node.js, without packages.
        JavaScript = "javascript",
    }
}

impl Language {
    /// Its name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Curl => "cURL",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        }
    }
}

/// A program that sends this request to `endpoint` and prints the streamed answer.
#[must_use]
pub fn snippet(language: Language, endpoint: &Endpoint, request: &ChatRequest) -> String {
    let asked = SnippetRequest::of(endpoint, request);
    match language {
        Language::Curl => curl::write(&asked),
        Language::Python => python::write(&asked),
        Language::JavaScript => javascript::write(&asked),
    }
}

/// A request as it is sent, with variables in place of secrets.
struct SnippetRequest {
    dialect: DialectId,
    url: Url,
    /// The URL, as it may be shown.
    shown: String,
    headers: Vec<Header>,
    body: Value,
    model: String,
    /// The variable with the key, and how it is sent.
    key: Option<(String, Auth)>,
    /// Whether the key is an access token that Google's library finds itself.
    by_google: bool,
    /// Whether the model may answer with calls.
    calls: bool,
    /// Notes on settings that are not sent.
    notes: Vec<String>,
}

/// One header: a fixed text, then the value of a variable.
struct Header {
    name: String,
    text: String,
    variable: Option<String>,
}

impl Header {
    fn fixed(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            variable: None,
        }
    }
}

impl SnippetRequest {
    fn of(endpoint: &Endpoint, request: &ChatRequest) -> Self {
        // gRPC needs a generated client, so the snippet sends the same request as JSON.
        let dialect = endpoint.dialect.dialect().as_json();
        let id = dialect.id;
        let url = (dialect.chat_url)(&endpoint.base_url, &request.model);
        let fixed = dialect.headers.iter();
        let mut headers = vec![Header::fixed("content-type", "application/json")];
        headers.extend(fixed.map(|(name, text)| Header::fixed(name, text)));
        headers.extend(endpoint.headers.keys().map(|name| Header {
            name: name.clone(),
            text: String::new(),
            variable: Some(variable_of(name)),
        }));
        let key = key_of(endpoint);
        headers.extend(
            key.as_ref()
                .map(|(variable, auth)| key_header(variable, auth)),
        );
        Self {
            dialect: id,
            shown: shown_url(&url),
            url,
            headers,
            body: body_with_files(dialect, endpoint, request),
            model: request.model.clone(),
            key,
            by_google: is_by_google(endpoint),
            calls: !request.tools.is_empty(),
            notes: differences(endpoint, dialect, request),
        }
    }

    /// The user's headers: not the key's, and not those of the dialect.
    fn own_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.headers.iter().filter(|h| h.text.is_empty());
        let named = named.filter(|h| !self.is_key(h));
        named.filter_map(|h| Some((h.name.as_str(), h.variable.as_deref()?)))
    }

    fn is_key(&self, header: &Header) -> bool {
        let key = self.key.as_ref();
        key.is_some_and(|(variable, _)| header.variable.as_ref() == Some(variable))
    }

    /// Whether a text contains the key's variable.
    fn reads_key(&self, text: &str) -> bool {
        let variable = self.key.as_ref().map(|(variable, _)| variable.as_str());
        variable.is_some_and(|variable| text.contains(variable))
    }

    /// The comments before a program: the contents of its variables, and settings that are not sent.
    fn remarks(&self, mark: &str, program: &str) -> String {
        let mut lines: Vec<String> = (self.own_headers())
            .map(|(name, variable)| format!("{variable} contains the header {name}"))
            .collect();
        if self.by_google && self.reads_key(program) {
            lines.push(format!(
                "{GOOGLE_TOKEN}: gcloud auth application-default print-access-token"
            ));
        }
        lines.extend(self.notes.iter().cloned());
        let mut out = String::new();
        for line in &lines {
            out.extend([mark, " ", line, "\n"]);
        }
        out
    }
}

/// The variable of an access token by Google's credentials.
const GOOGLE_TOKEN: &str = "GOOGLE_ACCESS_TOKEN";

/// Whether an endpoint signs in with Google's credentials.
fn is_by_google(endpoint: &Endpoint) -> bool {
    let command = endpoint.key_command.first();
    endpoint.key_env.is_empty() && command.is_some_and(|word| word.starts_with("google:"))
}

fn key_of(endpoint: &Endpoint) -> Option<(String, Auth)> {
    if endpoint.auth == Auth::None {
        return None;
    }
    let own = || {
        if is_by_google(endpoint) {
            GOOGLE_TOKEN.to_owned()
        } else {
            format!("{}_API_KEY", variable_of(&endpoint.id))
        }
    };
    let variable = endpoint.key_env.first().cloned().unwrap_or_else(own);
    let auth = match &endpoint.auth {
        Auth::Query => Auth::of_dialect(endpoint.dialect.dialect().as_json().id),
        auth => auth.clone(),
    };
    Some((variable, auth))
}

fn key_header(variable: &str, auth: &Auth) -> Header {
    let (name, text) = match auth {
        Auth::Header(name) => (name.as_str(), ""),
        _ => (header::AUTHORIZATION.as_str(), "Bearer "),
    };
    Header {
        name: name.to_owned(),
        text: text.to_owned(),
        variable: Some(variable.to_owned()),
    }
}

/// Notes on differences from the request.
fn differences(endpoint: &Endpoint, dialect: &Dialect, request: &ChatRequest) -> Vec<String> {
    let mut notes = left_out(dialect, request);
    if endpoint.auth == Auth::Query {
        notes.push("the key is sent in a header here, not in the query".to_owned());
    }
    notes
}

/// An environment variable's name made from another name.
fn variable_of(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    let known = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    upper.chars().map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DIALECTS;

    fn endpoint(dialect: DialectId) -> Endpoint {
        let base = Url::parse("https://api.example.com/v1?key=s3cret-in-query").unwrap();
        let mut endpoint = Endpoint::custom("my-host", base, dialect);
        endpoint.key_env.clear();
        let secret = ("X-Team".to_owned(), "s3cret-header".to_owned());
        endpoint.headers.extend([secret]);
        endpoint
    }

    #[test]
    fn snippets_have_variables_instead_of_secrets() {
        for dialect in DIALECTS {
            for language in Language::ALL {
                let endpoint = endpoint(dialect.id);
                let text = snippet(
                    *language,
                    &endpoint,
                    &ChatRequest::of_text("m", "It's \"so\""),
                );
                let what = format!("{} {language}: {text}", dialect.id);
                assert!(!text.contains("s3cret"), "{what}");
                assert!(text.contains("MY_HOST_API_KEY"), "{what}");
                assert!(text.contains("X_TEAM"), "{what}");
            }
        }
    }

    #[test]
    fn without_a_key_no_variable_is_used() {
        let mut endpoint = endpoint(DialectId::OpenaiChat);
        endpoint.auth = Auth::None;
        endpoint.headers.clear();
        for language in [Language::Curl, Language::JavaScript] {
            let text = snippet(language, &endpoint, &ChatRequest::of_text("m", "Hi"));
            assert!(
                !text.contains("API_KEY") && !text.contains("authorization"),
                "{text}"
            );
        }
    }

    #[test]
    fn settings_that_are_not_sent_are_noted() {
        let mut request = ChatRequest::of_text("m", "Hi");
        request.params.seed = Some(7);
        let text = snippet(Language::Python, &endpoint(DialectId::Anthropic), &request);
        assert!(text.contains("\n# not sent: seed ("), "{text}");
    }

    #[test]
    fn googles_library_needs_no_key() {
        let mut endpoint = endpoint(DialectId::Gemini);
        endpoint.base_url.set_path("/v1/projects/p/locations/eu");
        endpoint.auth = Auth::Bearer;
        endpoint.key_command = vec!["google:adc".into()];
        let of = |language| snippet(language, &endpoint, &ChatRequest::of_text("m", "Hi"));
        let python = of(Language::Python);
        assert!(
            !python.contains(GOOGLE_TOKEN) && !python.contains("credentials"),
            "{python}"
        );
        for language in [Language::Curl, Language::JavaScript] {
            let text = of(language);
            assert_eq!(
                text.matches(GOOGLE_TOKEN).count(),
                2,
                "the header and the remark: {text}"
            );
        }
    }
}
