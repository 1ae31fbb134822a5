//! The kernel `screen`; the contract states the method.

use crate::bound::Bound;
use crate::jaro::{Plain, Positions, WORD, common_prefix, winkler};
use crate::packed::{CodePoints, NameIndex};
use crate::planes::Filter;
use crate::share::share;

/// Pairs of names that are worth a thread of their own: at usual cutoffs about 0.2 ms of work.
const PAIRS_PER_THREAD: usize = 1_000_000;

/// Runs of queries for each thread: they differ in what they cost.
const RUNS_PER_THREAD: usize = 4;

/// rows, scores: `limit` places for each query, as in `Hits` of the contract. The number
/// of threads does not change them.
pub fn screen(
    queries: CodePoints,
    index: NameIndex,
    cutoff: f64,
    limit: usize,
    threads: usize,
    rows: &mut [i32],
    scores: &mut [f64],
) {
    assert!(limit > 0 && rows.len() == queries.len() * limit && scores.len() == rows.len());
    let pairs = queries.len().saturating_mul(index.names.len());
    let threads = threads.min(pairs / PAIRS_PER_THREAD);
    let runs = if threads < 2 {
        1
    } else {
        threads * RUNS_PER_THREAD
    };
    let run = queries.len().div_ceil(runs).max(1);
    let places = rows
        .chunks_mut(run * limit)
        .zip(scores.chunks_mut(run * limit));
    share(places.enumerate(), threads, |(i, (rows, scores))| {
        screen_run(queries, i * run, index, cutoff, limit, rows, scores)
    });
}

/// The queries from `first` on, as many as there are places for.
fn screen_run(
    queries: CodePoints,
    first: usize,
    index: NameIndex,
    cutoff: f64,
    limit: usize,
    rows: &mut [i32],
    scores: &mut [f64],
) {
    let bound = Bound::new(cutoff);
    let mut filter = Filter::new(index);
    let mut found = Vec::new();
    let mut candidates = Vec::new();
    let mut positions = Positions::default();
    let mut plain = Plain::default();
    rows.fill(-1);
    scores.fill(0.0);
    let places = rows
        .chunks_exact_mut(limit)
        .zip(scores.chunks_exact_mut(limit));
    for (i, (rows, scores)) in places.enumerate() {
        let query = queries.get(first + i);
        let in_words = query.len() <= WORD;
        if in_words {
            positions.set(query);
        }
        filter.candidates(&bound, query, &mut found);
        // A pass of its own, because its loads, which miss the cache, then overlap.
        candidates.clear();
        candidates.extend(found.iter().filter_map(|candidate| {
            let name = index.names.get(candidate.name);
            let prefix = common_prefix(query, name);
            let need = bound.fewest_common(query.len(), name.len(), prefix);
            (candidate.common >= need).then_some((candidate.name, name, prefix, need))
        }));
        let mut best = Best {
            rows,
            scores,
            held: 0,
        };
        for &(at, name, prefix, need) in &candidates {
            let (m, transpositions) = if in_words && name.len() <= WORD {
                match positions.matches(query.len(), name, need) {
                    Some(matches) => matches,
                    None => continue,
                }
            } else {
                plain.matches(query, name)
            };
            let score = winkler(query.len(), name.len(), m, transpositions, prefix);
            if score >= cutoff {
                best.offer(index.rows[at], score);
            }
        }
    }
}

/// The hits of one query, kept in order in their final place.
struct Best<'a> {
    rows: &'a mut [i32],
    scores: &'a mut [f64],
    held: usize,
}

