//! The kernel `screen`; the contract states the method.

use crate::bags::{Bag, Level, SLACK, Survivor, survivors};
use crate::jaro::{
    BONUS_THRESHOLD, PREFIX_LENGTH, PREFIX_WEIGHT, Plain, Positions, WORD, common_prefix, winkler,
};
use crate::packed::{CodePoints, NameIndex};

/// Names that go through the first pass together, so that their survivors stay in the L1 cache.
const CHUNK: usize = 1024;

/// Far above the rounding error of a score, far below what tells two scores apart.
const ROUNDING_SLACK: f64 = 1e-9;

/// rows, scores: `limit` places for each query, as in `Hits` of the contract.
pub fn screen(
    level: Level,
    queries: CodePoints,
    index: NameIndex,
    cutoff: f64,
    limit: usize,
    rows: &mut [i32],
    scores: &mut [f64],
) {
    assert!(limit > 0 && rows.len() == queries.len() * limit && scores.len() == rows.len());
    let blocks = index.blocks();
    let mut passed = vec![Survivor::default(); CHUNK + SLACK];
    let mut plain = Plain::default();
    rows.fill(-1);
    scores.fill(0.0);
    let places = rows.chunks_exact_mut(limit).zip(scores.chunks_exact_mut(limit));
    for (i, (rows, scores)) in places.enumerate() {
        let query = queries.get(i);
        let bag = Bag::of(query);
        let positions = (query.len() <= WORD).then(|| Positions::new(query));
        let mut best = Best { rows, scores, held: 0 };
        let mut bar = Bar::at(cutoff);
        for &(length, first, end) in &blocks {
            let shorter = length.min(query.len());
            for start in (first..end).step_by(CHUNK) {
                if let Some(worst) = best.worst() {
                    bar.raise(worst);
                }
                let overlap = overlap(query.len(), length);
                let loosest = bar.need(shorter.min(PREFIX_LENGTH), overlap);
                if loosest > shorter as u64 {
                    break;
                }
                let names = start..end.min(start + CHUNK);
                let (bags, overflows) = (&index.bags[names.clone()], &index.overflows[names]);
                let count = survivors(level, &bag, loosest, bags, overflows, &mut passed);
                for survivor in &passed[..count] {
                    let name_at = start + survivor.position();
                    let name = index.names.get(name_at);
                    let prefix = common_prefix(query, name);
                    let need = bar.need(prefix, overlap);
                    if survivor.common() < need {
                        continue;
                    }
                    let (m, transpositions) = match &positions {
                        Some(positions) if length <= WORD => {
                            match positions.matches(query.len(), name, need as usize) {
                                Some(matches) => matches,
                                None => continue,
                            }
                        }
                        _ => plain.matches(query, name),
                    };
                    let score = winkler(query.len(), length, m, transpositions, prefix);
                    if score >= cutoff {
                        best.offer(index.rows[name_at], score);
                    }
                }
            }
        }
    }
}

/// The least score that is still of use, and the Jaro similarity it takes for each
/// length of the common prefix.
struct Bar {
    score: f64,
    jaro: [f64; PREFIX_LENGTH + 1],
}

impl Bar {
    fn at(score: f64) -> Self {
        let jaro = std::array::from_fn(|prefix| {
            let bonus = prefix as f64 * PREFIX_WEIGHT;
            // At or below the threshold a score can also be reached without the bonus.
            let least = if score <= BONUS_THRESHOLD {
                score
            } else {
                ((score - bonus) / (1.0 - bonus)).max(BONUS_THRESHOLD)
            };
            least - ROUNDING_SLACK
        });
        Self { score, jaro }
    }

    fn raise(&mut self, score: f64) {
        if score > self.score {
            *self = Self::at(score);
        }
    }

    /// The least number of common characters that can reach the bar. Everything
    /// reaches a bar of 0, and nothing without a common character one above it,
    /// but for two empty names: no need stands in their way.
    fn need(&self, prefix: usize, overlap: f64) -> u64 {
        if self.score <= 0.0 || overlap == 0.0 {
            return 0;
        }
        let least = (3.0 * self.jaro[prefix] - 1.0) * overlap;
        let whole = least as u64; // a negative number becomes 0
        (whole + u64::from((whole as f64) < least)).max(1)
    }
}

/// |a| |b| / (|a| + |b|): Jaro <= (c / overlap + 1) / 3 for c common characters.
fn overlap(len_a: usize, len_b: usize) -> f64 {
    if len_a + len_b == 0 {
        return 0.0;
    }
    len_a as f64 * len_b as f64 / (len_a + len_b) as f64
}

