//! Several windows on one conversation: turns, drafts, and what each sees of the others.

use std::{path::Path, sync::Arc};

use rusqlite::Connection;
use serde_json::{Value, json};
use tokenscope::{
    chat::Part,
    conversation::{
        Conversation, ConversationChange, ConversationId, Draft, Pane, Turn, TurnId, merge,
    },
    history::{History, OtherProcesses},
    run::RunId,
};

use super::{a_conversation, close, fresh, says, wait_until_closed, waiting};

/// A window: it keeps what it last agreed on with the file, as the playground does.
struct Window {
    history: History,
    base: Arc<Conversation>,
    mine: Conversation,
}

impl Window {
    /// Opens a conversation that is kept.
    async fn open(folder: &Path, id: ConversationId) -> Self {
        let history = History::open(folder);
        let mine = history.conversation(id).await.unwrap().unwrap();
        Self {
            history,
            base: mine.clone().into(),
            mine,
        }
    }

    fn ask(&mut self, text: &str) -> RunId {
        let pane = &mut self.mine.panes[0];
        let text = text.to_owned();
        pane.ask(vec![Part::Text { text }], None);
        let run = RunId::new();
        pane.turns.last_mut().unwrap().runs.push(run);
        self.save();
        run
    }

    fn save(&mut self) {
        let mine = Arc::new(self.mine.clone());
        let base = std::mem::replace(&mut self.base, Arc::clone(&mine));
        self.history
            .save_conversation(ConversationChange { base, mine });
    }

    async fn follow(&mut self) {
        let theirs = self.history.conversation(self.mine.id).await.unwrap();
        self.mine = merge::merge(&self.base, &self.mine, theirs.as_ref()).unwrap();
        self.base = theirs.unwrap().into();
    }

    fn runs(&self) -> Vec<RunId> {
        let turns = &self.mine.panes[0].turns;
        turns.iter().flat_map(|turn| turn.runs.clone()).collect()
    }

    /// Waits until what it knows of other windows is so.
    async fn sees(&self, so: impl Fn(&OtherProcesses) -> bool) {
        let mut elsewhere = self.history.watch_other_processes();
        elsewhere.wait_for(|found| so(found)).await.unwrap();
    }
}

/// A conversation of one pane, kept.
async fn begun(folder: &Path) -> ConversationId {
    let conversation = Conversation {
        id: ConversationId(7),
        title: "both".into(),
        panes: vec![Pane {
            id: 1,
            ..Pane::default()
        }],
        ..Conversation::default()
    };
    let id = conversation.id;
    let history = History::open(folder);
    history.save_conversation(ConversationChange::new(conversation));
    close(history, folder).await;
    id
}

#[tokio::test]
async fn turns_of_two_windows_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let id = begun(folder.path()).await;
    let mut first = Window::open(folder.path(), id).await;
    let mut second = Window::open(folder.path(), id).await;
    let mut asked = Vec::new();
    for n in 0..20 {
        asked.push(first.ask(&format!("first {n}")));
        asked.push(second.ask(&format!("second {n}")));
        if n % 5 == 0 {
            first.history.flush().await;
            second.follow().await;
        }
    }
    first.history.flush().await;
    second.follow().await;
    first.follow().await;
    for window in [&first, &second] {
        let mut runs = window.runs();
        assert!(window.mine.panes[0].turns.is_sorted_by_key(|turn| turn.id));
        runs.sort_unstable();
        let mut all = asked.clone();
        all.sort_unstable();
        assert_eq!(runs, all);
    }
}

#[tokio::test]
async fn a_further_turn_writes_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let id = begun(folder.path()).await;
    let mut window = Window::open(folder.path(), id).await;
    window.ask("one");
    window.ask("two");
    window.history.flush().await;
    let file = Connection::open(folder.path().join("history.db")).unwrap();
    file.execute_batch(
        "CREATE TABLE written (what TEXT);
         CREATE TRIGGER a AFTER INSERT ON turn BEGIN INSERT INTO written VALUES ('turn'); END;
         CREATE TRIGGER b AFTER INSERT ON pane BEGIN INSERT INTO written VALUES ('pane'); END;",
    )
    .unwrap();
    window.ask("three");
    window.history.flush().await;
    let written: Vec<String> = (file.prepare("SELECT what FROM written").unwrap())
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(written, ["turn"]);
}

