package kernels

import (
	"math"
	"math/bits"
)

// boundSlack is far above float64's rounding here and far below one common character.
const boundSlack = 1e-9

// bound is the upper bound of one query, for 64 names at a time.
//
// A bit-sliced counter per name starts at 2^levels less the name's threshold, so that the
// counter's top bit says, once the planes are added, whether the name reached it. Names out
// of reach start at 0: there are fewer planes than 2^levels.
type bound struct {
	index   *NameIndex
	cutoff  float64
	floor   [prefixLength + 1]float64 // by common prefix: the least Jaro that can reach the cutoff
	levels  int
	planes  []int                   // offsets of the planes to add, filled up to whole groups
	fewest  [][prefixLength + 1]int // by block: the fewest common characters by common prefix
	starts  []start                 // by block and level
	head0   []uint64                // names whose first code point shares the query's bin
	head1   []uint64                // the same for the second; nil where the query has none
	counter [wordBits]uint64
}

// start is a level's bit of the counters of one block, all names alike but for the prefix:
// `none` without a common first bin, to be flipped by `first` and `second` where these are shared.
type start struct{ none, first, second uint64 }

const planeGroup = 8

func newBound(index *NameIndex, cutoff float64) *bound {
	b := &bound{index: index, cutoff: cutoff, fewest: make([][prefixLength + 1]int, len(index.blocks))}
	for p := range b.floor {
		b.floor[p] = cutoff
		if bonus := prefixWeight * float64(p); cutoff > bonusThreshold {
			b.floor[p] = max(bonusThreshold, (cutoff-bonus)/(1-bonus))
		}
	}
	return b
}

// fewestCommon returns, by common prefix, the fewest common characters with which a name of b
// code points can still reach the cutoff against a query of a; both at least 1.
// Jaro is at most (c/a + c/b + 1)/3 for c common characters, solved for c less a slack.
func (b *bound) fewestCommon(query, name int) (fewest [prefixLength + 1]int) {
	if b.cutoff <= 0 {
		return fewest
	}
	perCharacter := 1/float64(query) + 1/float64(name)
	for p, jaro := range b.floor {
		fewest[p] = max(1, int(math.Ceil((3*jaro-1)/perCharacter-boundSlack)))
	}
	return fewest
}

// set prepares the bound for a query of at least 1 code point and returns the words that
// hold the names which its length allows.
func (b *bound) set(query []uint32) (from, to int) {
	b.levels = max(bits.Len(uint(len(query))), 3) // the group adder keeps three levels in registers
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
	return b.setStarts(len(query))
}

func (b *bound) setStarts(query int) (from, to int) {
	size := b.levels + 1
	if need := size * len(b.index.blocks); cap(b.starts) < need {
		b.starts = make([]start, need)
	}
	b.starts = b.starts[:size*len(b.index.blocks)]
	clear(b.starts)
	from = b.index.width
	for k, block := range b.index.blocks {
		if block.length == 0 {
			continue
		}
		fewest := b.fewestCommon(query, block.length)
		b.fewest[k] = fewest
		longest := min(query, block.length)
		if fewest[prefixLength] > longest {
			continue
		}
		from, to = min(from, block.from/wordBits), (block.to+wordBits-1)/wordBits
		var counter [3]uint64
		for i, p := range [3]int{0, 1, prefixLength} {
			if fewest[p] <= longest {
				counter[i] = 1<<b.levels - uint64(fewest[p])
			}
		}
		starts := b.starts[k*size:][:size]
		for j := range starts {
			none, first, second := -(counter[0] >> j & 1), -(counter[1] >> j & 1), -(counter[2] >> j & 1)
			starts[j] = start{none, none ^ first, first ^ second}
		}
	}
	return min(from, to), to
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
	clear(counter)
	for low := word * wordBits; k < len(b.index.blocks) && b.index.blocks[k].from < low+wordBits; k++ {
		block := b.index.blocks[k]
		// Shifts by 64 and more give 0.
		mask := ^uint64(0) << max(block.from-low, 0) &^ (^uint64(0) << (block.to - low))
		for j, s := range b.starts[k*size:][:size] {
			counter[j] |= mask & (s.none ^ s.first&first ^ s.second&second)
		}
	}
	ones, twos, fours := counter[0], counter[1], counter[2]
	high := counter[3:]
	planes := b.index.planes[word:]
	for g := b.planes; len(g) >= planeGroup; g = g[planeGroup:] {
		var twosA, twosB, foursA, foursB, eights uint64
		ones, twosA = addThree(ones, planes[g[0]], planes[g[1]])
		ones, twosB = addThree(ones, planes[g[2]], planes[g[3]])
		twos, foursA = addThree(twos, twosA, twosB)
		ones, twosA = addThree(ones, planes[g[4]], planes[g[5]])
		ones, twosB = addThree(ones, planes[g[6]], planes[g[7]])
		twos, foursB = addThree(twos, twosA, twosB)
		fours, eights = addThree(fours, foursA, foursB)
		for j := range high {
			high[j], eights = high[j]^eights, high[j]&eights
		}
	}
	return high[len(high)-1]
}

// addThree adds three bits per name.
func addThree(a, b, c uint64) (sum, carry uint64) {
	either := a ^ b
	return either ^ c, a&b | either&c
}
