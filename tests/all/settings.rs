//! The settings file: read with every problem's line, edited without losing what people wrote.

use std::{fs, sync::mpsc, time::Duration};

use proptest::prelude::*;
use tokenscope::{
    dialect::DialectId,
    endpoint::{Auth, Endpoint, HttpVersion, preset, variables::Environment},
    settings::{self, Appearance, Settings, SettingsEdit, SettingsProblem, Theme},
};
use url::Url;

use crate::home::Home;

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
        (Theme::Dark, 1.25)
    );
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
                "column 1: “colour” is not known here and has no effect"
            ),
            (
                Some(23),
                "column 2: “future” is not known here and has no effect"
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

#[test]
fn what_is_wrong_is_explained_with_its_line() {
    let at =
        |key: &str| format!("# one\n[endpoint.x]\nbase_url = \"https://x.example/v1\"\n{key}\n");
    let table = [
        ("a = [1,\nb".to_owned(), 2, ""),
        ("[endpoint.x\n".to_owned(), 1, ""),
        ("a = 1\na = 2\n".to_owned(), 2, "duplicate key"),
        ("endpoint = 3".to_owned(), 1, "[endpoint.ID]"),
        ("[endpoint]\nx = 3".to_owned(), 2, "[endpoint.ID]"),
        ("[[endpoint]]\nid = 'x'".to_owned(), 1, "[endpoint.ID]"),
        (
            "[endpoint.x]\nlabel = 'X'".to_owned(),
            1,
            "base_url is missing",
        ),
        (
            "[endpoint.x]\npreset = 'nope'".to_owned(),
            2,
            "no preset “nope”; known are openai,",
        ),
        (
            "[endpoint.x]\npreset = 'azure'".to_owned(),
            2,
            "needs base_url = \"https://{resource}.",
        ),
        (
            "[endpoint.'a/b']\nbase_url = 'https://x.example'".to_owned(),
            1,
            "can't be an id",
        ),
        (
            "[endpoint.simulator]\nbase_url = 'https://x.example'".to_owned(),
            1,
            "choose another",
        ),
        (
            "[endpoint.x]\nbase_url = 'http://x.example'".to_owned(),
            2,
            "allow_http = true",
        ),
        (
            "[endpoint.x]\n\nbase_url = 'https://u:hunter2@x.example'".to_owned(),
            3,
            "user name or password",
        ),
        (
            at("dialect = 'smoke'"),
            4,
            "unknown variant `smoke`, expected `openai-chat`",
        ),
        (at("auth = 'basic'"), 4, "unknown variant `basic`"),
        (
            at("auth = { header = 'Host' }"),
            4,
            "written by the connection",
        ),
        (
            at("headers = { 'a b' = '1' }"),
            4,
            "not the name of a header",
        ),
        (at("key_env = 3"), 4, "a string or a list of strings"),
        (at("timeouts = { connect_ms = -1 }"), 4, "invalid value"),
        (at("timeouts = { connect_ms = 'soon' }"), 4, "invalid type"),
        (at("http = '3'"), 4, "unknown variant `3`"),
        (
            at("proxy = 'http://u:hunter2@p.example'"),
            4,
            "may not stand in this file",
        ),
        (
            at("[appearance]\nzoom = nan"),
            5,
            "zoom must be from 0.5 to 3",
        ),
        (
            at("[appearance]\nzoom = 9"),
            5,
            "zoom must be from 0.5 to 3",
        ),
        (
            at("[appearance]\ntheme = 'pink'"),
            5,
            "unknown variant `pink`",
        ),
    ];
    for (text, line, why) in table {
        let problem = read(&text).expect_err(&text);
        assert_eq!(problem.line, Some(line), "{text}\n{problem}");
        assert!(problem.message.contains(why), "{text}\n{problem}");
        assert!(problem.message.starts_with("column "), "{text}\n{problem}");
        assert!(!problem.message.contains("hunter2"), "{problem}");
        assert!(!problem.message.contains('\n'), "{problem}");
    }
}

#[test]
fn a_file_that_is_no_text_is_explained() {
    let home = Home::new();
    home.write_settings("");
    fs::write(home.settings(), b"ab\xff").unwrap();
    let problem = load(&home).unwrap_err();
    assert!(problem.message.contains("byte 2 is not UTF-8"), "{problem}");
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
        ["groq", "env", "openai"],
        "the file first, then the environment"
    );
    assert_eq!(settings.built_in, ["env", "openai"]);
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
        .with_simulator(url, vec!["steady".into()]);
    let simulator = settings.endpoints.last().unwrap();
    assert!(simulator.simulated && simulator.auth == Auth::None && !simulator.needs_key());
    assert_eq!(settings.built_in, ["openai", "simulator"]);
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

/// The text after an edit of the file above.
fn edited(edit: &SettingsEdit) -> String {
    let home = Home::new();
    home.write_settings(BY_HAND);
    settings::edit(&home.paths(), edit).unwrap();
    fs::read_to_string(home.settings()).unwrap()
}

#[test]
fn an_edit_that_changes_nothing_leaves_every_byte() {
    let settings = read(BY_HAND).unwrap();
    for endpoint in &settings.endpoints {
        let text = edited(&put(endpoint));
        // The one thing written otherwise is the URL, which is kept in its normalised form.
        let expected = BY_HAND.replace("192.168.1.5:8000\"", "192.168.1.5:8000/v1\"");
        let expected = if endpoint.id == "home" {
            expected.as_str()
        } else {
            BY_HAND
        };
        assert_eq!(text, expected);
    }
    assert_eq!(
        edited(&SettingsEdit::Appearance(settings.appearance)),
        BY_HAND
    );
}

#[test]
fn an_edit_touches_only_the_lines_it_is_about() {
    let mut work = read(BY_HAND).unwrap().endpoint("work").unwrap().clone();
    work.label = "Office".into();
    work.route = String::new();
    work.headers.remove("X-Team");
    work.headers.insert("X-New".into(), "1".into());
    work.connect.timeouts.connect_ms = 7000;
    work.connect.timeouts.idle_ms = 1;
    work.connect.http = HttpVersion::Auto;
    work.key_env.push("OTHER".into());
    let text = edited(&put(&work));
    let expected = BY_HAND
        .replace("'Work'", "\"Office\"")
        .replace("route = \"via gateway\"\n", "")
        .replace(
            "{ X-Team = \"scope\", Authorization = \"${TOKEN}\" }",
            "{ Authorization = \"${TOKEN}\" , X-New = \"1\" }",
        )
        .replace(
            "{ connect_ms = 5000 }",
            "{ connect_ms = 7000 , idle_ms = 1 }",
        )
        .replace("http = \"1.1\"\n", "")
        .replace("\"WORK_KEY\"", "[\"WORK_KEY\", \"OTHER\"]");
    assert_eq!(squeezed(&text), squeezed(&expected));
    let home = Home::new();
    home.write_settings(&text);
    assert_eq!(load(&home).unwrap().endpoint("work"), Some(&work));
}

/// Without blanks, which inline tables set in their own way.
fn squeezed(text: &str) -> String {
    text.replace(' ', "")
}

#[test]
fn a_new_endpoint_comes_after_the_others_and_says_no_more_than_it_must() {
    let mut new = preset::find("groq")
        .unwrap()
        .endpoint(&Default::default())
        .unwrap();
    new.route = "direct".into();
    let text = edited(&put(&new));
    let added = "
[endpoint.groq]
label = \"Groq\"
preset = \"groq\"
base_url = \"https://api.groq.com/openai/v1\"
route = \"direct\"

[future]";
    assert_eq!(text, BY_HAND.replace("\n[future]", added));
}

#[test]
fn a_new_file_explains_itself_and_holds_the_edit() {
    let home = Home::new();
    let new = endpoint("x", "https://x.example/v1");
    settings::edit(&home.paths(), &put(&new)).unwrap();
    let text = fs::read_to_string(home.settings()).unwrap();
    assert!(text.starts_with("# Tokenscope's settings"), "{text}");
    assert!(text.contains("\n\n[endpoint.x]\n"), "{text}");
    let loaded = load(&home).unwrap();
    assert_eq!(loaded.endpoints, [new]);
    assert_eq!(loaded.warnings, []);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(home.settings()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "for its owner only");
    }
    settings::edit(
        &home.paths(),
        &SettingsEdit::RemoveEndpoint { id: "x".into() },
    )
    .unwrap();
    let text = fs::read_to_string(home.settings()).unwrap();
    assert!(text.starts_with("# Tokenscope's settings"), "{text}");
    assert!(!text.contains("[endpoint.x]"), "{text}");
}

