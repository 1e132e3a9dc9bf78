//! What the benchmarks of streams share.

#![allow(dead_code, reason = "no benchmark needs all of it")]

pub mod asked;
pub mod closed_loop;
pub mod cpu;
pub mod served;
pub mod streams;

pub use served::process;
