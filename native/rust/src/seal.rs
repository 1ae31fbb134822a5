//! The kernels `seal`, `prove` and `verify`: the Merkle tree of RFC 9162, level by level.
//!
//! Pairing neighbours and moving an odd last node up gives the tree that the RFC defines
//! from the top, by splitting at the largest power of two.

use crate::packed::Blobs;
use crate::sha256::{Hash, empty_hash, inner_hash, leaf_hash, leaf_hashes, level_up};
use crate::share::share;

/// Leaves of a subtree that one thread hashes in one go; a power of two, so that all
/// subtrees but the last are complete. They stay in the L1 cache.
const CHUNK: usize = 128;

/// A node of the tree is as much work as so many bytes of a record.
const BYTES_PER_NODE: usize = 128;

/// Bytes that are worth a thread of their own: about 0.2 ms of work.
const BYTES_PER_THREAD: usize = 384 * 1024;

/// RFC 9162, section 2.1.1. The number of threads does not change the root.
pub fn seal(records: Blobs, threads: usize) -> Hash {
    if records.is_empty() {
        return empty_hash();
    }
    let mut roots = vec![Hash::default(); records.len().div_ceil(CHUNK)];
    share(
        roots.iter_mut().enumerate(),
        worth(threads, records),
        |(chunk, root)| {
            let first = chunk * CHUNK;
            let mut leaves = [Hash::default(); CHUNK];
            let leaves = &mut leaves[..CHUNK.min(records.len() - first)];
            leaf_hashes(records, first, leaves);
            *root = root_of(leaves);
        },
    );
    root_of(&mut roots)
}

/// The threads that the records are work enough for.
fn worth(threads: usize, records: Blobs) -> usize {
    let bytes = records.bytes() + BYTES_PER_NODE * records.len();
    threads.min(bytes / BYTES_PER_THREAD)
}

/// The root above the nodes of a level, one at least; what is left of them is scratch.
fn root_of(nodes: &mut [Hash]) -> Hash {
    let mut length = nodes.len();
    while length > 1 {
        length = level_up(&mut nodes[..length]);
    }
    nodes[0]
}

/// RFC 9162, section 2.1.3.1. places: below the number of records.
pub fn prove(records: Blobs, places: &[usize], threads: usize) -> Vec<Vec<u8>> {
    let mut proofs = vec![Vec::new(); places.len()];
    if places.is_empty() {
        return proofs;
    }
    let mut level = vec![Hash::default(); records.len()];
    share(
        level.chunks_mut(CHUNK).enumerate(),
        worth(threads, records),
        |(chunk, leaves)| leaf_hashes(records, chunk * CHUNK, leaves),
    );
    for height in 0.. {
        if level.len() == 1 {
            break;
        }
        for (proof, place) in proofs.iter_mut().zip(places) {
            if let Some(sibling) = level.get(place >> height ^ 1) {
                proof.extend_from_slice(sibling);
            }
        }
        let length = level_up(&mut level);
        level.truncate(length);
    }
    proofs
}

/// RFC 9162, section 2.1.3.2.
pub fn verify(record: &[u8], place: usize, size: usize, proof: &[u8], root: &[u8]) -> bool {
    let (siblings, rest) = proof.as_chunks::<32>();
    if place >= size || !rest.is_empty() {
        return false;
    }
    // The RFC's fn and sn: the node's place in its level, and that of the last node.
    let (mut place, mut last) = (place, size - 1);
    let mut node = leaf_hash(record);
    for sibling in siblings {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            node = inner_hash(sibling, &node);
            // The last node has moved up to the level where it has a sibling.
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            node = inner_hash(&node, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && node == root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tests::Random;
    use sha2::{Digest, Sha256};

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

    struct Batch {
        offsets: Vec<i32>,
        records: Vec<Vec<u8>>,
    }

    impl Batch {
        fn new(n: usize, longest: usize) -> Self {
            let mut random = Random((n + longest) as u64);
            let mut record = || {
                let length = random.below(longest + 1);
                (0..length).map(|_| random.below(256) as u8).collect()
            };
            let records: Vec<Vec<u8>> = (0..n).map(|_| record()).collect();
            let offsets = (0..=n).map(|i| records[..i].iter().map(|r| r.len() as i32).sum());
            let offsets = offsets.collect();
            Self { offsets, records }
        }

        fn with<T>(&self, work: impl FnOnce(Blobs) -> T) -> T {
            work(Blobs::new(&self.offsets, &self.records.concat()).unwrap())
        }
    }

    #[test]
    fn roots_and_proofs_are_those_of_the_definition() {
        for n in (0..40).chain([CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5]) {
            let Batch { records, .. } = &Batch::new(n, 600);
            let root = tree_hash(records);
            let places: Vec<_> = (0..n).rev().step_by(1 + n / 40).collect();
            let (sealed, proofs) =
                Batch::new(n, 600).with(|batch| (seal(batch, 1), prove(batch, &places, 1)));
            assert_eq!(sealed[..], root[..], "{n} records");
            for (&place, proof) in places.iter().zip(&proofs) {
                let record = &records[place];
                assert_eq!(*proof, path(place, records), "{place} of {n}");
                assert!(verify(record, place, n, proof, &root), "{place} of {n}");
                assert!(!verify(record, place ^ 1, n, proof, &root) || n == 1);
            }
        }
    }

    #[test]
    fn threads_give_the_same_root_and_proofs() {
        let batch = Batch::new(5000, 400);
        let places = [0, 1, 2500, 4999];
        batch.with(|records| {
            assert!(worth(64, records) > 3);
            let (root, proofs) = (seal(records, 1), prove(records, &places, 1));
            assert_eq!(root[..], tree_hash(&batch.records)[..]);
            for threads in [2, 3, 64] {
                assert_eq!(seal(records, threads), root);
                assert_eq!(prove(records, &places, threads), proofs);
            }
        });
    }
}
