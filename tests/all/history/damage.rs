//! Files that are damaged, foreign or newer: shown or set aside, never lost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokenscope::{
    history::{History, Storage},
    run::RunId,
};

use crate::deadline;

use super::{a_run, all_runs, close, says, waiting};

fn file(folder: &Path) -> PathBuf {
    folder.join("history.db")
}

/// A closed history of so many runs, each with a text of so many bytes.
async fn filled(folder: &Path, runs: i64, bytes: usize) {
    let history = History::open(folder);
    for id in 1..=runs {
        let mut run = a_run(id);
        run.answer.text = "x".repeat(bytes);
        history.finish(run);
    }
    close(history, folder).await;
}

fn overwrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Opens the folder, expects that the file was set aside and that a new one works; gives the old one.
async fn expect_set_aside(folder: &Path, about: &str) -> PathBuf {
    let bad = fs::read(file(folder)).unwrap();
    let history = History::open(folder);
    let mut storage = history.watch_storage();
    let told = storage
        .wait_for(|s| matches!(s, Some(Storage::SetAside { .. } | Storage::Failing { .. })))
        .await
        .unwrap()
        .clone();
    let Some(Storage::SetAside { kept_as, why }) = told else {
        panic!("{told:?}");
    };
    assert!(why.contains(about), "{why}");
    assert_eq!(
        fs::read(&kept_as).unwrap(),
        bad,
        "the old file is as it was"
    );
    let name = kept_as.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("history.damaged-"), "{name}");
    assert_eq!(kept_as.extension(), Some("db".as_ref()));
    history.finish(a_run(1000));
    assert_eq!(all_runs(&history).await, [a_run(1000)]);
    close(history, folder).await;
    kept_as
}

#[tokio::test]
async fn a_text_file_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(file(folder.path()), "dear diary, ".repeat(100)).unwrap();
    expect_set_aside(folder.path(), "not a database").await;
}

#[tokio::test]
async fn a_truncated_file_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 200, 500).await;
    overwrite(&file(folder.path()), |bytes| {
        bytes.truncate(bytes.len() / 2);
    });
    expect_set_aside(folder.path(), "malformed").await;
}

#[tokio::test]
async fn every_zeroed_page_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 60, 3000).await;
    let whole = fs::read(file(folder.path())).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 30);
    for page in (0..pages).step_by(7) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0);
        fs::write(file(folder.path()), bytes).unwrap();
        expect_set_aside(folder.path(), "").await;
    }
}

#[tokio::test]
async fn a_large_file_is_checked_while_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 300, 60_000).await;
    overwrite(&file(folder.path()), |bytes| {
        assert!(bytes.len() > 17 << 20);
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0);
    });
    expect_set_aside(folder.path(), "").await;
}

#[tokio::test]
async fn another_programs_database_is_set_aside_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let other = rusqlite::Connection::open(file(folder.path())).unwrap();
    other
        .execute_batch("CREATE TABLE note (text); INSERT INTO note VALUES ('mine')")
        .unwrap();
    drop(other);
    let kept_as = expect_set_aside(folder.path(), "another program").await;
    let other = rusqlite::Connection::open(kept_as).unwrap();
    let text: String = other
        .query_row("SELECT text FROM note", [], |r| r.get(0))
        .unwrap();
    assert_eq!(text, "mine");
}

#[tokio::test]
async fn an_empty_file_is_taken_as_new() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(file(folder.path()), "").unwrap();
    let history = History::open(folder.path());
    assert_eq!(history.storage().await, Storage::Ok);
    history.finish(a_run(1));
    assert_eq!(all_runs(&history).await, [a_run(1)]);
}

#[tokio::test]
async fn a_log_without_its_file_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("history.db-wal"), "some log").unwrap();
    let history = History::open(folder.path());
    let Storage::SetAside { kept_as, .. } = history.storage().await else {
        panic!("{:?}", history.storage().await);
    };
    let log = format!("{}-wal", kept_as.display());
    assert_eq!(fs::read_to_string(log).unwrap(), "some log");
    history.finish(a_run(1));
    assert_eq!(all_runs(&history).await, [a_run(1)]);
}

