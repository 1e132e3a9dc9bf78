//! `tokenscope serve`, as a shell runs it.

use super::TOKEN;
use crate::home::Home;
#[cfg(unix)]
use crate::served::Served;

#[cfg(unix)]
#[test]
fn a_first_try_needs_no_key_of_a_provider() {
    let home = Home::new()
        .with("A_TOKEN", TOKEN)
        .with("LLM_API_KEY", TOKEN);
    let served = Served::start(home.tokenscope([
        "serve",
        "--simulator",
        "--listen",
        "127.0.0.1:0",
        "--token-env",
        "A_TOKEN",
        "-v",
    ]));
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
