//! Classes of rows as packed cells, and the making of coarser ones from finer ones.
//!
//! A cell is the value of every attribute, packed into a few words, with the number of rows that show it. To go up in
//! the lattice, cells are counted in a table of all combinations of values where these are few (`dense`). Otherwise the
//! fields of the attributes that change are replaced through a table, and equal cells are merged in an open-addressing hash
//! table that holds positions only. Cells of candidates that were met before are kept while they are
//! much fewer than those they came from, and the smallest kept one that is finer is where the next candidate starts.

use std::collections::HashSet;

use super::Problem;
use super::dense::{self, Combinations};
use super::span::Span;

/// Where each attribute lies in a cell: attributes in their order from the highest bits on, so that sorted cells are
/// sorted by the first attributes first. Sensitive attributes come last.
pub(super) struct Layout {
    pub(super) fields: Vec<Field>,
    pub(super) words: usize,
    pub(super) bits: u32,
    /// How many of the fields are quasi-identifiers.
    pub(super) quasi: usize,
}

/// A part of a cell.
#[derive(Clone, Copy)]
pub(super) struct Field {
    word: usize,
    shift: u32,
    mask: u64,
}

impl Field {
    #[inline]
    pub(super) fn read<const W: usize>(self, key: &[u64; W]) -> usize {
        ((key[self.word] >> self.shift) & self.mask) as usize
    }

    /// The word of the key that it lies in.
    fn word(self) -> usize {
        self.word
    }

    /// How many values it can tell apart.
    pub(super) fn values(self) -> usize {
        self.mask as usize + 1
    }

    /// Writes a value into an empty field, as far as the field is wide.
    pub(super) fn write<const W: usize>(self, key: &mut [u64; W], value: u32) {
        key[self.word] |= (u64::from(value) & self.mask) << self.shift;
    }
}

impl Field {
    /// Both fields as one, if the other one follows this one directly and both have no more than so many bits together.
    pub(super) fn joined(self, next: Field, most: u32) -> Option<Field> {
        let bits = next.mask.count_ones();
        let follows = self.word == next.word && self.shift == next.shift + bits;
        (follows && self.mask.count_ones() + bits <= most).then_some(Field {
            word: self.word,
            shift: next.shift,
            mask: (self.mask << bits) | next.mask,
        })
    }
}

impl Layout {
    pub(super) fn of(problem: &Problem) -> Layout {
        let quasi = problem.attributes.iter().map(|attribute| {
            let leaves = attribute.levels.first().map_or(0, |level| level.of_leaf.len());
            let values = attribute.levels.iter().map(|level| level.cost.len()).max();
            values.unwrap_or(0).max(leaves)
        });
        let sensitive = problem.sensitive.iter().map(|sensitive| sensitive.distinct);
        let mut layout =
            Layout { fields: Vec::new(), words: 0, bits: 0, quasi: problem.attributes.len() };
        let mut free = 0;
        for values in quasi.chain(sensitive) {
            let bits = (values.max(2) - 1).ilog2() + 1;
            if free < bits {
                (layout.words, free) = (layout.words + 1, 64);
            }
            free -= bits;
            layout.bits += bits;
            let field = Field { word: layout.words - 1, shift: free, mask: (1 << bits) - 1 };
            layout.fields.push(field);
        }
        layout
    }
}

/// Rows that agree in everything that the cell holds.
#[derive(Clone, Copy)]
pub(super) struct Cell<const W: usize> {
    pub(super) key: [u64; W],
    /// Rows of the table.
    pub(super) count: u32,
    /// Rows of the population, among them those of the table.
    pub(super) population: u32,
}

/// How far a kept candidate must shrink against its source to be worth keeping, in eighths.
const WORTH_KEEPING: usize = 6;
/// How many times fewer combinations than finest cells a candidate must have to be made on the way.
const MUCH_FEWER: usize = 4;
/// Cells that are kept at most, in multiples of the finest ones.
const KEPT: usize = 12;
/// Cells that may be kept however few the finest ones are.
const ALWAYS_KEPT: usize = 1 << 22;
/// One class in so many is a sample of them.
const SAMPLED: u64 = 16;
/// Combinations that are counted in a table that stays in a near cache, so that a sample is of no use.
const SOON_COUNTED: usize = 1 << 18;

