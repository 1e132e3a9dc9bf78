//! What the command promises: lines, fields, exit codes, what is asked and in which order.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use super::{
    RARELY_LATE, compare, lines, number,
    server::{Deed, Scripted},
    told, verdict,
};
use crate::{
    canary::{assert_no_canary, assert_no_canary_in, canary},
    home::Home,
};

#[test]
fn the_faster_of_two_simulated_models_is_told_with_all_that_was_promised() {
    let home = Home::new();
    home.write_settings(RARELY_LATE);
    let (slow, fast) = ("simulator/sim-steady", "simulator/sim-fast");
    let ran = compare(
        &home,
        &[slow, fast, "-n", "8", "--max-tokens", "4", "--seed", "7"],
    );
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let (rounds, whole) = told(&ran);
    assert_eq!(whole["targets"], serde_json::json!([slow, fast]));
    assert_eq!(whole["pairs"], 8);
    assert_eq!(
        (&whole["seed"], &whole["stopped"]),
        (&7.into(), &"pairs".into())
    );
    // The first round opens the connections.
    assert_eq!(whole["excluded"]["not_warm"], 1, "one endpoint: {whole}");
    for why in ["late", "fault"] {
        assert!(whole["excluded"][why].is_u64(), "{why}");
    }
    let verdicts = whole["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), 9, "three figures, three quantiles");
    for found in verdicts {
        let fields = [
            "figure",
            "quantile",
            "difference",
            "low",
            "high",
            "ratio",
            "verdict",
            "pairs_needed",
            "method",
        ];
        for field in fields {
            assert!(found.get(field).is_some(), "{field} in {found}");
        }
        assert_eq!(
            (&found["target"], &found["against"]),
            (&fast.into(), &slow.into())
        );
        assert_eq!(found["connection"], "warm");
    }
    let ttft = verdict(&whole, "ttft_ms", 50);
    assert_eq!(ttft["verdict"], "faster", "{ttft}");
    let [low, difference, high] = ["low", "difference", "high"].map(|end| number(&ttft[end]));
    assert!(
        low <= difference && difference <= high && high < 0.0,
        "{ttft}"
    );
    assert!(number(&ttft["ratio"]) < 0.9, "{ttft}");
    assert_eq!(
        ttft["method"], "order_statistics",
        "the number was fixed beforehand"
    );
    assert_eq!(verdict(&whole, "ttft_ms", 99)["verdict"], "cant_tell");

    check_the_rest(&whole);

    assert!(rounds.len() >= 9, "the first gave no pair");
    check_rounds(&rounds);

    let again = compare(
        &home,
        &[slow, fast, "-n", "2", "--max-tokens", "4", "--seed", "7"],
    );
    let (same, _) = told(&again);
    let orders = |rounds: &[Value]| -> Vec<Value> {
        let first = rounds.iter().take(3);
        first.map(|it| it["order"].clone()).collect()
    };
    assert_eq!(orders(&same), orders(&rounds), "the seed is the order");
}

/// The rounds of that comparison: in their order, each arm first now and then, all measured.
fn check_rounds(rounds: &[Value]) {
    let mut firsts = BTreeMap::new();
    for (index, round) in rounds.iter().enumerate() {
        assert_eq!(round["round"], index);
        *firsts
            .entry(round["order"][0].as_u64().unwrap())
            .or_insert(0) += 1;
        for arm in round["arms"].as_array().unwrap() {
            assert_eq!(arm["outcome"], "ok", "{arm}");
            for figure in ["ttft_ms", "total_ms"] {
                assert!(number(&arm[figure]) > 0.0, "{arm}");
            }
            // Tokens that this machine read all at once have no time between them.
            let tpot = arm["tpot_ms"].as_f64();
            assert!(
                arm.get("tpot_ms").is_some() && tpot.is_none_or(|ms| ms > 0.0),
                "{arm}"
            );
        }
    }
    assert_eq!(
        firsts.len(),
        2,
        "each arm was first now and then: {firsts:?}"
    );
}

/// Failures, phases and the article's table of that comparison.
fn check_the_rest(whole: &Value) {
    let failures = &whole["failures"];
    assert_eq!(failures["arms"][0]["failed"], 0, "{failures}");
    assert_eq!(failures["verdicts"][0]["failed_together"], 0, "{failures}");
    let phases = whole["phases"].as_array().unwrap();
    let provider = phases
        .iter()
        .find(|line| line["phase"] == "provider_ms" && line["of"] == "difference");
    assert!(number(&provider.unwrap()["median"]) < 0.0, "{phases:?}");
    let table: Vec<&Value> = whole["table"].as_array().unwrap().iter().collect();
    let rows: Vec<_> = table
        .iter()
        .map(|row| row["row"].as_str().unwrap())
        .collect();
    assert_eq!(rows, ["loss", "p99_ttft_ms", "connections_lost", "gain"]);
    assert!(
        table[1]["cells"][0]["not_measured"].is_string(),
        "{}",
        table[1]
    );
    assert_eq!(table[2]["cells"][1]["value"], 0.0, "{}", table[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_prompt_is_asked_equally_often_of_both_and_never_twice_the_same() {
    let (server, home) = Scripted::with_home(|_, _| Deed::Answer(1), "").await;
    let file = home.path().join("questions.jsonl");
    fs::write(&file, "\"red\"\n{\"prompt\":\"green\",\"max_tokens\":9}\n").unwrap();
    let file = file.to_str().unwrap();
    let arguments = [
        "a/m",
        "b/m",
        "-n",
        "6",
        "--prompts",
        file,
        "--connections",
        "cold",
    ];
    let ran = compare(&home, &[&arguments[..], &["-p", "blue"]].concat());
    let (rounds, whole) = told(&ran);
    assert_eq!(whole["pairs_by_connection"]["cold"], 6, "{whole}");
    let bodies = server.bodies.lock().unwrap().clone();
    // A round that this machine read too late is asked again.
    assert!(rounds.len() >= 6, "{whole}");
    assert_eq!(bodies.len(), 2 * rounds.len());
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbers = Vec::new();
    for (round, bodies) in rounds.iter().take(6).zip(bodies.chunks(2)) {
        assert_eq!(round["arms"][0]["connection"], "cold");
        let texts = bodies.iter().map(|body| {
            let text = body["messages"][0]["content"].as_str().unwrap();
            let (number, text) = text.split_once('\n').unwrap();
            numbers.push(number.to_owned());
            let most = body.get("max_completion_tokens").or(body.get("max_tokens"));
            let most = most.and_then(Value::as_u64);
            assert_eq!(most, Some(if text == "green" { 9 } else { 64 }), "{body}");
            text.to_owned()
        });
        let texts: Vec<String> = texts.collect();
        assert_eq!(texts[0], texts[1], "a pair is about one prompt");
        *asked.entry(texts[0].clone()).or_default() += 1;
    }
    assert_eq!(asked.into_values().collect::<Vec<_>>(), [2, 2, 2]);
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 12, "no number was sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn ways_to_ask_one_target_are_compared() {
    let is_slow = |body: &Value| body["temperature"] == 1.0;
    let deed = move |_, body: &Value| Deed::Answer(if is_slow(body) { 40 } else { 5 });
    let (server, home) = Scripted::with_home(deed, "").await;
    let vary = [
        "--vary",
        "{}",
        "--vary",
        "{\"temperature\":1.0,\"top_k\":5}",
    ];
    let ran = compare(&home, &[&["a/m", "-n", "8"], &vary[..]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let (_, whole) = told(&ran);
    assert_eq!(
        whole["targets"][1],
        "a/m ({\"temperature\":1.0,\"top_k\":5})"
    );
    assert_eq!(
        verdict(&whole, "ttft_ms", 50)["verdict"],
        "slower",
        "{whole}"
    );
    let bodies = server.bodies.lock().unwrap().clone();
    let varied = bodies.iter().filter(|body| body["top_k"] == 5).count();
    assert_eq!(varied * 2, bodies.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn cold_and_warm_verdicts_are_apart() {
    let (_server, home) = Scripted::with_home(|_, _| Deed::Answer(2), "").await;
    let ran = compare(&home, &["a/m", "b/m", "-n", "3", "--connections", "both"]);
    let (rounds, whole) = told(&ran);
    assert_eq!(
        whole["pairs_by_connection"],
        serde_json::json!({"cold": 3, "warm": 3})
    );
    let verdicts = whole["verdicts"].as_array().unwrap();
    for kind in ["cold", "warm"] {
        let of_kind = verdicts.iter().filter(|it| it["connection"] == kind);
        assert_eq!(of_kind.count(), 9);
    }
    for round in &rounds {
        let kind = &round["connection"];
        for arm in round["arms"].as_array().unwrap() {
            let is_left_out = arm["excluded"] == "not_warm";
            assert!(is_left_out || arm["connection"] == *kind, "{round}");
        }
    }
}

#[test]
fn wrong_arguments_are_told_before_anything_is_sent() {
    let home = Home::new();
    let two = ["simulator/sim-fast", "simulator/sim-steady"];
    for (arguments, words) in [
        (&[][..], "name the targets"),
        (&["simulator/sim-fast"], "at least two"),
        (&["nowhere/m", two[1]], "there is no endpoint"),
        (&["nonsense", two[1]], "not a target"),
        (&[two[0], two[1], "--margin", "1"], "--margin"),
        (&[two[0], two[1], "--max-faults", "2"], "--max-faults"),
        (&[two[0], two[1], "--vary", "{}"], "name just one"),
        (
            &[two[0], two[1], "--prompts", "/nonexistent"],
            "nonexistent",
        ),
    ] {
        let ran = compare(&home, arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
    }
}

#[test]
fn many_requests_to_another_machine_are_asked_for_first_and_a_dry_run_tells_their_cost() {
    let home = Home::new();
    home.write_settings(
        "[endpoint.far]\nbase_url = \"https://far.invalid/v1\"\nauth = \"none\"\n\
         [price.\"far/*\"]\ninput = 1.0\noutput = 10.0\n",
    );
    let targets = ["far/m", "simulator/sim-fast"];
    let refused = compare(&home, &[targets[0], targets[1], "-n", "21"]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    assert!(refused.err.contains('$'), "{}", refused.err);

    let dry = compare(&home, &[targets[0], targets[1], "-n", "21", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.err);
    let told = &lines(&dry)[0];
    assert_eq!(
        (&told["type"], &told["requests_elsewhere"]),
        (&"forecast".into(), &21.into())
    );
    assert_eq!(told["needs_yes"], true);
    // 64 tokens of output at $10 a million, and a short prompt.
    let usd = number(&told["usd"]);
    assert!(usd > 21.0 * 0.00064 && usd < 21.0 * 0.001, "{told}");

    home.write_settings("[endpoint.far]\nbase_url = \"https://far.invalid/v1\"\nauth = \"none\"\n");
    let unpriced = compare(&home, &[targets[0], targets[1], "--usd", "1", "--yes"]);
    assert_eq!(unpriced.code, Some(2), "{}", unpriced.err);
    assert!(
        unpriced.err.contains("--allow-unpriced"),
        "{}",
        unpriced.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_cost_stops_it_before_it_is_passed() {
    let price =
        "[price.\"a/*\"]\ninput = 0\noutput = 1000\n[price.\"b/*\"]\ninput = 0\noutput = 0\n";
    let (_server, home) = Scripted::with_home(|_, _| Deed::Answer(1), price).await;
    // A request costs $0.004 (four tokens), and is taken for ten tokens, $0.01, before it is answered.
    let limits = ["--usd", "0.03", "--max-tokens", "10", "-n", "100"];
    let ran = compare(&home, &[&["a/m", "b/m"], &limits[..]].concat());
    let (rounds, whole) = told(&ran);
    assert_eq!(whole["stopped"], "cost", "{whole}");
    assert_eq!(
        rounds.len(),
        6,
        "0.024 + 0.01 is too much, 0.020 + 0.01 is not"
    );
    let cost = number(&whole["cost_usd"]);
    assert!((cost - 0.024).abs() < 1e-9, "{cost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_ones_are_listed_shown_reported_and_deleted_and_no_key_is_in_any_of_it() {
    let secret = canary().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let server = Scripted::start(|number, _| match number % 5 {
        4 => Deed::Refuse("401 Unauthorized", ""),
        // Slow enough that none is read late.
        _ => Deed::Answer(40),
    })
    .await;
    let home = Home::new().with("THE_KEY", &secret);
    let keyed = |id| {
        server
            .endpoint(id)
            .replace("auth = \"none\"", "key_env = \"THE_KEY\"")
    };
    home.write_settings(&[RARELY_LATE, &keyed("a"), &keyed("b")].concat());
    let html = home.path().join("report.html");
    let to = [
        "--report",
        html.to_str().unwrap(),
        "--vantage",
        "a <b>desk</b>",
    ];
    // A fifth fails: so many that an interval can be told all the same.
    let ran = compare(&home, &[&["a/m", "b/m", "-n", "20"], &to[..]].concat());
    let (_, whole) = told(&ran);

    let listed = compare(&home, &["--list"]);
    let one = &lines(&listed)[0];
    assert_eq!(
        (&one["id"], &one["stopped"]),
        (&whole["id"], &"pairs".into()),
        "{one}"
    );
    let id = whole["id"].to_string();
    let shown = compare(&home, &["--show", &id]);
    assert_eq!(
        lines(&shown),
        std::slice::from_ref(&whole),
        "it is as it was told"
    );
    let table = home.run(&["compare", "--show", "last"], "");
    for words in [
        "warm connections",
        "TTFT median",
        "failures:",
        "Packet loss",
        "Provider",
    ] {
        assert!(table.out.contains(words), "{words} in {}", table.out);
    }

    assert_is_whole(&fs::read_to_string(&html).unwrap());
    let outputs = [&ran, &listed, &shown, &table];
    for text in outputs.iter().flat_map(|ran| [&ran.out, &ran.err]) {
        assert_no_canary_in(text.as_bytes(), &secret, "an output");
    }
    assert_no_canary(&[home.path()], &secret);

    assert_eq!(home.run(&["compare", "--delete", &id], "").code, Some(0));
    assert_eq!(home.run(&["compare", "--delete", &id], "").code, Some(1));
    assert_eq!(compare(&home, &["--list"]).out, "");
}

/// Checks the report on a comparison.
fn assert_is_whole(page: &str) {
    for words in [
        "a &lt;b&gt;desk&lt;/b&gt;",
        "Where the difference comes from",
        "Packet loss",
        "not measured",
        "Tokenscope 0",
        "Conover 1999",
        "<td>Order statistics</td>",
        "95 % interval",
        "a/m",
        "auth",
    ] {
        assert!(page.contains(words), "{words} in the report");
    }
    for markup in ["<script", "src=", "href=", "<b>desk"] {
        assert!(!page.contains(markup), "{markup} in the report");
    }
    for code in [
        "order_statistics",
        "not_warm",
        "paired_bootstrap",
        "-0.00<",
        "95 % CI",
    ] {
        assert!(!page.contains(code), "{code} in the report");
    }
}
