//! What the provider refuses, and where it sends us.

use tokenscope::event::{FaultClass as C, Phase as P};

use super::{Case, Row, case, elsewhere, head, responds, row};
use crate::faults::{script::Act, voice::Voice};

pub fn rows() -> Vec<Row> {
    vec![
        row(30, "401 and 403", [
            refuses("401", 401).fails(C::Auth, P::Headers, SAID),
            refuses("403", 403).fails(C::Auth, P::Headers, SAID),
            echoes("401 that says the key back", 401),
            bare("401 with a page", 401, "<html>who are you?</html>")
                .fails(C::Auth, P::Headers, &["HTTP 401 with a page instead of JSON: <html>who are you?</html>"]),
            grpc("UNAUTHENTICATED", "16").fails(C::Auth, P::Headers, SAID),
            grpc("PERMISSION_DENIED", "7").fails(C::Auth, P::Headers, SAID),
        ]),
        row(31, "404", [
            refuses("404", 404).fails(C::NotFound, P::Headers, SAID),
            bare("404 with a page", 404, "<html>nginx</html>")
                .fails(C::NotFound, P::Headers, &["HTTP 404 with a page instead of JSON: <html>nginx</html>"]),
            grpc("NOT_FOUND", "5").fails(C::NotFound, P::Headers, SAID),
        ])
        .and("The model and the URL stand beside it", &["faults::check::the_record_names_model_and_url"]),
        row(32, "408, 500, 502, 503 and 504", [
            refuses("408", 408).fails(C::Timeout, P::Headers, SAID),
            refuses("500", 500).fails(C::Provider, P::Headers, SAID),
            refuses("502", 502).fails(C::Provider, P::Headers, SAID),
            refuses("503", 503).fails(C::Overloaded, P::Headers, SAID),
            refuses("504", 504).fails(C::Provider, P::Headers, SAID),
            bare("502 with an empty body", 502, "")
                .fails(C::Provider, P::Headers, &["HTTP 502 with an empty body"]),
            grpc("INTERNAL", "13").fails(C::Provider, P::Headers, SAID),
        ])
        .and("A run is one attempt. The gateway tries again as often as its route says, and keeps each attempt as a run", &[
            "gateway::routing::a_lone_target_is_tried_again_as_often_as_the_route_says",
            "gateway::routing::another_target_is_asked_before_the_first_byte_and_never_after",
        ]),
        row(33, "429", [
            limited("without a wait", &[]),
            limited("seconds", &[("retry-after", "7")]).waits(7_000),
            limited("milliseconds", &[("retry-after-ms", "250")]).waits(250),
            limited("a date", &[
                ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
                ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"),
            ])
            .waits(30_000),
            limited("a wait below zero", &[("retry-after", "-1")]),
            limited("ten days", &[("retry-after", "864000")]).waits(86_400_000),
            grpc("RESOURCE_EXHAUSTED", "8").fails(C::RateLimited, P::Headers, SAID),
        ])
        .and("", &[
            "exchange::retry_after::tests::every_form_is_read_and_capped",
            "exchange::retry_after::tests::the_reset_of_a_rate_limit_is_a_wait",
        ]),
        row(34, "529", [
            refuses("529", 529).fails(C::Overloaded, P::Headers, SAID),
            grpc("UNAVAILABLE", "14").fails(C::Overloaded, P::Headers, SAID),
        ]),
        row(35, "a redirect", [
            redirects("301 to another host", 301, "http://127.0.0.1:9/login?token=hunter22"),
            redirects("302 to another host", 302, "http://127.0.0.1:9/login?token=hunter22"),
            redirects("307 to another host", 307, "http://127.0.0.1:9/login?token=hunter22"),
            redirects("308 to itself", 308, "/v1/"),
            case("302 to nowhere", |_| responds(302, &[], ""))
                .fails(C::Protocol, P::Headers, &[
                    "{host} redirects (302), and does not say where to: check the base URL",
                ])
                .status(302),
        ]),
        elsewhere(36, "the base URL is edited", "The key stays at the origin that it was given for; the new one asks for a key of its own", &[
            "credentials::a_key_of_this_session_belongs_to_an_id_and_an_origin",
            "credentials::what_is_kept_for_an_endpoint_goes_with_its_new_id_but_to_no_other_origin",
            "keyring::kept::a_key_follows_its_endpoint_through_the_settings",
        ]),
    ]
}

/// What the provider says, word for word.
const SAID: &[&str] = &["As the provider says"];

fn refuses(does: &'static str, status: u16) -> Case {
    let acts = move |voice: Voice| {
        let body = voice.error("As the provider says");
        responds(status, &[("content-type", "application/json")], body)
    };
    case(does, acts).status(status)
}

fn bare(does: &'static str, status: u16, body: &'static str) -> Case {
    case(does, move |_| {
        responds(status, &[("content-type", "text/html")], body)
    })
    .status(status)
}

fn echoes(does: &'static str, status: u16) -> Case {
    let acts = move |voice: Voice| {
        let body = voice.error(&format!("Wrong key {}", crate::toy::CANARY));
        responds(status, &[("content-type", "application/json")], body)
    };
    let case = case(does, acts).status(status);
    case.fails(C::Auth, P::Headers, &["Wrong key {masked}"])
}

/// A refusal of gRPC: a status, and no message before it.
fn grpc(does: &'static str, code: &'static str) -> Case {
    let acts = move |voice: Voice| {
        let status = [
            ("grpc-status", code),
            ("grpc-message", "As the provider says"),
        ];
        let status = status.map(|(name, value)| (name, value.to_owned()));
        vec![head(voice), Act::Trailers(status.into())]
    };
    case(does, acts).voices(Voice::is_grpc)
}

fn limited(does: &'static str, headers: &'static [(&'static str, &'static str)]) -> Case {
    let acts = move |voice: Voice| {
        let kind = ("content-type", "application/json");
        let headers: Vec<_> = headers.iter().copied().chain([kind]).collect();
        responds(429, &headers, voice.error("As the provider says"))
    };
    let case = case(does, acts).status(429);
    case.fails(C::RateLimited, P::Headers, SAID)
}

fn redirects(does: &'static str, status: u16, to: &'static str) -> Case {
    let says = "{host} redirects to {url} ({status}); redirects are not followed, so that no key goes elsewhere: if that is the right place, set its base URL";
    let case = case(does, move |_| responds(status, &[("location", to)], "")).status(status);
    case.fails(C::Protocol, P::Headers, &[says])
}