impl Best<'_> {
    fn offer(&mut self, row: i32, score: f64) {
        let comes_first =
            |i: usize| self.scores[i] > score || (self.scores[i] == score && self.rows[i] < row);
        let full = self.held == self.rows.len();
        if full && comes_first(self.held - 1) {
            return;
        }
        let (mut at, mut beyond) = (0, self.held);
        while at < beyond {
            let middle = at + (beyond - at) / 2;
            if comes_first(middle) {
                at = middle + 1;
            } else {
                beyond = middle;
            }
        }
        self.held += usize::from(!full);
        self.rows.copy_within(at..self.held - 1, at + 1);
        self.scores.copy_within(at..self.held - 1, at + 1);
        self.rows[at] = row;
        self.scores[at] = score;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::planes::{BINS, words_for};

    pub fn code_points(text: &str) -> Vec<u32> {
        text.chars().map(u32::from).collect()
    }

    /// SplitMix64, enough for tests and without a crate.
    pub struct Random(pub u64);

    impl Random {
        pub fn word(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }

        pub fn below(&mut self, n: usize) -> usize {
            (self.word() % n as u64) as usize
        }

        pub fn name(&mut self, letters: &[u32], longest: usize) -> Vec<u32> {
            let length = self.below(longest + 1);
            (0..length)
                .map(|_| letters[self.below(letters.len())])
                .collect()
        }
    }

    pub fn pack(names: &[Vec<u32>]) -> (Vec<i32>, Vec<u32>) {
        let mut offsets = vec![0];
        for name in names {
            offsets.push(offsets[offsets.len() - 1] + name.len() as i32);
        }
        (offsets, names.concat())
    }

    /// What the contract's `NameIndex.build` makes of names that are sorted by length.
    pub struct Prepared {
        pub offsets: Vec<i32>,
        pub data: Vec<u32>,
        pub planes: Vec<u64>,
        pub plane_starts: Vec<i32>,
        pub heads: Vec<u64>,
        pub rows: Vec<i32>,
    }

    impl Prepared {
        pub fn new(names: &[Vec<u32>]) -> Self {
            let (offsets, data) = pack(names);
            let bin = |code_point: u32| code_point as usize % BINS;
            let plane = |marked: &dyn Fn(&[u32]) -> bool| {
                let mut words = vec![0; words_for(names.len())];
                for (i, name) in names.iter().enumerate() {
                    words[i / 64] |= u64::from(marked(name)) << (i % 64);
                }
                words
            };
            let (mut planes, mut plane_starts, mut depth) = (Vec::new(), vec![0], 0);
            for b in 0..BINS {
                let count = |name: &[u32]| name.iter().filter(|&&c| bin(c) == b).count();
                let deepest = names.iter().map(|name| count(name)).max().unwrap_or(0);
                for k in 0..deepest {
                    planes.extend(plane(&|name| count(name) > k));
                }
                depth += deepest as i32;
                plane_starts.push(depth);
            }
            let mut heads = Vec::new();
            for j in 0..2 {
                for b in 0..BINS {
                    heads.extend(plane(&|name| name.get(j).is_some_and(|&c| bin(c) == b)));
                }
            }
            // 7919 is a prime, so every row comes up once, out of order.
            let rows = (0..names.len())
                .map(|i| (i * 7919 % names.len()) as i32)
                .collect();
            Self {
                offsets,
                data,
                planes,
                plane_starts,
                heads,
                rows,
            }
        }

        pub fn index(&self) -> NameIndex<'_> {
            let names = CodePoints::new(&self.offsets, &self.data).unwrap();
            NameIndex::new(
                names,
                &self.planes,
                &self.plane_starts,
                &self.heads,
                &self.rows,
            )
            .unwrap()
        }
    }

    /// Every name by the plain method, best first: no bound, no planes, no words.
    fn ranked(query: &[u32], names: &[Vec<u32>], rows: &[i32]) -> Vec<(i32, f64)> {
        let mut scored: Vec<_> = (names.iter().zip(rows))
            .map(|(name, &row)| {
                let (m, t) = Plain::default().matches(query, name);
                let prefix = common_prefix(query, name);
                (row, winkler(query.len(), name.len(), m, t, prefix))
            })
            .collect();
        scored.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
        scored
    }

    #[test]
    fn the_hits_are_those_of_brute_force() {
        let mut random = Random(11);
        for (letters, longest, n) in [
            (&[97, 98, 99, 100][..], 12, 700),
            (&[97, 353, 1 << 20, 98], 150, 100),
            (&[97], 7, 2100),
            (&[97], 3, 0),
        ] {
            let mut names: Vec<_> = (0..n).map(|_| random.name(letters, longest)).collect();
            names.sort_by_key(Vec::len);
            let prepared = Prepared::new(&names);
            let mut queries: Vec<_> = (0..12).map(|_| random.name(letters, longest)).collect();
            queries.extend([vec![], vec![97]]);
            let (offsets, data) = pack(&queries);
            let packed = CodePoints::new(&offsets, &data).unwrap();
            let ranked: Vec<_> = (queries.iter())
                .map(|query| ranked(query, &names, &prepared.rows))
                .collect();
            for cutoff in [0.0, 0.3, 0.7, 0.700_000_1, 0.73, 0.85, 0.9, 1.0] {
                for limit in [1, 5, 1000] {
                    let mut expected = Vec::new();
                    for (q, ranked) in ranked.iter().enumerate() {
                        let hits = ranked.iter().filter(|(_, score)| *score >= cutoff);
                        expected.extend(hits.take(limit));
                        expected.resize((q + 1) * limit, (-1, 0.0));
                    }
                    let mut rows = vec![0; queries.len() * limit];
                    let mut scores = vec![0.5; queries.len() * limit];
                    screen(
                        packed,
                        prepared.index(),
                        cutoff,
                        limit,
                        1,
                        &mut rows,
                        &mut scores,
                    );
                    let got: Vec<_> = rows.into_iter().zip(scores).collect();
                    assert_eq!(got, expected, "cutoff {cutoff} limit {limit}");
                }
            }
        }
    }

    #[test]
    fn the_vectors_that_all_engines_share() {
        let path = "/../../tests/conformance/vectors/screen.json";
        let content = std::fs::read_to_string(env!("CARGO_MANIFEST_DIR").to_owned() + path);
        let file: serde_json::Value = serde_json::from_str(&content.unwrap()).unwrap();
        let texts = |list: &serde_json::Value| -> Vec<_> {
            let list = list.as_array().unwrap().iter();
            list.map(|text| code_points(text.as_str().unwrap()))
                .collect()
        };
        let vectors = file["vectors"].as_array().unwrap();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let input = &vector["input"];
            let (queries, names) = (texts(&input["queries"]), texts(&input["names"]));
            let mut order: Vec<_> = (0..names.len()).collect();
            order.sort_by_key(|&row| names[row].len());
            let sorted: Vec<_> = order.iter().map(|&row| names[row].clone()).collect();
            let mut prepared = Prepared::new(&sorted);
            prepared.rows = order.iter().map(|&row| row as i32).collect();
            let cutoff = input["cutoff"].as_f64().unwrap();
            let limit = input["limit"].as_u64().unwrap() as usize;
            let (offsets, data) = pack(&queries);
            let packed = CodePoints::new(&offsets, &data).unwrap();
            let mut rows = vec![0; queries.len() * limit];
            let mut scores = vec![0.5; queries.len() * limit];
            let index = prepared.index();
            screen(packed, index, cutoff, limit, 1, &mut rows, &mut scores);
            for (q, expected) in vector["expected"].as_array().unwrap().iter().enumerate() {
                let places = q * limit..(q + 1) * limit;
                let got: Vec<_> = (rows[places.clone()].iter().zip(&scores[places]))
                    .take_while(|(row, _)| **row >= 0)
                    .map(|(row, score)| serde_json::json!([row, score]))
                    .collect();
                assert_eq!(expected.as_array().unwrap(), &got, "{}", vector["id"]);
            }
        }
    }

    #[test]
    fn threads_find_the_same_hits() {
        let mut random = Random(13);
        let mut names: Vec<_> = (0..4000).map(|_| random.name(&[97, 98, 99], 9)).collect();
        names.sort_by_key(Vec::len);
        let queries: Vec<_> = (0..3 * PAIRS_PER_THREAD / names.len() + 1)
            .map(|_| random.name(&[97, 98, 99], 9))
            .collect();
        let prepared = Prepared::new(&names);
        let (offsets, data) = pack(&queries);
        let packed = CodePoints::new(&offsets, &data).unwrap();
        let found = |threads| {
            let mut rows = vec![0; queries.len() * 3];
            let mut scores = vec![0.5; queries.len() * 3];
            let index = prepared.index();
            screen(packed, index, 0.95, 3, threads, &mut rows, &mut scores);
            (rows, scores)
        };
        let alone = found(1);
        for threads in [2, 3, 64] {
            assert!(found(threads) == alone, "{threads} threads");
        }
    }
}
