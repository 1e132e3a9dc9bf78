//! `tokenscope probe --listen`: its metrics, as Prometheus and its tools read them.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{Probing, restored_alerts::SecureEndpoint};
use crate::{
    deadline::{self, Deadline},
    home::{Home, piped},
};

/// A monitor that serves its metrics at `address`.
struct Listening {
    _probing: Probing,
    address: String,
}

impl Listening {
    /// Asks these targets each second, and waits until each was asked.
    fn start(home: &Home, targets: &[&str]) -> Self {
        let mut command = home.tokenscope(["probe", "--every", "1s", "--connections", "both"]);
        command.args(["--no-history", "--listen", "127.0.0.1:0"]);
        command.args(["--check-every", "10s"]);
        for target in targets {
            command.args(["-t", target]);
        }
        command.stderr(Stdio::piped());
        let mut probing = Probing::start(command);
        let err = BufReader::new(probing.child.stderr.take().unwrap());
        let (_, address) = deadline::read("its address", err, |err| {
            let mut lines = err.lines();
            let said = |line: &String| line.contains("metrics at http://");
            lines.find_map(|line| line.ok().filter(said))
        });
        let address = address.unwrap();
        let (_, address) = address.split_once("http://").unwrap();
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        let mut is_checked = false;
        while !is_checked || told.len() < targets.len() || told.values().any(|probes| *probes < 2) {
            let line = probing.line().unwrap();
            is_checked |= line["type"] == "check";
            if let Some(target) = line["target"].as_str() {
                *told.entry(target.to_owned()).or_default() += 1;
            }
        }
        Self {
            _probing: probing,
            address: address.trim_end_matches("/metrics").to_owned(),
        }
    }

    fn metrics(&self) -> String {
        let (head, body) = asked(&self.address, "GET /metrics", "");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        String::from_utf8(body).unwrap()
    }
}

/// Head and body of the response to a request with these headers, each ending in CRLF.
fn asked(address: &str, request: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    let host = if headers.contains("host:") {
        ""
    } else {
        "host: localhost\r\n"
    };
    let request = format!("{request} HTTP/1.1\r\n{host}{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let (_, response) = deadline::read("the response", stream, |stream| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map(|_| bytes)
    });
    let response = response.unwrap();
    let end = response.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = response.split_at(end.unwrap() + 4);
    (String::from_utf8_lossy(head).into_owned(), body.to_vec())
}

/// The samples of a text, by name and labels. Each name has its type before it.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut types = BTreeMap::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(types.insert(name, kind), None, "{name} comes twice");
        } else if !line.starts_with('#') {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            let ends = ["_bucket", "_sum", "_count"];
            let base = ends.iter().find_map(|end| name.strip_suffix(end));
            let kind = types.get(name).or_else(|| types.get(base?));
            assert!(kind.is_some(), "{line}");
            let value = value.parse().unwrap();
            assert_eq!(samples.insert(sample.to_owned(), value), None, "{line}");
        }
    }
    samples
}

/// Whether a program of Debian's package `prometheus` is there; if it isn't, that is said.
fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: {program} is not installed (apt-get install prometheus)");
    }
    found
}

