//! Criterion benches and side-by-side programs for bellwire.
