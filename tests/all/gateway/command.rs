//! `tokenscope serve`, as a shell runs it.

use super::TOKEN;
#[cfg(all(unix, feature = "otlp"))]
use crate::collector::Collector;
use crate::home::Home;
#[cfg(unix)]
use crate::{
    canary::{assert_no_canary, assert_no_canary_in, canary},
    deadline,
    served::{Served, signal},
};
#[cfg(unix)]
use std::{
    io::{Read as _, Write as _},
    path::Path,
};

/// A home in which the gateway and its clients have the same token.
#[cfg(unix)]
pub(super) fn home() -> Home {
    Home::new()
        .with("A_TOKEN", TOKEN)
        .with("LLM_API_KEY", TOKEN)
}

/// Serves on a free port, with that token and these further arguments.
#[cfg(unix)]
pub(super) fn serve(home: &Home, more: &[&str]) -> Served {
    let mut command = home.tokenscope(["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--token-env", "A_TOKEN"]).args(more);
    Served::start(command)
}

#[cfg(unix)]
#[test]
fn a_first_try_needs_no_key_of_a_provider() {
    let home = home();
    let served = serve(&home, &["--simulator", "-v"]);
    let base_url = served.base_url.as_str();

    let asks = |model| {
        [
            "chat",
            "--base-url",
            base_url,
            "-m",
            model,
            "--json",
            "a secret question",
        ]
    };
    let answered = home.run(&asks("gemini-3-pro-preview"), "");
    assert!(answered.out.contains("Simulated"), "{}", answered.out);
    assert_eq!(answered.code, Some(0), "{}", answered.err);
    let refused = home.run(&asks("gpt-9"), "");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.out.contains("No route leads to a model"),
        "{}",
        refused.out
    );

    let (usage, log) = served.stop();
    assert!(
        usage.contains("anthropic") && usage.contains("/v1beta"),
        "{usage}"
    );
    assert!(log.contains("POST /v1/chat/completions 200"), "{log}");
    for said in [&usage, &log] {
        assert!(!said.contains("secret") && !said.contains(TOKEN), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_route_of_the_settings_goes_before_that_of_a_first_try() {
    let home = home();
    home.write_settings(
        "[gateway.route.gemini-3-pro-preview]\ntargets = [\"simulator-gemini/sim-fast\"]\nregions = [\"eu\"]\n",
    );
    let served = serve(&home, &["--simulator"]);
    let asks = ["chat", "--base-url", &served.base_url, "-m"];
    let asks = [&asks[..], &["gemini-3-pro-preview", "Hello"]].concat();
    let asked = home.run(&asks, "");
    assert_eq!(asked.code, Some(1), "{}", asked.out);
    let words = "may only be answered in eu";
    assert!(
        asked.err.contains(words) || asked.out.contains(words),
        "{}",
        asked.err
    );
    served.stop();
}

#[test]
fn what_it_cannot_serve_is_said_with_what_to_do() {
    let home = Home::new();
    for (arguments, said) in [
        (&["serve", "--listen", "0.0.0.0:0"][..], "loopback"),
        (&["serve", "--route", "x=nowhere/y"], "there is no endpoint"),
        (&["serve", "--route", "x"], "NAME=ENDPOINT/MODEL"),
        (
            &["serve", "--token-env", "NO_TOKEN_HERE"],
            "$NO_TOKEN_HERE holds no token",
        ),
    ] {
        let ran = home.run(arguments, "");
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
}

#[cfg(unix)]
#[test]
fn settings_are_read_again_at_sighup_and_a_mistake_changes_nothing() {
    let home = home();
    let route =
        |name: &str| format!("[gateway.route.{name}]\ntargets = [\"simulator-gemini/sim-fast\"]\n");
    home.write_settings(&route("one"));
    let mut served = serve(&home, &["--simulator"]);
    let base_url = served.base_url.clone();
    // Its settings are its own: those of the gateway will be wrong.
    let client = Home::new().with("LLM_API_KEY", TOKEN);
    let code = |model: &str| {
        let asks = ["chat", "--base-url", &base_url, "-m", model, "Hello"];
        client.run(&asks, "").code
    };
    assert_eq!((code("one"), code("two")), (Some(0), Some(1)));
    home.write_settings(&route("two"));
    served.signal("HUP");
    deadline::Deadline::of("the new routes").until(|| match code("two") {
        Some(0) => Ok(()),
        other => Err(other),
    });
    assert_eq!(code("one"), Some(1));
    home.write_settings("[gateway.route.three]\ntargets = [\"nonsense\"]\n");
    served.signal("HUP");
    // It can't be seen that nothing changes; the log says when it was read.
    let (_, log) = {
        let line = served.error_line();
        assert!(line.contains("config.toml, line 2"), "{line}");
        assert!(line.contains("nonsense"), "{line}");
        assert_eq!(code("two"), Some(0));
        served.stop()
    };
    assert!(log.is_empty(), "{log}");
}

#[cfg(unix)]
#[test]
fn a_sighup_while_it_starts_does_not_end_it_and_is_not_forgotten() {
    let home = home();
    // It can't go on before somebody reads the audit, which it opens before it listens.
    let pipe = home.path().join("audit.pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let mut command = home.tokenscope(["serve", "--listen", "127.0.0.1:0", "--simulator"]);
    command.args(["--token-env", "A_TOKEN", "--audit"]);
    command.arg(&pipe);
    let mut audit = None;
    let mut served = Served::start_with(command, |pid| {
        let open = move || std::fs::File::open(pipe);
        audit = Some(deadline::returned("the audit to be opened", open).unwrap());
        home.write_settings("[gateway.route.x]\ntargets = [\"nonsense\"]\n");
        signal(pid, "HUP");
    });
    assert!(served.base_url.starts_with("http://"));
    let line = served.error_line();
    assert!(line.contains("config.toml, line 2"), "{line}");
    served.stop();
}

#[cfg(unix)]
#[test]
fn no_key_and_no_token_is_found_in_what_it_writes() {
    let key = canary().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let token = format!("ts-{key}");
    let echo = format!("{{\"error\":{{\"message\":\"bad key {key}\"}}}}");
    let upstream = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = upstream.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in upstream.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 16 << 10];
            let _ = stream.read(&mut request);
            let head = format!("HTTP/1.1 401 No\r\ncontent-length: {}\r\n\r\n", echo.len());
            let _ = stream.write_all((head + &echo).as_bytes());
        }
    });
    let home = Home::new()
        .with("A_TOKEN", &token)
        .with("THE_KEY", &key)
        .with("LLM_API_KEY", &token);
    home.write_settings(&format!(
        "[endpoint.up]\nbase_url = \"http://127.0.0.1:{port}/v1\"\nkey_env = \"THE_KEY\"\n\
         [endpoint.other]\ndialect = \"gemini\"\nbase_url = \"http://127.0.0.1:{port}/v1beta\"\nkey_env = \"THE_KEY\"\n"
    ));
    let audit = home.path().join("audit.jsonl");
    let served = serve(&home, &["-v", "--audit", audit.to_str().unwrap()]);
    let base_url = served.base_url.clone();
    for model in ["up/m", "other/m"] {
        let asked = home.run(&["chat", "--base-url", &base_url, "-m", model, "Hello"], "");
        assert_eq!(asked.code, Some(1), "{}", asked.out);
        if model == "other/m" {
            assert_no_canary_in(
                asked.out.as_bytes(),
                &key,
                "what a client of another protocol is told",
            );
        }
    }
    let (out, log) = served.stop();
    assert!(std::fs::read_to_string(&audit).unwrap().lines().count() == 2);
    for (text, place) in [(&out, "standard output"), (&log, "standard error")] {
        assert_no_canary_in(text.as_bytes(), &key, place);
    }
    std::fs::remove_file(home.settings()).unwrap();
    assert_no_canary(&[home.path()], &key);
}

