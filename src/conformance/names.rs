//! Whether two names are the same model's.

/// Words that name no model, but which of its versions was asked for.
const OF_VERSIONS: &[&str] = &[
    "latest",
    "preview",
    "exp",
    "experimental",
    "beta",
    "free",
    "0",
];

/// Whether a model that was asked for under one name may say the other of itself: with or without its vendor,
/// the date or number of its version, or its size where none was asked for. `…-latest` and a router's `auto`
/// leave more open.
pub(super) fn is_same(asked: &str, served: &str) -> bool {
    let (asked, served) = (Name::of(asked), Name::of(served));
    let sizes_agree = asked.size.is_none() || served.size.is_none() || asked.size == served.size;
    let words_agree = if asked.is_latest {
        asked.words.iter().all(|word| served.words.contains(word))
    } else {
        asked.words == served.words
    };
    asked.words == ["auto"] || (sizes_agree && words_agree)
}

/// What of a name tells models apart.
struct Name {
    /// In alphabetical order: `claude-4-sonnet` is `claude-sonnet-4`.
    words: Vec<String>,
    /// What stands behind a colon.
    size: Option<String>,
    is_latest: bool,
}

impl Name {
    fn of(name: &str) -> Self {
        let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        let (name, tag) = name.split_once(':').unwrap_or((&name, ""));
        let all: Vec<&str> = name.split(['-', '_', '.', '@', ' ']).collect();
        let is_latest = all.contains(&"latest") || tag == "latest";
        let mut words = Vec::new();
        let mut in_date = false;
        for word in all {
            let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
            // 20250514, 0613, 001; and what follows 2024 or `preview`, as in 2024-08-06 and preview-05-20.
            let is_of_date = is_number && (word.len() > 2 || in_date);
            let is_of_version = OF_VERSIONS.contains(&word);
            in_date = is_of_date || (is_of_version && word != "0");
            if !(is_of_date || is_of_version || word.is_empty()) {
                words.push(word.to_owned());
            }
        }
        words.sort_unstable();
        let size = (!OF_VERSIONS.contains(&tag) && !tag.is_empty()).then(|| tag.to_owned());
        Self {
            words,
            size,
            is_latest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_its_vendor_or_version_is_the_same_models() {
        for (asked, served, same) in [
            ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", true),
            ("gpt-4o", "gpt-4o-2024-11-20", true),
            ("gpt-3.5-turbo", "gpt-3.5-turbo-0125", true),
            ("openai/gpt-4o-mini", "gpt-4o-mini", true),
            ("claude-sonnet-4-0", "claude-sonnet-4-20250514", true),
            ("claude-opus-4-1", "claude-opus-4-1-20250805", true),
            (
                "claude-3-5-sonnet-latest",
                "claude-3-5-sonnet-20241022",
                true,
            ),
            (
                "anthropic/claude-sonnet-4",
                "anthropic/claude-4-sonnet-20250522",
                true,
            ),
            ("models/gemini-3-flash", "gemini-3-flash", true),
            ("gemini-2.0-flash", "gemini-2.0-flash-001", true),
            ("gemini-2.5-flash", "gemini-2.5-flash-preview-05-20", true),
            ("gemini-flash-latest", "gemini-3.6-flash", true),
            ("deepseek/deepseek-r1:free", "deepseek/deepseek-r1", true),
            ("llama3", "llama3:8b", true),
            ("openrouter/auto", "anthropic/claude-sonnet-4", true),
            ("llama3:8b", "llama3:70b", false),
            ("gpt-4o", "gpt-4o-mini", false),
            ("gpt-4o-mini", "gpt-4o", false),
            ("gpt-4o", "gpt-3.5-turbo", false),
            ("gemini-3-pro", "gemini-3-flash", false),
            ("gemini-3-flash", "gemini-3-flash-lite", false),
            ("gemini-flash-latest", "gemini-3.6-pro", false),
            ("claude-opus-4-1", "claude-opus-4-20250514", false),
        ] {
            assert_eq!(is_same(asked, served), same, "{asked} {served}");
        }
    }
}
