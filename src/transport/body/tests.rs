use std::io::{self, Write as _};

use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt as _, stream};
use http_body_util::StreamBody;

use super::*;
use crate::transport::coding::Format;

const GZIP: Coding = Coding::Compressed(Format::Gzip);
const DEFLATE: Coding = Coding::Compressed(Format::Deflate);
const BROTLI: Coding = Coding::Compressed(Format::Brotli);
const ZSTD: Coding = Coding::Compressed(Format::Zstd);

/// Three events as brotli, each flushed, and the end.
const BROTLI_EVENTS: [&[u8]; 4] = [
    b"\x0b\x04\x80data: a\n\n",
    b"\x40\x00\x00\x40\x4a\x41\xac\x08\xd1\x24\x18\x63\x00",
    b"\x40\x00\x00\x40\x4a\x61\xac\x08\xd0\x24\x00\x63\x00",
    b"\x03",
];

/// 32 MiB of zeros as brotli.
const BROTLI_BOMB: &[u8] = b"\xcb\xff\xff\x3f\xf8\x27\x00\xe2\xb1\x40\x20\xf7\xfe\x8f\xff\xff\x7f\xf0\x4f\x00\xc4\x61\x11\x80\xee\xfd\x1f\xff\xff\xff\xe0\x9f\x00\x88\xc3\x02\x00\xdd\xfb\x3f\xfe\xff\xff\xc1\x3f\x01\x10\x87\x05\x00\xba\xf7\x7f\x03";

/// What an encoder gives of each event, flushed behind it, and of the end.
fn flushed<W: io::Write>(
    mut encoder: W,
    written: fn(&mut W) -> &mut Vec<u8>,
    end: fn(W) -> io::Result<Vec<u8>>,
) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for event in EVENTS {
        encoder.write_all(event.as_bytes()).unwrap();
        encoder.flush().unwrap();
        pieces.push(std::mem::take(written(&mut encoder)));
    }
    pieces.push(end(encoder).unwrap());
    pieces
}

fn zstd_events() -> Vec<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    flushed(encoder, zstd::Encoder::get_mut, zstd::Encoder::finish)
}

const EVENTS: [&str; 3] = ["data: a\n\n", "data: b\n\n", "data: c\n\n"];

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn read(
    pieces: Vec<Vec<u8>>,
    coding: Coding,
    limits: BodyLimits,
) -> (Vec<u8>, Option<Fault>) {
    let reads = pieces
        .into_iter()
        .map(|piece| Ok(Frame::data(Bytes::from(piece))));
    let reads = StreamBody::new(stream::iter(reads));
    let mut body = IncomingBody::new(reads, coding, limits, "host".into());
    let mut all = Vec::new();
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => all.extend(chunk.bytes),
            Err(fault) => {
                assert!(body.next().await.is_none(), "nothing follows a fault");
                return (all, Some(fault));
            }
        }
    }
    (all, None)
}

#[tokio::test]
async fn gzip_is_decoded_under_every_split() {
    let text = "data: one\n\ndata: two\n\n".repeat(3);
    let members = [gzipped(text.as_bytes()), gzipped(b"second member")].concat();
    let whole = format!("{text}second member");
    for size in 1..members.len() {
        let pieces = members.chunks(size).map(<[u8]>::to_vec).collect();
        let (got, fault) = read(pieces, GZIP, BodyLimits::default()).await;
        assert_eq!((got.as_slice(), fault), (whole.as_bytes(), None), "{size}");
    }
}

fn gzip_events() -> Vec<Vec<u8>> {
    let encoder = GzEncoder::new(Vec::new(), Compression::default());
    flushed(encoder, GzEncoder::get_mut, GzEncoder::finish)
}

/// Each format, and three flushed events and the end in it.
fn events_of_each() -> [(Coding, Vec<Vec<u8>>); 3] {
    [
        (GZIP, gzip_events()),
        (BROTLI, BROTLI_EVENTS.map(<[u8]>::to_vec).to_vec()),
        (ZSTD, zstd_events()),
    ]
}

