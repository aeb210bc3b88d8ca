//! How much noise hides one patient.

use dashu::{
    base::SquareRoot,
    integer::{IBig, UBig},
    rational::RBig,
};

use crate::Rho;

/// A part of a question's privacy loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// Epsilon, in millionths.
    Pure(u64),
    /// Zero-concentrated.
    Concentrated(Rho),
}

impl Share {
    /// One of `parts` equal parts, rounded down; `None` if nothing would be left of it.
    pub fn part(self, parts: u64) -> Option<Self> {
        match self {
            Self::Pure(micro) => micro.checked_div(parts).filter(|part| *part > 0).map(Self::Pure),
            Self::Concentrated(rho) => {
                let part = rho.pico().checked_div(parts).filter(|part| *part > 0);
                part.map(|part| Self::Concentrated(Rho::from_pico(part)))
            }
        }
    }
}

/// How far one patient can move a list of counts, one for each group, by one step each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Influence {
    /// Sum of the moves.
    pub rows: u128,
    /// Largest sum of their squares.
    pub squares: u128,
}

impl Influence {
    /// At most `rows` rows, at most `per_group` of them in a group, in at most `groups` groups.
    pub fn new(rows: u32, per_group: u32, groups: u32) -> Self {
        let (rows, per_group, groups) =
            (u128::from(rows), u128::from(per_group.min(rows)), u128::from(groups));
        let rows = rows.min(per_group * groups);
        // The squares are largest where as many groups as possible are full.
        let full = rows.checked_div(per_group).unwrap_or(0);
        let rest = rows - full * per_group;
        Self { rows, squares: full * per_group * per_group + rest * rest }
    }

    /// Only whether a patient is in a group counts.
    pub fn presence(self, groups: u32) -> Self {
        let groups = self.rows.min(u128::from(groups));
        Self { rows: groups, squares: groups }
    }
}

/// The scale of noise as an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoiseScale {
    /// Discrete Laplace: `sensitivity` / epsilon.
    Laplace {
        /// How far one patient can move all numbers together (L1), in steps of the released integers.
        sensitivity: u128,
        /// Epsilon, in millionths.
        epsilon_micro: u64,
    },
    /// Discrete Gaussian: variance `magnitude`^2 x `squares` / (2 rho).
    Gaussian {
        /// The largest step that one row can make.
        magnitude: u128,
        /// The largest sum of squares of how many rows one patient can have in each group.
        squares: u128,
        /// Zero-concentrated privacy loss.
        rho: Rho,
    },
}

impl NoiseScale {
    /// The scale that hides a patient whose rows move their group by up to `magnitude` each, at a share of the loss.
    pub(crate) fn new(share: Share, influence: Influence, magnitude: u64) -> Self {
        let magnitude = u128::from(magnitude);
        match share {
            Share::Pure(epsilon_micro) => {
                Self::Laplace { sensitivity: influence.rows * magnitude, epsilon_micro }
            }
            Share::Concentrated(rho) => {
                Self::Gaussian { magnitude, squares: influence.squares, rho }
            }
        }
    }

    /// How far one patient can move the numbers, in steps: together (L1) for Laplace noise, by the root of the sum of squares (L2)
    /// for Gaussian.
    pub fn sensitivity(self) -> f64 {
        match self {
            Self::Laplace { sensitivity, .. } => sensitivity as f64,
            Self::Gaussian { magnitude, squares, .. } => magnitude as f64 * (squares as f64).sqrt(),
        }
    }

    /// The scale of Laplace noise as a fraction; zero for Gaussian noise.
    pub(super) fn laplace(self) -> RBig {
        match self {
            Self::Laplace { sensitivity, epsilon_micro } => RBig::from_parts(
                IBig::from(sensitivity) * IBig::from(1_000_000),
                UBig::from(epsilon_micro),
            ),
            Self::Gaussian { .. } => RBig::ZERO,
        }
    }

    /// The variance parameter of Gaussian noise as a fraction; zero for Laplace noise.
    pub(super) fn variance(self) -> RBig {
        match self {
            Self::Gaussian { magnitude, squares, rho } => {
                let magnitude = IBig::from(magnitude);
                RBig::from_parts(
                    &magnitude
                        * &magnitude
                        * IBig::from(squares)
                        * IBig::from(1_000_000_000_000_u64),
                    UBig::from(rho.pico()) * UBig::from(2_u8),
                )
            }
            Self::Laplace { .. } => RBig::ZERO,
        }
    }

