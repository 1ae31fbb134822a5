use serde_json::{Value, json};

use super::index::{BINS, words_for};
use super::*;
use crate::packed::Items;
use crate::testing::{Random, list, text, vectors};

pub fn code_points(text: &str) -> Vec<u32> {
    text.chars().map(u32::from).collect()
}

/// What the contract's `NameIndex.build` makes of names that are sorted by length.
pub struct Prepared {
    names: Items<u32>,
    planes: Vec<u64>,
    plane_starts: Vec<i32>,
    heads: Vec<u64>,
    rows: Vec<i32>,
}

impl Prepared {
    pub fn new(names: &[Vec<u32>]) -> Self {
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
            names: Items::pack(names),
            planes,
            plane_starts,
            heads,
            rows,
        }
    }

    pub fn index(&self) -> NameIndex<'_> {
        NameIndex::new(
            self.names.packed(),
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
        let mut names: Vec<_> = (0..n).map(|_| random.draw(letters, longest)).collect();
        names.sort_by_key(Vec::len);
        let prepared = Prepared::new(&names);
        let mut queries: Vec<_> = (0..12).map(|_| random.draw(letters, longest)).collect();
        queries.extend([vec![], vec![97]]);
        let packed = Items::pack(&queries);
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
                    packed.packed(),
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
    let texts = |value: &Value| -> Vec<_> {
        let texts = list(value).iter();
        texts.map(|value| code_points(text(value))).collect()
    };
    for vector in vectors("screen") {
        let input = &vector["input"];
        let (queries, names) = (texts(&input["queries"]), texts(&input["names"]));
        let mut order: Vec<_> = (0..names.len()).collect();
        order.sort_by_key(|&row| names[row].len());
        let sorted: Vec<_> = order.iter().map(|&row| names[row].clone()).collect();
        let mut prepared = Prepared::new(&sorted);
        prepared.rows = order.iter().map(|&row| row as i32).collect();
        let cutoff = input["cutoff"].as_f64().unwrap();
        let limit = input["limit"].as_u64().unwrap() as usize;
        let packed = Items::pack(&queries);
        let mut rows = vec![0; queries.len() * limit];
        let mut scores = vec![0.5; queries.len() * limit];
        let index = prepared.index();
        screen(
            packed.packed(),
            index,
            cutoff,
            limit,
            1,
            &mut rows,
            &mut scores,
        );
        for (q, expected) in list(&vector["expected"]).iter().enumerate() {
            let places = q * limit..(q + 1) * limit;
            let got: Vec<_> = (rows[places.clone()].iter().zip(&scores[places]))
                .take_while(|(row, _)| **row >= 0)
                .map(|(row, score)| json!([row, score]))
                .collect();
            assert_eq!(list(expected), got, "{}", vector["id"]);
        }
    }
}

#[test]
fn threads_find_the_same_hits() {
    let mut random = Random(13);
    let mut names: Vec<_> = (0..4000).map(|_| random.draw(&[97, 98, 99], 9)).collect();
    names.sort_by_key(Vec::len);
    let queries: Vec<_> = (0..3 * PAIRS_PER_THREAD / names.len() + 1)
        .map(|_| random.draw(&[97, 98, 99], 9))
        .collect();
    let prepared = Prepared::new(&names);
    let packed = Items::pack(&queries);
    let found = |threads| {
        let mut rows = vec![0; queries.len() * 3];
        let mut scores = vec![0.5; queries.len() * 3];
        let index = prepared.index();
        screen(
            packed.packed(),
            index,
            0.95,
            3,
            threads,
            &mut rows,
            &mut scores,
        );
        (rows, scores)
    };
    let alone = found(1);
    for threads in [2, 3, 64] {
        assert!(found(threads) == alone, "{threads} threads");
    }
}
