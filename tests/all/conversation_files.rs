//! Conversations in files: what is exported comes back the same, exports of other programs are read as far as they go,
//! and what is wrong is refused as a whole, with its place.

mod page;
mod refused;

use std::{path::Path, sync::Arc};

use tokenscope::{
    chat::{ChatRequest, Part},
    conversation::{
        Conversation, ConversationChange, ConversationId, Pane, Turn, TurnId,
        archive::{ArchivedConversation, ArchivedTurn},
    },
    conversation_file::{ConversationFormat, Extent, ReadConversations, read_file},
    endpoint::TargetId,
    event::{Event, Usage},
    history::{DistributionQuery, History, OutcomeFilter, RunQuery},
    price::PriceTable,
    run::{Origin, Read, Run, RunId, RunState},
};

use crate::{deadline::soon, history::a_run, home::Home};

/// A file of another program, written by hand.
fn fixture(name: &str) -> ReadConversations {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/conversations");
    read_file(&folder.join(name)).unwrap()
}

fn text_of(turn: &ArchivedTurn) -> String {
    let texts = turn.user.iter().filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// The model, the reasoning and the text of each answer.
fn answers(turn: &ArchivedTurn) -> Vec<(&str, String, String)> {
    let answers = turn.answers.iter().map(|run| {
        let (mut reasoning, mut said) = (String::new(), String::new());
        for part in &run.answer.parts {
            match part {
                Part::Reasoning { text } => reasoning += text,
                Part::Text { text } => said += text,
                other => panic!("{other:?}"),
            }
        }
        (run.target.model.as_str(), reasoning, said)
    });
    answers.collect()
}

fn turns(conversation: &ArchivedConversation) -> &[ArchivedTurn] {
    let [pane] = &conversation.panes[..] else {
        panic!("{} panes", conversation.panes.len());
    };
    &pane.turns
}

#[test]
fn the_branch_that_chatgpt_showed_last_is_read() {
    let read = fixture("chatgpt.json");
    assert_eq!(read.source, "ChatGPT");
    let [tides] = &read.conversations[..] else {
        panic!("{}", read.conversations.len());
    };
    assert_eq!(
        (tides.title.as_str(), tides.updated_unix_ns),
        ("Tides", 1_767_229_200_250_000_000)
    );
    let [first, second] = turns(tides) else {
        panic!("{tides:?}");
    };
    assert_eq!(text_of(first), "Why are there two tides a day?");
    let thoughts = "The moon pulls.\n\nSo there are two bulges.";
    let said = "One bulge faces the moon, one faces away.";
    assert_eq!(
        answers(first),
        [("model-b", thoughts.to_owned(), said.to_owned())]
    );
    assert_eq!(first.answers[0].started_unix_ns, 1_767_225_603_000_000_000);
    assert_eq!(text_of(second), "And the sun?");
    let left_out = "attachments (1), calls of tools and their results (2), conversations in which nothing was asked (1), \
         custom instructions (1), messages on other branches (1)";
    assert_eq!(read.left_out.in_words(), left_out);
}

#[test]
fn claudes_messages_and_attached_texts_are_read() {
    let read = fixture("claude.json");
    assert_eq!(read.source, "Claude");
    let [talk] = &read.conversations[..] else {
        panic!("{}", read.conversations.len());
    };
    assert_eq!(talk.title, "Sum this up", "a name from its first question");
    let [first, second] = turns(talk) else {
        panic!("{talk:?}");
    };
    let Part::Media(notes) = &first.user[0] else {
        panic!("{:?}", first.user);
    };
    assert_eq!(
        (notes.name.as_str(), &notes.data[..]),
        ("notes.txt", &b"buoy at sea"[..])
    );
    let said = "A buoy.\n\nIt floats.";
    assert_eq!(
        answers(first),
        [("not stated", "Short text.".to_owned(), said.to_owned())]
    );
    assert_eq!(answers(second)[0].2, "You are welcome.");
    let left_out = "attachments (1), calls of tools and their results (2)";
    assert_eq!(read.left_out.in_words(), left_out);
}

#[test]
fn cherry_studios_topics_are_read_with_the_answers_of_several_models() {
    let read = fixture("cherry-studio.json");
    assert_eq!(read.source, "Cherry Studio");
    let [knots, old] = &read.conversations[..] else {
        panic!("{}", read.conversations.len());
    };
    assert_eq!(
        (knots.title.as_str(), old.title.as_str()),
        ("Knots", "An old message")
    );
    assert_eq!(knots.panes[0].system, "You are a sailor.");
    let [turn] = turns(knots) else {
        panic!("{knots:?}");
    };
    let none = String::new;
    let expected = [
        ("model-a", "A loop.".to_owned(), "Bowline".to_owned()),
        ("model-b", none(), "Clove hitch".to_owned()),
    ];
    assert_eq!((answers(turn), turn.shown), (expected.into(), 1));
    assert_eq!(answers(&turns(old)[0])[0].2, "has its text in itself");
    let left_out = "attachments (1), blocks that are missing in the file (1), calls of tools and their results (1)";
    assert_eq!(read.left_out.in_words(), left_out);
    assert!(!format!("{read:?}").contains("canary"), "a key was read");
}

/// A run of a pane with figures, in a conversation of this key.
fn measured(id: i64, model: &str) -> Run {
    let mut run = a_run(id);
    run.head.target.model = model.into();
    run.head.request = Arc::new(ChatRequest::of_text(model, "What floats?"));
    run.answer = tokenscope::event::Answer::default();
    for event in [
        Event::Reasoning { text: "Hm".into() },
        Event::Text {
            text: format!("A *buoy*, says {model}.\nAnd <b>foam</b>."),
        },
        Event::Usage(Usage {
            input: Some(3),
            output: Some(9),
            ..Usage::default()
        }),
    ] {
        run.answer.apply(&event);
    }
    run.stamps.last_token = Some(300_000_000);
    run.reads = [100_000_000, 300_000_000]
        .map(|at| Read {
            at,
            tokens: 4,
            ..Read::default()
        })
        .into_iter()
        .collect();
    run
}

/// Stores a conversation of two panes with an answer each.
fn store(history: &History) -> Conversation {
    let panes = [(1, "model-a"), (2, "model-b")].map(|(id, model)| {
        let run = measured(100 + i64::from(id), model);
        history.finish(run.clone());
        Pane {
            id,
            target: Some(TargetId {
                endpoint: "here".into(),
                model: model.into(),
            }),
            turns: vec![Turn {
                id: TurnId(1),
                user: vec![Part::Text {
                    text: "What floats?".into(),
                }],
                runs: vec![run.head.id],
                ..Turn::default()
            }],
            ..Pane::default()
        }
    });
    let conversation = Conversation {
        id: ConversationId(7),
        title: "Afloat".into(),
        panes: panes.into(),
        updated_unix_ns: 1_700_000_000_000_000_000,
        ..Conversation::default()
    };
    history.save_conversation(ConversationChange::new(conversation.clone()));
    conversation
}

/// What is written of a history in a format.
async fn exported(history: &History, format: ConversationFormat, to: &Path) -> String {
    let writer = format.writer(Extent::Whole, PriceTable::default());
    let written = history.export_conversations(None, writer, to.to_owned());
    soon("the export", written).await.unwrap();
    std::fs::read_to_string(to).unwrap()
}

#[tokio::test]
async fn what_is_exported_and_imported_is_the_same_and_counts_in_no_figure() {
    let folder = tempfile::tempdir().unwrap();
    let first = History::open(&folder.path().join("first"));
    store(&first);
    let file = folder.path().join("all.json");
    let before = exported(&first, ConversationFormat::Json, &file).await;
    let read = read_file(&file).unwrap();
    assert_eq!(
        (read.source, read.left_out.is_empty()),
        ("Tokenscope", true)
    );

    let second = History::open(&folder.path().join("second"));
    let done = soon(
        "the import",
        second.import_conversations(read.conversations),
    )
    .await
    .unwrap();
    assert_eq!((done.conversations, done.answers), (1, 2));
    let after = exported(&second, ConversationFormat::Json, &file).await;
    assert_eq!(after, before);

    let shown = second
        .conversation(done.latest.unwrap())
        .await
        .unwrap()
        .unwrap();
    let id = shown.panes[0].turns[0].run().unwrap();
    let run = second.run(id).await.unwrap().unwrap();
    assert_eq!((run.head.origin, run.state), (Origin::Import, RunState::Ok));
    assert_eq!(run.stamps.first_token, Some(100_000_000));
    assert_eq!(run.reads.len(), 2);
    let all = RunQuery {
        text: "buoy".into(),
        limit: 9,
        ..RunQuery::default()
    };
    let page = second.runs(all).await.unwrap();
    assert_eq!(page.total, 2, "a search finds them");
    assert!(page.rows.iter().all(|row| row.state == RunState::Ok));
    let counted = RunQuery {
        outcome: Some(OutcomeFilter::Ok),
        limit: 9,
        ..RunQuery::default()
    };
    assert_eq!(second.runs(counted).await.unwrap().total, 0);
    let query = DistributionQuery {
        connection: tokenscope::run::ConnectionKind::Warm,
        ..DistributionQuery::default()
    };
    assert_eq!(first.distributions(query.clone()).await.unwrap().len(), 2);
    assert_eq!(second.distributions(query).await.unwrap(), []);
    assert_eq!(second.conformance(None).await.unwrap(), []);
}

#[tokio::test]
async fn an_import_that_cant_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.storage().await;
    let file = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    // The second conversation fails.
    file.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON conversation WHEN NEW.title = 'An old message'
            BEGIN SELECT RAISE(ABORT, 'no room'); END",
    )
    .unwrap();
    let read = fixture("cherry-studio.json");
    let refused = soon(
        "the import",
        history.import_conversations(read.conversations),
    )
    .await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("nothing was imported"), "{why}");
    assert_eq!(history.conversations().await.unwrap(), []);
    assert_eq!(history.runs(RunQuery::default()).await.unwrap().total, 0);
}

