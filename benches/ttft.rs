//! Benchmark: ttft.
fn main() {}
