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
func (c CodePoints) Check() error { return checkOffsets(c.Offsets, len(c.Data), "code points") }

// Blobs is packed bytes: item i is Data[Offsets[i]:Offsets[i+1]].
type Blobs struct {
	Offsets []int32
	Data    []byte
}

// Len returns the number of items. Offsets must not be empty.
func (b Blobs) Len() int { return len(b.Offsets) - 1 }

// At returns item i, a view.
func (b Blobs) At(i int) []byte { return b.Data[b.Offsets[i]:b.Offsets[i+1]] }

// Check reports the first breach of the packing's rules. Every later access relies on it.
func (b Blobs) Check() error { return checkOffsets(b.Offsets, len(b.Data), "bytes") }

func checkOffsets(offsets []int32, size int, elements string) error {
	if len(offsets) == 0 {
		return fmt.Errorf("offsets: expected int32[n+1], got nothing")
	}
	if offsets[0] != 0 {
		return fmt.Errorf("offsets: expected to start at 0, got %d", offsets[0])
	}
	for i := 1; i < len(offsets); i++ {
		if offsets[i] < offsets[i-1] {
			return fmt.Errorf("offsets: expected never to fall, got %d after %d at %d", offsets[i], offsets[i-1], i)
		}
	}
	if last := int(offsets[len(offsets)-1]); last != size {
		return fmt.Errorf("offsets: expected to end at %d, the number of %s, got %d", size, elements, last)
	}
	return nil
}
