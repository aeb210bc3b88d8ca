//! Measurements beside peers, as ratios: each bench prints its figures and fails where a bound is missed.
//!
//! Run one with `cargo bench -p caduceus-benches --bench fhir_to_arrow`.