#[test]
fn probes_are_counted_by_outcome_and_timed_apart_by_connection() {
    let home = Home::new();
    let (fast, locked) = ("simulator/sim-fast", "simulator/sim-locked");
    let listening = Listening::start(&home, &[fast, locked]);
    let text = listening.metrics();
    let samples = samples(&text);
    let of = |sample: &str| samples.get(sample).copied();
    for connection in ["cold", "warm"] {
        let labels = format!("target=\"{fast}\",connection=\"{connection}\"");
        let probes = of(&format!(
            "tokenscope_probes_total{{{labels},outcome=\"ok\"}}"
        ));
        let probes = probes.unwrap();
        assert!(probes >= 1.0, "{text}");
        for name in ["ttft", "ttft_net", "duration"] {
            let name = format!("tokenscope_probe_{name}_seconds");
            assert_eq!(of(&format!("{name}_count{{{labels}}}")), Some(probes));
            let all = of(&format!("{name}_bucket{{{labels},le=\"+Inf\"}}"));
            assert_eq!(all, Some(probes), "{text}");
            let sum = of(&format!("{name}_sum{{{labels}}}")).unwrap();
            assert!(sum > 0.0 && sum < 60.0 * probes, "{name} {sum}");
        }
        let phase = |phase: &str| {
            let labels = format!("{labels},phase=\"{phase}\"");
            of(&format!("tokenscope_probe_phase_seconds_count{{{labels}}}"))
        };
        assert_eq!(phase("tcp").is_some(), connection == "cold", "{text}");
        assert_eq!(phase("first_byte"), Some(probes));
    }
    let failed = samples
        .iter()
        .filter(|(name, _)| name.contains(locked) && name.contains("outcome=\"auth\""));
    assert!(failed.map(|(_, probes)| probes).sum::<f64>() >= 2.0);
    for (target, is_up) in [(fast, 1.0), (locked, 0.0)] {
        let up = of(&format!("tokenscope_probe_success{{target=\"{target}\"}}"));
        assert_eq!(up, Some(is_up), "{text}");
        let last = "tokenscope_probe_last_success_timestamp_seconds";
        let last = of(&format!("{last}{{target=\"{target}\"}}"));
        assert_eq!(last.is_some(), is_up > 0.0, "never is no time: {text}");
        assert!(last.is_none_or(|last| last > 1.7e9));
        let timed = format!("tokenscope_probe_ttft_seconds_count{{target=\"{target}\"");
        let timed = samples.keys().any(|name| name.starts_with(&timed));
        assert_eq!(timed, is_up > 0.0, "a failure has no time");
    }
    assert!(!text.contains("_cost_usd_total"), "it costs nothing");
    assert!(text.contains("simulated=\"true\""));
}

#[test]
fn only_this_machine_may_ask_and_only_for_what_there_is() {
    let home = Home::new();
    let listening = Listening::start(&home, &["simulator/sim-fast"]);
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    for (request, headers, status, said) in [
        ("GET /healthz", "", 200, "{\"status\":\"ok\"}"),
        ("GET /metrics", "", 200, "text/plain; version=0.0.4"),
        (
            "GET /metrics",
            &format!("accept: {protobuf};q=0.7,*/*;q=0.1\r\n"),
            200,
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ),
        ("POST /metrics", "content-length: 0\r\n", 405, "Use GET"),
        ("GET /v1/models", "", 404, "only /metrics"),
        (
            "GET /metrics",
            "host: evil.example\r\n",
            403,
            "Host must be",
        ),
        (
            "GET /metrics",
            "origin: https://evil.example\r\n",
            403,
            "Web pages",
        ),
    ] {
        let (head, body) = asked(&listening.address, request, headers);
        let all = head.clone() + &String::from_utf8_lossy(&body);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{all}");
        assert!(all.contains(said), "{request} {headers}: {all}");
    }
    for (wrong, said) in [
        (&["--listen", "0.0.0.0:0"][..], "--allow-remote"),
        (&["--listen", "nowhere"], "invalid value"),
        (&["--listen", "127.0.0.1:0", "--once"], "cannot be used"),
    ] {
        let asks = [&["probe", "-t", "simulator/sim-fast"][..], wrong].concat();
        let ran = home.run(&asks, "");
        assert_eq!(ran.code, Some(2), "{wrong:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    let asks = ["probe", "--no-history", "--listen", &listening.address];
    let taken = home.run(&asks, "");
    assert_eq!(taken.code, Some(1), "{}", taken.err);
    assert!(taken.err.contains("can't listen on"), "{}", taken.err);
}

#[test]
fn promtool_finds_nothing_to_complain_about() {
    if !is_installed("promtool") {
        return;
    }
    let home = Home::new();
    let listening = Listening::start(&home, &["simulator/sim-fast", "simulator/sim-locked"]);
    complains_of_nothing(&listening.metrics());
}

#[tokio::test(flavor = "multi_thread")]
async fn free_checks_tell_whether_an_endpoint_is_up_how_long_its_handshakes_took_and_when_its_certificate_ends()
 {
    let endpoint = SecureEndpoint::start().await;
    let home = Home::new();
    home.write_settings(&endpoint.settings());
    let listening = Listening::start(&home, &["e/m"]);
    let text = listening.metrics();
    let samples = samples(&text);
    let of = |name: &str| samples.get(name).copied().unwrap_or(f64::NAN);
    let near = |value: f64, expected: f64| (value - expected).abs() < 1e-6;
    assert!(
        near(of("tokenscope_endpoint_up{endpoint=\"e\"}"), 1.0),
        "{text}"
    );
    let checks = of("tokenscope_endpoint_checks_total{endpoint=\"e\",outcome=\"ok\"}");
    assert!(checks >= 1.0, "{text}");
    for phase in ["tcp", "tls", "models"] {
        let labels = format!("{{endpoint=\"e\",phase=\"{phase}\"}}");
        let of = |end: &str| {
            of(&format!(
                "tokenscope_endpoint_check_phase_seconds_{end}{labels}"
            ))
        };
        assert!(
            near(of("count"), checks) && of("sum") > 0.0,
            "{phase}: {text}"
        );
    }
    let until = u32::try_from(endpoint.until_unix_s).unwrap();
    let expiry = of("tokenscope_endpoint_certificate_expiry_timestamp_seconds{endpoint=\"e\"}");
    assert!(near(expiry, until.into()), "{text}");
    if is_installed("promtool") {
        complains_of_nothing(&text);
    }
}

/// Has promtool read metrics.
fn complains_of_nothing(text: &str) {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]);
    let mut promtool = piped(promtool);
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let checked = deadline::output(promtool);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned()
        + &String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && said.is_empty(), "{said}");
}

