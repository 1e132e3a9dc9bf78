//! `kill -9` in the middle of streaming: the file is whole, and what was said is there.
//!
//! The test starts its own binary as the program to be killed. The child streams two runs and a
//! draft, and prints how much it has said; whatever was printed a second before the kill must be in
//! the history. `TOKENSCOPE_KILLS` sets how often (5 by default).

#![expect(clippy::disallowed_methods, reason = "the promise is about time")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use tokenscope::{
    conversation::{Conversation, ConversationChange, ConversationId, Draft},
    event::FaultClass,
    history::{History, RunQuery, Storage},
    run::{Run, RunId, RunState},
};

use crate::{
    deadline,
    history::{says, waiting},
};

const FOLDER: &str = "TOKENSCOPE_KILL_FOLDER";
const ROUND: &str = "TOKENSCOPE_KILL_ROUND";

/// What must be on disk after this time.
const PROMISED: Duration = Duration::from_secs(1);

fn text_of(run: i64, piece: u64) -> String {
    format!("{run}:{piece} 你好\n")
}

#[test]
fn a_kill_loses_at_most_the_last_second() {
    let folder = tempfile::tempdir().unwrap();
    let kills = std::env::var("TOKENSCOPE_KILLS").map_or(5, |n| n.parse().unwrap());
    for round in 1..=kills {
        let promised = kill_one(folder.path(), round);
        check(folder.path(), round, promised);
    }
}

/// Starts a child, kills it, and gives how many pieces of each run it had said a second before.
fn kill_one(folder: &Path, round: i64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill::stream_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (marks, marked) = mpsc::channel();
    let said = BufReader::new(child.stdout.take().unwrap());
    let reading = std::thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            if let Some(count) = line.strip_prefix("said ") {
                let _ = marks.send((Instant::now(), count.parse::<u64>().unwrap()));
            }
        }
    });
    let first = deadline::message("its first words", &marked);
    // A different moment each time: somewhere within the batches of the first two seconds.
    std::thread::sleep(Duration::from_millis(
        1200 + (round.unsigned_abs() * 337) % 900,
    ));
    let killed = Instant::now();
    child.kill().unwrap();
    deadline::ended(&mut child);
    deadline::joined("what it said", reading);
    std::iter::once(first)
        .chain(marked)
        .filter(|(at, _)| killed - *at > PROMISED)
        .map(|(_, count)| count)
        .max()
        .expect("it spoke for more than a second")
}

fn check(folder: &Path, round: i64, promised: u64) {
    let file = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    let whole: String = file
        .query_row("PRAGMA integrity_check", [], |r| r.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    drop(file);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let history = History::open(folder);
    assert_eq!(runtime.block_on(history.storage()), Storage::Ok);
    for id in [round * 10, round * 10 + 1] {
        let run: Run = runtime.block_on(history.run(RunId(id))).unwrap().unwrap();
        let pieces = run.answer.text.lines().count() as u64;
        let expected: String = (0..pieces).map(|n| text_of(id, n)).collect();
        assert_eq!(run.answer.text, expected, "the text is a clean beginning");
        assert!(pieces >= promised, "{pieces} pieces of {promised} promised");
        assert_eq!(run.reads.len() as u64, pieces);
        assert_eq!(run.state, RunState::Fault);
        assert_eq!(run.answer.fault.unwrap().class, FaultClass::Interrupted);
    }
    let draft = runtime
        .block_on(history.conversation(ConversationId(round)))
        .unwrap()
        .unwrap();
    let kept: u64 = draft.draft.text.parse().unwrap();
    assert!(kept >= promised, "draft {kept} of {promised} promised");
    let page = runtime
        .block_on(history.runs(RunQuery {
            limit: 1000,
            ..RunQuery::default()
        }))
        .unwrap();
    assert_eq!(i64::try_from(page.total).unwrap(), 2 * round);
    runtime.block_on(history.flush());
}

#[test]
#[ignore = "the program that a_kill_loses_at_most_the_last_second kills"]
fn stream_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let round: i64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let history = History::open(Path::new(&folder));
    let ids = [round * 10, round * 10 + 1];
    for id in ids {
        history.begin(&waiting(id));
    }
    let mut out = std::io::stdout();
    for piece in 0.. {
        for id in ids {
            history.record(RunId(id), says(piece + 1, &text_of(id, piece)));
        }
        let text = (piece + 1).to_string();
        history.save_conversation(ConversationChange::new(Conversation {
            id: ConversationId(round),
            draft: Draft {
                text,
                ..Draft::default()
            },
            ..Conversation::default()
        }));
        writeln!(out, "said {}", piece + 1).unwrap();
        out.flush().unwrap();
        std::thread::sleep(Duration::from_millis(3));
    }
}
