//! Before a request is taken: names, ports, certificates, proxies, connections that have died.

use tokenscope::event::{FaultClass as C, Phase as P};

use super::{Case, Row, case, case_at, elsewhere, row, streams};
use crate::{
    faults::{
        place::{Certificate, Place},
        script::{Act, Over},
    },
    toy::limits,
};

#[expect(clippy::too_many_lines, reason = "a table")]
pub fn rows() -> Vec<Row> {
    vec![
        row(1, "connection refused", [
            case_at("nobody listens on the port", Place::Refusing).fails(C::Connect, P::Connect, &[
                "connection refused by {host}: is the server running?",
            ]),
        ]),
        row(2, "the name has no address, or DNS does not answer", [
            case_at("the name does not exist", Place::Nameless).fails(C::Dns, P::Dns, &[
                "no address found for no-such-host.invalid ({why}): is the name right, and is this machine online?",
            ]),
        ])
        .and("The server was not connected to within the connect limit, in the phase dns", &[
            "faults::network::names_are_asked_for_once_and_within_the_limit",
        ]),
        elsewhere(3, "IPv6 is a black hole", "Nothing: IPv4 is tried a quarter of a second later, and answers", &[
            "faults::network::an_address_that_is_a_black_hole_gives_way_to_the_other",
            "transport::race::tests::an_address_that_does_not_answer_costs_a_quarter_of_a_second",
        ]),
        row(4, "the SYN is dropped", [
            case_at("the port answers no SYN", Place::Unanswering)
                .within(limits(1_000, 0, 0, 60_000))
                .fails(C::Timeout, P::Connect, &[
                    "{host} was not connected to within 1 s (connect limit)",
                ]),
        ]),
        row(5, "TLS: a certificate that is not to be trusted, or no TLS at all", [
            certificate("the certificate has expired", Certificate::Expired, &[
                "the certificate of {host} has expired (or this machine's clock is wrong)",
            ]),
            certificate("the certificate is another host's", Certificate::OfAnotherHost, &[
                "the certificate is for another host than {host}: {names}",
            ]),
            certificate("an unknown authority signed the certificate", Certificate::OfUnknownAuthority, &[
                "the certificate of {host} is signed by no authority that this machine trusts; if it is your own, set its PEM file as the endpoint's extra CA",
            ]),
            certificate("the certificate is self-signed", Certificate::SelfSigned, &[
                "the certificate of {host} is signed by no authority that this machine trusts; if it is your own, set its PEM file as the endpoint's extra CA",
            ]),
            case_at("the port speaks plain HTTP", Place::Https)
                .acts(|_| vec![Act::Raw(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec()), Act::Hold])
                .fails(C::Tls, P::Tls, &[
                    "{host} does not speak TLS on this port: try http:// instead of https://",
                ]),
            case_at("the connection is closed in the handshake", Place::Https)
                .acts(|_| vec![Act::Close])
                .fails(C::Tls, P::Tls, &[
                    "{host} closed the connection during the TLS handshake: does it speak https on this port? If not, try http://",
                ]),
            case_at("the connection is reset in the handshake", Place::Https)
                .acts(|_| vec![Act::Reset])
                .fails(C::Tls, P::Tls, &[
                    "{host} closed the connection during the TLS handshake: does it speak https on this port? If not, try http://",
                ]),
        ]),
        row(6, "TLS stalls", [
            case_at("nothing answers the handshake", Place::Https)
                .within(limits(1_000, 0, 0, 60_000))
                .fails(C::Timeout, P::Tls, &[
                    "{host} was not connected to within 1 s (connect limit), the TLS handshake being under way: does it speak https on this port? If not, try http://",
                ]),
        ]),
        proxies(),
        row(8, "a pooled connection was closed, or dies with the request", [
            // Cold, it is the same as row 9.
            case("it dies with the request on it", |_| vec![Act::Reset])
                .over(&[Over::Http1])
                .voices(|voice| !voice.is_grpc())
                .fails(C::Reset, P::Headers, RESET),
        ])
        .and("Nothing, if it was closed while idle: no byte of the request was sent, and a new connection takes it", &[
            "transport::pool::a_connection_that_was_closed_while_idle_costs_a_new_one",
            "transport::pool::an_idle_connection_on_which_something_came_is_not_used",
        ]),
        row(9, "the connection ends before the head", [
            case("a reset", |_| vec![Act::Reset]).fails(C::Reset, P::Headers, RESET),
            case("a close", |_| vec![Act::Close]).fails(C::Reset, P::Headers, CLOSED),
            case("half a head, and a close", |_| vec![Act::Raw(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()), Act::Close])
                .over(&[Over::Http1])
                .fails(C::Reset, P::Headers, CLOSED),
            case("no HTTP", |_| vec![Act::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), Act::Hold])
                .over(&[Over::Http1])
                .fails(C::Protocol, P::Headers, &[
                    "what {host} sent is not HTTP: try https:// instead of http:// (a gRPC server answers gRPC alone)",
                ]),
            case("TLS where plain HTTP was asked", |_| vec![Act::Raw(b"\x15\x03\x01\x00\x02\x02\x16".to_vec()), Act::Close])
                .over(&[Over::Http1])
                .fails(C::Protocol, P::Headers, &[
                    "what {host} sent is not HTTP: try https:// instead of http:// (a gRPC server answers gRPC alone)",
                ]),
            case("HTTP/2 refuses the stream", |_| vec![Act::ResetStream(h2::Reason::REFUSED_STREAM)])
                .over(&[Over::Http2])
                .fails(C::Reset, P::Headers, &[
                    "{host} refused the request before looking at it (HTTP/2 REFUSED_STREAM): it can't have been taken, so it is safe to send it again",
                ]),
            case("HTTP/2 resets the stream", |_| vec![Act::ResetStream(h2::Reason::INTERNAL_ERROR)])
                .over(&[Over::Http2])
                .fails(C::Reset, P::Headers, &[
                    "{host} reset the stream (HTTP/2 INTERNAL_ERROR) before it answered; the request was not sent again, because it may have been taken",
                ]),
            case("HTTP/2 goes away", |_| vec![Act::GoAway(h2::Reason::INTERNAL_ERROR)])
                .over(&[Over::Http2])
                .fails(C::Reset, P::Headers, CLOSED),
            case("HTTP/2 goes away, and has taken no request", |_| {
                // An empty SETTINGS frame, and GOAWAY with the last stream 0 and no error (RFC 9113 §6.5, §6.8).
                let frames = b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
                vec![Act::Raw(frames.to_vec()), Act::Hold]
            })
            .over(&[Over::Frames])
            .cold()
            .fails(C::Reset, P::Headers, &[
                "{host} ended the connection before looking at the request (HTTP/2 GOAWAY): it can't have been taken, so it is safe to send it again",
            ]),
            case("the head comes byte by byte", |voice| {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {}\r\ntransfer-encoding: chunked\r\n\r\n", voice.content_type());
                let bytes = head.bytes().map(|byte| Act::Raw(vec![byte]));
                bytes.chain(streams(voice, voice.answer(&["whole"])).split_off(1)).collect()
            })
            .over(&[Over::Http1])
            .voices(|voice| !voice.is_grpc())
            .keeps("whole"),
        ]),
    ]
}

