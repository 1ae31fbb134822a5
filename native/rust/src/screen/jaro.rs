//! Jaro-Winkler similarity of two names, with the rounding that the contract fixes.

pub const PREFIX_LENGTH: usize = 4;
pub const PREFIX_WEIGHT: f64 = 0.1;
pub const BONUS_THRESHOLD: f64 = 0.7;

/// Names up to this many code points are matched with one machine word per mask.
pub const WORD: usize = 64;

/// The number of equal leading code points, 4 at most.
#[inline]
pub fn common_prefix(a: &[u32], b: &[u32]) -> usize {
    a.iter()
        .zip(b)
        .take(PREFIX_LENGTH)
        .take_while(|(x, y)| x == y)
        .count()
}

/// The score of m matches of which `transpositions` (halved, rounded down) are out
/// of order. The order of the operations is part of the contract.
#[inline]
pub fn winkler(len_a: usize, len_b: usize, m: usize, transpositions: usize, prefix: usize) -> f64 {
    if m == 0 {
        return if len_a == 0 && len_b == 0 { 1.0 } else { 0.0 };
    }
    let matches = m as f64;
    let mut s = matches / len_a as f64;
    s += matches / len_b as f64;
    s += (m - transpositions) as f64 / matches;
    s /= 3.0;
    if s > BONUS_THRESHOLD {
        s += prefix as f64 * PREFIX_WEIGHT * (1.0 - s);
    }
    s
}

/// How far apart two equal code points may be to count as common.
#[inline]
fn window(len_a: usize, len_b: usize) -> usize {
    (len_a.max(len_b) / 2).saturating_sub(1)
}

/// The method as the contract states it, for names of any length.
#[derive(Default)]
pub struct Plain {
    taken: Vec<bool>,
    common: Vec<u32>, // the code points of b that found a partner, in b's order
}

impl Plain {
    /// (matches, halved transpositions)
    pub fn matches(&mut self, a: &[u32], b: &[u32]) -> (usize, usize) {
        let window = window(a.len(), b.len());
        self.taken.clear();
        self.taken.resize(a.len(), false);
        self.common.clear();
        for (j, &code_point) in b.iter().enumerate() {
            let end = a.len().min(j + window + 1);
            let start = j.saturating_sub(window).min(end);
            let free = (start..end).find(|&i| a[i] == code_point && !self.taken[i]);
            if let Some(i) = free {
                self.taken[i] = true;
                self.common.push(code_point);
            }
        }
        let in_order_of_a = a.iter().zip(&self.taken).filter(|(_, taken)| **taken);
        let out_of_order = in_order_of_a
            .zip(&self.common)
            .filter(|((x, _), y)| x != y)
            .count();
        (self.common.len(), out_of_order / 2)
    }
}

const SLOTS: usize = 128;

/// For each code point of a name of 64 at most, the set of its positions.
///
/// An open-addressed table whose home slot is the seven low bits: ASCII never
/// collides, other scripts hardly ever, and 64 entries in 128 slots always leave a free one.
pub struct Positions {
    code_points: [u32; SLOTS],
    masks: [u64; SLOTS],
}

impl Default for Positions {
    fn default() -> Self {
        Self {
            code_points: [0; SLOTS],
            masks: [0; SLOTS],
        }
    }
}

impl Positions {
    pub fn set(&mut self, a: &[u32]) {
        assert!(a.len() <= WORD);
        self.masks.fill(0);
        for (i, &code_point) in a.iter().enumerate() {
            let slot = self.slot(code_point);
            self.code_points[slot] = code_point;
            self.masks[slot] |= 1 << i;
        }
    }

    /// The slot that holds the code point, or the free one where it belongs.
    fn slot(&self, code_point: u32) -> usize {
        let mut slot = code_point as usize % SLOTS;
        while self.masks[slot] != 0 && self.code_points[slot] != code_point {
            slot = (slot + 1) % SLOTS;
        }
        slot
    }

