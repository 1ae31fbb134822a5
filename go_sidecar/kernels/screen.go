package kernels

import (
	"context"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
)

// boundSlack is far above float64's rounding here and far below one common character.
const boundSlack = 1e-9

// Hits holds both arrays as [queries, limit], best first, equal scores by lower row;
// unused places hold row -1 and score 0.
type Hits struct {
	Rows   []int32
	Scores []float64
}

// Screen returns the best matches of each query. The queries are shared out to at most
// `threads` goroutines; their number does not change the result.
// Errors: only the context's; it is looked at after every block of names and every long name.
func Screen(ctx context.Context, queries CodePoints, index *NameIndex, cutoff float64, limit, threads int) (Hits, error) {
	q := queries.Len()
	hits := Hits{make([]int32, q*limit), make([]float64, q*limit)}
	var next atomic.Int64
	work := func() error {
		s := newScreener(index, cutoff)
		for {
			i := int(next.Add(1)) - 1
			if i >= q {
				return nil
			}
			best := ranking{rows: hits.Rows[i*limit : (i+1)*limit], scores: hits.Scores[i*limit : (i+1)*limit]}
			if err := s.screen(ctx, queries.At(i), &best); err != nil {
				return err
			}
		}
	}
	if threads = min(threads, q); threads <= 1 {
		return hits, work()
	}
	errs, panics := make([]error, threads), make([]any, threads)
	var group sync.WaitGroup
	for k := range threads {
		group.Go(func() {
			// A panic that leaves a goroutine ends the process: hand it to the caller instead.
			defer func() { panics[k] = recover() }()
			errs[k] = work()
		})
	}
	group.Wait()
	for k := range threads {
		if panics[k] != nil {
			panic(panics[k])
		}
		if errs[k] != nil {
			return hits, errs[k]
		}
	}
	return hits, nil
}

// screener is one goroutine's state: the tables of the cutoff and scratch space.
type screener struct {
	index     *NameIndex
	cutoff    float64
	jaroFloor [prefixLength + 1]float64 // by common prefix: the least Jaro that can reach the cutoff
	positions positions
	survivors [blockNames]int32
	taken     []bool
}

func newScreener(index *NameIndex, cutoff float64) *screener {
	s := &screener{index: index, cutoff: cutoff}
	for p := range s.jaroFloor {
		s.jaroFloor[p] = cutoff
		if bonus := prefixWeight * float64(p); cutoff > bonusThreshold {
			s.jaroFloor[p] = max(bonusThreshold, (cutoff-bonus)/(1-bonus))
		}
	}
	return s
}

// fewestCommon returns, by common prefix, the fewest common characters with which a name of b
// code points can still reach the cutoff against a query of a; both at least 1.
// Jaro is at most (c/a + c/b + 1)/3 for c common characters, solved for c less a slack.
func (s *screener) fewestCommon(a, b int) (fewest [prefixLength + 1]int) {
	if s.cutoff <= 0 {
		return fewest
	}
	perCharacter := 1/float64(a) + 1/float64(b)
	for p, jaro := range s.jaroFloor {
		fewest[p] = max(1, int(math.Ceil((3*jaro-1)/perCharacter-boundSlack)))
	}
	return fewest
}

func (s *screener) screen(ctx context.Context, query []uint32, best *ranking) error {
	bag, overflow := bagOf(query)
	if len(query) <= wordBits {
		s.positions.set(query)
	}
	if len(s.taken) < len(query) {
		s.taken = make([]bool, len(query))
	}
	for _, block := range s.index.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(query) == 0 || block.length == 0 {
			s.screenEmpty(len(query) == block.length, block, best)
			continue
		}
		fewest := s.fewestCommon(len(query), block.length)
		if fewest[prefixLength] > min(len(query), block.length) {
			continue
		}
		// First against the loosest bound, which spares the inner loop the overflows.
		count := survivors(s.index.bags[block.from:block.to], bag, fewest[prefixLength]-overflow, &s.survivors)
		for _, k := range s.survivors[:count] {
			i := block.from + int(k)
			name := s.index.names.At(i)
			p := commonPrefix(query, name)
			common := bits.OnesCount64(bag[0]&s.index.bags[i][0]) + bits.OnesCount64(bag[1]&s.index.bags[i][1])
			if common+min(overflow, int(s.index.overflows[i])) < fewest[p] {
				continue
			}
			var m, outOfOrder int
			if len(query) <= wordBits && len(name) <= wordBits {
				taken, matched := s.positions.matchShort(len(query), name)
				// The bound holds for the matches as it does for the common characters.
				if m = bits.OnesCount64(taken); m < fewest[p] {
					continue
				}
				outOfOrder = outOfOrderShort(query, name, taken, matched)
			} else {
				if err := ctx.Err(); err != nil {
					return err
				}
				m, outOfOrder = matchLong(query, name, s.taken)
			}
			if score := similarity(m, outOfOrder/2, len(query), len(name), p); score >= s.cutoff {
				best.add(s.index.rows[i], score)
			}
		}
	}
	best.finish()
	return nil
}

// screenEmpty scores a block where the query or the names are empty.
func (s *screener) screenEmpty(bothEmpty bool, block block, best *ranking) {
	score := 0.0
	if bothEmpty {
		score = 1
	}
	if score >= s.cutoff {
		for _, row := range s.index.rows[block.from:block.to] {
			best.add(row, score)
		}
	}
}

// survivors writes the positions of the bags that share at least fewest bits with bag.
func survivors(bags [][2]uint64, bag [2]uint64, fewest int, out *[blockNames]int32) (count int) {
	for i := range bags {
		if bits.OnesCount64(bags[i][0]&bag[0])+bits.OnesCount64(bags[i][1]&bag[1]) >= fewest {
			out[count%blockNames] = int32(i)
			count++
		}
	}
	return count
}

// ranking keeps the best hits sorted in the rows of the result that belong to one query.
type ranking struct {
	rows   []int32
	scores []float64
	count  int
}

func (r *ranking) add(row int32, score float64) {
	at := r.count
	for at > 0 && (r.scores[at-1] < score || r.scores[at-1] == score && r.rows[at-1] > row) {
		at--
	}
	if at == len(r.rows) {
		return
	}
	r.count = min(r.count+1, len(r.rows))
	copy(r.rows[at+1:r.count], r.rows[at:])
	copy(r.scores[at+1:r.count], r.scores[at:])
	r.rows[at], r.scores[at] = row, score
}

func (r *ranking) finish() {
	for i := r.count; i < len(r.rows); i++ {
		r.rows[i] = -1
	}
}
