//! Stands where this build has no library for Google's tokens.

use secrecy::SecretString;

use super::TokenSource;
use crate::credential::KeyError;

/// Gives no token, and says what to do.
#[derive(Default)]
pub(in crate::credential) struct Google;

impl Google {
    #[expect(clippy::unused_async, reason = "as the library's is")]
    pub(in crate::credential) async fn token(
        &self,
        _owner: &str,
        source: &TokenSource,
    ) -> Result<(SecretString, Option<String>), KeyError> {
        Err(KeyError::Google(format!(
            "{} can't be used: this build can't sign in to Google. Build it with the feature `google`",
            source.account()
        )))
    }

    #[expect(clippy::unused_self, reason = "as the library's does")]
    pub(in crate::credential) fn forget(&self, _prefix: &str) {}
}
