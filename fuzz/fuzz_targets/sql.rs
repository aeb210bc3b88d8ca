//! `cargo +nightly fuzz run --features libfuzzer sql`

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    caduceus_fuzz::sql(text);
});
