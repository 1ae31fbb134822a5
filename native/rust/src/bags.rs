//! The first pass: which names share enough characters with the query?
//!
//! `survivors_plain` states the method; the other two do the same eight (AVX-512)
//! or four (AVX2) names at a time and are chosen when the processor has them.

/// Occurrences that a bin of a bag can count; the rest goes to the overflow.
const BIN_DEPTH: usize = 4;
const BINS: usize = 32;

/// What the widest version may write past the last survivor.
pub const SLACK: usize = 8;

/// The character counts of a name; see `NameIndex` of the contract.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bag {
    pub bits: [u64; 2],
    pub overflow: u64,
}

impl Bag {
    pub fn of(name: &[u32]) -> Self {
        let mut counts = [0usize; BINS];
        for &code_point in name {
            counts[code_point as usize % BINS] += 1;
        }
        let mut bag = Self::default();
        for (bin, &count) in counts.iter().enumerate() {
            let held = count.min(BIN_DEPTH);
            bag.bits[bin / 16] |= ((1 << held) - 1) << (BIN_DEPTH * (bin % 16));
            bag.overflow += (count - held) as u64;
        }
        bag
    }
}

/// A name that passed: its position, and the bound on its common characters.
#[derive(Clone, Copy, Default)]
pub struct Survivor(u64);

impl Survivor {
    pub fn position(self) -> usize {
        (self.0 >> 32) as usize
    }

    pub fn common(self) -> u64 {
        self.0 & 0xFFFF_FFFF
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// All that this processor can run, the best last.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "only one level exists on other processors")]
        let mut levels = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                levels.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vpopcntdq")
                && is_x86_feature_detected!("popcnt")
            {
                levels.push(Self::Avx512);
            }
        }
        levels
    }

    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Plain)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }
}

/// Writes the names whose bound reaches `need` to the front of `out`, in no
/// particular order, and returns how many there are.
///
/// bags, overflows: of the same names. out: at least `SLACK` longer than bags.
#[inline]
pub fn survivors(
    level: Level,
    query: &Bag,
    need: u64,
    bags: &[[u64; 2]],
    overflows: &[u16],
    out: &mut [Survivor],
) -> usize {
    assert_eq!(bags.len(), overflows.len());
    assert!(out.len() >= bags.len() + SLACK);
    match level {
        Level::Plain => survivors_plain(query, need, bags, overflows, 0, out),
        // SAFETY (both): `Level::available` is the only source of these levels and has
        // seen the features; the lengths that they rely on are asserted above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { x86::survivors_avx2(query, need, bags, overflows, out) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::survivors_avx512(query, need, bags, overflows, out) },
    }
}

