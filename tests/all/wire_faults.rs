//! What servers and proxies do on the wire beside what they say: odd labels, stalled errors, refusals.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use tokenscope::{
    dialect::DialectId,
    endpoint::Endpoint,
    event::{FaultClass as C, Phase as P},
    exchange::list::list_models,
    run::{Run, RunState},
    transport::{HttpVersion, Transport},
};

use crate::{
    fault_server::{
        Authority, Server, answer_all, gone, header, read_request, send, serve, serve_tls, tls,
        whole,
    },
    home::Home,
    toy::{class, endpoint, fault, limited, limits, run},
};

/// A server that answers so, and leaves the connection open.
async fn answering(response: impl Into<Vec<u8>>) -> Server {
    let response: &'static [u8] = response.into().leak();
    serve(move |mut stream, _| async move {
        read_request(&mut stream).await;
        send(&mut stream, response).await;
        gone(&mut stream).await;
    })
    .await
}

async fn answered(response: impl Into<Vec<u8>>) -> Run {
    run(endpoint(&answering(response).await.url())).await
}

#[tokio::test]
async fn a_refusal_in_a_compression_that_is_broken_or_unknown_keeps_its_status_and_wait() {
    for coding in ["br", "zstd", "lz4", "gzip, br"] {
        let head = format!("content-encoding: {coding}\r\nretry-after: 7\r\n");
        let run = answered(whole("429 Slow", &head, BROKEN)).await;
        let fault = fault(&run);
        assert_eq!(
            (fault.class, fault.status),
            (C::RateLimited, Some(429)),
            "{fault}"
        );
        assert_eq!(fault.retry_after_ms, Some(7_000));
        assert!(fault.message.contains(coding), "{fault}");
        let ok = answered(whole("200 OK", &head, BROKEN)).await;
        assert_eq!(class(&ok), (C::Protocol, P::FirstToken));
        assert_eq!(ok.status, Some(200));
        assert!(crate::toy::fault(&ok).message.contains(coding));
    }
}

/// Neither text nor any compression.
const BROKEN: &str = "\u{b}\u{2}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}not text at all";

#[tokio::test]
async fn a_compression_that_was_not_asked_for_is_read_and_noted() {
    let text = b"one line\ntwo\nEND\n".as_slice();
    let brotli = [b"\x0b\x08\x80".as_slice(), text, b"\x03"].concat();
    for (coding, body) in [("br", brotli), ("zstd", zstd::encode_all(text, 3).unwrap())] {
        let head = |status: &str| {
            let length = body.len();
            format!(
                "HTTP/1.1 {status}\r\ncontent-encoding: {coding}\r\nretry-after: 7\r\ncontent-length: {length}\r\n\r\n"
            )
        };
        let run = answered([head("200 OK").as_bytes(), &body].concat()).await;
        assert_eq!(run.state, RunState::Ok, "{coding}: {:?}", run.answer.fault);
        let noted = format!("came compressed ({coding})");
        assert!(
            run.answer
                .notes
                .iter()
                .any(|(note, _)| note.text.contains(&noted))
        );
        let run = answered([head("429 Slow").as_bytes(), &body].concat()).await;
        let fault = fault(&run);
        assert_eq!(
            (fault.class, fault.retry_after_ms),
            (C::RateLimited, Some(7_000))
        );
        assert!(fault.message.starts_with("one line"), "{coding}: {fault}");
    }
}

#[tokio::test]
async fn a_label_that_is_no_compression_or_does_not_fit_is_read_all_the_same() {
    for (coding, noted) in [
        ("", false),
        ("none", false),
        ("identity", false),
        ("utf-8", false),
        ("chunked", false),
        ("gzip", true),
        ("gzip, identity", true),
        ("deflate", true),
        ("br", true),
    ] {
        let head = format!("content-encoding: {coding}\r\n");
        let run = answered(whole("200 OK", &head, "one line\ntwo\nEND\n")).await;
        assert_eq!(run.state, RunState::Ok, "{coding}: {:?}", run.answer.fault);
        let notes: Vec<&str> = run
            .answer
            .notes
            .iter()
            .map(|note| note.0.text.as_str())
            .collect();
        assert_eq!(
            notes.iter().any(|note| note.contains("it was not")),
            noted,
            "{coding}: {notes:?}"
        );
    }
}

#[tokio::test]
async fn broken_compression_says_so() {
    let body = "\u{1f}not gzip at all";
    let run = answered(whole("200 OK", "content-encoding: gzip\r\n", body)).await;
    assert_eq!(fault(&run).class, C::Protocol);
    assert!(
        fault(&run)
            .message
            .contains("compressed data that is broken"),
        "{:?}",
        fault(&run)
    );
}

