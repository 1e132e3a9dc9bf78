//! A form to attach files by their paths, for when there is no file chooser.

use std::path::{Path, PathBuf};

use egui::{Context, RichText, TextEdit, vec2};
use url::Url;

use crate::desktop::{
    chooser::NoChooser,
    theme::{Theme, caption, heading, size, space},
    widgets::{dialog, primary_button},
};

/// The form: the typed paths, and what was wrong with them.
#[derive(Debug, Default)]
pub struct PathForm {
    text: String,
    problems: Vec<String>,
    /// Whether files are being read: the form is shown again only if one can't be.
    waiting: bool,
    /// Whether it was shown before and has taken the focus.
    was_shown: bool,
}

/// What the user did with the form.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet.
    Stays,
    /// Closed it.
    Close,
    /// Asked for these files.
    Attach(Vec<PathBuf>),
}

impl PathForm {
    /// Shows it.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme) -> Step {
        if self.waiting {
            return Step::Stays;
        }
        let (step, closed) = dialog(ctx, theme, "attach-paths", 440.0, |ui| {
            ui.label(heading("Attach files by path"));
            let why = format!("{NoChooser}. Type or paste paths, one per line, or drop files");
            ui.label(caption(theme, why));
            ui.add_space(space::S);
            let edit = TextEdit::multiline(&mut self.text)
                .desired_rows(3)
                .desired_width(f32::INFINITY)
                .margin(vec2(8.0, 5.0));
            let field = ui.add(edit).accessible_name("Paths of the files");
            if !std::mem::replace(&mut self.was_shown, true) {
                field.request_focus();
            }
            for problem in &self.problems {
                let text = RichText::new(problem).size(size::SMALL).color(theme.bad);
                ui.add(egui::Label::new(text).wrap());
            }
            ui.add_space(space::S);
            ui.horizontal(|ui| {
                let paths = paths_of(&self.text, home().as_deref());
                let ready = !paths.is_empty();
                let attach = ui.add_enabled_ui(ready, |ui| primary_button(ui, theme, "Attach"));
                let cancel = ui.button("Cancel");
                match (attach.inner.clicked(), cancel.clicked()) {
                    (true, _) => Step::Attach(paths),
                    (_, true) => Step::Close,
                    _ => Step::Stays,
                }
            })
            .inner
        });
        match step {
            Step::Attach(_) => (self.waiting, self.problems) = (true, Vec::new()),
            _ if closed => return Step::Close,
            _ => {}
        }
        step
    }

    /// Records that a file could not be read.
    pub fn failed(&mut self, why: &str) {
        self.problems.push(why.to_owned());
    }

    /// All files were read or have failed; returns whether a path is still to be corrected.
    pub fn settled(&mut self) -> bool {
        self.waiting = false;
        !self.problems.is_empty()
    }
}

fn home() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

/// The paths in a text, as typed or as copied by file managers and shells.
fn paths_of(text: &str, home: Option<&Path>) -> Vec<PathBuf> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| path_of(line, home)).collect()
}

fn path_of(line: &str, home: Option<&Path>) -> PathBuf {
    let quoted = |quote| line.strip_prefix(quote)?.strip_suffix(quote);
    let line = quoted('"').or_else(|| quoted('\'')).unwrap_or(line);
    let url = line.starts_with("file://").then(|| Url::parse(line).ok());
    if let Some(path) = url.flatten().and_then(|url| url.to_file_path().ok()) {
        return path;
    }
    match (line.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_they_are_typed_and_copied() {
        let home = Path::new("/home/ada");
        for (text, expected) in [
            ("", vec![]),
            (" /a/b c.png \n\n", vec!["/a/b c.png"]),
            ("\"/a b.png\"\n'/c.pdf'", vec!["/a b.png", "/c.pdf"]),
            ("file:///a%20b/%E5%9B%BE.png", vec!["/a b/图.png"]),
            ("~/notes.md\r\n~other", vec!["/home/ada/notes.md", "~other"]),
        ] {
            let expected: Vec<PathBuf> = expected.into_iter().map(PathBuf::from).collect();
            assert_eq!(paths_of(text, Some(home)), expected, "{text:?}");
        }
    }
}
