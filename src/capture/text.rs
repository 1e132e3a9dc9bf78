//! How values are written in the files: bytes as text where they are text, ids as strings.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// Bytes in JSON: as text where they are UTF-8, else as base64.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct TextOrBase64 {
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes in base64, with padding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

impl TextOrBase64 {
    /// The form of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self {
                text: Some(text.to_owned()),
                base64: None,
            },
            Err(_) => Self {
                text: None,
                base64: Some(STANDARD.encode(bytes)),
            },
        }
    }

    /// The bytes.
    ///
    /// # Errors
    /// If it is neither text nor base64.
    pub(super) fn bytes(self) -> Result<Vec<u8>, String> {
        match (self.text, self.base64) {
            (Some(text), None) => Ok(text.into_bytes()),
            (None, Some(base64)) => {
                let decoded = STANDARD.decode(base64);
                decoded.map_err(|why| format!("its base64 can't be read ({why})"))
            }
            _ => Err("it has to have either text or base64".to_owned()),
        }
    }
}

/// A run's id as a string.
pub(super) mod run_id {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::run::RunId;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over a reference"
    )]
    pub(in super::super) fn serialize<S: Serializer>(id: &RunId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&id.0)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<RunId, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(RunId).map_err(de::Error::custom)
    }
}

/// A target as `endpoint/model`.
pub(super) mod target {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::endpoint::TargetId;

    pub(in super::super) fn serialize<S: Serializer>(
        target: &TargetId,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(target)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<TargetId, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}
