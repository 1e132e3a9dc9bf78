//! Runs with any values in all fields, which come back as they went in.

use std::net::SocketAddr;

use super::*;

/// A run that has not begun.
/// Notes about all that there is to note.
fn kept(notes: Vec<(String, u64)>) -> Vec<(Note, u64)> {
    let abouts = About::ALL.iter().cycle();
    let notes = abouts.zip(notes);
    notes
        .map(|(about, (text, times))| (Note::new(*about, text), times))
        .collect()
}

fn any_stamps() -> impl Strategy<Value = Stamps> {
    let span =
        || any::<Option<(u64, u64)>>().prop_map(|s| s.map(|(begin, end)| Span { begin, end }));
    let offsets = prop::array::uniform8(any::<Option<u64>>());
    let spans = [span(), span(), span()];
    let all = (any::<(i64, u64, Option<u32>)>(), spans, offsets, any_link());
    all.prop_map(|(start, spans, at, link)| Stamps {
        started_unix_ns: start.0,
        scheduled_before: start.1,
        dns: spans[0],
        tcp: spans[1],
        tls: spans[2],
        request_sent: at[0],
        headers: at[1],
        first_byte: at[2],
        first_event: at[3],
        first_token: at[4],
        first_token_delay: start.2,
        first_visible: at[5],
        last_token: at[6],
        closed: at[7],
        link,
    })
}

fn any_link() -> impl Strategy<Value = Option<Link>> {
    let tcp = || {
        any::<Option<(Duration, Duration, u32, u32, u32)>>().prop_map(|tcp| {
            tcp.map(|(rtt, min_rtt, retransmits, lost, out_of_order)| TcpInfo {
                rtt,
                min_rtt,
                retransmits,
                lost,
                congestion_window: Some(lost),
                out_of_order,
            })
        })
    };
    let opened = (
        prop::option::of(any_address()),
        prop::option::of((any_word(TlsVersion::ALL), any::<bool>())),
        prop::collection::vec(any_try(), 0..3),
        any::<Option<u64>>(),
        prop::option::of(any_word(ConnectionLoss::ALL)),
    );
    let link = (any::<(u64, u64, u64)>(), opened, tcp(), tcp(), tcp());
    prop::option::of(
        link.prop_map(|((id, uses, age_ns), opened, start, first_token, end)| {
            let (address, tls, tries, acknowledged, lost) = opened;
            Link {
                id,
                uses,
                age_ns,
                address,
                tries,
                tls: tls.map(|(version, resumed)| TlsSession { version, resumed }),
                acknowledged,
                lost,
                start,
                first_token,
                end,
            }
        }),
    )
}

/// Without a flow and a scope, which no text of an address has.
fn any_address() -> impl Strategy<Value = SocketAddr> {
    any::<(std::net::IpAddr, u16)>().prop_map(SocketAddr::from)
}

fn any_try() -> impl Strategy<Value = LinkTry> {
    let times = (any_address(), any::<u64>(), any::<Option<u64>>());
    (times, any_word(TryOutcome::ALL)).prop_map(|((address, begin, end), outcome)| LinkTry {
        address,
        begin,
        end,
        outcome,
    })
}

fn any_word<T: Copy + std::fmt::Debug>(words: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(words)
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let words = (any_word(FaultClass::ALL), any_word(Phase::ALL));
    (
        words,
        any::<(Option<u16>, Option<String>, String, Option<u64>)>(),
    )
        .prop_map(
            |((class, phase), (status, code, message, retry_after_ms))| Fault {
                class,
                phase,
                status,
                code,
                message,
                retry_after_ms,
                details: None,
            },
        )
}