#[test]
fn the_explained_format_is_the_real_one() {
    let home = Home::new();
    settings::edit(
        &home.paths(),
        &SettingsEdit::Appearance(Appearance::default()),
    )
    .unwrap();
    let text = fs::read_to_string(home.settings()).unwrap();
    let sample: String = (text.lines())
        .skip_while(|line| !line.starts_with("# [endpoint."))
        .filter_map(|line| line.strip_prefix("# "))
        .take_while(|line| !line.starts_with("[appearance]"))
        .map(|line| format!("{line}\n"))
        .collect();
    // The remarks on the right are no comments of the sample's own.
    let sample: String = sample
        .lines()
        .map(|line| line.split("  ").next().unwrap_or_default().to_owned() + "\n")
        .collect();
    let settings = read(&sample).unwrap_or_else(|why| panic!("{why}\n{sample}"));
    assert_eq!(settings.warnings, [], "{sample}");
    assert_eq!(settings.endpoints[0].id, "my-server");
}

#[test]
fn removing_takes_the_section_with_its_own_comment_only() {
    let text = edited(&SettingsEdit::RemoveEndpoint { id: "work".into() });
    assert!(
        text.starts_with("# My endpoints.\n\n[endpoint.home]\n"),
        "{text}"
    );
    assert!(!text.contains("at work"), "{text}");
    let settings = read(&text).unwrap();
    assert_eq!(settings.endpoints.len(), 1);
    let text = edited(&SettingsEdit::RemoveEndpoint { id: "home".into() });
    assert!(
        text.contains("# What I measure at work.\n[endpoint.work]   # the gateway"),
        "{text}"
    );
    let home = Home::new();
    home.write_settings(BY_HAND);
    let nothing = SettingsEdit::RemoveEndpoint { id: "nope".into() };
    let problem = settings::edit(&home.paths(), &nothing).unwrap_err();
    assert!(problem.message.contains("no endpoint “nope”"), "{problem}");
}

