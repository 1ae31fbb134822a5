package kernelstest

import (
	"encoding/hex"
	"testing"
)

// The third of the first three leaves of Certificate Transparency's reference tests.
const (
	leaf = "\x10"
	path = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
	root = "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
)

func TestOnlyTheProofOfThePlaceIsAccepted(t *testing.T) {
	proof, _ := hex.DecodeString(path)
	top, _ := hex.DecodeString(root)
	if !IsIncluded([]byte(leaf), 2, 3, proof, top) {
		t.Error("the proof is refused")
	}
	for name, accepted := range map[string]bool{
		"another record":       IsIncluded([]byte("\x11"), 2, 3, proof, top),
		"another place":        IsIncluded([]byte(leaf), 0, 3, proof, top),
		"a place past the end": IsIncluded([]byte(leaf), 3, 3, proof, top),
		"one record":           IsIncluded([]byte(leaf), 0, 1, proof, top),
		"no proof":             IsIncluded([]byte(leaf), 2, 3, nil, top),
		"part of a node":       IsIncluded([]byte(leaf), 2, 3, proof[:31], top),
		"a node too many":      IsIncluded([]byte(leaf), 2, 3, append(proof[:32:32], proof...), top),
		"no root":              IsIncluded([]byte(leaf), 2, 3, proof, nil),
	} {
		if accepted {
			t.Errorf("%s: accepted", name)
		}
	}
	for bit := range 256 {
		for part, bytes := range map[string][]byte{"proof": proof, "root": top} {
			bytes[bit/8] ^= 1 << (bit % 8)
			if IsIncluded([]byte(leaf), 2, 3, proof, top) {
				t.Errorf("bit %d of the %s is ignored", bit, part)
			}
			bytes[bit/8] ^= 1 << (bit % 8)
		}
	}
}
