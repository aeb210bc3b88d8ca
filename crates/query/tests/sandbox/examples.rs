//! The algorithms in the folder `algorithms` find what was planted in generated data, with noise.

use caduceus_query::{
    Delta, Epsilon, SeededNoise,
    sandbox::{Cell, Declaration, Norm, Values, run},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

use crate::{decimals, declaration, example, table};

struct Dice(ChaCha20Rng);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// Uniform from 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
}

fn gaussian(epsilon: u32) -> Declaration {
    Declaration {
        norm: Norm::L2,
        epsilon: Epsilon::from_milli(epsilon),
        delta: Delta::from_number(1e-6).unwrap(),
        ..declaration(1, 1.0)
    }
}

#[test]
fn logistic_regression_finds_planted_weights() {
    let mut dice = Dice::new(1);
    let (mut age, mut bmi, mut ill) = (vec![], vec![], vec![]);
    // Log odds: 0.5 + 1.5 (age - 50) / 30 - 1 (bmi - 27) / 12.
    for _ in 0..4_000 {
        let (years, index) = (dice.between(20.0, 80.0).floor(), dice.between(15.0, 39.0));
        let odds = 0.5 + 1.5 * (years - 50.0) / 30.0 - (index - 27.0) / 12.0;
        ill.push(f64::from(u8::from(dice.unit() < 1.0 / (1.0 + (-odds).exp()))));
        age.push(years);
        bmi.push(index);
    }
    // Patients with something missing count nowhere.
    age[17] = f64::NAN;
    ill[18] = f64::NAN;
    let mut inputs = decimals(&["age", "bmi", "ill"]);
    inputs[0].columns[0].cell = Cell::Integer(Some((0, 120)));
    inputs[0].columns[2].cell = Cell::Flag;
    let declared = Declaration {
        inputs,
        length: 4,
        clip: 2.0,
        parameters: vec![4.0, 50.0, 30.0, 27.0, 12.0, 0.0, 0.0, 0.0],
        rounds: 25,
        ..gaussian(2_000)
    };
    let tables = table(&[("age", age), ("bmi", bmi), ("ill", ill)]);
    let answer =
        run(&example("logistic.wat"), &tables, &declared, &mut SeededNoise::new(3)).unwrap();
    assert_eq!(answer.stopped, None);
    assert_eq!(answer.parameters[..5], declared.parameters[..5]);
    for (found, planted) in answer.parameters[5..].iter().zip([0.5, 1.5, -1.0]) {
        assert!((found - planted).abs() < 0.3, "{:?}", answer.parameters);
    }
    // Some two thousandths of patients were left out.
    assert!((answer.values[3] - 3_998.0).abs() < 4.0 * answer.half_width, "{:?}", answer.values);
}

#[test]
fn k_means_finds_planted_groups() {
    let mut dice = Dice::new(2);
    let planted = [[-0.6, -0.5], [0.7, -0.2], [0.0, 0.7]];
    let (mut x, mut y) = (vec![], vec![]);
    for patient in 0..3_000 {
        let centre = planted[patient % 3];
        x.push(100.0 + 50.0 * (centre[0] + dice.between(-0.2, 0.2)));
        y.push(10.0 * (centre[1] + dice.between(-0.2, 0.2)));
    }
    let declared = Declaration {
        inputs: decimals(&["x", "y"]),
        length: 9,
        clip: 1.75,
        parameters: vec![100.0, 50.0, 0.0, 10.0, -0.1, -0.1, 0.2, -0.1, 0.1, 0.2],
        rounds: 8,
        ..gaussian(1_000)
    };
    let answer = run(
        &example("kmeans.wat"),
        &table(&[("x", x), ("y", y)]),
        &declared,
        &mut SeededNoise::new(4),
    )
    .unwrap();
    assert_eq!(answer.stopped, None);
    for (found, planted) in answer.parameters[4..].chunks(2).zip(planted) {
        assert!(
            (found[0] - planted[0]).hypot(found[1] - planted[1]) < 0.15,
            "{:?}",
            answer.parameters
        );
    }
}

#[test]
fn survival_finds_a_planted_curve() {
    let mut dice = Dice::new(5);
    let (mut months, mut died) = (vec![], vec![]);
    for _ in 0..4_000 {
        // Half are dead after 24 months; others leave the study at any time.
        let death = -dice.unit().ln() * 24.0 / 2.0_f64.ln();
        let leaves = dice.between(0.0, 120.0);
        months.push(death.min(leaves));
        died.push(f64::from(u8::from(death <= leaves)));
    }
    let mut inputs = decimals(&["months", "died"]);
    inputs[0].columns[1].cell = Cell::Flag;
    let intervals = 20;
    let declared = Declaration {
        inputs,
        length: 2 * intervals,
        values: Values::I64,
        clip: 1.0,
        epsilon: Epsilon::from_milli(1_000),
        parameters: [vec![3.0], vec![0.0; intervals]].concat(),
        ..declaration(1, 1.0)
    };
    let tables = table(&[("months", months), ("died", died)]);
    let answer =
        run(&example("survival.wat"), &tables, &declared, &mut SeededNoise::new(6)).unwrap();
    assert_eq!(answer.stopped, None);
    assert!(answer.values.iter().all(|count| count.fract() == 0.0));
    assert!(
        (answer.values.iter().sum::<f64>() - 4_000.0).abs() < 60.0,
        "everybody is in one interval"
    );
    for (interval, found) in answer.parameters[1..].iter().enumerate() {
        let planted = 0.5_f64.powf(3.0 * (interval + 1) as f64 / 24.0);
        assert!((found - planted).abs() < 0.04, "interval {interval}: {found} {planted}");
    }
}
