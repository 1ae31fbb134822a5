package watchlist

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels"
)

const (
	bins     = 32 // a code point's bin is its five low bits
	wordBits = 64
)

// newIndex prepares the names for screening: the same arrays as NameIndex.build
// in Python, which says what they hold, and of what the version is the hash.
func newIndex(normalized []string) (index *kernels.NameIndex, version string, err error) {
	rows := make([]int32, len(normalized))
	lengths := make([]int, len(normalized))
	for i, name := range normalized {
		rows[i] = int32(i)
		lengths[i] = len([]rune(name))
	}
	slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(lengths[a], lengths[b]) })
	sorted := make([]string, len(rows))
	for i, row := range rows {
		sorted[i] = normalized[row]
	}
	texts := packed.Text(sorted)

	counts := make([][bins]int32, len(rows))
	var deepest [bins]int32
	for i := range rows {
		for _, codePoint := range texts.At(i) {
			bin := codePoint % bins
			counts[i][bin]++
			deepest[bin] = max(deepest[bin], counts[i][bin])
		}
	}
	starts := make([]int32, bins+1)
	for bin := range bins {
		starts[bin+1] = starts[bin] + deepest[bin]
	}
	width := kernels.PlaneWords(len(rows))
	// The index appends a plane.
	planes := make([]uint64, int(starts[bins])*width, (int(starts[bins])+1)*width)
	heads := make([]uint64, 2*bins*width)
	for i := range rows {
		word, bit := i/wordBits, uint64(1)<<(i%wordBits)
		for bin, count := range counts[i] {
			for k := range count {
				planes[int(starts[bin]+k)*width+word] |= bit
			}
		}
		for j, codePoint := range texts.At(i)[:min(2, len(texts.At(i)))] {
			heads[(j*bins+int(codePoint%bins))*width+word] |= bit
		}
	}
	hash := sha256.New()
	for _, array := range []any{texts.Offsets, texts.Data, planes, starts, heads, rows} {
		binary.Write(hash, binary.LittleEndian, array) // neither the types nor a hash can fail
	}
	index, err = kernels.NewNameIndex(texts, planes, starts, heads, rows)
	return index, hex.EncodeToString(hash.Sum(nil)), err
}
