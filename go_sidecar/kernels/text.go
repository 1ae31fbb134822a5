// Package kernels holds the CPU-bound functions of the hot path, pure functions on
// slices. The contract (methods, shapes, order of the float operations) is
// service/domain/kernels.py; the comments here tell only what differs.
package kernels

import "fmt"

// CodePoints is packed text: item i is Data[Offsets[i]:Offsets[i+1]].
type CodePoints struct {
	Offsets []int32
	Data    []uint32
}

// Len returns the number of items. Offsets must not be empty.
func (c CodePoints) Len() int { return len(c.Offsets) - 1 }

// At returns item i, a view.
func (c CodePoints) At(i int) []uint32 { return c.Data[c.Offsets[i]:c.Offsets[i+1]] }

// Check reports the first breach of the packing's rules. Every later access relies on it.
func (c CodePoints) Check() error {
	if len(c.Offsets) == 0 {
		return fmt.Errorf("offsets: expected int32[n+1], got nothing")
	}
	if c.Offsets[0] != 0 {
		return fmt.Errorf("offsets: expected to start at 0, got %d", c.Offsets[0])
	}
	for i := 1; i < len(c.Offsets); i++ {
		if c.Offsets[i] < c.Offsets[i-1] {
			return fmt.Errorf("offsets: expected never to fall, got %d after %d at %d", c.Offsets[i], c.Offsets[i-1], i)
		}
	}
	if last := int(c.Offsets[len(c.Offsets)-1]); last != len(c.Data) {
		return fmt.Errorf("offsets: expected to end at %d, the number of code points, got %d", len(c.Data), last)
	}
	return nil
}
