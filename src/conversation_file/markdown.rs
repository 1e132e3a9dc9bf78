//! Conversations as Markdown: a heading for each conversation and pane, then each question and the answer that is shown.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    io::{self, Write},
};

use crate::{
    chat::{Message, Part, Role},
    conversation::{Conversation, Pane},
    history::ConversationWriter,
    run::{Run, RunId},
};

/// Writes Markdown.
#[derive(Debug, Default)]
pub(super) struct MarkdownWriter {
    has_any: bool,
}

impl ConversationWriter for MarkdownWriter {
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn put(
        &mut self,
        conversation: &Conversation,
        runs: &HashMap<RunId, Run>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if std::mem::replace(&mut self.has_any, true) {
            out.write_all(b"\n---\n\n")?;
        }
        let title = match conversation.title.trim() {
            "" => "Untitled",
            title => title,
        };
        writeln!(out, "# {}\n", title.replace(['\n', '\r'], " "))?;
        let count = conversation.panes.len();
        for (pane, number) in conversation.panes.iter().zip(1..) {
            if count > 1 {
                writeln!(out, "# Pane {number} of {count}\n")?;
            }
            writeln!(out, "{}", pane_markdown(pane, runs))?;
        }
        Ok(())
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// A pane's conversation as Markdown.
#[must_use]
pub fn pane_markdown<S: BuildHasher>(pane: &Pane, runs: &HashMap<RunId, Run, S>) -> String {
    let mut parts = Vec::new();
    let system = pane.system.trim();
    if !system.is_empty() {
        parts.push(format!("## System\n\n{system}"));
    }
    for turn in &pane.turns {
        parts.extend(asked(&turn.user));
        if let Some(run) = turn.run().and_then(|id| runs.get(&id)) {
            parts.extend(answered(run));
        }
    }
    parts.join("\n\n") + "\n"
}

fn asked(parts: &[Part]) -> Vec<String> {
    let message = Message::asked(parts.to_vec());
    if message.role == Role::Tool {
        return results(parts);
    }
    let files = parts.iter().filter_map(|part| match part {
        Part::Media(media) => Some(format!("*Attached: {}*", media.file_name(1))),
        _ => None,
    });
    let text = Some(message.text()).filter(|text| !text.is_empty());
    let said = files.chain(text).collect::<Vec<String>>().join("\n\n");
    vec![format!("## User\n\n{said}")]
}

fn results(parts: &[Part]) -> Vec<String> {
    let results = parts.iter().filter_map(|part| match part {
        Part::ToolResult { name, content, .. } => {
            Some(format!("## Result of `{name}`\n\n```\n{content}\n```"))
        }
        _ => None,
    });
    results.collect()
}

fn answered(run: &Run) -> Vec<String> {
    let simulated = if run.head.simulated {
        " (simulated)"
    } else {
        ""
    };
    let mut parts = vec![format!("## {}{simulated}", run.head.target)];
    let texts = [&run.answer.text, &run.answer.refusal];
    parts.extend(texts.into_iter().filter(|text| !text.is_empty()).cloned());
    let calls = run.answer.tool_calls.iter();
    parts.extend(calls.map(|call| format!("`{}`\n\n```json\n{}\n```", call.name, call.arguments)));
    parts.extend(run.answer.fault.iter().map(|fault| format!("> {fault}")));
    parts
}
