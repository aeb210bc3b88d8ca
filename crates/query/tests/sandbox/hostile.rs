//! Modules that mean harm. What one does with its target's record may change the target's own vector, within the clip, and
//! nothing else; what is too large to be looked at is refused; nothing runs without end.

use caduceus_query::PublicSchema;
use caduceus_query::sandbox::{
    Declaration, DeclarationRefusal, Limits, Module, ModuleRefusal, PAGE_FUEL, Selection, inputs,
};

use crate::{ask, declaration, limits, table};

/// A module that returns (1, x), but before that does something to the patient whose x is 7.
fn module(attack: &str) -> String {
    let (declared, attack) = attack.split_once("---").unwrap_or(("", attack));
    format!(
        r#"(module
          (type $none (func))
          (memory (export "memory") 2)
          (table $table 8 funcref)
          (global $flag (mut i32) (i32.const 0))
          (elem declare func $honest)
          {declared}
          (func $honest (param $x f64) (result i64)
            (f64.store (i32.const 64) (f64.const 1))
            (f64.store (i32.const 72) (local.get $x))
            (i64.const 0x2_0000_0040))
          (func (export "input") (param i32) (result i32) (i32.const 65536))
          (func (export "run") (param $record i32) (param $bytes i32) (result i64)
            (local $x f64) (local $i i32)
            (local.set $x (f64.load offset=32 (local.get $record)))
            (if (f64.eq (local.get $x) (f64.const 7)) (then {attack}))
            (call $honest (local.get $x))))"#
    )
}

/// What is done to the target, with a name. Most end without a vector, some with one that is no vector, some with one of another's making.
const ATTACKS: &[(&str, &str)] = &[
    ("a loop without end", "(loop $l (br $l))"),
    ("a loop that counts to a large number", "(loop $l (br_if $l (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const -1))))"),
    ("recursion without end", "(func $deep (param i64) (result i64) (i64.add (i64.const 1) (call $deep (local.get 0)))) --- (drop (call $deep (i64.const 1)))"),
    (
        "recursion with large frames",
        "(func $deep (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
           (i64.add (i64.mul (local.get 0) (local.get 9))
             (call $deep (local.get 9) (local.get 8) (local.get 7) (local.get 6) (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))))
         --- (drop (call $deep (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10)))",
    ),
    ("unreachable code", "unreachable"),
    ("division by zero", "(drop (i32.div_u (i32.const 1) (local.get $i)))"),
    ("the one overflow of a division", "(drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1)))"),
    ("a conversion of what is no number", "(drop (i32.trunc_f64_s (f64.const nan)))"),
    ("a memory bomb", "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))"),
    ("a memory bomb in one go", "(drop (memory.grow (i32.const 65534)))"),
    ("a memory bomb that is written", "(drop (memory.grow (i32.const 100))) (memory.fill (i32.const 0) (i32.const 255) (i32.const 6000000))"),
    ("copying without end", "(loop $l (memory.copy (i32.const 0) (i32.const 1) (i32.const 131071)) (br $l))"),
    ("a table bomb", "(loop $l (br_if $l (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))"),
    ("a table bomb in one go", "(drop (table.grow $table (ref.func $honest) (i32.const 2147483647)))"),
    ("filling the table without end", "(loop $l (table.fill $table (i32.const 0) (ref.null func) (i32.const 8)) (br $l))"),
    ("reading out of bounds", "(drop (i64.load (i32.const -1)))"),
    ("writing out of bounds", "(i64.store (i32.const -8) (i64.const 1))"),
    ("reading far out of bounds", "(drop (i64.load offset=4294967295 (i32.const -1)))"),
    ("calling nothing", "(call_indirect $table (type $none) (i32.const 3))"),
    ("calling beyond the table", "(call_indirect $table (type $none) (i32.const 100))"),
    ("calling with another type", "(table.set $table (i32.const 0) (ref.func $honest)) (call_indirect $table (type $none) (i32.const 0))"),
    ("a vector beyond the memory", "(return (i64.const 0x2_ffff_fff8))"),
    ("a vector over the end of the memory", "(return (i64.const 0x2_0001_fff8))"),
    ("a vector at the last byte", "(return (i64.const 0x2_0001_ffff))"),
    ("no vector", "(return (i64.const 0))"),
    ("a shorter vector", "(return (i64.const 0x1_0000_0040))"),
    ("a longer vector", "(return (i64.const 0x3_0000_0040))"),
    ("a vector of all lengths", "(return (i64.const -1))"),
    ("a vector of negative length", "(return (i64.const 0x8000_0002_0000_0040))"),
    ("NaN", "(f64.store (i32.const 0) (f64.const nan)) (return (i64.const 0x2_0000_0000))"),
    ("a NaN with a message", "(f64.store (i32.const 8) (f64.const nan:0x123456789abcd)) (return (i64.const 0x2_0000_0000))"),
    ("a NaN that would signal", "(i64.store (i32.const 0) (i64.const 0x7ff0000000000001)) (return (i64.const 0x2_0000_0000))"),
    ("infinity", "(f64.store (i32.const 0) (f64.const -inf)) (return (i64.const 0x2_0000_0000))"),
];