    /// The scale of Gaussian noise as a fraction that is at least the root of its variance, by less than a part in a billion where
    /// it is above one.
    pub(super) fn gaussian(self) -> RBig {
        let variance = self.variance();
        if variance == RBig::ZERO {
            return RBig::ZERO;
        }
        // ceil(sqrt(ceil(variance x 2^64))) / 2^32.
        let scaled: IBig = (variance * RBig::from(UBig::ONE << 64)).ceil();
        let scaled = UBig::try_from(scaled).unwrap_or(UBig::ZERO);
        let root = scaled.sqrt() + UBig::ONE;
        RBig::from_parts(root.into(), UBig::ONE << 32)
    }

    /// Scale of Laplace noise, standard deviation of Gaussian noise, as a number to show.
    pub fn approximate(self) -> f64 {
        match self {
            Self::Laplace { sensitivity, epsilon_micro } => {
                sensitivity as f64 * 1e6 / epsilon_micro as f64
            }
            Self::Gaussian { rho, .. } => self.sensitivity() / (2.0 * rho.number()).sqrt(),
        }
    }

    /// The smallest whole half-width that noise of this scale leaves with at most probability `outside`; for wide Gaussian noise
    /// up to two more.
    ///
    /// Laplace: P(|X| > t) = 2 p^(t+1) / (1 + p) with p = exp(-1/scale). Gaussian: exact sums where it is narrow, else the
    /// continuous distribution, which has the heavier tails one step further out (Canonne, Kamath and Steinke, proposition 25).
    pub fn half_width(self, outside: f64) -> f64 {
        let scale = self.approximate();
        if scale == 0.0 {
            return 0.0;
        }
        match self {
            Self::Laplace { .. } => {
                let p = (-1.0 / scale).exp();
                ((scale * (2.0 / (outside * (1.0 + p))).ln()).ceil() - 1.0).max(0.0)
            }
            Self::Gaussian { .. } if scale < 50.0 => {
                let weight = |x: f64| (-x * x / (2.0 * scale * scale)).exp();
                let reach = (scale * 40.0).ceil() as u32 + 1;
                let tail = |from: u32| (from..=reach).map(|x| weight(f64::from(x))).sum::<f64>();
                let whole = 1.0 + 2.0 * tail(1);
                let fits = |width: &u32| 2.0 * tail(width + 1) <= outside * whole;
                f64::from((0..reach).find(fits).unwrap_or(reach))
            }
            Self::Gaussian { .. } => (scale * normal_quantile(outside / 2.0)).ceil() + 1.0,
        }
    }

    /// The smallest whole threshold t for which noise is at least t - 1 with probability at most `outside`, in each of `groups` groups
    /// together.
    pub(crate) fn threshold(self, outside: f64, groups: u32) -> u64 {
        let outside = outside / f64::from(groups.max(1));
        let scale = self.approximate();
        let beyond = match self {
            // P(X >= k) = p^k / (1 + p) for k >= 1.
            Self::Laplace { .. } => {
                let p = (-1.0 / scale).exp();
                (scale * -(outside * (1.0 + p)).ln()).ceil()
            }
            // P(X >= k) <= P(N >= k - 1) for the continuous variable N.
            Self::Gaussian { .. } => (scale * normal_quantile(outside)).ceil() + 1.0,
        };
        // A part in a billion more, so that rounding in this arithmetic cannot matter.
        (beyond.max(1.0) * (1.0 + 1e-9)).ceil() as u64 + 1
    }
}

/// The z for which a standard normal variable is above z with probability `above` (below one half).
pub(crate) fn normal_quantile(above: f64) -> f64 {
    let tail = |z: f64| 0.5 * libm::erfc(z / std::f64::consts::SQRT_2);
    let (mut low, mut high) = (0.0_f64, 40.0_f64);
    for _ in 0..100 {
        let middle = low.midpoint(high);
        if tail(middle) > above { low = middle } else { high = middle }
    }
    high
}
