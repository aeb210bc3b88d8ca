//! Whatever bytes come in, loading them ends with a module or a sentence, and running what was admitted ends with an answer.

use arbitrary::Unstructured;
use caduceus_query::sandbox::{Limits, Module};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

use crate::{ask, declaration, table};

const SEED: u64 = 20_260;

fn small() -> Limits {
    Limits { fuel: 20_000, step_fuel: 20_000, memory_pages: 16, ..Limits::default() }
}

/// Loads, and runs what was admitted on a few patients.
fn try_out(source: &[u8]) -> bool {
    match Module::load_within(source, small()) {
        Ok(module) => {
            let answer =
                ask(&module, &table(&[("x", vec![1.0, 2.0, 3.0])]), &declaration(3, 1.0)).unwrap();
            assert!(answer.values.iter().all(|number| number.abs() < 3.001));
            true
        }
        Err(refusal) => {
            assert!(refusal.to_string().ends_with('.'), "{refusal}");
            false
        }
    }
}

#[test]
fn damaged_modules_are_refused_or_run() {
    let mut bits = ChaCha20Rng::seed_from_u64(SEED);
    let mut below = move |limit: usize| (bits.next_u64() % limit as u64) as usize;
    let whole = wat::parse_str(include_str!("../../../../algorithms/survival.wat")).unwrap();
    let mut admitted = 0;
    for _ in 0..600 {
        let mut bytes = whole.clone();
        for _ in 0..=below(4) {
            let at = 8 + below(bytes.len() - 8);
            match below(4) {
                0 => bytes[at] ^= 1 << below(8),
                1 => bytes[at] = below(256) as u8,
                2 => bytes.truncate(at.max(9)),
                _ => bytes.insert(at, below(256) as u8),
            }
        }
        admitted += usize::from(try_out(&bytes));
    }
    assert!(admitted > 20, "damage that leaves a module valid is tried too: {admitted}");
}

#[test]
fn arbitrary_modules_with_the_right_exports_are_refused_or_run() {
    let exports = wat::parse_str(
        r#"(module (memory (export "memory") 1)
          (func (export "input") (param i32) (result i32) unreachable)
          (func (export "run") (param i32 i32) (result i64) unreachable))"#,
    )
    .unwrap();
    let mut bits = ChaCha20Rng::seed_from_u64(SEED + 1);
    let mut admitted = 0;
    for round in 0..120 {
        let mut bytes = vec![0; 4_096];
        bits.fill_bytes(&mut bytes);
        let config = wasm_smith::Config {
            exports: Some(exports.clone()),
            max_imports: 0,
            // The exported one comes on top.
            max_memories: 0,
            max_tables: 1,
            max_memory32_bytes: 1 << 20,
            max_table_elements: 1_000,
            table_max_size_required: true,
            // Some with more than is admitted.
            simd_enabled: round % 4 == 0,
            gc_enabled: round % 8 == 0,
            reference_types_enabled: round % 8 == 0,
            threads_enabled: false,
            exceptions_enabled: false,
            tail_call_enabled: false,
            memory64_enabled: false,
            relaxed_simd_enabled: false,
            ..wasm_smith::Config::default()
        };
        let Ok(module) = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)) else {
            continue;
        };
        admitted += usize::from(try_out(&module.to_bytes()));
    }
    assert!(admitted > 10, "arbitrary modules that are admitted are tried too: {admitted}");
}

#[test]
fn bytes_and_text_of_any_kind_are_refused_with_a_sentence() {
    let mut bits = ChaCha20Rng::seed_from_u64(SEED + 2);
    for round in 0..2_000_usize {
        let mut bytes = vec![0; round % 64];
        bits.fill_bytes(&mut bytes);
        assert!(!try_out(&bytes));
        assert!(!try_out(&[b"\0asm\x01\0\0\0", &bytes[..]].concat()));
        let text: String = bytes
            .iter()
            .map(|byte| {
                ["(", ")", "module", " func ", "\"", "memory ", "7 ", "$x "][usize::from(byte % 8)]
            })
            .collect();
        assert!(!try_out(text.as_bytes()));
    }
    assert!(!try_out("(".repeat(1_000_000).as_bytes()));
    assert!(!try_out("(module ".repeat(100_000).as_bytes()));
    assert!(!try_out(format!("(module (func {}))", "(block ".repeat(100_000)).as_bytes()));
}
