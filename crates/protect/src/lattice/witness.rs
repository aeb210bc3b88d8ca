//! The search without suppression, by witnesses.
//!
//! Without suppression a candidate is allowed if every class meets every model, coarser candidates of allowed ones are
//! allowed, and what a candidate loses is known without counting. So the candidates are taken in the order of what they
//! lose, and the first allowed one is the optimum.
//!
//! Most are not allowed, and one row usually tells: the *witness*. For every other row there is a lowest level of each
//! attribute at which it agrees with the witness; adding up the rows by these levels, and then along each attribute,
//! gives the size of the witness's class in all candidates of the lattice at once, for the price of one counting. A few
//! witnesses are asked in one pass, side by side ([`Lanes`]).

use std::iter::Sum;
use std::ops::Add;

use super::Problem;
use super::classes::Cell;
use super::span::{Span, add_up};
use super::walk::Walk;

/// Lattices larger than this are walked instead.
const LARGEST: u128 = 1 << 22;
/// Witnesses that are asked at once.
pub(super) const WITNESSES: usize = 4;
/// How many times fewer cells a lookup of lanes is sized for: its table holds as many numbers as there are lanes.
const NARROWER: usize = 4;

/// A number for each witness.
#[derive(Clone, Copy)]
struct Lanes([u32; WITNESSES]);

impl Lanes {
    const ZERO: Lanes = Lanes([0; WITNESSES]);
}

impl Add for Lanes {
    type Output = Lanes;

    #[inline]
    fn add(self, other: Lanes) -> Lanes {
        Lanes(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }
}

impl Sum for Lanes {
    fn sum<I: Iterator<Item = Lanes>>(lanes: I) -> Lanes {
        lanes.fold(Lanes::ZERO, Add::add)
    }
}

/// Whether the lattice is small enough to hold a number for each of its candidates.
pub(super) fn fits(problem: &Problem) -> bool {
    let levels = problem.attributes.iter().map(|attribute| attribute.levels.len() as u128);
    levels.fold(1_u128, u128::saturating_mul) <= LARGEST
}

/// Finds the optimum into `walk`.
pub(super) fn search<const W: usize>(walk: &mut Walk<'_, W>) {
    let lattice = Lattice::new(walk.problem);
    walk.classes.on_the_way = false;
    let mut ranks = walk.scorer.ranks();
    let mut sizes = vec![Lanes::ZERO; ranks.len()];
    // Infinite ranks are candidates that are not allowed.
    while let Some(index) = lowest(&ranks) {
        let levels = lattice.levels(index);
        if walk.patience_ends() {
            return;
        }
        let finding = walk.count(&levels);
        if walk.consider(&levels, &finding).is_some() {
            return;
        }
        let witnesses = walk.loneliest(&levels);
        if witnesses.is_empty() {
            lattice.finer(&levels, |finer| ranks[finer] = f64::INFINITY);
            continue;
        }
        // With fewer witnesses some are asked twice.
        let asked = std::array::from_fn(|lane| witnesses[lane % witnesses.len()]);
        lattice.class_sizes(walk, &asked, &mut sizes);
        let k = walk.problem.k;
        for (rank, size) in ranks.iter_mut().zip(&sizes) {
            if size.0.iter().any(|size| *size < k) {
                *rank = f64::INFINITY;
            }
        }
    }
}

/// The first of the lowest.
fn lowest(ranks: &[f64]) -> Option<usize> {
    let mut best = (f64::INFINITY, None);
    for (index, &rank) in ranks.iter().enumerate() {
        if rank < best.0 {
            best = (rank, Some(index));
        }
    }
    best.1
}

/// Candidates numbered so that the last attribute varies fastest.
struct Lattice<'p> {
    problem: &'p Problem,
    heights: Vec<usize>,
    size: usize,
}

impl<'p> Lattice<'p> {
    fn new(problem: &'p Problem) -> Lattice<'p> {
        let heights: Vec<usize> = problem.attributes.iter().map(|a| a.levels.len()).collect();
        Lattice { problem, size: heights.iter().product(), heights }
    }

    fn levels(&self, mut index: usize) -> Vec<u8> {
        let mut levels = vec![0; self.heights.len()];
        for (level, height) in levels.iter_mut().zip(&self.heights).rev() {
            *level = (index % height) as u8;
            index /= height;
        }
        levels
    }

    /// Every candidate that is nowhere coarser than `levels`, itself included.
    fn finer(&self, levels: &[u8], mut each: impl FnMut(usize)) {
        let mut indices = vec![0];
        for (&level, height) in levels.iter().zip(&self.heights) {
            let next = |index: &usize| {
                let first = index * height;
                first..=first + level as usize
            };
            indices = indices.iter().flat_map(next).collect();
        }
        indices.into_iter().for_each(&mut each);
    }

    /// For every candidate the sizes of the classes that these finest cells are in.
    fn class_sizes<const W: usize>(
        &self,
        walk: &Walk<'_, W>,
        witnesses: &[Cell<W>; WITNESSES],
        sizes: &mut [Lanes],
    ) {
        sizes.fill(Lanes::ZERO);
        let mut stride = self.size;
        let mut tables = Vec::new();
        for (position, attribute) in self.problem.attributes.iter().enumerate() {
            stride /= self.heights[position];
            let field = walk.fields[position];
            // Where a row counts first, by its leaf; beyond the end if it never agrees.
            let mut table = vec![Lanes([self.size as u32; WITNESSES]); field.values()];
            for (lane, witness) in witnesses.iter().enumerate() {
                let own = field.read(&witness.key);
                for (height, level) in attribute.levels.iter().enumerate().rev() {
                    let value = level.of_leaf[own];
                    for (place, other) in table.iter_mut().zip(&level.of_leaf) {
                        if *other == value {
                            place.0[lane] = (height * stride) as u32;
                        }
                    }
                }
            }
            tables.push((field, table));
        }
        let tables: Vec<_> =
            tables.iter().map(|(field, table)| (*field, table.as_slice())).collect();
        let cells = walk.classes.finest_cells();
        add_up(&Span::join(&tables, cells.len() / NARROWER), cells, |places, count| {
            for (lane, place) in places.0.into_iter().enumerate() {
                if let Some(size) = sizes.get_mut(place as usize) {
                    size.0[lane] += count;
                }
            }
        });
        self.add_up(sizes);
    }

    /// Along each attribute, adds to every candidate what is at finer levels.
    fn add_up(&self, sizes: &mut [Lanes]) {
        let mut stride = 1;
        for &height in self.heights.iter().rev() {
            for block in sizes.chunks_exact_mut(stride * height) {
                for level in 1..height {
                    let (below, here) = block[(level - 1) * stride..].split_at_mut(stride);
                    here[..stride].iter_mut().zip(below).for_each(|(h, b)| *h = *h + *b);
                }
            }
            stride *= height;
        }
    }
}
