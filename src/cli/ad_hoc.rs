//! The endpoint of `--base-url`, which needs no set-up.

use super::{UsageError, note};
use crate::{
    dialect::DialectId,
    endpoint::{Auth, Endpoint, base_url, headers},
};

/// Heading of the help.
pub(super) const WHERE: &str = "Where to ask";

/// How the endpoint of `--base-url` is reached.
#[derive(Debug, clap::Args)]
pub(super) struct Reach {
    /// PEM file with further certificate authorities to trust at --base-url.
    #[arg(long, value_name = "FILE", requires = "base_url", help_heading = WHERE)]
    ca_file: Option<String>,

    /// How the key is sent to --base-url: bearer, query (as ?key=), none, or the name of its header (x-api-key, …). The
    /// default is the dialect's way.
    #[arg(long, value_name = "HOW", requires = "base_url", help_heading = WHERE, value_parser = auth)]
    auth: Option<Auth>,

    /// Allow http:// to another machine in --base-url: key, prompt and answer are sent unencrypted.
    #[arg(long, requires = "base_url", help_heading = WHERE)]
    allow_http: bool,
}

impl Reach {
    /// The endpoint at this URL; prints the changes that were made to the URL.
    pub(super) fn endpoint(
        &self,
        id: &str,
        written: &str,
        dialect: DialectId,
    ) -> Result<Endpoint, UsageError> {
        let read = if self.allow_http {
            base_url::normalise_allowing_http(written, dialect)
        } else {
            base_url::normalise(written, dialect)
        };
        let base = read.map_err(UsageError::new)?;
        for change in &base.changes {
            note(&format!("{}: {change}", base.url));
        }
        let mut endpoint = Endpoint::custom(id, base.url, dialect);
        endpoint.allow_http = self.allow_http;
        endpoint.connect.ca_file.clone_from(&self.ca_file);
        if let Some(auth) = &self.auth {
            endpoint.auth = auth.clone();
        }
        Ok(endpoint)
    }
}

fn auth(word: &str) -> Result<Auth, String> {
    match word {
        "bearer" => Ok(Auth::Bearer),
        "query" => Ok(Auth::Query),
        "none" => Ok(Auth::None),
        name => headers::name_of(name).map(|name| Auth::Header(name.as_str().to_owned())),
    }
}