/// Vectors that count, clipped, and leave everybody else's as it was.
const VECTORS: &[(&str, &str)] = &[
    (
        "the record itself as the vector",
        "(return (i64.or (i64.const 0x2_0000_0000) (i64.extend_i32_u (local.get $record))))",
    ),
    (
        "the largest numbers",
        "(f64.store (i32.const 0) (f64.const 1.7e308)) (f64.store (i32.const 8) (f64.const -1.7e308)) (return (i64.const 0x2_0000_0000))",
    ),
    (
        "the smallest numbers",
        "(i64.store (i32.const 0) (i64.const 1)) (return (i64.const 0x2_0000_0000))",
    ),
    ("another one's x", "(return (call $honest (f64.const 1000000)))"),
    (
        "a vector at an odd address",
        "(f64.store (i32.const 3) (f64.const -5000)) (return (i64.const 0x2_0000_0003))",
    ),
    (
        "a message to others in memory",
        "(memory.fill (i32.const 4096) (i32.const 1) (i32.const 4096)) (return (call $honest (f64.const -9)))",
    ),
];

const CLIP: f64 = 20.0;

fn others() -> Vec<f64> {
    (0..600).map(|patient| f64::from(patient % 7)).collect()
}

/// The sum with the target among the others, less the sum of the others.
fn own_vector(name: &str, attack: &str) -> [f64; 2] {
    let module = Module::load_within(module(attack).as_bytes(), limits())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let declaration = declaration(2, CLIP);
    let without = ask(&module, &table(&[("x", others())]), &declaration).unwrap();
    let mut people = others();
    people.insert(300, 7.0);
    let with = ask(&module, &table(&[("x", people)]), &declaration).unwrap();
    let expected: f64 = others().iter().sum();
    assert!(
        (without.values[0] - 600.0).abs() < 1e-3 && (without.values[1] - expected).abs() < 1e-3,
        "{name}"
    );
    [with.values[0] - without.values[0], with.values[1] - without.values[1]]
}

#[test]
fn an_attack_on_one_patient_counts_as_the_zero_vector_and_leaves_all_others_as_they_were() {
    for (name, attack) in ATTACKS {
        let own = own_vector(name, attack);
        // A bomb that is refused more room may go on to its honest vector, and then that is what counts.
        let honest = (own[0] - 1.0).abs() < 1e-3 && (own[1] - 7.0).abs() < 1e-3;
        let zero = own.iter().all(|number| number.abs() < 1e-3);
        assert!(zero || (honest && name.contains("bomb")), "{name}: {own:?}");
    }
}

