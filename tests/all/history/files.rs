//! Files live once, however many runs and conversations use them, and go with the last of these.

use std::{path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokenscope::{
    chat::{Media, Part},
    conversation::{ConversationChange, ConversationId},
    event::Event,
    history::{ExportFormat, History, RunQuery},
    price::PriceTable,
    run::{Run, RunId},
};

use super::{a_conversation, a_run, an_image, close};

const SIZE: usize = 100_000;

/// A file of many such bytes.
fn a_file(byte: u8) -> Media {
    an_image(&vec![byte; SIZE])
}

/// A run that sends a file and gets another.
fn with_files(id: i64, sent: u8, got: u8) -> Run {
    let mut run = a_run(id);
    let request = Arc::make_mut(&mut run.head.request);
    let file = Part::Media(a_file(sent));
    request.messages[0].parts.push(file);
    // One that the provider fetches has no bytes here.
    let there = Media::at("gs://bucket/talk.mp4").unwrap();
    request.messages[0].parts.push(Part::Media(there));
    run.answer.apply(&Event::Media(a_file(got)));
    run
}

fn opened(folder: &Path) -> Connection {
    Connection::open(folder.join("history.db")).unwrap()
}

/// The first bytes of the files that are kept.
fn kept(file: &Connection) -> Vec<u8> {
    let mut select = file
        .prepare("SELECT bytes FROM blob ORDER BY bytes")
        .unwrap();
    let bytes = select
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .unwrap();
    bytes.map(|bytes| bytes.unwrap()[0]).collect()
}

fn sent(run: &Run) -> &Media {
    match &run.head.request.messages[0].parts[1] {
        Part::Media(media) => media,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_is_kept_once_and_goes_with_its_last_user() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for id in 1..=5 {
        let run = with_files(id, 1, 2);
        history.begin(&run);
        history.finish(run.clone());
        assert_eq!(history.run(run.head.id).await.unwrap(), Some(run));
    }
    let mut conversation = a_conversation(1);
    conversation.panes.clear();
    conversation.draft.images = vec![a_file(1), a_file(3)];
    let first = ConversationChange::new(conversation.clone());
    history.save_conversation(first.clone());
    history.flush().await;
    let file = opened(folder.path());
    assert_eq!(kept(&file), [1, 2, 3]);
    let largest = "SELECT max(length(request) + length(coalesce(rest, ''))) FROM run_wire";
    let largest: i64 = file.query_row(largest, [], |row| row.get(0)).unwrap();
    assert!(largest < 2000, "{largest} bytes of JSON");

    // What is taken out of the draft, and what runs leave behind.
    conversation.draft.images.pop();
    history.save_conversation(ConversationChange {
        base: first.mine,
        mine: conversation.into(),
    });
    history.flush().await;
    assert_eq!(kept(&file), [1, 2]);
    file.execute("DELETE FROM run WHERE id < 5", []).unwrap();
    assert_eq!(kept(&file), [1, 2]);
    file.execute("DELETE FROM run", []).unwrap();
    assert_eq!(kept(&file), [1], "the draft has it still");
    for table in ["run_text", "run_wire", "piece", "finding"] {
        let count = format!("SELECT count(*) FROM {table}");
        let left: i64 = file.query_row(&count, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
    history.delete_conversation(ConversationId(1));
    history.flush().await;
    assert!(kept(&file).is_empty());
}

/// Eight panes ask three times about one large file; each question carries those before it.
#[tokio::test]
async fn eight_panes_and_three_turns_keep_one_file() {
    const LARGE: usize = 10 << 20;
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let file = an_image(&vec![5; LARGE]);
    let asked = |id: i64, turns: i64| {
        let mut run = a_run(id);
        let request = Arc::make_mut(&mut run.head.request);
        let question = request.messages.remove(0);
        for _ in 0..turns {
            let mut question = question.clone();
            question.parts.push(Part::Media(file.clone()));
            request.messages.push(question);
        }
        run
    };
    let ids = |turn: i64| (1..=8).map(move |pane| turn * 10 + pane);
    for turn in 1..=3 {
        for id in ids(turn) {
            history.begin(&asked(id, turn));
            history.finish(asked(id, turn));
        }
        history.flush().await;
    }
    let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let kept: i64 = opened(folder.path())
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    close(history, folder.path()).await;
    drop(file);

    let history = History::open(folder.path());
    let mut runs = Vec::new();
    for id in (1..=3).flat_map(ids) {
        runs.push(history.run(RunId(id)).await.unwrap().unwrap());
    }
    let messages = runs.iter().flat_map(|run| &run.head.request.messages);
    let files = messages
        .flat_map(|message| &message.parts)
        .filter_map(|part| match part {
            Part::Media(media) => Some(media.data.as_ptr()),
            _ => None,
        });
    let files: Vec<_> = files.collect();
    assert_eq!(files.len(), 8 * (1 + 2 + 3));
    assert!(files.iter().all(|place| *place == files[0]), "held once");
    println!(
        "{} KiB on disk for a file of {} KiB",
        kept >> 10,
        LARGE >> 10
    );
    assert!(kept < i64::try_from(LARGE).unwrap() * 11 / 10, "{kept}");
}

#[tokio::test]
async fn what_is_read_twice_is_held_once() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for id in 1..=2 {
        history.finish(with_files(id, 1, 2));
    }
    let mut conversation = a_conversation(1);
    conversation.draft.images = vec![a_file(1)];
    history.save_conversation(ConversationChange::new(conversation));
    close(history, folder.path()).await;

    let history = History::open(folder.path());
    let one = history.run(RunId(1)).await.unwrap().unwrap();
    let two = history.run(RunId(2)).await.unwrap().unwrap();
    let talk = history
        .conversation(ConversationId(1))
        .await
        .unwrap()
        .unwrap();
    let place = sent(&one).data.as_ptr();
    assert_eq!(sent(&two).data.as_ptr(), place);
    assert_eq!(talk.draft.images[0].data.as_ptr(), place);
    let (one, two) = (&one.answer.media[0].data, &two.answer.media[0].data);
    assert_eq!(one.as_ptr(), two.as_ptr());
}

#[tokio::test]
async fn an_export_names_files_by_size_and_hash() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.finish(with_files(1, 1, 2));
    let to = folder.path().join("runs.json");
    let json = ExportFormat::Json;
    let export = history.export(
        RunQuery::default(),
        json,
        PriceTable::default(),
        to.clone(),
        |_, _| {},
    );
    assert_eq!(export.await.unwrap(), 1);
    let text = std::fs::read_to_string(to).unwrap();
    assert!(text.len() < 10_000, "{} bytes", text.len());
    let runs: Value = serde_json::from_str(&text).unwrap();
    let parts = &runs[0]["request"]["messages"][0]["parts"];
    let hex = |bytes: [u8; 32]| bytes.map(|byte| format!("{byte:02x}")).concat();
    let hash = hex(a_file(1).data.sha256());
    let expected = json!({
        "type": "media", "mime": "image/png", "name": "a.png", "bytes": SIZE, "sha256": hash
    });
    assert_eq!(parts[1], expected);
    assert_eq!(parts[2]["uri"], "gs://bucket/talk.mp4");
    let hash = hex(a_file(2).data.sha256());
    let media = &runs[0]["media"][0];
    assert_eq!(
        (&media["bytes"], &media["sha256"]),
        (&json!(SIZE), &json!(hash))
    );
}

/// Takes the tables of a history without files back to those of version 3.
pub(super) fn make_version_3(file: &Connection) {
    super::windows::make_version_4(file);
    file.execute_batch(
        "DROP TRIGGER blob_unused;
        DROP TRIGGER run_gone;
        DROP TRIGGER conversation_gone;
        DROP TABLE blob_use;
        DROP TABLE blob;
        CREATE TABLE blob (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
        CREATE INDEX blob_hash ON blob (hash);
        PRAGMA user_version = 3;",
    )
    .unwrap();
}

/// Makes a file as version 3 left it: a file's number in place of its bytes, an answer's files in the JSON.
fn back_to_version_3(file: &Connection) {
    let number = STANDARD.encode(7_i64.to_le_bytes());
    let request = |json: &str| {
        let mut json: Value = serde_json::from_str(json).unwrap();
        json["messages"][0]["parts"][1]["data"] = number.clone().into();
        // The type as it was called before there were other files.
        json["messages"][0]["parts"][1]["type"] = "image".into();
        json.to_string()
    };
    let rest = |json: &str| {
        let mut json: Value = serde_json::from_str(json).unwrap();
        json["media"][0]["data"] = STANDARD.encode(vec![2; SIZE]).into();
        json.to_string()
    };
    let talk = |json: &str| {
        let mut json: Value = serde_json::from_str(json).unwrap();
        json["draft"]["images"][0]["data"] = number.clone().into();
        json.to_string()
    };
    let get = |sql: &str| -> String { file.query_row(sql, [], |row| row.get(0)).unwrap() };
    let request = request(&get("SELECT request FROM run_wire"));
    let rest = rest(&get("SELECT rest FROM run_wire"));
    file.execute(
        "UPDATE run_wire SET request = ?1, rest = ?2",
        (request, rest),
    )
    .unwrap();
    make_version_3(file);
    let talk = talk(&get("SELECT json FROM conversation"));
    file.execute("UPDATE conversation SET json = ?1", [talk])
        .unwrap();
    for (id, byte) in [(7, 1), (8, 9)] {
        file.execute(
            "INSERT INTO blob VALUES (?1, 1, ?2)",
            (id, vec![byte; SIZE]),
        )
        .unwrap();
    }
    // A row that can't be read must not stand in the way.
    file.execute_batch(
        "INSERT INTO conversation VALUES (99, 0, 'broken', 1, '{\"draft\":{\"images\":[{\"type\":\"media\"');",
    )
    .unwrap();
}

#[tokio::test]
async fn files_of_version_3_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let run = with_files(1, 1, 2);
    history.finish(run.clone());
    let mut conversation = a_conversation(1);
    conversation.panes.clear();
    conversation.draft.images = vec![a_file(1)];
    history.save_conversation(ConversationChange::new(conversation.clone()));
    close(history, folder.path()).await;
    back_to_version_3(&opened(folder.path()));

    let history = History::open(folder.path());
    assert_eq!(history.run(RunId(1)).await.unwrap(), Some(run));
    let talk = history.conversation(ConversationId(1)).await.unwrap();
    assert_eq!(talk, Some(conversation));
    let file = opened(folder.path());
    assert_eq!(kept(&file), [1, 2], "nobody used the third");
    file.execute("DELETE FROM run", []).unwrap();
    assert_eq!(kept(&file), [1]);
}
