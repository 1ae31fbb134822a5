package kernels

import (
	"math"
	"math/bits"
)

// boundSlack is far above float64's rounding for lengths up to 2^31, and far below one common
// character.
const boundSlack = 1e-6

// bound is the upper bound of one query, for 64 names at a time.
//
// A bit-sliced counter per name starts at 2^levels less the name's threshold, so that the
// counter's top bit says, once the planes are added, whether the name reached it. Names out
// of reach start at 0: there are fewer planes than 2^levels.
type bound struct {
	index   *NameIndex
	cutoff  float64
	least   [prefixLength + 1]float64 // by common prefix: what c/a + c/b must be to reach the cutoff
	levels  int
	planes  []int           // offsets of the planes to add, filled up to whole groups
	starts  []start         // by block and level
	tables  [wordBits]table // by query length
	head0   []uint64        // names whose first code point shares the query's bin
	head1   []uint64        // the same for the second; nil where the query has none
	counter [wordBits]uint64
}

// start is a level's bit of the counters of one block, all names alike but for the prefix:
// `none` without a common first bin, to be flipped by `first` and `second` where these are shared.
type start struct{ none, first, second uint64 }

// table is what depends on the query's length alone.
type table struct {
	starts   []start // by block and level
	from, to int     // the words that hold names of a length in reach
}

const (
	planeGroup     = 8 // planes added at once
	registerLevels = 6 // levels of the counter that stay in registers
)

func newBound(index *NameIndex, cutoff float64) *bound {
	b := &bound{index: index, cutoff: cutoff}
	for p := range b.least {
		jaro := cutoff
		if bonus := prefixWeight * float64(p); cutoff > bonusThreshold {
			jaro = max(bonusThreshold, (cutoff-bonus)/(1-bonus))
		}
		b.least[p] = 3*jaro - 1 // Jaro is at most (c/a + c/b + 1)/3 for c common characters
	}
	return b
}

// fewestCommon is the fewest common characters with which a name of b code points can still
// reach the cutoff against a query of a; scale is a*b/(a+b).
func (b *bound) fewestCommon(scale float64, prefix int) int {
	if b.cutoff <= 0 {
		return 0
	}
	return max(1, int(math.Ceil(b.least[prefix]*scale-boundSlack)))
}

// commonScale brings c/a + c/b to c; both lengths are 1 at least.
func commonScale(a, b int) float64 { return float64(a) * float64(b) / float64(a+b) }

// set prepares the bound for a query of at least 1 code point and returns the words that
// hold the names which its length allows.
func (b *bound) set(query []uint32) (from, to int) {
	b.levels = max(bits.Len(uint(len(query))), registerLevels)
	b.planes = b.planes[:0]
	var counts [bins]int32
	for _, codePoint := range query {
		bin := codePoint % bins
		if plane := b.index.planeStarts[bin] + counts[bin]; plane < b.index.planeStarts[bin+1] {
			b.planes = append(b.planes, int(plane)*b.index.width)
			counts[bin]++
		}
	}
	zeros := len(b.index.planes) - b.index.width
	for len(b.planes)%planeGroup != 0 {
		b.planes = append(b.planes, zeros)
	}
	width := b.index.width
	bin0 := int(query[0] % bins)
	b.head0, b.head1 = b.index.heads[bin0*width:(bin0+1)*width], nil
	if len(query) > 1 {
		bin1 := bins + int(query[1]%bins)
		b.head1 = b.index.heads[bin1*width : (bin1+1)*width]
	}
	t := b.table(len(query))
	b.starts = t.starts
	return t.from, t.to
}

func (b *bound) table(query int) table {
	if query >= len(b.tables) {
		return b.newTable(query)
	}
	if b.tables[query].starts == nil {
		b.tables[query] = b.newTable(query)
	}
	return b.tables[query]
}

func (b *bound) newTable(query int) table {
	size := b.levels + 1
	t := table{make([]start, size*len(b.index.blocks)), b.index.width, 0}
	for k, block := range b.index.blocks {
		if block.length == 0 {
			continue
		}
		longest, scale := min(query, block.length), commonScale(query, block.length)
		if b.fewestCommon(scale, prefixLength) > longest {
			continue
		}
		t.from, t.to = min(t.from, block.from/wordBits), (block.to+wordBits-1)/wordBits
		var counter [3]uint64
		for i, p := range [3]int{0, 1, prefixLength} {
			if fewest := b.fewestCommon(scale, p); fewest <= longest {
				counter[i] = 1<<b.levels - uint64(fewest)
			}
		}
		for j := range size {
			none, first, second := -(counter[0] >> j & 1), -(counter[1] >> j & 1), -(counter[2] >> j & 1)
			t.starts[k*size+j] = start{none, none ^ first, first ^ second}
		}
	}
	return t
}

// candidates returns the names of one word that the bound lets through.
// k is the first block that reaches into the word.
func (b *bound) candidates(word, k int) uint64 {
	first := b.head0[word]
	second := uint64(0)
	if b.head1 != nil {
		second = first & b.head1[word]
	}
	size := b.levels + 1
	counter := b.counter[:size]
	low := word * wordBits
	if block := b.index.blocks[k]; block.from <= low && block.to >= low+wordBits {
		for j, s := range b.starts[k*size:][:len(counter)] {
			counter[j] = s.none ^ s.first&first ^ s.second&second
		}
	} else {
		clear(counter)
		for ; k < len(b.index.blocks) && b.index.blocks[k].from < low+wordBits; k++ {
			block := b.index.blocks[k]
			// Shifts by 64 and more give 0.
			mask := ^uint64(0) << max(block.from-low, 0) &^ (^uint64(0) << (block.to - low))
			for j, s := range b.starts[k*size:][:len(counter)] {
				counter[j] |= mask & (s.none ^ s.first&first ^ s.second&second)
			}
		}
	}
	planes := b.index.planes[word:]
	ones, twos, fours := counter[0], counter[1], counter[2]
	eights, sixteens, thirtyTwos, high := counter[3], counter[4], counter[5], counter[registerLevels:]
	for g := b.planes; len(g) >= planeGroup; g = g[planeGroup:] {
		var twosA, twosB, foursA, foursB, carry uint64
		ones, twosA = addThree(ones, planes[g[0]], planes[g[1]])
		ones, twosB = addThree(ones, planes[g[2]], planes[g[3]])
		twos, foursA = addThree(twos, twosA, twosB)
		ones, twosA = addThree(ones, planes[g[4]], planes[g[5]])
		ones, twosB = addThree(ones, planes[g[6]], planes[g[7]])
		twos, foursB = addThree(twos, twosA, twosB)
		fours, carry = addThree(fours, foursA, foursB)
		eights, carry = eights^carry, eights&carry
		sixteens, carry = sixteens^carry, sixteens&carry
		thirtyTwos, carry = thirtyTwos^carry, thirtyTwos&carry
		for j := 0; carry != 0 && j < len(high); j++ {
			high[j], carry = high[j]^carry, high[j]&carry
		}
	}
	return high[len(high)-1]
}

// addThree adds three bits per name.
func addThree(a, b, c uint64) (sum, carry uint64) {
	either := a ^ b
	return either ^ c, a&b | either&c
}
