//! What is not the same when an answer of one protocol is told in another, and why.

mod changes;

use changes::{
    each_finish, each_id, end_once, forget_late_sources, forget_names_of_failures, last_names,
    refusals_as_text, says_nothing, whole_calls,
};
use tokenscope::{
    dialect::{
        Dialect,
        DialectId::{self, Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses, VertexGrpc},
    },
    event::{Event, Fault, FaultClass, Finish, FinishReason, Phase},
};

/// Something that is not the same in some pairs.
pub struct Differs {
    /// The protocols that answers come by; all if there are none.
    pub from: &'static [DialectId],
    /// The protocols that they are told in; all if there are none.
    pub to: &'static [DialectId],
    /// What it is.
    pub what: &'static str,
    /// Why it can't be the same.
    pub why: &'static str,
    /// Makes what differs in it only the same.
    pub change: fn(&mut Vec<Event>),
}

impl Differs {
    pub fn holds(&self, from: &Dialect, to: &Dialect) -> bool {
        let among = |all: &[DialectId], one| all.is_empty() || all.contains(&one);
        among(self.from, from.id) && among(self.to, to.id)
    }
}

pub const DIFFERS: &[Differs] = &[
    Differs {
        from: &[],
        to: &[],
        what: "signatures, and ids of calls",
        why: "a signature is its own protocol's; Google's goes into the id of the call, and a call without an id gets one",
        change: |events| {
            events.retain(|event| !matches!(event, Event::Signature { .. }));
            each_id(events);
        },
    },
    Differs {
        from: &[],
        to: &[Anthropic],
        what: "a source behind a call or a file at the end",
        why: "it belongs to a text there, and the last one was told",
        change: forget_late_sources,
    },
    Differs {
        from: &[],
        to: &[],
        what: "items",
        why: "only their own protocol understands them",
        change: |events| events.retain(|event| !matches!(event, Event::Opaque { .. })),
    },
    Differs {
        from: &[],
        to: &[],
        what: "parameters that were said back, and the server's own times",
        why: "the protocol has no field for them, or says its own",
        change: |events| {
            events.retain(|event| !matches!(event, Event::Echo { .. } | Event::Timing { .. }));
        },
    },
    Differs {
        from: &[],
        to: &[],
        what: "pieces that say nothing",
        why: "they begin a part of their own protocol, or show that the model is at work",
        change: |events| events.retain(|event| !says_nothing(event)),
    },
    Differs {
        from: &[],
        to: &[],
        what: "when the connection was kept open",
        why: "some protocols have nothing for it, and others tell what is queued first",
        change: |events| events.retain(|event| !matches!(event, Event::KeepAlive { .. })),
    },
    Differs {
        from: &[],
        to: &[],
        what: "the pieces of a call and where they stand, and how its arguments are written",
        why: "some protocols tell a call whole, one after the other, and its arguments as an object or as a `Struct`",
        change: whole_calls,
    },
    Differs {
        from: &[],
        to: &[],
        what: "when the reason to end and the counts were told, and the end mark",
        why: "the gateway tells them once, last; some protocols have no mark",
        change: end_once,
    },
    Differs {
        from: &[],
        to: &[],
        what: "the provider's own word for the end",
        why: "each protocol has its own; the class of the end is the same",
        change: |events| {
            for event in events {
                if let Event::Finish(finish) = event
                    && finish.reason != FinishReason::Other
                {
                    finish.raw.clear();
                }
            }
        },
    },
    Differs {
        from: &[],
        to: &[],
        what: "an error's code, details and status",
        why: "each protocol has its own codes; the message is the same",
        change: |events| {
            for event in events {
                if let Event::Fault(fault) = event {
                    let message = std::mem::take(&mut fault.message);
                    *fault = Fault::new(fault.class, Phase::Stream, message);
                }
            }
        },
    },
    Differs {
        from: &[],
        to: &[OpenaiChat, OpenaiResponses, Anthropic, Ollama],
        what: "files that the protocol has no place for",
        why: "an answer may have images there, or nothing but text",
        change: |events| events.retain(|event| !matches!(event, Event::Media(_))),
    },
    Differs {
        from: &[],
        to: &[Ollama],
        what: "sources",
        why: "an answer is text and calls there",
        change: |events| events.retain(|event| !matches!(event, Event::Citation(_))),
    },
    Differs {
        from: &[],
        to: &[Ollama],
        what: "which tokens were cached or reasoning, and an answer's id",
        why: "it has two counts, and no id",
        change: |events| {
            for event in events.iter_mut() {
                match event {
                    Event::Usage(usage) => {
                        (usage.cached, usage.cache_written) = (None, None);
                        (usage.reasoning, usage.total) = (None, None);
                    }
                    Event::Meta { id, .. } => *id = None,
                    _ => {}
                }
            }
        },
    },
    Differs {
        from: &[],
        to: &[Ollama],
        what: "the class of an error inside a stream, and a call that it broke off",
        why: "an error is a text there, and calls are told whole",
        change: |events| {
            for event in events.iter_mut() {
                if let Event::Fault(fault) = event
                    && !matches!(fault.class, FaultClass::Interrupted | FaultClass::Protocol)
                {
                    fault.class = FaultClass::Provider;
                }
            }
            if events.iter().any(|event| event.fault().is_some()) {
                events.retain(|event| !matches!(event, Event::ToolCall(_)));
            }
        },
    },
    Differs {
        from: &[],
        to: &[],
        what: "the names of an answer that failed at once",
        why: "some protocols tell them with the first piece only",
        change: forget_names_of_failures,
    },
    Differs {
        from: &[],
        to: &[Ollama],
        what: "that a filter ended an answer",
        why: "it has no word for that",
        change: |events| {
            each_finish(events, |finish| {
                if finish.reason == FinishReason::ContentFilter {
                    finish.reason = FinishReason::Stop;
                }
            });
        },
    },
    Differs {
        from: &[],
        to: &[OpenaiResponses, Ollama, Gemini, VertexGrpc],
        what: "an end for calls where there are none, and the other way round",
        why: "one word stands for both ends; the calls tell them apart",
        change: |events| {
            let calls = events
                .iter()
                .any(|event| matches!(event, Event::ToolCall(_)));
            each_finish(events, |finish| {
                finish.reason = match finish.reason {
                    FinishReason::Stop | FinishReason::ToolCalls if calls => {
                        FinishReason::ToolCalls
                    }
                    FinishReason::ToolCalls => FinishReason::Stop,
                    other => other,
                };
            });
        },
    },
    Differs {
        from: &[],
        to: &[],
        what: "an end without a reason",
        why: "clients wait for one: it ended well",
        change: |events| {
            let is_finish = |event: &Event| matches!(event, Event::Finish(_));
            let end = events.iter().position(|event| *event == Event::Done);
            if let Some(end) = end.filter(|_| !events.iter().any(is_finish)) {
                let calls = events
                    .iter()
                    .any(|event| matches!(event, Event::ToolCall(_)));
                let reason = if calls {
                    FinishReason::ToolCalls
                } else {
                    FinishReason::Stop
                };
                let usage = matches!(events.get(end.wrapping_sub(1)), Some(Event::Usage(_)));
                let raw = String::new();
                events.insert(
                    end - usize::from(usage),
                    Event::Finish(Finish { reason, raw }),
                );
            }
        },
    },
    Differs {
        from: &[],
        to: &[Ollama],
        what: "a refusal",
        why: "it is a text there, and no end of its own",
        change: |events| {
            refusals_as_text(events);
        },
    },
    Differs {
        from: &[],
        to: &[Anthropic],
        what: "how a refusal is told",
        why: "it is a text there, and the reason to end says what it is",
        change: |events| {
            if refusals_as_text(events) {
                each_finish(events, |finish| finish.reason = FinishReason::ContentFilter);
            }
        },
    },
    Differs {
        from: &[],
        to: &[OpenaiChat, OpenaiResponses, Gemini, VertexGrpc],
        what: "sources that were told before, or have neither address nor title",
        why: "a client counts each once, by its address or title",
        change: |events| {
            let mut known = Vec::new();
            events.retain(|event| match event {
                Event::Citation(citation) => {
                    let key = citation.url.clone().or_else(|| citation.title.clone());
                    let is_new = key.is_some() && !known.contains(&key);
                    known.push(key);
                    is_new
                }
                _ => true,
            });
        },
    },
    Differs {
        from: &[],
        to: &[Gemini, VertexGrpc, Ollama],
        what: "names that changed before the first piece",
        why: "they are told with it",
        change: last_names,
    },
    Differs {
        from: &[],
        to: &[Gemini, VertexGrpc],
        what: "the pieces of a refusal",
        why: "it is a message beside the end",
        change: |events| {
            let mut refusal = String::new();
            events.retain(|event| match event {
                Event::Refusal { text } => {
                    refusal.push_str(text);
                    false
                }
                _ => true,
            });
            if !refusal.is_empty() {
                each_finish(events, |finish| finish.reason = FinishReason::ContentFilter);
                events.insert(0, Event::Refusal { text: refusal });
            }
        },
    },
    Differs {
        from: &[],
        to: &[Gemini, VertexGrpc],
        what: "which tokens were written to a cache",
        why: "there is no such count",
        change: |events| {
            for event in events {
                if let Event::Usage(usage) = event {
                    usage.cache_written = None;
                }
            }
        },
    },
    Differs {
        from: &[],
        to: &[VertexGrpc],
        what: "ids of calls, names of files, counts of 0, and other words for the end",
        why: "the messages have no such fields, a zero is no field, and the words are numbers",
        change: |events| {
            each_finish(events, |finish| finish.raw.clear());
            for event in events {
                match event {
                    Event::ToolCall(delta) => delta.id = None,
                    Event::Media(media) => media.name.clear(),
                    Event::Usage(usage) => {
                        for count in [&mut usage.cached, &mut usage.reasoning] {
                            *count = count.filter(|count| *count > 0);
                        }
                    }
                    _ => {}
                }
            }
        },
    },
];
