//! The guard in front of `eventsource-stream`.
