//! `cargo +nightly fuzz run --features libfuzzer hierarchy`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    caduceus_fuzz::hierarchy(bytes);
});
