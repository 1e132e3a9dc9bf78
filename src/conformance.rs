//! Conformance checks: parameters that were ignored, token counts that are missing or do not add up, and deviations
//! from the protocol.
//!
//! In: a [`Run`] that is over. Out: [`Finding`]s, each under one [`Check`]. They are derived from the run's
//! record by the rows of one table; the history keeps them only as an index of what it can derive again.

mod checked;
mod counts;
mod echoed;
mod heeded;
mod names;
mod shape;
mod tools;

use serde::Serialize;

pub use self::{checked::CheckedRun, shape::is_told};

use crate::{
    event::{About, Note, words},
    run::{Origin, Run, RunState},
};

words! {
    /// The checks of a run.
    Check {
        /// A setting was not sent, since the model or the protocol does not support it.
        NotSent = "not_sent",
        /// A parameter was sent, but ignored, as far as the answer shows.
        Ignored = "ignored",
        /// The answer has validation errors against the requested JSON schema.
        Schema = "schema",
        /// Another model answered.
        Model = "model",
        /// Token counts are missing or do not add up.
        Usage = "usage",
        /// The finish reason is missing, or contradicts the answer.
        Finish = "finish",
        /// The stream lacked its own end mark.
        EndMark = "end_mark",
        /// The response's content type is wrong.
        ContentType = "content_type",
        /// Something came in another form than the protocol specifies.
        Malformed = "malformed",
        /// Something came that the protocol's documentation does not name.
        Unknown = "unknown",
    }
}

/// A finding in one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Under which check.
    pub check: Check,
    /// What, in one sentence without a period.
    pub text: String,
}

/// A row of the table of checks.
#[derive(Debug)]
pub struct CheckRow {
    /// The check.
    pub check: Check,
    /// Its name in tables.
    pub label: &'static str,
    /// What it means, for a hover text.
    pub meaning: &'static str,
    find: fn(&Run) -> Vec<String>,
}

/// All checks, in the order of tables.
#[rustfmt::skip]
pub static CHECKS: &[CheckRow] = &[
    CheckRow { check: Check::NotSent, label: "Not sent", meaning: "Something was asked that this model or protocol does not take, so it was left out of the request", find: heeded::not_sent },
    CheckRow { check: Check::Ignored, label: "Ignored", meaning: "The answer shows that a parameter was not heeded: it goes on past the token limit or a stop string, is not the JSON that was asked for, calls no function or another one than it had to, or the provider says back another value than was sent", find: heeded::ignored },
    CheckRow { check: Check::Schema, label: "Off schema", meaning: "A JSON schema was asked for, and the whole answer does not fit it; the first place is told", find: heeded::off_schema },
    CheckRow { check: Check::Model, label: "Other model", meaning: "The provider says that another model answered than the one asked", find: heeded::other_model },
    CheckRow { check: Check::Usage, label: "Token counts", meaning: "Token counts are missing, or do not add up", find: counts::usage },
    CheckRow { check: Check::Finish, label: "Finish reason", meaning: "Why the answer ended was not said, or does not fit what came", find: shape::finish },
    CheckRow { check: Check::EndMark, label: "End mark", meaning: "The stream lacked the end mark of its protocol, or it came twice", find: shape::end_mark },
    CheckRow { check: Check::ContentType, label: "Content type", meaning: "The response’s content type says something else than what came, or a whole answer came to a streamed request", find: shape::content_type },
    CheckRow { check: Check::Malformed, label: "Malformed", meaning: "A piece came in another form than the protocol has it: split or replaced characters, blocks out of order, arguments that are not JSON", find: shape::malformed },
    CheckRow { check: Check::Unknown, label: "Unknown piece", meaning: "Something came that Tokenscope does not know in this protocol; it is kept word for word", find: shape::unknown },
];

/// The findings of a run; none while it is live, none if it got no answer, and none if that was imported.
#[must_use]
pub fn findings(run: &Run) -> Vec<Finding> {
    if !run.state.is_over() || run.head.origin == Origin::Import {
        return Vec::new();
    }
    CHECKS
        .iter()
        .flat_map(|row| {
            let texts = (row.find)(run).into_iter();
            texts.map(|text| Finding {
                check: row.check,
                text,
            })
        })
        .collect()
}