#[tokio::test]
async fn a_newer_file_is_shown_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 2, 10).await;
    let newer = rusqlite::Connection::open(file(folder.path())).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = fs::read(file(folder.path())).unwrap();

    let history = History::open(folder.path());
    let Storage::ReadOnly { why } = history.storage().await else {
        panic!("{:?}", history.storage().await);
    };
    assert!(why.contains("newer") && why.contains("99"), "{why}");
    history.begin(&waiting(3));
    history.record(RunId(3), says(1, "lost"));
    history.finish(a_run(4));
    history.flush().await;
    assert_eq!(all_runs(&history).await.len(), 2);
    close(history, folder.path()).await;
    assert_eq!(fs::read(file(folder.path())).unwrap(), before);
}

#[tokio::test]
async fn damage_met_in_the_middle_of_a_run_loses_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 200, 500).await;
    let history = History::open(folder.path());
    history.begin(&waiting(500));
    history.record(RunId(500), says(1, "before"));
    history.flush().await;
    // Everything behind the first page goes, under the feet of the program.
    for name in ["history.db", "history.db-wal"] {
        let path = folder.path().join(name);
        let length = fs::metadata(&path).unwrap().len();
        let keep = if name.ends_with("wal") { 32 } else { 4096 };
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(keep.min(length)).unwrap();
        file.set_len(length).unwrap();
    }
    let mut storage = history.watch_storage();
    let asked = history
        .ttft_plot(tokenscope::history::SeriesQuery::default())
        .await;
    assert!(asked.is_err(), "{asked:?}");
    let set_aside = |s: &Option<Storage>| matches!(s, Some(Storage::SetAside { .. }));
    storage.wait_for(set_aside).await.unwrap();
    history.record(RunId(500), says(2, " after"));
    let live = history.run(RunId(500)).await.unwrap().unwrap();
    assert_eq!(live.answer.text, " after");
    let mut whole = a_run(500);
    whole.answer.text = "before after".into();
    history.finish(whole.clone());
    assert_eq!(all_runs(&history).await, [whole]);
    let aside = fs::read_dir(folder.path()).unwrap().filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        let name = name.to_str().unwrap();
        name.starts_with("history.damaged-") && !name.contains(".db-")
    });
    assert_eq!(
        aside.count(),
        1,
        "the new file is not taken for damaged too"
    );
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.finish(a_run(1));
    history.begin(&waiting(2));
    assert_eq!(all_runs(&history).await.len(), 2);
    fs::rename(file(folder.path()), folder.path().join("moved.db")).unwrap();
    history.finish(a_run(3));
    history.flush().await;
    let ids: Vec<i64> = all_runs(&history)
        .await
        .iter()
        .map(|run| run.head.id.0)
        .collect();
    assert!(ids.contains(&3) && !ids.contains(&1), "{ids:?}");
    history.record(RunId(2), says(1, "still going"));
    let live = history.run(RunId(2)).await.unwrap().unwrap();
    assert_eq!(live.answer.text, "still going");
    let moved = rusqlite::Connection::open(folder.path().join("moved.db")).unwrap();
    let whole: String = moved
        .query_row("PRAGMA integrity_check", [], |r| r.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    let kept: i64 = moved
        .query_row("SELECT count(*) FROM run", [], |r| r.get(0))
        .unwrap();
    assert_eq!(kept, 2, "what was written before is in the moved file");
}

