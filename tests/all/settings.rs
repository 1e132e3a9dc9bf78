//! The settings file: read with every problem's line, edited without losing what people wrote.

mod any;
mod edit;
mod watch;

use std::{collections::BTreeMap, fs, sync::mpsc};

use tokenscope::{
    dialect::DialectId,
    endpoint::{Auth, Endpoint, preset, variables::Environment},
    price::Usd,
    settings::{
        self, Appearance, Settings, SettingsEdit, SettingsProblem, ThemeChoice,
        monitor::MonitorSettings,
    },
    simulator,
    transport::HttpVersion,
};
use url::Url;

use crate::{
    deadline::{self, Deadline},
    home::Home,
};

fn load(home: &Home) -> Result<Settings, SettingsProblem> {
    settings::load_in(&home.paths(), &Environment::of([]))
}

fn read(text: &str) -> Result<Settings, SettingsProblem> {
    let home = Home::new();
    home.write_settings(text);
    load(&home)
}

fn endpoint(id: &str, url: &str) -> Endpoint {
    let mut endpoint = Endpoint::custom(id, Url::parse(url).unwrap(), DialectId::OpenaiChat);
    endpoint.key_env.clear();
    endpoint
}

fn put(endpoint: &Endpoint) -> SettingsEdit {
    SettingsEdit::PutEndpoint {
        old_id: None,
        endpoint: Box::new(endpoint.clone()),
    }
}

/// A file as a person writes it, with everything in it.
const BY_HAND: &str = r#"# My endpoints.

# What I measure at work.
[endpoint.work]   # the gateway
label = 'Work'
base_url = "https://llm.corp.example/v1"  # ask Ann
route = "via gateway"
auth = { header = "api-key" }
key_env = "WORK_KEY"
headers = { X-Team = "scope", Authorization = "${TOKEN}" }
models = ["a", "b/c"]
proxy = "http://me:${PW}@proxy.example:3128"
ca_file = "/etc/ca.pem"
http = "1.1"
timeouts = { connect_ms = 5000 } # far away
colour = "blue"

[endpoint.home]
preset = "vllm"
base_url = "http://192.168.1.5:8000"
allow_http = true

[future]
x = 1

[appearance]
theme = "dark"
zoom = 1.25

[measuring]
late_share = 0.25

[price.'work/b*'] # agreed in March
input = 1.5
output = 6      # with reasoning
above = { tokens = 1000, input = 3, output = 12.25 }
"#;

#[test]
fn a_missing_file_is_empty_and_is_not_made() {
    let home = Home::new();
    assert_eq!(load(&home).unwrap(), Settings::default());
    assert!(!home.settings().exists());
}

#[test]
fn everything_that_can_be_written_is_read() {
    let settings = read(BY_HAND).unwrap();
    let work = settings.endpoint("work").unwrap();
    assert_eq!(work.label, "Work");
    assert_eq!(work.base_url.as_str(), "https://llm.corp.example/v1");
    assert_eq!(work.route, "via gateway");
    assert_eq!(work.auth, Auth::Header("api-key".into()));
    assert_eq!(work.key_env, ["WORK_KEY"]);
    assert_eq!(work.headers["X-Team"], "scope");
    assert_eq!(work.models, ["a", "b/c"]);
    assert_eq!(
        work.connect.proxy.as_deref(),
        Some("http://me@proxy.example:3128")
    );
    assert_eq!(work.proxy_password_env.as_deref(), Some("PW"));
    assert_eq!(work.connect.ca_file.as_deref(), Some("/etc/ca.pem"));
    assert_eq!(work.connect.http, HttpVersion::Http1);
    assert_eq!(work.connect.timeouts.connect_ms, 5000);
    assert_eq!(work.connect.timeouts.idle_ms, 60_000);
    let home = settings.endpoint("home").unwrap();
    assert_eq!(home.label, "vLLM", "the preset's");
    assert_eq!(home.base_url.as_str(), "http://192.168.1.5:8000/v1");
    assert_eq!(
        (settings.appearance.theme, settings.appearance.zoom),
        (ThemeChoice::Dark, 1.25)
    );
    assert!((settings.measuring.late_share - 0.25).abs() < f64::EPSILON);
    let price = |model| settings.prices.of(work, model, 0);
    let dollars = |per_million: u64| Some(Usd::of_pico(per_million * 1_000_000));
    assert_eq!(price("b/c").unwrap().rates.output, dollars(6));
    let above = price("b/c").unwrap().above.unwrap();
    assert_eq!((above.tokens, above.rates.input), (1_000, dollars(3)));
    assert_eq!(price("a"), None);
    let warned: Vec<_> = settings
        .warnings
        .iter()
        .map(|w| (w.line, w.message.as_str()))
        .collect();
    assert_eq!(
        warned,
        [
            (
                Some(16),
                "column 1: “colour” is unknown here and has no effect"
            ),
            (
                Some(23),
                "column 2: “future” is unknown here and has no effect"
            ),
        ]
    );
}