/// All but those on unknown parts, which are shown word for word beside the findings.
#[must_use]
pub fn in_words(findings: &[Finding]) -> Vec<&Finding> {
    let known = |finding: &&Finding| finding.check != Check::Unknown;
    findings.iter().filter(known).collect()
}

/// Whether a run can be checked: an answer came here, complete or not.
#[must_use]
pub fn tells(run: &Run) -> bool {
    run.state.is_over()
        && run.head.origin != Origin::Import
        && run.status.is_some_and(|status| status < 300)
}

/// The row of a check.
#[must_use]
pub fn row(check: Check) -> &'static CheckRow {
    // Every check has its row: a test says so.
    CHECKS
        .iter()
        .find(|row| row.check == check)
        .unwrap_or(&CHECKS[0])
}

/// Whether the answer ended cleanly, so that missing parts are findings.
fn is_whole(run: &Run) -> bool {
    run.state == RunState::Ok
}

/// The run's notes about this.
fn notes_on(run: &Run, about: About) -> Vec<String> {
    let notes = run.answer.notes.iter();
    let hit = notes.filter(|(note, _)| note.about == about);
    hit.map(counted).collect()
}

/// A note, with how often it came.
fn counted((note, times): &(Note, u64)) -> String {
    match times {
        0 | 1 => note.text.clone(),
        times => format!("{} ({times} times)", note.text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        chat::{ChatRequest, Params, ResponseFormat, Tool, ToolCall},
        dialect::DialectId,
        endpoint::TargetId,
        event::{About, Answer, Finish, FinishReason, Note, Usage},
        run::{RunHead, RunId},
    };

    /// A whole answer of the plainest kind.
    fn clean() -> Run {
        let request = ChatRequest::of_text("vendor/model-a", "Hello");
        let mut run = Run::new(RunHead {
            id: RunId(1),
            target: TargetId {
                endpoint: "here".into(),
                model: request.model.clone(),
            },
            dialect: DialectId::OpenaiChat,
            route: String::new(),
            url: String::new(),
            simulated: false,
            origin: Origin::Terminal,
            attempt: 1,
            request: Arc::new(request),
        });
        run.state = RunState::Ok;
        run.status = Some(200);
        run.answer = Answer {
            text: "Hello to you".into(),
            model: Some("model-a-2026-01-01".into()),
            usage: Some(Usage {
                input: Some(3),
                output: Some(4),
                total: Some(7),
                ..Usage::default()
            }),
            finish: Some(finish(FinishReason::Stop, "stop")),
            done: true,
            ..Answer::default()
        };
        run
    }

    fn finish(reason: FinishReason, raw: &str) -> Finish {
        Finish {
            reason,
            raw: raw.into(),
        }
    }

    fn ask(run: &mut Run, change: impl FnOnce(&mut ChatRequest)) {
        change(Arc::make_mut(&mut run.head.request));
    }

    fn params(run: &mut Run, change: impl FnOnce(&mut Params)) {
        ask(run, |request| change(&mut request.params));
    }

    fn extra(run: &mut Run, extra: serde_json::Value) {
        let serde_json::Value::Object(extra) = extra else {
            panic!("{extra}");
        };
        params(run, |params| params.extra = extra);
    }

    fn noted(run: &mut Run, about: About) {
        run.answer.notes.push((Note::new(about, "odd"), 1));
    }

    /// What is changed in a clean run, and the check that must tell.
    type Case = (&'static str, Check, fn(&mut Run));

    #[rustfmt::skip]
    const CASES: &[Case] = &[
        ("another model", Check::Model, |r| r.answer.model = Some("model-b".into())),
        ("no usage", Check::Usage, |r| r.answer.usage = None),
        ("a wrong total", Check::Usage, |r| r.answer.usage.as_mut().unwrap().total = Some(70)),
        ("more cached than there is", Check::Usage, |r| r.answer.usage.as_mut().unwrap().cached = Some(9)),
        ("no output counted", Check::Usage, |r| *r.answer.usage.as_mut().unwrap() = Usage { input: Some(3), output: Some(0), ..Usage::default() }),
        ("a decoder's note on counts", Check::Usage, |r| noted(r, About::Usage)),
        ("no finish", Check::Finish, |r| r.answer.finish = None),
        ("calls that end with stop", Check::Finish, |r| r.answer.tool_calls.push(ToolCall { name: "f".into(), arguments: "{}".into(), ..ToolCall::default() })),
        ("no calls that end with calls", Check::Finish, |r| r.answer.finish = Some(finish(FinishReason::ToolCalls, "tool_calls"))),
        ("a decoder's note on the end mark", Check::EndMark, |r| noted(r, About::EndMark)),
        ("a decoder's note on the reason to end", Check::Finish, |r| noted(r, About::Finish)),
        ("half of the counts", Check::Usage, |r| *r.answer.usage.as_mut().unwrap() = Usage { output: Some(4), ..Usage::default() }),
        ("an answer too many", Check::Malformed, |r| noted(r, About::Others)),
        ("a single answer", Check::Ignored, |r| extra(r, serde_json::json!({"n": 2}))),
        ("a single candidate", Check::Ignored, |r| extra(r, serde_json::json!({"generationConfig": {"candidateCount": 3}}))),
        ("another limit", Check::Ignored, |r| {
            params(r, |p| p.max_tokens = Some(4000));
            r.answer.finish = Some(finish(FinishReason::Length, "length"));
        }),
        ("reasoning that was off", Check::Ignored, |r| {
            params(r, |p| p.reasoning_effort = Some("none".into()));
            r.answer.usage.as_mut().unwrap().reasoning = Some(2);
        }),
        ("nothing called", Check::Ignored, |r| extra(r, serde_json::json!({"tool_choice": "required"}))),
        ("called though told not to", Check::Ignored, |r| {
            r.answer.finish = Some(finish(FinishReason::ToolCalls, "tool_calls"));
            r.answer.tool_calls.push(ToolCall { name: "f".into(), arguments: "{}".into(), ..ToolCall::default() });
            extra(r, serde_json::json!({"tool_choice": "none"}));
        }),
        ("another value said back", Check::Ignored, |r| {
            params(r, |p| p.temperature = Some(0.5));
            r.answer.echoed.insert("temperature".into(), 1.into());
        }),
        ("another type", Check::ContentType, |r| noted(r, About::ContentType)),
        ("split characters", Check::Malformed, |r| noted(r, About::Form)),
        ("broken arguments", Check::Malformed, |r| {
            r.answer.finish = Some(finish(FinishReason::ToolCalls, "tool_calls"));
            r.answer.tool_calls.push(ToolCall { name: "f".into(), arguments: "{\"a\":".into(), ..ToolCall::default() });
        }),
        ("an unknown part", Check::Unknown, |r| r.answer.unknown.push(("event x".into(), "{}".into()))),
        ("a parameter left out", Check::NotSent, |r| noted(r, About::NotSent)),
        ("past the limit", Check::Ignored, |r| params(r, |p| p.max_tokens = Some(3))),
        ("past a stop string", Check::Ignored, |r| params(r, |p| p.stop = vec!["to".into()])),
        ("no JSON", Check::Ignored, |r| params(r, |p| p.response_format = Some(ResponseFormat::JsonObject))),
        ("no reasoning", Check::Ignored, |r| params(r, |p| p.reasoning_effort = Some("high".into()))),
        ("no JSON for a schema", Check::Schema, |r| {
            let schema = serde_json::json!({"type": "object"});
            params(r, |p| p.response_format = Some(ResponseFormat::JsonSchema { name: "s".into(), schema, strict: true }));
        }),
        ("a missing property", Check::Schema, |r| {
            r.answer.text = "{\"b\":1}".into();
            let schema = serde_json::json!({"type": "object", "required": ["a"]});
            params(r, |p| p.response_format = Some(ResponseFormat::JsonSchema { name: "s".into(), schema, strict: true }));
        }),
        ("a function that was not offered", Check::Ignored, |r| {
            r.answer.finish = Some(finish(FinishReason::ToolCalls, "tool_calls"));
            r.answer.tool_calls.push(ToolCall { name: "g".into(), arguments: "{}".into(), ..ToolCall::default() });
            ask(r, |request| request.tools.push(Tool { name: "f".into(), description: String::new(), parameters: serde_json::json!({}) }));
        }),
    ];

    #[test]
    fn a_clean_run_has_nothing_to_tell() {
        assert_eq!(findings(&clean()), []);
        let mut asked = clean();
        asked.answer.text = "{\"a\": 1}".into();
        asked.answer.reasoning = "Hm".into();
        noted(&mut asked, About::Aside);
        params(&mut asked, |p| {
            p.max_tokens = Some(4);
            p.stop = vec!["END".into()];
            p.reasoning_effort = Some("low".into());
            let schema = serde_json::json!({"type": "object", "required": ["a"]});
            p.response_format = Some(ResponseFormat::JsonSchema {
                name: "s".into(),
                schema,
                strict: true,
            });
        });
        assert_eq!(findings(&asked), []);
    }

    #[test]
    fn what_was_asked_is_no_finding() {
        let mut several = clean();
        extra(&mut several, serde_json::json!({"n": 2}));
        noted(&mut several, About::Others);
        assert_eq!(findings(&several), []);
        let mut hidden = clean();
        params(&mut hidden, |p| p.reasoning_effort = Some("high".into()));
        hidden.answer.apply(&crate::event::Event::Reasoning {
            text: String::new(),
        });
        hidden
            .answer
            .apply(&crate::event::Event::Signature { value: "s".into() });
        assert_eq!(findings(&hidden), [], "thoughts without words");
        let mut echoed = clean();
        params(&mut echoed, |p| p.temperature = Some(0.5));
        echoed
            .answer
            .echoed
            .insert("temperature".into(), 0.5.into());
        echoed.answer.echoed.insert("top_p".into(), 1.into());
        assert_eq!(findings(&echoed), []);
    }

    #[test]
    fn each_oddity_is_found_by_its_own_check_alone() {
        for (what, check, change) in CASES {
            let mut run = clean();
            change(&mut run);
            let found: Vec<_> = findings(&run).iter().map(|f| f.check).collect();
            assert_eq!(found, [*check], "{what}");
        }
    }

    #[test]
    fn the_first_place_that_does_not_fit_the_schema_is_told() {
        let mut run = clean();
        run.answer.text = "{\"a\": {\"b\": 1}}".into();
        let schema =
            serde_json::json!({"properties": {"a": {"properties": {"b": {"type": "string"}}}}});
        params(&mut run, |p| {
            p.response_format = Some(ResponseFormat::JsonSchema {
                name: "s".into(),
                schema,
                strict: false,
            });
        });
        let told: Vec<_> = findings(&run).into_iter().map(|f| f.text).collect();
        assert_eq!(told, ["at /a/b: 1 is a number, a string is needed"]);
        run.answer.tool_calls.push(ToolCall {
            name: "f".into(),
            arguments: "{}".into(),
            ..ToolCall::default()
        });
        run.answer.finish = Some(finish(FinishReason::ToolCalls, "tool_calls"));
        assert_eq!(findings(&run), [], "calls come before the answer");
    }

    #[test]
    fn every_check_has_its_row_and_a_case() {
        for check in Check::ALL {
            assert_eq!(row(*check).check, *check);
            assert!(CASES.iter().any(|(_, of, _)| of == check), "{check}");
        }
    }

    #[test]
    fn what_broke_off_lacks_nothing() {
        let mut run = clean();
        run.state = RunState::Fault;
        run.answer.usage = None;
        run.answer.finish = None;
        run.answer.text = "{\"a".into();
        params(&mut run, |p| {
            p.response_format = Some(ResponseFormat::JsonObject);
        });
        assert_eq!(findings(&run), []);
        run.state = RunState::Streaming;
        run.answer.unknown.push(("x".into(), String::new()));
        assert_eq!(findings(&run), [], "it still goes");
    }
}
