//! Changes to a conversation, independent of any window.
//!
//! In: a [`Conversation`] and its runs. Out: the changed conversation, and the requests to send.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use crate::{
    chat::{self, ChatRequest, Message, Part, ToolCall},
    conversation::{Conversation, ConversationId, Draft, MAX_PANES, Pane},
    endpoint::{Endpoint, TargetId},
    engine::SendRun,
    run::{Origin, Run, RunId},
    settings::Settings,
};

/// The prompt in the composer at the very first start.
const FIRST_PROMPT: &str = "Why does the first token of an answer take so long, and what decides how \
fast the rest follows? Explain it to an engineer in three short paragraphs, with one small table";

/// A conversation id: ordered by time and unique, like run ids.
fn new_conversation_id() -> ConversationId {
    ConversationId(RunId::new().0)
}

/// The wall clock in nanoseconds since 1970, to the millisecond, taken from a new run id.
pub fn now_unix_ns() -> i64 {
    (RunId::new().0 >> 20).saturating_mul(1_000_000)
}

/// The targets at the very first start: two of an endpoint from the environment, else of the simulator, else of any
/// endpoint that has models.
fn first_targets(settings: &Settings) -> Vec<TargetId> {
    let rank = |e: &&Endpoint| match (e.simulated, settings.built_in.contains(&e.id)) {
        (false, true) => 0,
        (true, _) => 1,
        (false, false) => 2,
    };
    let with_models = settings.endpoints.iter().filter(|e| !e.models.is_empty());
    let Some(endpoint) = with_models.min_by_key(rank) else {
        return Vec::new();
    };
    let of = |model: &String| TargetId {
        endpoint: endpoint.id.clone(),
        model: model.clone(),
    };
    let mut targets: Vec<_> = endpoint.models.iter().take(2).map(of).collect();
    if let [only] = &targets[..] {
        targets.push(only.clone());
    }
    targets
}

/// The conversation at the very first start: two panes and a prompt.
pub fn first_conversation(settings: &Settings) -> Conversation {
    let mut conversation = Conversation {
        id: new_conversation_id(),
        draft: Draft {
            text: FIRST_PROMPT.to_owned(),
            images: Vec::new(),
        },
        ..Conversation::default()
    };
    for target in first_targets(settings) {
        add_pane(&mut conversation, Some(target));
    }
    while conversation.panes.len() < 2 {
        add_pane(&mut conversation, None);
    }
    conversation
}

/// An empty conversation with the targets and settings of this one's panes.
pub fn next_conversation(old: &Conversation) -> Conversation {
    let mut panes = old.panes.clone();
    for pane in &mut panes {
        pane.turns.clear();
    }
    Conversation {
        id: new_conversation_id(),
        panes,
        ..Conversation::default()
    }
}

/// A random pane id, so that no other window uses the same for a new pane.
fn new_pane_id(conversation: &Conversation) -> u32 {
    loop {
        let id = rand::random_range(1..=u32::MAX);
        if conversation.panes.iter().all(|pane| pane.id != id) {
            return id;
        }
    }
}

/// Adds a pane at the end; returns its id, or `None` if there are [`MAX_PANES`] already.
pub fn add_pane(conversation: &mut Conversation, target: Option<TargetId>) -> Option<u32> {
    let pane = Pane {
        target,
        ..Pane::default()
    };
    insert_pane(conversation, conversation.panes.len(), pane)
}

/// Inserts a copy of pane `id` beside it, with the turns before turn `until`.
pub fn fork_pane(conversation: &mut Conversation, id: u32, until: usize) -> Option<u32> {
    let at = conversation.panes.iter().position(|p| p.id == id)?;
    let mut copy = conversation.panes[at].clone();
    copy.turns.truncate(until);
    insert_pane(conversation, at + 1, copy)
}

fn insert_pane(conversation: &mut Conversation, at: usize, mut pane: Pane) -> Option<u32> {
    if conversation.panes.len() >= MAX_PANES {
        return None;
    }
    pane.id = new_pane_id(conversation);
    let id = pane.id;
    conversation.panes.insert(at, pane);
    Some(id)
}

/// A new conversation with only pane `id`, with the turns before turn `until`.
pub fn fork_conversation(old: &Conversation, id: u32, until: usize) -> Option<Conversation> {
    let mut pane = old.panes.iter().find(|p| p.id == id)?.clone();
    pane.turns.truncate(until);
    let title = match old.title.as_str() {
        "" => String::new(),
        title => format!("{title} (fork)"),
    };
    Some(Conversation {
        id: new_conversation_id(),
        title,
        panes: vec![pane],
        ..Conversation::default()
    })
}

/// Moves a pane by a number of positions.
pub fn move_pane(conversation: &mut Conversation, id: u32, by: isize) {
    let panes = &mut conversation.panes;
    if let Some(at) = panes.iter().position(|p| p.id == id)
        && let Some(to) = at.checked_add_signed(by)
        && to < panes.len()
    {
        panes.swap(at, to);
    }
}

/// Moves pane `id` to the position of pane `at`; those in between shift.
pub fn place_pane(conversation: &mut Conversation, id: u32, at: u32) {
    let panes = &mut conversation.panes;
    let place = |panes: &[Pane], id| panes.iter().position(|p| p.id == id);
    if let (Some(from), Some(to)) = (place(panes, id), place(panes, at)) {
        let pane = panes.remove(from);
        panes.insert(to, pane);
    }
}

