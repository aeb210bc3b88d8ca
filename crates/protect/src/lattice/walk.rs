//! The walk through the lattice, from coarse to fine, with bounds.
//!
//! Attributes get their levels one after the other, the one with the most values first, each from its coarsest level
//! down. So every candidate is met after all coarser ones, and below a set of chosen levels lies a whole part of the
//! lattice whose coarsest candidate is met first. Rows that stand out there (too few look like them, or too few values
//! are among those who do) stand out in the whole part: this gives the part a bound, and it is left alone if the bound
//! says that nothing better is in it. A candidate's bound is the best that its direct neighbours above give it.
//!
//! Before the walk, a descent from the coarsest candidate finds a good one to compare with.

use std::collections::HashMap;

use super::classes::{Cell, Field, Grouper, Layout};
use super::models::{Judge, Verdict};
use super::score::{Counted, Lost, Scorer};
use super::witness::WITNESSES;
use super::{Optimum, Problem};

/// Lattices up to this size are remembered in an array.
const DENSE: u128 = 1 << 23;
/// Bounds are compared with this slack, so that no tie is missed by rounding.
const SLACK: f64 = 1e-12;

/// One search.
pub(super) struct Walk<'p, const W: usize> {
    pub(super) problem: &'p Problem,
    pub(super) scorer: Scorer<'p>,
    pub(super) classes: Grouper<'p, W>,
    /// Where each attribute lies in a class's key.
    pub(super) fields: Vec<Field>,
    /// Classes with their sensitive values, where there are models about them.
    detailed: Option<Detailed<'p, W>>,
    /// Attributes, the one with the most values first.
    order: Vec<usize>,
    known: Known,
    best: Option<Best>,
    counted: u64,
    gave_up: bool,
}

struct Best {
    rank: f64,
    suppressed: u64,
    levels: Vec<u8>,
}

struct Detailed<'p, const W: usize> {
    cells: Grouper<'p, W>,
    judges: Vec<Judge<'p>>,
    fields: Vec<Field>,
    /// Keeps the quasi-identifiers of a key.
    mask: [u64; W],
    sorted: Vec<Cell<W>>,
}

/// How a candidate turned out.
pub(super) struct Finding {
    pub(super) counted: Counted,
    /// Rows that are lost here and in every finer candidate.
    lost: u64,
    lost_costs: Vec<u64>,
}

