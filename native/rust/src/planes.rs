//! The first pass: which names share enough characters with the query?
//!
//! A plane has one bit per name. Adding planes bit by bit counts for 64 names with one
//! word operation, and needs nothing but `&`, `|` and `^`: the loops are written so that
//! the compiler turns them into whatever vectors the processor has.

use std::iter::repeat_n;
use std::ops::Range;

use crate::bound::Bound;
use crate::jaro::PREFIX_LENGTH;
use crate::packed::NameIndex;

/// A code point's bin is its five low bits.
pub const BINS: usize = 32;

/// Planes are whole vectors of this many words.
const ALIGNMENT: usize = 8;

/// The words of a plane of n names.
pub fn words_for(n: usize) -> usize {
    n.div_ceil(64).next_multiple_of(ALIGNMENT)
}

/// Words that are counted together, so that all that is counted stays in the L1 cache.
const RUN: usize = 64;

/// Planes that are added in one go.
const GROUP: usize = 8;

const NONE: [u64; RUN] = [0; RUN];

/// A name that may reach the cutoff: its position, and the most characters that it can
/// have in common with the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub name: usize,
    pub common: usize,
}

/// Finds the candidates for one query after another.
pub struct Filter<'a> {
    index: NameIndex<'a>,
    shortest: Vec<usize>, // for each word, the length of its first name
    both: Vec<u64>,       // the names whose first two bins are those of the query
    counts: Counts,
}

impl<'a> Filter<'a> {
    pub fn new(index: NameIndex<'a>) -> Self {
        let shortest = (0..index.names.len())
            .step_by(64)
            .map(|i| index.names.length(i))
            .collect();
        Self {
            index,
            shortest,
            both: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Writes the names that can reach the cutoff.
    ///
    /// A common prefix lowers the threshold. Names that may share one are given the
    /// most it can be lowered by as a head start, so that one threshold does for all
    /// names of a word, that of its shortest; then the exact one is applied.
    pub fn candidates(&mut self, bound: &Bound, query: &[u32], found: &mut Vec<Candidate>) {
        found.clear();
        let Some(longest) = self
            .index
            .names
            .len()
            .checked_sub(1)
            .map(|i| self.index.names.length(i))
        else {
            return;
        };
        let bin_of = |j: usize| query.get(j).map(|&code_point| code_point as usize % BINS);
        let first = bin_of(0).map_or(&[][..], |bin| self.index.head(0, bin));
        let second = bin_of(1).map_or(&[][..], |bin| self.index.head(1, bin));
        self.both.clear();
        self.both
            .extend(first.iter().zip(second).map(|(x, y)| x & y));
        let start_one = bound.head_start(query.len(), longest, 1);
        let start_both = bound.head_start(query.len(), longest, PREFIX_LENGTH);

        let mut planes = self.index.counting(query);
        planes.extend(repeat_n(
            first,
            if first.is_empty() { 0 } else { start_one },
        ));
        planes.extend(repeat_n(
            &self.both[..],
            if second.is_empty() {
                0
            } else {
                start_both - start_one
            },
        ));

        let lengths = bound.lengths(query.len(), PREFIX_LENGTH);
        let begin = self
            .shortest
            .partition_point(|length| length < lengths.start())
            .saturating_sub(1);
        let end = self
            .shortest
            .partition_point(|length| length <= lengths.end());
        let begin = begin / ALIGNMENT * ALIGNMENT;
        let mut thresholds = [0; RUN];
        for run in (begin..end).step_by(RUN) {
            let words = run..(run + RUN).min(end.next_multiple_of(ALIGNMENT));
            let (mut length, mut threshold) = (usize::MAX, 0);
            for (i, word) in words.clone().enumerate() {
                let shortest = self
                    .shortest
                    .get(word)
                    .map_or(longest, |&s| s.max(*lengths.start()));
                if shortest != length {
                    length = shortest;
                    threshold = bound.fewest_common(query.len(), length, 0);
                }
                thresholds[i] = threshold as u64;
            }
            self.counts.count(&planes, words.clone(), &thresholds);
            let Counts {
                counts, reached, ..
            } = &self.counts;
            for (i, word) in words.enumerate() {
                let mut left = reached[i];
                while left != 0 {
                    let bit = left.trailing_zeros() as usize;
                    left &= left - 1;
                    let name = word * 64 + bit;
                    if name >= self.index.names.len() {
                        break; // Where nothing is needed the padding qualifies, too.
                    }
                    let is = |plane: &[u64], at: usize| {
                        plane.get(at).map_or(0, |word| (word >> bit & 1) as usize)
                    };
                    let count: usize = counts
                        .chunks(RUN)
                        .enumerate()
                        .map(|(k, plane)| is(plane, i) << k)
                        .sum();
                    let (prefix, start) = match is(first, word) + is(&self.both, word) {
                        0 => (0, 0),
                        1 => (1, start_one),
                        _ => (PREFIX_LENGTH, start_both),
                    };
                    let length = self.index.names.length(name);
                    let common = count - start;
                    if common >= bound.fewest_common(query.len(), length, prefix) {
                        found.push(Candidate { name, common });
                    }
                }
            }
        }
    }
}

/// Planes of one run, RUN words each, end to end.
#[derive(Default)]
struct Counts {
    carries: Vec<u64>,
    counts: Vec<u64>, // the lowest bit first
    reached: Vec<u64>,
}

impl Counts {
    /// Counts, for each name of the words, the planes that mark it, and finds the names
    /// whose count reaches their word's threshold.
    fn count(&mut self, planes: &[&[u64]], words: Range<usize>, thresholds: &[u64]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has what it needs.
            return unsafe { self.count_avx2(planes, words, thresholds) };
        }
        self.count_baseline(planes, words, thresholds);
    }

    /// The same, compiled for vectors twice as wide. AVX-512 gained nothing more.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn count_avx2(&mut self, planes: &[&[u64]], words: Range<usize>, thresholds: &[u64]) {
        self.count_baseline(planes, words, thresholds);
    }