/// A real Prometheus that scrapes a monitor, and does not outlive its test.
struct Prometheus {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(target: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let scrapes = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: monitor\n  static_configs: [{{targets: ['{target}']}}]\n"
        );
        std::fs::write(&config, scrapes).unwrap();
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        let (err, address) = deadline::read("Prometheus's address", err, |err| {
            let mut lines = err.lines();
            lines.find_map(|line| {
                let line = line.ok()?;
                let (_, said) = line.split_once("msg=\"Listening on\" address=")?;
                Some(said.to_owned())
            })
        });
        // It goes on logging, into a pipe that is read.
        std::thread::spawn(move || std::io::copy(&mut { err }, &mut std::io::sink()));
        Self {
            child,
            address: address.unwrap(),
            _folder: folder,
        }
    }

    /// The samples of a query, once there are any: labels and value.
    fn query(&self, query: &str) -> Vec<(Value, f64)> {
        Deadline::of(query).until(|| {
            let path = format!("GET /api/v1/query?query={query}");
            let (_, body) = asked(&self.address, &path, "");
            let body = String::from_utf8_lossy(&body).into_owned();
            // A chunked body is one chunk here.
            let json = body.find('{').zip(body.rfind('}'));
            let (from, to) = json.ok_or_else(|| body.clone())?;
            let answer: Value = serde_json::from_str(&body[from..=to]).unwrap();
            let found = answer["data"]["result"].as_array().cloned();
            let found = found.unwrap_or_default().into_iter();
            let found: Vec<_> = found
                .map(|sample| {
                    let value = sample["value"][1].as_str().unwrap().parse().unwrap();
                    (sample["metric"].clone(), value)
                })
                .collect();
            if found.is_empty() {
                Err(body)
            } else {
                Ok(found)
            }
        })
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_prometheus_reads_classic_and_native_histograms() {
    if !is_installed("prometheus") {
        return;
    }
    let home = Home::new();
    let fast = "simulator/sim-fast";
    let listening = Listening::start(&home, &[fast]);

    let classic = Prometheus::scraping(&listening.address, &[]);
    for name in [
        "tokenscope_probe_ttft_seconds_bucket",
        "tokenscope_probes_total",
    ] {
        let found = classic.query(name);
        assert!(found.iter().all(|(labels, _)| labels["target"] == fast));
    }
    let up = classic.query("up");
    assert!(up.iter().all(|(_, up)| *up > 0.5), "{up:?}");
    drop(classic);

    let native = ["--enable-feature=native-histograms"];
    let native = Prometheus::scraping(&listening.address, &native);
    // Only native histograms have a count to be taken by this function.
    let counts = native.query("histogram_count(tokenscope_probe_ttft_seconds)");
    let connections: Vec<_> = (counts.iter())
        .filter_map(|(labels, _)| labels["connection"].as_str())
        .collect();
    assert_eq!(connections, ["cold", "warm"], "{counts:?}");
    // A mean lies between the bounds of the lowest and the highest bucket with a value.
    let warm = "(tokenscope_probe_ttft_seconds%7Bconnection=%22warm%22%7D)";
    let mean = format!("histogram_sum{warm}/histogram_count{warm}");
    let quantile = |q: u8| format!("histogram_quantile({q},{})", &warm[1..warm.len() - 1]);
    for between in [
        format!("{mean}%3E=bool+{}", quantile(0)),
        format!("{mean}%3C=bool+{}", quantile(1)),
        format!("{mean}%3Ebool+0"),
    ] {
        assert!(native.query(&between)[0].1 > 0.5, "{between}");
    }
}
