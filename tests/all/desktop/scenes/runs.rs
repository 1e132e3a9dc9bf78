//! Made-up runs over the last hour, the same each time.

use std::{sync::Arc, time::Duration};

use tokenscope::{
    chat::{ChatRequest, Params},
    dialect::DialectId,
    endpoint::TargetId,
    event::{About, Answer, Fault, FaultClass, Finish, FinishReason, Note, Phase, Usage},
    run::{ConnectionKind, Link, Origin, Read, Reads, Run, RunHead, RunId, RunState, Span, Stamps},
    transport::{TcpInfo, TlsSession, TlsVersion},
};

/// Runs over the last hour, oldest first.
pub fn runs(count: usize, prompt: &str) -> Vec<Run> {
    let targets = [
        ("openai", "gpt-5-mini", 410.0),
        ("gateway", "gpt-5-mini", 640.0),
        ("deepseek", "deepseek-chat", 980.0),
        ("ollama", "gemma3:270m", 95.0),
        ("simulator", "steady", 220.0),
    ];
    let now = now();
    (0..count)
        .map(|index| {
            let (endpoint, model, base) = targets[index % targets.len()];
            let target = TargetId {
                endpoint: endpoint.into(),
                model: model.into(),
            };
            #[expect(clippy::cast_possible_wrap)]
            let ago = (count - index) as i64 * (3_500_000_000_000 / count as i64);
            let mut run = answered(
                index,
                target,
                base * (0.8 + 0.5 * noise(index) + 0.9 * noise(index + 7_777).powi(12)),
                now - ago,
                prompt,
            );
            if noise(index + 31) < 0.04 {
                fail(&mut run, index);
            }
            run
        })
        .collect()
}

/// Now, in nanoseconds since 1970.
pub fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).expect("before 2262")
}

