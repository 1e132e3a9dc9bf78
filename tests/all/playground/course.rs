//! What the engine tells of a run: accepted, started, the head, reads, closed, over.

use egui_kittest::Harness;
use tokenscope::{
    dialect::DialectId,
    endpoint::TargetId,
    engine::{RunNews, SendRun, Update},
    event::{Event, Fault, Finish, FinishReason, ToolCallDelta, Usage},
    run::{ConnectionKind, Origin, Read, Run, RunHead, RunId, RunState, RunUpdate, Stamps},
};

use super::rig::{Rig, ask};
use crate::desktop::scenes::findings_of;

const MS: u64 = 1_000_000;

/// What becomes of a run: until it is over, [`put`] may be given a longer one.
#[derive(Clone)]
pub struct Course {
    pub head: RunHead,
    pub connection: ConnectionKind,
    /// When the first token comes.
    pub first_ms: u64,
    /// When the others come.
    pub last_ms: u64,
    pub reasoning: String,
    pub text: String,
    /// What comes after the text, before the end.
    pub events: Vec<Event>,
    pub usage: Option<Usage>,
    pub finish: Option<Finish>,
    pub fault: Option<Fault>,
    pub is_over: bool,
}

/// A run that was sent and has no answer yet.
pub fn waiting(run: &SendRun) -> Course {
    Course {
        head: head(run),
        connection: ConnectionKind::Warm,
        first_ms: 200,
        last_ms: 400,
        reasoning: String::new(),
        text: String::new(),
        events: Vec::new(),
        usage: None,
        finish: None,
        fault: None,
        is_over: false,
    }
}

/// A run that streams.
pub fn streaming(run: &SendRun, text: &str) -> Course {
    Course {
        text: text.into(),
        ..waiting(run)
    }
}

/// A run that ended well, with these figures.
pub fn ended(
    run: &SendRun,
    text: &str,
    ttft_ms: u64,
    total_ms: u64,
    connection: ConnectionKind,
) -> Course {
    Course {
        connection,
        first_ms: ttft_ms,
        last_ms: total_ms,
        usage: Some(Usage {
            input: Some(12),
            output: Some(100),
            ..Usage::default()
        }),
        finish: Some(Finish {
            reason: FinishReason::Stop,
            raw: "stop".into(),
        }),
        is_over: true,
        ..streaming(run, text)
    }
}

impl Course {
    /// The same, with these events after its text.
    pub fn with(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.events.extend(events);
        self
    }

    /// The same, but it fails.
    pub fn failed(self, fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            usage: None,
            finish: None,
            is_over: true,
            ..self
        }
    }

    /// The run that comes of it.
    pub fn run(&self) -> Run {
        let mut run = Run::new(self.head.clone());
        self.advance(&mut run);
        run
    }

    /// What is still to be told to one who knows this much of it.
    fn updates(self, known: Option<Run>) -> Vec<Update> {
        let id = self.head.id;
        let mut updates = Vec::new();
        let mut run = known.unwrap_or_else(|| {
            let head = Box::new(self.head.clone());
            updates.push(Update::Run(RunNews::Accepted(head)));
            Run::new(self.head.clone())
        });
        let advance = self.advance(&mut run).into_iter();
        updates.extend(advance.map(|update| {
            let update = update.into();
            Update::Run(RunNews::Update { id, update })
        }));
        if self.is_over {
            updates.extend(over(run));
        }
        updates
    }

    /// Brings a run up to what this is, and gives the updates that did.
    fn advance(&self, run: &mut Run) -> Vec<RunUpdate> {
        let mut updates = Vec::new();
        let mut tell = |run: &mut Run, update: RunUpdate| {
            run.apply(&update).unwrap();
            updates.push(update);
        };
        if run.state == RunState::Queued {
            tell(run, RunUpdate::Started { started_unix_ns: 0 });
            tell(run, self.response_head());
        }
        let mut events = self.rest(run);
        if run.stamps.first_token.is_none() && !events.is_empty() {
            let others = first_token(&mut events);
            tell(run, read(self.first_ms, events));
            events = others;
        }
        if !events.is_empty() {
            tell(run, read(self.last_ms, events));
        }
        if self.is_over {
            let fault = self.fault.clone().map(Event::Fault);
            let update = closed(run, fault.into_iter().collect());
            tell(run, update);
        }
        updates
    }

    fn response_head(&self) -> RunUpdate {
        let sent = match self.connection {
            ConnectionKind::Cold => 90,
            ConnectionKind::Warm => 1,
        };
        RunUpdate::Head {
            stamps: Box::new(Stamps {
                request_sent: Some(sent * MS),
                ..Stamps::default()
            }),
            connection: self.connection,
            status: (self.fault.as_ref())
                .and_then(|fault| fault.status)
                .unwrap_or(200),
            http_version: "HTTP/1.1".into(),
        }
    }

    /// The events that a run has not had yet.
    fn rest(&self, run: &Run) -> Vec<Event> {
        let grown = |whole: &str, told: &str| {
            let rest = whole.strip_prefix(told).expect("an answer only grows");
            (!rest.is_empty()).then(|| rest.to_owned())
        };
        let reasoning = grown(&self.reasoning, &run.answer.reasoning);
        let text = grown(&self.text, &run.answer.text);
        let mut events: Vec<_> = reasoning
            .map(|text| Event::Reasoning { text })
            .into_iter()
            .collect();
        events.extend(text.map(|text| Event::Text { text }));
        if self.is_over {
            events.extend(self.events.iter().cloned());
            events.extend(self.usage.map(Event::Usage));
            events.extend(self.finish.clone().map(Event::Finish));
        }
        events
    }
}

