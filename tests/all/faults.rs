//! Every fault of the wire, from a server that commits it: its class, its phase, and what is kept.
//!
//! The numbers are those of the fault list in the project's design.

mod compressed;
mod connecting;
mod limits;

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use tokenscope::{
    endpoint::Auth,
    event::{FaultClass as C, Phase as P},
    run::{RunState, RunUpdate, execute_in},
    transport::{HttpVersion, Transport},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::{
    deadline::soon,
    fault_server::{
        Authority, STREAM_HEAD, Server, answer_all, chunk, closed_port, gone, header, read_request,
        reset, send, serve, serve_tls, whole,
    },
    toy::{CANARY, TOY, ask, class, endpoint, fault, limited, limits, run, run_on},
};

#[tokio::test]
async fn f09_reset_before_the_head() {
    for clean in [false, true] {
        let server = serve(move |mut stream, _| async move {
            read_request(&mut stream).await;
            if clean { drop(stream) } else { reset(stream) }
        })
        .await;
        let run = run(endpoint(&server.url())).await;
        assert_eq!(class(&run), (C::Reset, P::Headers), "clean: {clean}");
        assert!(fault(&run).message.contains("not sent again"));
        assert_eq!(server.accepted(), 1);
        assert!(run.stamps.request_sent.is_some());
    }
}

/// Sends the begin of an answer and, once the client has read it, cuts it.
async fn cut_after_reading(reset_it: bool, sent: &'static [u8]) -> tokenscope::run::Run {
    let (read, is_read) = tokio::sync::watch::channel(false);
    let server = serve(move |mut stream, _| {
        let mut is_read = is_read.clone();
        async move {
            read_request(&mut stream).await;
            send(&mut stream, [STREAM_HEAD.as_bytes(), sent].concat()).await;
            is_read.wait_for(|read| *read).await.unwrap();
            if reset_it {
                reset(stream);
            }
        }
    })
    .await;
    let mut emit = |update| {
        if matches!(update, RunUpdate::Read { .. }) {
            read.send_replace(true);
        }
    };
    let (transport, ask) = (Transport::default(), ask(endpoint(&server.url())));
    execute_in(&TOY, &transport, ask, CancellationToken::new(), &mut emit).await
}

#[tokio::test]
async fn f10_f11_reset_and_end_in_the_middle_of_a_chunk() {
    for reset_it in [true, false] {
        let run = cut_after_reading(reset_it, b"4\r\none\n\r\n9\r\ntw").await;
        assert_eq!(class(&run), (C::Interrupted, P::Stream), "{reset_it}");
        assert!(run.answer.text.starts_with("one"), "text is kept");
        assert_eq!(
            (fault(&run).status, run.state),
            (Some(200), RunState::Fault)
        );
        assert!(run.stamps.first_token.is_some());
    }
}

#[tokio::test]
async fn f10_a_reset_after_the_answers_own_end_is_a_note() {
    for reset_it in [true, false] {
        let run = cut_after_reading(reset_it, b"8\r\none\nEND\n\r\n").await;
        assert_eq!((run.state, run.answer.text.as_str()), (RunState::Ok, "one"));
        assert_eq!(run.answer.notes.len(), 1, "{:?}", run.answer.notes);
    }
}

/// A server that sends `begin` and then `again` for ever, until the client leaves.
struct Endless {
    server: Server,
    /// Gets a word when a request was read.
    asked: mpsc::UnboundedReceiver<()>,
    /// Gets a word when the client's side of the connection has ended.
    left: mpsc::UnboundedReceiver<()>,
}

async fn endless(begin: &'static str, again: &'static str) -> Endless {
    let (has_asked, asked) = mpsc::unbounded_channel();
    let (has_left, left) = mpsc::unbounded_channel();
    let server = serve(move |mut stream, _| {
        let (has_asked, has_left) = (has_asked.clone(), has_left.clone());
        async move {
            read_request(&mut stream).await;
            // Not every test waits for this.
            let _ = has_asked.send(());
            send(&mut stream, begin).await;
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            let mut byte = [0; 1];
            loop {
                tokio::select! {
                    _ = stream.read(&mut byte) => break,
                    _ = pace.tick(), if !again.is_empty() => {
                        if stream.write_all(&chunk(again)).await.is_err() {
                            break;
                        }
                    }
                }
            }
            has_left.send(()).unwrap();
        }
    })
    .await;
    Endless {
        server,
        asked,
        left,
    }
}

fn stream_of(text: &str) -> &'static str {
    let chunk = String::from_utf8(chunk(text)).unwrap();
    format!("{STREAM_HEAD}{chunk}").leak()
}

