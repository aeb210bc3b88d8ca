//! Counting classes in a table that has a place for every combination of values.
//!
//! Coarse candidates have few combinations, often fewer than there are cells to count. Then a class needs no looking for: the
//! place of a combination is a sum of one lookup for a few attributes at a time, and nothing is compared.

use super::Problem;
use super::classes::{Cell, Field};
use super::span::{Span, add_up};

/// Places for each cell that is counted at most, so that clearing and reading the table costs no more than the counting.
const SPARSE: usize = 4;
/// Places that are no burden however few cells are counted.
const ALWAYS: usize = 1 << 10;

/// The numbers of all combinations of values at some levels, seen from cells at finer ones.
pub(super) struct Combinations<const W: usize> {
    /// From a cell's key to the number of its combination.
    spans: Vec<Span<u32>>,
    /// The keys of the combinations of the first attributes, and those of the last: a combination's number is that of the first
    /// part times the count of last parts, plus that of the last.
    first: Vec<[u64; W]>,
    last: Vec<[u64; W]>,
}

impl<const W: usize> Combinations<W> {
    /// From some levels to coarser ones; `None` if there are too many combinations for so many cells.
    pub(super) fn between(
        problem: &Problem,
        fields: &[Field],
        from: &[u8],
        to: &[u8],
        cells: usize,
    ) -> Option<Combinations<W>> {
        let all = combinations(problem, to)?;
        if all > (cells * SPARSE).max(ALWAYS) {
            return None;
        }
        let mut stride = all;
        let mut tables = Vec::new();
        let (mut first, mut last) = (vec![[0; W]], vec![[0; W]]);
        for (attribute, &field) in fields.iter().enumerate().take(to.len()) {
            let levels = &problem.attributes[attribute].levels;
            let (below, above) = (from[attribute] as usize, to[attribute] as usize);
            let count = levels[above].cost.len();
            stride /= count.max(1);
            if count <= 1 {
                continue;
            }
            let mut table = vec![0_u32; field.values()];
            for (value, above) in levels[below].of_leaf.iter().zip(&levels[above].of_leaf) {
                table[*value as usize] = above * stride as u32;
            }
            tables.push((field, table));
            // The last parts are the inner loop: as long as the square root of all, or longer.
            let part = if stride * stride >= all { &mut first } else { &mut last };
            *part = combined(part, field, count as u32);
        }
        let tables: Vec<_> = tables.iter().map(|(field, table)| (*field, &table[..])).collect();
        Some(Combinations { spans: Span::join(&tables, cells), first, last })
    }

    /// Counts the cells into `table`, and makes them into those of the coarser levels.
    pub(super) fn count(&self, cells: &[Cell<W>], table: &mut Vec<u32>, out: &mut Vec<Cell<W>>) {
        table.clear();
        table.resize(self.first.len() * self.last.len(), 0);
        add_up(&self.spans, cells, |place, count| table[place as usize] += count);
        out.clear();
        for (first, counts) in self.first.iter().zip(table.chunks_exact(self.last.len())) {
            for (last, &count) in self.last.iter().zip(counts) {
                if count > 0 {
                    let key = std::array::from_fn(|word| first[word] | last[word]);
                    out.push(Cell { key, count, population: count });
                }
            }
        }
    }
}

/// How many combinations of values there are at these levels; `None` if they are more than can be counted.
pub(super) fn combinations(problem: &Problem, levels: &[u8]) -> Option<usize> {
    let mut values = problem
        .attributes
        .iter()
        .zip(levels)
        .map(|(attribute, &level)| attribute.levels[level as usize].cost.len());
    values.try_fold(1_usize, usize::checked_mul)
}

/// Every key with every value in a field.
fn combined<const W: usize>(keys: &[[u64; W]], field: Field, values: u32) -> Vec<[u64; W]> {
    let with = |key: &[u64; W]| {
        let key = *key;
        (0..values).map(move |value| {
            let mut key = key;
            field.write(&mut key, value);
            key
        })
    };
    keys.iter().flat_map(with).collect()
}
