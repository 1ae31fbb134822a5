package packed

import (
	"slices"
	"testing"
)

func TestMisalignedBytesAreCopied(t *testing.T) {
	memory := []byte{7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0}
	got, err := Read[uint32]("f", memory[4:])
	if err != nil || !slices.Equal(got, []uint32{8, 9}) {
		t.Errorf("aligned: %v %v", got, err)
	}
	shifted := append([]byte{0}, memory...)[1:]
	got, err = Read[uint32]("f", shifted)
	if err != nil || !slices.Equal(got, []uint32{7, 8, 9}) {
		t.Errorf("misaligned: %v %v", got, err)
	}
	shifted[0] = 1
	if got[0] != 7 {
		t.Error("misaligned bytes were read in place")
	}
}
