//! A socket that was stamped waits as any other does.
#![cfg(target_os = "linux")]

use std::future::poll_fn;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::yield_now,
};

use super::*;

async fn pair() -> (Socket, SocketStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (socket, stream) = Socket::new(ours.unwrap());
    (socket, stream, theirs.unwrap().0)
}

/// Sends a request and gets a byte back; then its acknowledgement is known.
async fn is_asked(socket: &Socket, stream: &mut SocketStream, theirs: &mut TcpStream) {
    let end = Arc::<RequestEnd>::default();
    socket.ends_request(&end);
    stream.write_all(b"request").await.unwrap();
    end.written();
    stream.flush().await.unwrap();
    let mut request = [0; 7];
    theirs.read_exact(&mut request).await.unwrap();
    theirs.write_all(b"a").await.unwrap();
    stream.read_u8().await.unwrap();
    assert!(socket.acknowledged(&end).is_some());
}

/// More often than a writer that waits is woken, whatever the machine's buffers are.
const MANY: usize = 2_000;

#[tokio::test]
async fn a_write_that_has_to_wait_is_not_tried_again_and_again() {
    let (socket, mut stream, mut theirs) = pair().await;
    for _ in 0..3 {
        is_asked(&socket, &mut stream, &mut theirs).await;
    }
    let all = vec![b'x'; 32 << 20];
    let (mut written, mut polls) = (0, 0);
    let writing = poll_fn(|cx| {
        polls += 1;
        while written < all.len() {
            let rest = &all[written..];
            written += ready!(Pin::new(&mut stream).poll_write(cx, rest)).unwrap();
        }
        Poll::Ready(())
    });
    let reading = async {
        // Meanwhile the writer, if it does not wait, is polled as often.
        for _ in 0..20 * MANY {
            yield_now().await;
        }
        let mut taken = vec![0; all.len()];
        theirs.read_exact(&mut taken).await.unwrap();
        assert!(taken == all);
    };
    // Neither is polled along with the other.
    let both: [Pin<Box<dyn Future<Output = ()>>>; 2] = [Box::pin(writing), Box::pin(reading)];
    let both: FuturesUnordered<_> = both.into_iter().collect();
    both.collect::<()>().await;
    assert!(polls < MANY, "{polls} polls");
}

#[test]
fn what_waited_for_a_lost_segment_is_stamped_when_it_could_be_read() {
    let ms = Duration::from_millis;
    let wakeup = Wakeup {
        at: crate::clock::now(),
        before: Some(ms(2)),
    };
    let unknown = Wakeup {
        before: None,
        ..wakeup
    };
    // When the kernel had its last segment before the wake-up, and whether any came out of order.
    for (ago, wakeup, had_any, out_of_order) in [
        (ms(200), wakeup, true, true),
        (ms(3), wakeup, true, true),
        // It was busy for as long: that may be why.
        (ms(2), wakeup, true, false),
        (ms(200), wakeup, false, false),
        (ms(200), unknown, true, false),
    ] {
        let kernel_at = wakeup.at.checked_sub(ago).unwrap();
        let mut read = SocketRead {
            number: 1,
            bytes: 100,
            emptied: true,
            kernel_at: Some(kernel_at),
            out_of_order: false,
            waited: None,
        };
        found_readable(&mut read, wakeup, || had_any);
        let expected = if out_of_order { wakeup.at } else { kernel_at };
        assert_eq!(
            (read.kernel_at, read.out_of_order),
            (Some(expected), out_of_order),
            "{ago:?}"
        );
        assert_eq!(read.waited.is_some(), wakeup.before.is_some());
    }
}

#[tokio::test]
async fn a_reset_is_known_to_whoever_comes_after_the_one_who_was_told() {
    let (socket, mut stream, theirs) = pair().await;
    SockRef::from(&theirs)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(theirs);
    // A write is told of the reset; what is read after it looks like the end.
    let written = loop {
        match stream.write_all(b"request").await {
            Ok(()) => yield_now().await,
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(written, io::ErrorKind::ConnectionReset);
    assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0);
    assert!(socket.was_reset());
    assert_eq!(socket.lost(), Some(ConnectionLoss::Reset));
}

#[tokio::test]
async fn a_reset_after_the_end_is_a_lost_connection_that_was_closed() {
    let (socket, mut stream, theirs) = pair().await;
    drop(theirs);
    assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0);
    while stream.write_all(b"request").await.is_ok() {
        yield_now().await;
    }
    assert!(!socket.was_reset());
    assert_eq!(socket.lost(), Some(ConnectionLoss::Reset));
}
