//! The kernels `seal` and `prove`: the Merkle tree of RFC 9162, level by level.
//!
//! Pairing neighbours and moving an odd last node up gives the tree that the RFC defines
//! from the top, by splitting at the largest power of two.

mod answer;
#[cfg(feature = "python")]
pub mod python;
mod sha256;

pub use self::answer::answer;

pub use self::sha256::Hash;
use self::sha256::{empty_hash, leaf_hashes, level_up};
use crate::packed::Blobs;
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

#[cfg(test)]
mod tests;
