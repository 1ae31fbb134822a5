// Package kernels holds the CPU-bound functions of the hot path, pure functions on
// slices. The contract (methods, shapes, order of the float operations) is the sample's in
// Python; the comments here tell only what differs.
package kernels

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"

	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/parallel"
)

// Hits holds both arrays as [queries, limit], best first, equal scores by lower row;
// unused places hold row -1 and score 0.
type Hits struct {
	Rows   []int32
	Scores []float64
}

// Screen returns the best matches of each query. The queries are shared out to at most
// `threads` goroutines; their number does not change the result.
// Errors: only the context's; it is looked at every 2048 names and before every long name.
func Screen(ctx context.Context, queries packed.CodePoints, index *NameIndex, cutoff float64, limit, threads int) (Hits, error) {
	q := queries.Len()
	hits := Hits{make([]int32, q*limit), make([]float64, q*limit)}
	var next atomic.Int64
	work := func() error {
		s := screenerFor(index, cutoff)
		defer screeners.Put(s)
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
	return hits, parallel.Do(min(threads, q), work)
}

// screener is one goroutine's state: the query's tables and scratch space.
type screener struct {
	index     *NameIndex
	cutoff    float64
	bound     *bound
	positions positions
	taken     []bool
}

// wordsPerLook bounds the work between two looks at the context.
const wordsPerLook = 32

// screeners keeps what calls leave behind: most have the same index and cutoff as the last
// one, and the bound's tables then serve again.
var screeners sync.Pool

func screenerFor(index *NameIndex, cutoff float64) *screener {
	if s, ok := screeners.Get().(*screener); ok && s.index == index && s.cutoff == cutoff {
		return s
	}
	return &screener{index: index, cutoff: cutoff, bound: newBound(index, cutoff)}
}

func (s *screener) screen(ctx context.Context, query []uint32, best *ranking) error {
	for _, block := range s.index.blocks {
		if len(query) == 0 || block.length == 0 {
			s.screenEmpty(len(query) == block.length, block, best)
		}
	}
	if len(query) > 0 {
		if err := s.screenWords(ctx, query, best); err != nil {
			return err
		}
	}
	best.finish()
	return ctx.Err()
}

func (s *screener) screenWords(ctx context.Context, query []uint32, best *ranking) error {
	if len(query) <= wordBits {
		s.positions.set(query)
	}
	if len(s.taken) < len(query) {
		s.taken = make([]bool, len(query))
	}
	k := 0 // the first block that reaches into the word
	from, to := s.bound.set(query)
	for word := from; word < to; word++ {
		if (word-from)%wordsPerLook == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		for s.index.blocks[k].to <= word*wordBits {
			k++
		}
		for found := s.bound.candidates(word, k); found != 0; found &= found - 1 {
			i := word*wordBits + bits.TrailingZeros64(found)
			if err := s.score(ctx, query, i, best); err != nil {
				return err
			}
		}
	}
	return nil
}

// score scores name i and keeps it if it reaches the cutoff.
func (s *screener) score(ctx context.Context, query []uint32, i int, best *ranking) error {
	name := s.index.names.At(i)
	p := commonPrefix(query, name)
	var m, outOfOrder int
	if len(query) <= wordBits && len(name) <= wordBits {
		taken, matched := s.positions.matchShort(len(query), name)
		// The bound holds for the matches as it does for the common characters.
		if m = bits.OnesCount64(taken); m < s.bound.fewestCommon(commonScale(len(query), len(name)), p) {
			return nil
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
