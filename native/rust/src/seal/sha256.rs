//! The hashes of a Merkle tree's nodes, RFC 9162, section 2.1.1.
//!
//! The rounds of one message wait for each other, so the processor takes several
//! messages by turns, a block of each: their rounds overlap. What is ours is the padding
//! (FIPS 180-4, section 5.1.1); the compression function is the `sha2` crate's.

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

use crate::packed::Blobs;

pub type Hash = [u8; 32];

/// Messages that are hashed by turns. Eight gained nothing more.
const LANES: usize = 4;

const LEAF: u8 = 0;
const INNER: u8 = 1;

/// Blocks of a leaf that is hashed by turns with others; longer ones gain little.
const LEAF_BLOCKS: usize = 8;
const INNER_BLOCKS: usize = 2;

/// FIPS 180-4, section 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// A message with its padding, at the front of its blocks.
#[derive(Clone, Copy)]
struct Padded<const BLOCKS: usize> {
    blocks: [[u8; 64]; BLOCKS],
    used: usize, // 0: no message
}

impl<const BLOCKS: usize> Padded<BLOCKS> {
    const NONE: Self = Self {
        blocks: [[0; 64]; BLOCKS],
        used: 0,
    };

    /// The bytes that fit: behind them come the bit 1 and the length in 64 bits.
    const CAPACITY: usize = 64 * BLOCKS - 9;

    fn set(&mut self, prefix: u8, parts: &[&[u8]]) {
        let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
        self.used = (length + 9).div_ceil(64);
        let (message, padding) = self.blocks[..self.used]
            .as_flattened_mut()
            .split_at_mut(length);
        message[0] = prefix;
        let mut start = 1;
        for part in parts {
            message[start..start + part.len()].copy_from_slice(part);
            start += part.len();
        }
        let (mark, bits) = padding.split_at_mut(padding.len() - 8);
        mark.fill(0);
        mark[0] = 0x80;
        bits.copy_from_slice(&(8 * length as u64).to_be_bytes());
    }
}

fn hash_by_turns<const BLOCKS: usize>(messages: &[Padded<BLOCKS>; LANES]) -> [Hash; LANES] {
    let mut states = [INITIAL; LANES];
    for turn in 0..BLOCKS {
        for (state, message) in states.iter_mut().zip(messages) {
            if turn < message.used {
                compress256(state, &message.blocks[turn..=turn]);
            }
        }
    }
    states.map(|state| {
        let mut hash = [0; 32];
        for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
        hash
    })
}

pub fn empty_hash() -> Hash {
    Sha256::digest(b"").into()
}

pub fn leaf_hash(record: &[u8]) -> Hash {
    let message = Sha256::new_with_prefix([LEAF]).chain_update(record);
    message.finalize().into()
}

/// hashes: as many as are wanted, of the records from `first` on.
pub fn leaf_hashes(records: Blobs, first: usize, hashes: &mut [Hash]) {
    let mut messages = [Padded::<LEAF_BLOCKS>::NONE; LANES];
    for (group, hashes) in hashes.chunks_mut(LANES).enumerate() {
        let record = |lane| records.get(first + group * LANES + lane);
        for (lane, message) in messages.iter_mut().enumerate() {
            message.used = 0;
            if lane < hashes.len() && record(lane).len() < Padded::<LEAF_BLOCKS>::CAPACITY {
                message.set(LEAF, &[record(lane)]);
            }
        }
        let made = hash_by_turns(&messages);
        for (lane, hash) in hashes.iter_mut().enumerate() {
            *hash = match messages[lane].used {
                0 => leaf_hash(record(lane)),
                _ => made[lane],
            };
        }
    }
}

/// Puts the next level of the tree in the place of this one, and returns its length. The
/// last node of an odd level has no sibling and moves up as it is.
pub fn level_up(nodes: &mut [Hash]) -> usize {
    let (pairs, length) = (nodes.len() / 2, nodes.len().div_ceil(2));
    let mut messages = [Padded::<INNER_BLOCKS>::NONE; LANES];
    for start in (0..pairs).step_by(LANES) {
        let group = start..pairs.min(start + LANES);
        for (lane, message) in messages.iter_mut().enumerate() {
            message.used = 0;
            if lane < group.len() {
                let pair = 2 * (start + lane);
                message.set(INNER, &[&nodes[pair], &nodes[pair + 1]]);
            }
        }
        let made = hash_by_turns(&messages);
        nodes[group.clone()].copy_from_slice(&made[..group.len()]);
    }
    if length > pairs {
        nodes[pairs] = nodes[2 * pairs];
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::Items;
    use crate::testing::Random;

    /// Lengths on both sides of every step of the padding and of the buffer's end.
    #[test]
    fn leaves_are_hashed_as_by_the_crate() {
        let mut random = Random(256);
        let data: Vec<u8> = (0..600).map(|_| random.below(256) as u8).collect();
        for length in 0..600 {
            for others in [0, 55, 503, 504] {
                let lengths = [others, length, others, others, length, others];
                let leaves = Items::pack(&lengths.map(|l| data[..l].to_vec()));
                let mut hashes = [[7; 32]; 5];
                leaf_hashes(leaves.packed(), 1, &mut hashes);
                let expected = [1, 2, 3, 4, 5].map(|i| leaf_hash(&data[..lengths[i]]));
                assert_eq!(hashes, expected, "{length} among {others}");
            }
        }
    }

    fn inner_hash(left: &Hash, right: &Hash) -> Hash {
        Sha256::digest([&[INNER], &left[..], &right[..]].concat()).into()
    }

    #[test]
    fn a_level_is_hashed_as_by_the_crate() {
        let mut random = Random(65);
        for n in 1..20 {
            let nodes: Vec<Hash> = (0..n)
                .map(|_| std::array::from_fn(|_| random.below(256) as u8))
                .collect();
            let mut expected: Vec<_> = (nodes.chunks_exact(2))
                .map(|pair| inner_hash(&pair[0], &pair[1]))
                .collect();
            expected.extend(nodes.chunks_exact(2).remainder());
            let mut level = nodes.clone();
            let length = level_up(&mut level);
            assert_eq!(level[..length], expected);
        }
    }
}
