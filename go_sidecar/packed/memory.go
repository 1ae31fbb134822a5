package packed

import (
	"fmt"
	"unsafe"
)

// IsLittleEndian tells whether this machine can read packed arrays as they are.
func IsLittleEndian() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}

// Element lists the element types of packed arrays: no pointers, every bit pattern a value.
type Element interface {
	int32 | int64 | uint32 | uint64 | float32 | float64
}

// Read reads packed little-endian elements, in place where they are aligned.
func Read[T Element](field string, packed []byte) ([]T, error) {
	var element T
	size := int(unsafe.Sizeof(element))
	if len(packed)%size != 0 {
		return nil, fmt.Errorf("%s: expected a multiple of %d bytes, got %d", field, size, len(packed))
	}
	if len(packed) == 0 {
		return nil, nil
	}
	if uintptr(unsafe.Pointer(&packed[0]))%unsafe.Alignof(element) != 0 {
		elements := make([]T, len(packed)/size)
		copy(Bytes(elements), packed)
		return elements, nil
	}
	// Safe: aligned, of whole elements, of a type without pointers; the slice keeps the
	// message's memory alive, and nothing writes to a message that was received.
	return unsafe.Slice((*T)(unsafe.Pointer(&packed[0])), len(packed)/size), nil
}

// Bytes is the memory of the elements, not a copy.
func Bytes[T Element](elements []T) []byte {
	var element T
	// Safe: every byte of these types may be read and written, and bytes need no alignment.
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(elements))), len(elements)*int(unsafe.Sizeof(element)))
}
