//! What an agent refuses, before anything is sent.

use std::{fs, time::Duration};

use super::{Agent, Provider, TOKEN, asks, driver};
use crate::home::Home;

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_nothing_is_answered() {
    let provider = Provider::new(Duration::ZERO).await;
    let agent = Agent::start(&provider);
    for request in [
        "GET /bench/clock",
        "GET /bench/agent?target=here/m",
        "POST /bench/run",
        "POST /bench/stop",
        "GET /bench/nothing",
    ] {
        for head in [
            String::new(),
            "authorization: Bearer \r\n".to_owned(),
            format!("authorization: Bearer {TOKEN}x\r\n"),
            format!("authorization: {TOKEN}\r\n"),
        ] {
            assert_eq!(agent.status(request, &head), 401, "{request} {head}");
        }
    }
    let right = format!("authorization: Bearer {TOKEN}\r\n");
    assert_eq!(agent.status("GET /bench/clock", &right), 200);
    assert_eq!(agent.status("POST /bench/clock", &right), 405);
    assert_eq!(agent.status("GET /bench/nothing", &right), 405);
    assert_eq!(agent.status("GET /healthz", ""), 200, "metrics need none");
    let of_a_page = format!("{right}origin: http://evil.example\r\n");
    assert_eq!(agent.status("GET /bench/clock", &of_a_page), 403);

    let stranger = Home::new().with("TOKENSCOPE_AGENT_TOKEN", "another-token-of-the-tests");
    let ran = stranger.run(&asks(&agent.address, &[]), "");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("agents' token"), "{}", ran.err);
    let nobody = Home::new().run(&asks(&agent.address, &[]), "");
    assert_eq!(nobody.code, Some(2), "{}", nobody.err);
    assert!(nobody.err.contains("--agent-token-file"), "{}", nobody.err);
    assert_eq!(provider.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_from_a_file_too_and_a_short_one_is_none() {
    let provider = Provider::new(Duration::ZERO).await;
    let agent = Agent::start(&provider);
    let home = Home::new();
    let file = home.path().join("token");
    let name = file.to_str().unwrap();
    for (text, code) in [("short", 2), ("with a space in the middle", 2), ("", 2)] {
        fs::write(&file, text).unwrap();
        let ran = home.run(&asks(&agent.address, &["--agent-token-file", name]), "");
        assert_eq!(ran.code, Some(code), "{text}: {}", ran.err);
    }
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let more = ["--agent-token-file", name, "-n", "3"];
    let ran = home.run(&asks(&agent.address, &more), "");
    assert!(matches!(ran.code, Some(0 | 4)), "{}", ran.err);
    assert_eq!(provider.asked(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_targets_of_its_own_settings_are_asked_and_only_within_its_limits() {
    let provider = Provider::new(Duration::ZERO).await;
    let limits = [
        "--bench-max-requests",
        "10",
        "--bench-max-streams",
        "3",
        "--bench-max-rate",
        "50",
        "--bench-max-time",
        "10s",
    ];
    let agent = Agent::start_with(&provider, &limits);
    let home = driver();
    for (target, more, code, why) in [
        ("openai/gpt-5-mini", &[][..], 1, "no endpoint of that name"),
        ("url/m", &[], 1, "no endpoint of that name"),
        ("here/m", &["-n", "11"], 4, "10 requests at most"),
        ("here/m", &["-n", "9", "-c", "4"], 4, "3 streams at most"),
        (
            "here/m",
            &["-n", "9", "--rate", "51"],
            4,
            "50 requests/s at most",
        ),
        ("here/m", &["-n", "9", "--time", "11s"], 4, "10 s at most"),
        ("here/m", &["-n", "9", "--max-usd", "1"], 2, "no price"),
    ] {
        let place = ["bench", "--json", "--agents", &agent.address, "-t", target];
        let ran = home.run(&[&place[..], more].concat(), "");
        let is_code = ran.code == Some(code) || (code == 4 && ran.code == Some(1));
        assert!(is_code, "{target} {more:?}: {:?} {}", ran.code, ran.err);
        assert!(ran.err.contains(why), "{target} {more:?}: {}", ran.err);
    }
    assert_eq!(provider.asked(), 0);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let home = driver();
    for arguments in [
        &["bench", "--agents", "127.0.0.1:1"][..],
        &["bench", "--agents", "http://10.0.0.1:1", "-t", "here/m"],
        &[
            "bench",
            "--agents",
            "127.0.0.1:1",
            "-t",
            "here/m",
            "--search",
        ],
        &[
            "bench",
            "--agents",
            "127.0.0.1:1",
            "-t",
            "here/m",
            "--share",
            "0/2",
        ],
        &["bench", "--share", "2/2"],
        &["bench", "--share", "0/9", "-c", "8"],
        &["probe", "--accept-benches"],
        &[
            "probe",
            "--listen",
            "0.0.0.0:0",
            "--allow-remote",
            "--accept-benches",
        ],
        &["probe", "--listen", "127.0.0.1:0", "--tls-ca-out", "x"],
    ] {
        let ran = home.run(arguments, "");
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_cannot_be_reached_is_named_before_anything_is_sent() {
    let provider = Provider::new(Duration::ZERO).await;
    let agent = Agent::start(&provider);
    let nobody = crate::fault_server::closed_port().await.to_string();
    let both = format!("{},{nobody}", agent.address);
    let ran = driver().run(&asks(&both, &["-c", "2"]), "");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains(&nobody), "{}", ran.err);
    assert_eq!(provider.asked(), 0);
}
