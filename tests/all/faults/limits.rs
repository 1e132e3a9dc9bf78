//! Limits of time: each meets the silence that it is for, and what was read is kept.

use super::*;

/// Each way of falling silent, and the limit that ends it. The server must see the client leave.
#[tokio::test]
async fn f12_to_f15_silence_meets_the_right_limit() {
    for (name, begin, again, timeouts, expected) in [
        ("no head", "", "", limits(0, 100, 0, 0), P::Headers),
        ("no head, total", "", "", limits(0, 0, 0, 100), P::Headers),
        (
            "head only",
            STREAM_HEAD,
            "",
            limits(0, 100, 0, 0),
            P::FirstToken,
        ),
        (
            "pings only",
            STREAM_HEAD,
            ":\n",
            limits(0, 150, 50, 0),
            P::FirstToken,
        ),
        (
            "half-open",
            stream_of("a\n"),
            "",
            limits(0, 60_000, 100, 0),
            P::Stream,
        ),
        (
            "pings after a token",
            stream_of("a\n"),
            ":\n",
            limits(0, 60_000, 150, 0),
            P::Stream,
        ),
        (
            "no limit but total",
            stream_of("a\n"),
            ":\n",
            limits(0, 0, 0, 150),
            P::Stream,
        ),
        (
            "endless drip",
            stream_of("a\n"),
            "b\n",
            limits(0, 60_000, 5_000, 200),
            P::Stream,
        ),
    ] {
        let Endless {
            server, mut left, ..
        } = endless(begin, again).await;
        let run = run(limited(&server.url(), timeouts)).await;
        assert_eq!(class(&run), (C::Timeout, expected), "{name}");
        assert!(
            fault(&run).message.contains(" limit)"),
            "{name}: {:?}",
            fault(&run)
        );
        let text = run.answer.text.as_str();
        assert_eq!(
            text.starts_with('a'),
            expected == P::Stream,
            "{name}: {text}"
        );
        soon("a message of the server", left.recv())
            .await
            .expect(name);
    }
}

#[tokio::test]
async fn what_was_half_read_is_kept_when_time_runs_out() {
    let Endless { server, .. } = endless(stream_of("a\nhal"), "").await;
    let run = run(limited(&server.url(), limits(0, 0, 50, 0))).await;
    assert_eq!(class(&run), (C::Timeout, P::Stream));
    assert_eq!(run.answer.text, "ahal");
}
