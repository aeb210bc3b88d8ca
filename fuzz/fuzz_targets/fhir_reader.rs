//! `cargo +nightly fuzz run --features libfuzzer fhir_reader`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caduceus_fuzz::fhir_reader(bytes));