#[test]
fn unknown_keys_of_prices_are_warned_of() {
    let text = "[price.'a/*']\ninput = 1\nouput = 2\nabove = { tokens = 5, cost = 3 }\n";
    let settings = read(text).unwrap();
    let warnings = settings.warnings.iter();
    let warned: Vec<_> = warnings.map(|w| (w.line, w.message.as_str())).collect();
    assert_eq!(
        warned,
        [
            (
                Some(4),
                "column 23: “cost” is unknown here and has no effect"
            ),
            (
                Some(3),
                "column 1: “ouput” is unknown here and has no effect"
            ),
        ]
    );
}

#[test]
fn endpoints_come_in_the_order_of_the_file() {
    let text: String = ["c", "a", "b"]
        .map(|id| format!("[endpoint.{id}]\nbase_url = \"https://{id}.example/v1\"\n"))
        .concat();
    let settings = read(&text).unwrap();
    let ids: Vec<_> = settings.endpoints.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids, ["c", "a", "b"]);
}

/// A file, the line of its problem, and what is said of it.
const WRONG: &[(&str, usize, &str)] = &[
    ("a = [1,\nb", 2, ""),
    ("[endpoint.x\n", 1, ""),
    ("a = 1\na = 2\n", 2, "duplicate key"),
    ("endpoint = 3", 1, "[endpoint.ID]"),
    ("[endpoint]\nx = 3", 2, "[endpoint.ID]"),
    ("[[endpoint]]\nid = 'x'", 1, "[endpoint.ID]"),
    ("[endpoint.x]\nlabel = 'X'", 1, "base_url is missing"),
    (
        "[endpoint.x]\npreset = 'nope'",
        2,
        "no preset “nope”; known are openai,",
    ),
    (
        "[endpoint.x]\npreset = 'azure'",
        2,
        "needs base_url = \"https://{resource}.",
    ),
    (
        "[endpoint.'a/b']\nbase_url = 'https://x.example'",
        1,
        "can't be an id",
    ),
    (
        "[endpoint.simulator]\nbase_url = 'https://x.example'",
        1,
        "choose another",
    ),
    (
        "[endpoint.x]\nbase_url = 'http://x.example'",
        2,
        "allow_http = true",
    ),
    (
        "[endpoint.x]\n\nbase_url = 'https://u:hunter2@x.example'",
        3,
        "user name or password",
    ),
    ("[appearance]\nzoom = nan", 2, "zoom must be from 0.5 to 3"),
    (
        "[alert.a]\nabove = 5\nuntil = 6",
        3,
        "until is from 0 to the value of above",
    ),
    ("[alert.a]\nnotify = true", 1, "above is needed"),
    (
        "[alert.a]\nfigure = \"error_rate\"\nabove = 2",
        3,
        "share of failed runs",
    ),
    (
        "[alert.a]\nabove = 5\nover_minutes = 0",
        3,
        "over_minutes is from 1",
    ),
    ("[alert.a]\nabove = 5\nquiet = \"night\"", 3, "22:00-07:00"),
    (
        "[measuring]\nlate_share = 1.5",
        2,
        "late_share must be from 0 to 1",
    ),
    (
        "[measuring]\nlate_share = nan",
        2,
        "late_share must be from 0 to 1",
    ),
    ("[appearance]\nzoom = 9", 2, "zoom must be from 0.5 to 3"),
    ("[appearance]\ntheme = 'pink'", 2, "unknown variant `pink`"),
    ("price = 3", 1, "[price.\"endpoint/model\"]"),
    ("[price]\n'a/b' = 3", 2, "[price.\"endpoint/model\"]"),
    (
        "[price.x]\ninput = 1\noutput = 'much'",
        3,
        "a number of USD per million tokens",
    ),
    (
        "[alert.a]\nfigure = \"availability\"\nabove = 0.9",
        3,
        "availability fires below a limit: write below instead",
    ),
    (
        "[alert.a]\nfigure = \"certificate_days\"\nbelow = 0",
        3,
        "the days below which it fires",
    ),
    (
        "[alert.a]\nfigure = \"burst\"\nabove = 0.2\nuntil = 0.3",
        4,
        "until is from 0 to the value of above",
    ),
    ("[price.x]\ninput = -0.5", 2, "from 0 to 1,000,000"),
    ("[price.x]\ninput = nan", 2, "from 0 to 1,000,000"),
    ("[price.x]\ninput = 0.12345678", 2, "at most six digits"),
    ("[price.x]\nabove = 5", 2, "{ tokens = 200000"),
    (
        "[price.x]\nabove = { input = 5 }",
        2,
        "missing field `tokens`",
    ),
];

