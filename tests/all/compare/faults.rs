//! Arms that fail: an honest report of each, and nothing averaged that should not be.

use serde_json::Value;

use super::{
    RARELY_LATE, compare, number,
    server::{Deed, Scripted},
    told, verdict,
};
use crate::home::Home;

/// Two servers, and a user whose endpoints `a` and `b` they are.
async fn two(
    deed: impl Fn(usize) -> Deed + Clone + Send + Sync + 'static,
) -> (Scripted, Scripted, Home) {
    let steady = Scripted::start(|_, _| Deed::Answer(4)).await;
    let other = Scripted::start(move |number, _| deed(number)).await;
    let home = Home::new();
    home.write_settings(&[RARELY_LATE, &steady.endpoint("a"), &other.endpoint("b")].concat());
    (steady, other, home)
}

/// The same; the second refuses its second request.
async fn two_with_a_429(head: &'static str) -> (Scripted, Scripted, Home) {
    two(move |number| match number {
        1 => Deed::Refuse("429 Too Many Requests", head),
        _ => Deed::Answer(2),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arm_that_is_rate_limited_half_way_is_compared_by_the_pairs_before() {
    // The first request opens the connection.
    let (_steady, other, home) = two(|number| match number {
        0..=10 => Deed::Answer(40),
        _ => Deed::Refuse("429 Too Many Requests", "retry-after: 0\r\n"),
    })
    .await;
    let ran = compare(&home, &["a/m", "b/m", "-n", "20", "--max-faults", "1"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let (rounds, whole) = told(&ran);
    assert_eq!(rounds.len(), other.asked());
    let ttft = verdict(&whole, "ttft_ms", 50);
    assert_eq!(ttft["verdict"], "slower", "{ttft}");
    // Of the eleven that were answered the first opened the connection, and this machine may have read some too late.
    let (n, late) = (number(&ttft["n"]), number(&whole["excluded"]["late"]));
    assert!(n <= 10.0 && n + late >= 10.0, "{n} pairs, {late} late");
    let failed = other.asked() - 11;
    assert_eq!(whole["excluded"]["fault"], failed);
    let arm = &whole["failures"]["arms"][1];
    assert_eq!(
        (&arm["failed"], &arm["faults"]["rate_limited"]),
        (&failed.into(), &failed.into())
    );
    let failures = &whole["failures"]["verdicts"][0];
    assert_eq!(failures["verdict"], "more", "{failures}");

    // By default it stops once more than half failed, since then it says little.
    let (_steady, _other, home) =
        two(|_| Deed::Refuse("429 Too Many Requests", "retry-after: 0\r\n")).await;
    let ran = compare(&home, &["a/m", "b/m", "-n", "100"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let (rounds, whole) = told(&ran);
    assert_eq!((rounds.len(), &whole["stopped"]), (10, &"faults".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_429_the_endpoint_is_left_alone_as_long_as_it_asked_for() {
    let (_steady, _other, home) = two_with_a_429("retry-after: 1\r\n").await;
    let ran = compare(&home, &["a/m", "b/m", "-n", "4", "--seed", "1"]);
    let (rounds, whole) = told(&ran);
    assert_eq!(whole["back_off"], "polite");
    let waited: Vec<f64> = rounds
        .iter()
        .map(|it| number(&it["arms"][1]["waited_ms"]))
        .collect();
    assert!(waited[2] > 0.0 && waited[2] <= 1000.0, "{waited:?}");
    assert!(
        waited
            .iter()
            .enumerate()
            .all(|(at, ms)| at == 2 || *ms == 0.0),
        "{waited:?}"
    );
    assert!(rounds.iter().all(|it| it["arms"][0]["waited_ms"] == 0.0));

    let (_steady, _other, home) = two_with_a_429("retry-after: 600\r\n").await;
    let ran = compare(&home, &["a/m", "b/m", "-n", "4", "--back-off", "never"]);
    let (rounds, whole) = told(&ran);
    assert_eq!(whole["back_off"], "never");
    assert!(rounds.iter().all(|it| it["arms"][1]["waited_ms"] == 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arm_that_fails_one_time_in_ten_has_that_rate_and_no_such_times() {
    let (_steady, other, home) = two(|number| match number % 10 {
        9 => Deed::Reset,
        8 if number % 20 == 8 => Deed::Refuse("500 Internal Server Error", ""),
        _ => Deed::Answer(4),
    })
    .await;
    let ran = compare(&home, &["a/m", "b/m", "-n", "40"]);
    let (_, whole) = told(&ran);
    assert!(other.asked() >= 40);
    let [steady, failing] = [0, 1].map(|arm| &whole["failures"]["arms"][arm]);
    assert_eq!(steady["failed"], 0, "{steady}");
    let faults = &failing["faults"];
    let resets = faults["reset"].as_u64().unwrap();
    assert_eq!(resets, other.asked() as u64 / 10, "{failing}");
    assert!(number(&faults["provider"]) >= 2.0, "{failing}");
    let failed = number(&failing["failed"]);
    let n = number(&verdict(&whole, "ttft_ms", 50)["n"]);
    // More rounds than pairs are asked for on a machine that reads some answers too late.
    let asked = number(&failing["asked"]);
    assert!(
        n + failed <= asked,
        "{n} with times, {failed} failed, {asked} asked"
    );
    let rate = &whole["failures"]["verdicts"][0]["rate"];
    assert!((0.1..0.25).contains(&number(&rate["value"])), "{rate}");
    // Each reset costs a connection, so that the next run finds none open.
    assert!(
        whole["excluded"]["not_warm"].as_u64().unwrap() >= resets,
        "{whole}"
    );
    let stability = &whole["table"][2]["cells"];
    assert!(
        number(&stability[1]["value"]) > number(&stability[0]["value"]),
        "{stability}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_that_fail_together_are_told() {
    // Both arms are of one server, which fails for two requests in a row: a whole round, since each round asks both.
    let deed = |number, _: &Value| match (number / 2) % 4 {
        3 => Deed::Refuse("503 Service Unavailable", ""),
        _ => Deed::Answer(3),
    };
    let (_server, home) = Scripted::with_home(deed, "").await;
    let ran = compare(&home, &["a/m", "b/m", "-n", "16"]);
    let (rounds, whole) = told(&ran);
    let failures = &whole["failures"]["verdicts"][0];
    let together = rounds.len() / 4;
    assert!(together >= 4, "{failures}");
    assert_eq!(failures["failed_together"], together, "{failures}");
    assert_eq!(failures["difference"], 0.0, "{failures}");
    assert!(["cant_tell", "same"].contains(&failures["verdict"].as_str().unwrap()));
    assert_eq!(verdict(&whole, "ttft_ms", 50)["n"], 16 - together);
}
