//! Edits: only what they are about changes, and nothing is lost.

use super::*;

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
        .endpoint(&BTreeMap::new())
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
    // The remarks on the right are no comments of the sample's own.
    let sample: Vec<&str> = (text.lines())
        .skip_while(|line| !line.starts_with("# [endpoint."))
        .filter_map(|line| line.strip_prefix("# "))
        .take_while(|line| !line.starts_with("[appearance]"))
        .map(|line| line.split("  ").next().unwrap_or_default())
        .collect();
    let sample = sample.join(
        "
",
    );
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
        assert_eq!(
            load(&home).unwrap().endpoints,
            std::slice::from_ref(&new),
            "{text}"
        );
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
fn a_link_survives_an_edit_and_its_file_is_for_its_owner_only() {
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
        assert_eq!(mode, 0o600, "for its owner only");
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
    assert!(!left.iter().any(|name| name.contains(".tmp")), "{left:?}");
}

#[test]
fn the_monitors_plan_is_edited_with_its_comments_kept() {
    let home = Home::new();
    let plan = MonitorSettings {
        on: true,
        targets: vec!["work/a".parse().unwrap(), "work/b".parse().unwrap()],
        usd_per_day: Some(0.5),
        ..MonitorSettings::default()
    };
    let edit = |plan: &MonitorSettings| {
        settings::edit(&home.paths(), &SettingsEdit::Monitor(plan.clone())).unwrap();
        fs::read_to_string(home.settings()).unwrap()
    };
    let added = edit(&plan);
    let section = "\n[monitor]\non = true\ntargets = [\"work/a\", \"work/b\"]\nusd_per_day = 0.5\n";
    assert!(
        added.ends_with(section),
        "what is the default is not written: {added}"
    );
    assert_eq!(read(&added).unwrap().monitor, plan);
    let by_hand = "# mine\n[monitor] # all of them\non = true\ntargets = 'work/a' # for now\nevery_s = 60\n\n[appearance]\nzoom = 1.5\n";
    home.write_settings(by_hand);
    let off = MonitorSettings {
        on: false,
        ..read(by_hand).unwrap().monitor
    };
    assert_eq!(edit(&off), by_hand.replace("on = true", "on = false"));
    let rarer = MonitorSettings {
        every_s: 900,
        usd_per_day: Some(1.0),
        ..off
    };
    let text = edit(&rarer);
    assert!(
        text.contains("every_s = 900\nusd_per_day = 1.0\n") && text.contains("# for now"),
        "{text}"
    );
    assert_eq!(read(&text).unwrap().monitor, rarer);
    for (bad, line) in [
        ("every_s = 0", 2),
        ("check_every_s = 5", 2),
        ("usd_per_day = -1", 2),
        ("targets = 'a'", 2),
        ("prompt = ' '", 2),
    ] {
        let problem = read(&format!("[monitor]\n{bad}\n")).unwrap_err();
        assert_eq!(problem.line, Some(line), "{bad}: {problem}");
    }
    let unknown = read("[monitor]\nevry_s = 5\n").unwrap();
    assert_eq!(unknown.warnings.len(), 1);
}

#[test]
fn an_alert_is_added_changed_renamed_and_removed_and_comments_stay() {
    use tokenscope::settings::alert::{AlertFigure, AlertSettings};
    let home = Home::new();
    home.write_settings(
        "[alert.slow] # mine\nabove = 2e3 # as agreed\nwebhook = '${HOOK}'\n\n[history]\ncapture_mib = 5\n",
    );
    let make = |edit: SettingsEdit| {
        settings::edit(&home.paths(), &edit).unwrap();
        fs::read_to_string(home.settings()).unwrap()
    };
    let put = |old_name: Option<&str>, alert: AlertSettings| SettingsEdit::PutAlert {
        old_name: old_name.map(str::to_owned),
        alert: Box::new(alert),
    };
    let slow = settings::load(&home.paths()).unwrap().alerts.remove(0);
    let renamed = AlertSettings {
        name: "very slow".into(),
        least: 20,
        ..slow.clone()
    };
    let text = make(put(Some("slow"), renamed.clone()));
    for kept in [
        "[alert.\"very slow\"] # mine",
        "above = 2e3 # as agreed",
        "'${HOOK}'",
        "least = 20",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert!(!text.contains("notify"), "defaults are not written: {text}");
    let away = AlertSettings {
        name: "away".into(),
        figure: AlertFigure::Availability,
        below: Some(0.99),
        quiet: "22:00-07:00".parse().ok(),
        ..AlertSettings::default()
    };
    let text = make(put(None, away.clone()));
    assert!(
        text.contains(
            "[alert.away]\nfigure = \"availability\"\nbelow = 0.99\nquiet = \"22:00-07:00\""
        ),
        "{text}"
    );
    assert_eq!(
        settings::load(&home.paths()).unwrap().alerts,
        [renamed, away]
    );
    let taken = settings::edit(&home.paths(), &put(Some("away"), slow));
    assert!(taken.is_ok(), "the name is free again");
    make(SettingsEdit::RemoveAlert {
        name: "slow".into(),
    });
    let text = make(SettingsEdit::RemoveAlert {
        name: "very slow".into(),
    });
    assert!(
        !text.contains("slow") && text.contains("capture_mib = 5"),
        "{text}"
    );
    let gone = settings::edit(
        &home.paths(),
        &SettingsEdit::RemoveAlert {
            name: "slow".into(),
        },
    );
    assert!(gone.unwrap_err().message.contains("there is no alert"));
}

#[test]
fn limits_are_written_into_their_sections() {
    let home = Home::new();
    home.write_settings("[history]\ncapture_mib = 5 # small disk\n");
    for edit in [
        SettingsEdit::Retention(settings::retention::Retention {
            probes_days: 60,
            checks_days: 7,
        }),
        SettingsEdit::Measuring(settings::Measuring { late_share: 0.25 }),
    ] {
        settings::edit(&home.paths(), &edit).unwrap();
    }
    let text = fs::read_to_string(home.settings()).unwrap();
    assert!(text.contains("capture_mib = 5 # small disk"), "{text}");
    let settings = settings::load(&home.paths()).unwrap();
    assert_eq!(
        (settings.retention.probes_days, settings.captures.mib),
        (60, 5)
    );
    assert!((settings.measuring.late_share - 0.25).abs() < 1e-9);
}
