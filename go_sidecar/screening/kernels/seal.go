package kernels

import (
	"context"
	"crypto/sha256"
	"hash"

	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/parallel"
)

// Hash is a node of the Merkle tree.
type Hash = [sha256.Size]byte

const (
	leafPrefix  = 0
	innerPrefix = 1

	// A chunk is a complete subtree (the last one of a batch apart): as large as a look at
	// the context and a goroutine's turn are worth.
	chunkHeight    = 10
	leavesPerChunk = 1 << chunkHeight
)

// Seal returns the Merkle tree hash of the records. Subtrees are shared out to at most
// `threads` goroutines; their number does not change the result.
// Errors: only the context's; it is looked at every 1024 records.
func Seal(ctx context.Context, records packed.Blobs, threads int) (Hash, error) {
	n := records.Len()
	roots := make([]Hash, parallel.Count(n, leavesPerChunk))
	err := parallel.Chunks(ctx, len(roots), threads, func(chunk int) {
		leaves := newLeafHasher()
		var subtree tree
		for i := chunk * leavesPerChunk; i < min((chunk+1)*leavesPerChunk, n); i++ {
			subtree.add(leaves.hash(records.At(i)))
		}
		roots[chunk] = subtree.root()
	})
	var top tree
	for _, root := range roots {
		top.add(root)
	}
	return top.root(), err
}

// Prove returns the inclusion proof of each place, 0 to n-1.
// Errors: only the context's; it is looked at every 1024 records and every 4096 places.
func Prove(ctx context.Context, records packed.Blobs, places []int32, threads int) ([][]byte, error) {
	levels, err := treeLevels(ctx, records, threads)
	if err != nil {
		return nil, err
	}
	const placesPerLook = 4096
	proofs := make([][]byte, len(places))
	nodes := make([]byte, 0, len(places)*(len(levels)-1)*sha256.Size) // of all proofs
	for k, place := range places {
		if k%placesPerLook == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		start := len(nodes)
		for _, level := range levels[:len(levels)-1] {
			// The last node of an odd level has no sibling and moves up as it is.
			if sibling := int(place) ^ 1; sibling < len(level) {
				nodes = append(nodes, level[sibling][:]...)
			}
			place >>= 1
		}
		proofs[k] = nodes[start:len(nodes):len(nodes)]
	}
	return proofs, nil
}

// tree is a Merkle tree that grows: the roots of its complete subtrees, the largest first.
// They are as many as size has bits set.
type tree struct {
	size     uint
	subtrees [32]Hash
	count    int
}

func (t *tree) add(leaf Hash) {
	for size := t.size; size&1 == 1; size >>= 1 {
		t.count--
		leaf = innerHash(&t.subtrees[t.count], &leaf)
	}
	t.subtrees[t.count] = leaf
	t.count++
	t.size++
}

func (t *tree) root() Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	root := t.subtrees[t.count-1]
	for k := t.count - 2; k >= 0; k-- {
		root = innerHash(&t.subtrees[k], &root)
	}
	return root
}

// TreeHeight returns the levels of nodes above the leaves of n records.
func TreeHeight(n int) (height int) {
	for ; n > 1; n = (n + 1) / 2 {
		height++
	}
	return height
}

// treeLevels returns all nodes: the leaves first, each level half as wide as the one below.
func treeLevels(ctx context.Context, records packed.Blobs, threads int) ([][]Hash, error) {
	width := records.Len()
	levels := make([][]Hash, TreeHeight(width)+1)
	for k := range levels {
		levels[k] = make([]Hash, width)
		width = (width + 1) / 2
	}
	low := min(chunkHeight, len(levels)-1) // the levels that the chunks fill on their own
	err := parallel.Chunks(ctx, parallel.Count(len(levels[0]), leavesPerChunk), threads, func(chunk int) {
		leaves := newLeafHasher()
		from, to := chunk*leavesPerChunk, min((chunk+1)*leavesPerChunk, len(levels[0]))
		for i := from; i < to; i++ {
			levels[0][i] = leaves.hash(records.At(i))
		}
		hashUp(levels[:low+1], from, to)
	})
	if err != nil {
		return nil, err
	}
	hashUp(levels[low:], 0, len(levels[low]))
	return levels, nil
}

// hashUp fills in what stands above the nodes from:to of the first level.
func hashUp(levels [][]Hash, from, to int) {
	for k := 1; k < len(levels); k++ {
		below := levels[k-1]
		from, to = from/2, (to+1)/2
		for i := from; i < to; i++ {
			if 2*i+1 < len(below) {
				levels[k][i] = innerHash(&below[2*i], &below[2*i+1])
			} else {
				levels[k][i] = below[2*i]
			}
		}
	}
}

func innerHash(left, right *Hash) Hash {
	var input [1 + 2*sha256.Size]byte
	input[0] = innerPrefix
	copy(input[1:], left[:])
	copy(input[1+sha256.Size:], right[:])
	return sha256.Sum256(input[:])
}

// leafHasher hashes records where they lie. One digest serves all of them: what goes in and
// out through the interface would otherwise be allocated for each.
type leafHasher struct {
	digest hash.Hash
	prefix []byte
	sum    []byte
}

func newLeafHasher() *leafHasher {
	return &leafHasher{sha256.New(), []byte{leafPrefix}, make([]byte, 0, sha256.Size)}
}

func (l *leafHasher) hash(record []byte) Hash {
	l.digest.Reset()
	l.digest.Write(l.prefix)
	l.digest.Write(record)
	return Hash(l.digest.Sum(l.sum))
}
