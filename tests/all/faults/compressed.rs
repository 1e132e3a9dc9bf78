//! Compressed answers: unpacked and said, bombs and unknown codings refused.

use super::*;

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn run_gzipped(body: Vec<u8>, coding: &'static str) -> tokenscope::run::Run {
    let body: &'static [u8] = body.leak();
    let server = serve(move |mut stream, _| async move {
        let (head, _) = read_request(&mut stream).await.unwrap();
        assert_eq!(header(&head, "accept-encoding"), Some("identity"));
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {length}\r\n\r\n"
        );
        send(&mut stream, head).await;
        // A client that has seen enough leaves in the middle.
        let _ = stream.write_all(body).await;
        gone(&mut stream).await;
    })
    .await;
    run(endpoint(&server.url())).await
}

#[tokio::test]
async fn f26_gzip_works_and_is_flagged() {
    let run = run_gzipped(gzipped(b"one\ntwo\nEND\n"), "gzip").await;
    assert_eq!(
        (run.state, run.answer.text.as_str()),
        (RunState::Ok, "onetwo")
    );
    assert!(run.answer.notes[0].0.text.contains("gzip"));
}

#[tokio::test]
async fn f27_a_gzip_bomb_is_stopped() {
    let run = run_gzipped(gzipped(&vec![0; 32 << 20]), "gzip").await;
    assert_eq!(class(&run), (C::Protocol, P::FirstToken));
    let read: u64 = run.reads.iter().map(|read| u64::from(read.bytes)).sum();
    assert!(read <= 16 << 20, "{read}");
}

#[tokio::test]
async fn an_unasked_coding_is_a_protocol_fault() {
    let run = run_gzipped(b"\x04\x22\x4d\x18\x64\x40\xa7\x05".to_vec(), "lz4").await;
    assert_eq!(class(&run), (C::Protocol, P::FirstToken));
    assert!(fault(&run).message.contains("lz4"));
}
