//! The sampler takes no seed, so these tests have fixed tolerances wide enough to fail by chance less than once in a billion
//! runs, and narrow enough to see a wrong scale.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const DRAWS: usize = 40_000;

fn scale(sensitivity: u128, milli: u32) -> LaplaceScale {
    LaplaceScale::new(sensitivity, Epsilon::from_milli(milli)).unwrap()
}

fn draws(scale: LaplaceScale) -> Vec<i128> {
    (0..DRAWS).map(|_| OpenDpNoise.perturb(0, scale).unwrap()).collect()
}

/// P(X = x) of the discrete Laplace distribution.
fn probability(scale: LaplaceScale, x: i128) -> f64 {
    let p = (-1.0 / scale.approximate()).exp();
    (1.0 - p) / (1.0 + p) * p.powi(i32::try_from(x.abs()).unwrap())
}

#[test]
fn mean_and_variance_of_the_noise_are_those_of_its_scale() {
    for scale in [scale(1, 1000), scale(7, 300), scale(1_000_000, 10)] {
        let draws = draws(scale);
        let count = draws.len() as f64;
        let p = (-1.0 / scale.approximate()).exp();
        let variance = 2.0 * p / (1.0 - p).powi(2);
        let mean = draws.iter().map(|x| *x as f64).sum::<f64>() / count;
        let found = draws.iter().map(|x| (*x as f64).powi(2)).sum::<f64>() / count;
        assert!(mean.abs() < 6.5 * (variance / count).sqrt(), "mean {mean} at {scale:?}");
        // The fourth moment of a Laplace variable is at most 7 times its squared variance at these scales.
        let tolerance = 6.5 * (6.0 / count).sqrt();
        assert!((found / variance - 1.0).abs() < tolerance, "variance {found} for {variance}");
    }
}

#[test]
fn the_noise_has_the_discrete_laplace_distribution() {
    let scale = scale(2, 1000);
    let reach = 10;
    let draws = draws(scale);
    let expected = |x: i128| probability(scale, x) * draws.len() as f64;
    let observed = |x: i128| draws.iter().filter(|draw| **draw == x).count() as f64;
    let inside: f64 = (-reach..=reach).map(expected).sum();
    let outside = draws.iter().filter(|draw| draw.abs() > reach).count() as f64;
    let rest = draws.len() as f64 - inside;
    let square = |observed: f64, expected: f64| (observed - expected).powi(2) / expected;
    let chi = (-reach..=reach).map(|x| square(observed(x), expected(x))).sum::<f64>();
    // 21 degrees of freedom: beyond 90 with probability 1e-10.
    assert!(chi + square(outside, rest) < 90.0, "chi square {chi}");
}

#[test]
fn the_interval_is_the_smallest_that_holds_95_percent() {
    for scale in [scale(1, 100), scale(1, 1000), scale(3, 250), scale(1, 9000)] {
        let inside = |reach: i128| (-reach..=reach).map(|x| probability(scale, x)).sum::<f64>();
        let reach = scale.half_width(0.05) as i128;
        assert!(inside(reach) >= 0.95 - 1e-9, "{scale:?}");
        assert!(reach == 0 || inside(reach - 1) < 0.95, "{scale:?}");
    }
}

#[test]
fn noise_at_the_edge_of_the_integers_stays_within_them() {
    let scale = scale(u128::from(u64::MAX) * u128::from(u32::MAX), 1);
    for exact in [i128::MAX, i128::MIN] {
        for _ in 0..20 {
            let noisy = OpenDpNoise.perturb(exact, scale).unwrap();
            assert_eq!(noisy.signum(), exact.signum());
        }
    }
}

#[test]
fn without_epsilon_there_is_no_scale_and_without_sensitivity_no_noise() {
    assert_eq!(LaplaceScale::new(1, Epsilon::default()), None);
    assert_eq!(OpenDpNoise.perturb(5, scale(0, 1)).unwrap(), 5);
    assert_eq!(scale(0, 1).half_width(0.05), 0.0);
}
