//! Disks that are full or read-only.

use std::fs;

use tokenscope::history::{History, Storage};

use super::{a_run, all_runs, close, fresh, says, waiting};
use crate::mounted::{SMALL_DISK, folder, run_mounted};

#[tokio::test]
async fn a_read_only_disk_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.finish(a_run(1));
    close(history, folder.path()).await;
    let mount = r#"mount --bind "$TOKENSCOPE_TEST_FOLDER" "$TOKENSCOPE_TEST_FOLDER" && mount -o remount,bind,ro "$TOKENSCOPE_TEST_FOLDER""#;
    run_mounted("history::mounts::read_only_half", mount, folder.path());
}

#[tokio::test]
#[ignore = "run by a_read_only_disk_is_shown"]
async fn read_only_half() {
    let folder = folder();
    assert!(fs::write(folder.join("x"), "x").is_err());
    let history = History::open(&folder);
    let Storage::ReadOnly { why } = history.storage().await else {
        panic!("{:?}", history.storage().await);
    };
    assert!(why.contains("can't be written"), "{why}");
    history.begin(&waiting(2));
    history.record(fresh(2).head.id, says(1, "x"));
    history.finish(a_run(2));
    assert_eq!(all_runs(&history).await, [a_run(1)]);

    // With nothing there to show, it says that nothing can be kept.
    let history = History::open(&folder.join("deeper"));
    let Storage::Failing { why } = history.storage().await else {
        panic!("{:?}", history.storage().await);
    };
    assert!(why.contains("TOKENSCOPE_DATA_DIR"), "{why}");
    assert!(history.run(a_run(1).head.id).await.is_err());
}

#[test]
fn nothing_is_lost_while_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    run_mounted("history::mounts::full_disk_half", SMALL_DISK, folder.path());
}

#[tokio::test]
#[ignore = "run by nothing_is_lost_while_the_disk_is_full"]
async fn full_disk_half() {
    let folder = folder();
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; 14 << 20]).unwrap();
    let history = History::open(&folder);
    assert_eq!(history.storage().await, Storage::Ok);
    let run = |id| {
        let mut run = a_run(id);
        run.answer.text = "0123456789".repeat(2_000);
        run
    };
    let mut kept = 0;
    while history.storage().await == Storage::Ok {
        kept += 1;
        history.finish(run(kept));
        history.flush().await;
        assert!(kept < 1000, "the disk never filled");
    }
    let Storage::Failing { why } = history.storage().await else {
        panic!("{:?}", history.storage().await);
    };
    assert!(
        why.contains("full") && why.contains("free some space"),
        "{why}"
    );
    // Runs go on, and what is there can still be read.
    for _ in 0..3 {
        kept += 1;
        history.finish(run(kept));
    }
    assert!(history.run(run(1).head.id).await.unwrap().is_some());

    fs::remove_file(ballast).unwrap();
    let mut storage = history.watch_storage();
    storage.wait_for(|s| *s == Some(Storage::Ok)).await.unwrap();
    history.flush().await;
    let runs = all_runs(&history).await;
    assert_eq!(runs, (1..=kept).map(run).collect::<Vec<_>>());
}
