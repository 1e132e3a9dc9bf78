//! Notes: remarks on an answer beside its content.

use serde::{Deserialize, Serialize};

use super::{Event, words};

words! {
    /// What a note is about.
    About {
        /// The form of what came: characters split or replaced, pieces out of order or not as documented.
        Form = "form",
        /// The stream's own end mark.
        EndMark = "end_mark",
        /// The response's content type, or an answer that was not streamed.
        ContentType = "content_type",
        /// The reason that the answer ended for.
        Finish = "finish",
        /// The token counts.
        Usage = "usage",
        /// Answers beside the one that is shown.
        Others = "others",
        /// A setting that was left out of the request.
        NotSent = "not_sent",
        /// Nothing unusual: additional information, or how the answer came.
        Aside = "aside",
    }
}

/// A remark on an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredNote")]
pub struct Note {
    /// What it is about.
    pub about: About,
    /// One sentence without a period.
    pub text: String,
}

impl Note {
    /// A note.
    pub fn new(about: About, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { about, text }
    }

    /// Appends it to the events of a stream.
    pub fn emit(about: About, text: impl Into<String>, out: &mut Vec<Event>) {
        out.push(Event::Note(Self::new(about, text)));
    }
}

/// A note as the history stores it; older versions stored only the sentence.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredNote {
    Whole { about: About, text: String },
    Sentence(String),
}

impl From<StoredNote> for Note {
    fn from(kept: StoredNote) -> Self {
        match kept {
            StoredNote::Whole { about, text } => Self { about, text },
            StoredNote::Sentence(text) => Self::new(About::Form, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_once_are_read() {
        let note = Note::new(About::Usage, "odd");
        let json = serde_json::to_string(&note).unwrap();
        assert_eq!(json, r#"{"about":"usage","text":"odd"}"#);
        assert_eq!(serde_json::from_str::<Note>(&json).unwrap(), note);
        let old: Note = serde_json::from_str(r#""odd""#).unwrap();
        assert_eq!(old, Note::new(About::Form, "odd"));
    }
}
