//! The first pass: which names share enough characters with the query?

use std::iter::repeat_n;

use super::bound::Bound;
use super::index::{ALIGNMENT, BINS, NameIndex};
use super::jaro::PREFIX_LENGTH;
use super::planes::{Counts, RUN};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tests::Prepared;
    use crate::testing::Random;

    /// The expected common characters are counted from the letters, without planes.
    #[test]
    fn the_candidates_are_exactly_the_names_within_the_bound() {
        let mut random = Random(3);
        let letters: Vec<u32> = (97..105).chain([0x1F600]).collect(); // a bin each
        for n in [0, 1, 63, 64, 511, 512, 513, 1500] {
            let mut names: Vec<_> = (0..n).map(|_| random.draw(&letters, 40)).collect();
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

    fn common(letters: &[u32], a: &[u32], b: &[u32]) -> usize {
        let count = |name: &[u32], letter| name.iter().filter(|c| **c == letter).count();
        letters
            .iter()
            .map(|&letter| count(a, letter).min(count(b, letter)))
            .sum()
    }
}