impl<'p, const W: usize> Walk<'p, W> {
    pub(super) fn new(problem: &'p Problem, layout: &Layout) -> Walk<'p, W> {
        let detailed = (!problem.sensitive.is_empty()).then(|| Detailed::new(problem, layout));
        Walk {
            problem,
            scorer: Scorer::new(problem),
            classes: Grouper::new(problem, layout, false),
            fields: layout.fields[..layout.quasi].to_vec(),
            detailed,
            order: problem.order(),
            known: Known::new(problem),
            best: None,
            counted: 0,
            gave_up: false,
        }
    }

    /// Whether without suppression the objective is known without counting classes.
    pub(super) fn additive(&self) -> bool {
        self.scorer.additive()
    }

    pub(super) fn optimum(self) -> Option<Optimum> {
        let best = self.best?;
        Some(Optimum {
            score: self.scorer.score(best.rank),
            levels: best.levels.iter().map(|&level| level as usize).collect(),
            suppressed: best.suppressed,
            proven: !self.gave_up,
            candidates: self.known.size,
            counted: self.counted,
        })
    }

    pub(super) fn search(&mut self) {
        let mut levels: Vec<u8> =
            self.problem.attributes.iter().map(|a| (a.levels.len() - 1) as u8).collect();
        let top = self.visit(&levels, NONE);
        self.descend_greedily(levels.clone());
        self.walk(&mut levels, 0, top);
    }

    /// From a candidate to its best neighbour until none is better.
    fn descend_greedily(&mut self, mut here: Vec<u8>) {
        let mut rank = f64::INFINITY;
        loop {
            let mut next: Option<(f64, Vec<u8>)> = None;
            for attribute in 0..here.len() {
                let top = self.problem.attributes[attribute].levels.len() as u8 - 1;
                let steps = [here[attribute].checked_sub(1), Some(here[attribute] + 1)];
                for level in steps.into_iter().flatten().filter(|&level| level <= top) {
                    let mut levels = here.clone();
                    levels[attribute] = level;
                    let found = self.try_out(&levels);
                    if let Some(found) = found.filter(|f| next.as_ref().is_none_or(|n| *f < n.0)) {
                        next = Some((found, levels));
                    }
                }
            }
            match next {
                Some((better, levels)) if better < rank => (rank, here) = (better, levels),
                _ => return,
            }
        }
    }

    /// Counts a candidate unless it was counted before or cannot be better than the best; gives its rank if it is allowed.
    fn try_out(&mut self, levels: &[u8]) -> Option<f64> {
        let index = self.known.index(levels);
        if self.known.get(index).is_some_and(|(_, counted)| counted) || self.patience_ends() {
            return None;
        }
        let finding = self.count(levels);
        self.known.insert(index, finding.lost, &finding.lost_costs);
        self.consider(levels, &finding)
    }

    pub(super) fn patience_ends(&mut self) -> bool {
        self.gave_up |= self.problem.patience.is_some_and(|patience| self.counted >= patience);
        self.gave_up
    }

    /// All candidates below, with the first `depth` attributes of the order as they are in `levels` and the others at
    /// their coarsest. `above` is what is known of this coarsest one.
    fn walk(&mut self, levels: &mut Vec<u8>, depth: usize, above: u32) {
        if self.hopeless(levels, depth, above) || self.gave_up {
            return;
        }
        let Some(&attribute) = self.order.get(depth) else { return };
        let top = levels[attribute];
        self.walk(levels, depth + 1, above);
        for level in (0..top).rev() {
            levels[attribute] = level;
            let here = self.visit(levels, above);
            self.walk(levels, depth + 1, here);
        }
        levels[attribute] = top;
    }

    /// Whether nothing in a part of the lattice can be better than the best.
    fn hopeless(&self, levels: &[u8], depth: usize, above: u32) -> bool {
        let lost = self.known.lost(above);
        if lost.rows > self.problem.suppressible {
            return true;
        }
        let Some(best) = &self.best else { return false };
        let mut fixed = vec![false; levels.len()];
        self.order[..depth].iter().for_each(|&attribute| fixed[attribute] = true);
        self.scorer.at_least(levels, &lost, |attribute| fixed[attribute])
            > best.rank * (1.0 + SLACK)
    }

    /// Meets one candidate: bounds it by what its neighbours know, counts it if need be, and says where what is known of
    /// it stands.
    fn visit(&mut self, levels: &[u8], above: u32) -> u32 {
        let index = self.known.index(levels);
        if let Some((place, true)) = self.known.get(index) {
            return place;
        }
        let (place, bound) = self.best_bound(levels, index, above);
        if self.rules_out(self.known.lost(place).rows, bound) || self.patience_ends() {
            self.known.share(index, place);
            return place;
        }
        if let Some(place) = self.scout(levels) {
            self.known.share(index, place);
            return place;
        }
        let finding = self.count(levels);
        let place = self.known.insert(index, finding.lost, &finding.lost_costs);
        self.consider(levels, &finding);
        place
    }

    /// Whether a candidate in which so many rows are lost, and that is no better than the bound, cannot be the best.
    fn rules_out(&self, lost: u64, bound: f64) -> bool {
        let worse = self.best.as_ref().is_some_and(|best| bound > best.rank * (1.0 + SLACK));
        lost > self.problem.suppressible || worse
    }

    /// Counts some classes of a candidate where all of them are much work: what is lost in them often rules it out, and is
    /// lost in every finer candidate too. Says where that stands.
    fn scout(&mut self, levels: &[u8]) -> Option<u32> {
        let mut tally = Tally::new(self.problem, levels);
        tally.add_by_size(self.classes.sample(levels)?, &self.fields);
        let finding = tally.finding(self.problem);
        let lost = Lost { rows: finding.lost, costs: &finding.lost_costs };
        let bound = self.scorer.at_least(levels, &lost, |_| true);
        self.rules_out(lost.rows, bound).then(|| {
            self.counted += 1;
            self.known.enter(lost.rows, lost.costs)
        })
    }

    /// The neighbour above that bounds this candidate best, and the bound.
    fn best_bound(&self, levels: &[u8], index: u128, above: u32) -> (u32, f64) {
        let bound = |place| self.scorer.at_least(levels, &self.known.lost(place), |_| true);
        let mut best = (above, bound(above));
        for (attribute, &level) in levels.iter().enumerate() {
            if level as usize + 1 < self.problem.attributes[attribute].levels.len() {
                let neighbour = self.known.get(index + self.known.strides[attribute]);
                if let Some((place, _)) = neighbour.filter(|(place, _)| *place != best.0) {
                    let found = bound(place);
                    if self.known.lost(place).rows > self.problem.suppressible {
                        return (place, f64::INFINITY);
                    }
                    if found > best.1 {
                        best = (place, found);
                    }
                }
            }
        }
        best
    }

    /// Takes a counted candidate for the best if it is; gives its rank if it is allowed.
    pub(super) fn consider(&mut self, levels: &[u8], finding: &Finding) -> Option<f64> {
        if finding.counted.suppressed > self.problem.suppressible {
            return None;
        }
        let rank = self.scorer.rank(levels, &finding.counted);
        let suppressed = finding.counted.suppressed;
        let better = self.best.as_ref().is_none_or(|best| {
            // What differs by rounding only is a tie.
            match (rank - best.rank).abs() <= best.rank * SLACK {
                true => (suppressed, levels) < (best.suppressed, best.levels.as_slice()),
                false => rank < best.rank,
            }
        });
        if better {
            self.best = Some(Best { rank, suppressed, levels: levels.to_vec() });
        }
        Some(rank)
    }

    /// For a few classes smaller than k at these levels one finest cell each: of those that would be the smallest if
    /// attributes had nothing to do with each other, and so are likely to be small at other levels too.
    pub(super) fn loneliest(&mut self, levels: &[u8]) -> Vec<Cell<W>> {
        let k = self.problem.k;
        let frequencies: Vec<(Field, Vec<f64>)> = (0..levels.len())
            .map(|attribute| {
                (self.fields[attribute], self.scorer.logs(attribute, levels[attribute]))
            })
            .collect();
        let likely = |key: &[u64; W]| -> f64 {
            frequencies.iter().map(|(field, logs)| logs[field.read(key)]).sum()
        };
        let classes = self.classes.cells(levels).iter();
        let small = classes.filter(|class| class.count > 0 && class.count < k);
        let mut small: Vec<(f64, [u64; W])> =
            small.map(|class| (likely(&class.key), class.key)).collect();
        let order =
            |a: &(f64, [u64; W]), b: &(f64, [u64; W])| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if small.len() > WITNESSES {
            small.select_nth_unstable_by(WITNESSES, order);
            small.truncate(WITNESSES);
        }
        small.sort_unstable_by(order);
        small.into_iter().filter_map(|(_, key)| self.finest_within(levels, &key)).collect()
    }

    /// A finest cell of the table's rows in a class.
    fn finest_within(&self, levels: &[u8], key: &[u64; W]) -> Option<Cell<W>> {
        let attributes = self.problem.attributes.iter().zip(levels).enumerate();
        let mut wanted: Vec<(Field, &[u32], u32)> = attributes
            .map(|(position, (attribute, &level))| {
                let field = self.fields[position];
                let value = field.read(key) as u32;
                (field, attribute.levels[level as usize].of_leaf.as_slice(), value)
            })
            .collect();
        // The value that the fewest leaves show comes first: most cells need one comparison only.
        wanted.sort_by_cached_key(|(_, of_leaf, value)| {
            of_leaf.iter().filter(|v| *v == value).count() * 1000 / of_leaf.len().max(1)
        });
        let within = |cell: &&Cell<W>| {
            wanted.iter().all(|(field, of_leaf, value)| of_leaf[field.read(&cell.key)] == *value)
        };
        self.classes.finest_cells().iter().filter(|cell| cell.count > 0).find(within).copied()
    }

    /// Counts the classes of a candidate.
    pub(super) fn count(&mut self, levels: &[u8]) -> Finding {
        self.counted += 1;
        let problem = self.problem;
        let mut tally = Tally::new(problem, levels);
        tally.add_by_size(self.classes.cells(levels), &self.fields);
        match &mut self.detailed {
            Some(detailed) if tally.lost <= problem.suppressible => {
                detailed.tally(problem, &self.fields, levels)
            }
            _ => tally.finding(problem),
        }
    }
}

/// Which rows stay at these levels and in which class each of them is.
pub(super) fn classify<const W: usize>(
    problem: &Problem,
    layout: &Layout,
    levels: &[usize],
) -> Vec<Option<u32>> {
    let levels: Vec<u8> = levels.iter().map(|&level| level as u8).collect();
    let mut walk = Walk::<W>::new(problem, layout);
    let mut verdicts: HashMap<[u64; W], Verdict> = HashMap::new();
    for cell in walk.classes.cells(&levels) {
        if cell.count < problem.k {
            verdicts.insert(cell.key, SMALL);
        } else if problem.presence.is_some_and(|p| !p.holds(cell.count, cell.population)) {
            verdicts.insert(cell.key, Verdict::Bad);
        }
    }
    if let Some(detailed) = &mut walk.detailed {
        detailed.classes(problem, &levels, |class, verdict| {
            if verdict != Verdict::Good {
                verdicts.insert(class.key, verdict);
            }
        });
    }
    let fields = &layout.fields[..layout.quasi];
    let mut classes: HashMap<[u64; W], u32> = HashMap::new();
    (0..problem.rows)
        .map(|row| {
            let mut key = [0_u64; W];
            for ((attribute, field), &level) in problem.attributes.iter().zip(fields).zip(&levels) {
                let leaf = attribute.leaves[row] as usize;
                field.write(&mut key, attribute.levels[level as usize].of_leaf[leaf]);
            }
            let next = classes.len() as u32;
            (!verdicts.contains_key(&key)).then(|| *classes.entry(key).or_insert(next))
        })
        .collect()
}

/// The objective's value at these levels.
pub(super) fn score<const W: usize>(problem: &Problem, layout: &Layout, levels: &[usize]) -> f64 {
    let levels: Vec<u8> = levels.iter().map(|&level| level as u8).collect();
    let mut walk = Walk::<W>::new(problem, layout);
    let found = walk.count(&levels);
    walk.scorer.score(walk.scorer.rank(&levels, &found.counted))
}

/// A class smaller than k only has smaller ones within it.
const SMALL: Verdict = Verdict::BadAndFinerToo;

/// Adds up the classes of one candidate.
struct Tally<'p> {
    counted: Counted,
    lost: u64,
    lost_costs: Vec<u64>,
    /// Where some class of the population has nobody in the table though everybody must be.
    absent: bool,
    problem: &'p Problem,
    costs: Vec<&'p [u64]>,
}

