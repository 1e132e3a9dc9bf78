//! Where a key lives, and what goes with one from there.

use std::{borrow::Cow, fmt};

use crate::endpoint::Endpoint;

/// Where a key lives.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum KeyPlace {
    /// In this environment variable.
    Env {
        /// The variable's name.
        var: String,
    },
    /// A configured command prints it.
    Command {
        /// The program's name.
        program: String,
    },
    /// Google's library makes it from this account or source.
    Google {
        /// Whose it is.
        account: String,
        /// The project that a person's requests are counted for, once a token is there.
        #[serde(skip_serializing_if = "Option::is_none")]
        quota_project: Option<String>,
    },
    /// In the OS keyring.
    Keyring,
    /// In memory until the program ends.
    Memory,
    /// The endpoint needs none.
    NotNeeded,
    /// Nowhere.
    Missing,
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env { var } => write!(f, "environment variable {var}"),
            Self::Command { program } => write!(f, "command {program}"),
            Self::Google { account, .. } => write!(f, "access token of {account}"),
            Self::Keyring => f.write_str("OS keyring"),
            Self::Memory => f.write_str("this session"),
            Self::NotNeeded => f.write_str("none needed"),
            Self::Missing => f.write_str("none"),
        }
    }
}

impl KeyPlace {
    /// The endpoint, with the header that its key is to be sent with. Google refuses a person's token where no
    /// project is named to count the request for (<https://cloud.google.com/docs/quotas/quota-project>).
    #[must_use]
    pub fn fitted<'a>(&self, endpoint: &'a Endpoint) -> Cow<'a, Endpoint> {
        const HEADER: &str = "x-goog-user-project";
        let named = |name: &String| name.eq_ignore_ascii_case(HEADER);
        match self {
            Self::Google {
                quota_project: Some(project),
                ..
            } if !endpoint.headers.keys().any(named) => {
                let mut endpoint = endpoint.clone();
                endpoint.headers.insert(HEADER.into(), project.clone());
                Cow::Owned(endpoint)
            }
            _ => Cow::Borrowed(endpoint),
        }
    }
}
