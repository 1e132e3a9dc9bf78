//! Settings that a model or protocol is known to refuse.
//!
//! In: a dialect and a [`ChatRequest`]. Out: the request as it is sent, and a [`Hint`] for each setting that was left
//! out or renamed. A hint is shown at the setting, and noted on the run. The facts are rows of `assets/models.toml`.

mod files;

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use self::files::{refusal, takes};
use crate::{
    chat::{ChatRequest, Params, ResponseFormat},
    dialect::DialectId,
    event::{About, Note},
};

/// The start of a run's note on a setting that was left out.
pub const NOT_SENT: &str = "not sent: ";

/// A setting of a request that is left out or renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The setting: its field in [`Params`], or a part of it.
    pub setting: String,
    /// The name it is sent under; `None` if it is not sent.
    pub sent_as: Option<String>,
    /// Why, in a few words.
    pub why: String,
}

impl Hint {
    /// The note on the run; `None` for a setting that is only renamed.
    #[must_use]
    pub fn note(&self) -> Option<Note> {
        let is_lost = self.sent_as.is_none();
        is_lost.then(|| {
            let text = format!("{NOT_SENT}{} ({})", self.setting, self.why);
            Note::new(About::NotSent, text)
        })
    }

    /// The change to the setting, as a phrase that follows its name.
    #[must_use]
    pub fn sentence(&self) -> String {
        match &self.sent_as {
            Some(name) => format!("sent as {name}: {}", self.why),
            None => format!("not sent: {}", self.why),
        }
    }
}

/// A row of `assets/models.toml`; the first lines of the file define the fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(default)]
    dialects: Vec<DialectId>,
    models: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    unless_effort: Option<String>,
    #[serde(default)]
    with_effort: bool,
    #[serde(default)]
    not_sent: Vec<String>,
    #[serde(default)]
    one_of: Vec<String>,
    #[serde(default)]
    rename: Map<String, Value>,
    why: String,
    #[allow(dead_code, reason = "for readers of the file")]
    source: String,
}

/// The types of files that a protocol accepts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MediaRule {
    dialect: DialectId,
    accepts: Vec<String>,
    /// The types that it accepts by URL.
    by_url: Vec<String>,
}

#[derive(Deserialize)]
struct HintsFile {
    rule: Vec<Rule>,
    media: Vec<MediaRule>,
}

static TABLE: LazyLock<HintsFile> = LazyLock::new(|| {
    let text = include_str!("../assets/models.toml");
    toml_edit::de::from_str(text).expect("a test reads this embedded file")
});

/// The request in a form that this dialect and model accept, and what was changed.
#[must_use]
pub fn fit(dialect: DialectId, request: &ChatRequest) -> (ChatRequest, Vec<Hint>) {
    let mut fitted = request.clone();
    let mut hints = Vec::new();
    fit_settings(dialect, &request.model, &mut fitted.params, &mut hints);
    files::fit(dialect, &mut fitted, &mut hints);
    (fitted, hints)
}

/// What is changed in these settings alone. It takes no time, whatever is asked with them.
#[must_use]
pub fn settings(dialect: DialectId, model: &str, params: &Params) -> Vec<Hint> {
    let mut hints = Vec::new();
    fit_settings(dialect, model, &mut params.clone(), &mut hints);
    hints
}

fn fit_settings(dialect: DialectId, model: &str, params: &mut Params, hints: &mut Vec<Hint>) {
    let effort = params.reasoning_effort.clone();
    let rules = TABLE.rule.iter();
    for rule in rules.filter(|rule| rule.holds(dialect, model, effort.as_deref())) {
        rule.apply(params, hints);
    }
}

impl Rule {
    fn holds(&self, dialect: DialectId, model: &str, effort: Option<&str>) -> bool {
        let name = model.rsplit('/').next().unwrap_or_default();
        let any = |globs: &[String]| globs.iter().any(|glob| matches(glob, name));
        let is_excepted = self.unless_effort.is_some() && self.unless_effort.as_deref() == effort;
        let wants_reasoning = effort.is_some_and(is_reasoning_on);
        (self.dialects.is_empty() || self.dialects.contains(&dialect))
            && any(&self.models)
            && !any(&self.except)
            && !is_excepted
            && (wants_reasoning || !self.with_effort)
    }