fn head(run: &SendRun) -> RunHead {
    RunHead {
        id: run.id,
        target: TargetId {
            endpoint: run.endpoint.clone(),
            model: run.request.model.clone(),
        },
        dialect: DialectId::OpenaiChat,
        route: String::new(),
        url: "http://127.0.0.1:9/v1/chat/completions".into(),
        simulated: run.endpoint == "simulated",
        origin: Origin::Playground,
        attempt: 1,
        request: run.request.clone(),
    }
}

/// Leaves the first event, of a text its first character, and gives the others.
fn first_token(events: &mut Vec<Event>) -> Vec<Event> {
    let mut others = events.split_off(1);
    if let Event::Text { text } | Event::Reasoning { text } = &mut events[0] {
        let rest = text.split_off(text.chars().next().map_or(0, char::len_utf8));
        let more = match &events[0] {
            Event::Text { .. } => Event::Text { text: rest },
            _ => Event::Reasoning { text: rest },
        };
        others.insert(0, more);
    }
    others
}

fn read(at_ms: u64, events: Vec<Event>) -> RunUpdate {
    let tokens = events.iter().filter(|event| event.is_token()).count();
    let read = Read {
        at: at_ms * MS,
        bytes: 99,
        events: u32::try_from(events.len()).unwrap(),
        tokens: u32::try_from(tokens).unwrap(),
        ..Read::default()
    };
    RunUpdate::Read { read, events }
}

/// The end of a run, together with its last read.
fn closed(run: &Run, events: Vec<Event>) -> RunUpdate {
    let at = run.reads.last().map_or(MS, |read| read.at);
    RunUpdate::Closed {
        at,
        events,
        stamps: Box::new(Stamps {
            closed: Some(at),
            ..run.stamps.clone()
        }),
    }
}

/// What follows the last update of a run.
fn over(run: Run) -> [Update; 2] {
    let findings = findings_of(&run);
    [Update::Run(RunNews::Over(run.into())), findings]
}

/// A function call, whole or its first piece.
pub fn tool_call(index: usize, name: &str, arguments: &str) -> Event {
    Event::ToolCall(ToolCallDelta {
        index,
        id: Some(format!("call_{index}")),
        name: Some(name.into()),
        arguments: arguments.into(),
    })
}

/// Tells the window what it does not know yet of a run that it asked.
pub fn put(harness: &mut Harness<'_, Rig>, course: Course) {
    let rig = harness.state_mut();
    let known = rig.run(course.head.id).cloned();
    for update in course.updates(known) {
        rig.tell(update);
    }
}

/// Tells the window one read of a run that streams.
pub fn put_read(harness: &mut Harness<'_, Rig>, id: RunId, events: &[Event]) {
    let update = read(400, events.to_vec()).into();
    harness
        .state_mut()
        .tell(Update::Run(RunNews::Update { id, update }));
}

/// Tells the window that a run is over, as its reads have left it.
pub fn put_closed(harness: &mut Harness<'_, Rig>, id: RunId) {
    let rig = harness.state_mut();
    let mut run = rig.run(id).unwrap().clone();
    let update = closed(&run, Vec::new());
    run.apply(&update).unwrap();
    let update = update.into();
    rig.tell(Update::Run(RunNews::Update { id, update }));
    for update in over(run) {
        rig.tell(update);
    }
}

/// Tells the window what the history has of a run.
pub fn put_loaded(harness: &mut Harness<'_, Rig>, course: &Course) {
    let run = course.run();
    let findings = course.is_over.then(|| findings_of(&run));
    let loaded = Update::Run(RunNews::Loaded {
        id: run.head.id,
        run: Some(Box::new(run)),
    });
    for update in [loaded].into_iter().chain(findings) {
        harness.state_mut().tell(update);
    }
}

/// Lets these runs end with this text, and shows it.
pub fn answer_all(harness: &mut Harness<'_, Rig>, sent: &[SendRun], text: &str) {
    for run in sent {
        put(harness, ended(run, text, 1, 2, ConnectionKind::Warm));
    }
    harness.run_steps(2);
}

/// Asks two panes, and lets their runs end with these times of the first token and of the last.
pub fn race(harness: &mut Harness<'_, Rig>, ends: [(u64, u64, ConnectionKind); 2]) -> Vec<SendRun> {
    let sent = ask(harness, "Race");
    for (run, (ttft_ms, total_ms, connection)) in sent.iter().zip(ends) {
        put(
            harness,
            ended(run, "finished", ttft_ms, total_ms, connection),
        );
    }
    harness.run_steps(2);
    sent
}