/// A small sequence of numbers that looks random and is the same each time.
pub fn noise(index: usize) -> f64 {
    let mut x = (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    x ^= x >> 31;
    x = x.wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^= x >> 29;
    #[expect(clippy::cast_precision_loss)]
    let unit = (x >> 11) as f64 / (1u64 << 53) as f64;
    unit
}

pub fn ns(ms: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let ns = (ms * 1e6) as u64;
    ns
}

fn answered(
    index: usize,
    target: TargetId,
    ttft_ms: f64,
    started_unix_ns: i64,
    prompt: &str,
) -> Run {
    let cold = noise(index + 99) < 0.12;
    let shake = if cold { 138.0 } else { 0.0 };
    let ttft = ttft_ms + shake;
    let total = ttft + 1_900.0 + 900.0 * noise(index + 5);
    let span = |begin: f64, end: f64| {
        cold.then(|| Span {
            begin: ns(begin),
            end: ns(end),
        })
    };
    let simulated = target.endpoint == "simulator";
    let head = RunHead {
        id: RunId(i64::try_from(index).expect("few") + 1),
        url: format!(
            "https://{}.example.com/v1/chat/completions",
            target.endpoint
        ),
        dialect: DialectId::OpenaiChat,
        route: if target.endpoint == "gateway" {
            "via gateway".into()
        } else {
            "direct".into()
        },
        simulated,
        origin: Origin::Playground,
        attempt: 1,
        request: Arc::new(ChatRequest {
            system: Some("You are terse.".into()),
            params: Params {
                temperature: Some(0.2),
                max_tokens: Some(512),
                ..Params::default()
            },
            ..ChatRequest::of_text(&target.model, prompt)
        }),
        target,
    };
    let mut run = Run::new(head);
    run.state = RunState::Ok;
    run.connection = Some(if cold {
        ConnectionKind::Cold
    } else {
        ConnectionKind::Warm
    });
    run.status = Some(200);
    run.http_version = Some("HTTP/2.0".into());
    run.stamps = Stamps {
        started_unix_ns,
        dns: span(0.2, 14.0),
        tcp: span(14.0, 66.0),
        tls: span(66.0, 137.0),
        request_sent: Some(ns(shake + 0.4)),
        headers: Some(ns(ttft - 30.0)),
        first_byte: Some(ns(ttft - 12.0)),
        first_event: Some(ns(ttft - 12.0)),
        first_token: Some(ns(ttft)),
        first_visible: Some(ns(ttft)),
        last_token: Some(ns(total)),
        closed: Some(ns(total + 3.0)),
        link: Some(link(index)),
        ..Stamps::default()
    };
    run.reads = (0_u8..180)
        .map(|read| Read {
            at: ns(ttft + f64::from(read) * 11.0),
            bytes: 214,
            events: 1,
            tokens: 1,
            delay: Some(60_000 + u32::from(read) % 7 * 9_000),
            ..Read::default()
        })
        .collect();
    run.answer = answer(index);
    run
}

fn link(index: usize) -> Link {
    let tcp = |retransmits, out_of_order| {
        Some(TcpInfo {
            rtt: Duration::from_micros(25_300),
            min_rtt: Duration::from_micros(23_900),
            retransmits,
            lost: 0,
            congestion_window: Some(10),
            out_of_order,
        })
    };
    Link {
        id: 12,
        uses: index as u64 % 5 + 1,
        age_ns: index as u64 % 5 * 12_400_000_000,
        address: Some("203.0.113.7:443".parse().unwrap()),
        tries: Vec::new(),
        tls: Some(TlsSession {
            version: TlsVersion::Tls13,
            resumed: true,
        }),
        acknowledged: None,
        lost: None,
        start: tcp(0, 0),
        first_token: tcp(0, 1),
        end: tcp(1, 3),
    }
}

fn answer(index: usize) -> Answer {
    Answer {
        text: "A hash map is like a wall of numbered lockers. You turn the name on your key into a locker number, so you can walk straight to it instead of trying each door.\n\nIf two names give the same number, the locker simply holds a short list.".into(),
        reasoning: "The user wants something short and concrete. Lockers are a good picture.".into(),
        usage: Some(Usage {
            cache_written: None,
        total: None,
        input: Some(31),
        output: Some(180 + index as u64 % 60),
        reasoning: Some(24),
        cached: Some(0),
    }),
        finish: Some(Finish {
        reason: FinishReason::Stop,
        raw: "stop".into(),
    }),
        model: Some("gpt-5-mini-2026-05-01".into()),
        response_id: Some("chatcmpl-C7yT2b0m1".into()),
        done: true,
        notes: if index % 16 == 7 {
            vec![(Note::new(About::EndMark, "the stream ended without [DONE]"), 1)]
        } else {
            Vec::new()
        },
        ..Answer::default()
    }
}

pub fn fail(run: &mut Run, index: usize) {
    let fault = match index % 4 {
        0 => Fault {
            status: Some(429),
            code: Some("rate_limit_exceeded".into()),
            retry_after_ms: Some(20_000),
            ..Fault::new(
                FaultClass::RateLimited,
                Phase::Headers,
                "Rate limit reached for gpt-5-mini in organization org-x on requests per min (RPM): Limit 500, Used 500. Please try again in 20s.",
            )
        },
        1 => Fault::new(
            FaultClass::Interrupted,
            Phase::Stream,
            "the connection closed after 41 events, before [DONE]",
        ),
        2 => Fault::new(FaultClass::Cancelled, Phase::Stream, "stopped"),
        _ => Fault::new(
            FaultClass::Connect,
            Phase::Connect,
            "connection refused by 127.0.0.1:11434: is the server running?",
        ),
    };
    run.state = RunState::Fault;
    if fault.phase != Phase::Stream {
        run.answer.text.clear();
        run.answer.reasoning.clear();
        run.answer.usage = None;
        run.stamps.first_token = None;
        run.stamps.first_visible = None;
        run.stamps.last_token = None;
        run.reads = Reads::default();
    }
    run.answer.finish = None;
    run.answer.fault = Some(fault);
}
