//! The first pass: which names share enough characters with the query?
//!
//! A plane has one bit per name. Adding planes bit by bit counts for 512 names at a
//! time, and needs nothing but `&`, `|` and `^`: the compiler turns the loops over
//! `Words` into the vectors of whatever instruction set a function is compiled for.

use std::ops::Range;

use crate::packed::{Block, NameIndex};

/// A code point's bin is its five low bits.
pub const BINS: usize = 32;

/// Names in one `Words`.
pub const CHUNK: usize = 512;

/// One bit for each of 512 consecutive names.
pub type Words = [u64; CHUNK / 64];

const NONE: Words = [0; CHUNK / 64];
const ALL: Words = [!0; CHUNK / 64];

/// More common characters than any name has.
pub const OUT_OF_REACH: u32 = u32::MAX;

/// The fewest common characters of the names of one length: where the first bin
/// differs from the query's, where only the second does, and where both are equal.
pub type Thresholds = [u32; 3];

/// The names of one length that lie in one chunk.
struct Cell {
    block: usize,
    names: Words,
}

/// The blocks of an index, cut at the chunks' borders.
struct Layout {
    cells: Vec<Cell>,
    ends: Vec<usize>, // for each chunk, one past its last cell
}

impl Layout {
    fn new(blocks: &[Block]) -> Self {
        let (mut cells, mut ends) = (Vec::new(), Vec::new());
        for (block, Block { names, .. }) in blocks.iter().enumerate() {
            let Range { start: mut first, end } = *names;
            while first < end {
                let chunk = first / CHUNK;
                let border = end.min((chunk + 1) * CHUNK);
                cells.push(Cell { block, names: range(first - chunk * CHUNK, border - chunk * CHUNK) });
                ends.resize(chunk + 1, 0);
                ends[chunk] = cells.len();
                first = border;
            }
        }
        Self { cells, ends }
    }
}

/// The bits from start to end; start < end <= CHUNK.
fn range(start: usize, end: usize) -> Words {
    let mut bits = NONE;
    bits[start / 64..end.div_ceil(64)].fill(!0);
    bits[start / 64] &= !0 << (start % 64);
    bits[(end - 1) / 64] &= !0 >> (63 - (end - 1) % 64);
    bits
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// All that this processor can run, the best last.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "other processors have the baseline only")]
        let mut levels = vec![Self::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                levels.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                levels.push(Self::Avx512);
            }
        }
        levels
    }

    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Baseline)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }
}

/// Finds the candidates for one query after another.
pub struct Filter<'a> {
    level: Level,
    index: NameIndex<'a>,
    layout: Layout,
    chosen: Vec<&'a [Words]>, // the planes that count the query's characters
    carries: Vec<Words>,
    found: Vec<Words>,
}

impl<'a> Filter<'a> {
    pub fn new(level: Level, index: NameIndex<'a>, blocks: &[Block]) -> Self {
        let layout = Layout::new(blocks);
        let found = vec![NONE; layout.ends.len()];
        Self { level, index, layout, chosen: Vec::new(), carries: Vec::new(), found }
    }