/// The cells of any candidate of one problem.
pub(super) struct Grouper<'p, const W: usize> {
    problem: &'p Problem,
    fields: Vec<Field>,
    quasi: usize,
    /// Attributes, the one with the most values first.
    order: Vec<usize>,
    kept: Vec<Kept<W>>,
    /// For each kept candidate its levels and how many cells it has.
    sizes: Vec<(Packed, usize)>,
    /// Finer candidates that turned out too large to be kept, and are not made again on the way.
    large: HashSet<Vec<u8>>,
    /// Whether finer candidates are made on the way; it pays if the next candidates are neighbours.
    pub(super) on_the_way: bool,
    room: usize,
    clock: u64,
    /// For each attribute, from level times levels plus to level: a value's new field, in its place.
    tables: Vec<Vec<Option<Box<[u64]>>>>,
    slots: Vec<u32>,
    /// Cells, or combinations, up to which there is no sample: see [`SOON_COUNTED`].
    pub(super) soon_counted: usize,
    /// Whether classes may be counted in a table: cells hold nothing but quasi-identifiers, and there is no population.
    dense: bool,
    counts: Vec<u32>,
    current: Vec<Cell<W>>,
}

struct Kept<const W: usize> {
    levels: Vec<u8>,
    cells: Vec<Cell<W>>,
    used: u64,
}