#[tokio::test]
async fn an_export_of_what_is_not_there_writes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    store(&history);
    let to = folder.path().join("none.md");
    let writer = ConversationFormat::Markdown.writer(Extent::Whole, PriceTable::default());
    let only = Some(vec![ConversationId(7), ConversationId(8)]);
    let refused = soon(
        "the export",
        history.export_conversations(only, writer, to.clone()),
    )
    .await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("no conversation 8"), "{why}");
    assert!(!to.exists());
    let left = std::fs::read_dir(folder.path()).unwrap();
    let mut names = left.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(
        !names.any(|name| name.contains("none")),
        "a part of it is left"
    );
}

#[tokio::test]
async fn conversations_are_found_by_their_questions_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    store(&history);
    let read = fixture("cherry-studio.json");
    soon(
        "the import",
        history.import_conversations(read.conversations),
    )
    .await
    .unwrap();
    let all = history.conversations().await.unwrap();
    for (words, titles) in [
        ("CLOVE", &["Knots"][..]),
        ("hitch knot", &["Knots"]),
        ("buoy floats?", &["Afloat"]),
        ("has its text", &["An old message"]),
        ("knot floats", &[]),
        ("model-b", &["Afloat"]),
        ("cherry-studio", &[]),
    ] {
        let found = history.conversations_holding(words.into()).await.unwrap();
        let found = all.iter().filter(|one| found.contains(&one.id));
        let found: Vec<&str> = found.map(|one| one.title.as_str()).collect();
        assert_eq!(found, titles, "{words}");
    }
}

