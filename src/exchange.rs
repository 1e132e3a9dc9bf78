//! One request and its response.

pub mod call;
pub mod list;
pub mod retry_after;
