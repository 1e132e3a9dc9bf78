//! Incremental syntax highlighting, a few lines per frame: each line of a stream is parsed only once.
//!
//! In: code that only grows. Out: spans of [`Class`], which have colours in the theme. A thread loads the grammars;
//! until they are loaded, code is plain.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use egui::{Color32, Context};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use crate::desktop::theme::Theme;

/// Longer lines stay plain: grammars can be very slow on minified code.
const MAX_LINE: usize = 600;

/// The class of a piece of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Anything else.
    Plain,
    /// A comment.
    Comment,
    /// A string.
    String,
    /// A number or a named constant.
    Number,
    /// A keyword.
    Keyword,
    /// The name of a function.
    Function,
    /// The name of a type, an attribute.
    Type,
}

/// Scope prefixes (named as in Sublime and syntect's grammars) and their classes.
const CLASSES: &[(&str, Class)] = &[
    ("comment", Class::Comment),
    ("string", Class::String),
    ("constant", Class::Number),
    ("keyword.operator", Class::Plain),
    ("keyword", Class::Keyword),
    ("storage.type.function", Class::Keyword),
    ("storage", Class::Keyword),
    ("entity.name.function", Class::Function),
    ("support.function", Class::Function),
    ("variable.function", Class::Function),
    ("entity.name.tag", Class::Keyword),
    ("entity.name", Class::Type),
    ("entity.other", Class::Type),
    ("support", Class::Type),
    ("markup.inserted", Class::String),
    ("markup.deleted", Class::Keyword),
];

impl Class {
    /// Its colour.
    #[must_use]
    pub fn color(self, theme: &Theme) -> Color32 {
        match self {
            Self::Plain => theme.text,
            Self::Comment => theme.text_dim,
            Self::String => theme.good,
            Self::Number => theme.warn,
            Self::Keyword => theme.series_color(3),
            Self::Function => theme.series_color(0),
            Self::Type => theme.accent,
        }
    }
}

struct Grammars {
    set: SyntaxSet,
    classes: Vec<(Scope, Class)>,
}

static GRAMMARS: OnceLock<Grammars> = OnceLock::new();
static LOADING: AtomicBool = AtomicBool::new(false);

/// The grammars; `None` while a thread loads them.
fn grammars(ctx: &Context) -> Option<&'static Grammars> {
    let grammars = GRAMMARS.get();
    if grammars.is_none() && !LOADING.swap(true, Ordering::Relaxed) {
        let ctx = ctx.clone();
        // If no thread can be started, code stays plain: no reason to report it.
        let _ = std::thread::Builder::new()
            .name("grammars".into())
            .spawn(move || {
                GRAMMARS.get_or_init(|| Grammars {
                    set: SyntaxSet::load_defaults_newlines(),
                    classes: (CLASSES.iter())
                        .filter_map(|(name, class)| Some((Scope::new(name).ok()?, *class)))
                        .collect(),
                });
                ctx.request_repaint();
            });
    }
    grammars
}

/// The parser's state at the end of a line.
#[derive(Clone, Debug)]
pub struct Reader {
    parse: ParseState,
    scopes: ScopeStack,
}

/// The spans of one piece of code so far.
#[derive(Clone, Debug, Default)]
pub struct Highlight {
    /// How many bytes were parsed, in whole lines.
    pub read: usize,
    /// The end and class of each span, without gaps up to `read`.
    pub spans: Vec<(usize, Class)>,
    reader: Option<Box<Reader>>,
}

impl Highlight {
    /// Parses further whole lines of `code` (if `finished`, also the last one), at most `budget` of them. `before` is the
    /// piece before this one. Returns whether more is left to parse.
    pub fn read_on(
        &mut self,
        ctx: &Context,
        language: &str,
        code: &str,
        finished: bool,
        before: Option<&Self>,
        budget: &mut u32,
    ) -> bool {
        if code.len() < self.read {
            *self = Self::default();
        }
        if language.is_empty() || (self.read == code.len()) {
            return false;
        }
        let Some(grammars) = grammars(ctx) else {
            return false;
        };
        if self.read == 0 {
            self.reader =
                (before.and_then(|b| b.reader.clone())).or_else(|| begin(grammars, language));
        }
        let Some(reader) = &mut self.reader else {
            // An unknown language: nothing to parse.
            self.read = code.len();
            return false;
        };
        while self.read < code.len() {
            let rest = &code[self.read..];
            let end = match rest.find('\n') {
                Some(newline) => newline + 1,
                None if finished => rest.len(),
                None => return false,
            };
            if *budget == 0 {
                return true;
            }
            *budget -= 1;
            reader.line(grammars, &rest[..end], self.read, &mut self.spans);
            self.read += end;
        }
        false
    }

