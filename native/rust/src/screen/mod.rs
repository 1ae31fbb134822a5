//! The kernel `screen`; the contract states the method.

mod answer;
mod bound;
mod filter;
mod index;
mod jaro;
mod names;
mod planes;
#[cfg(feature = "python")]
pub mod python;

pub use self::answer::{Limits, answer};
use self::bound::Bound;
use self::filter::Filter;
pub use self::index::NameIndex;
use self::jaro::{Plain, Positions, WORD, common_prefix, winkler};
pub use self::names::Folding;
use crate::packed::CodePoints;
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
mod tests;