#[test]
fn a_vector_of_any_making_counts_within_the_clip_and_leaves_all_others_as_they_were() {
    for (name, attack) in VECTORS {
        let own = own_vector(name, attack);
        assert!(
            own.iter().map(|number| number.abs()).sum::<f64>() < CLIP + 1e-3,
            "{name}: {own:?}"
        );
    }
}

#[test]
fn nothing_stays_behind_for_the_next_patient() {
    // Every patient looks whether anything is not as declared, and leaves everything otherwise than it was.
    let text = r#"(module
      (memory (export "memory") 3)
      (table $table 4 funcref)
      (elem declare func $mark)
      (global $flag (mut i64) (i64.const 5))
      (global (export "shown") (mut i64) (i64.const 6))
      (data $kept (i32.const 256) "as it was")
      (data $passive "once")
      (func $mark)
      (func (export "input") (param i32) (result i32) (i32.const 65536))
      (func (export "run") (param $record i32) (param $bytes i32) (result i64)
        (local $i i32) (local $odd i32)
        (local.set $odd (i32.or (i64.ne (global.get $flag) (i64.const 5)) (i64.ne (global.get 1) (i64.const 6))))
        (local.set $odd (i32.or (local.get $odd) (i32.ne (memory.size) (i32.const 3))))
        (local.set $odd (i32.or (local.get $odd) (i32.ne (table.size $table) (i32.const 4))))
        (local.set $odd (i32.or (local.get $odd) (i32.eqz (ref.is_null (table.get $table (i32.const 2))))))
        (local.set $odd (i32.or (local.get $odd) (i64.ne (i64.load (i32.const 256)) (i64.const DATA))))
        ;; All memory but the data and the record is zero.
        (local.set $i (i32.const 512))
        (loop $l
          (local.set $odd (i32.or (local.get $odd) (i64.ne (i64.load (local.get $i)) (i64.const 0))))
          (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1024))) (i32.const 65528))))
        (local.set $i (i32.const 69632))
        (loop $l
          (local.set $odd (i32.or (local.get $odd) (i64.ne (i64.load (local.get $i)) (i64.const 0))))
          (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1024))) (i32.const 196600))))
        (global.set $flag (i64.const 1)) (global.set 1 (i64.const 1))
        (memory.init $passive (i32.const 1024) (i32.const 0) (i32.const 4)) (data.drop $passive)
        (memory.fill (i32.const 256) (i32.const 9) (i32.const 16384))
        (memory.fill (i32.const 69632) (i32.const 9) (i32.const 100000))
        (table.set $table (i32.const 2) (ref.func $mark))
        (drop (table.grow $table (ref.func $mark) (i32.const 7)))
        (drop (memory.grow (i32.const 2)))
        (f64.store (i32.const 262144) (f64.const 1))
        (f64.store (i32.const 0) (f64.convert_i32_u (local.get $odd)))
        (f64.store (i32.const 8) (f64.const 1))
        (i64.const 0x2_0000_0000)))"#;
    let expecting =
        |data: &[u8; 8]| text.replace("DATA", &format!("0x{:x}", u64::from_le_bytes(*data)));
    let people = table(&[("x", others())]);
    let ask = |text: &str| {
        let module =
            Module::load_within(text.as_bytes(), Limits { fuel: 400_000, ..Limits::default() })
                .unwrap();
        ask(&module, &people, &declaration(2, 4.0)).unwrap().values
    };
    let (right, wrong) = (ask(&expecting(b"as it wa")), ask(&expecting(b"as it is")));
    assert!(right[0].abs() < 1e-3 && (right[1] - 600.0).abs() < 1e-3, "{right:?}");
    assert!((wrong[0] - 600.0).abs() < 1e-3, "the test itself sees a difference: {wrong:?}");
}