    fn apply(&self, params: &mut Params, hints: &mut Vec<Hint>) {
        let mut hint = |setting: &str, sent_as| {
            hints.push(Hint {
                setting: setting.to_owned(),
                sent_as,
                why: self.why.clone(),
            });
        };
        for setting in &self.not_sent {
            if remove(params, setting).is_some() {
                hint(setting, None);
            }
        }
        let set = self.one_of.iter().filter(|s| get(params, s).is_some());
        for setting in set.skip(1).cloned().collect::<Vec<_>>() {
            remove(params, &setting);
            hint(&setting, None);
        }
        for (setting, name) in &self.rename {
            let name = name.as_str().unwrap_or_default();
            if let Some(value) = remove(params, setting) {
                params.extra.entry(name).or_insert(value);
                hint(setting, Some(name.to_owned()));
            }
        }
    }
}

/// Whether a reasoning effort turns reasoning on; the listed words turn it off.
fn is_reasoning_on(effort: &str) -> bool {
    let off = ["", "0", "none", "off", "disabled", "false"];
    !off.contains(&effort.trim().to_ascii_lowercase().as_str())
}

/// The value of a setting, if it is set.
fn get(params: &Params, setting: &str) -> Option<Value> {
    remove(&mut params.clone(), setting)
}

/// Removes a setting, and returns its value.
fn remove(params: &mut Params, setting: &str) -> Option<Value> {
    match setting {
        "temperature" => params.temperature.take().map(Value::from),
        "top_p" => params.top_p.take().map(Value::from),
        "max_tokens" => params.max_tokens.take().map(Value::from),
        "seed" => params.seed.take().map(Value::from),
        "stop" if params.stop.is_empty() => None,
        "stop" => Some(std::mem::take(&mut params.stop).into()),
        "blank stop" => {
            let blank = params.stop.extract_if(.., |text| text.trim().is_empty());
            let blank: Vec<String> = blank.collect();
            (!blank.is_empty()).then(|| blank.into())
        }
        "cache_prompt" => params.cache_prompt.take().map(|life| life.as_str().into()),
        "JSON object" => {
            let any = params.response_format == Some(ResponseFormat::JsonObject);
            any.then(|| params.response_format.take().is_some().into())
        }
        "reasoning_effort" => params.reasoning_effort.take().map(Value::from),
        "must_call" => params.must_call.take().map(|choice| json!(choice)),
        "one call at once" => {
            let one = params.parallel_calls.take_if(|several| !*several);
            one.map(Value::from)
        }
        _ => None,
    }
}