    #[inline(always)]
    fn count_baseline(&mut self, planes: &[&[u64]], words: Range<usize>, thresholds: &[u64]) {
        let n = words.len();
        let groups = planes.len().div_ceil(GROUP);
        let bits = 3 + (usize::BITS - groups.leading_zeros()) as usize;
        self.counts.clear();
        self.counts.resize(bits * RUN, 0);
        self.carries.resize(groups * RUN, 0);
        let (low, high) = self.counts.split_at_mut(3 * RUN);
        for (group, carry) in planes.chunks(GROUP).zip(self.carries.chunks_exact_mut(RUN)) {
            let plane = |k| {
                group
                    .get(k)
                    .map_or(&NONE[..n], |plane: &&[u64]| &plane[words.clone()])
            };
            add_group(low, std::array::from_fn(plane), &mut carry[..n]);
        }
        let mut pending = groups;
        for sum in high.chunks_exact_mut(RUN) {
            // The carries are planes of the next weight; theirs take the place of what was read.
            let sum = &mut sum[..n];
            sum.copy_from_slice(&self.carries[..n]);
            for i in 0..pending / 2 {
                let (done, left) = self.carries[..pending * RUN].split_at_mut((2 * i + 1) * RUN);
                let b = left.get(RUN..RUN + n).unwrap_or(&NONE[..n]);
                add_two(sum, &left[..n], b, &mut done[i * RUN..][..n]);
            }
            pending /= 2;
        }
        self.reached.clear();
        self.reached.extend(
            thresholds[..n]
                .iter()
                .map(|t| if t >> bits == 0 { !0 } else { 0 }),
        );
        for (bit, count) in self.counts.chunks_exact(RUN).enumerate() {
            at_least(&mut self.reached, &count[..n], &thresholds[..n], bit);
        }
    }
}

/// The sum and the carry of three bits, for 64 names.
#[inline(always)]
fn full_adder(a: u64, b: u64, c: u64) -> (u64, u64) {
    let either = a ^ b;
    (either ^ c, a & b | either & c)
}

/// Adds eight planes to three bits of a sum, with what carries over in `carry`. They
/// are added together because the partial sums then stay in registers.
#[inline(always)]
fn add_group(sum: &mut [u64], planes: [&[u64]; GROUP], carry: &mut [u64]) {
    let n = carry.len();
    let (ones, rest) = sum.split_at_mut(RUN);
    let (twos, fours) = rest.split_at_mut(RUN);
    let (ones, twos, fours) = (&mut ones[..n], &mut twos[..n], &mut fours[..n]);
    let [a, b, c, d, e, f, g, h] = planes.map(|plane| &plane[..n]);
    for w in 0..n {
        let (one, two_a) = full_adder(ones[w], a[w], b[w]);
        let (one, two_b) = full_adder(one, c[w], d[w]);
        let (one, two_c) = full_adder(one, e[w], f[w]);
        let (one, two_d) = full_adder(one, g[w], h[w]);
        let (two, four_a) = full_adder(twos[w], two_a, two_b);
        let (two, four_b) = full_adder(two, two_c, two_d);
        let (four, eight) = full_adder(fours[w], four_a, four_b);
        (ones[w], twos[w], fours[w], carry[w]) = (one, two, four, eight);
    }
}