/// The hits of one query, kept in order in their final place.
struct Best<'a> {
    rows: &'a mut [i32],
    scores: &'a mut [f64],
    held: usize,
}

impl Best<'_> {
    /// The score to beat, or to equal with a lower row, once all places are taken.
    fn worst(&self) -> Option<f64> {
        (self.held == self.rows.len()).then(|| self.scores[self.held - 1])
    }

    fn offer(&mut self, row: i32, score: f64) {
        let (mut at, mut beyond) = (0, self.held);
        while at < beyond {
            let middle = at + (beyond - at) / 2;
            let held = self.scores[middle];
            if held > score || (held == score && self.rows[middle] < row) {
                at = middle + 1;
            } else {
                beyond = middle;
            }
        }
        if at == self.rows.len() {
            return;
        }
        self.held = (self.held + 1).min(self.rows.len());
        self.rows.copy_within(at..self.held - 1, at + 1);
        self.scores.copy_within(at..self.held - 1, at + 1);
        self.rows[at] = row;
        self.scores[at] = score;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn code_points(text: &str) -> Vec<u32> {
        text.chars().map(u32::from).collect()
    }

    /// SplitMix64, enough for tests and without a crate.
    pub struct Random(pub u64);

    impl Random {
        pub fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) % n as u64) as usize
        }

        pub fn name(&mut self, letters: &[u32], longest: usize) -> Vec<u32> {
            let length = self.below(longest + 1);
            (0..length).map(|_| letters[self.below(letters.len())]).collect()
        }
    }

    fn pack(names: &[Vec<u32>]) -> (Vec<i32>, Vec<u32>) {
        let mut offsets = vec![0];
        for name in names {
            offsets.push(offsets[offsets.len() - 1] + name.len() as i32);
        }
        (offsets, names.concat())
    }

    /// Every pair by the plain method, then a sort: no bound, no bags, no words.
    fn brute_force(
        query: &[u32],
        names: &[Vec<u32>],
        rows: &[i32],
        cutoff: f64,
        limit: usize,
    ) -> Vec<(i32, f64)> {
        let mut hits: Vec<_> = (names.iter().zip(rows))
            .map(|(name, &row)| {
                let (m, t) = Plain::default().matches(query, name);
                (row, winkler(query.len(), name.len(), m, t, common_prefix(query, name)))
            })
            .filter(|(_, score)| *score >= cutoff)
            .collect();
        hits.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
        hits.truncate(limit);
        hits.resize(limit, (-1, 0.0));
        hits
    }

    #[test]
    fn the_hits_are_those_of_brute_force() {
        let mut random = Random(11);
        for (letters, longest, n) in
            [(&[97, 98, 99, 100][..], 12, 300), (&[97, 353, 1 << 20, 98], 150, 100), (&[97], 7, 2100)]
        {
            let mut names: Vec<_> = (0..n).map(|_| random.name(letters, longest)).collect();
            names.sort_by_key(Vec::len);
            let rows: Vec<_> = (0..n).map(|i| (i * 7919 % n) as i32).collect();
            let (offsets, data) = pack(&names);
            let bags: Vec<_> = names.iter().map(|name| Bag::of(name)).collect();
            let bits: Vec<_> = bags.iter().map(|bag| bag.bits).collect();
            let overflows: Vec<_> = bags.iter().map(|bag| bag.overflow as u16).collect();
            let names_packed = CodePoints::new(&offsets, &data).unwrap();
            let index = NameIndex::new(names_packed, &bits, &overflows, &rows).unwrap();
            let queries: Vec<_> = (0..12).map(|_| random.name(letters, longest)).collect();
            let (query_offsets, query_data) = pack(&queries);
            let queries_packed = CodePoints::new(&query_offsets, &query_data).unwrap();
            for cutoff in [0.0, 0.3, 0.7, 0.7000001, 0.73, 0.85, 0.9, 1.0] {
                for limit in [1, 5, 1000] {
                    let expected: Vec<_> = (queries.iter())
                        .flat_map(|query| brute_force(query, &names, &rows, cutoff, limit))
                        .collect();
                    for level in Level::available() {
                        let mut rows_out = vec![0; queries.len() * limit];
                        let mut scores = vec![0.5; queries.len() * limit];
                        screen(
                            level, queries_packed, index, cutoff, limit, &mut rows_out, &mut scores,
                        );
                        let got: Vec<_> = rows_out.into_iter().zip(scores).collect();
                        assert_eq!(got, expected, "{level:?} cutoff {cutoff} limit {limit}");
                    }
                }
            }
        }
    }
}