/// A line of an endpoint that is otherwise in order, and what is said of it.
const WRONG_KEYS: &[(&str, &str)] = &[
    (
        "dialect = 'smoke'",
        "unknown variant `smoke`, expected one of `openai-chat`",
    ),
    ("auth = 'basic'", "unknown variant `basic`"),
    ("auth = { header = 'Host' }", "written by the connection"),
    ("headers = { 'a b' = '1' }", "not the name of a header"),
    ("key_env = 3", "a string or a list of strings"),
    ("timeouts = { connect_ms = -1 }", "invalid value"),
    ("timeouts = { connect_ms = 'soon' }", "invalid type"),
    ("http = '3'", "unknown variant `3`"),
    (
        "proxy = 'http://u:hunter2@p.example'",
        "is not allowed in this file",
    ),
];

#[test]
fn what_is_wrong_is_explained_with_its_line() {
    for (text, line, why) in WRONG {
        assert_explained(text, *line, why);
    }
    for (key, why) in WRONG_KEYS {
        let text = format!("# one\n[endpoint.x]\nbase_url = \"https://x.example/v1\"\n{key}\n");
        assert_explained(&text, 4, why);
    }
}

fn assert_explained(text: &str, line: usize, why: &str) {
    let problem = read(text).expect_err(text);
    assert_eq!(problem.line, Some(line), "{text}\n{problem}");
    assert!(problem.message.contains(why), "{text}\n{problem}");
    assert!(problem.message.starts_with("column "), "{text}\n{problem}");
    assert!(!problem.message.contains("hunter2"), "{problem}");
    assert!(!problem.message.contains('\n'), "{problem}");
}

#[test]
fn a_file_that_is_no_text_is_explained() {
    let home = Home::new();
    home.write_settings("");
    fs::write(home.settings(), b"ab\xff").unwrap();
    let problem = load(&home).unwrap_err();
    assert!(
        problem.message.contains("byte 2 (in line 1) is not UTF-8"),
        "{problem}"
    );
    let edited = settings::edit(
        &home.paths(),
        &SettingsEdit::Appearance(Appearance::default()),
    );
    assert!(edited.is_err());
    assert_eq!(fs::read(home.settings()).unwrap(), b"ab\xff");
}

