package kernels

import (
	"math/bits"
)

const (
	prefixWeight   = 0.1
	prefixLength   = 4
	bonusThreshold = 0.7
)

// similarity is Jaro-Winkler from the counts: m matches of names with a and b code points,
// t transpositions (already halved), p code points of common prefix.
//
// The conversions around products are not idle: the language allows x*y+z to be fused into
// one rounding (arm64 does so), and an explicit conversion forbids it. Scores must be equal
// on every machine to the last bit.
func similarity(m, t, a, b, p int) float64 {
	if m == 0 {
		return 0
	}
	s := float64(m) / float64(a)
	s += float64(m) / float64(b)
	s += float64(m-t) / float64(m)
	s /= 3
	if s > bonusThreshold {
		s += float64(float64(float64(p)*prefixWeight) * (1 - s))
	}
	return s
}

// window is how far apart two equal code points may stand to match.
func window(a, b int) int { return max(max(a, b)/2-1, 0) }

func commonPrefix(a, b []uint32) int {
	n := min(len(a), len(b), prefixLength)
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// positions answers where a code point stands in one query of at most wordBits code points.
// Open addressing: at most 64 of the 256 places are taken, so a search always ends.
type positions struct {
	codePoints [256]uint32
	masks      [256]uint64 // 0 marks a free place
}

func (p *positions) set(query []uint32) {
	clear(p.masks[:])
	for i, codePoint := range query {
		place := uint8(codePoint)
		for p.masks[place] != 0 && p.codePoints[place] != codePoint {
			place++
		}
		p.codePoints[place] = codePoint
		p.masks[place] |= 1 << i
	}
}

func (p *positions) of(codePoint uint32) uint64 {
	place := uint8(codePoint)
	for p.masks[place] != 0 && p.codePoints[place] != codePoint {
		place++
	}
	return p.masks[place]
}

// matchShort marks the matches of query (held in p) and name, both at most wordBits long:
// bit i of taken for query[i], bit j of matched for name[j].
func (p *positions) matchShort(queryLength int, name []uint32) (taken, matched uint64) {
	w := window(queryLength, len(name))
	reach := uint64(1)<<(w+1) - 1 // query positions within the window of name[0]
	for j, codePoint := range name {
		free := p.of(codePoint) & reach &^ taken
		first := free & -free
		taken |= first
		if first != 0 {
			matched |= 1 << j
		}
		reach <<= 1
		if j < w {
			reach |= 1
		}
	}
	return taken, matched
}

// outOfOrderShort counts the matches that stand in another order in the two names.
func outOfOrderShort(query, name []uint32, taken, matched uint64) (count int) {
	for matched != 0 {
		if query[bits.TrailingZeros64(taken)] != name[bits.TrailingZeros64(matched)] {
			count++
		}
		taken &= taken - 1
		matched &= matched - 1
	}
	return count
}

// matchLong is the method as the contract words it, for names of any length.
// taken: scratch space of at least len(query).
func matchLong(query, name []uint32, taken []bool) (matches, outOfOrder int) {
	taken = taken[:len(query)]
	clear(taken)
	w := window(len(query), len(name))
	common := make([]uint32, 0, min(len(query), len(name)))
	for j, codePoint := range name {
		for i := max(j-w, 0); i < min(j+w+1, len(query)); i++ {
			if !taken[i] && query[i] == codePoint {
				taken[i] = true
				common = append(common, codePoint)
				break
			}
		}
	}
	k := 0
	for i, codePoint := range query {
		if taken[i] {
			if common[k] != codePoint {
				outOfOrder++
			}
			k++
		}
	}
	return len(common), outOfOrder
}