#[tokio::test]
async fn a_damaged_file_that_another_window_uses_is_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 200, 500).await;
    // Another window lives: it holds its session's lock.
    let lock = fs::File::options()
        .write(true)
        .open(folder.path().join("history.session-1.lock"))
        .unwrap();
    lock.try_lock().unwrap();
    overwrite(&file(folder.path()), |bytes| {
        bytes.truncate(bytes.len() / 2);
    });
    let history = History::open(folder.path());
    let Storage::Failing { why } = history.storage().await else {
        panic!("{:?}", history.storage().await);
    };
    assert!(why.contains("close the other windows"), "{why}");
    history.finish(a_run(1));
    let refused = history.run(RunId(1)).await.unwrap_err();
    assert!(
        refused.to_string().contains("close the other windows"),
        "{refused}"
    );

    // Once it is gone, the file is set aside and what waited is written.
    drop(lock);
    let mut storage = history.watch_storage();
    let set_aside = |s: &Option<Storage>| matches!(s, Some(Storage::SetAside { .. }));
    storage.wait_for(set_aside).await.unwrap();
    history.flush().await;
    assert_eq!(all_runs(&history).await, [a_run(1)]);
}

/// A crash in the middle of a write leaves the pages as they were before it in a journal: SQLite puts them back.
#[tokio::test]
async fn a_write_that_a_crash_left_half_done_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3, 20_000).await;
    let writing = rusqlite::Connection::open(file(folder.path())).unwrap();
    writing
        .pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))
        .unwrap();
    // So small a cache that the file itself is written before the end of the transaction.
    writing.pragma_update(None, "cache_size", 1).unwrap();
    writing.pragma_update(None, "cache_spill", 1).unwrap();
    writing
        .execute_batch(
            "BEGIN; UPDATE run_text SET text = replace(text, 'x', 'y'); DELETE FROM run;",
        )
        .unwrap();
    let crashed = tempfile::tempdir().unwrap();
    for name in ["history.db", "history.db-journal"] {
        fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    drop(writing);
    let half = fs::read(file(crashed.path())).unwrap();
    assert!(
        half.windows(64).any(|w| w == [b'y'; 64]),
        "half of it was written"
    );

    let history = History::open(crashed.path());
    assert_eq!(history.storage().await, Storage::Ok);
    let runs = all_runs(&history).await;
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|run| run.answer.text == "x".repeat(20_000)));
    history.finish(a_run(1000));
    assert_eq!(all_runs(&history).await.len(), 4);
}

/// Waits until the file is smaller than this.
#[track_caller]
fn wait_until_smaller(folder: &Path, bytes: u64) {
    deadline::until("a smaller file", || {
        let size = fs::metadata(file(folder)).unwrap().len();
        if size < bytes { Ok(()) } else { Err(size) }
    });
}

#[tokio::test]
async fn what_is_deleted_is_given_back_to_the_disk() {
    const LARGE: usize = 40 << 20;
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut conversation = super::a_conversation(1);
    conversation.draft.images = vec![super::an_image(&vec![7; LARGE])];
    let id = conversation.id;
    history.save_conversation(tokenscope::conversation::ConversationChange::new(
        conversation,
    ));
    history.finish(a_run(1));
    close(history, folder.path()).await;
    assert!(fs::metadata(file(folder.path())).unwrap().len() > LARGE as u64);

    let history = History::open(folder.path());
    history.delete_conversation(id);
    history.flush().await;
    wait_until_smaller(folder.path(), 2 << 20);
    assert_eq!(all_runs(&history).await, [a_run(1)]);
}

#[tokio::test]
async fn an_older_file_loses_its_free_pages_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 40, 100_000).await;
    let older = rusqlite::Connection::open(file(folder.path())).unwrap();
    older
        .execute_batch("PRAGMA journal_mode = delete; PRAGMA auto_vacuum = 0; VACUUM; DELETE FROM run WHERE id > 1;")
        .unwrap();
    drop(older);
    assert!(fs::metadata(file(folder.path())).unwrap().len() > 4_000_000);
    let history = History::open(folder.path());
    assert_eq!(all_runs(&history).await.len(), 1);
    close(history, folder.path()).await;
    assert!(fs::metadata(file(folder.path())).unwrap().len() < 1 << 20);
}