#[test]
fn a_secret_header_in_plain_text_is_warned_of_but_not_repeated() {
    let text =
        "[endpoint.x]\nbase_url = 'https://x.example/v1'\nheaders = { x-api-key = 'hunter2' }";
    let settings = read(text).unwrap();
    let [warning] = settings.warnings.as_slice() else {
        panic!("{:?}", settings.warnings);
    };
    assert_eq!(warning.line, Some(3));
    assert!(warning.message.contains("x-api-key") && !warning.message.contains("hunter2"));
}

#[test]
fn the_environment_makes_endpoints_ready() {
    let home = Home::new();
    home.write_settings("[endpoint.groq]\nbase_url = 'https://mine.example/v1'");
    let environment = Environment::of([
        ("LLM_BASE_URL", "localhost:8080"),
        ("LLM_API_KEY", "k"),
        ("LLM_MODEL", "gemma"),
        ("OPENAI_API_KEY", "k"),
        ("GROQ_API_KEY", "k"),
        ("MISTRAL_API_KEY", "  "),
        ("AZURE_OPENAI_API_KEY", "k"),
    ]);
    let settings = settings::load_in(&home.paths(), &environment).unwrap();
    let ids: Vec<_> = settings.endpoints.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(
        ids,
        ["groq", "env", "openai", "openai-responses"],
        "the file first, then the environment"
    );
    assert_eq!(settings.built_in, ["env", "openai", "openai-responses"]);
    let env = settings.endpoint("env").unwrap();
    assert_eq!(env.base_url.as_str(), "http://localhost:8080/v1");
    assert_eq!(
        (env.models[0].as_str(), env.key_env[0].as_str()),
        ("gemma", "LLM_API_KEY")
    );
    let groq = settings.endpoint("groq").unwrap();
    assert_eq!(
        groq.base_url.host_str(),
        Some("mine.example"),
        "the file's stays"
    );
    let [azure] = settings.warnings.as_slice() else {
        panic!("{:?}", settings.warnings);
    };
    assert!(azure.to_string().contains("resource is missing"), "{azure}");
}

#[test]
fn a_bad_base_url_of_the_environment_is_a_warning() {
    let environment = Environment::of([("LLM_BASE_URL", "http://me:hunter2@far.example")]);
    let settings = Settings::of_environment(&environment);
    assert!(settings.endpoints.is_empty());
    let warning = settings.warnings[0].to_string();
    assert!(warning.starts_with("$LLM_BASE_URL: "), "{warning}");
    assert!(!warning.contains("hunter2"), "{warning}");
}

#[test]
fn the_simulator_comes_last_and_is_built_in() {
    let url = Url::parse("http://127.0.0.1:9/v1").unwrap();
    let settings = Settings::of_environment(&Environment::of([("OPENAI_API_KEY", "k")]))
        .with_simulator(simulator::endpoints(&url));
    let simulated = settings.endpoints.iter().skip(2);
    for simulator in simulated {
        assert!(simulator.simulated && simulator.auth == Auth::None && !simulator.needs_key());
    }
    let mut expected = vec![
        "openai",
        "openai-responses",
        "simulator",
        "simulator-anthropic",
        "simulator-openai-responses",
        "simulator-gemini",
        "simulator-ollama",
    ];
    if cfg!(feature = "grpc") {
        expected.push("simulator-vertex-grpc");
    }
    assert_eq!(settings.built_in, expected);
    let gemini = settings.endpoint("simulator-gemini").unwrap();
    assert_eq!(gemini.base_url.as_str(), "http://127.0.0.1:9/v1beta");
}

#[test]
fn a_preset_is_found_without_any_set_up() {
    let settings = Settings::default();
    assert_eq!(settings.endpoint_or_preset("ollama").unwrap().id, "ollama");
    assert!(
        settings.endpoint_or_preset("azure").is_none(),
        "it has a variable without default"
    );
    assert!(settings.endpoint_or_preset("nope").is_none());
}
