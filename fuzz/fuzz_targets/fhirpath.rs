//! `cargo +nightly fuzz run --features libfuzzer fhirpath`

#![no_main]

libfuzzer_sys::fuzz_target!(|path: &str| {
    caduceus_fuzz::fhirpath(path);
});
