//! What the terminal does at its end: it waits for the history, says what could not be stored, and a signal
//! loses nothing. And who may read what it leaves.

use std::{
    fs,
    io::{BufRead, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command},
};

use rusqlite::Connection;

use crate::{
    deadline,
    home::{Home, Ran, piped},
};

const FAST: &str = "simulator/sim-fast";

fn ask(home: &Home, arguments: &[&str]) -> Command {
    let mut all = vec!["chat", "Hello"];
    all.extend(arguments);
    home.tokenscope(all)
}

fn history(home: &Home) -> Connection {
    Connection::open(home.paths().data.join("history.db")).unwrap()
}

/// States and texts of the runs that are kept, oldest first.
fn kept(home: &Home) -> Vec<(String, String)> {
    let file = history(home);
    let sql = "SELECT run.state, run_text.text FROM run JOIN run_text USING (id) ORDER BY id";
    let mut select = file.prepare(sql).unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Waits for the first byte that a program prints.
#[track_caller]
fn first_byte(child: &mut Child) -> [u8; 1] {
    let (out, first) = deadline::read("its first byte", child.stdout.take().unwrap(), |out| {
        let mut first = [0];
        out.read_exact(&mut first).map(|()| first)
    });
    child.stdout = Some(out);
    first.unwrap()
}

/// The lines of standard error up to one that contains this, that one among them.
#[track_caller]
fn until<R: BufRead + Send + 'static>(err: R, wanted: &'static str) -> (R, String) {
    deadline::read(wanted, err, move |err| {
        let mut all = String::new();
        while !all.contains(wanted) {
            let read = err.read_line(&mut all).unwrap();
            assert!(read > 0, "it ended without “{wanted}”: {all}");
        }
        all
    })
}

#[test]
fn it_waits_while_another_process_holds_the_file() {
    let home = Home::new();
    assert_eq!(home.run(&["chat", "-t", FAST, "Hello"], "").code, Some(0));
    let holder = history(&home);
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut child = piped(ask(&home, &["-t", FAST]));
    let err = BufReader::new(child.stderr.take().unwrap());
    let (err, _) = until(err, "waiting for the history");
    assert_eq!(child.try_wait().unwrap(), None, "it waits");
    holder.execute_batch("COMMIT").unwrap();
    drop(err);
    let ended = Ran::from(deadline::output(child));
    assert_eq!(ended.code, Some(0));
    let kept = kept(&home);
    assert_eq!(kept.len(), 2);
    assert!(
        kept.iter()
            .all(|(state, text)| state == "ok" && !text.is_empty())
    );
}

#[test]
fn who_does_not_want_to_wait_gives_up() {
    let home = Home::new();
    assert_eq!(home.run(&["chat", "-t", FAST, "Hello"], "").code, Some(0));
    let holder = history(&home);
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut child = piped(ask(&home, &["-t", FAST]));
    let err = BufReader::new(child.stderr.take().unwrap());
    let (err, _) = until(err, "waiting for the history");
    signal(&child, "-INT");
    until(err, "is not in the history");
    assert_eq!(deadline::ended(&mut child).code(), Some(3));
}

#[test]
fn what_could_not_be_stored_is_said_and_has_its_own_exit_code() {
    let home = Home::new();
    // No folder can be made there.
    fs::write(home.paths().data, "a file").unwrap();
    let ran = home.run(&["chat", "-t", FAST, "Hello"], "");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(!ran.out.is_empty(), "the answer is printed");
    let said = "1 run could not be stored in the history: ";
    assert!(ran.err.contains(said), "{}", ran.err);
    // Who keeps nothing misses nothing.
    let ran = home.run(&["chat", "-t", FAST, "--no-history", "Hello"], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_file_that_a_newer_version_wrote_is_not_passed_over_in_silence() {
    let home = Home::new();
    assert_eq!(home.run(&["chat", "-t", FAST, "Hello"], "").code, Some(0));
    history(&home)
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let ran = home.run(&["chat", "-t", FAST, "Hello"], "");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(
        ran.err.contains("written by a newer Tokenscope"),
        "{}",
        ran.err
    );
}

#[test]
fn signals_stop_the_runs_and_what_they_said_is_kept() {
    for (name, code) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        let home = Home::new();
        let mut child = piped(ask(&home, &["-t", "simulator/sim-long"]));
        let first = first_byte(&mut child);
        signal(&child, name);
        let ran = Ran::from(deadline::output(child));
        assert_eq!(ran.code, Some(code), "{name}");
        let kept = kept(&home);
        assert_eq!(kept.len(), 1, "{name}");
        assert_eq!(kept[0].0, "fault", "{name}");
        let printed = String::from_utf8_lossy(&first).into_owned() + &ran.out;
        assert!(
            printed.starts_with(&kept[0].1),
            "{name}: {printed} {kept:?}"
        );
        assert!(!kept[0].1.is_empty(), "{name}");
    }
}

/// Calls back with every file and folder below one.
fn walk(folder: &Path, each: &mut impl FnMut(&Path)) {
    each(folder);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, each);
        } else {
            each(&path);
        }
    }
}

fn assert_private(folder: &Path) {
    walk(folder, &mut |path| {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    });
}

#[test]
fn all_that_is_left_is_for_its_owner_only() {
    let home = Home::new();
    let session = home.path().join("data/session.json");
    let session = session.to_str().unwrap();
    let ran = home.run(&["chat", "-t", FAST, "--session", session, "Hello"], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = home.run(&["models", "simulator"], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // A reader keeps the log and its index beside the file.
    let reader = history(&home);
    reader
        .query_row("SELECT count(*) FROM run", [], |_| Ok(()))
        .unwrap();
    let mut child = piped(ask(&home, &["-t", "simulator/sim-long"]));
    first_byte(&mut child);
    let data = home.paths().data;
    assert!(data.join("history.db-wal").exists() && data.join("history.db-shm").exists());
    assert_private(&data);
    signal(&child, "-TERM");
    deadline::ended(&mut child);
    drop(reader);

    // What an older version left open to others is mended at the next start.
    fs::remove_file(session).unwrap();
    walk(&data, &mut |path| {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    });
    assert_eq!(home.run(&["chat", "-t", FAST, "Hello"], "").code, Some(0));
    assert_private(&data);
}
