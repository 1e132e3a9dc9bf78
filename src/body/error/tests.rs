use super::*;
use crate::event::FaultClass;

fn fault(status: u16, body: &str) -> Fault {
    let head = ResponseHead {
        status,
        ..ResponseHead::default()
    };
    of_response(&head, body)
}

#[test]
fn the_class_follows_the_status() {
    for (status, class) in [
        (301, FaultClass::Protocol),
        (400, FaultClass::BadRequest),
        (401, FaultClass::Auth),
        (402, FaultClass::BadRequest),
        (403, FaultClass::Auth),
        (404, FaultClass::NotFound),
        (407, FaultClass::Proxy),
        (408, FaultClass::Timeout),
        (413, FaultClass::BadRequest),
        (422, FaultClass::BadRequest),
        (429, FaultClass::RateLimited),
        (500, FaultClass::Provider),
        (502, FaultClass::Provider),
        (503, FaultClass::Overloaded),
        (504, FaultClass::Provider),
        (529, FaultClass::Overloaded),
    ] {
        let fault = fault(status, "");
        assert_eq!(fault.class, class, "{status}");
        assert_eq!(fault.status, Some(status));
        assert_eq!(fault.message, format!("HTTP {status} with an empty body"));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_providers_words_are_kept() {
    for (status, body, class, code, message) in [
        (
            401,
            r#"{"error":{"message":"Incorrect API key","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            FaultClass::Auth,
            Some("invalid_api_key"),
            "Incorrect API key",
        ),
        (
            429,
            r#"{"error":{"message":"No quota","type":"insufficient_quota","param":null,"code":null}}"#,
            FaultClass::RateLimited,
            Some("insufficient_quota"),
            "No quota",
        ),
        (
            500,
            r#"{"error":"CUDA out of memory"}"#,
            FaultClass::Provider,
            None,
            "CUDA out of memory",
        ),
        (
            400,
            r#"[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
            FaultClass::Auth,
            Some("INVALID_ARGUMENT"),
            "API key not valid",
        ),
        (
            422,
            r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
            FaultClass::BadRequest,
            None,
            r#"[{"loc":["body"],"msg":"field required"}]"#,
        ),
        (
            404,
            r#"{"detail":"Not Found"}"#,
            FaultClass::NotFound,
            None,
            "Not Found",
        ),
        (
            400,
            r#"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#,
            FaultClass::BadRequest,
            Some("BadRequestError"),
            "too long",
        ),
        (
            404,
            r#"{"id":"x","message":"gone"}"#,
            FaultClass::NotFound,
            None,
            "gone",
        ),
        (
            500,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            FaultClass::Overloaded,
            Some("overloaded_error"),
            "Overloaded",
        ),
        (
            403,
            r#"{"success":false,"errors":[{"code":10000,"message":"No"}]}"#,
            FaultClass::Auth,
            Some("10000"),
            "No",
        ),
        (
            503,
            r#"{"foo":1}"#,
            FaultClass::Overloaded,
            None,
            r#"{"foo":1}"#,
        ),
        (
            503,
            "upstream connect error\n",
            FaultClass::Overloaded,
            None,
            "upstream connect error",
        ),
        (
            502,
            "<html>\r\n<h1>502\x1b[31m Bad\tGateway</h1>",
            FaultClass::Provider,
            None,
            "HTTP 502 with a page instead of JSON: <html> <h1>502 [31m Bad Gateway</h1>",
        ),
    ] {
        let fault = fault(status, body);
        assert_eq!(fault.class, class, "{body}");
        assert_eq!(fault.code.as_deref(), code, "{body}");
        assert_eq!(fault.message, message);
    }
}

#[test]
fn a_wait_comes_from_the_head_or_from_googles_details() {
    let body = r#"{"error":{"message":"slow down","details":[{"retryDelay":"34.5s"}]}}"#;
    assert_eq!(fault(429, body).retry_after_ms, Some(34_500));
    let quota = r#"{"error":{"message":"no","details":[{"reason":"X"},{"metadata":{"quotaResetDelay":"1h16m0.5s"}}]}}"#;
    assert_eq!(fault(429, quota).retry_after_ms, Some(4_560_500));
    let head = ResponseHead {
        status: 429,
        retry_after_ms: Some(7),
        ..ResponseHead::default()
    };
    assert_eq!(of_response(&head, body).retry_after_ms, Some(7));
}

#[test]
fn a_huge_message_is_capped() {
    let text = "é".repeat(10_000);
    assert_eq!(fault(500, &text).message.chars().count(), MAX_MESSAGE + 1);
}
