//! What the HTML and Markdown files have in them.

use tokenscope::{
    conversation_file::{ConversationFormat, Extent},
    history::History,
    price::PriceTable,
};

use super::{exported, store};
use crate::deadline::soon;

#[tokio::test]
async fn a_page_has_the_answers_side_by_side_with_figures_and_method() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("data"));
    store(&history);
    let page = exported(
        &history,
        ConversationFormat::Html,
        &folder.path().join("a.html"),
    )
    .await;
    for part in [
        "default-src 'none'",
        "<h1>Afloat</h1>",
        "<div class=\"asked\"><div class=\"said\">What floats?</div>",
        "Pane 1: here/model-a",
        "Pane 2: here/model-b",
        "A *buoy*, says model-b.\nAnd &lt;b&gt;foam&lt;/b&gt;.",
        "<th scope=\"col\">TTFT (ms)</th>",
        "<td class=\"num\">100</td>",
        "<td class=\"num\">9</td>",
        "<section id=\"method\">",
        "Side by side",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert_eq!(
        page.matches("class=\"asked\"").count(),
        1,
        "asked in both panes, shown once"
    );
    assert!(!page.contains("<b>") && !page.contains("<script") && !page.contains("://"));
    assert!(page.trim_end().ends_with("</html>"));
}

#[tokio::test]
async fn the_last_turn_can_be_written_alone() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("data"));
    let mut conversation = store(&history);
    let base = conversation.clone().into();
    for pane in &mut conversation.panes {
        let text = "And what sinks?".to_owned();
        pane.ask(vec![tokenscope::chat::Part::Text { text }], None);
    }
    history.save_conversation(tokenscope::conversation::ConversationChange {
        base,
        mine: conversation.into(),
    });
    let to = folder.path().join("last.html");
    let writer = ConversationFormat::Html.writer(Extent::LastTurn, PriceTable::default());
    soon(
        "the export",
        history.export_conversations(None, writer, to.clone()),
    )
    .await
    .unwrap();
    let page = std::fs::read_to_string(&to).unwrap();
    assert!(page.contains("And what sinks?") && page.contains("There is no answer"));
    assert!(!page.contains("What floats?"));
}

#[tokio::test]
async fn markdown_has_each_pane() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("data"));
    store(&history);
    let to = folder.path().join("a.md");
    let text = exported(&history, ConversationFormat::Markdown, &to).await;
    let pane = |number: u8, model: &str| {
        format!(
            "# Pane {number} of 2\n\n## User\n\nWhat floats?\n\n## here/{model}\n\nA *buoy*, says {model}.\nAnd \
             <b>foam</b>.\n\n"
        )
    };
    let expected = format!("# Afloat\n\n{}{}", pane(1, "model-a"), pane(2, "model-b"));
    assert_eq!(text, expected);
}