#[tokio::test]
async fn each_window_has_its_own_draft_and_the_next_start_finds_those_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let id = begun(folder.path()).await;
    let mut windows = [
        Window::open(folder.path(), id).await,
        Window::open(folder.path(), id).await,
    ];
    for (n, window) in windows.iter_mut().enumerate() {
        window.mine.draft = Draft {
            text: format!("draft {n}"),
            images: vec![super::an_image(format!("image {n}").as_bytes())],
        };
        window.save();
        window.history.flush().await;
    }
    for (n, window) in windows.iter_mut().enumerate() {
        window.follow().await;
        assert_eq!(window.mine.draft.text, format!("draft {n}"));
    }
    // Both end; the next windows find both drafts, each once, the latest first.
    drop(windows);
    wait_until_closed(folder.path(), 1);
    wait_until_closed(folder.path(), 2);
    let mut next = Window::open(folder.path(), id).await;
    assert_eq!(next.mine.draft.text, "draft 1");
    assert_eq!(&next.mine.draft.images[0].data[..], b"image 1");
    let other = Window::open(folder.path(), id).await;
    assert_eq!(other.mine.draft.text, "draft 0");
    // What was sent is not there again.
    next.mine.draft = Draft::default();
    next.ask("sent");
    close(next.history, folder.path()).await;
    let again = Window::open(folder.path(), id).await;
    assert_eq!(again.mine.draft, Draft::default());
    assert_eq!(
        other.history.conversation(id).await.unwrap().unwrap().draft,
        other.mine.draft
    );
}

#[tokio::test]
async fn a_deleted_conversation_comes_back_with_what_is_asked_in_another_window() {
    let folder = tempfile::tempdir().unwrap();
    let id = begun(folder.path()).await;
    let mut first = Window::open(folder.path(), id).await;
    let second = Window::open(folder.path(), id).await;
    second.history.delete_conversation(id);
    second.history.flush().await;
    first.mine.title = "renamed".into();
    first.save();
    assert_eq!(first.history.conversation(id).await.unwrap(), None);
    let run = first.ask("still here");
    let back = second.history.conversation(id).await;
    drop(back);
    first.history.flush().await;
    let back = second.history.conversation(id).await.unwrap().unwrap();
    assert_eq!(
        (back.title.as_str(), back.panes[0].turns[0].run()),
        ("renamed", Some(run))
    );
}

#[tokio::test]
async fn a_window_sees_what_others_do_and_who_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let id = begun(folder.path()).await;
    let mut first = Window::open(folder.path(), id).await;
    let mut second = Window::open(folder.path(), id).await;
    first.history.show_conversation(id);
    first.history.flush().await;
    second.history.show_conversation(id);
    first.sees(|found| found.also_open).await;
    second.sees(|found| found.also_open).await;

    second.ask("seen?");
    first.sees(|found| found.conversations == 1).await;
    second.history.begin(&waiting(1));
    first.sees(|found| found.runs == 1).await;
    let changes = first.history.watch_other_processes().borrow().changes;
    second.history.record(RunId(1), says(10, "as it grows"));
    first.sees(|found| found.changes > changes).await;
    let live = first.history.run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(live.answer.text, "as it grows");
    // What it writes itself is no news to it.
    let seen = *first.history.watch_other_processes().borrow();
    first.ask("mine");
    first.history.begin(&fresh(2));
    first.history.flush().await;
    second
        .sees(|found| found.runs == 1 && found.conversations == 1)
        .await;
    let told = *first.history.watch_other_processes().borrow();
    assert_eq!(
        (told.runs, told.conversations),
        (seen.runs, seen.conversations)
    );

    // The other window goes away in the middle of its run.
    drop(second);
    first.sees(|found| !found.also_open && found.runs > 1).await;
    let run = first.history.run(RunId(1)).await.unwrap().unwrap();
    assert!(run.state.is_over());
}

/// Takes the tables of a history back to those of version 6.
fn make_version_6(file: &Connection) {
    file.execute_batch(
        "DROP TABLE bench; DROP TABLE bench_block;
         DROP TABLE firing_alert;
         DROP INDEX run_probe;
         DROP TABLE probe_rollup;
         DROP TABLE check_rollup;
         DROP TABLE capture; DROP TABLE capture_piece; DROP TRIGGER run_capture_gone;
         ALTER TABLE meta DROP COLUMN capture_bytes;
         DROP INDEX run_target;
         ALTER TABLE run DROP COLUMN first_token_delay;
         CREATE INDEX run_target ON run (target, started_unix_ns, first_token, connection, outcome, simulated);
         DROP TABLE gap;
         DROP TABLE checked_endpoint;
         DROP TABLE endpoint_check;",
    )
    .unwrap();
}

