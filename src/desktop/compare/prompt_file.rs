//! A file of prompts: chosen, then read on a thread of its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::{Context, Ui};

use crate::{
    chat::Message,
    compare::{ComparePrompt, prompts_of},
    desktop::{
        path_field::{ChooseFor, PathField},
        prepared::Prepared,
        theme::{Theme, caption},
        widgets::counted,
    },
    input,
};

/// Largest file, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// Most prompts that are looked at for a forecast.
const MOST_DEAREST: usize = 64;

/// What a file holds.
#[derive(Debug, Default)]
pub struct FilePrompts {
    /// All prompts.
    pub all: Vec<ComparePrompt>,
    /// Those of them that may cost the most: a forecast needs no others.
    pub dearest: Vec<ComparePrompt>,
}

type ReadPrompts = Result<Arc<FilePrompts>, String>;

/// The field for the file, and what was read.
#[derive(Debug, Default)]
pub struct PromptFile {
    file: PathField,
    read: Prepared<PathBuf, ReadPrompts>,
}

impl PromptFile {
    /// What was read; `None` until then.
    #[must_use]
    pub fn prompts(&self) -> Option<&Arc<FilePrompts>> {
        self.read.value()?.as_ref().ok()
    }

    /// Shows the field, and how many prompts the file holds.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme) {
        self.file.take_in();
        if let Some(Err(why)) = self.read.take_in() {
            self.file.problem = Some(why.clone());
        }
        let field = self.file.ui(ui, theme, ChooseFor::Open(&["jsonl", "txt"]));
        // A path that is typed is read once the field is left, one that was chosen at once.
        if !field.has_focus() {
            self.begin(ui.ctx());
        }
        let text = match self.prompts() {
            _ if self.read.is_coming() => "Reading…".to_owned(),
            Some(read) => counted(read.all.len() as u64, "prompt"),
            None => "A prompt a line; in a .jsonl file each line is JSON".to_owned(),
        };
        ui.label(caption(theme, text));
    }

    fn begin(&mut self, ctx: &Context) {
        let Some(path) = self.file.given().map(PathBuf::from) else {
            if self.read.forget() {
                self.file.problem = None;
            }
            return;
        };
        if self.read.begin(path, ctx, |path| read(path).map(Arc::new)) {
            self.file.problem = None;
        }
    }
}

fn read(path: &Path) -> Result<FilePrompts, String> {
    let text = input::text(path, MAX_BYTES).map_err(|why| why.to_string())?;
    let is_json = path.extension().is_some_and(|end| end == "jsonl");
    let all = prompts_of(&text, is_json).map_err(|why| why.to_string())?;
    let dearest = dearest(&all);
    Ok(FilePrompts { all, dearest })
}

/// The longest prompt for each length of answer. If there are very many lengths, one prompt that is as long as the longest
/// and is answered at the greatest length.
fn dearest(all: &[ComparePrompt]) -> Vec<ComparePrompt> {
    let letters = |prompt: &ComparePrompt| {
        let messages = prompt.messages.iter().map(|message| message.text().len());
        prompt.system.as_ref().map_or(0, String::len) + messages.sum::<usize>()
    };
    let mut longest: BTreeMap<Option<u32>, (usize, &ComparePrompt)> = BTreeMap::new();
    for prompt in all {
        let found = (letters(prompt), prompt);
        let known = longest.entry(prompt.max_tokens).or_insert(found);
        if known.0 < found.0 {
            *known = found;
        }
    }
    if longest.len() <= MOST_DEAREST {
        return longest
            .into_values()
            .map(|(_, prompt)| prompt.clone())
            .collect();
    }
    let most = longest.values().map(|(letters, _)| *letters).max();
    vec![ComparePrompt {
        messages: vec![Message::user("x".repeat(most.unwrap_or_default()))],
        max_tokens: longest.keys().copied().max().flatten(),
        ..ComparePrompt::default()
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_prompts_are_the_longest_ones() {
        let prompt = |letters: usize, max_tokens| ComparePrompt {
            max_tokens,
            ..ComparePrompt::of_text("x".repeat(letters))
        };
        let all = [
            prompt(3, None),
            prompt(9, None),
            prompt(5, Some(7)),
            prompt(2, Some(7)),
        ];
        let found = dearest(&all);
        assert_eq!(found, [all[1].clone(), all[2].clone()]);
        let many: Vec<_> = (1..200)
            .map(|n| prompt(200 - n as usize, Some(n)))
            .collect();
        let one = &dearest(&many)[0];
        assert_eq!((one.text().len(), one.max_tokens), (199, Some(199)));
    }

    #[test]
    fn a_file_is_read_by_its_ending() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        assert_eq!(read(&file("a.txt", "one\ntwo\n")).unwrap().all.len(), 2);
        let json = file("a.jsonl", "{\"prompt\":\"one\"}\n");
        assert_eq!(read(&json).unwrap().all[0].text(), "one");
        let why = read(&file("b.jsonl", "\"one\"\n{")).unwrap_err();
        assert!(why.starts_with("line 2"), "{why}");
    }
}