/// The pane with this id.
pub fn pane_mut(conversation: &mut Conversation, id: u32) -> Option<&mut Pane> {
    conversation.panes.iter_mut().find(|p| p.id == id)
}

/// A draft as the parts of a message; empty if the draft is.
pub fn parts_of(draft: &Draft) -> Vec<Part> {
    let images = draft.images.iter().cloned().map(Part::Media);
    let text = draft.text.trim();
    let text = (!text.is_empty()).then(|| Part::Text {
        text: text.to_owned(),
    });
    images.chain(text).collect()
}

/// A sent message as a draft.
pub fn draft_of(parts: &[Part]) -> Draft {
    let mut draft = Draft::default();
    for part in parts {
        match part {
            Part::Text { text } => draft.text.push_str(text),
            Part::Media(image) => draft.images.push(image.clone()),
            // A prompt contains none of these.
            Part::ToolCall(_)
            | Part::ToolResult { .. }
            | Part::Reasoning { .. }
            | Part::Signature { .. }
            | Part::Opaque { .. } => {}
        }
    }
    draft
}

/// The request of a turn: all answered turns before it, then its own question.
pub fn request(pane: &Pane, turn: usize, runs: &HashMap<RunId, Run>) -> Option<ChatRequest> {
    let target = pane.target.as_ref()?;
    let asked = pane.turns.get(turn)?;
    let mut messages = Vec::new();
    for (index, earlier) in pane.turns[..turn].iter().enumerate() {
        // A turn without an answer is not sent.
        let answer = (earlier.run()).and_then(|id| {
            let run = runs.get(&id)?;
            run.answer.message(run.head.dialect.as_str())
        });
        let is_answered = chat::holds_results(&pane.turns[index + 1].user);
        let answer = answer.and_then(|answer| {
            if is_answered {
                Some(answer)
            } else {
                without_open_calls(answer)
            }
        });
        if let Some(answer) = answer {
            messages.push(Message::asked(earlier.user.clone()));
            messages.push(answer);
        }
    }
    messages.push(Message::asked(asked.user.clone()));
    if asked.raw_body.is_some() {
        // The body contains everything else.
        return Some(ChatRequest {
            model: target.model.clone(),
            messages,
            raw_body: asked.raw_body.clone(),
            ..ChatRequest::default()
        });
    }
    Some(ChatRequest {
        model: target.model.clone(),
        system: Some(pane.system.clone()).filter(|s| !s.trim().is_empty()),
        messages,
        params: pane.params.clone(),
        tools: pane.tools.clone(),
        raw_body: None,
    })
}

/// The request that the pane would send next with these parts.
pub fn next_request(
    pane: &Pane,
    parts: Vec<Part>,
    runs: &HashMap<RunId, Run>,
) -> Option<ChatRequest> {
    let mut pane = pane.clone();
    pane.ask(parts, None);
    request(&pane, pane.turns.len() - 1, runs)
}

/// The results of an answer's calls, in the order of the calls.
pub fn results_of(calls: &[ToolCall], results: &[String]) -> Vec<Part> {
    let pairs = calls.iter().zip(results);
    pairs
        .map(|(call, content)| Part::ToolResult {
            id: call.id.clone(),
            name: call.name.clone(),
            content: content.clone(),
        })
        .collect()
}

/// Removes tool calls: providers refuse a call that is not followed by its result.
fn without_open_calls(mut message: Message) -> Option<Message> {
    message
        .parts
        .retain(|part| !matches!(part, Part::ToolCall(_)));
    (!message.parts.is_empty()).then_some(message)
}

/// Adds a run to a turn and returns what to send; `None` if the pane has no target.
pub fn ask(pane: &mut Pane, turn: usize, runs: &HashMap<RunId, Run>) -> Option<SendRun> {
    let request = Arc::new(request(pane, turn, runs)?);
    let endpoint = pane.target.as_ref()?.endpoint.clone();
    let asked = pane.turns.get_mut(turn)?;
    let id = RunId::new();
    asked.runs.push(id);
    asked.shown = asked.runs.len() - 1;
    Some(SendRun {
        id,
        endpoint,
        request,
        origin: Origin::Playground,
        cold: pane.cold,
    })
}

/// Adds a question at the end of a pane and returns what to send.
pub fn ask_next(pane: &mut Pane, parts: Vec<Part>, runs: &HashMap<RunId, Run>) -> Option<SendRun> {
    ask_turn(pane, parts, None, runs)
}

/// The same, optionally with a hand-written body.
pub fn ask_turn(
    pane: &mut Pane,
    user: Vec<Part>,
    raw_body: Option<Value>,
    runs: &HashMap<RunId, Run>,
) -> Option<SendRun> {
    pane.target.as_ref()?;
    pane.ask(user, raw_body);
    ask(pane, pane.turns.len() - 1, runs)
}

/// Panes whose turn `turn` asks the same as that turn of pane `id`.
pub fn panes_asking_the_same(conversation: &Conversation, id: u32, turn: usize) -> Vec<u32> {
    let question = |pane: &Pane| pane.turns.get(turn).map(|t| t.user.clone());
    let Some(asked) = conversation
        .panes
        .iter()
        .find(|p| p.id == id)
        .and_then(question)
    else {
        return Vec::new();
    };
    let same = conversation
        .panes
        .iter()
        .filter(|p| question(p).as_ref() == Some(&asked));
    same.map(|p| p.id).collect()
}