    #[inline]
    fn of(&self, code_point: u32) -> u64 {
        let home = code_point as usize % SLOTS;
        let mask = self.masks[home];
        // `&` and not `&&`: one branch, hardly ever taken, is cheaper than two.
        if (mask != 0) & (self.code_points[home] != code_point) {
            return self.masks[self.slot(code_point)];
        }
        mask
    }

    /// (matches, halved transpositions), or None where fewer than `need` match.
    /// Both names have 64 code points at most.
    #[inline]
    pub fn matches(&self, len_a: usize, b: &[u32], need: usize) -> Option<(usize, usize)> {
        let reach = window(len_a, b.len());
        let mut window = (2u64 << reach) - 1;
        let mut free = !0u64;
        let mut found = 0u64; // positions in b
        for (j, &code_point) in b.iter().enumerate() {
            let candidates = self.of(code_point) & window & free;
            free ^= candidates & candidates.wrapping_neg();
            found |= u64::from(candidates != 0) << j;
            window = window << 1 | u64::from(j < reach);
        }
        let m = found.count_ones() as usize;
        if m < need {
            return None;
        }
        let mut taken = !free; // positions in a
        let mut out_of_order = 0;
        while found != 0 {
            let first = taken & taken.wrapping_neg();
            let code_point = b[found.trailing_zeros() as usize];
            out_of_order += usize::from(self.of(code_point) & first == 0);
            taken ^= first;
            found &= found - 1;
        }
        Some((m, out_of_order / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tests::code_points;
    use crate::testing::Random;

    fn similarity(a: &str, b: &str) -> f64 {
        let (a, b) = (code_points(a), code_points(b));
        let (m, t) = Plain::default().matches(&a, &b);
        winkler(a.len(), b.len(), m, t, common_prefix(&a, &b))
    }

    /// Winkler (1990) and Winkler (2006), table 6, to the three digits given there.
    #[test]
    fn published_examples() {
        for (a, b, expected) in [
            ("martha", "marhta", 0.961),
            ("dixon", "dicksonx", 0.813),
            ("dwayne", "duane", 0.840),
            ("shackleford", "shackelford", 0.982),
            ("dunningham", "cunnigham", 0.896),
            ("nichleson", "nichulson", 0.956),
            ("jones", "johnson", 0.832),
            ("massey", "massie", 0.933),
            ("abroms", "abrams", 0.922),
            ("hardin", "martinez", 0.722),
            ("itman", "smith", 0.467),
            ("jeraldine", "geraldine", 0.926),
            ("michelle", "michael", 0.921),
            ("julies", "julius", 0.933),
            ("tanya", "tonya", 0.880),
            ("sean", "susan", 0.805),
            ("jon", "john", 0.933),
            ("jon", "jan", 0.800),
        ] {
            let score = similarity(a, b);
            assert!(
                (score - expected).abs() < 0.000_51,
                "{a} {b}: {score}, expected {expected}"
            );
        }
    }

    #[test]
    fn names_without_anything_in_common() {
        assert_eq!(similarity("", ""), 1.0);
        assert_eq!(similarity("", "a"), 0.0);
        assert_eq!(similarity("a", ""), 0.0);
        assert_eq!(similarity("abc", "xyz"), 0.0);
        assert_eq!(similarity("a", "a"), 1.0);
    }

    #[test]
    fn the_words_agree_with_the_plain_method() {
        let mut random = Random(7);
        let mut positions = Positions::default();
        // 353, 609 and 0x1F661 share the low bits of 'a', so their slots collide.
        for letters in [
            &[97, 98, 99][..],
            &[97, 353, 609, 0x1F661, 98, 354],
            &[0, 256, 1 << 20],
        ] {
            for _ in 0..20_000 {
                let (a, b) = (random.draw(letters, 64), random.draw(letters, 64));
                let expected = Plain::default().matches(&a, &b);
                positions.set(&a);
                assert_eq!(
                    positions.matches(a.len(), &b, 0),
                    Some(expected),
                    "{a:?} {b:?}"
                );
                assert_eq!(positions.matches(a.len(), &b, expected.0 + 1), None);
            }
        }
    }
}
