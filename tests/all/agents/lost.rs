//! Agents and drivers that are lost in the middle of a bench.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::json;

use super::{Agent, Provider, addresses, asks, driver, line};
use crate::{
    deadline,
    home::{Home, Ran, piped},
};

fn spawned(home: &Home, arguments: &[&str]) -> Child {
    let mut command = home.tokenscope(arguments);
    command.stdin(Stdio::null());
    piped(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_agent_had_sent_counts_and_the_result_says_what_is_missing() {
    let (steady, lost) = (
        Provider::new(Duration::from_millis(5)).await,
        Provider::new(Duration::from_millis(5)).await,
    );
    let (stays, mut goes) = (Agent::start(&steady), Agent::start(&lost));
    let (addresses, home) = (addresses(&[&stays, &goes]), driver());
    // Its requests would take an hour; those of the other are as many, and the driver is told to stop.
    let more = [
        "--rate",
        "60",
        "--arrivals",
        "constant",
        "--time",
        "1h",
        "--no-history",
    ];
    let driving = spawned(&home, &asks(&addresses, &more));
    deadline::until_true("requests of both", || {
        lost.asked() > 60 && steady.asked() > 60
    });
    goes.kill();
    let asked = steady.asked();
    deadline::until_true("the other goes on", || steady.asked() > asked + 30);
    let pid = driving.id().to_string();
    let told = Command::new("kill").args(["-INT", &pid]).status();
    assert!(told.unwrap().success());
    let ran: Ran = deadline::output(driving).into();
    assert_eq!(ran.code, Some(130), "{}{}", ran.out, ran.err);
    let line = line(&ran);
    assert_eq!(line["valid"], false);
    let invalid = line["invalid"].as_array().unwrap();
    let missing = invalid.iter().find(|why| why["reason"] == "part_missing");
    let missing = missing.unwrap_or_else(|| panic!("{line}"));
    assert_eq!(missing["machine"], goes.address);
    let machines = line["machines"].as_array().unwrap();
    assert_eq!(machines[0]["lost"], json!(null), "{line}");
    assert!(machines[1]["lost"].is_string(), "{line}");
    let sent = |machine: usize| machines[machine]["requests"]["sent"].as_u64().unwrap();
    assert!(sent(1) > 0, "what came before counts: {line}");
    assert_eq!(line["requests"]["sent"], sent(0) + sent(1));
    // None of those that stayed is missing; what the stop cancelled may not have come so far as the server.
    let (told, asked) = (sent(0), steady.asked() as u64);
    let cancelled = machines[0]["requests"]["cancelled"].as_u64().unwrap();
    assert!(
        asked <= told && told - asked <= cancelled,
        "{asked}: {line}"
    );
    assert!(
        ran.err.contains(&format!("{} is lost", goes.address)),
        "{}",
        ran.err
    );
    assert_eq!(line["stopped"], "stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_runs_one_bench_at_a_time_and_stops_when_its_driver_is_gone() {
    let provider = Provider::new(Duration::from_millis(5)).await;
    let agent = Agent::start(&provider);
    let home = driver();
    let endless = ["--rate", "50", "--time", "1h", "--no-history"];
    let mut first = spawned(&home, &asks(&agent.address, &endless));
    deadline::until_true("its requests", || provider.asked() > 10);
    let few = asks(&agent.address, &["-n", "4", "--no-history"]);
    let second = home.run(&few, "");
    assert_eq!(second.code, Some(1), "{}{}", second.out, second.err);
    assert!(second.err.contains("runs another bench"), "{}", second.err);
    first.kill().unwrap();
    deadline::ended(&mut first);
    // Only once the first has ended on the agent, the next is taken.
    let third = deadline::until("the agent is free", || {
        let ran = home.run(&few, "");
        let is_busy = ran.err.contains("runs another bench");
        if is_busy { Err(ran.err) } else { Ok(ran) }
    });
    assert!(
        matches!(third.code, Some(0 | 4)),
        "{}{}",
        third.out,
        third.err
    );
    let asked = provider.asked();
    let again = home.run(&few, "");
    assert!(matches!(again.code, Some(0 | 4)), "{}", again.err);
    assert_eq!(provider.asked(), asked + 4, "nobody else asks any more");
}
