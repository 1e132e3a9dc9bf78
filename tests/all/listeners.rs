//! A client that does not take what the engine says: the socket waits, nothing is lost, and stopping works.

use std::{
    io::{self, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use tokenscope::{
    dialect::DialectId,
    endpoint::Endpoint,
    engine::{Command, RunCommand, RunNews, SettingsNews, Update},
    run::RunId,
};

use crate::{
    deadline::{self, Deadline},
    engine::{Driven, put},
    floods::read_request,
};

/// Text of one piece, and how many pieces there are: far more than may wait.
const PIECE: usize = 8 << 10;
const PIECES: usize = 5 << 10;
/// What may have left the server when nobody takes anything: what the engine holds, and the sockets' buffers.
const MAY_WAIT: usize = 30 << 20;

/// A server that says how much it had sent when it could send no more for the first time.
fn server() -> (String, Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stalls, stalled) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        // A client that stops closes the connection.
        let _ = answer(stream, &stalls);
    });
    (url, stalled)
}

fn answer(mut stream: TcpStream, stalls: &Sender<usize>) -> io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n\r\n",
    )?;
    let line = format!(
        "{{\"message\":{{\"content\":\"{}\"}}}}\n",
        "x".repeat(PIECE)
    );
    let end = "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n";
    let mut body = line.repeat(PIECES);
    body.push_str(end);
    let mut rest = body.as_bytes();
    stream.set_write_timeout(Some(Duration::from_millis(500)))?;
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(sent) => rest = &rest[sent..],
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                stalls.send(body.len() - rest.len()).unwrap();
                stream.set_write_timeout(None)?;
            }
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

/// An engine whose client has asked, and taken nothing until the server could send no more.
fn stalled() -> (Driven, RunId) {
    let (url, stalls) = server();
    let driven = Driven::new("");
    let mut endpoint = Endpoint::custom("here", url.parse().unwrap(), DialectId::Ollama);
    endpoint.allow_http = true;
    driven.engine.send(put(None, endpoint));
    driven.until(|update| match update {
        Update::Settings(SettingsNews::Are(settings)) => settings.endpoint("here").map(|_| ()),
        _ => None,
    });
    let id = driven.ask("here", "m");
    let sent = deadline::message("a server that can send no more", &stalls);
    assert!(sent < MAY_WAIT, "{sent} bytes were taken for nobody");
    (driven, id)
}

#[test]
fn who_listens_late_hears_all() {
    let (driven, id) = stalled();
    let run = driven.follow(id, |run| run.state.is_over());
    assert_eq!(run.answer.fault, None);
    assert_eq!(run.answer.text.len(), PIECE * PIECES);
}

#[test]
fn cancelling_needs_no_room() {
    let (driven, id) = stalled();
    driven
        .engine
        .send(Command::Run(RunCommand::Cancel(vec![id])));
    let run = driven.follow(id, |run| run.state.is_over());
    assert!(run.is_cancelled());
    assert!((PIECE..PIECE * PIECES).contains(&run.answer.text.len()));
}

#[test]
fn stopping_needs_no_room_and_loses_nothing_that_was_said() {
    let (driven, id) = stalled();
    driven.engine.send(Command::Stop);
    let mut said = 0;
    let deadline = Deadline::of("the engine's end");
    while let Some(update) = driven.engine.next(&deadline) {
        if let Update::Run(RunNews::Over(run)) = update {
            said = run.answer.text.len();
        }
    }
    assert!(said >= PIECE);
    let run = Driven::in_home(driven.home).kept(id);
    assert!(run.is_cancelled());
    assert_eq!(run.answer.text.len(), said);
}

#[test]
fn an_engine_whose_client_is_gone_ends_its_runs() {
    let (driven, id) = stalled();
    let Driven { engine, home, .. } = driven;
    drop(engine);
    let run = Driven::in_home(home).kept(id);
    assert!(run.state.is_over());
}
