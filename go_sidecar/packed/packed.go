// Package packed holds arrays as they travel: little-endian, read where they lie, and text and
// bytes of many items in two arrays, as in Arrow.
package packed

import (
	"fmt"
)

// Message is a generated message with the two arrays of packed items.
type Message interface {
	GetOffsets() []byte
	GetData() []byte
}

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

// ReadCodePoints reads and checks the field of a request.
func ReadCodePoints(field string, message Message) (text CodePoints, err error) {
	if text.Offsets, err = Read[int32](field+".offsets", message.GetOffsets()); err != nil {
		return text, err
	}
	if text.Data, err = Read[uint32](field+".data", message.GetData()); err != nil {
		return text, err
	}
	if err = text.Check(); err != nil {
		return text, fmt.Errorf("%s.%w", field, err)
	}
	return text, nil
}

// Text packs texts as code points.
func Text(texts []string) CodePoints {
	bytes := 0
	for _, text := range texts {
		bytes += len(text)
	}
	packed := CodePoints{Offsets: make([]int32, 1, len(texts)+1), Data: make([]uint32, 0, bytes)}
	for _, text := range texts {
		for _, r := range text {
			packed.Data = append(packed.Data, uint32(r))
		}
		packed.Offsets = append(packed.Offsets, int32(len(packed.Data)))
	}
	return packed
}

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

// ReadBlobs reads and checks the field of a request.
func ReadBlobs(field string, message Message) (blobs Blobs, err error) {
	if blobs.Offsets, err = Read[int32](field+".offsets", message.GetOffsets()); err != nil {
		return blobs, err
	}
	blobs.Data = message.GetData()
	if err = blobs.Check(); err != nil {
		return blobs, fmt.Errorf("%s.%w", field, err)
	}
	return blobs, nil
}

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
