//! Token counts. Each statement stands for the whole answer so far; a count of 0 may be left out.

use crate::{
    body::{count, json::Raw},
    event::Usage,
};

/// What was counted so far, and what of it was told.
#[derive(Debug, Default)]
pub(in crate::dialect) struct GeminiCounts {
    stated: StatedUsage,
    told: Usage,
    /// A count that was none.
    odd: Option<&'static str>,
}

/// Counts in the provider's own words.
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

    /// All parts, if their sum is the total.
    fn adds_up(&self) -> bool {
        let parts = [
            self.prompt,
            self.tool_use_prompt,
            self.candidates,
            self.thoughts,
        ];
        self.prompt.is_some() && sum(parts) == self.total
    }

    /// What is known after a later statement. One of the prompt and the total is whole: what it leaves out was
    /// 0, unless it adds up only with what was said before.
    fn followed_by(self, later: Self) -> Self {
        let both = Self {
            prompt: later.prompt.or(self.prompt),
            cached: later.cached.or(self.cached),
            candidates: later.candidates.or(self.candidates),
            thoughts: later.thoughts.or(self.thoughts),
            tool_use_prompt: later.tool_use_prompt.or(self.tool_use_prompt),
            total: later.total.or(self.total),
        };
        let is_whole = later.prompt.is_some() && later.total.is_some();
        if is_whole && (later.adds_up() || !both.adds_up()) {
            later
        } else {
            both
        }
    }
}

impl GeminiCounts {
    /// Reads a statement; gives the usage if that changed.
    pub(super) fn read(&mut self, raw: Raw<'_>) -> Option<Usage> {
        let counts = count::TokenCounts::of(raw);
        let stated = StatedUsage::of(&counts);
        self.odd = self.odd.or(counts.oddity());
        self.take(stated)
    }

    /// Takes a statement; gives the usage if that changed.
    pub(in crate::dialect) fn take(&mut self, later: StatedUsage) -> Option<Usage> {
        self.stated = self.stated.followed_by(later);
        let usage = self.usage();
        let changed = usage != self.told;
        self.told = usage;
        changed.then_some(usage)
    }

    /// The counts in our words. The results of built-in tools are input too. Thoughts stand beside the
    /// output, which [`Usage::generated`] sees by the total; where that does not tell, they go in.
    fn usage(&self) -> Usage {
        let StatedUsage {
            candidates,
            thoughts,
            ..
        } = self.stated;
        let output = match candidates {
            // Nothing was said yet: what was thought is all of the output.
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

    /// What is odd about the counts.
    pub(super) fn oddity(&self) -> Option<&'static str> {
        let stated = &self.stated;
        let both = stated.prompt.is_some() && stated.total.is_some();
        let apart =
            (both && !stated.adds_up()).then_some("the token counts do not add up to their total");
        self.odd.or(apart)
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

    /// Statements, then input, output, reasoning, what was generated, and whether they are odd.
    type Row = (
        &'static [&'static str],
        Option<u64>,
        Option<u64>,
        Option<u64>,
        bool,
    );

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn what_was_generated_includes_the_thoughts_however_it_is_stated() {
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
                // The limit came while it thought.
                &[r#"{"promptTokenCount":10,"thoughtsTokenCount":3,"totalTokenCount":13}"#],
                Some(10),
                Some(3),
                Some(3),
                false,
            ),
            (
                // No total, or a wrong one: the thoughts are counted in.
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
                // Cumulative, and silent in between.
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
                // A later statement that is whole by itself takes the place of an earlier one.
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
                // One that leaves out what did not change.
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