#[test]
fn renaming_keeps_the_section_where_it_is() {
    let mut work = read(BY_HAND).unwrap().endpoint("work").unwrap().clone();
    work.id = "office".into();
    let rename = |endpoint: &Endpoint| SettingsEdit::PutEndpoint {
        old_id: Some("work".into()),
        endpoint: Box::new(endpoint.clone()),
    };
    let text = edited(&rename(&work));
    assert_eq!(
        text,
        BY_HAND.replace("[endpoint.work]", "[endpoint.office]")
    );
    work.id = "home".into();
    let home = Home::new();
    home.write_settings(BY_HAND);
    let problem = settings::edit(&home.paths(), &rename(&work)).unwrap_err();
    assert!(problem.message.contains("“home” already"), "{problem}");
    assert_eq!(fs::read_to_string(home.settings()).unwrap(), BY_HAND);
}

#[test]
fn other_ways_to_write_toml_are_edited_too() {
    let new = endpoint("new", "https://new.example/v1");
    for text in [
        "endpoint = { a = { base_url = 'https://a.example/v1' } }\n",
        "endpoint.a.base_url = 'https://a.example/v1'\n",
        "[endpoint]\na = { base_url = 'https://a.example/v1' }\n",
        "[endpoint.a]\nbase_url = 'https://a.example/v1'\n[endpoint.a.timeouts]\nidle_ms = 5\n[endpoint.a.headers]\nX-A = '1'\n",
        "# only a comment\n",
        "\u{feff}[endpoint.a]\r\nbase_url = 'https://a.example/v1'\r\n",
    ] {
        let home = Home::new();
        home.write_settings(text);
        let before = load(&home).unwrap().endpoints;
        settings::edit(&home.paths(), &put(&new)).unwrap_or_else(|why| panic!("{text}: {why}"));
        let mut expected = before.clone();
        expected.push(new.clone());
        assert_eq!(load(&home).unwrap().endpoints, expected, "{text}");
        if let Some(mut a) = before.first().cloned() {
            a.connect.timeouts.idle_ms = 7;
            a.headers.insert("X-B".into(), "2".into());
            settings::edit(&home.paths(), &put(&a)).unwrap();
            assert_eq!(load(&home).unwrap().endpoint("a"), Some(&a), "{text}");
            let remove = SettingsEdit::RemoveEndpoint { id: "a".into() };
            settings::edit(&home.paths(), &remove).unwrap();
        } else {
            let text = fs::read_to_string(home.settings()).unwrap();
            assert!(text.starts_with("# only a comment\n"), "{text}");
        }
        assert_eq!(load(&home).unwrap().endpoints, [new.clone()], "{text}");
    }
}