#[tokio::test]
async fn a_connection_that_stays_open_after_the_end_is_a_note() {
    let Endless {
        server, mut left, ..
    } = endless(stream_of("a\nEND\n"), "").await;
    let run = run(endpoint(&server.url())).await;
    assert_eq!((run.state, run.answer.notes.len()), (RunState::Ok, 1));
    soon("a message of the server", left.recv()).await.unwrap();
}

#[tokio::test]
async fn f21_a_fault_inside_the_stream_keeps_the_text() {
    let server = serve(|mut stream, _| async move {
        read_request(&mut stream).await;
        send(&mut stream, whole("200 OK", "", "a\n!overheated\n")).await;
    })
    .await;
    let run = run(endpoint(&server.url())).await;
    assert_eq!(fault(&run).class, C::Provider);
    assert_eq!(
        (fault(&run).message.as_str(), run.answer.text.as_str()),
        ("overheated", "a")
    );
}

#[tokio::test]
async fn f30_to_f34_statuses_reach_the_dialect_once() {
    for (status, extra, expected, wait) in [
        ("401 Unauthorized", "", C::Auth, None),
        ("403 Forbidden", "", C::Auth, None),
        ("404 Not Found", "", C::NotFound, None),
        ("408 Request Timeout", "", C::BadRequest, None),
        (
            "429 Too Many Requests",
            "retry-after: 7\r\n",
            C::RateLimited,
            Some(7_000),
        ),
        (
            "429 Too Many Requests",
            "retry-after-ms: 9\r\n",
            C::RateLimited,
            Some(9),
        ),
        (
            "429 Too Many Requests",
            "retry-after: -1\r\n",
            C::RateLimited,
            None,
        ),
        (
            "429 Too Many Requests",
            "retry-after: 864000\r\n",
            C::RateLimited,
            Some(86_400_000),
        ),
        ("500 Internal Server Error", "", C::Provider, None),
        ("503 Service Unavailable", "", C::Overloaded, None),
        ("529 Overloaded", "", C::Overloaded, None),
    ] {
        let server = serve(move |mut stream, _| async move {
            read_request(&mut stream).await;
            send(&mut stream, whole(status, extra, "the provider's words")).await;
            gone(&mut stream).await;
        })
        .await;
        let run = run(endpoint(&server.url())).await;
        let fault = fault(&run);
        assert_eq!(
            (fault.class, fault.retry_after_ms),
            (expected, wait),
            "{status}"
        );
        assert_eq!(fault.message, "the provider's words");
        assert_eq!(
            (fault.status, run.status),
            (status[..3].parse().ok(), fault.status)
        );
        assert_eq!(server.accepted(), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn f35_a_redirect_is_named_and_not_followed() {
    let other = serve(|stream, _| answer_all(stream)).await;
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location: &str = format!("location: {}login?token=secret\r\n", other.url()).leak();
        let server = serve(move |mut stream, _| async move {
            read_request(&mut stream).await;
            send(&mut stream, whole(status, location, "")).await;
        })
        .await;
        let mut endpoint = endpoint(&server.url());
        endpoint.auth = Auth::Header("x-api-key".into());
        let run = run(endpoint).await;
        assert_eq!(class(&run), (C::Protocol, P::Headers), "{status}");
        let message = &fault(&run).message;
        assert!(message.contains(&other.addr.to_string()), "{message}");
        assert!(!message.contains("secret"), "{message}");
        assert_eq!(fault(&run).status, status[..3].parse().ok());
    }
    assert_eq!(other.accepted(), 0);
}

/// Cancels at each stage; the server must see the connection end each time.
#[tokio::test]
async fn f48_cancel_closes_the_socket() {
    for (begin, phase) in [
        ("", P::Headers),
        (STREAM_HEAD, P::FirstToken),
        (stream_of("a\n"), P::Stream),
    ] {
        let Endless {
            server,
            mut asked,
            mut left,
        } = endless(begin, "").await;
        let cancel = CancellationToken::new();
        let mut emit = |update: RunUpdate| match update {
            RunUpdate::Head { .. } if phase == P::FirstToken => cancel.cancel(),
            RunUpdate::Read { .. } if phase == P::Stream => cancel.cancel(),
            _ => {}
        };
        let (transport, ask) = (Transport::default(), ask(endpoint(&server.url())));
        let going = execute_in(&TOY, &transport, ask, cancel.clone(), &mut emit);
        let stop = async {
            soon("a message of the server", asked.recv()).await.unwrap();
            if phase == P::Headers {
                cancel.cancel();
            }
        };
        let (run, ()) = tokio::join!(going, stop);
        assert_eq!(class(&run), (C::Cancelled, phase));
        assert_eq!(run.answer.text, if phase == P::Stream { "a" } else { "" });
        assert!(run.is_cancelled());
        soon("a message of the server", left.recv())
            .await
            .expect("the socket should be closed");
    }
}