#[tokio::test]
async fn each_flushed_event_is_there_with_its_own_read() {
    for (coding, pieces) in events_of_each() {
        let reads = pieces
            .iter()
            .take(3)
            .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))));
        let mut body = IncomingBody::new(
            StreamBody::new(stream::iter(reads)),
            coding.clone(),
            BodyLimits::default(),
            "host".into(),
        );
        for event in EVENTS {
            assert_eq!(
                body.next().await.unwrap().unwrap().bytes,
                event,
                "{coding:?}"
            );
        }
        let cut = body.next().await.unwrap().unwrap_err();
        assert_eq!(
            cut.class,
            FaultClass::Interrupted,
            "the end did not come: {coding:?}"
        );
    }
}

#[tokio::test]
async fn a_stream_is_unpacked_under_every_split_and_is_cut_without_its_end() {
    for (coding, pieces) in events_of_each() {
        let whole = pieces.concat();
        for size in 1..=whole.len() {
            let pieces = whole.chunks(size).map(<[u8]>::to_vec).collect();
            let (got, fault) = read(pieces, coding.clone(), BodyLimits::default()).await;
            assert_eq!(
                (got, fault),
                (EVENTS.concat().into_bytes(), None),
                "{coding:?} {size}"
            );
        }
        // Less than that is too little to tell what it is.
        for length in 9..whole.len() {
            let (got, fault) = read(
                vec![whole[..length].to_vec()],
                coding.clone(),
                BodyLimits::default(),
            )
            .await;
            assert!(
                EVENTS.concat().as_bytes().starts_with(&got),
                "{coding:?} {length}"
            );
            let fault = fault.unwrap();
            assert_eq!(
                fault.class,
                FaultClass::Interrupted,
                "{coding:?} {length}: {fault}"
            );
            assert!(fault.message.contains(coding.name()), "{fault}");
        }
    }
}

#[tokio::test]
async fn several_frames_of_zstd_are_one_body() {
    let skipped = b"\x50\x2a\x4d\x18\x02\x00\x00\x00hm".to_vec();
    let frames = [skipped, zstd_events().concat(), zstd_events().concat()].concat();
    for size in [1, 7, frames.len()] {
        let pieces = frames.chunks(size).map(<[u8]>::to_vec).collect();
        let (got, fault) = read(pieces, ZSTD, BodyLimits::default()).await;
        assert_eq!(
            (got, fault),
            (EVENTS.concat().repeat(2).into_bytes(), None),
            "{size}"
        );
    }
}

#[tokio::test]
async fn a_window_that_no_answer_needs_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(b"data: a\n\n").unwrap();
    let (_, fault) = read(vec![encoder.finish().unwrap()], ZSTD, BodyLimits::default()).await;
    assert_eq!(fault.unwrap().class, FaultClass::Protocol);
    // Brotli's large windows are a format of their own.
    let large = b"\x11\x1a\x00\x04\x80data: a\n\n\x03".to_vec();
    let (_, fault) = read(vec![large], BROTLI, BodyLimits::default()).await;
    assert_eq!(fault.unwrap().class, FaultClass::Protocol);
}

#[tokio::test]
async fn a_bomb_is_stopped_by_its_ratio() {
    // Deflate's best on zeros is about 1,029 to 1, the others' far more. However it is cut into reads, it is stopped.
    let zeros = vec![0; 32 << 20];
    let zstd = zstd::encode_all(zeros.as_slice(), 3).unwrap();
    for (coding, bomb) in [
        (GZIP, gzipped(&zeros)),
        (BROTLI, BROTLI_BOMB.to_vec()),
        (ZSTD, zstd),
    ] {
        for size in [1000, bomb.len()] {
            let pieces = bomb.chunks(size).map(<[u8]>::to_vec).collect();
            let (got, fault) = read(pieces, coding.clone(), BodyLimits::default()).await;
            let fault = fault.unwrap();
            assert!(fault.message.contains("bomb"), "{coding:?}: {fault}");
            assert!(got.len() <= 16 << 20, "{coding:?}: {}", got.len());
        }
    }
    let honest = gzipped(&vec![0; 8 << 20]);
    let (got, fault) = read(vec![honest], GZIP, BodyLimits::default()).await;
    assert_eq!((got.len(), fault), (8 << 20, None));
}