#[test]
fn a_broken_file_is_never_overwritten() {
    for text in [
        "[endpoint.x]\nlabel = ",
        "[endpoint.x]\nlabel = 'no URL'",
        "zoom = = 1",
    ] {
        let home = Home::new();
        home.write_settings(text);
        let edits = [
            put(&endpoint("y", "https://y.example/v1")),
            SettingsEdit::Appearance(Appearance::default()),
            SettingsEdit::RemoveEndpoint { id: "x".into() },
        ];
        for edit in edits {
            let problem = settings::edit(&home.paths(), &edit).unwrap_err();
            assert!(problem.line.is_some(), "{problem}");
            assert_eq!(fs::read_to_string(home.settings()).unwrap(), text);
        }
    }
}

#[test]
fn an_edit_that_would_break_the_file_is_refused() {
    let home = Home::new();
    home.write_settings(BY_HAND);
    let mut bad = endpoint("bad", "http://far.example/v1");
    for (id, url) in [
        ("bad", "http://far.example/v1"),
        ("a/b", "https://x.example/v1"),
        ("simulator", "https://x.example/v1"),
    ] {
        bad.id = id.into();
        bad.base_url = Url::parse(url).unwrap();
        let problem = settings::edit(&home.paths(), &put(&bad)).unwrap_err();
        assert!(
            problem.message.contains("the change was not made"),
            "{problem}"
        );
        assert_eq!(fs::read_to_string(home.settings()).unwrap(), BY_HAND);
    }
}

#[cfg(unix)]
#[test]
fn a_link_and_permissions_survive_an_edit() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    for dangling in [false, true] {
        let home = Home::new();
        let real = home.path().join("dotfiles.toml");
        fs::create_dir_all(home.settings().parent().unwrap()).unwrap();
        symlink("../dotfiles.toml", home.settings()).unwrap();
        if !dangling {
            fs::write(&real, BY_HAND).unwrap();
            fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        }
        settings::edit(&home.paths(), &put(&endpoint("x", "https://x.example/v1"))).unwrap();
        assert!(fs::symlink_metadata(home.settings()).unwrap().is_symlink());
        assert!(fs::read_to_string(&real).unwrap().contains("[endpoint.x]"));
        let mode = fs::metadata(&real).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if dangling { 0o600 } else { 0o640 });
    }
}

#[test]
fn edits_made_at_the_same_time_are_all_kept() {
    let home = Home::new();
    let paths = home.paths();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let paths = &paths;
            scope.spawn(move || {
                for i in 0..10 {
                    let id = format!("e{thread}-{i}");
                    let new = endpoint(&id, "https://x.example/v1");
                    settings::edit(paths, &put(&new)).unwrap();
                }
            });
        }
    });
    assert_eq!(load(&home).unwrap().endpoints.len(), 40);
    let left: Vec<_> = fs::read_dir(home.settings().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!left.iter().any(|name| name.ends_with(".tmp")), "{left:?}");
}

