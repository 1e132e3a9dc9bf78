//! Token counts. Each `usageMetadata` covers the whole answer so far; counts of 0 may be left out.

use crate::{
    body::{count, json::Raw},
    event::Usage,
};

/// The counts so far, and the last usage that was emitted.
#[derive(Debug, Default)]
pub(in crate::dialect) struct GeminiCounts {
    stated: StatedUsage,
    emitted: Usage,
    /// The note on an invalid count.
    odd: Option<&'static str>,
}

/// Counts by the provider's names.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::dialect) struct StatedUsage {
    pub prompt: Option<u64>,
    pub cached: Option<u64>,
    pub candidates: Option<u64>,
    pub thoughts: Option<u64>,
    pub tool_use_prompt: Option<u64>,
    pub total: Option<u64>,
}

impl StatedUsage {
    fn of(counts: &count::TokenCounts<'_>) -> Self {
        Self {
            prompt: counts.get(&["promptTokenCount"]),
            cached: counts.get(&["cachedContentTokenCount"]),
            candidates: counts.get(&["candidatesTokenCount"]),
            thoughts: counts.get(&["thoughtsTokenCount"]),
            tool_use_prompt: counts.get(&["toolUsePromptTokenCount"]),
            total: counts.get(&["totalTokenCount"]),
        }
    }

    /// Whether the parts sum to the total.
    fn adds_up(&self) -> bool {
        let parts = [
            self.prompt,
            self.tool_use_prompt,
            self.candidates,
            self.thoughts,
        ];
        self.prompt.is_some() && sum(parts) == self.total
    }

    /// The counts after a later `usageMetadata`. One with a prompt count and a total is complete: counts that it leaves
    /// out are 0, unless it only adds up with the earlier counts.
    fn followed_by(self, later: Self) -> Self {
        let both = Self {
            prompt: later.prompt.or(self.prompt),
            cached: later.cached.or(self.cached),
            candidates: later.candidates.or(self.candidates),
            thoughts: later.thoughts.or(self.thoughts),
            tool_use_prompt: later.tool_use_prompt.or(self.tool_use_prompt),
            total: later.total.or(self.total),
        };
        let is_complete = later.prompt.is_some() && later.total.is_some();
        if is_complete && (later.adds_up() || !both.adds_up()) {
            later
        } else {
            both
        }
    }
}

impl GeminiCounts {
    /// Reads a `usageMetadata`. Returns the usage if it changed.
    pub(super) fn read(&mut self, raw: Raw<'_>) -> Option<Usage> {
        let counts = count::TokenCounts::of(raw);
        let stated = StatedUsage::of(&counts);
        self.odd = self.odd.or(counts.oddity());
        self.take(stated)
    }

    /// Adds the counts of a `usageMetadata`. Returns the usage if it changed.
    pub(in crate::dialect) fn take(&mut self, later: StatedUsage) -> Option<Usage> {
        self.stated = self.stated.followed_by(later);
        let usage = self.usage();
        let changed = usage != self.emitted;
        self.emitted = usage;
        changed.then_some(usage)
    }

    /// The counts as [`Usage`] defines them. Results of built-in tools count as input. The output excludes thinking if
    /// the counts add up ([`Usage::generated`] compares them with the total); otherwise thinking is added to it.
    fn usage(&self) -> Usage {
        let StatedUsage {
            candidates,
            thoughts,
            ..
        } = self.stated;
        let output = match candidates {
            // No visible output yet: the thinking is all of the output.
            None => thoughts,
            Some(output) if self.stated.adds_up() => Some(output),
            Some(output) => Some(output.saturating_add(thoughts.unwrap_or(0))),
        };
        Usage {
            input: sum([self.stated.prompt, self.stated.tool_use_prompt]),
            output,
            reasoning: self.stated.thoughts,
            cached: self.stated.cached,
            cache_written: None,
            total: self.stated.total,
        }
    }

    /// Whether the counts are complete, and all that the model generated is thoughts.
    pub(super) fn are_thoughts_alone(&self) -> bool {
        let has_thoughts = self.stated.thoughts.unwrap_or(0) > 0;
        has_thoughts && self.stated.candidates.unwrap_or(0) == 0 && self.stated.adds_up()
    }

