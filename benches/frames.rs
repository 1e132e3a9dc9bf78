//! Benchmark: frames.
fn main() {}
