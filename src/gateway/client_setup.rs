//! How a program is told to use the gateway: texts to paste, with its address and a place for its token.

use url::Url;

use crate::dialect::DialectId;

/// Where a text is to be pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastedInto {
    /// A POSIX shell.
    Shell,
    /// A Python program.
    Python,
    /// A JavaScript program.
    JavaScript,
}

/// A program that can use the gateway, and what it is told.
#[derive(Clone, Copy, Debug)]
pub struct ClientSetup {
    /// Its name.
    pub name: &'static str,
    /// Where the text belongs, and what it does.
    pub about: &'static str,
    into: PastedInto,
    dialect: DialectId,
    /// The text; `{base}`, `{model}` and `{token}` are filled in.
    text: &'static str,
}

/// All of them, the ones for every program first.
pub static CLIENT_SETUPS: &[ClientSetup] = &[
    ClientSetup {
        name: "Environment",
        about: "For every program that reads the variables of OpenAI’s clients: paste it into the shell that starts it",
        into: PastedInto::Shell,
        dialect: DialectId::OpenaiChat,
        text: "export OPENAI_BASE_URL={base}\nexport OPENAI_API_KEY={token}",
    },
    ClientSetup {
        name: "OpenAI Python",
        about: "With the package openai",
        into: PastedInto::Python,
        dialect: DialectId::OpenaiChat,
        text: "import os\nfrom openai import OpenAI\n\nclient = OpenAI(base_url=\"{base}\", api_key={token})\n\
               answer = client.chat.completions.create(\n    model=\"{model}\",\n    \
               messages=[{\"role\": \"user\", \"content\": \"Say hello.\"}],\n)\n\
               print(answer.choices[0].message.content)",
    },
    ClientSetup {
        name: "OpenAI JS",
        about: "With the package openai, in an ES module",
        into: PastedInto::JavaScript,
        dialect: DialectId::OpenaiChat,
        text: "import OpenAI from \"openai\";\n\nconst client = new OpenAI({ baseURL: \"{base}\", apiKey: {token} });\n\
               const answer = await client.chat.completions.create({\n  model: \"{model}\",\n  \
               messages: [{ role: \"user\", content: \"Say hello.\" }],\n});\n\
               console.log(answer.choices[0].message.content);",
    },
    ClientSetup {
        name: "Anthropic",
        about: "With the package anthropic, in Python",
        into: PastedInto::Python,
        dialect: DialectId::Anthropic,
        text: "import os\nimport anthropic\n\nclient = anthropic.Anthropic(base_url=\"{base}\", api_key={token})\n\
               answer = client.messages.create(\n    model=\"{model}\",\n    max_tokens=1024,\n    \
               messages=[{\"role\": \"user\", \"content\": \"Say hello.\"}],\n)\n\
               print(answer.content[0].text)",
    },
    ClientSetup {
        name: "cURL",
        about: "A streamed answer in a terminal",
        into: PastedInto::Shell,
        dialect: DialectId::OpenaiChat,
        text: "curl -N {base}/chat/completions \\\n  -H \"Authorization: Bearer {token}\" \\\n  \
               -H \"Content-Type: application/json\" \\\n  \
               -d '{\"model\": \"{model}\", \"stream\": true, \"messages\": [{\"role\": \"user\", \"content\": \"Say hello.\"}]}'",
    },
    ClientSetup {
        name: "Claude Code",
        about: "Paste it into the shell that starts it. A route for claude-* gives its models to other targets, too",
        into: PastedInto::Shell,
        dialect: DialectId::Anthropic,
        text: "export ANTHROPIC_BASE_URL={base}\nexport ANTHROPIC_AUTH_TOKEN={token}\nclaude --model \"{model}\"",
    },
    ClientSetup {
        name: "Codex",
        about: "Paste it at the beginning of ~/.codex/config.toml; the last line belongs in the shell that starts Codex",
        into: PastedInto::Shell,
        dialect: DialectId::OpenaiResponses,
        text: "model = \"{model}\"\nmodel_provider = \"tokenscope\"\n\
               model_providers.tokenscope = { name = \"Tokenscope\", base_url = \"{base}\", \
               wire_api = \"responses\", env_key = \"TOKENSCOPE_TOKEN\" }\n\n\
               # export TOKENSCOPE_TOKEN={token}",
    },
    ClientSetup {
        name: "Gemini CLI",
        about: "Paste it into the shell that starts it",
        into: PastedInto::Shell,
        dialect: DialectId::Gemini,
        text: "export GOOGLE_GEMINI_BASE_URL={base}\nexport GEMINI_API_KEY={token}\ngemini -m \"{model}\"",
    },
];

