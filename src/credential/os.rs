//! The keyring of this operating system, as a [`Store`](super::keyring::Store).

#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
mod native;
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
mod secret_service;

#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
pub(super) use native::open;
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
pub(super) use secret_service::open;

/// The name that all entries share.
const SERVICE: &str = "tokenscope";