fn any_answer() -> impl Strategy<Value = Answer> {
    use FinishReason::{ContentFilter, Length, Other, Stop, ToolCalls};
    let reasons: &[FinishReason] = &[Stop, Length, ToolCalls, ContentFilter, Other];
    let finish = prop::option::of((any_word(reasons), any::<String>()));
    let usage = any::<Option<[Option<u64>; 5]>>();
    let texts = any::<([String; 3], Vec<[String; 3]>)>();
    let rest = any::<(
        [Option<String>; 2],
        bool,
        u64,
        Vec<(String, u64)>,
        Vec<(String, String)>,
    )>();
    let signed = any::<(Option<String>, Vec<(String, u64)>, Option<u64>)>();
    (texts, usage, finish, rest, signed).prop_map(
        |((texts, calls), usage, finish, rest, signed)| {
            let (signature, timings, cache_written) = signed;
            let [text, reasoning, refusal] = texts;
            let ([response_id, model], done, keep_alives, notes, unknown) = rest;
            let call = |[id, name, arguments]: [String; 3]| ToolCall {
                id,
                name,
                arguments,
            };
            let mut answer = Answer {
                text,
                reasoning,
                refusal,
                tool_calls: calls.into_iter().map(call).collect(),
                usage: usage.map(|[input, output, reasoning, cached, total]| Usage {
                    cache_written,
                    total,
                    input,
                    output,
                    reasoning,
                    cached,
                }),
                finish: finish.map(|(reason, raw)| Finish { reason, raw }),
                fault: None,
                response_id,
                model,
                done,
                keep_alives,
                notes: kept(notes),
                unknown,
                timings,
                ..Answer::default()
            };
            answer.pieces = answer.plain_pieces();
            // A signature makes them worth keeping; so do a source and a file.
            if let Some(value) = signature {
                answer.apply(&Event::Signature {
                    value: value.clone(),
                });
                answer.apply(&Event::Media(an_image(value.as_bytes())));
                answer.apply(&Event::Citation(Citation {
                    url: Some(value),
                    ..Citation::default()
                }));
            }
            answer
        },
    )
}

fn any_request() -> impl Strategy<Value = ChatRequest> {
    let part = prop_oneof![
        any::<String>().prop_map(|text| Part::Text { text }),
        any::<Vec<u8>>().prop_map(|bytes| Part::Media(an_image(&bytes))),
        any::<[String; 3]>().prop_map(|[id, name, content]| Part::ToolResult { id, name, content }),
    ];
    let role = any_word(&[Role::User, Role::Assistant, Role::Tool]);
    let message =
        (role, prop::collection::vec(part, 0..3)).prop_map(|(role, parts)| Message { role, parts });
    let messages = prop::collection::vec(message, 0..4);
    (
        any::<(String, Option<String>, Vec<String>)>(),
        messages,
        0..20_u8,
    )
        .prop_map(|((model, system, stop), messages, tenths)| ChatRequest {
            model,
            system,
            messages,
            params: Params {
                temperature: Some(f64::from(tenths) / 10.0),
                stop,
                ..Params::default()
            },
            tools: Vec::new(),
            raw_body: None,
        })
}

fn any_run() -> impl Strategy<Value = Run> {
    let head = (
        any::<(i64, [String; 2], String, bool, u32)>(),
        any_word(Origin::ALL),
        any_request(),
    );
    let read = any::<(u64, u32, u32, u32)>().prop_map(|(at, bytes, events, tokens)| Read {
        at,
        bytes,
        events,
        tokens,
        ..Read::default()
    });
    let body = (
        prop::option::of(any_word(ConnectionKind::ALL)),
        any::<(Option<u16>, Option<String>)>(),
        any_stamps(),
        prop::collection::vec(read, 0..9),
        any_answer(),
        prop::option::of(any_fault()),
    );
    (head, body).prop_map(|(head, body)| {
        let ((id, [endpoint, model], route, simulated, attempt), origin, request) = head;
        let (connection, (status, http_version), stamps, reads, answer, fault) = body;
        let ended = match fault {
            Some(_) => RunState::Fault,
            None => RunState::Ok,
        };
        Run {
            head: RunHead {
                id: RunId(id),
                target: TargetId { endpoint, model },
                dialect: DialectId::OpenaiChat,
                route,
                url: "https://a.example/v1/chat/completions".into(),
                simulated,
                origin,
                attempt,
                request: Arc::new(request),
            },
            state: ended,
            connection,
            status,
            http_version,
            stamps,
            reads: reads.into(),
            answer: Answer { fault, ..answer },
        }
    })
}

#[test]
fn every_field_of_a_run_comes_back() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    proptest!(ProptestConfig::with_cases(64), |(run in any_run())| {
        history.finish(run.clone());
        let back = runtime.block_on(history.run(run.head.id)).unwrap();
        prop_assert_eq!(back, Some(run));
    });
}