    /// The names that reach their block's threshold, one bit each.
    ///
    /// thresholds: one for each block.
    pub fn candidates(&mut self, query: &[u32], thresholds: &[Thresholds]) -> &[Words] {
        let mut counts = [0; BINS];
        for &code_point in query {
            counts[code_point as usize % BINS] += 1;
        }
        self.chosen.clear();
        for (bin, &count) in counts.iter().enumerate() {
            self.chosen.extend(self.index.planes(bin).take(count));
        }
        self.carries.resize(self.chosen.len() / 2 + 1, NONE);
        match self.level {
            Level::Baseline => self.search(query, thresholds),
            // SAFETY (both): only `Level::available` makes these levels, and it has
            // seen the features.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { self.search_avx2(query, thresholds) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { self.search_avx512(query, thresholds) },
        }
        &self.found
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn search_avx2(&mut self, query: &[u32], thresholds: &[Thresholds]) {
        self.search(query, thresholds);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn search_avx512(&mut self, query: &[u32], thresholds: &[Thresholds]) {
        self.search(query, thresholds);
    }

    #[inline(always)]
    fn search(&mut self, query: &[u32], thresholds: &[Thresholds]) {
        let heads = [0, 1].map(|j| {
            let code_point = query.get(j)?;
            Some(self.index.head(j, *code_point as usize % BINS))
        });
        let mut sums = [NONE; 32];
        let mut first_cell = 0;
        for (chunk, found) in self.found.iter_mut().enumerate() {
            *found = NONE;
            let cells = &self.layout.cells[first_cell..self.layout.ends[chunk]];
            first_cell = self.layout.ends[chunk];
            // Where both bins are equal, the threshold is the lowest.
            if cells.iter().all(|cell| thresholds[cell.block][2] == OUT_OF_REACH) {
                continue;
            }
            let bits = add(&self.chosen, chunk, &mut self.carries, &mut sums);
            let first = heads[0].map_or(NONE, |head| head[chunk]);
            let second = heads[1].map_or(NONE, |head| head[chunk]);
            for cell in cells {
                let [none, one, both] = thresholds[cell.block];
                let none = at_least(&sums[..bits], none);
                let one = at_least(&sums[..bits], one);
                let both = at_least(&sums[..bits], both);
                for i in 0..found.len() {
                    let rest = first[i] & (one[i] | second[i] & both[i]);
                    found[i] |= cell.names[i] & (none[i] | rest);
                }
            }
        }
    }
}

/// Adds the chosen planes of a chunk into `sums`, the lowest bit first, and returns
/// how many bits the largest possible sum has.
#[inline(always)]
fn add(
    chosen: &[&[Words]],
    chunk: usize,
    carries: &mut [Words],
    sums: &mut [Words; 32],
) -> usize {
    let mut left = add_level(chosen.len(), carries, &mut sums[0], |_, i| chosen[i][chunk]);
    let mut bits = usize::from(!chosen.is_empty());
    while left > 0 {
        left = add_level(left, carries, &mut sums[bits], |carries, i| carries[i]);
        bits += 1;
    }
    bits
}

/// Adds n planes of one weight, and leaves the n / 2 carries of the next weight in `carries`.
#[inline(always)]
fn add_level(
    n: usize,
    carries: &mut [Words],
    sum: &mut Words,
    plane: impl Fn(&[Words], usize) -> Words,
) -> usize {
    if n == 0 {
        return 0;
    }
    let mut total = plane(carries, 0);
    let mut i = 1;
    while i < n {
        let a = plane(carries, i);
        let b = if i + 1 < n { plane(carries, i + 1) } else { NONE };
        let mut carry = NONE;
        for w in 0..carry.len() {
            let either = total[w] ^ a[w];
            carry[w] = total[w] & a[w] | either & b[w];
            total[w] = either ^ b[w];
        }
        carries[i / 2] = carry;
        i += 2;
    }
    *sum = total;
    n / 2
}

/// The names whose sum is the threshold or more: subtracting it borrows nothing.
#[inline(always)]
fn at_least(sums: &[Words], threshold: u32) -> Words {
    if u64::from(threshold) >> sums.len() != 0 {
        return NONE;
    }
    let mut reached = ALL;
    for (bit, sum) in sums.iter().enumerate() {
        let complement = u64::from(threshold >> bit & 1).wrapping_sub(1);
        for w in 0..sum.len() {
            reached[w] = sum[w] & reached[w] | (sum[w] | reached[w]) & complement;
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tests::{Prepared, Random};

    /// The expected bound is counted from the letters, without planes.
    #[test]
    fn every_level_finds_exactly_the_names_that_reach_their_threshold() {
        let mut random = Random(3);
        let letters: Vec<u32> = (97..105).chain([0x1F600]).collect(); // a bin each
        for n in [0, 1, 63, 64, 511, 512, 513, 1500] {
            let mut names: Vec<_> = (0..n).map(|_| random.name(&letters, 40)).collect();
            names.sort_by_key(Vec::len);
            let prepared = Prepared::new(&names);
            let index = prepared.index();
            let blocks = index.blocks();
            for length in [0, 1, 2, 30, 200] {
                let query: Vec<_> = random.name(&letters, 0).into_iter()
                    .chain((0..length).map(|_| letters[random.below(letters.len())]))
                    .collect();
                let thresholds: Vec<Thresholds> = (blocks.iter())
                    .map(|_| {
                        let none = random.below(20) as u32;
                        let one = none.saturating_sub(random.below(6) as u32);
                        let both = one.saturating_sub(random.below(6) as u32);
                        if random.below(4) == 0 { [OUT_OF_REACH; 3] } else { [none, one, both] }
                    })
                    .collect();
                let expected: Vec<_> = (names.iter())
                    .map(|name| {
                        let block = blocks.iter().position(|b| b.length == name.len()).unwrap();
                        let equal = |j: usize| query.get(j).is_some() && query.get(j) == name.get(j);
                        let class = usize::from(equal(0)) + usize::from(equal(0) && equal(1));
                        common(&letters, &query, name) >= thresholds[block][class]
                    })
                    .collect();
                for level in Level::available() {
                    let mut filter = Filter::new(level, index, &blocks);
                    let found = filter.candidates(&query, &thresholds).as_flattened();
                    let got: Vec<_> = (0..n).map(|i| found[i / 64] >> (i % 64) & 1 == 1).collect();
                    assert_eq!(got, expected, "{level:?}, {n} names, query of {length}");
                    let marked: u32 = found.iter().map(|word| word.count_ones()).sum();
                    assert_eq!(marked as usize, expected.iter().filter(|&&e| e).count());
                }
            }
        }
    }

    fn common(letters: &[u32], a: &[u32], b: &[u32]) -> u32 {
        let count = |name: &[u32], letter| name.iter().filter(|c| **c == letter).count() as u32;
        letters.iter().map(|&letter| count(a, letter).min(count(b, letter))).sum()
    }
}