impl<'p, const W: usize> Grouper<'p, W> {
    /// Groups the rows. With `sensitive`, cells hold the sensitive attributes too.
    pub(super) fn new(problem: &'p Problem, layout: &Layout, sensitive: bool) -> Grouper<'p, W> {
        let fields =
            if sensitive { layout.fields.clone() } else { layout.fields[..layout.quasi].to_vec() };
        let tables = problem.attributes.iter().map(|attribute| {
            let levels = attribute.levels.len();
            (0..levels * levels).map(|_| None).collect()
        });
        let mut grouper = Grouper {
            problem,
            fields,
            quasi: layout.quasi,
            order: problem.order(),
            kept: Vec::new(),
            sizes: Vec::new(),
            large: HashSet::new(),
            on_the_way: true,
            room: 0,
            clock: 0,
            tables: tables.collect(),
            slots: Vec::new(),
            soon_counted: SOON_COUNTED,
            dense: !sensitive && problem.presence.is_none(),
            counts: Vec::new(),
            current: Vec::new(),
        };
        let cells = grouper.finest();
        grouper.room = (KEPT * cells.len()).max(ALWAYS_KEPT);
        grouper.sizes.push((Packed::default(), cells.len()));
        grouper.kept.push(Kept { levels: vec![0; layout.quasi], cells, used: u64::MAX });
        grouper
    }

    /// Rows packed and counted.
    fn finest(&mut self) -> Vec<Cell<W>> {
        let problem = self.problem;
        let everybody = problem.attributes.first().map_or(problem.rows, |a| a.leaves.len());
        let mut columns: Vec<(Field, &[u32])> = Vec::new();
        for (attribute, field) in problem.attributes.iter().zip(&self.fields) {
            columns.push((*field, &attribute.leaves));
        }
        for (sensitive, field) in problem.sensitive.iter().zip(&self.fields[self.quasi..]) {
            columns.push((*field, &sensitive.values));
        }
        // Rows of the population alone have no sensitive value; the table's row count decides which they are.
        let mut merged = Merger::new(&mut self.slots, Vec::new());
        merged.expect(everybody);
        let mut keys = vec![[0_u64; W]; everybody];
        for (field, column) in columns {
            for (key, &value) in keys.iter_mut().zip(column) {
                field.write(key, value);
            }
        }
        for (row, key) in keys.into_iter().enumerate() {
            let of_table = row < problem.rows;
            let population = u32::from(!of_table || everybody == problem.rows);
            merged.add(Cell { key, count: u32::from(of_table), population });
        }
        merged.cells
    }

    /// The cells of a candidate; valid until the next call.
    ///
    /// On the way some finer candidates are made and kept: those with the first few attributes of the order as they are
    /// asked for, and the others at their finest. Neighbours in the walk share them.
    pub(super) fn cells(&mut self, levels: &[u8]) -> &[Cell<W>] {
        let mut finer = vec![0; levels.len()];
        let steps = if self.on_the_way { levels.len().saturating_sub(1) } else { 0 };
        for position in 0..steps {
            let attribute = self.order[position];
            finer[attribute] = levels[attribute];
            if levels[attribute] > 0 && self.pays(&finer) {
                self.classes(&finer);
                if self.kept.iter().all(|kept| kept.levels != finer) {
                    self.large.insert(finer.clone());
                }
            }
        }
        self.classes(levels)
    }

    /// Whether it pays to make a finer candidate on the way. Where classes are counted in a table, another candidate is so
    /// quickly made from the finest cells that only one with much fewer is of use.
    fn pays(&self, finer: &[u8]) -> bool {
        let few = !self.dense
            || dense::combinations(self.problem, finer)
                .is_some_and(|all| all <= self.kept[0].cells.len() / MUCH_FEWER);
        few && !self.large.contains(finer)
    }

    /// Some of the cells of a candidate, where making all of them is much more work: each is whole, so that it holds
    /// every row that shows its values. Valid until the next call.
    pub(super) fn sample(&mut self, levels: &[u8]) -> Option<&[Cell<W>]> {
        let source = self.source(levels);
        let fewest = dense::combinations(self.problem, levels).unwrap_or(usize::MAX);
        if fewest.min(self.kept[source].cells.len()) <= self.soon_counted {
            return None;
        }
        self.merge(source, levels, |key| (hash(key) >> 32) % SAMPLED == 0);
        Some(&self.current)
    }

    /// The kept candidate with the fewest cells that is nowhere coarser.
    fn source(&self, levels: &[u8]) -> usize {
        let packed = Packed::of(levels);
        let mut best = (0, usize::MAX);
        for (index, (kept, cells)) in self.sizes.iter().enumerate() {
            if *cells < best.1 && kept.is_finer(packed) && self.is_finer(index, levels) {
                best = (index, *cells);
            }
        }
        best.0
    }

    fn classes(&mut self, levels: &[u8]) -> &[Cell<W>] {
        self.clock += 1;
        let clock = self.clock;
        let best = self.source(levels);
        if self.kept[best].levels == levels {
            if self.kept[best].used != u64::MAX {
                self.kept[best].used = clock;
            }
            return &self.kept[best].cells;
        }
        self.roll_up(best, levels);
        let source = self.kept[best].cells.len();
        if self.kept[best].used != u64::MAX {
            self.kept[best].used = clock;
        }
        if self.current.len() * 8 <= source * WORTH_KEEPING && self.current.len() <= self.room {
            self.keep(levels);
        }
        &self.current
    }

    /// What [`Packed`] cannot tell of attributes that it has no room for.
    fn is_finer(&self, index: usize, levels: &[u8]) -> bool {
        (levels.len() <= Packed::ROOM && levels.iter().all(|level| *level < 127))
            || self.kept[index].levels.iter().zip(levels).all(|(finer, level)| finer <= level)
    }

    fn keep(&mut self, levels: &[u8]) {
        while self.current.len() > self.room {
            let oldest = (1..self.kept.len()).min_by_key(|&index| self.kept[index].used);
            let Some(oldest) = oldest else { return };
            self.room += self.kept.swap_remove(oldest).cells.len();
            self.sizes.swap_remove(oldest);
        }
        self.room -= self.current.len();
        let (levels, cells) = (levels.to_vec(), self.current.clone());
        self.sizes.push((Packed::of(&levels), cells.len()));
        self.kept.push(Kept { levels, cells, used: self.clock });
    }

    fn roll_up(&mut self, source: usize, levels: &[u8]) {
        let Kept { levels: from, cells, .. } = &self.kept[source];
        if self.dense
            && let Some(combinations) =
                Combinations::between(self.problem, &self.fields, from, levels, cells.len())
        {
            return combinations.count(cells, &mut self.counts, &mut self.current);
        }
        self.merge(source, levels, |_| true);
    }

    /// Rolls up by comparing cells, of which there may be any number, those whose new keys are `taken`.
    fn merge(&mut self, source: usize, levels: &[u8], taken: impl Fn(&[u64; W]) -> bool) {
        let from = self.kept[source].levels.clone();
        let mut keep = [u64::MAX; W];
        let mut changed = Vec::new();
        for attribute in 0..self.quasi {
            let (below, above) = (from[attribute] as usize, levels[attribute] as usize);
            if below != above {
                let field = self.fields[attribute];
                keep[field.word] &= !(field.mask << field.shift);
                self.prepare(attribute, below, above);
                changed.push((field, attribute, below, above));
            }
        }
        let cells = &self.kept[source].cells;
        let tables: Vec<(Field, &[u64])> = changed
            .iter()
            .filter_map(|&(field, attribute, below, above)| {
                let levels = self.problem.attributes[attribute].levels.len();
                Some((field, self.tables[attribute][below * levels + above].as_deref()?))
            })
            .collect();
        let spans: Vec<(usize, Span<u64>)> = Span::join(&tables, cells.len())
            .into_iter()
            .map(|span| (span.field.word(), span))
            .collect();
        let mut merged = Merger::new(&mut self.slots, std::mem::take(&mut self.current));
        for cell in cells {
            let mut key = cell.key;
            for word in 0..W {
                key[word] &= keep[word];
            }
            for (word, span) in &spans {
                key[*word] |= span.look_up(&cell.key);
            }
            if taken(&key) {
                merged.add(Cell { key, ..*cell });
            }
        }
        self.current = merged.cells;
    }

    /// Makes the table by which an attribute goes from one level to another, if it was not made before.
    fn prepare(&mut self, attribute: usize, below: usize, above: usize) {
        let levels = &self.problem.attributes[attribute].levels;
        let place = below * levels.len() + above;
        if self.tables[attribute][place].is_some() {
            return;
        }
        let field = self.fields[attribute];
        // As long as the field can tell values apart, so that no lookup needs a test.
        let mut table = vec![0_u64; field.mask as usize + 1];
        for (from, to) in levels[below].of_leaf.iter().zip(&levels[above].of_leaf) {
            table[*from as usize] = u64::from(*to) << field.shift;
        }
        self.tables[attribute][place] = Some(table.into_boxed_slice());
    }

    /// The cells of the candidate that shows every leaf.
    pub(super) fn finest_cells(&self) -> &[Cell<W>] {
        &self.kept[0].cells
    }
}

/// The levels of the first attributes, seven bits and a guard bit for each, so that all are compared at once.
#[derive(Clone, Copy, Default)]
struct Packed(u128);

impl Packed {
    const ROOM: usize = 16;
    const GUARDS: u128 = 0x8080_8080_8080_8080_8080_8080_8080_8080;

