//! Takes the stamps of one run.
