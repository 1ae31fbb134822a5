//! Counts the planes that mark each name.
//!
//! A plane has one bit per name. Adding planes bit by bit counts for 64 names with one
//! word operation, and needs nothing but `&`, `|` and `^`: the loops are written so that
//! the compiler turns them into whatever vectors the processor has.

use std::ops::Range;

/// Words that are counted together, so that all that is counted stays in the L1 cache.
pub const RUN: usize = 64;

/// Planes that are added in one go.
const GROUP: usize = 8;

const NONE: [u64; RUN] = [0; RUN];

/// Planes of one run, RUN words each, end to end.
#[derive(Default)]
pub struct Counts {
    carries: Vec<u64>,
    pub counts: Vec<u64>, // the lowest bit first
    pub reached: Vec<u64>,
}

impl Counts {
    /// Counts, for each name of the words, the planes that mark it, and finds the names
    /// whose count reaches their word's threshold.
    pub fn count(&mut self, planes: &[&[u64]], words: Range<usize>, thresholds: &[u64]) {
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
    use crate::testing::Random;

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
}