const CLOSED: &[&str] = &[
    "{host} closed the connection before it answered; the request was not sent again, because it may have been taken; if it speaks TLS on this port, try https:// instead of http://",
    // Over HTTP/2 it is no port that speaks TLS.
    "{host} closed the connection before it answered; the request was not sent again, because it may have been taken",
];
const RESET: &[&str] = &[
    "{host} reset the connection before it answered; the request was not sent again, because it may have been taken; if it speaks TLS on this port, try https:// instead of http://",
    "{host} reset the connection before it answered; the request was not sent again, because it may have been taken",
];

fn certificate(does: &'static str, certificate: Certificate, says: &[&'static str]) -> Case {
    case_at(does, Place::Certificate(certificate)).fails(C::Tls, P::Tls, says)
}

fn refusal(line: &str) -> Vec<Act> {
    let response = format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n");
    vec![Act::Raw(response.into_bytes()), Act::Hold]
}

fn proxies() -> Row {
    const RUNS: &[&str] = &["connection refused by the proxy {proxy}: is the proxy running?"];
    let refuses = |does, scheme, target| {
        case_at(does, Place::RefusingProxy(scheme, target)).fails(C::Proxy, P::Connect, RUNS)
    };
    row(7, "the proxy refuses, or can't be reached", [
        case_at("407 to CONNECT", Place::Proxy("http", "https"))
            .acts(|_| refusal("407 Proxy Authentication Required"))
            .fails(C::Proxy, P::Connect, WANTS_PASSWORD),
        case_at("407 to a plain request", Place::Proxy("http", "http"))
            .acts(|_| [&refusal("407 Proxy Authentication Required")[..1], &[Act::Close]].concat())
            .voices(|voice| !voice.is_grpc())
            .fails(C::Proxy, P::Headers, WANTS_PASSWORD),
        case_at("403 to CONNECT", Place::Proxy("http", "https"))
            .acts(|_| refusal("403 Forbidden"))
            .fails(C::Proxy, P::Connect, &["the proxy {proxy} refused to connect to api.example:443"]),
        case_at("it closes the connection", Place::Proxy("http", "https"))
            .acts(|_| vec![Act::Close])
            .fails(C::Proxy, P::Connect, &["the proxy {proxy} closed the connection when asked for api.example:443"]),
        case_at("it does not answer CONNECT", Place::Proxy("http", "https"))
            .within(limits(1_000, 0, 0, 60_000))
            .fails(C::Timeout, P::Connect, &[
                "the proxy {proxy} took the connection, and did not answer CONNECT api.example:443 within 1 s (connect limit)",
            ]),
        case_at("SOCKS refuses the password", Place::Proxy("socks5h", "https"))
            .acts(|_| vec![Act::Raw(vec![5, 2]), Act::Raw(vec![1, 1]), Act::Hold])
            .fails(C::Proxy, P::Connect, &["the SOCKS proxy {proxy} refused to connect to api.example:443: {why}"]),
        case_at("it speaks HTTP, not SOCKS", Place::Proxy("socks5h", "https"))
            .acts(|_| refusal("400 Bad Request"))
            .fails(C::Proxy, P::Connect, &["{proxy} does not speak SOCKS5: is it an http:// proxy?"]),
        refuses("nobody listens on its port", "http", "https"),
        refuses("nobody listens on its port, plain", "http", "http"),
        refuses("nobody listens on its port, SOCKS", "socks5h", "https"),
        case_at("its name does not exist", Place::NamelessProxy).fails(C::Proxy, P::Dns, &[
            "no address found for the proxy no-such-proxy.invalid ({why}): is the name right, and is this machine online?",
        ]),
    ])
    .and("", &["proxies::another_proxy_password_is_another_client"])
}

const WANTS_PASSWORD: &[&str] =
    &["the proxy {proxy} wants a user name and password (407), or does not accept these"];