#[tokio::test]
async fn what_came_of_an_error_before_it_stalled_is_the_answer() {
    for (status, expected) in [
        ("401 No", C::Auth),
        ("500 Oops", C::Provider),
        ("429 Slow", C::RateLimited),
    ] {
        for said in ["no such key", ""] {
            let response =
                format!("HTTP/1.1 {status}\r\ncontent-length: 900\r\nretry-after: 3\r\n\r\n{said}");
            let server = answering(response).await;
            let run = run(limited(&server.url(), limits(0, 200, 0, 60_000))).await;
            let fault = fault(&run);
            assert_eq!((fault.class, fault.message.as_str()), (expected, said));
            assert_eq!(fault.retry_after_ms, Some(3_000));
            assert!(
                run.answer
                    .notes
                    .iter()
                    .any(|note| note.0.text.contains("did not come"))
            );
        }
    }
}

#[tokio::test]
async fn the_whole_target_of_a_redirect_is_named_and_304_is_none() {
    let redirect = |code: &str, to: &str| whole(code, &format!("location: {to}\r\n"), "");
    for (response, said) in [
        (
            redirect("307 Go", "/v1/models/?a=b"),
            "/v1/models/?a=b (307)",
        ),
        (
            redirect("301 Go", "https://other.example/x?token=hunter22&b=c"),
            "https://other.example/x?token=***&b=c (301)",
        ),
        (
            redirect("302 Go", "https://me:hunter22@other.example/"),
            "https://other.example/ (302)",
        ),
        (whole("302 Go", "", ""), "does not say where to"),
        (
            "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned(),
            "nothing was modified (304)",
        ),
    ] {
        let run = answered(response).await;
        let fault = fault(&run);
        assert_eq!(fault.class, C::Protocol);
        assert!(fault.message.contains(said), "{fault}");
        assert!(!fault.message.contains("hunter22"), "{fault}");
    }
}

#[tokio::test]
async fn a_response_with_many_headers_is_read() {
    use std::fmt::Write as _;
    let mut head = String::new();
    for number in 0..300 {
        write!(head, "x-from-proxy-{number}: some value or other\r\n").unwrap();
    }
    let run = answered(whole("200 OK", &head, "one\nEND\n")).await;
    assert_eq!(run.state, RunState::Ok, "{:?}", run.answer.fault);
}

#[tokio::test]
async fn a_stream_that_http2_refuses_was_not_taken() {
    let server = serve(|stream, _| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            respond.send_reset(h2::Reason::REFUSED_STREAM);
        }
    })
    .await;
    let mut endpoint = endpoint(&server.url());
    endpoint.connect.http = HttpVersion::Http2;
    let run = run(endpoint).await;
    assert_eq!(class(&run), (C::Reset, P::Headers));
    let message = &fault(&run).message;
    assert!(
        message.contains("REFUSED_STREAM") && message.contains("can't have been taken"),
        "{message}"
    );
}

#[tokio::test]
async fn a_proxy_that_hangs_is_named() {
    let proxy = serve(|mut stream, _| async move {
        gone(&mut stream).await;
    })
    .await;
    for (scheme, target, does) in [
        (
            "http",
            "https://host.example/",
            "did not answer CONNECT host.example:443",
        ),
        (
            "http",
            "https://host.example:8443/",
            "did not answer CONNECT host.example:8443",
        ),
        (
            "socks5h",
            "https://host.example/",
            "did not answer the SOCKS request for host.example:443",
        ),
        (
            "socks5h",
            "http://host.example/",
            "did not answer the SOCKS request for host.example:80",
        ),
    ] {
        let mut endpoint = limited(target, limits(200, 0, 0, 60_000));
        endpoint.allow_http = true;
        endpoint.connect.proxy = Some(format!("{scheme}://me:hunter22@{}", proxy.addr));
        let run = run(endpoint).await;
        assert_eq!(class(&run), (C::Timeout, P::Connect));
        let expected = format!(
            "the proxy {} took the connection, and {does} within 200 ms (connect limit)",
            proxy.addr
        );
        assert_eq!(fault(&run).message, expected, "{scheme} {target}");
        assert!(!format!("{run:?}").contains("hunter22"));
    }
}

