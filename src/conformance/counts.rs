//! Token counts that are missing or can't be.

use super::{is_whole, notes_on};
use crate::{
    event::{About, Usage},
    run::Run,
};

pub(super) fn usage(run: &Run) -> Vec<String> {
    let noted = notes_on(run, About::Usage);
    if !noted.is_empty() {
        return noted;
    }
    let spoke = !run.answer.text.is_empty() || !run.answer.tool_calls.is_empty();
    let odd = match &run.answer.usage {
        None => (is_whole(run) && spoke).then(|| "no token counts came".to_owned()),
        Some(usage) => odd(usage, spoke && is_whole(run)),
    };
    odd.into_iter().collect()
}

/// The first thing that is odd about some counts.
fn odd(usage: &Usage, spoke: bool) -> Option<String> {
    let Usage {
        input,
        output,
        cached,
        total,
        ..
    } = *usage;
    if let (Some(input), Some(cached)) = (input, cached)
        && cached > input
    {
        return Some(format!(
            "{cached} cached tokens were counted in a prompt of {input}"
        ));
    }
    if output == Some(0) && usage.generated() == Some(0) && spoke {
        return Some("no output token was counted, yet an answer came".to_owned());
    }
    let missing = match (input, output) {
        (None, Some(_)) => Some("input"),
        (Some(_), None) => Some("output"),
        _ => None,
    };
    if let Some(missing) = missing.filter(|_| spoke) {
        return Some(format!("the {missing} tokens were not counted"));
    }
    let (input, generated, total) = (input?, usage.generated()?, total?);
    // Some count reasoning beside the output and leave it out of the total.
    let sums = [Some(generated), output].map(|out| input.saturating_add(out.unwrap_or(0)));
    (!sums.contains(&total)).then(|| {
        format!("{input} input and {generated} output tokens do not add up to a total of {total}")
    })
}
