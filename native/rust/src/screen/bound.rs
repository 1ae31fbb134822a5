//! The exact upper bound that lets `screen` discard most names unseen.

use std::ops::RangeInclusive;

use super::jaro::{BONUS_THRESHOLD, PREFIX_LENGTH, PREFIX_WEIGHT};

/// Far above the rounding error of a score, far below one common character.
const SLACK: f64 = 1e-9;

/// The cutoff, and the Jaro similarity it takes for each length of the common prefix.
pub struct Bound {
    pub cutoff: f64,
    jaro: [f64; PREFIX_LENGTH + 1],
}

impl Bound {
    /// cutoff: 0 to 1.
    pub fn new(cutoff: f64) -> Self {
        let jaro = std::array::from_fn(|prefix| {
            let bonus = prefix as f64 * PREFIX_WEIGHT;
            // At or below the threshold a score can also be reached without the bonus.
            if cutoff <= BONUS_THRESHOLD {
                cutoff
            } else {
                ((cutoff - bonus) / (1.0 - bonus)).max(BONUS_THRESHOLD)
            }
        });
        Self { cutoff, jaro }
    }

    /// The fewest common characters with which two names can reach the cutoff, 0 only
    /// where nothing in common is needed. More than both have where it is out of reach.
    ///
    /// This is (c/|a| + c/|b| + 1)/3 >= Jaro solved for c, less the slack. It grows
    /// with either length.
    #[inline]
    pub fn fewest_common(&self, len_a: usize, len_b: usize, prefix: usize) -> usize {
        if self.cutoff <= 0.0 || len_a + len_b == 0 {
            return 0;
        }
        let least = (3.0 * self.jaro[prefix] - 1.0) * overlap(len_a, len_b) - SLACK;
        let whole = least as i64;
        (whole + i64::from((whole as f64) < least)).max(1) as usize
    }

    /// The most by which a common prefix lowers `fewest_common`, for names of up to
    /// `longest` code points.
    pub fn head_start(&self, len_a: usize, longest: usize, prefix: usize) -> usize {
        let longest = longest.min(*self.lengths(len_a, prefix).end());
        let lower = 3.0 * (self.jaro[0] - self.jaro[prefix]);
        if len_a == 0 {
            0
        } else {
            (lower * overlap(len_a, longest)).ceil() as usize
        }
    }

    /// The lengths that the shorter and the longer of two names must lie between: even
    /// with all of the shorter one in common, their ratio is 3 Jaro - 2 at least.
    pub fn lengths(&self, len_a: usize, prefix: usize) -> RangeInclusive<usize> {
        let ratio = 3.0 * self.jaro[prefix] - 2.0 - SLACK;
        if self.cutoff <= 0.0 || ratio <= 0.0 {
            return 0..=usize::MAX;
        }
        let len_a = len_a as f64;
        (len_a * ratio - SLACK).ceil() as usize..=(len_a / ratio + SLACK) as usize
    }
}

fn overlap(len_a: usize, len_b: usize) -> f64 {
    len_a as f64 * len_b as f64 / (len_a + len_b) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::jaro::winkler;

    /// Every pair of lengths, count and prefix: the bound's own formula is not used.
    #[test]
    fn what_the_bound_excludes_scores_below_the_cutoff_and_no_more() {
        for cutoff in [0.0, 0.2, 0.5, 0.7, 0.700_000_1, 0.72, 0.8, 0.9, 0.95, 1.0] {
            let bound = Bound::new(cutoff);
            for len_a in 1..40 {
                for len_b in 1..40 {
                    for prefix in 0..=len_a.min(len_b).min(PREFIX_LENGTH) {
                        let shorter = len_a.min(len_b);
                        let fewest = (0..=shorter)
                            .find(|&m| winkler(len_a, len_b, m, 0, prefix) >= cutoff)
                            .unwrap_or(shorter + 1);
                        let case = format!("{cutoff} {len_a} {len_b} {prefix}");
                        // The slack may let through what rounding alone keeps below the
                        // cutoff, or at 0.7 without the bonus.
                        let rounded = |m| {
                            let jaro = winkler(len_a, len_b, m, 0, 0);
                            let score = jaro + prefix as f64 * PREFIX_WEIGHT * (1.0 - jaro);
                            (score - cutoff).abs() < 1e-8 || (jaro - BONUS_THRESHOLD).abs() < 1e-8
                        };
                        let got = bound.fewest_common(len_a, len_b, prefix).min(shorter + 1);
                        assert!(
                            got == fewest || (got + 1 == fewest && rounded(got)),
                            "{case}"
                        );
                        let within = bound.lengths(len_a, prefix).contains(&len_b);
                        assert!(within == (fewest <= shorter) || rounded(shorter), "{case}");
                    }
                }
            }
        }
    }
}
