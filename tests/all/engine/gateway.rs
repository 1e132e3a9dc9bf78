//! The desktop's gateway, driven as its view does: on and off, asked through, reloaded.

use std::{net::TcpListener, sync::Arc};

use tokenscope::{
    credential::Credentials,
    endpoint::variables::Environment,
    engine::{
        Asked, Command, GatewayAccess, GatewayCommand, GatewayNews, GatewayState, SettingsNews,
        Update, ask_in_steps,
    },
    event::FaultClass,
    gateway::{GatewayStatus, TargetState},
    run::{Origin, RunState},
};

use super::Driven;
use crate::{deadline, home::Home};

const ANY_PORT: &str = "[gateway]\nlisten = \"127.0.0.1:0\"\n";

fn driven(settings: &str) -> Driven {
    let home = Home::new();
    home.write_settings(settings);
    Driven::with(home, Credentials::without_keyring(Environment::default()))
}

fn say(driven: &Driven, command: GatewayCommand) {
    driven.engine.send(Command::Gateway(command));
}

/// The next state of the gateway that is none of those that pass.
fn state(driven: &Driven) -> GatewayState {
    driven.until(|update| match update {
        Update::Gateway(GatewayNews::Is(GatewayState::Starting | GatewayState::Stopping)) => None,
        Update::Gateway(GatewayNews::Is(state)) => Some(state),
        _ => None,
    })
}

fn on(driven: &Driven) -> Arc<GatewayAccess> {
    match state(driven) {
        GatewayState::On(access) => access,
        other => panic!("{other:?}"),
    }
}

