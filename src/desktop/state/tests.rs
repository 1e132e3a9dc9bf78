use super::{kept::SPARE, *};
use crate::{
    credential::KeyPlace,
    dialect::DialectId,
    endpoint::TargetId,
    event::{FaultClass, Phase},
    run::{Origin, RunHead},
};

fn head(id: i64) -> RunHead {
    RunHead {
        id: RunId(id),
        target: TargetId {
            endpoint: "sim".into(),
            model: "steady".into(),
        },
        dialect: DialectId::OpenaiChat,
        route: String::new(),
        url: "http://127.0.0.1:1/v1/chat/completions".into(),
        simulated: true,
        origin: Origin::Playground,
        attempt: 1,
        request: Arc::default(),
    }
}

#[test]
fn a_live_run_is_not_replaced_by_its_row() {
    let mut state = State::default();
    state.apply(Update::Run(RunNews::Accepted(Box::new(head(7)))));
    assert_eq!(state.live_runs(), 1);
    let mut row = Run::new(head(7));
    row.state = crate::run::RunState::Fault;
    state.apply(Update::Run(RunNews::Loaded {
        id: RunId(7),
        run: Some(Box::new(row.clone())),
    }));
    assert_eq!(state.live_runs(), 1);
    row.head = head(8);
    state.apply(Update::Run(RunNews::Loaded {
        id: RunId(8),
        run: Some(Box::new(row)),
    }));
    assert!(state.runs[&RunId(8)].state.is_over());
}

/// A run of this window that ended, and is in the history if that stores.
fn ends(state: &mut State, id: i64) {
    state.apply(Update::Run(RunNews::Accepted(Box::new(head(id)))));
    let mut run = Run::new(head(id));
    run.state = crate::run::RunState::Ok;
    state.runs.insert(RunId(id), run.clone());
    state.apply(Update::Run(RunNews::Over(run.into())));
    let (id, findings) = (RunId(id), Arc::default());
    state.apply(Update::Run(RunNews::Findings { id, findings }));
}

fn storage(state: &mut State, storage: Storage) {
    state.apply(Update::History(HistoryNews::Storage(storage)));
}

#[test]
fn runs_that_are_not_shown_are_let_go_and_come_back_when_loaded() {
    let mut state = State::default();
    storage(&mut state, Storage::Ok);
    state.apply(Update::Run(RunNews::Accepted(Box::new(head(0)))));
    for id in 1..1_000 {
        ends(&mut state, id);
        state.let_go(&[RunId(1), RunId(2)]);
        assert!(state.runs.len() <= 3 + 2 * SPARE, "{}", state.runs.len());
    }
    assert_eq!(state.live_runs(), 1, "what is live stays");
    assert!(
        state.findings.len() < state.runs.len(),
        "they go with the run"
    );
    assert!(state.findings.contains_key(&RunId(1)));
    assert!(state.runs.contains_key(&RunId(1)) && state.runs.contains_key(&RunId(999)));
    assert!(!state.runs.contains_key(&RunId(3)));
    state.let_go(&[]);
    assert!(!state.runs.contains_key(&RunId(1)), "it is shown no more");
    let mut run = Run::new(head(3));
    run.state = crate::run::RunState::Ok;
    state.apply(Update::Run(RunNews::Loaded {
        id: RunId(3),
        run: Some(Box::new(run)),
    }));
    assert!(state.runs.contains_key(&RunId(3)));
}

#[test]
fn no_run_is_let_go_that_is_in_no_history() {
    let failing = Storage::Failing {
        why: "the disk is full".into(),
    };
    for before in [None, Some(Storage::Ok)] {
        let mut state = State::default();
        if let Some(before) = before {
            storage(&mut state, before);
            (0..16).for_each(|id| ends(&mut state, id));
            storage(&mut state, failing.clone());
        }
        for id in 100..200 {
            ends(&mut state, id);
            state.let_go(&[]);
        }
        assert!(state.runs.len() >= 100, "{}", state.runs.len());
        storage(&mut state, Storage::Ok);
        state.let_go(&[RunId(1)]);
        assert!(state.runs.contains_key(&RunId(100)));
    }
}

#[test]
fn a_deleted_run_is_nowhere() {
    let mut state = State::default();
    storage(&mut state, Storage::Ok);
    ends(&mut state, 1);
    ends(&mut state, 2);
    state.forget(&[RunId(1)]);
    assert!(!state.runs.contains_key(&RunId(1)) && !state.findings.contains_key(&RunId(1)));
    assert!(state.missing_runs.contains(&RunId(1)));
    assert!(state.runs.contains_key(&RunId(2)) && state.stored == [RunId(2)]);
}

#[test]
fn a_run_that_is_nowhere_is_known_to_be_missing() {
    let mut state = State::default();
    let id = RunId(9);
    state.apply(Update::Run(RunNews::Loaded { id, run: None }));
    assert!(state.missing_runs.contains(&id));
}

#[test]
fn a_kept_key_clears_its_problem() {
    let mut state = State::default();
    state.apply(Update::Key(KeyNews::Problem {
        endpoint: "e".into(),
        of: KeyOf::Endpoint,
        message: "the keyring is locked".into(),
    }));
    assert_eq!(state.key_problems.len(), 1);
    state.apply(Update::Key(KeyNews::Status(KeyStatus {
        endpoint: "e".into(),
        of: KeyOf::Endpoint,
        origin: "https://e.example".into(),
        place: KeyPlace::Memory,
        problem: None,
    })));
    assert!(state.key_problems.is_empty());
    assert_eq!(
        state.keys[&("e".to_owned(), KeyOf::Endpoint)].place,
        KeyPlace::Memory
    );
}

#[test]
fn a_refusal_finds_its_place() {
    let mut state = State::default();
    let fault = Fault::new(FaultClass::NotFound, Phase::Prepare, "no such endpoint");
    state.apply(Update::Run(RunNews::Refused {
        id: RunId(1),
        fault: fault.clone(),
    }));
    assert_eq!(state.refused[&RunId(1)], fault);
}
