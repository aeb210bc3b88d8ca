//! What one patient can move, measured from outside.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use caduceus_query::{
    Delta, Epsilon, SeededNoise,
    sandbox::{Declaration, DeclarationRefusal, Module, Norm, SandboxError, Values, run},
};
use caduceus_records::Tables;
use proptest::prelude::*;

use crate::{SILENT, ask, decimals, declaration, limits, table};

/// Adds up 1 and x of all rows of a patient.
fn sums() -> Module {
    let text = r#"(module (memory (export "memory") 1)
      (func (export "input") (param i32) (result i32) (i32.const 1024))
      (func (export "run") (param $r i32) (param $n i32) (result i64)
        (local $rows i32) (local $at i32) (local $sum f64)
        (local.set $rows (i32.load offset=16 (local.get $r)))
        (local.set $at (i32.add (local.get $r) (i32.const 32)))
        (f64.store (i32.const 0) (f64.convert_i32_u (local.get $rows)))
        (block $end (loop $each
          (br_if $end (i32.eqz (local.get $rows)))
          (local.set $sum (f64.add (local.get $sum) (f64.load (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
          (br $each)))
        (f64.store (i32.const 8) (local.get $sum))
        (i64.const 0x2_0000_0000)))"#;
    Module::load_within(text.as_bytes(), limits()).unwrap()
}

fn rows(people: &[i64], x: &[f64]) -> Tables {
    let columns: [(&str, ArrayRef); 2] = [
        ("person", Arc::new(Int64Array::from(people.to_vec()))),
        ("x", Arc::new(Float64Array::from(x.to_vec()))),
    ];
    Tables([("t".to_owned(), RecordBatch::try_from_iter(columns).unwrap())].into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_answer_is_the_sum_of_each_patients_clipped_vector_in_any_order_of_rows(
        rows_of in prop::collection::vec((0..40_i64, -3.0..3.0_f64), 1..200),
        clip in 0.5..20.0_f64,
        l1 in any::<bool>(),
    ) {
        let (people, x): (Vec<i64>, Vec<f64>) = rows_of.iter().copied().unzip();
        let mut declared = declaration(2, clip);
        if !l1 {
            (declared.norm, declared.delta) = (Norm::L2, Delta::from_number(0.5).unwrap());
        }
        let found = ask(&sums(), &rows(&people, &x), &declared).unwrap();
        let mut expected = [0.0, 0.0];
        for person in 0..40 {
            // The first eight rows of each patient, as declared.
            let own: Vec<f64> = rows_of.iter().filter(|(owner, _)| *owner == person).map(|(_, x)| *x).take(8).collect();
            let vector = [own.len() as f64, own.iter().sum::<f64>()];
            let length = if l1 { vector[0] + vector[1].abs() } else { vector[0].hypot(vector[1]) };
            let scale = if length > clip { clip / length } else { 1.0 };
            expected[0] += vector[0] * scale;
            expected[1] += vector[1] * scale;
        }
        for (found, expected) in found.values.iter().zip(expected) {
            prop_assert!((found - expected).abs() < 0.2, "{found} {expected}");
        }
    }
}

#[test]
fn noise_has_the_declared_size_in_each_round() {
    // One patient whose vector is zero: all that is released is noise.
    let text = r#"(module (memory (export "memory") 1)
      (func (export "input") (param i32) (result i32) (i32.const 16384))
      (func (export "run") (param i32 i32) (result i64) (i64.const 0x400_0000_0000))
      (func (export "step") (param i32 i32) (result i64) (i64.const 0x1_0000_0000)))"#;
    let module = Module::load_within(text.as_bytes(), limits()).unwrap();
    let declared = |norm, epsilon, delta, rounds| Declaration {
        length: 1_024,
        norm,
        clip: 3.0,
        parameters: vec![0.0],
        rounds,
        epsilon: Epsilon::from_milli(epsilon),
        delta,
        ..declaration(1, 1.0)
    };
    let spread = |declared: &Declaration| {
        let answer =
            run(&module, &table(&[("x", vec![0.0])]), declared, &mut SeededNoise::new(11)).unwrap();
        assert_eq!(answer.rounds.len(), declared.rounds as usize);
        let noise: Vec<f64> = answer.rounds.concat();
        let outside = noise.iter().filter(|number| number.abs() > answer.half_width).count() as f64;
        assert!(
            (0.02..0.08).contains(&(outside / noise.len() as f64)),
            "{outside} of {}",
            noise.len()
        );
        noise.iter().map(|number| number * number).sum::<f64>() / noise.len() as f64
    };
    // Laplace of scale clip / (epsilon / rounds): variance twice the square.
    let laplace = spread(&declared(Norm::L1, 500, Delta::ZERO, 4)) / (2.0 * 24.0_f64.powi(2));
    assert!((0.85..1.15).contains(&laplace), "{laplace}");
    // Gaussian of variance clip^2 / (2 rho / rounds).
    let delta = Delta::from_number(1e-6).unwrap();
    let gaussian = declared(Norm::L2, 1_000, delta, 4);
    let rho = gaussian.loss().unwrap().rho.number() / 4.0;
    let gaussian = spread(&gaussian) / (9.0 / (2.0 * rho));
    assert!((0.85..1.15).contains(&gaussian), "{gaussian}");
}

#[test]
fn whole_numbers_are_released_whole() {
    let text = r#"(module (memory (export "memory") 1)
      (func (export "input") (param i32) (result i32) (i32.const 1024))
      (func (export "run") (param i32 i32) (result i64) (i64.store (i32.const 8) (i64.const 1)) (i64.const 0x2_0000_0000)))"#;
    let module = Module::load_within(text.as_bytes(), limits()).unwrap();
    let declared = Declaration {
        values: Values::I64,
        epsilon: Epsilon::from_milli(1_000),
        ..declaration(2, 1.0)
    };
    let answer = ask(&module, &table(&[("x", vec![0.0; 500])]), &declared).unwrap();
    assert!(answer.values.iter().all(|number| number.fract() == 0.0), "{:?}", answer.values);
    assert!(answer.values[0].abs() < 20.0 && (answer.values[1] - 500.0).abs() < 20.0);
}

#[test]
fn a_step_that_fails_ends_the_job_and_says_so() {
    let text = r#"(module (memory (export "memory") 1)
      (func (export "input") (param i32) (result i32) (i32.const 1024))
      (func (export "run") (param i32 i32) (result i64) (i64.const 0x1_0000_0000))
      (func (export "step") (param i32 i32) (result i64) unreachable))"#;
    let module = Module::load_within(text.as_bytes(), limits()).unwrap();
    let declared = Declaration { rounds: 3, parameters: vec![1.0], ..declaration(1, 1.0) };
    let answer = ask(&module, &table(&[("x", vec![0.0])]), &declared).unwrap();
    assert_eq!((answer.rounds.len(), answer.parameters), (1, vec![1.0]));
    assert!(answer.stopped.unwrap().contains("After round 1"));
}

#[test]
fn what_is_declared_wrongly_is_refused_before_anything_runs() {
    use DeclarationRefusal as Refusal;
    let module = sums();
    let refused = |change: &dyn Fn(&mut Declaration)| {
        let mut declared = declaration(2, 1.0);
        change(&mut declared);
        match ask(&module, &table(&[("x", vec![1.0])]), &declared) {
            Err(SandboxError::Declaration(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(&|declared| declared.length = 0), Refusal::Length(0));
    assert_eq!(refused(&|declared| declared.rounds = 0), Refusal::Rounds(0));
    assert_eq!(refused(&|declared| declared.rounds = 2), Refusal::NoStep);
    assert_eq!(refused(&|declared| declared.parameters = vec![f64::NAN]), Refusal::Parameters);
    assert_eq!(refused(&|declared| declared.norm = Norm::L2), Refusal::NoDelta);
    assert_eq!(
        refused(&|declared| declared.delta = Delta::from_number(0.1).unwrap()),
        Refusal::Delta
    );
    assert_eq!(refused(&|declared| declared.inputs.clear()), Refusal::NoTable);
    assert_eq!(
        refused(&|declared| declared.epsilon = Epsilon::from_milli(0)),
        Refusal::Epsilon(Epsilon::from_milli(0))
    );
    assert!(matches!(refused(&|declared| declared.clip = -1.0), Refusal::Clip { .. }));
    let column = ask(&module, &table(&[("y", vec![1.0])]), &declaration(2, 1.0));
    assert!(matches!(column, Err(SandboxError::Column { .. })));
}

#[test]
fn the_key_of_a_job_is_that_of_its_module_and_declaration() {
    let text = r#"(module (memory (export "memory") 1)
      (func (export "input") (param i32) (result i32) (i32.const 1024))
      (func (export "run") (param i32 i32) (result i64) (i64.const 0x1_0000_0000)))"#;
    let module = Module::load(text.as_bytes()).unwrap();
    let same = Module::load(&wat::parse_str(text).unwrap()).unwrap();
    let other = Module::load(text.replace("1024", "1028").as_bytes()).unwrap();
    let declared = declaration(1, 1.0);
    assert_eq!(declared.key(&module), declared.key(&same));
    assert_ne!(declared.key(&module), declared.key(&other));
    let change = Declaration { clip: 2.0, ..declared.clone() };
    assert_ne!(declared.key(&module), change.key(&module));
    let change = Declaration { inputs: decimals(&["x", "y"]), ..declared.clone() };
    assert_ne!(declared.key(&module), change.key(&module));
    let change =
        Declaration { epsilon: Epsilon::from_milli(SILENT.milli() - 1), ..declared.clone() };
    assert_ne!(declared.key(&module), change.key(&module));
}

#[test]
fn a_patient_without_a_key_is_nobody_and_an_absent_table_has_no_rows() {
    let columns: [(&str, ArrayRef); 2] = [
        ("person", Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("b")]))),
        ("x", Arc::new(Float64Array::from(vec![1.0, 100.0, 2.0, 3.0]))),
    ];
    let tables = Tables([("t".to_owned(), RecordBatch::try_from_iter(columns).unwrap())].into());
    let answer = ask(&sums(), &tables, &declaration(2, 50.0)).unwrap();
    assert!(
        (answer.values[0] - 3.0).abs() < 1e-3 && (answer.values[1] - 6.0).abs() < 1e-3,
        "{:?}",
        answer.values
    );
    let answer = ask(&sums(), &Tables(Default::default()), &declaration(2, 50.0)).unwrap();
    assert!(answer.values.iter().all(|number| number.abs() < 1e-3));
}