fn failed(driven: &Driven) -> String {
    match state(driven) {
        GatewayState::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

fn watch(driven: &Driven) -> Asked<Arc<GatewayStatus>> {
    let (steps, asked) = ask_in_steps();
    say(driven, GatewayCommand::Watch(steps));
    asked
}

/// Waits until the gateway's own endpoint is there.
fn offered(driven: &Driven) {
    driven.until(|update| match update {
        Update::Settings(SettingsNews::Are(settings)) => {
            settings.endpoint("this-gateway").map(|_| ())
        }
        _ => None,
    });
}

#[test]
fn what_is_asked_through_it_is_a_request_of_it_and_a_run_of_both() {
    let driven = driven(ANY_PORT);
    say(&driven, GatewayCommand::Start);
    let access = on(&driven);
    assert_eq!(
        access.models.first().map(String::as_str),
        Some("gemini-3-pro-preview")
    );
    assert!(access.token_not_kept.is_some(), "there is no keyring here");
    offered(&driven);
    let mut watched = watch(&driven);
    let before = watched.wait().expect("its status");
    assert!(before.live.is_empty() && before.recent.is_empty());

    let id = driven.ask("this-gateway", "gemini-3-pro-preview");
    let run = driven.follow(id, |run| run.state.is_over());
    assert_eq!(run.state, RunState::Ok, "{:?}", run.answer.fault);
    assert_eq!(
        (run.head.route.as_str(), run.head.origin),
        ("via gateway", Origin::Playground)
    );

    let mut live = 0;
    let status = loop {
        let status = watched.wait().expect("its status");
        live += status.live.len();
        if !status.recent.is_empty() {
            break status;
        }
    };
    assert!(live > 0, "it was seen under way");
    let finished = &status.recent[0];
    assert_eq!(
        (finished.number, finished.record.outcome.as_str()),
        (1, "ok")
    );
    assert!(finished.record.target.starts_with("simulator-gemini/"));
    let of_gateway = driven.kept(finished.run.expect("a run"));
    assert_eq!(
        (of_gateway.head.origin, of_gateway.head.route.as_str()),
        (Origin::Gateway, "")
    );
    assert_eq!(of_gateway.answer.text, run.answer.text);
    let route = &status.routes[0];
    assert_eq!(
        (route.name.as_str(), route.counts.requests),
        ("gemini-3-pro-preview", 1)
    );
    assert_eq!((route.counts.attempts, route.counts.failed), (1, 0));
    let target = &route.targets[0];
    assert_eq!((target.state, target.is_there), (TargetState::Ready, true));
    assert_eq!((target.ttfts.count, target.ttfts.median), (1, None));
}

#[test]
fn finished_requests_are_told_and_it_can_be_turned_off() {
    let driven = driven(ANY_PORT);
    say(&driven, GatewayCommand::Start);
    let address = on(&driven).address;
    offered(&driven);
    let mut watched = watch(&driven);
    driven.ask("this-gateway", "simulator/sim-fast");
    driven.until(|update| matches!(update, Update::Gateway(GatewayNews::Finished)).then_some(()));
    say(&driven, GatewayCommand::Stop);
    let (mut is_off, mut is_gone) = (false, false);
    driven.until(|update| {
        match update {
            Update::Gateway(GatewayNews::Is(GatewayState::Off)) => is_off = true,
            Update::Settings(SettingsNews::Are(settings)) => {
                is_gone = settings.endpoint("this-gateway").is_none();
            }
            _ => {}
        }
        (is_off && is_gone).then_some(())
    });
    while watched.wait().is_some() {}
    TcpListener::bind(address).expect("the address is free");
    let id = driven.ask("this-gateway", "any");
    let fault = driven.until(|update| match update {
        Update::Run(tokenscope::engine::RunNews::Refused { id: of, fault }) if of == id => {
            Some(fault)
        }
        _ => None,
    });
    assert_eq!(fault.class, FaultClass::NotFound);
    assert!(fault.message.contains("the gateway is off"), "{fault:?}");
}

#[test]
fn it_follows_the_settings_and_keeps_those_that_hold() {
    let driven = driven(ANY_PORT);
    say(&driven, GatewayCommand::Start);
    let before = on(&driven);
    let route = "[gateway.route.mine]\ntargets = [\"simulator/sim-fast\"]\n";
    driven.home.write_settings(&format!("{ANY_PORT}{route}"));
    // The file may be read while it is being written.
    let access = driven.until(|update| match update {
        Update::Gateway(GatewayNews::Is(GatewayState::On(access)))
            if access.models.contains(&"mine".to_owned()) =>
        {
            Some(access)
        }
        _ => None,
    });
    assert_eq!((access.address, &access.problem), (before.address, &None));
    offered(&driven);
    let id = driven.ask("this-gateway", "mine");
    let run = driven.follow(id, |run| run.state.is_over());
    assert_eq!(run.state, RunState::Ok, "{:?}", run.answer.fault);

    let lost = route.replace("simulator/", "nowhere/");
    driven.home.write_settings(&format!("{ANY_PORT}{lost}"));
    let access = on(&driven);
    let problem = access.problem.clone().expect("a problem");
    assert!(problem.contains("“nowhere”"), "{problem}");
    assert!(
        access.models.contains(&"mine".to_owned()),
        "what was there holds"
    );
    say(&driven, GatewayCommand::Stop);
    assert!(matches!(state(&driven), GatewayState::Off));
    say(&driven, GatewayCommand::Start);
    assert!(failed(&driven).contains("“nowhere”"));
}

#[test]
fn why_it_can_not_start_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let settings = format!("[gateway]\nlisten = \"{address}\"\n");
    let driven = driven(&settings);
    say(&driven, GatewayCommand::Start);
    let why = failed(&driven);
    assert!(
        why.contains(&address.to_string()) && why.contains("listen"),
        "{why}"
    );
    drop(taken);
    say(&driven, GatewayCommand::Start);
    assert_eq!(on(&driven).address, address);
    // A second one would take half of the connections.
    let other = super::gateway::driven(&settings);
    say(&other, GatewayCommand::Start);
    assert!(failed(&other).contains("another gateway"));
    say(&driven, GatewayCommand::Stop);
    assert!(matches!(state(&driven), GatewayState::Off));

    let open = super::gateway::driven("[gateway]\nlisten = \"0.0.0.0:0\"\n");
    say(&open, GatewayCommand::Start);
    assert!(failed(&open).contains("--allow-remote"));
}

#[test]
fn requests_under_way_are_kept_when_the_engine_ends() {
    let driven = driven(ANY_PORT);
    say(&driven, GatewayCommand::Start);
    on(&driven);
    offered(&driven);
    let mut watched = watch(&driven);
    let id = driven.ask("this-gateway", "simulator/sim-steady");
    driven.follow(id, |run| !run.answer.text.is_empty());
    let run = loop {
        let status = watched.wait().expect("its status");
        if let Some(run) = status.live.first().and_then(|live| live.run) {
            break run;
        }
    };
    driven.engine.send(Command::Stop);
    driven.until(|update| matches!(update, Update::Stopped).then_some(()));
    let Driven { home, .. } = driven;
    let again = Driven::with(home, Credentials::without_keyring(Environment::default()));
    deadline::until("the run of the gateway", || {
        let kept = again.kept(run);
        if kept.is_cancelled() {
            Ok(())
        } else {
            Err(kept.state)
        }
    });
}
