//! Alerts over a restart, and alerts that free checks raise.

use serde_json::json;
use tokenscope::simulator;

use super::*;
use crate::fault_server::{Authority, Server, read_request, send, serve_tls, whole};

/// A rule that fires for the endpoint `e` when most of its probes fail, and that endpoint at an address.
fn settings(base_url: &str) -> String {
    format!(
        "[endpoint.e]\nbase_url = \"{base_url}\"\nauth = \"none\"\n\
         [alert.fails]\nfigure = \"error_rate\"\nabove = 0.5\nleast = 1\nnotify = false\n"
    )
}

/// The lines of a monitor until this many probes are over.
fn lines_until_probes(probing: &mut Probing, probes: usize) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    while lines.iter().filter(|line| line["type"] == "run").count() < probes {
        lines.push(probing.line().unwrap());
    }
    lines
}

fn alerts(lines: &[Value]) -> Vec<&Value> {
    let of_alerts = lines.iter().filter(|line| line["type"] == "alert");
    of_alerts.collect()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_fired_before_a_restart_is_not_told_again_and_its_end_is_told() {
    let home = Home::new();
    home.write_settings(&settings("http://127.0.0.1:1/v1"));
    let probe = || Probing::start(home.tokenscope(["probe", "-t", "e/sim-fast", "--every", "1s"]));
    let end = |probing: &mut Probing| {
        probing.terminate();
        assert_eq!(deadline::ended(&mut probing.child).code(), Some(0));
    };

    let mut probing = probe();
    let told = lines_until_probes(&mut probing, 2);
    let (first, since) = match alerts(&told)[..] {
        [first] => (first["fires"].clone(), first["since_unix_ns"].clone()),
        ref all => panic!("one alert: {all:?}"),
    };
    assert_eq!(first, json!(true));
    end(&mut probing);

    let mut probing = probe();
    let told = lines_until_probes(&mut probing, 3);
    assert_eq!(alerts(&told), Vec::<&Value>::new(), "it was told");
    end(&mut probing);

    // What is judged is the same, and now the endpoint is there.
    let simulator = simulator::start(0).await.unwrap();
    let endpoints = simulator::endpoints(&simulator.base_url());
    home.write_settings(&settings(endpoints[0].base_url.as_str()));
    let mut probing = probe();
    let over = loop {
        let line = probing.line().unwrap();
        if line["type"] == "alert" {
            break line;
        }
    };
    assert_eq!(
        (&over["fires"], &over["since_unix_ns"]),
        (&json!(false), &since)
    );
    end(&mut probing);
}

/// An endpoint `e` over TLS, whose certificate ends with this year; its settings trust it.
pub(super) struct SecureEndpoint {
    authority: Authority,
    server: Server,
    /// The end of its certificate, in seconds since 1970.
    pub(super) until_unix_s: i64,
}

impl SecureEndpoint {
    pub(super) async fn start() -> Self {
        let authority = Authority::new();
        let utc = jiff::tz::TimeZone::UTC;
        let next_year = jiff::Timestamp::now().to_zoned(utc.clone()).year() + 1;
        let acceptor = authority.acceptor_until(next_year.into(), &["localhost"], &[b"http/1.1"]);
        let server = serve_tls(acceptor, |stream, _| async move {
            let Ok(mut stream) = stream else { return };
            while read_request(&mut stream).await.is_some() {
                let json = "content-type: application/json\r\n";
                send(&mut stream, whole("200 OK", json, "{\"data\":[]}")).await;
            }
        })
        .await;
        let until = jiff::civil::date(next_year, 1, 1).to_zoned(utc).unwrap();
        Self {
            authority,
            server,
            until_unix_s: until.timestamp().as_second(),
        }
    }

    pub(super) fn settings(&self) -> String {
        let (base_url, file) = (self.server.named_url("https"), self.authority.file());
        format!(
            "[endpoint.e]\nbase_url = \"{base_url}v1\"\nauth = \"none\"\nca_file = \"{file}\"\n"
        )
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ends_soon_is_told_by_a_free_check() {
    let endpoint = SecureEndpoint::start().await;
    let home = Home::new();
    let rule = "[alert.renew]\nfigure = \"certificate_days\"\nbelow = 398\nnotify = false\n";
    home.write_settings(&(endpoint.settings() + rule));
    let asks = [
        "probe",
        "-t",
        "e/m",
        "--every",
        "1h",
        "--check-every",
        "10s",
    ];
    let mut probing = Probing::start(home.tokenscope(asks));
    let (mut check, mut alert) = (Value::Null, Value::Null);
    while check.is_null() || alert.is_null() {
        let line = probing.line().unwrap();
        match line["type"].as_str() {
            Some("check") => check = line,
            Some("alert") => alert = line,
            _ => {}
        }
    }
    assert_eq!(check["certificate_until_unix_s"], endpoint.until_unix_s);
    assert_eq!(
        (&alert["rule"], &alert["target"]),
        (&json!("renew"), &json!("e"))
    );
    assert!(
        (0.0..398.0).contains(&alert["value"].as_f64().unwrap()),
        "{alert}"
    );
    assert_eq!(alert["below"], 398.0);
    probing.terminate();
    assert_eq!(deadline::ended(&mut probing.child).code(), Some(0));

    let ran = home.run(&["alerts", "--since", "1h"], "");
    assert!(
        ran.out.contains("renew: would have fired once in 1 check"),
        "{}{}",
        ran.out,
        ran.err
    );
    let ran = home.run(&["alerts", "--json"], "");
    assert_eq!(lines(&ran)[0]["target"], "e");
}

#[test]
fn buffering_is_found_in_probes_of_the_past_that_are_long_enough() {
    let home = Home::new();
    home.write_settings(
        "[alert.buffers]\nfigure = \"burst\"\nabove = 0.5\nleast = 1\nnotify = false\n",
    );
    let probe = |model: &str, tokens: &str| {
        let asks = ["probe", "--once", "-t", model, "--max-tokens", tokens];
        assert_eq!(home.run(&asks, "").code, Some(0), "{model}");
    };
    probe("simulator/sim-fast", "4");
    let short = home.run(&["alerts"], "");
    let none = "buffers: would not have fired in 0 probes that show whether something buffers";
    assert!(short.out.contains(none), "{}{}", short.out, short.err);
    probe("simulator/sim-bursty", "300");
    let ran = home.run(&["alerts"], "");
    assert!(
        ran.out
            .contains("buffers: would have fired once in 1 probe"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(ran.out.contains("simulator/sim-bursty"), "{}", ran.out);
}
