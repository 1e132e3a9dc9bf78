//! Copied snippets, really run: each asks the simulator and prints the answer's text.
//!
//! They need `curl`, `node`, and a Python with the providers' SDKs, which `TOKENSCOPE_PYTHON` names (`tests/run`
//! makes one under `target/tools/sdk`); what is missing is skipped, aloud.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::json;
use tokenscope::{
    chat::{ChatRequest, Media, Part, Tool},
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    simulator::{self, Simulator, SimulatorOptions},
    snippet::{Language, snippet},
};

const KEY: &str = "sim-snippet-key";

async fn quick() -> Simulator {
    let options = SimulatorOptions {
        speed: 200.0,
        ..SimulatorOptions::default()
    };
    simulator::serve(options).await.unwrap()
}

/// The simulator's endpoints, with a key as a real one has it and a header of the user's own.
fn endpoints(simulator: &Simulator) -> Vec<Endpoint> {
    let mut endpoints = simulator::endpoints(&simulator.base_url());
    for endpoint in &mut endpoints {
        endpoint.auth = Auth::of_dialect(endpoint.dialect);
        endpoint.key_env = vec!["SNIPPET_KEY".into()];
        endpoint.headers.insert("X-Team".into(), "latency".into());
    }
    endpoints
}

fn python() -> PathBuf {
    let made = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/sdk/bin/python");
    std::env::var_os("TOKENSCOPE_PYTHON").map_or(made, PathBuf::from)
}

/// The program that runs a language, if it is there.
fn runner(language: Language) -> Option<Command> {
    let (program, check): (PathBuf, &[&str]) = match language {
        Language::Curl => ("sh".into(), &["-c", "curl --version"]),
        Language::Python => (python(), &["-c", "import openai, anthropic, google.genai"]),
        Language::JavaScript => (
            "node".into(),
            &[
                "-e",
                "if (parseInt(process.versions.node) < 18) process.exit(1)",
            ],
        ),
    };
    let check = Command::new(&program)
        .args(check)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if check.is_ok_and(|status| status.success()) {
        return Some(Command::new(program));
    }
    println!("skipped: nothing here runs {}", language.label());
    None
}

/// What a snippet prints.
fn printed(language: Language, text: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let name = match language {
        Language::Curl => "ask.sh",
        Language::Python => "ask.py",
        Language::JavaScript => "ask.mjs",
    };
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let output = runner(language)?
        .arg(&file)
        .env("SNIPPET_KEY", KEY)
        .env("X_TEAM", "latency")
        .env_remove("OPENAI_API_KEY")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{said}\n{text}");
    Some(said)
}

/// A question with a bit of everything; the model that it asks wants the key.
fn asked(model: &str) -> ChatRequest {
    let mut request = ChatRequest::of_text(
        model,
        "It's a \"test\" of $HOME, `quotes` \\ and\nlines: 你好",
    );
    request.system = Some("Be brief".into());
    request.params.max_tokens = Some(40);
    request.params.temperature = Some(0.5);
    request.params.stop = vec!["NEVER".into()];
    request
}

#[tokio::test]
async fn every_snippet_runs_and_prints_the_answer() {
    let simulator = quick().await;
    for endpoint in endpoints(&simulator) {
        for language in Language::ALL {
            let text = snippet(*language, &endpoint, &asked("sim-locked"));
            let Some(said) = printed(*language, &text) else {
                continue;
            };
            let what = format!("{} {language}: {said}\n{text}", endpoint.id);
            // cURL shows the stream as it comes.
            let shown = match language {
                Language::Curl => "looking",
                _ => "## What you are looking at",
            };
            assert!(said.contains(shown), "{what}");
            assert!(!text.contains(KEY), "{what}");
        }
    }
}

/// Files, tools and words of any kind arrive as they were asked.
#[tokio::test]
async fn what_a_snippet_asks_is_what_we_ask() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";
    let simulator = quick().await;
    for endpoint in endpoints(&simulator) {
        let mut request = asked("sim-echo");
        request.params.max_tokens = None;
        request.messages[0].parts.push(Part::Media(Media {
            mime: "image/png".into(),
            data: PNG.into(),
            ..Media::default()
        }));
        request.tools = vec![Tool {
            name: "f".into(),
            description: String::new(),
            parameters: json!({"type": "object", "properties": {}}),
        }];
        for language in [Language::Python, Language::JavaScript] {
            let text = snippet(language, &endpoint, &request);
            let Some(said) = printed(language, &text) else {
                continue;
            };
            for part in [
                "System: Be brief",
                "It's a \"test\" of $HOME, `quotes` \\ and\nlines: 你好",
                "[image/png, 18 bytes]",
            ] {
                assert!(
                    said.contains(part),
                    "{} {language}: {said}\n{text}",
                    endpoint.id
                );
            }
        }
    }
}

/// Vertex AI's clients sign in with an access token.
#[tokio::test]
async fn a_snippet_for_vertex_takes_its_project_from_the_url() {
    let simulator = quick().await;
    let mut endpoint = endpoints(&simulator)
        .into_iter()
        .find(|e| e.dialect == DialectId::Gemini)
        .unwrap();
    endpoint
        .base_url
        .set_path("/v1/projects/my-project/locations/europe-west4");
    endpoint.auth = Auth::Bearer;
    for language in Language::ALL {
        let text = snippet(*language, &endpoint, &asked("sim-locked"));
        if let Some(said) = printed(*language, &text) {
            assert!(said.contains("looking"), "{language}: {said}\n{text}");
        }
    }
}

/// An answer of calls alone is shown as well.
#[tokio::test]
async fn a_snippet_with_tools_prints_the_calls() {
    let simulator = quick().await;
    for endpoint in endpoints(&simulator) {
        let mut request = asked("sim-tools");
        request.params.max_tokens = None;
        let city = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        request.tools = vec![Tool {
            name: "weather_of".into(),
            description: "Of a city".into(),
            parameters: city,
        }];
        for language in [Language::Python, Language::JavaScript] {
            let text = snippet(language, &endpoint, &request);
            let Some(said) = printed(language, &text) else {
                continue;
            };
            let calls = said.matches("\nweather_of ").count();
            assert_eq!(calls, 2, "{} {language}: {said}\n{text}", endpoint.id);
            assert!(said.contains("city"), "{} {language}: {said}", endpoint.id);
        }
    }
}
