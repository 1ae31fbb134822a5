package kernels

import "fmt"

const (
	bins     = 32 // a code point's bin is its five low bits
	binDepth = 4  // occurrences that a bin can count; the rest goes to the overflow

	// blockNames bounds the work between two looks at the context, and the survivors' buffer.
	blockNames = 1024
)

// NameIndex is the prepared watchlist; immutable, shared by concurrent calls.
type NameIndex struct {
	names     CodePoints
	bags      [][2]uint64
	overflows []uint16
	rows      []int32
	blocks    []block
}

// block is a run of names of one length.
type block struct{ length, from, to int }

// NewNameIndex checks the arrays and keeps them: the caller must not change them afterwards.
// The bags are computed anew, because a bag that disagrees with its name would silently lose hits.
func NewNameIndex(names CodePoints, bags [][2]uint64, overflows []uint16, rows []int32) (*NameIndex, error) {
	if err := names.Check(); err != nil {
		return nil, err
	}
	n := names.Len()
	if len(bags) != n || len(overflows) != n || len(rows) != n {
		return nil, fmt.Errorf("bags, overflows, rows: expected %d of each, got %d, %d, %d", n, len(bags), len(overflows), len(rows))
	}
	index := &NameIndex{names: names, bags: bags, overflows: overflows, rows: rows}
	seen := make([]bool, n)
	for i := range n {
		name := names.At(i)
		if row := rows[i]; row < 0 || int(row) >= n || seen[row] {
			return nil, fmt.Errorf("rows: expected each of 0 to %d once, got %d at %d", n-1, row, i)
		}
		seen[rows[i]] = true
		bag, overflow := bagOf(name)
		if bag != bags[i] || uint16(overflow) != overflows[i] {
			return nil, fmt.Errorf("bags, overflows: expected %x, %d for name %d, got %x, %d", bag, overflow, i, bags[i], overflows[i])
		}
		last := len(index.blocks) - 1
		switch {
		case last >= 0 && len(name) < index.blocks[last].length:
			return nil, fmt.Errorf("offsets: expected names sorted by length, got %d code points after %d at %d", len(name), index.blocks[last].length, i)
		case last >= 0 && len(name) == index.blocks[last].length && i-index.blocks[last].from < blockNames:
			index.blocks[last].to = i + 1
		default:
			index.blocks = append(index.blocks, block{len(name), i, i + 1})
		}
	}
	return index, nil
}

// Len returns the number of names.
func (x *NameIndex) Len() int { return len(x.rows) }

// bagOf returns the thermometer-coded counts of the bins, and what lies above binDepth in each.
func bagOf(name []uint32) (bag [2]uint64, overflow int) {
	var counts [bins]int
	for _, codePoint := range name {
		bin := codePoint % bins
		counts[bin]++
		if count := counts[bin]; count <= binDepth {
			bag[bin/16] |= 1 << (binDepth*(bin%16) + uint32(count) - 1)
		} else {
			overflow++
		}
	}
	return bag, overflow
}
