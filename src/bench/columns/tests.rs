use proptest::prelude::*;

use super::*;

prop_compose! {
    fn a_request()(
        number in any::<u32>(),
        started in 0..1_u64 << 50,
        lag in -1_000_i64..1_000_000,
        after in prop::collection::vec(prop::option::of(0..1_u64 << 40), 7),
        counts in prop::collection::vec(prop::option::of(any::<u16>()), 4),
        reads in prop::collection::vec((0..1_u64 << 32, 1..5_u32), 0..6),
        is_warm_up in any::<bool>(),
        connection in 0..3_u8,
        outcome in 0..FaultClass::ALL.len() + 1,
        text in prop::option::of((".{0,9}", any::<bool>())),
    ) -> BenchRequest {
        let mut request = BenchRequest {
            number: number.into(),
            prompt: number % 7,
            started,
            scheduled: started.saturating_add_signed(-lag),
            ended: started + 5,
            is_warm_up,
            connection: [None, Some(ConnectionKind::Cold), Some(ConnectionKind::Warm)][usize::from(connection)],
            outcome: match outcome {
                0 => RequestOutcome::Ok,
                n => RequestOutcome::Fault(FaultClass::ALL[n - 1]),
            },
            pieces: number % 100,
            text: text.map(|(text, is_cut)| Box::new(KeptText { text, is_cut })),
            ..BenchRequest::default()
        };
        for ((_, set), after) in STAMPS.iter().zip(after) {
            if let Some(after) = after {
                set(&mut request, started + after);
            }
        }
        for ((_, set), count) in COUNTS.iter().zip(counts) {
            if let Some(count) = count {
                set(&mut request, count.into());
            }
        }
        let mut at = 0;
        let mut arrivals = TokenArrivals::default();
        for (gap, tokens) in reads {
            at += gap;
            arrivals.push(at, tokens);
        }
        request.arrivals = TokenArrivals::of_bytes(arrivals.as_bytes().to_vec());
        request
    }
}

proptest! {
    #[test]
    fn requests_come_back_whole(requests in prop::collection::vec(a_request(), 0..40)) {
        let block = encode(&requests).unwrap();
        prop_assert_eq!(decode(&block).unwrap(), requests);
    }

    #[test]
    fn damage_is_told_and_never_a_panic(
        requests in prop::collection::vec(a_request(), 1..9),
        cut in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        version in prop::sample::select(vec![VERSION, WITH_TEXTS]),
    ) {
        let block = encode(&requests).unwrap();
        prop_assert!(decode(&block[..cut.index(block.len())]).is_err());
        prop_assert!(decode(&bytes).is_err());
        let mut form = Vec::new();
        push(&mut form, version);
        form.extend_from_slice(&bytes);
        // Whatever it is, it is read or refused.
        let _ = decode(&zstd::bulk::compress(&form, 1).unwrap());
    }
}

#[test]
fn a_newer_form_is_told_apart_from_damage() {
    let newer = zstd::bulk::compress(&[3, 0, 0], 1).unwrap();
    assert_eq!(decode(&newer), Err(BadBlock::UnknownForm));
    assert_eq!(decode(b"SQLite"), Err(BadBlock::Damaged));
}

#[test]
fn older_programs_read_blocks_without_texts() {
    let version = |text: Option<&str>| {
        let text = text.map(|text| {
            Box::new(KeptText {
                text: text.to_owned(),
                is_cut: false,
            })
        });
        let request = BenchRequest {
            text,
            ..BenchRequest::default()
        };
        let block = encode(&[request]).unwrap();
        u64::from(unpacked(&block).unwrap()[0])
    };
    assert_eq!(version(None), VERSION);
    assert_eq!([version(Some("hello")), version(Some(""))], [WITH_TEXTS; 2]);
}

#[test]
fn a_million_usual_requests_take_less_than_two_hundred_megabytes() {
    // 64 tokens, a gap of 40 ms with some noise of a tenth of a millisecond.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small positive numbers"
    )]
    let noise = |n: u64, most: f64| (crate::seeded::uniform(7, n) * most) as u64;
    let requests: Vec<BenchRequest> = (0..2_000_u64)
        .map(|number| {
            let started = number * 1_000_000 + noise(number, 5e4);
            let mut request = BenchRequest {
                number,
                scheduled: number * 1_000_000,
                started,
                request_sent: Some(started + 30_000 + noise(number ^ 1, 2e4)),
                input_tokens: Some(20),
                output_tokens: Some(64),
                pieces: 64,
                ..BenchRequest::default()
            };
            let mut at = started + 50_000_000;
            for token in 0..64 {
                at += 40_000_000 + noise(number * 64 + token, 2e5);
                request.arrived(at, 1);
                request.first_token.get_or_insert(at);
            }
            request.headers = request.first_token;
            request.first_event = request.first_token;
            request.first_visible = request.first_token;
            request.last_token = Some(at);
            request.finished = Some(at + 20_000);
            request.ended = at + 30_000;
            request
        })
        .collect();
    let bytes = encode(&requests).unwrap().len() / requests.len();
    assert!(bytes < 190, "{bytes} bytes a request");
}
