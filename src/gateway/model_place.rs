//! Where a request names its model, so that the name can be replaced and every other byte stays as it came.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{dialect::serve::refusal, event::Fault, transport::Upload};

/// Where a body has the model's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelPlace {
    /// The name.
    pub name: String,
    /// Its bytes, with the quotes of JSON.
    range: Range<usize>,
    is_json: bool,
}

/// What of a JSON body is read: the rest is only passed over.
#[derive(Deserialize)]
struct NamedBody<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
}

impl ModelPlace {
    /// The place in a body of this content type; `None` if it names no model.
    ///
    /// # Errors
    /// The refusal of a body that says it is JSON and is not, or names its model twice or by something else than text.
    pub(super) fn find(content_type: &str, body: &[u8]) -> Result<Option<Self>, Fault> {
        if content_type.starts_with("multipart/") {
            return Ok(in_form(body));
        }
        let is_json = content_type.is_empty() || content_type.contains("json");
        if body.is_empty() || !is_json {
            return Ok(None);
        }
        let bad = |why: &dyn std::fmt::Display| {
            refusal(
                400,
                "invalid_request",
                format!("The body is not a JSON object: {why}"),
            )
        };
        let named: NamedBody<'_> = serde_json::from_slice(body).map_err(|why| bad(&why))?;
        let Some(raw) = named.model.filter(|raw| raw.get() != "null") else {
            return Ok(None);
        };
        let name = serde_json::from_str(raw.get());
        let name = name.map_err(|_| refusal(400, "invalid_request", "“model” is not a text"))?;
        let start = raw.get().as_ptr().addr() - body.as_ptr().addr();
        Ok(Some(Self {
            name,
            range: start..start + raw.get().len(),
            is_json: true,
        }))
    }

    /// The body with another name at this place; the bytes around it are shared.
    pub(super) fn replaced(&self, body: &Bytes, model: &str) -> Upload {
        let mut upload = Upload::default();
        if self.name == model {
            upload.push(body.clone());
            return upload;
        }
        upload.push(body.slice(..self.range.start));
        upload.push(if self.is_json {
            serde_json::Value::from(model).to_string()
        } else {
            model.to_owned()
        });
        upload.push(body.slice(self.range.end..));
        upload
    }
}

/// The place in a form (RFC 7578): the part with the name `model`.
fn in_form(body: &[u8]) -> Option<ModelPlace> {
    let find = |what: &[u8], from: usize| {
        let at = memchr::memmem::find(body.get(from..)?, what)?;
        Some(from + at)
    };
    let name = find(b"name=\"model\"", 0)?;
    let start = find(b"\r\n\r\n", name)? + 4;
    let end = find(b"\r\n", start)?;
    Some(ModelPlace {
        name: str::from_utf8(body.get(start..end)?).ok()?.to_owned(),
        range: start..end,
        is_json: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(content_type: &str, body: &str, model: &str) -> Option<(String, String)> {
        let place = ModelPlace::find(content_type, body.as_bytes()).unwrap()?;
        let upload = place.replaced(&Bytes::copy_from_slice(body.as_bytes()), model);
        let bytes = upload.to_bytes().to_vec();
        Some((place.name, String::from_utf8(bytes).unwrap()))
    }

    #[test]
    fn only_the_name_changes() {
        for (body, name, expected) in [
            (
                r#"{ "messages" : [{"model":"no"}],  "model" :  "a\/b" , "x":1.50}"#,
                "a/b",
                r#"{ "messages" : [{"model":"no"}],  "model" :  "new \"one\"" , "x":1.50}"#,
            ),
            (r#"{"model":"é"}"#, "é", r#"{"model":"new \"one\""}"#),
        ] {
            let (was, is) = replaced("application/json", body, "new \"one\"").unwrap();
            assert_eq!((was.as_str(), is.as_str()), (name, expected));
            assert_eq!(replaced("", body, name).unwrap().1, body, "the same name");
        }
    }

    #[test]
    fn a_form_names_it_in_a_part() {
        let form = |model: &str| {
            format!(
                "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n\
                 --b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--b--\r\n"
            )
        };
        let (was, is) =
            replaced("multipart/form-data; boundary=b", &form("whisper-1"), "w").unwrap();
        assert_eq!((was, is), ("whisper-1".into(), form("w")));
    }

    #[test]
    fn a_body_without_a_name_has_no_place_and_a_bad_one_is_refused() {
        let find = |content_type, body: &str| ModelPlace::find(content_type, body.as_bytes());
        assert_eq!(find("application/json", r#"{"x":1}"#).unwrap(), None);
        assert_eq!(find("application/json", r#"{"model":null}"#).unwrap(), None);
        assert_eq!(find("application/octet-stream", "\u{0}{").unwrap(), None);
        assert_eq!(find("application/json", "").unwrap(), None);
        for bad in ["{", "[]", r#"{"model":3}"#, r#"{"model":"a","model":"b"}"#] {
            assert_eq!(
                find("application/json", bad).unwrap_err().status,
                Some(400),
                "{bad}"
            );
        }
    }
}