    /// The note on the counts, if they are invalid or don't add up.
    pub(super) fn oddity(&self) -> Option<&'static str> {
        let stated = &self.stated;
        let both = stated.prompt.is_some() && stated.total.is_some();
        let mismatch =
            (both && !stated.adds_up()).then_some("the token counts do not add up to their total");
        self.odd.or(mismatch)
    }
}

fn sum<const N: usize>(counts: [Option<u64>; N]) -> Option<u64> {
    counts.into_iter().flatten().reduce(u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(statements: &[&str]) -> (Usage, Option<&'static str>) {
        let mut counts = GeminiCounts::default();
        let mut usage = Usage::default();
        for statement in statements {
            if let Some(later) = counts.read(Raw::of(statement)) {
                usage.merge(later);
            }
        }
        (usage, counts.oddity())
    }

    /// `usageMetadata`s, then the input, the output, the generated tokens, and whether there is a note.
    type Row = (
        &'static [&'static str],
        Option<u64>,
        Option<u64>,
        Option<u64>,
        bool,
    );

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn generated_tokens_include_thinking_in_every_form() {
        let table: &[Row] = &[
            (
                &[
                    r#"{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":3,"totalTokenCount":18}"#,
                ],
                Some(10),
                Some(5),
                Some(8),
                false,
            ),
            (
                // A built-in tool's results.
                &[
                    r#"{"promptTokenCount":10,"toolUsePromptTokenCount":4,"candidatesTokenCount":5,"thoughtsTokenCount":3,"totalTokenCount":22}"#,
                ],
                Some(14),
                Some(5),
                Some(8),
                false,
            ),
            (
                // The token limit was reached while thinking.
                &[r#"{"promptTokenCount":10,"thoughtsTokenCount":3,"totalTokenCount":13}"#],
                Some(10),
                Some(3),
                Some(3),
                false,
            ),
            (
                // No total, or a wrong one: the thinking is added.
                &[r#"{"promptTokenCount":10,"candidatesTokenCount":50,"thoughtsTokenCount":3}"#],
                Some(10),
                Some(53),
                Some(53),
                false,
            ),
            (
                &[
                    r#"{"promptTokenCount":10,"candidatesTokenCount":50,"thoughtsTokenCount":3,"totalTokenCount":7}"#,
                ],
                Some(10),
                Some(53),
                Some(53),
                true,
            ),
            (
                // Cumulative, with an invalid one in between.
                &[
                    r#"{"promptTokenCount":10,"totalTokenCount":10}"#,
                    r#"{"trafficType":"ON_DEMAND","promptTokenCount":-1}"#,
                    r#"{"promptTokenCount":10,"candidatesTokenCount":2,"totalTokenCount":12}"#,
                    r#"{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15}"#,
                ],
                Some(10),
                Some(5),
                Some(5),
                true,
            ),
            (
                // A later complete one replaces an earlier one.
                &[
                    r#"{"promptTokenCount":9,"candidatesTokenCount":21,"totalTokenCount":65,"thoughtsTokenCount":35}"#,
                    r#"{"promptTokenCount":87,"totalTokenCount":165,"thoughtsTokenCount":78}"#,
                ],
                Some(87),
                Some(78),
                Some(78),
                false,
            ),
            (
                // One that leaves out unchanged counts.
                &[
                    r#"{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15}"#,
                    r#"{"promptTokenCount":10,"totalTokenCount":15}"#,
                ],
                Some(10),
                Some(5),
                Some(5),
                false,
            ),
            (
                &[r#"{"promptTokenCount":"10","candidatesTokenCount":5.0,"totalTokenCount":15}"#],
                Some(10),
                Some(5),
                Some(5),
                false,
            ),
            (&[r#"{"promptTokenCount":6}"#], Some(6), None, None, false),
            (&["[1]"], None, None, None, false),
        ];
        for (statements, input, output, generated, odd) in table {
            let (usage, oddity) = usage(statements);
            assert_eq!((usage.input, usage.output), (*input, *output));
            assert_eq!(usage.generated(), *generated, "{statements:?}");
            assert_eq!(oddity.is_some(), *odd, "{statements:?}");
        }
    }
}