impl ClientSetup {
    /// Whether the text names a model.
    #[must_use]
    pub fn names_model(&self) -> bool {
        self.text.contains("{model}")
    }

    /// The text, with the gateway's base URLs and a model of it. Without a token it reads the variable `TOKEN`.
    #[must_use]
    pub fn text(&self, base_urls: &[(DialectId, Url)], model: &str, token: Option<&str>) -> String {
        let mut bases = base_urls.iter();
        let base = bases.find(|(dialect, _)| *dialect == self.dialect);
        let base = base.map_or("", |(_, base)| base.as_str().trim_end_matches('/'));
        let token = match (token, self.into) {
            (None, PastedInto::Shell) => "$TOKEN".to_owned(),
            (None, PastedInto::Python) => "os.environ[\"TOKEN\"]".to_owned(),
            (None, PastedInto::JavaScript) => "process.env.TOKEN".to_owned(),
            (Some(token), PastedInto::Shell) => token.to_owned(),
            (Some(token), PastedInto::Python | PastedInto::JavaScript) => format!("\"{token}\""),
        };
        let text = self.text.replace("{base}", base).replace("{token}", &token);
        text.replace("{model}", &plain(model))
    }
}

/// A model's name without what would end the quotes around it: such a name is in no list.
fn plain(model: &str) -> String {
    let is_plain = |c: &char| !c.is_control() && !matches!(c, '"' | '\'' | '\\' | '$' | '`');
    model.chars().filter(is_plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base_urls() -> Vec<(DialectId, Url)> {
        [
            (DialectId::OpenaiChat, "http://127.0.0.1:8081/v1"),
            (DialectId::OpenaiResponses, "http://127.0.0.1:8081/v1"),
            (DialectId::Anthropic, "http://127.0.0.1:8081/"),
            (DialectId::Gemini, "http://127.0.0.1:8081/"),
        ]
        .map(|(dialect, url)| (dialect, url.parse().unwrap()))
        .into()
    }

    #[test]
    fn each_is_filled_in_and_has_the_token_only_if_it_is_given() {
        for setup in CLIENT_SETUPS {
            let name = setup.name;
            let without = setup.text(&base_urls(), "my-model", None);
            let with = setup.text(&base_urls(), "my-model", Some("ts-secret"));
            for text in [&without, &with] {
                assert!(text.contains("http://127.0.0.1:8081"), "{name}: {text}");
                for hole in ["{base}", "{model}", "{token}"] {
                    assert!(!text.contains(hole), "{name}: {text}");
                }
            }
            assert!(
                without.contains("TOKEN") && !without.contains("ts-secret"),
                "{name}"
            );
            assert!(with.contains("ts-secret"), "{name}");
            assert_eq!(with.contains("my-model"), setup.names_model(), "{name}");
        }
    }

    #[test]
    fn coding_agents_get_their_own_variables() {
        let text = |name: &str| {
            let mut setups = CLIENT_SETUPS.iter();
            let setup = setups.find(|setup| setup.name == name).unwrap();
            setup.text(&base_urls(), "m", None)
        };
        let claude = text("Claude Code");
        assert!(claude.starts_with("export ANTHROPIC_BASE_URL=http://127.0.0.1:8081\n"));
        assert!(claude.contains("ANTHROPIC_AUTH_TOKEN=$TOKEN"));
        let codex = text("Codex");
        assert!(codex.contains("base_url = \"http://127.0.0.1:8081/v1\""));
        assert!(codex.contains("wire_api = \"responses\"") && codex.contains("env_key"));
        let gemini = text("Gemini CLI");
        assert!(gemini.contains("GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8081\n"));
        assert!(gemini.contains("GEMINI_API_KEY=$TOKEN"));
    }

    #[test]
    fn a_models_name_can_not_leave_its_quotes() {
        let setup = &CLIENT_SETUPS[4];
        let text = setup.text(&base_urls(), "m\"'; rm -rf $HOME `x`\\", None);
        assert!(text.contains("\"m; rm -rf HOME x\""), "{text}");
    }
}
