//! All integration tests, in one binary: one file a concern.

mod canary;
mod credentials;
mod endpoints;
mod home;
mod keyring;
mod settings;