/// Makes a file as version 4 left it: a conversation is one row, its turns without ids in it.
pub(super) fn make_version_4(file: &Connection) {
    let text = |sql: &str, id: i64| -> Vec<String> {
        let mut select = file.prepare(sql).unwrap();
        let rows = select.query_map([id], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let parsed = |json: &String| -> Value { serde_json::from_str(json).unwrap() };
    let mut select = file
        .prepare("SELECT id, updated_unix_ns, title FROM conversation")
        .unwrap();
    let old: Vec<(i64, i64, String, String, i64)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(|row| {
            let (id, updated, title): (i64, i64, String) = row.unwrap();
            let sql = "SELECT json FROM pane WHERE conversation = ?1 ORDER BY place";
            let mut panes: Vec<Value> = text(sql, id).iter().map(parsed).collect();
            for pane in &mut panes {
                let sql = format!(
                    "SELECT json FROM turn WHERE conversation = ?1 AND pane = {} ORDER BY id",
                    pane["id"]
                );
                let mut turns: Vec<Value> = text(&sql, id).iter().map(parsed).collect();
                for turn in &mut turns {
                    turn.as_object_mut().unwrap().remove("id");
                }
                pane["turns"] = turns.into();
            }
            let sql = "SELECT json FROM draft WHERE conversation = ?1";
            let draft = text(sql, id).first().map_or(json!({}), parsed);
            let whole = json!({"id": id, "title": title, "panes": panes, "draft": draft, "updated_unix_ns": updated});
            (id, updated, title, whole.to_string(), i64::try_from(panes.len()).unwrap())
        })
        .collect();
    make_version_6(file);
    file.execute_batch(
        "DROP TRIGGER conversation_gone;
         DROP TRIGGER draft_gone;
         DROP TABLE conversation; DROP TABLE pane; DROP TABLE turn; DROP TABLE draft; DROP TABLE open;
         ALTER TABLE meta DROP COLUMN talk;
         UPDATE OR REPLACE blob_use SET owner = 'conversation' WHERE owner = 'draft';
         CREATE TABLE conversation (
            id INTEGER PRIMARY KEY, updated_unix_ns INTEGER NOT NULL, title TEXT NOT NULL,
            panes INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
         CREATE TRIGGER conversation_gone AFTER DELETE ON conversation BEGIN
            DELETE FROM blob_use WHERE owner = 'conversation' AND id = OLD.id;
         END;
         ALTER TABLE run_wire DROP COLUMN link;
         PRAGMA user_version = 4;",
    )
    .unwrap();
    for (id, updated, title, json, panes) in old {
        file.execute(
            "INSERT INTO conversation VALUES (?1, ?2, ?3, ?4, ?5)",
            (id, updated, title, panes, json),
        )
        .unwrap();
    }
}

#[tokio::test]
async fn conversations_of_version_4_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut whole = a_conversation(1);
    whole.panes[0]
        .turns
        .extend([(2, 30), (3, 20)].map(|(id, run)| Turn {
            id: TurnId(id),
            runs: vec![RunId(run)],
            ..Turn::default()
        }));
    history.save_conversation(ConversationChange::new(whole.clone()));
    close(history, folder.path()).await;
    let file = Connection::open(folder.path().join("history.db")).unwrap();
    make_version_4(&file);
    file.execute_batch("INSERT INTO conversation VALUES (99, 0, 'broken', 1, '{\"panes\":[');")
        .unwrap();

    let history = History::open(folder.path());
    let back = history.conversation(whole.id).await.unwrap().unwrap();
    // A turn takes the key of its first run, and stands behind those before it.
    for (turn, id) in whole.panes[0].turns.iter_mut().zip([1, 30, 31]) {
        turn.id = TurnId(id);
    }
    assert_eq!(back, whole);
    let left: String = file
        .query_row(
            "SELECT json FROM old_conversation WHERE id = 99",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, "{\"panes\":[", "what can't be read is kept");
    assert_eq!(history.conversations().await.unwrap().len(), 1);
}