impl<'p> Tally<'p> {
    fn new(problem: &'p Problem, levels: &[u8]) -> Tally<'p> {
        let costs = problem.attributes.iter().zip(levels);
        let costs: Vec<&[u64]> =
            costs.map(|(a, &level)| a.levels[level as usize].cost.as_slice()).collect();
        let zeros = vec![0; costs.len()];
        Tally {
            counted: Counted { suppressed: 0, costs: zeros.clone(), classes: 0, squares: 0 },
            lost: 0,
            lost_costs: zeros,
            absent: false,
            problem,
            costs,
        }
    }

    /// Adds classes of which nothing is asked but their size, and their presence.
    fn add_by_size<const W: usize>(&mut self, classes: &[Cell<W>], fields: &[Field]) {
        for class in classes {
            let small = class.count < self.problem.k;
            self.add(class, fields, if small { SMALL } else { Verdict::Good });
        }
    }

    #[inline]
    fn add<const W: usize>(&mut self, class: &Cell<W>, fields: &[Field], mut verdict: Verdict) {
        if let Some(presence) = &self.problem.presence {
            self.absent |= class.count == 0 && presence.min > 0.0;
            if verdict == Verdict::Good && !presence.holds(class.count, class.population) {
                verdict = Verdict::Bad;
            }
        }
        let rows = u64::from(class.count);
        if verdict == Verdict::Good {
            self.counted.classes += 1;
            self.counted.squares += u128::from(rows) * u128::from(rows);
            return;
        }
        self.counted.suppressed += rows;
        let finer_too = verdict == Verdict::BadAndFinerToo;
        self.lost += if finer_too { rows } else { 0 };
        for (attribute, (field, costs)) in fields.iter().zip(&self.costs).enumerate() {
            let cost = rows * costs[field.read(&class.key)];
            self.counted.costs[attribute] += cost;
            self.lost_costs[attribute] += if finer_too { cost } else { 0 };
        }
    }

    fn finding(mut self, problem: &Problem) -> Finding {
        if self.absent {
            // Whoever is absent stays so in every finer candidate.
            self.counted.suppressed = problem.rows as u64 + 1;
            self.lost = self.counted.suppressed;
        } else if problem.suppressible == 0 && self.counted.suppressed > 0 {
            // Without suppression every model is monotone.
            self.lost = self.lost.max(1);
        }
        Finding { counted: self.counted, lost: self.lost, lost_costs: self.lost_costs }
    }
}

impl<'p, const W: usize> Detailed<'p, W> {
    fn new(problem: &'p Problem, layout: &Layout) -> Detailed<'p, W> {
        let mut mask = [0; W];
        layout.fields[..layout.quasi].iter().for_each(|field| field.write(&mut mask, u32::MAX));
        Detailed {
            cells: Grouper::new(problem, layout, true),
            judges: problem.sensitive.iter().map(Judge::new).collect(),
            fields: layout.fields[layout.quasi..].to_vec(),
            mask,
            sorted: Vec::new(),
        }
    }

    fn tally(&mut self, problem: &Problem, fields: &[Field], levels: &[u8]) -> Finding {
        let mut tally = Tally::new(problem, levels);
        self.classes(problem, levels, |class, verdict| tally.add(class, fields, verdict));
        tally.finding(problem)
    }

    /// Judges every class.
    fn classes(
        &mut self,
        problem: &Problem,
        levels: &[u8],
        mut each: impl FnMut(&Cell<W>, Verdict),
    ) {
        self.sorted.clear();
        self.sorted.extend_from_slice(self.cells.cells(levels));
        self.sorted.sort_unstable_by_key(|cell| cell.key);
        let quasi = |key: [u64; W]| std::array::from_fn(|word| key[word] & self.mask[word]);
        for class in self.sorted.chunk_by(|a, b| quasi(a.key) == quasi(b.key)) {
            let mut whole = Cell { key: quasi(class[0].key), count: 0, population: 0 };
            let mut verdict = Verdict::Good;
            for cell in class {
                whole.count += cell.count;
                whole.population += cell.population;
            }
            for (judge, field) in self.judges.iter_mut().zip(&self.fields) {
                let cells = class.iter().filter(|cell| cell.count > 0);
                cells.for_each(|cell| judge.add(field.read(&cell.key) as u32, cell.count));
                verdict = verdict.and(judge.verdict());
            }
            each(&whole, if whole.count < problem.k { SMALL } else { verdict });
        }
    }
}

/// No entry of [`Known`].
const NONE: u32 = 0;
/// Marks an entry that is the candidate's own and not only shared with a coarser one.
const OWN: u32 = 1 << 31;

/// For every candidate that was met, the rows known to be lost there: how many, and what they would lose.
struct Known {
    size: u128,
    strides: Vec<u128>,
    dense: Vec<u32>,
    sparse: HashMap<u128, u32>,
    /// Entry after entry: rows, then costs by attribute. The first entry says that nothing is known.
    entries: Vec<u64>,
    width: usize,
}

impl Known {
    fn new(problem: &Problem) -> Known {
        // The last attribute varies fastest, so that the order of indices is that of the levels.
        let mut size = 1_u128;
        let mut strides = vec![0; problem.attributes.len()];
        for (stride, attribute) in strides.iter_mut().zip(&problem.attributes).rev() {
            *stride = size;
            size = size.saturating_mul(attribute.levels.len() as u128);
        }
        let width = problem.attributes.len() + 1;
        Known {
            size,
            strides,
            dense: vec![0; if size <= DENSE { size as usize } else { 0 }],
            sparse: HashMap::new(),
            entries: vec![0; width],
            width,
        }
    }