#[test]
fn a_change_is_told_however_it_is_written_and_reading_is_none() {
    let home = Home::new();
    let (told, changes) = mpsc::channel();
    let watch = settings::watch(&home.paths(), move || told.send(()).unwrap()).unwrap();
    let wait = || {
        changes
            .recv_timeout(Duration::from_secs(60))
            .expect("a change is told")
    };
    // Written in place, in two steps.
    home.write_settings("");
    home.write_settings("# a\n");
    wait();
    // Written beside and moved over, as editors do.
    let beside = home.settings().with_extension("swp");
    fs::write(&beside, "# b\n").unwrap();
    fs::rename(&beside, home.settings()).unwrap();
    wait();
    // By ourselves.
    settings::edit(&home.paths(), &put(&endpoint("x", "https://x.example/v1"))).unwrap();
    wait();
    // Taken away.
    fs::remove_file(home.settings()).unwrap();
    wait();
    // Neither reading, nor another file, nor the same text again is a change.
    home.write_settings("# c\n");
    wait();
    for _ in 0..10 {
        load(&home).unwrap();
        home.write_settings("# c\n");
        fs::write(&beside, "x").unwrap();
    }
    home.write_settings("# d\n");
    wait();
    assert_eq!(changes.try_iter().count(), 0);
    drop(watch);
    home.write_settings("# e\n");
    assert!(changes.recv().is_err(), "its thread has ended");
}

#[cfg(unix)]
#[test]
fn a_change_behind_a_link_is_told() {
    let home = Home::new();
    let real = home.path().join("elsewhere/dotfiles.toml");
    fs::create_dir_all(real.parent().unwrap()).unwrap();
    fs::write(&real, "# a\n").unwrap();
    fs::create_dir_all(home.settings().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&real, home.settings()).unwrap();
    let (told, changes) = mpsc::channel();
    let _watch = settings::watch(&home.paths(), move || told.send(()).unwrap()).unwrap();
    fs::write(&real, "# b\n").unwrap();
    changes
        .recv_timeout(Duration::from_secs(60))
        .expect("a change is told");
}

/// An endpoint with anything a user may set.
fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    let words = || prop::collection::vec("[ -~äß中]{0,12}", 0..3);
    let preset = prop::option::of(prop::sample::select(preset::all()).prop_map(|p| p.id.clone()));
    (
        (
            "[a-zé][a-z0-9._-]{0,8}",
            "\\PC{0,12}",
            preset,
            "(/[a-z0-9%]{0,6}){0,3}",
        ),
        (words(), words(), words(), any::<bool>(), "[ -~]{0,8}"),
        (
            any::<[u32; 4]>(),
            prop::option::of("[a-z]{1,5}"),
            0..3_usize,
            0..3_usize,
        ),
        prop::collection::btree_map("X-[A-Za-z]{1,4}", "[ -~]{0,8}", 0..3),
    )
        .prop_map(
            |(
                (id, label, preset, path),
                (key_env, models, command, allow_http, route),
                (ms, user, auth, http),
                headers,
            )| {
                let scheme = if allow_http { "http" } else { "https" };
                let mut e = endpoint(&id, &format!("{scheme}://h.example:81{path}"));
                (e.label, e.preset, e.route) = (label, preset, route);
                (e.key_env, e.models, e.key_command, e.allow_http) =
                    (key_env, models, command, allow_http);
                e.auth = [Auth::Bearer, Auth::None, Auth::Header("api-key".into())][auth].clone();
                e.connect.http = [HttpVersion::Auto, HttpVersion::Http1, HttpVersion::Http2][http];
                e.connect.timeouts.connect_ms = ms[0].into();
                e.connect.timeouts.total_ms = ms[1].into();
                e.proxy_password_env = user.is_some().then(|| "PW".to_owned());
                e.connect.proxy = user.map(|user| format!("socks5://{user}@p.example:1080"));
                e.headers = headers;
                e
            },
        )
        .prop_filter("the simulator's id is taken", |e| {
            e.id != tokenscope::simulator::ENDPOINT
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_put_is_read_back_whole(first in any_endpoint(), mut second in any_endpoint()) {
        let home = Home::new();
        settings::edit(&home.paths(), &put(&first)).unwrap();
        prop_assert_eq!(&load(&home).unwrap().endpoints, &[first.clone()]);
        // The same section again, with everything about it changed.
        second.id.clone_from(&first.id);
        settings::edit(&home.paths(), &put(&second)).unwrap();
        prop_assert_eq!(load(&home).unwrap().endpoints, [second]);
    }
}