    /// Drops the spans of an off-screen piece, but keeps the state that the next piece continues from.
    pub fn forget(&mut self) {
        self.read = 0;
        self.spans = Vec::new();
    }
}

fn begin(grammars: &Grammars, language: &str) -> Option<Box<Reader>> {
    let language = language.to_ascii_lowercase();
    let name = match language.as_str() {
        "ts" | "tsx" | "jsx" | "typescript" | "mjs" => "javascript",
        "shell" | "console" | "zsh" => "bash",
        "jsonc" | "json5" | "jsonl" => "json",
        "kotlin" | "kt" => "java",
        "csharp" => "cs",
        other => other,
    };
    let syntax = grammars.set.find_syntax_by_token(name)?;
    Some(Box::new(Reader {
        parse: ParseState::new(syntax),
        scopes: ScopeStack::new(),
    }))
}

impl Reader {
    fn line(
        &mut self,
        grammars: &Grammars,
        line: &str,
        at: usize,
        spans: &mut Vec<(usize, Class)>,
    ) {
        let end = at + line.len();
        if line.len() > MAX_LINE {
            return extend(spans, end, Class::Plain);
        }
        let Ok(ops) = self.parse.parse_line(line, &grammars.set) else {
            return extend(spans, end, Class::Plain);
        };
        for (offset, op) in ops {
            extend(spans, at + offset, self.class(grammars));
            // If an operation does not fit the stack, only this line loses its colours.
            let _ = self.scopes.apply(&op);
        }
        extend(spans, end, self.class(grammars));
    }

    /// The class of the innermost scope that has one.
    fn class(&self, grammars: &Grammars) -> Class {
        let known = |scope: &Scope| {
            let found = grammars
                .classes
                .iter()
                .find(|(prefix, _)| prefix.is_prefix_of(*scope));
            found.map(|(_, class)| *class)
        };
        self.scopes
            .as_slice()
            .iter()
            .rev()
            .find_map(known)
            .unwrap_or(Class::Plain)
    }
}

fn extend(spans: &mut Vec<(usize, Class)>, end: usize, class: Class) {
    match spans.last_mut() {
        Some((last, same)) if *same == class => *last = end.max(*last),
        Some((last, _)) if *last >= end => {}
        _ if end == 0 => {}
        _ => spans.push((end, class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded() -> Context {
        let ctx = Context::default();
        while grammars(&ctx).is_none() {
            std::thread::yield_now();
        }
        ctx
    }

    fn class_at(highlight: &Highlight, byte: usize) -> Class {
        highlight
            .spans
            .iter()
            .find(|(end, _)| byte < *end)
            .map_or(Class::Plain, |s| s.1)
    }

    #[test]
    fn keywords_strings_and_comments_have_their_class() {
        let ctx = loaded();
        let code = "fn main() { let s = \"hi\"; } // done\n";
        let mut highlight = Highlight::default();
        highlight.read_on(&ctx, "rust", code, true, None, &mut 10);
        for (word, class) in [
            ("fn", Class::Keyword),
            ("main", Class::Function),
            ("hi", Class::String),
            ("done", Class::Comment),
        ] {
            let at = code.find(word).unwrap();
            assert_eq!(class_at(&highlight, at), class, "{word}");
        }
        assert_eq!(highlight.spans.last().map(|s| s.0), Some(code.len()));
    }

    #[test]
    fn a_stream_gives_the_same_spans_as_the_whole() {
        let ctx = loaded();
        let code = "/* a\n b */\nlet x = 1;\nx\n";
        let mut whole = Highlight::default();
        whole.read_on(&ctx, "js", code, true, None, &mut 100);
        let mut streamed = Highlight::default();
        for end in 0..=code.len() {
            streamed.read_on(&ctx, "js", &code[..end], false, None, &mut 100);
        }
        assert_eq!(streamed.spans, whole.spans);
        assert_eq!(class_at(&whole, 6), Class::Comment);
    }

    #[test]
    fn a_piece_goes_on_where_the_one_before_ended() {
        let ctx = loaded();
        let mut first = Highlight::default();
        first.read_on(&ctx, "js", "/* open\n", true, None, &mut 9);
        let mut second = Highlight::default();
        second.read_on(
            &ctx,
            "js",
            "still comment */ let\n",
            true,
            Some(&first),
            &mut 9,
        );
        assert_eq!(class_at(&second, 2), Class::Comment);
    }

    #[test]
    fn the_budget_is_kept() {
        let ctx = loaded();
        let code = "let a = 1;\n".repeat(10);
        let mut highlight = Highlight::default();
        let mut budget = 4;
        assert!(highlight.read_on(&ctx, "js", &code, true, None, &mut budget));
        assert_eq!((highlight.read, budget), (44, 0));
    }
}