#[tokio::test]
async fn a_proxy_that_takes_a_request_and_hangs_is_named() {
    let proxy = serve(|mut stream, _| async move {
        read_request(&mut stream).await;
        gone(&mut stream).await;
    })
    .await;
    let mut endpoint = limited("http://host.example/", limits(0, 200, 0, 60_000));
    endpoint.allow_http = true;
    endpoint.connect.proxy = Some(format!("http://me:hunter22@{}", proxy.addr));
    let run = run(endpoint).await;
    assert_eq!(class(&run), (C::Timeout, P::Headers));
    let expected = format!("the proxy {} did not begin to answer within", proxy.addr);
    assert!(
        fault(&run).message.starts_with(&expected),
        "{:?}",
        fault(&run)
    );
    assert!(!format!("{run:?}").contains("hunter22"));
}

#[tokio::test]
async fn a_self_signed_certificate_is_explained_and_works_once_it_is_given() {
    for is_ca in [true, false] {
        for (name, until, fits) in [
            ("localhost", 2100, true),
            ("other.example", 2100, false),
            ("localhost", 2001, false),
        ] {
            let mut params = CertificateParams::new([name.to_owned()]).unwrap();
            params.is_ca = if is_ca {
                IsCa::Ca(BasicConstraints::Unconstrained)
            } else {
                IsCa::NoCa
            };
            (params.not_before, params.not_after) =
                (date_time_ymd(2000, 1, 1), date_time_ymd(until, 1, 1));
            let key = KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let acceptor = tls(certificate.der().clone(), &key, &[]);
            let server = serve_tls(acceptor, |stream, _| async move {
                if let Ok(stream) = stream {
                    answer_all(stream).await;
                }
            })
            .await;
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("own.pem");
            std::fs::write(&file, certificate.pem()).unwrap();
            let mut endpoint = endpoint(&server.named_url("https"));
            if fits {
                let refused = run(endpoint.clone()).await;
                assert_eq!(class(&refused), (C::Tls, P::Tls));
                assert!(
                    fault(&refused).message.contains("extra CA"),
                    "{:?}",
                    fault(&refused)
                );
            }
            endpoint.connect.ca_file = file.to_str().map(str::to_owned);
            let run = run(endpoint).await;
            let told = format!("{name} {until} CA {is_ca}: {:?}", run.answer.fault);
            assert_eq!(run.state == RunState::Ok, fits, "{told}");
        }
    }
    // One that is not the server's own is trusted in no other place.
    let other = Authority::new();
    let server = serve_tls(
        Authority::new().acceptor(&["localhost"], &[]),
        |_, _| async {},
    )
    .await;
    let mut endpoint = endpoint(&server.named_url("https"));
    endpoint.connect.ca_file = Some(other.file());
    assert_eq!(class(&run(endpoint).await), (C::Tls, P::Tls));
}

#[tokio::test]
async fn the_pages_of_a_list_are_followed_and_end() {
    let server = serve(|mut stream, _| async move {
        while let Some((head, _)) = read_request(&mut stream).await {
            let body = if head.contains("pageToken=b") {
                r#"{"models":[{"name":"models/b"}]}"#
            } else if head.contains("gemini") {
                r#"{"models":[{"name":"models/a"}],"nextPageToken":"b"}"#
            } else if head.contains("after_id=b") {
                r#"{"data":[{"id":"b"}],"has_more":true,"last_id":"b"}"#
            } else {
                r#"{"data":[{"id":"a"},{"id":"b"}],"has_more":true,"last_id":"b"}"#
            };
            send(
                &mut stream,
                whole("200 OK", "content-type: application/json\r\n", body),
            )
            .await;
        }
    })
    .await;
    for (dialect, path) in [
        (DialectId::Gemini, "gemini/v1beta"),
        (DialectId::Anthropic, "v1"),
        (DialectId::OpenaiChat, "v1"),
    ] {
        let base = format!("{}{path}", server.url()).parse().unwrap();
        let endpoint = Endpoint::custom("x", base, dialect);
        let listed = list_models(&Transport::default(), &endpoint, None, None)
            .await
            .unwrap();
        let ids: Vec<&str> = listed.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"], "{dialect}");
    }
}