/// Adds two planes to one bit of a sum, with what carries over in `carry`.
#[inline(always)]
fn add_two(sum: &mut [u64], a: &[u64], b: &[u64], carry: &mut [u64]) {
    for (((sum, a), b), carry) in sum.iter_mut().zip(a).zip(b).zip(carry) {
        (*sum, *carry) = full_adder(*sum, *a, *b);
    }
}

/// One bit of count - threshold: `reached` keeps the names that do not borrow.
#[inline(always)]
fn at_least(reached: &mut [u64], count: &[u64], thresholds: &[u64], bit: usize) {
    for ((reached, count), threshold) in reached.iter_mut().zip(count).zip(thresholds) {
        let complement = (threshold >> bit & 1).wrapping_sub(1);
        *reached = count & *reached | (count | *reached) & complement;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tests::{Prepared, Random};

    /// The expected common characters are counted from the letters, without planes.
    #[test]
    fn the_candidates_are_exactly_the_names_within_the_bound() {
        let mut random = Random(3);
        let letters: Vec<u32> = (97..105).chain([0x1F600]).collect(); // a bin each
        for n in [0, 1, 63, 64, 511, 512, 513, 1500] {
            let mut names: Vec<_> = (0..n).map(|_| random.name(&letters, 40)).collect();
            names.sort_by_key(Vec::len);
            let prepared = Prepared::new(&names);
            let mut filter = Filter::new(prepared.index());
            for length in [0, 1, 2, 9, 30, 200] {
                let query: Vec<_> = (0..length).map(|_| letters[random.below(9)]).collect();
                for cutoff in [0.0, 0.3, 0.6, 0.75, 0.85, 1.0] {
                    let bound = Bound::new(cutoff);
                    let expected: Vec<_> = (names.iter().enumerate())
                        .map(|(i, name)| (i, name, common(&letters, &query, name)))
                        .filter(|(_, name, common)| {
                            let equal = |j| query.get(j).is_some() && query.get(j) == name.get(j);
                            let prefix = match (equal(0), equal(1)) {
                                (false, _) => 0,
                                (true, false) => 1,
                                (true, true) => 4,
                            };
                            let need = bound.fewest_common(query.len(), name.len(), prefix);
                            *common >= need
                        })
                        .map(|(name, _, common)| Candidate { name, common })
                        .collect();
                    let mut got = vec![Candidate { name: 7, common: 7 }];
                    filter.candidates(&bound, &query, &mut got);
                    assert_eq!(
                        got, expected,
                        "{n} names, query of {length}, cutoff {cutoff}"
                    );
                }
            }
        }
    }

    #[test]
    fn sums_and_thresholds_are_right_with_vectors_of_any_width() {
        type Count = fn(&mut Counts, &[&[u64]], Range<usize>, &[u64]);
        let versions: [(&str, Count); 2] = [
            ("as dispatched", Counts::count),
            ("baseline", Counts::count_baseline),
        ];
        let mut random = Random(5);
        let mut counts = Counts::default();
        for n in [0, 1, 2, 7, 8, 9, 16, 17, 23, 64, 70] {
            let planes: Vec<Vec<u64>> = (0..n)
                .map(|_| (0..RUN).map(|_| random.word()).collect())
                .collect();
            let planes: Vec<&[u64]> = planes.iter().map(Vec::as_slice).collect();
            let thresholds: Vec<u64> = (0..RUN).map(|_| random.below(n + 3) as u64).collect();
            for words in [0..RUN, 8..16] {
                for (name, count) in versions {
                    count(&mut counts, &planes, words.clone(), &thresholds);
                    for (i, word) in words.clone().enumerate() {
                        for bit in 0..64 {
                            let is = |word: u64| word >> bit & 1;
                            let expected: u64 = planes.iter().map(|plane| is(plane[word])).sum();
                            let bits = counts.counts.chunks_exact(RUN).enumerate();
                            let got: u64 = bits.map(|(k, plane)| is(plane[i]) << k).sum();
                            assert_eq!(got, expected, "{name}, {n} planes, word {word}");
                            let reached = is(counts.reached[i]) == 1;
                            assert_eq!(reached, expected >= thresholds[i], "{name}, {n} planes");
                        }
                    }
                }
            }
        }
    }

    fn common(letters: &[u32], a: &[u32], b: &[u32]) -> usize {
        let count = |name: &[u32], letter| name.iter().filter(|c| **c == letter).count();
        letters
            .iter()
            .map(|&letter| count(a, letter).min(count(b, letter)))
            .sum()
    }
}