#[test]
fn a_new_key_is_shown_once_and_kept_as_its_hash() {
    let home = Home::new();
    home.write_settings("# mine\n[gateway]\nhistory = \"none\"\n");
    let made = home.run(&["serve", "--new-key", "laptop"], "");
    assert_eq!(made.code, Some(0), "{}", made.err);
    let key = made.out.trim();
    assert!(key.starts_with("ts-") && key.len() > 40, "{key}");
    let settings = std::fs::read_to_string(home.settings()).unwrap();
    assert!(
        settings.contains("# mine") && settings.contains("[gateway.key.laptop]"),
        "{settings}"
    );
    assert!(!settings.contains(key), "{settings}");
    assert_eq!(home.run(&["serve", "--new-key", "token"], "").code, Some(2));
}

/// The arguments after `serve` in a file of ours.
fn arguments_in(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("ENTRYPOINT") || line.starts_with("ExecStart="));
    let words = line.unwrap().replace(['[', ']', '"', ','], " ");
    let words = words.split_whitespace().skip_while(|word| *word != "serve");
    words.map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn the_container_and_the_service_start_it_as_it_is() {
    let home = Home::new().with("TOKENSCOPE_TOKEN", TOKEN);
    let audit = home.path().join("audit.jsonl");
    for file in ["Containerfile", "assets/tokenscope.service"] {
        let arguments = arguments_in(file);
        assert!(arguments.len() > 3, "{file}: {arguments:?}");
        let here = arguments.into_iter().map(|word| {
            word.replace("0.0.0.0:8081", "127.0.0.1:0")
                .replace("/var/lib/tokenscope/audit.jsonl", audit.to_str().unwrap())
        });
        let here: Vec<String> = here.collect();
        let mut command = home.tokenscope(&here);
        if !here.iter().any(|word| word == "--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let served = Served::start(command);
        assert!(
            served.base_url.starts_with("http://127.0.0.1:"),
            "{file}: {}",
            served.base_url
        );
        let (said, _) = served.stop();
        assert!(!said.contains(TOKEN), "{said}");
    }
}

#[cfg(all(unix, feature = "otlp"))]
#[test]
fn a_collector_gets_a_span_and_figures_of_each_request() {
    let collector = Collector::start();
    let home = home();
    let served = serve(&home, &["--simulator", "--otlp", &collector.url]);
    let base_url = served.base_url.clone();
    let asks = [
        "chat",
        "--base-url",
        &base_url,
        "-m",
        "gemini-3-pro-preview",
        "a secret question",
    ];
    assert_eq!(home.run(&asks, "").code, Some(0));
    served.stop();
    let (traces, metrics) = collector.came();
    for (text, name) in [
        (&traces, "chat gemini-3-pro-preview"),
        (&traces, "gen_ai.request.model"),
        (&traces, "tokenscope.provider_ms"),
        (&metrics, "gen_ai.server.time_to_first_token"),
        (&metrics, "tokenscope.gateway.added"),
        (&metrics, "simulator-gemini/"),
    ] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(!traces.contains("secret") && !metrics.contains("secret"));
    assert!(!traces.contains(TOKEN) && !metrics.contains(TOKEN));
}