/// `first` is the position of the first of these names.
#[inline(always)]
fn survivors_plain(
    query: &Bag,
    need: u64,
    bags: &[[u64; 2]],
    overflows: &[u16],
    first: usize,
    out: &mut [Survivor],
) -> usize {
    let mut count = 0;
    for (i, (bag, &overflow)) in bags.iter().zip(overflows).enumerate() {
        let held = (bag[0] & query.bits[0]).count_ones() + (bag[1] & query.bits[1]).count_ones();
        let common = u64::from(held) + query.overflow.min(overflow.into());
        // Written always and kept where it counts: no branch to mispredict.
        out[count] = Survivor(((first + i) as u64) << 32 | common);
        count += usize::from(common >= need);
    }
    count
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Bag, Survivor, survivors_plain};
    use std::arch::x86_64::*;

    /// SAFETY: needs AVX2 and popcnt, as many overflows as bags, and room in `out`
    /// for every name and `SLACK` more.
    #[target_feature(enable = "avx2,popcnt")]
    pub unsafe fn survivors_avx2(
        query: &Bag,
        need: u64,
        bags: &[[u64; 2]],
        overflows: &[u16],
        out: &mut [Survivor],
    ) -> usize {
        let [low, high] = query.bits.map(|word| word as i64);
        let query_bits = _mm256_set_epi64x(high, low, high, low);
        let query_overflow = _mm256_set1_epi64x(query.overflow as i64);
        let least = _mm256_set1_epi64x(need as i64 - 1);
        let nibble = _mm256_set1_epi8(15);
        let ones = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
        ));
        // The population counts of the two words of two names.
        let held = |bag: __m256i| {
            let common = _mm256_and_si256(bag, query_bits);
            let low = _mm256_shuffle_epi8(ones, _mm256_and_si256(common, nibble));
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(common), nibble);
            let bytes = _mm256_add_epi8(low, _mm256_shuffle_epi8(ones, high));
            _mm256_sad_epu8(bytes, _mm256_setzero_si256())
        };
        // Adding the unpacked halves leaves the names in this order.
        let order = [0u64, 2, 1, 3];
        let reorder = _mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let mut count = 0;
        let whole = bags.len() / 4 * 4;
        for first in (0..whole).step_by(4) {
            // SAFETY: first + 4 names are within both slices; the loads are unaligned ones.
            let (a, b, overflow) = unsafe {
                let bag = bags.as_ptr().add(first).cast::<__m256i>();
                let overflow = overflows.as_ptr().add(first).cast::<__m128i>();
                (_mm256_loadu_si256(bag), _mm256_loadu_si256(bag.add(1)), _mm_loadl_epi64(overflow))
            };
            let (a, b) = (held(a), held(b));
            let held = _mm256_add_epi64(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
            let overflow = _mm256_cvtepu16_epi64(_mm_shuffle_epi8(overflow, reorder));
            // 32-bit minimum: both are below 2^31 and their upper halves are 0.
            let common = _mm256_add_epi64(held, _mm256_min_epu32(overflow, query_overflow));
            let passes = _mm256_castsi256_pd(_mm256_cmpgt_epi64(common, least));
            let mut passing = _mm256_movemask_pd(passes) as u32;
            if passing != 0 {
                let mut counts = [0u64; 4];
                // SAFETY: the array has the 32 bytes that are stored.
                unsafe { _mm256_storeu_si256(counts.as_mut_ptr().cast(), common) };
                while passing != 0 {
                    let lane = passing.trailing_zeros() as usize;
                    out[count] = Survivor((first as u64 + order[lane]) << 32 | counts[lane]);
                    count += 1;
                    passing &= passing - 1;
                }
            }
        }
        let rest = &mut out[count..];
        count + survivors_plain(query, need, &bags[whole..], &overflows[whole..], whole, rest)
    }

    /// SAFETY: needs the features named, as many overflows as bags, and room in `out`
    /// for every name and `SLACK` more.
    #[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
    pub unsafe fn survivors_avx512(
        query: &Bag,
        need: u64,
        bags: &[[u64; 2]],
        overflows: &[u16],
        out: &mut [Survivor],
    ) -> usize {
        let [low, high] = query.bits.map(|word| word as i64);
        let query_bits = _mm512_set_epi64(high, low, high, low, high, low, high, low);
        let query_overflow = _mm512_set1_epi64(query.overflow as i64);
        let least = _mm512_set1_epi64(need as i64);
        // Adding the unpacked halves leaves the names in this order.
        let mut positions =
            _mm512_slli_epi64::<32>(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7));
        let reorder = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
        let step = _mm512_set1_epi64(8 << 32);
        let mut count = 0;
        let whole = bags.len() / 8 * 8;
        for first in (0..whole).step_by(8) {
            // SAFETY: first + 8 names are within both slices; the loads are unaligned ones.
            let (a, b, overflow) = unsafe {
                let bag = bags.as_ptr().add(first).cast::<i64>();
                let overflow = overflows.as_ptr().add(first).cast::<__m128i>();
                (_mm512_loadu_epi64(bag), _mm512_loadu_epi64(bag.add(8)), _mm_loadu_si128(overflow))
            };
            let a = _mm512_popcnt_epi64(_mm512_and_si512(a, query_bits));
            let b = _mm512_popcnt_epi64(_mm512_and_si512(b, query_bits));
            let held = _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
            let overflow = _mm512_cvtepu16_epi64(_mm_shuffle_epi8(overflow, reorder));
            let common = _mm512_add_epi64(held, _mm512_min_epu64(overflow, query_overflow));
            let passing = _mm512_cmpge_epu64_mask(common, least);
            let packed = _mm512_maskz_compress_epi64(passing, _mm512_or_si512(positions, common));
            // SAFETY: count <= first, so at most SLACK entries lie past the last name.
            unsafe { _mm512_storeu_epi64(out.as_mut_ptr().add(count).cast(), packed) };
            count += passing.count_ones() as usize;
            positions = _mm512_add_epi64(positions, step);
        }
        let rest = &mut out[count..];
        count + survivors_plain(query, need, &bags[whole..], &overflows[whole..], whole, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tests::{Random, code_points};

    #[test]
    fn a_bag_counts_to_four_and_overflows() {
        let bag = Bag::of(&code_points("aaaaaacc"));
        assert_eq!(bag, Bag { bits: [0xF << 4 | 0b11 << 12, 0], overflow: 2 });
        assert_eq!(Bag::of(&code_points("p")).bits, [0, 1]); // bin 16
        assert_eq!(Bag::of(&[]), Bag::default());
    }

    /// The expected bound is counted from the letters, without bags.
    #[test]
    fn every_level_keeps_exactly_the_names_that_reach_the_need() {
        let mut random = Random(3);
        let letters: Vec<u32> = (97..105).chain([0x1F600]).collect();
        for n in [0, 1, 3, 4, 7, 8, 9, 31, 200] {
            let names: Vec<_> = (0..n).map(|_| random.name(&letters, 60)).collect();
            let query = random.name(&letters, 60);
            let bags: Vec<_> = names.iter().map(|name| Bag::of(name)).collect();
            let bits: Vec<_> = bags.iter().map(|bag| bag.bits).collect();
            let overflows: Vec<_> = bags.iter().map(|bag| bag.overflow as u16).collect();
            for need in [0, 5, 15, 30, 61] {
                let mut expected: Vec<_> = (names.iter().enumerate())
                    .map(|(i, name)| (i, bound(&letters, &query, name)))
                    .filter(|(_, common)| *common >= need)
                    .collect();
                expected.sort();
                for level in Level::available() {
                    let mut out = vec![Survivor(0); n + SLACK];
                    let count = survivors(level, &Bag::of(&query), need, &bits, &overflows, &mut out);
                    let mut got: Vec<_> =
                        out[..count].iter().map(|s| (s.position(), s.common())).collect();
                    got.sort();
                    assert_eq!(got, expected, "{level:?}, {n} names, need {need}");
                }
            }
        }
    }

    fn bound(letters: &[u32], a: &[u32], b: &[u32]) -> u64 {
        // None of the letters share a bin, so a bin's count is a letter's count.
        let count = |name: &[u32], letter| name.iter().filter(|c| **c == letter).count() as u64;
        let pairs = || letters.iter().map(|&letter| (count(a, letter), count(b, letter)));
        let held: u64 = pairs().map(|(x, y)| x.min(y).min(4)).sum();
        let over_a: u64 = pairs().map(|(x, _)| x.saturating_sub(4)).sum();
        let over_b: u64 = pairs().map(|(_, y)| y.saturating_sub(4)).sum();
        held + over_a.min(over_b)
    }
}