#[tokio::test]
async fn an_imported_answer_can_be_deleted() {
    use tokenscope::history::Deletion;
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let read = fixture("claude.json");
    let done = soon(
        "the import",
        history.import_conversations(read.conversations),
    )
    .await
    .unwrap();
    let shown = history
        .conversation(done.latest.unwrap())
        .await
        .unwrap()
        .unwrap();
    let run: RunId = shown.panes[0].turns[0].run().unwrap();
    let deleted = soon("the deletion", history.delete(Deletion::run(run)))
        .await
        .unwrap();
    assert_eq!(deleted.runs, 1);
    assert_eq!(history.run(run).await.unwrap(), None);
}

#[test]
fn the_terminal_lists_exports_and_imports() {
    let home = Home::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/conversations");
    let file = folder.join("cherry-studio.json");
    let ran = home.run(&["conversations", "import", file.to_str().unwrap()], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.err
            .contains("2 conversations of Cherry Studio with 3 answers"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("left out: attachments (1)"), "{}", ran.err);
    let ran = home.run(&["conversations", "list"], "");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines[1].contains("An old message") && lines[2].contains("Knots"),
        "{}",
        ran.out
    );
    let id = lines[2].split_whitespace().next().unwrap();
    let to = home.path().join("knots.md");
    let export = [
        "conversations",
        "export",
        "--id",
        id,
        "-o",
        to.to_str().unwrap(),
    ];
    let ran = home.run(&export, "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let text = std::fs::read_to_string(&to).unwrap();
    let expected = "# Knots\n\n## System\n\nYou are a sailor.\n\n## User\n\nName a knot\n\n## cherry-studio/model-b\n\n\
         Clove hitch\n";
    assert_eq!(text.trim_end(), expected.trim_end());
    let ran = home.run(&["conversations", "export", "-o", "talk.doc"], "");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("say --format"), "{}", ran.err);
}
