//! Keys in environment variables.

use secrecy::SecretString;

use crate::endpoint::variables::Environment;

/// The first of these variables that is set, and its value.
pub(super) fn find(environment: &Environment, vars: &[String]) -> Option<(String, SecretString)> {
    let (var, value) = environment.first(vars)?;
    Some((var.to_owned(), value.into()))
}