#[test]
fn modules_that_fail_for_everybody_give_the_zero_vector() {
    let run = r#"(func (export "run") (param i32 i32) (result i64) (i64.const 0x2_0000_0000))"#;
    let input = r#"(func (export "input") (param i32) (result i32) (i32.const 1024))"#;
    let one = r#"(memory (export "memory") 1)"#;
    let modules = [
        (
            "a start without end",
            format!("{one} {input} {run} (func $s (loop $l (br $l))) (start $s)"),
        ),
        ("a start that traps", format!("{one} {input} {run} (func $s unreachable) (start $s)")),
        (
            "data beyond the memory",
            format!(r#"{one} {input} {run} (data (i32.const 65530) "too long a text")"#),
        ),
        ("data far beyond the memory", format!(r#"{one} {input} {run} (data (i32.const -1) "x")"#)),
        (
            "elements beyond the table",
            format!("{one} {input} {run} (table 1 funcref) (func $f) (elem (i32.const 5) $f)"),
        ),
        (
            "room beyond the memory",
            format!(
                r#"{one} {run} (func (export "input") (param i32) (result i32) (i32.const -1))"#
            ),
        ),
        (
            "room over the end of the memory",
            format!(
                r#"{one} {run} (func (export "input") (param i32) (result i32) (i32.const 65534))"#
            ),
        ),
        (
            "asking for room without end",
            format!(
                r#"{one} {run} (func (export "input") (param i32) (result i32) (loop $l (br $l)) (i32.const 0))"#
            ),
        ),
        ("no memory to speak of", format!(r#"(memory (export "memory") 0) {input} {run}"#)),
    ];
    for (name, text) in modules {
        let module = Module::load_within(format!("(module {text})").as_bytes(), limits())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let answer = ask(&module, &table(&[("x", others())]), &declaration(2, 5.0)).unwrap();
        assert!(
            answer.values.iter().all(|number| number.abs() < 1e-3),
            "{name}: {:?}",
            answer.values
        );
    }
}

#[test]
fn a_memory_grows_no_further_than_its_fuel_is_worth() {
    let text = r#"(module (memory (export "memory") 1)
      (func (export "input") (param i32) (result i32) (i32.const 1024))
      (func (export "run") (param i32 i32) (result i64)
        (f64.store (i32.const 0) (f64.convert_i32_s (memory.grow (i32.const 5)))) (i64.const 0x1_0000_0000)))"#;
    let found = |fuel| {
        let module =
            Module::load_within(text.as_bytes(), Limits { fuel, ..Limits::default() }).unwrap();
        assert_eq!(module.fuel_of_a_round(), fuel + PAGE_FUEL);
        let patients = table(&[("x", vec![0.0])]);
        ask(&module, &patients, &declaration(1, 1.0)).unwrap().values[0].round()
    };
    assert_eq!(found(5 * PAGE_FUEL), 1.0);
    assert_eq!(found(5 * PAGE_FUEL - 1), -1.0);
}

#[test]
fn what_would_fill_the_memory_of_a_vault_or_an_answer_is_refused() {
    let schema = PublicSchema::from_toml(
        "[budget]\nepsilon = 1.0\n[tables.t]\npatient = \"p\"\nmax_rows = 1\n[tables.t.columns.x]\ntype = \"decimal\"\nlower = 0.0\nupper = 1.0\n",
    )
    .unwrap();
    let again = inputs(&schema, &[Selection::read("t:x,x")]).unwrap_err();
    assert!(matches!(again, DeclarationRefusal::Repeated { .. }), "{again}");
    let text = format!(
        r#"(module (memory (export "memory") 1) {HONEST} (func (export "step") (param i32 i32) (result i64) (i64.const 0)))"#
    );
    let module = Module::load(text.as_bytes()).unwrap();
    let long = Declaration { rounds: 20, ..declaration(10_000, 1.0) };
    assert_eq!(long.check(&module), Ok(()));
    let longer = Declaration { rounds: 21, ..long };
    assert_eq!(longer.check(&module), Err(DeclarationRefusal::Released(210_000)));
}

#[test]
fn a_start_function_uses_the_fuel_of_its_patient() {
    let text = r#"(module (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))
      (func $s (loop $l (global.set $n (i32.add (global.get $n) (i32.const 1))) (br_if $l (i32.lt_u (global.get $n) (i32.const 1000)))))
      (start $s)
      (func (export "input") (param i32) (result i32) (i32.const 1024))
      (func (export "run") (param i32 i32) (result i64) (f64.store (i32.const 0) (f64.const 1)) (i64.const 0x1_0000_0000)))"#;
    let found = |fuel| {
        let module =
            Module::load_within(text.as_bytes(), Limits { fuel, ..Limits::default() }).unwrap();
        ask(&module, &table(&[("x", others())]), &declaration(1, 1.0)).unwrap().values[0]
    };
    assert!((found(100_000) - 600.0).abs() < 1e-3);
    assert!(found(1_000).abs() < 1e-3);
}

const HONEST: &str = r#"(func (export "input") (param i32) (result i32) (i32.const 1024))
  (func (export "run") (param i32 i32) (result i64) (i64.const 0x1_0000_0000))"#;

/// Text of a module that has all that is needed, and something else.
fn besides(text: &str) -> String {
    format!(r#"(module {text} (memory (export "memory") 1) {HONEST})"#)
}

fn refusal(name: &str, source: &[u8]) -> ModuleRefusal {
    match Module::load(source) {
        Ok(_) => panic!("admitted: {name}"),
        Err(refusal) => refusal,
    }
}

#[test]
fn imports_of_all_kinds_are_refused_by_name() {
    for import in [
        r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
        r#"(import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))"#,
        r#"(import "env" "abort" (func))"#,
        r#"(import "env" "memory" (memory 1))"#,
        r#"(import "env" "table" (table 1 funcref))"#,
        r#"(import "env" "global" (global i32))"#,
        r#"(import "" "" (func))"#,
    ] {
        let text = format!("(module {import} {HONEST})");
        assert!(
            matches!(refusal(import, text.as_bytes()), ModuleRefusal::Import { .. }),
            "{import}"
        );
    }
}

#[test]
fn what_is_not_plain_webassembly_is_refused() {
    for (name, text) in [
        ("vectors", besides("(func (drop (v128.const i64x2 0 0)))")),
        ("shared memory", format!(r#"(module (memory (export "memory") 1 1 shared) {HONEST})"#)),
        ("atomics", besides("(func (drop (i32.atomic.load (i32.const 0))))")),
        ("64-bit memory", format!(r#"(module (memory (export "memory") i64 1) {HONEST})"#)),
        ("exceptions", besides("(tag $t) (func (throw $t))")),
        ("tail calls", besides("(func $f (return_call $f))")),
        ("garbage collection", besides("(type (struct (field i32)))")),
        (
            "typed references",
            besides("(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))"),
        ),
    ] {
        let refusal = refusal(name, text.as_bytes());
        assert!(
            matches!(refusal, ModuleRefusal::Invalid { .. } | ModuleRefusal::TooLarge { .. }),
            "{name}: {refusal}"
        );
    }
    assert!(matches!(
        refusal("two memories", besides("(memory 1)").as_bytes()),
        ModuleRefusal::TooLarge { .. } | ModuleRefusal::Invalid { .. }
    ));
    assert_eq!(refusal("a component", b"\0asm\x0d\0\x01\0"), ModuleRefusal::Component);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_compiled() {
    let many = |what: &str, count: usize| what.repeat(count);
    for (name, text) in [
        ("a large memory", format!(r#"(module (memory (export "memory") 257) {HONEST})"#)),
        (
            "all the memory there is",
            format!(r#"(module (memory (export "memory") 65536) {HONEST})"#),
        ),
        ("a large table", besides("(table 1000000 funcref)")),
        ("two tables", besides("(table 1 funcref) (table 1 funcref)")),
        ("much data", besides(&format!(r#"(data "{}")"#, many("abcdefgh", 140_000)))),
        ("many data segments", besides(&many(r#"(data "")"#, 5_000))),
        ("many functions", besides(&many("(func)", 5_000))),
        ("many globals", besides(&many("(global i32 (i32.const 0))", 5_000))),
        ("many types", besides(&many("(type (func))", 5_000))),
        (
            "many exports",
            besides(
                &(0..5_000).map(|n| format!(r#"(export "e{n}" (memory 0))"#)).collect::<String>(),
            ),
        ),
        (
            "blocks within blocks",
            besides(&format!("(func {} {})", many("block ", 5_000), many("end ", 5_000))),
        ),
        (
            "loops within loops",
            besides(&format!("(func {} {})", many("loop ", 300), many("end ", 300))),
        ),
        (
            "a large function",
            besides(&format!("(func {})", many("(drop (i64.const 0x7fffffffffffffff))", 10_000))),
        ),
        (
            // Each variable would be carried over each branch: gigabytes for a compiler.
            "many locals over many branches",
            besides(&format!(
                "(func (local {}) loop {} {} end)",
                many("i32 ", 1_000),
                (0..1_000).map(|n| format!("(local.set {n} (i32.const {n})) ")).collect::<String>(),
                many("(br_if 0 (local.get 0)) ", 3_000),
            )),
        ),
        (
            "many values on the stack over many branches",
            besides(&format!(
                "(func (local i32) block {} {} {} end)",
                many("local.get 0 ", 3_000),
                many("local.get 0 br_if 0 ", 3_000),
                many("drop ", 3_000),
            )),
        ),
        (
            "many elements",
            besides(&format!(
                "(table 4096 funcref) (func $f) {}",
                many(&format!("(elem (i32.const 0) funcref {})", many("(ref.func $f) ", 90)), 100),
            )),
        ),
        (
            "long constant expressions",
            besides(&format!(
                "(global i32 (i32.const 0) {})",
                many("(i32.const 1) (i32.add) ", 5_000),
            )),
        ),
        ("many locals", besides(&format!("(func (local {}))", many("i64 ", 3_000)))),
        (
            "many branches",
            besides(&format!("(func (br_table {} (i32.const 0)))", many("0 ", 5_000))),
        ),
    ] {
        let refusal = refusal(name, text.as_bytes());
        assert!(matches!(refusal, ModuleRefusal::TooLarge { .. }), "{name}: {refusal}");
    }
}

#[test]
fn exports_must_be_there_and_of_their_type() {
    let memory = r#"(memory (export "memory") 1)"#;
    let input = r#"(func (export "input") (param i32) (result i32) (i32.const 0))"#;
    let run = r#"(func (export "run") (param i32 i32) (result i64) (i64.const 0))"#;
    for (text, missing) in [
        (format!("(module {input} {run})"), "memory"),
        (format!("(module {memory} {run})"), "input"),
        (format!("(module {memory} {input})"), "run"),
    ] {
        assert!(
            matches!(refusal(missing, text.as_bytes()), ModuleRefusal::Missing { name, .. } if name == missing)
        );
    }
    for (text, wrong) in [
        (
            format!(
                r#"(module {memory} {input} (func (export "run") (result i64) (i64.const 0)))"#
            ),
            "run",
        ),
        (
            format!(
                r#"(module {memory} {input} (func (export "run") (param i32 i32) (result i32) (i32.const 0)))"#
            ),
            "run",
        ),
        (
            format!(r#"(module {memory} {run} (global (export "input") i32 (i32.const 0)))"#),
            "input",
        ),
        (
            format!(r#"(module {input} {run} (global (export "memory") i32 (i32.const 0)))"#),
            "memory",
        ),
        (format!(r#"(module {memory} {input} {run} (func (export "step")))"#), "step"),
    ] {
        assert!(
            matches!(refusal(wrong, text.as_bytes()), ModuleRefusal::WrongType { name, .. } if name == wrong)
        );
    }
}