    fn index(&self, levels: &[u8]) -> u128 {
        levels.iter().zip(&self.strides).map(|(&level, stride)| u128::from(level) * stride).sum()
    }

    /// Where what is known of a candidate stands, and whether it was counted itself.
    #[inline]
    fn get(&self, index: u128) -> Option<(u32, bool)> {
        let entry = match self.dense.get(index as usize) {
            Some(&entry) if !self.dense.is_empty() => entry,
            _ => self.sparse.get(&index).copied().unwrap_or(NONE),
        };
        (entry != NONE).then_some((entry & !OWN, entry & OWN != 0))
    }

    fn put(&mut self, index: u128, entry: u32) {
        if self.dense.is_empty() {
            self.sparse.insert(index, entry);
        } else {
            self.dense[index as usize] = entry;
        }
    }

    fn insert(&mut self, index: u128, rows: u64, costs: &[u64]) -> u32 {
        let place = self.enter(rows, costs);
        self.put(index, place | OWN);
        place
    }

    /// Where it stands from now on.
    fn enter(&mut self, rows: u64, costs: &[u64]) -> u32 {
        let place = (self.entries.len() / self.width) as u32;
        self.entries.push(rows);
        self.entries.extend_from_slice(costs);
        place
    }

    fn share(&mut self, index: u128, place: u32) {
        if place != NONE {
            self.put(index, place);
        }
    }