    fn of(levels: &[u8]) -> Packed {
        // A level above 127 counts as 127, which only makes the answer a question for the levels themselves.
        let pack = |packed: u128, level: &u8| (packed << 8) | u128::from((*level).min(127));
        Packed(levels.iter().take(Packed::ROOM).fold(0, pack))
    }

    /// Whether no level is above the other's: no guard bit is borrowed from.
    #[inline]
    fn is_finer(self, other: Packed) -> bool {
        ((other.0 | Packed::GUARDS) - self.0) & Packed::GUARDS == Packed::GUARDS
    }
}

/// Merges equal cells: an open-addressing table of positions into the list of different ones. It begins small and grows,
/// so that few classes stay in the fastest cache however many cells they are made from.
struct Merger<'s, const W: usize> {
    slots: &'s mut Vec<u32>,
    shift: u32,
    mask: usize,
    /// Cells with which the table is half full.
    room: usize,
    cells: Vec<Cell<W>>,
}

const FREE: u32 = u32::MAX;
/// Slots at the beginning.
const FIRST_SLOTS: usize = 1 << 10;

impl<'s, const W: usize> Merger<'s, W> {
    /// Without cells; takes the place of `cells`.
    fn new(slots: &'s mut Vec<u32>, mut cells: Vec<Cell<W>>) -> Merger<'s, W> {
        cells.clear();
        let mut merger = Merger { slots, shift: 0, mask: 0, room: 0, cells };
        merger.resize(FIRST_SLOTS);
        merger
    }

    /// Makes room for so many cells.
    fn expect(&mut self, cells: usize) {
        self.resize((cells * 2).next_power_of_two().max(FIRST_SLOTS));
    }

    fn resize(&mut self, size: usize) {
        self.slots.clear();
        self.slots.resize(size, FREE);
        (self.shift, self.mask, self.room) = (64 - size.ilog2(), size - 1, size / 2);
        for position in 0..self.cells.len() {
            let mut slot = self.slot(&self.cells[position].key);
            while self.slots[slot] != FREE {
                slot = (slot + 1) & self.mask;
            }
            self.slots[slot] = position as u32;
        }
    }

    /// Kept out of the way of what happens most.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        self.resize(self.slots.len() * 4);
    }

    #[inline(always)]
    fn add(&mut self, cell: Cell<W>) {
        if self.cells.len() == self.room {
            self.grow();
        }
        let mut slot = self.slot(&cell.key);
        loop {
            let at = self.slots[slot];
            if at == FREE {
                self.slots[slot] = self.cells.len() as u32;
                self.cells.push(cell);
                return;
            }
            let known = &mut self.cells[at as usize];
            if known.key == cell.key {
                known.count += cell.count;
                known.population += cell.population;
                return;
            }
            slot = (slot + 1) & self.mask;
        }
    }

    #[inline]
    fn slot(&self, key: &[u64; W]) -> usize {
        (hash(key) >> self.shift) as usize
    }
}

/// Multiplication by an odd constant near 2^64 divided by the golden ratio (Knuth, vol. 3, 6.4); its high bits
/// depend on all bits of the word.
#[inline]
fn hash<const W: usize>(key: &[u64; W]) -> u64 {
    let mut hash = 0_u64;
    for word in key {
        hash = (hash.rotate_left(29) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    // Fields in the high bits of a word reach the high bits of a product only by themselves; fold once more.
    hash ^= hash >> 32;
    hash.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