#[tokio::test]
async fn a_list_that_is_refused_and_stalls_says_why() {
    let server = answering(
        "HTTP/1.1 401 No\r\ncontent-length: 900\r\n\r\n{\"error\":{\"message\":\"bad key\"}}",
    )
    .await;
    let mut endpoint = Endpoint::custom(
        "x",
        format!("{}v1", server.url()).parse().unwrap(),
        DialectId::OpenaiChat,
    );
    endpoint.connect.timeouts = limits(0, 200, 0, 60_000);
    let fault = list_models(&Transport::default(), &endpoint, None, None)
        .await
        .unwrap_err();
    assert_eq!((fault.class, fault.message.as_str()), (C::Auth, "bad key"));
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let home = Home::new().with("LLM_API_KEY", "sk-hunter22");
    for command in [&["chat", "-m", "m", "Hello"][..], &["models"]] {
        let mut arguments = command.to_vec();
        arguments.extend(["--base-url", "http://192.0.2.1:9/v1"]);
        let ran = home.run(&arguments, "");
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains("--allow-http"), "{ran:?}");
    }
    // Whatever way an endpoint came to be.
    let endpoint = Endpoint::custom(
        "x",
        "http://192.0.2.1:9/v1".parse().unwrap(),
        DialectId::OpenaiChat,
    );
    let fault = list_models(&Transport::default(), &endpoint, None, None)
        .await
        .unwrap_err();
    assert_eq!(fault.phase, P::Prepare);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_in_the_query_where_that_is_asked_for_and_is_not_shown() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heads = asked.clone();
    let server = serve(move |mut stream, _| {
        let heads = heads.clone();
        async move {
            let Some((head, _)) = read_request(&mut stream).await else {
                return;
            };
            heads.lock().unwrap().push(head.clone());
            let target = head.split(' ').nth(1).unwrap();
            // The redirect says back what it was asked for.
            let moved = whole("307 Go", &format!("location: {target}\r\n"), "");
            send(&mut stream, moved).await;
        }
    })
    .await;
    let home = Home::new().with("LLM_API_KEY", "AIza-hunter22/+");
    let base = format!("http://{}/v1beta", server.addr);
    for command in [&["chat", "-m", "m", "Hello", "--json"][..], &["models"]] {
        let mut arguments = command.to_vec();
        arguments.extend([
            "--base-url",
            &base,
            "--dialect",
            "gemini",
            "--auth",
            "query",
        ]);
        let ran = home.run(&arguments, "");
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let said = ran.out + &ran.err;
        assert!(
            said.contains("redirects to") && !said.contains("hunter22"),
            "{said}"
        );
    }
    let heads = asked.lock().unwrap();
    for (head, path) in heads
        .iter()
        .zip(["/models/m:streamGenerateContent?alt=sse&", "/models?"])
    {
        let target = head.split(' ').nth(1).unwrap();
        assert!(target.starts_with(&format!("/v1beta{path}")), "{target}");
        assert!(target.ends_with("key=AIza-hunter22%2F%2B"), "{target}");
        assert!(
            header(head, "x-goog-api-key").is_none() && header(head, "authorization").is_none()
        );
    }
    assert_eq!(heads.len(), 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_command_that_fails_is_told_of_before_anything_is_sent() {
    let server = answering(whole("401 No", "", "no key")).await;
    let home = Home::new();
    home.write_settings(&format!(
        "[endpoint.mine]\nbase_url = \"http://{}/v1\"\nkey_command = [\"sh\", \"-c\", \"echo locked >&2; exit 3\"]\n",
        server.addr
    ));
    let ran = home.run(&["chat", "-t", "mine/m", "Hello", "--json"], "");
    assert_eq!(ran.code, Some(1));
    let told = [
        "\"class\":\"auth\"",
        "\"phase\":\"prepare\"",
        "sh ended with code 3: locked",
    ];
    assert!(told.iter().all(|word| ran.out.contains(word)), "{ran:?}");
    let ran = home.run(&["models", "mine"], "");
    assert!(ran.err.contains("sh ended with code 3: locked"), "{ran:?}");
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn connections_that_ask_nothing_keep_nobody_out_of_the_simulator() {
    let simulator = tokenscope::simulator::start(0).await.unwrap();
    let addr = format!("127.0.0.1:{}", simulator.base_url().port().unwrap());
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(tokio::net::TcpStream::connect(&addr).await.unwrap());
    }
    let mut endpoint = Endpoint::custom(
        "x",
        format!("http://{addr}/v1").parse().unwrap(),
        DialectId::OpenaiChat,
    );
    endpoint.connect.timeouts = limits(
        0,
        0,
        0,
        u64::try_from(Duration::from_mins(1).as_millis()).unwrap(),
    );
    assert!(
        !list_models(&Transport::default(), &endpoint, None, None)
            .await
            .unwrap()
            .is_empty()
    );
    // The first of them was closed to make room.
    assert!(gone(&mut idle[0]).await.is_empty());
}
