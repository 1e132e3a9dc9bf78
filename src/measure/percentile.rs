//! Percentiles with their sample size and a distribution-free interval.
