//! Benchmark: history.
fn main() {}
