//! A request as a program to copy: cURL, Python with the provider's SDK, JavaScript.
//!
//! In: an [`Endpoint`] and a [`ChatRequest`]. Out: a program that sends the same request. It reads keys and the
//! values of the user's own headers from environment variables, and never holds them.

mod curl;
mod javascript;
mod literal;
mod python;

use http::header;
use serde_json::Value;
use url::Url;

use crate::{
    chat::ChatRequest,
    dialect::{Dialect, DialectId},
    endpoint::{Auth, Endpoint},
    event::words,
    exchange::call::{body_with_files, left_out},
    visible::shown_url,
};

words! {
    /// What a request can be written in.
    Language {
        /// A shell command.
        Curl = "curl",
        /// Python, by the provider's own SDK where it has one.
        Python = "python",
        /// JavaScript for Node.js, without any package.
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

/// The program that asks `endpoint` this request, streamed.
#[must_use]
pub fn snippet(language: Language, endpoint: &Endpoint, request: &ChatRequest) -> String {
    let asked = SnippetRequest::of(endpoint, request);
    match language {
        Language::Curl => curl::write(&asked),
        Language::Python => python::write(&asked),
        Language::JavaScript => javascript::write(&asked),
    }
}

/// A request as it goes out, with names in place of secrets.
struct SnippetRequest {
    dialect: DialectId,
    url: Url,
    /// The URL, as it may be shown.
    shown: String,
    headers: Vec<Header>,
    body: Value,
    model: String,
    /// The variable that holds the key, and how it is sent.
    key: Option<(String, Auth)>,
    /// Whether the key is an access token that Google's own library finds by itself.
    by_google: bool,
    /// Whether the model may answer with calls.
    calls: bool,
    /// What of the request is not sent.
    lost: Vec<String>,
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
        // gRPC needs a generated client: what asks the same as JSON is what can be pasted.
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
            lost: lost(endpoint, dialect, request),
        }
    }

    /// The headers beside the key's and those that every request of the dialect has.
    fn own_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.headers.iter().filter(|h| h.text.is_empty());
        let named = named.filter(|h| !self.is_key(h));
        named.filter_map(|h| Some((h.name.as_str(), h.variable.as_deref()?)))
    }

    fn is_key(&self, header: &Header) -> bool {
        let key = self.key.as_ref();
        key.is_some_and(|(variable, _)| header.variable.as_ref() == Some(variable))
    }

    /// Whether the key's variable stands in a text.
    fn reads_key(&self, text: &str) -> bool {
        let variable = self.key.as_ref().map(|(variable, _)| variable.as_str());
        variable.is_some_and(|variable| text.contains(variable))
    }

    /// What goes before a program that reads these variables: what they hold, and what of the request is not sent.
    fn remarks(&self, mark: &str, program: &str) -> String {
        let mut lines: Vec<String> = (self.own_headers())
            .map(|(name, variable)| format!("{variable} holds the header {name}"))
            .collect();
        if self.by_google && self.reads_key(program) {
            lines.push(format!(
                "{GOOGLE_TOKEN}: gcloud auth application-default print-access-token"
            ));
        }
        lines.extend(self.lost.iter().cloned());
        let mut out = String::new();
        for line in &lines {
            out.extend([mark, " ", line, "\n"]);
        }
        out
    }
}

/// The variable of an access token that Google's credentials give.
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

/// What is not as the request has it.
fn lost(endpoint: &Endpoint, dialect: &Dialect, request: &ChatRequest) -> Vec<String> {
    let mut lost = left_out(dialect, request);
    if endpoint.auth == Auth::Query {
        lost.push("the key goes in a header here, and not in the query".to_owned());
    }
    lost
}

/// A name as an environment variable's.
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
    fn no_snippet_holds_a_secret_and_each_names_where_it_is() {
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
    fn without_a_key_none_is_asked_for() {
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
    fn what_is_not_sent_is_said() {
        let mut request = ChatRequest::of_text("m", "Hi");
        request.params.seed = Some(7);
        let text = snippet(Language::Python, &endpoint(DialectId::Anthropic), &request);
        assert!(text.contains("\n# not sent: seed ("), "{text}");
    }

    #[test]
    fn googles_own_library_signs_in_by_itself() {
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