    fn lost(&self, place: u32) -> Lost<'_> {
        let entry = &self.entries[place as usize * self.width..][..self.width];
        Lost { rows: entry[0], costs: &entry[1..] }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use rand::{Rng, SeedableRng};

    use super::super::{Attribute, Level, Objective};
    use super::*;

    /// Four attributes of eight leaves that are halved level by level, low leaves more frequent.
    fn generated(seed: u64) -> Problem {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let rows = random.random_range(100..600);
        let level = |level: u32| Level {
            of_leaf: (0..8).map(|leaf| leaf >> level).collect(),
            cost: vec![(1 << level) - 1; 8 >> level],
        };
        let mut attribute = || Attribute {
            leaves: (0..rows).map(|_| (random.random::<f64>().powi(3) * 8.0) as u32).collect(),
            levels: (0..4).map(level).collect(),
        };
        let attributes = (0..4).map(|_| attribute()).collect();
        Problem {
            rows,
            attributes,
            full: vec![7; 4],
            k: random.random_range(2..12),
            sensitive: Vec::new(),
            presence: None,
            suppressible: random.random_range(0..rows as u64),
            objective: Objective::Loss,
            patience: None,
        }
    }

    #[test]
    fn a_sample_of_classes_never_rules_out_the_best_candidate() {
        let mut ruled_out = 0;
        for problem in (0..100).map(generated) {
            let layout = Layout::of(&problem);
            let found = |soon_counted| {
                let mut walk = Walk::<1>::new(&problem, &layout);
                walk.classes.soon_counted = soon_counted;
                walk.search();
                let entries = walk.known.entries.len() / walk.known.width;
                let own = walk.known.dense.iter().filter(|entry| **entry & OWN != 0).count();
                // One entry says that nothing is known.
                let sampled = entries - own - 1;
                let optimum = walk.optimum().unwrap();
                (sampled, (optimum.levels, optimum.suppressed, optimum.score.to_bits()))
            };
            let (sampled, with) = found(0);
            let (none, without) = found(usize::MAX);
            assert_eq!(none, 0);
            assert_eq!(with, without);
            ruled_out += sampled;
        }
        assert!(ruled_out > 100, "samples ruled out {ruled_out} candidates");
    }
}
