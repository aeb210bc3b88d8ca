//! `cargo +nightly fuzz run --features libfuzzer module`

#![no_main]

libfuzzer_sys::fuzz_target!(|source: &[u8]| {
    caduceus_fuzz::module(source);
});