#[tokio::test]
async fn an_endless_body_is_stopped_by_its_size() {
    let limits = BodyLimits {
        total: 10,
        ..BodyLimits::default()
    };
    let (got, fault) = read(vec![vec![b'x'; 4]; 9], Coding::Plain, limits).await;
    assert_eq!(got.len(), 8);
    assert_eq!(fault.unwrap().class, FaultClass::Protocol);
}

#[tokio::test]
async fn broken_compression_is_a_protocol_fault_and_no_bytes_are_none() {
    let mut broken = gzipped(&[7; 999]);
    broken.truncate(10);
    broken.extend([0xff; 40]);
    for (junk, coding) in [
        (broken, GZIP),
        (b"\x00\x01\x02junk!".to_vec(), GZIP),
        (b"\x78\x9c\xff\xff\xff\xff\xff\xff".to_vec(), DEFLATE),
        (
            b"\x0b\x02\x80hello".to_vec(),
            Coding::Unsupported("lz4".into()),
        ),
        (
            b"\x0b\x04\x80data: a\n\n\xff\xff\xff\xff\xff\xff".to_vec(),
            BROTLI,
        ),
        ([&BROTLI_EVENTS.concat()[..], b"more"].concat(), BROTLI),
        (
            b"\x28\xb5\x2f\xfd\x04\x58\xff\xff\xff\xff\xff".to_vec(),
            ZSTD,
        ),
        (
            [&zstd_events().concat()[..], b"more and more"].concat(),
            ZSTD,
        ),
        (b"\x01\x02\x03\x04\x05\x06\x07\x08\x09".to_vec(), ZSTD),
    ] {
        let (_, fault) = read(vec![junk], coding.clone(), BodyLimits::default()).await;
        let fault = fault.unwrap();
        assert_eq!(fault.class, FaultClass::Protocol, "{coding:?}: {fault}");
        assert!(fault.message.contains("compressed"), "{fault}");
    }
    for coding in [
        GZIP,
        DEFLATE,
        BROTLI,
        ZSTD,
        Coding::Unsupported("lz4".into()),
    ] {
        let (got, fault) = read(vec![], coding, BodyLimits::default()).await;
        assert_eq!((got.len(), fault), (0, None));
    }
}

#[tokio::test]
async fn a_header_that_does_not_fit_is_not_believed() {
    let text = "data: one\n\ndata: two\n\n";
    let deflated = |zlib: bool| {
        let level = Compression::best();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), level);
        let mut framed = flate2::write::ZlibEncoder::new(Vec::new(), level);
        raw.write_all(text.as_bytes()).unwrap();
        framed.write_all(text.as_bytes()).unwrap();
        if zlib {
            framed.finish().unwrap()
        } else {
            raw.finish().unwrap()
        }
    };
    for (body, coding) in [
        (text.into(), GZIP),
        (text.into(), DEFLATE),
        (text.into(), BROTLI),
        (text.into(), ZSTD),
        (text.into(), Coding::Unsupported("lz4".into())),
        (gzipped(text.as_bytes()), BROTLI),
        (zstd::encode_all(text.as_bytes(), 1).unwrap(), BROTLI),
        (zstd::encode_all(text.as_bytes(), 1).unwrap(), DEFLATE),
        (gzipped(text.as_bytes()), Coding::Plain),
        (gzipped(text.as_bytes()), DEFLATE),
        (deflated(true), DEFLATE),
        (deflated(false), DEFLATE),
    ] {
        for size in [1, 3, body.len()] {
            let pieces = body.chunks(size).map(<[u8]>::to_vec).collect();
            let (got, fault) = read(pieces, coding.clone(), BodyLimits::default()).await;
            assert_eq!(
                (got.as_slice(), fault),
                (text.as_bytes(), None),
                "{coding:?} {size}"
            );
        }
    }
}
