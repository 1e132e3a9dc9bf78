//! The desktop's monitor: follows the plan of the settings.

use tokenscope::{
    credential::Credentials,
    endpoint::variables::Environment,
    engine::{Command, MonitorCommand, MonitorNews, MonitorState, ProbingState, RunNews, Update},
    run::Origin,
    settings::{SettingsEdit, monitor::MonitorSettings},
};

use super::Driven;
use crate::home::Home;

fn driven(home: Home) -> Driven {
    Driven::with(home, Credentials::without_keyring(Environment::default()))
}

fn plan(on: bool, targets: &[&str]) -> Command {
    Command::Edit(SettingsEdit::Monitor(MonitorSettings {
        on,
        targets: targets.iter().map(|name| name.parse().unwrap()).collect(),
        every_s: 1,
        ..MonitorSettings::default()
    }))
}

fn probe(driven: &Driven) -> String {
    driven.until(|update| match update {
        Update::Run(RunNews::Over(run)) if run.head.origin == Origin::Probe => {
            Some(run.head.target.to_string())
        }
        _ => None,
    })
}

fn state(driven: &Driven, wanted: impl Fn(&MonitorState) -> bool) {
    driven.until(|update| match update {
        Update::Monitor(MonitorNews::Is(state)) => wanted(&state).then_some(()),
        _ => None,
    });
}

#[test]
fn it_starts_changes_and_stops_with_the_settings() {
    let home = Home::new();
    let driven = driven(home.clone());
    let follow = || Command::Monitor(MonitorCommand::Follow);
    driven.engine.send(follow());
    driven.engine.send(plan(true, &["simulator/sim-fast"]));
    assert_eq!(probe(&driven), "simulator/sim-fast");
    let other = "simulator-gemini/sim-fast";
    driven.engine.send(plan(true, &[other]));
    while probe(&driven) != other {}
    driven.engine.send(plan(false, &[other]));
    state(&driven, |state| *state == MonitorState::Off);
    let text = std::fs::read_to_string(home.settings()).unwrap();
    assert!(
        text.contains("on = false") && text.contains(other),
        "{text}"
    );
    // Turned on by hand in the file.
    let by_hand = text.replace("on = false", "on = true");
    home.write_settings(&by_hand.replace("every_s = 1", "every_s = 2"));
    assert_eq!(probe(&driven), other);
}

#[test]
fn whoever_is_not_told_to_follow_does_not_probe() {
    let home = Home::new();
    home.write_settings("[monitor]\non = true\ntargets = \"simulator/sim-fast\"\nevery_s = 1\n");
    let idle = driven(home.clone());
    let told = driven(home);
    told.engine.send(Command::Monitor(MonitorCommand::Follow));
    // The lease is free: the other one has not taken it.
    state(&told, |state| {
        matches!(
            state,
            MonitorState::Probing(ProbingState { targets: 1, .. })
        )
    });
    assert_eq!(probe(&told), "simulator/sim-fast");
    drop(idle);
}

#[test]
fn of_two_windows_one_probes_and_the_other_takes_over() {
    let home = Home::new();
    home.write_settings("[monitor]\non = true\ntargets = \"simulator/sim-fast\"\nevery_s = 1\n");
    let follow = || Command::Monitor(MonitorCommand::Follow);
    let first = driven(home.clone());
    first.engine.send(follow());
    probe(&first);
    let second = driven(home);
    second.engine.send(follow());
    let pid = Some(std::process::id());
    state(&second, |state| *state == MonitorState::Watching { pid });
    probe(&first);
    drop(first);
    assert_eq!(probe(&second), "simulator/sim-fast");
}
