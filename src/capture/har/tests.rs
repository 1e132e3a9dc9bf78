use super::*;
use crate::{
    capture::{Capture, tests as samples},
    run::Link,
};

#[test]
fn what_is_written_is_read_back() {
    for (name, capture) in samples::all() {
        assert_eq!(read(&write(&capture)).as_ref(), Ok(&capture), "{name}");
    }
}

/// The entry of a capture, as JSON.
fn entry_of(capture: &Capture) -> serde_json::Value {
    let mut file: serde_json::Value = serde_json::from_str(&write(capture)).unwrap();
    file["log"]["entries"][0].take()
}

#[test]
fn the_address_of_the_server_is_told_where_it_is_known() {
    let mut capture = samples::streamed();
    assert_eq!(entry_of(&capture).get("serverIPAddress"), None);
    for (address, told) in [
        ("192.0.2.1:443", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
    ] {
        capture.run.stamps.link = Some(Link {
            address: Some(address.parse().unwrap()),
            ..Link::default()
        });
        assert_eq!(entry_of(&capture)["serverIPAddress"], told);
        assert_eq!(read(&write(&capture)).as_ref(), Ok(&capture));
    }
}

#[test]
fn hars_of_other_programs_are_told_as_such() {
    let chrome = r#"{"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [],
        "entries": [{"_initiator": {"type": "script"}, "_priority": "High", "_resourceType": "fetch", "cache": {},
        "connection": "94", "request": {"method": "POST", "url": "https://host.example/v1/chat/completions",
        "httpVersion": "http/2.0", "headers": [], "queryString": [], "cookies": [], "headersSize": -1,
        "bodySize": 12, "postData": {"mimeType": "application/json", "text": "{}"}}, "response": {"status": 200,
        "statusText": "", "httpVersion": "http/2.0", "headers": [], "cookies": [],
        "content": {"size": 5, "mimeType": "text/event-stream"}, "redirectURL": "", "headersSize": -1,
        "bodySize": -1, "_transferSize": 5, "_error": null}, "serverIPAddress": "127.0.0.1",
        "startedDateTime": "2026-11-30T08:00:00.000Z", "time": 12.3, "timings": {"blocked": 1.2, "dns": -1,
        "ssl": -1, "connect": -1, "send": 0.1, "wait": 9.1, "receive": 1.9, "_blocked_queueing": 1.0}}]}}"#;
    let bare = r#"{"log": {"creator": {"name": "Yaak\n\u202e"}, "entries": [{"startedDateTime": "2026-11-30T08:00:00Z",
        "time": null, "request": {"method": "POST", "url": "https://host.example/"}, "response": {"status": 200,
        "content": {}}, "timings": {"send": 0, "wait": 9, "receive": 1}}]}}"#;
    for (har, name) in [
        (chrome, " (WebInspector):"),
        (bare, " (Yaak\\n\\u{202e}):"),
        (r#"{"log": {"entries": []}}"#, "program: none"),
    ] {
        let why = read(har).unwrap_err().to_string();
        assert!(why.contains(name) && why.contains("_tokenscope"), "{why}");
    }
}

#[test]
fn other_hars_are_refused_with_a_reason() {
    assert!(matches!(read("[]"), Err(HarError::NoHar(_))));
    let ours = write(&samples::streamed());
    let foreign = ours.replacen("\"_tokenscope\"", "\"_other\"", 1);
    let why = read(&foreign).unwrap_err().to_string();
    assert!(why.contains("of another program (Tokenscope)"), "{why}");
    let newer = ours.replacen(
        "\"_tokenscope\": {\n          \"version\": 1",
        "\"_tokenscope\": {\n          \"version\": 2",
        1,
    );
    assert_eq!(read(&newer), Err(HarError::Newer(2)));
    let longer = ours.replacen("\"bytes\": 7", "\"bytes\": 8", 1);
    assert!(
        matches!(read(&longer), Err(HarError::Entry(why)) if why.starts_with("its reads have"))
    );
}
