// Package kernelstest judges in tests what kernels return, without the kernels.
package kernelstest

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// IsIncluded tells whether the proof shows that the record has this place among `size` records:
// the steps of RFC 9162, section 2.1.3.2, with its names.
func IsIncluded(record []byte, place, size int, proof, root []byte) bool {
	if place < 0 || place >= size || len(proof)%sha256.Size != 0 {
		return false
	}
	fn, sn := place, size-1
	r := hash([]byte{0}, record)
	for p := range slices.Chunk(proof, sha256.Size) {
		if sn == 0 {
			return false
		}
		if fn%2 == 1 || fn == sn {
			r = hash([]byte{1}, p, r)
			for fn%2 == 0 && fn != 0 {
				fn, sn = fn/2, sn/2
			}
		} else {
			r = hash([]byte{1}, r, p)
		}
		fn, sn = fn/2, sn/2
	}
	return sn == 0 && bytes.Equal(r, root)
}

func hash(parts ...[]byte) []byte {
	sum := sha256.Sum256(slices.Concat(parts...))
	return sum[:]
}
