package kernels

import (
	"fmt"

	"hotpath/go_sidecar/packed"
)

const (
	bins           = 32 // a code point's bin is its five low bits
	planeAlignment = 8  // words
	wordBits       = 64
)

// NameIndex is the prepared watchlist; immutable, shared by concurrent calls.
type NameIndex struct {
	names       packed.CodePoints
	planes      []uint64 // one plane more than the contract's, of zeros, at the end
	planeStarts []int32
	heads       []uint64
	rows        []int32
	width       int // words in a plane
	blocks      []block
}

// block is a run of names of one length.
type block struct{ length, from, to int }

// PlaneWords returns the words in a plane of n names.
func PlaneWords(n int) int {
	return (n + wordBits*planeAlignment - 1) / (wordBits * planeAlignment) * planeAlignment
}

// NewNameIndex checks the arrays' shapes and keeps them: the caller must not change them
// afterwards. Whatever bits the planes hold, no later access leaves the arrays.
// planes is copied unless its capacity has room for one plane more.
func NewNameIndex(names packed.CodePoints, planes []uint64, planeStarts []int32, heads []uint64, rows []int32) (*NameIndex, error) {
	if err := names.Check(); err != nil {
		return nil, err
	}
	n := names.Len()
	width := PlaneWords(n)
	if err := checkPlanes(planes, planeStarts, width); err != nil {
		return nil, err
	}
	if len(heads) != 2*bins*width || len(rows) != n {
		return nil, fmt.Errorf("heads, rows: expected %d words and %d rows, got %d and %d", 2*bins*width, n, len(heads), len(rows))
	}
	if err := checkRows(rows); err != nil {
		return nil, err
	}
	blocks, err := blocksOf(names)
	if err != nil {
		return nil, err
	}
	return &NameIndex{names, append(planes, make([]uint64, width)...), planeStarts, heads, rows, width, blocks}, nil
}

func checkPlanes(planes []uint64, starts []int32, width int) error {
	if len(starts) != bins+1 || starts[0] != 0 {
		return fmt.Errorf("plane_starts: expected %d numbers from 0 on, got %v", bins+1, starts)
	}
	for b := range bins {
		if starts[b+1] < starts[b] {
			return fmt.Errorf("plane_starts: expected never to fall, got %d after %d", starts[b+1], starts[b])
		}
	}
	if words := int(starts[bins]) * width; words != len(planes) {
		return fmt.Errorf("plane_starts: expected to end at the number of planes, got %d words where %d came", words, len(planes))
	}
	return nil
}

func checkRows(rows []int32) error {
	seen := make([]bool, len(rows))
	for i, row := range rows {
		if row < 0 || int(row) >= len(rows) || seen[row] {
			return fmt.Errorf("rows: expected each of 0 to %d once, got %d at %d", len(rows)-1, row, i)
		}
		seen[row] = true
	}
	return nil
}

func blocksOf(names packed.CodePoints) (blocks []block, err error) {
	for i := range names.Len() {
		length, last := len(names.At(i)), len(blocks)-1
		switch {
		case last < 0 || length > blocks[last].length:
			blocks = append(blocks, block{length, i, i + 1})
		case length == blocks[last].length:
			blocks[last].to = i + 1
		default:
			return nil, fmt.Errorf("offsets: expected names sorted by length, got %d code points after %d at %d", length, blocks[last].length, i)
		}
	}
	return blocks, nil
}