/// Whether a name matches a glob, in which `*` stands for anything.
pub(crate) fn matches(glob: &str, name: &str) -> bool {
    let Some((start, rest)) = glob.split_once('*') else {
        return glob == name;
    };
    let Some(mut left) = name.strip_prefix(start) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{CacheLife, MustCall};

    fn fitted(dialect: DialectId, model: &str, effort: Option<&str>) -> (Params, Vec<String>) {
        let mut request = ChatRequest::of_text(model, "Hello");
        request.params = Params {
            temperature: Some(0.5),
            top_p: Some(0.9),
            max_tokens: Some(50),
            seed: Some(1),
            stop: vec!["END".into()],
            reasoning_effort: effort.map(str::to_owned),
            ..Params::default()
        };
        let (request, hints) = fit(dialect, &request);
        let notes = hints.iter().filter_map(Hint::note);
        (request.params, notes.map(|note| note.text).collect())
    }

    #[test]
    fn rules_name_existing_settings() {
        let all = Params {
            temperature: Some(0.0),
            top_p: Some(0.0),
            max_tokens: Some(1),
            seed: Some(0),
            stop: vec![String::new()],
            reasoning_effort: Some(String::new()),
            cache_prompt: Some(CacheLife::Minutes),
            response_format: Some(ResponseFormat::JsonObject),
            must_call: Some(MustCall::Any),
            parallel_calls: Some(false),
            ..Params::default()
        };
        for rule in &TABLE.rule {
            let named = rule.not_sent.iter().chain(&rule.one_of);
            for setting in named.chain(rule.rename.keys()) {
                assert!(get(&all, setting).is_some(), "{setting}");
                assert_eq!(get(&Params::default(), setting), None, "{setting}");
            }
            assert!(rule.source.starts_with("https://"), "{}", rule.source);
        }
    }

    #[test]
    fn settings_that_a_model_refuses_are_left_out_with_a_note() {
        use DialectId::{Anthropic, OpenaiChat};
        // Dialect, model, effort, the settings that are left out.
        let table: &[(DialectId, &str, Option<&str>, &[&str])] = &[
            (OpenaiChat, "gpt-4o-mini", None, &[]),
            (OpenaiChat, "gpt-5", None, &["temperature", "top_p"]),
            (
                OpenaiChat,
                "openai/gpt-5-mini",
                None,
                &["temperature", "top_p"],
            ),
            (OpenaiChat, "gpt-5-chat-latest", None, &[]),
            (
                OpenaiChat,
                "gpt-5.2",
                Some("low"),
                &["temperature", "top_p"],
            ),
            (OpenaiChat, "gpt-5.2", Some("none"), &[]),
            (OpenaiChat, "o3", None, &["temperature", "top_p", "stop"]),
            (OpenaiChat, "claude-opus-4-7", None, &[]),
            (
                Anthropic,
                "claude-opus-4-7",
                None,
                &["seed", "temperature", "top_p"],
            ),
            (
                Anthropic,
                "claude-sonnet-4-5-20250929",
                None,
                &["seed", "top_p"],
            ),
            (
                Anthropic,
                "anthropic/claude-sonnet-5-5",
                None,
                &["seed", "temperature", "top_p"],
            ),
            (Anthropic, "claude-3-5-haiku-20241022", None, &["seed"]),
            (
                Anthropic,
                "claude-sonnet-5",
                None,
                &["seed", "temperature", "top_p"],
            ),
            (
                Anthropic,
                "claude-3-7-sonnet-latest",
                Some("low"),
                &["seed", "temperature", "top_p"],
            ),
            (Anthropic, "claude-3-7-sonnet-latest", Some("0"), &["seed"]),
            (Anthropic, "some-model-of-next-year", None, &["seed"]),
            (OpenaiChat, "some-model-of-next-year", None, &[]),
        ];
        for (dialect, model, effort, left_out) in table {
            let (params, notes) = fitted(*dialect, model, *effort);
            let reported: Vec<_> = notes
                .iter()
                .filter_map(|note| note.strip_prefix(NOT_SENT)?.split(' ').next())
                .collect();
            assert_eq!(reported, *left_out, "{model}");
            for setting in *left_out {
                assert_eq!(get(&params, setting), None, "{model} {setting}");
            }
        }
    }

    #[test]
    fn settings_that_a_protocol_lacks_are_left_out_with_a_hint() {
        let mut request = ChatRequest::of_text("m", "Hello");
        request.params = Params {
            stop: vec!["END".into(), " \n".into()],
            response_format: Some(ResponseFormat::JsonObject),
            cache_prompt: Some(CacheLife::Minutes),
            ..Params::default()
        };
        for (dialect, left_out) in [
            (DialectId::Anthropic, &["blank stop", "JSON object"][..]),
            (DialectId::OpenaiChat, &["cache_prompt"]),
            (DialectId::Ollama, &["cache_prompt"]),
        ] {
            let (fitted, hints) = fit(dialect, &request);
            let hinted: Vec<&str> = hints.iter().map(|hint| hint.setting.as_str()).collect();
            assert_eq!(hinted, left_out, "{dialect}");
            for setting in left_out {
                assert_eq!(get(&fitted.params, setting), None, "{dialect} {setting}");
            }
            assert_eq!(fitted.params.stop[0], "END", "{dialect}");
        }
    }

    #[test]
    fn a_limit_is_renamed_as_the_model_requires() {
        let (params, _) = fitted(DialectId::OpenaiChat, "gpt-5", None);
        assert_eq!(params.max_tokens, None);
        assert_eq!(params.extra["max_completion_tokens"], 50);
        let mut request = ChatRequest::of_text("gpt-5", "Hello");
        request.params.max_tokens = Some(50);
        let own = ("max_completion_tokens".to_owned(), Value::from(7));
        request.params.extra.extend([own]);
        let (fitted, hints) = fit(DialectId::OpenaiChat, &request);
        let limit = &fitted.params.extra["max_completion_tokens"];
        assert_eq!(*limit, 7, "the user's own JSON is not touched");
        assert_eq!(
            hints[0].sentence(),
            "sent as max_completion_tokens: this model accepts the limit only by that name"
        );
    }

    #[test]
    fn globs_match_as_written() {
        for (glob, name, fits) in [
            ("gpt-5*", "gpt-5", true),
            ("gpt-5*", "gpt-4", false),
            ("gpt-5", "gpt-5-mini", false),
            ("claude-*-4-5*", "claude-opus-4-5-2025", true),
            ("claude-*-5", "claude-sonnet-4-5-1", false),
            ("*", "anything", true),
            ("a*b*c", "axbyc", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(matches(glob, name), fits, "{glob} {name}");
        }
    }
}
