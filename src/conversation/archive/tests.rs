use std::{collections::HashMap, sync::Arc};

use serde_json::json;

use super::*;
use crate::{
    chat::{Media, ToolCall},
    conversation::{ConversationId, TurnId},
    event::{Answer, Citation, Event, Finish, FinishReason, ToolCallDelta, Usage},
    run::{Origin, Read, RunHead, RunState},
};

/// A run of this key with an answer of all kinds of parts.
fn run(id: i64, pane: &Pane) -> Run {
    let target = pane.target.clone().unwrap();
    let mut run = Run::new(RunHead {
        id: RunId(id),
        target: target.clone(),
        dialect: DialectId::Gemini,
        route: "direct".into(),
        url: "https://host.example/v1?key=secret".into(),
        simulated: false,
        origin: Origin::Playground,
        attempt: 1,
        request: Arc::new(ChatRequest {
            model: target.model,
            system: Some(pane.system.clone()),
            params: pane.params.clone(),
            ..ChatRequest::default()
        }),
    });
    run.state = RunState::Ok;
    run.connection = Some(ConnectionKind::Warm);
    run.status = Some(200);
    run.stamps.started_unix_ns = 1_700_000_000_000_000_000;
    run.stamps.first_token = Some(5_000_000);
    run.reads.push(Read {
        at: 5_000_000,
        tokens: 3,
        ..Read::default()
    });
    run.answer = answer();
    run
}

fn answer() -> Answer {
    let text = |text: &str| Event::Text { text: text.into() };
    let mut answer = Answer::default();
    for event in [
        Event::Reasoning { text: "Hm".into() },
        text("Hé"),
        Event::Signature { value: "s1".into() },
        text("llo"),
        Event::Opaque {
            kind: "item".into(),
            raw: "{}".into(),
        },
        Event::Media(Media {
            mime: "image/png".into(),
            data: b"png".as_slice().into(),
            ..Media::default()
        }),
        Event::ToolCall(ToolCallDelta {
            index: 0,
            id: Some("c".into()),
            name: Some("f".into()),
            arguments: "{}".into(),
        }),
        Event::Citation(Citation::default()),
        Event::Usage(Usage {
            output: Some(9),
            ..Usage::default()
        }),
        Event::Finish(Finish {
            reason: FinishReason::Stop,
            raw: "STOP".into(),
        }),
        Event::Done,
    ] {
        answer.apply(&event);
    }
    answer
}

fn pane(id: u32) -> Pane {
    let extra = json!({"api_key": "sk-secret", "top_k": 4});
    Pane {
        id,
        target: Some(TargetId {
            endpoint: "e".into(),
            model: format!("m{id}"),
        }),
        system: "Be brief".into(),
        params: Params {
            temperature: Some(0.5),
            extra: extra.as_object().unwrap().clone(),
            ..Params::default()
        },
        ..Pane::default()
    }
}

fn turn(id: i64, runs: &[i64], shown: usize) -> Turn {
    Turn {
        id: TurnId(id),
        user: vec![Part::Text {
            text: format!("question {id}"),
        }],
        runs: runs.iter().copied().map(RunId).collect(),
        shown,
        ..Turn::default()
    }
}

fn conversation() -> (Conversation, HashMap<RunId, Run>) {
    let (mut one, mut two) = (pane(1), pane(2));
    let ids = [10, 11, 20, 30];
    let mut runs: HashMap<RunId, Run> = ids
        .into_iter()
        .map(|id| (RunId(id), run(id, &one)))
        .collect();
    one.turns = vec![turn(1, &[10, 11], 0), turn(2, &[20], 0)];
    // 21 was deleted from the history.
    two.turns = vec![turn(1, &[21, 30], 1)];
    // It was asked before the pane's settings were changed.
    let early = runs.get_mut(&RunId(20)).unwrap();
    Arc::make_mut(&mut early.head.request).system = None;
    let conversation = Conversation {
        id: ConversationId(7),
        title: "Talk".into(),
        panes: vec![one, two],
        updated_unix_ns: 5,
        ..Conversation::default()
    };
    (conversation, runs)
}

#[test]
fn what_is_read_back_is_the_same_conversation_under_new_keys() {
    let (first, runs) = conversation();
    let written = ArchivedConversation::of(&first, &runs);
    let json = serde_json::to_string(&written).unwrap();
    let read: ArchivedConversation = serde_json::from_str(&json).unwrap();
    assert_eq!(read, written);
    assert_eq!(read.problem(), None);
    let (second, restored) = read.restored();
    assert_ne!(second.id, first.id);
    assert!(restored.iter().all(|run| !runs.contains_key(&run.head.id)));
    assert!(restored.iter().all(|run| run.head.origin == Origin::Import));
    assert!(restored.iter().all(|run| run.answer == answer()));
    assert_eq!(restored[2].head.request.system, None);
    assert_eq!(restored[0].head.request.system.as_deref(), Some("Be brief"));
    let by_id = restored.into_iter().map(|run| (run.head.id, run)).collect();
    assert_eq!(ArchivedConversation::of(&second, &by_id), written);
    let shown = second.panes[1].turns[0].run().unwrap();
    assert_eq!(by_id[&shown].answer.text, "Héllo");
}

#[test]
fn no_secret_and_no_address_is_in_it() {
    let (conversation, runs) = conversation();
    let json = serde_json::to_string(&ArchivedConversation::of(&conversation, &runs)).unwrap();
    assert!(
        !json.contains("secret") && !json.contains("host.example"),
        "{json}"
    );
    assert!(json.contains("top_k"));
}

#[test]
fn an_answer_that_was_not_complete_says_so() {
    let (conversation, mut runs) = conversation();
    runs.get_mut(&RunId(20)).unwrap().state = RunState::Streaming;
    let archived = ArchivedConversation::of(&conversation, &runs);
    let fault = archived.panes[0].turns[1].answers[0].answer.fault.as_ref();
    assert_eq!(fault.unwrap().class, FaultClass::Interrupted);
}

#[test]
fn impossible_times_and_too_many_panes_are_found_with_their_place() {
    let (conversation, runs) = conversation();
    let mut archived = ArchivedConversation::of(&conversation, &runs);
    let measured = &mut archived.panes[1].turns[0].answers[0].measured;
    measured.as_mut().unwrap().stamps.last_token = Some(u64::MAX);
    let problem = archived.problem().unwrap();
    assert!(
        problem.starts_with(".panes[1].turns[0].answers[0].measured.stamps"),
        "{problem}"
    );
    archived.panes = vec![ArchivedPane::default(); 9];
    assert!(
        archived
            .problem()
            .unwrap()
            .starts_with(".panes: there are 9")
    );
}

#[test]
fn a_part_that_is_no_part_of_an_answer_is_dropped() {
    let result = Part::ToolResult {
        id: String::new(),
        name: String::new(),
        content: "x".into(),
    };
    let call = Part::ToolCall(ToolCall::default());
    let archived = ArchivedAnswer {
        parts: vec![result, call.clone(), call],
        ..ArchivedAnswer::default()
    };
    let answer = archived.into_answer();
    assert_eq!((answer.tool_calls.len(), answer.pieces.len()), (2, 2));
}
