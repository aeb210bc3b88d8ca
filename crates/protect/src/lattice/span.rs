//! Looking up something for every field of a cell and adding it up, a few fields at a time.

use std::iter::Sum;
use std::ops::Add;

use super::classes::{Cell, Field};

/// Bits that one lookup takes at most; its table stays in the fastest cache.
const WIDEST: u32 = 11;
/// Bits that one lookup takes if there are few cells, so that making the table is not the work.
const NARROWEST: u32 = 6;

/// Neighbouring fields that are looked up together, and the sum of what is looked up for each of them.
pub(super) struct Span<T> {
    pub(super) field: Field,
    table: Vec<T>,
}

impl<T: Copy + Add<Output = T>> Span<T> {
    /// Joins the tables of fields, each as long as its field can tell values apart, for so many cells. A field without a table is
    /// skipped.
    pub(super) fn join(parts: &[(Field, &[T])], cells: usize) -> Vec<Span<T>> {
        let bits = cells.max(1).ilog2().clamp(NARROWEST, WIDEST);
        let mut spans: Vec<Span<T>> = Vec::new();
        for &(field, table) in parts {
            match spans.last_mut().and_then(|span| Some((span.field.joined(field, bits)?, span))) {
                Some((joined, span)) => {
                    let sums =
                        span.table.iter().flat_map(|high| table.iter().map(|low| *high + *low));
                    span.table = sums.collect();
                    span.field = joined;
                }
                None => spans.push(Span { field, table: table.to_vec() }),
            }
        }
        spans
    }

    #[inline]
    pub(super) fn look_up<const W: usize>(&self, key: &[u64; W]) -> T {
        self.table[self.field.read(key)]
    }
}

/// Calls with what is looked up for each cell, added up, and with the cell's count.
#[inline]
pub(super) fn add_up<T: Copy + Add<Output = T> + Sum, const W: usize>(
    spans: &[Span<T>],
    cells: &[Cell<W>],
    each: impl FnMut(T, u32),
) {
    // Loops of a known length are twice as fast.
    match spans {
        [a] => through(cells, |key| a.look_up(key), each),
        [a, b] => through(cells, |key| a.look_up(key) + b.look_up(key), each),
        [a, b, c] => {
            through(cells, |key| a.look_up(key) + b.look_up(key) + c.look_up(key), each);
        }
        [a, b, c, d] => {
            let sum = |key: &_| a.look_up(key) + b.look_up(key) + (c.look_up(key) + d.look_up(key));
            through(cells, sum, each);
        }
        all => through(cells, |key| all.iter().map(|span| span.look_up(key)).sum(), each),
    }
}

#[inline]
fn through<T, const W: usize>(
    cells: &[Cell<W>],
    sum: impl Fn(&[u64; W]) -> T,
    mut each: impl FnMut(T, u32),
) {
    cells.iter().for_each(|cell| each(sum(&cell.key), cell.count));
}
