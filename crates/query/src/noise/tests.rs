//! Each mechanism against its distribution, by both implementations: the seeded one at fixed seeds, opendp's with tolerances wide enough
//! to fail by chance less than once in a billion runs, and narrow enough to see a wrong scale.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::Rho;

const DRAWS: usize = 40_000;

fn laplace(sensitivity: u128, milli: u64) -> NoiseScale {
    NoiseScale::Laplace { sensitivity, epsilon_micro: milli * 1000 }
}

fn gaussian(magnitude: u128, squares: u128, rho: f64) -> NoiseScale {
    NoiseScale::Gaussian { magnitude, squares, rho: Rho::from_pico((rho * 1e12) as u64) }
}

fn sources() -> [(&'static str, Box<dyn NoiseSource>); 2] {
    [("opendp", Box::new(OpenDpNoise)), ("seeded", Box::new(SeededNoise::new(7)))]
}

fn draws(source: &mut dyn NoiseSource, scale: NoiseScale) -> Vec<i128> {
    (0..DRAWS).map(|_| source.perturb(0, scale).unwrap()).collect()
}

/// P(X = x), up to a factor.
fn weight(scale: NoiseScale, x: i128) -> f64 {
    let spread = scale.approximate();
    let x = x as f64;
    match scale {
        NoiseScale::Laplace { .. } => (-x.abs() / spread).exp(),
        NoiseScale::Gaussian { .. } => (-x * x / (2.0 * spread * spread)).exp(),
    }
}

fn probability(scale: NoiseScale, x: i128) -> f64 {
    let reach = (scale.approximate() * 60.0) as i128 + 10;
    weight(scale, x) / (-reach..=reach).map(|x| weight(scale, x)).sum::<f64>()
}

#[test]
fn mean_and_variance_of_the_noise_are_those_of_its_scale() {
    for scale in [
        laplace(1, 1000),
        laplace(7, 300),
        laplace(1_000_000, 10),
        gaussian(1, 1, 0.5),
        gaussian(3, 5, 0.02),
        gaussian(1_000_000, 4, 0.001),
    ] {
        for (name, mut source) in sources() {
            let draws = draws(source.as_mut(), scale);
            let (count, spread) = (draws.len() as f64, scale.approximate());
            let (variance, fourth) = match scale {
                NoiseScale::Laplace { .. } => {
                    let p = (-1.0 / spread).exp();
                    // The fourth moment of a Laplace variable is at most 7 times its squared variance at these scales.
                    (2.0 * p / (1.0 - p).powi(2), 6.0)
                }
                NoiseScale::Gaussian { .. } => (spread * spread, 3.0),
            };
            let mean = draws.iter().map(|x| *x as f64).sum::<f64>() / count;
            let found = draws.iter().map(|x| (*x as f64).powi(2)).sum::<f64>() / count;
            assert!(
                mean.abs() < 6.5 * (variance / count).sqrt(),
                "{name}: mean {mean} at {scale:?}"
            );
            let tolerance = 6.5 * (fourth / count).sqrt();
            assert!(
                (found / variance - 1.0).abs() < tolerance,
                "{name}: variance {found} for {variance}"
            );
        }
    }
}

#[test]
fn the_noise_has_the_distribution_of_its_mechanism() {
    for scale in [laplace(2, 1000), gaussian(2, 1, 0.5)] {
        for (name, mut source) in sources() {
            let chi = chi_square(&draws(source.as_mut(), scale), scale);
            // 13 degrees of freedom: beyond 80 with probability 1e-11.
            assert!(chi < 80.0, "{name}: chi square {chi} at {scale:?}");
        }
    }
}

/// The distance of draws from the distribution of a scale, over 13 values and the rest.
fn chi_square(draws: &[i128], scale: NoiseScale) -> f64 {
    let reach = 6;
    let expected = |x: i128| probability(scale, x) * draws.len() as f64;
    let observed = |x: i128| draws.iter().filter(|draw| **draw == x).count() as f64;
    let inside: f64 = (-reach..=reach).map(expected).sum();
    let outside = draws.iter().filter(|draw| draw.abs() > reach).count() as f64;
    let rest = draws.len() as f64 - inside;
    let square = |observed: f64, expected: f64| (observed - expected).powi(2) / expected;
    (-reach..=reach).map(|x| square(observed(x), expected(x))).sum::<f64>() + square(outside, rest)
}

#[test]
fn a_wrong_scale_is_seen_by_the_same_test() {
    for (drawn, claimed) in [
        (laplace(2, 1100), laplace(2, 1000)),
        (gaussian(2, 1, 0.6), gaussian(2, 1, 0.5)),
        (gaussian(2, 1, 0.25), laplace(2, 1000)),
    ] {
        let draws = draws(&mut SeededNoise::new(11), drawn);
        assert!(chi_square(&draws, claimed) > 120.0, "{drawn:?} for {claimed:?}");
    }
}

#[test]
fn both_implementations_draw_from_one_distribution() {
    for scale in [laplace(1, 700), laplace(50, 900), gaussian(1, 3, 0.1), gaussian(40, 1, 0.3)] {
        let [(_, mut one), (_, mut other)] = sources();
        let (mut one, mut other) = (draws(one.as_mut(), scale), draws(other.as_mut(), scale));
        one.sort_unstable();
        other.sort_unstable();
        // Two-sample Kolmogorov-Smirnov: beyond 3.3 sqrt(2/n) with probability below 1e-9.
        let limit = 3.3 * (2.0 / DRAWS as f64).sqrt();
        let values: std::collections::BTreeSet<i128> = one.iter().chain(&other).copied().collect();
        let share = |draws: &[i128], x: i128| {
            draws.partition_point(|draw| *draw <= x) as f64 / DRAWS as f64
        };
        let apart =
            values.iter().map(|x| (share(&one, *x) - share(&other, *x)).abs()).fold(0.0, f64::max);
        assert!(apart < limit, "{apart} at {scale:?}");
    }
}

#[test]
fn one_seed_gives_one_noise_and_another_seed_another() {
    let noise = |seed| {
        let mut source = SeededNoise::new(seed);
        (0..20).map(|_| source.perturb(0, laplace(100, 1000)).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(noise(1), noise(1));
    assert_ne!(noise(1), noise(2));
}

#[test]
fn the_interval_is_the_smallest_that_holds_95_percent() {
    for scale in [
        laplace(1, 100),
        laplace(1, 1000),
        laplace(3, 250),
        laplace(1, 9000),
        gaussian(1, 1, 0.5),
        gaussian(3, 2, 0.1),
        gaussian(1, 1, 40.0),
    ] {
        let inside = |reach: i128| (-reach..=reach).map(|x| probability(scale, x)).sum::<f64>();
        let reach = scale.half_width(0.05) as i128;
        assert!(inside(reach) >= 0.95 - 1e-9, "{scale:?}");
        assert!(reach == 0 || inside(reach - 1) < 0.95, "{scale:?}");
    }
    // Where Gaussian noise is wide the continuous distribution stands in.
    let wide = gaussian(1000, 1, 0.5);
    assert!((1959.0..=1963.0).contains(&wide.half_width(0.05)), "{}", wide.half_width(0.05));
}

#[test]
fn a_threshold_is_reached_by_noise_alone_no_more_often_than_claimed() {
    for scale in [laplace(1, 500), laplace(4, 1000), gaussian(1, 4, 0.05)] {
        for (outside, groups) in [(1e-3, 1), (1e-3, 4), (1e-6, 2)] {
            let least = i128::from(scale.threshold(outside, groups));
            let reach = (scale.approximate() * 60.0) as i128 + 10;
            // One patient in a group of their own: noise of at least the threshold less one.
            let beyond = (least - 1..=reach).map(|x| probability(scale, x)).sum::<f64>();
            assert!(f64::from(groups) * beyond <= outside, "{scale:?}: {beyond}");
            let closer = (least - 6..=reach).map(|x| probability(scale, x)).sum::<f64>();
            assert!(f64::from(groups) * closer > outside / 50.0, "{scale:?} is far too careful");
        }
    }
}

#[test]
fn noise_at_the_edge_of_the_integers_stays_within_them() {
    let scale = laplace(u128::from(u64::MAX) * u128::from(u32::MAX), 1);
    for exact in [i128::MAX, i128::MIN] {
        for _ in 0..20 {
            for (_, mut source) in sources() {
                assert_eq!(source.perturb(exact, scale).unwrap().signum(), exact.signum());
            }
        }
    }
}

#[test]
fn without_sensitivity_there_is_no_noise_and_without_a_share_no_scale() {
    for (_, mut source) in sources() {
        for scale in [laplace(0, 1), gaussian(0, 1, 0.1)] {
            assert_eq!(source.perturb(5, scale).unwrap(), 5);
            assert_eq!(scale.half_width(0.05), 0.0);
        }
    }
    assert_eq!(Share::Pure(5).part(6), None);
    assert_eq!(Share::Pure(5).part(0), None);
    assert_eq!(Share::Pure(5).part(5), Some(Share::Pure(1)));
}

#[test]
fn a_patient_moves_most_where_groups_are_full() {
    let influence = |rows, per_group, groups| {
        let found = Influence::new(rows, per_group, groups);
        (found.rows, found.squares)
    };
    assert_eq!(influence(4, 4, 1), (4, 16));
    assert_eq!(influence(4, 4, 3), (4, 16));
    assert_eq!(influence(10, 3, 5), (10, 28));
    assert_eq!(influence(10, 3, 2), (6, 18));
    assert_eq!(influence(10, 1, 7), (7, 7));
}
