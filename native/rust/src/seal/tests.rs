use sha2::{Digest, Sha256};

use super::*;
use crate::packed::Items;
use crate::testing::{Random, list, unhex, vectors};

/// MTH and PATH of RFC 9162, from the root down.
fn tree_hash(records: &[Vec<u8>]) -> Vec<u8> {
    match records {
        [] => Sha256::digest(b"").to_vec(),
        [record] => Sha256::digest([&[0], &record[..]].concat()).to_vec(),
        _ => {
            let (left, right) = records.split_at(split(records.len()));
            Sha256::digest([vec![1], tree_hash(left), tree_hash(right)].concat()).to_vec()
        }
    }
}

fn path(place: usize, records: &[Vec<u8>]) -> Vec<u8> {
    if records.len() == 1 {
        return Vec::new();
    }
    let (left, right) = records.split_at(split(records.len()));
    if place < left.len() {
        [path(place, left), tree_hash(right)].concat()
    } else {
        [path(place - left.len(), right), tree_hash(left)].concat()
    }
}

/// The largest power of two below n.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// n records of `longest` bytes at most.
fn made_up(n: usize, longest: usize) -> Vec<Vec<u8>> {
    let mut random = Random((n + longest) as u64);
    let bytes: Vec<u8> = (0..=255).collect();
    (0..n).map(|_| random.draw(&bytes, longest)).collect()
}

#[test]
fn the_vectors_that_all_engines_share() {
    for vector in vectors("seal") {
        let records: Vec<_> = list(&vector["input"]).iter().map(unhex).collect();
        let packed = Items::pack(&records);
        let expected = &vector["expected"];
        let places: Vec<_> = (0..records.len()).collect();
        let proofs: Vec<_> = list(&expected["proofs"]).iter().map(unhex).collect();
        let root = seal(packed.packed(), 1);
        assert_eq!(root[..], unhex(&expected["root"]), "{}", vector["id"]);
        let got = prove(packed.packed(), &places, 1);
        assert_eq!(got, proofs, "{}", vector["id"]);
    }
}

#[test]
fn roots_and_proofs_are_those_of_the_definition() {
    for n in (0..40).chain([CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5]) {
        let records = made_up(n, 600);
        let packed = Items::pack(&records);
        let root = seal(packed.packed(), 1);
        assert_eq!(root[..], tree_hash(&records), "{n} records");
        let places: Vec<_> = (0..n).rev().step_by(1 + n / 40).collect();
        let proofs = prove(packed.packed(), &places, 1);
        for (&place, proof) in places.iter().zip(&proofs) {
            assert_eq!(*proof, path(place, &records), "{place} of {n}");
        }
    }
}

#[test]
fn threads_give_the_same_root_and_proofs() {
    let records = made_up(5000, 400);
    let packed = Items::pack(&records);
    let packed = packed.packed();
    let places = [0, 1, 2500, 4999];
    assert!(worth(64, packed) > 3);
    let (root, proofs) = (seal(packed, 1), prove(packed, &places, 1));
    assert_eq!(root[..], tree_hash(&records));
    for threads in [2, 3, 64] {
        assert_eq!(seal(packed, threads), root);
        assert_eq!(prove(packed, &places, threads), proofs);
    }
}
