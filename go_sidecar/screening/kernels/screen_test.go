package kernels

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hotpath/go_sidecar/packed"
)

// knownScores come from RapidFuzz 3.14, rapidfuzz.distance.JaroWinkler.similarity.
var knownScores = []struct {
	query, name string
	score       float64
}{
	{"martha", "marhta", 0.9611111111111111},
	{"dixon", "dicksonx", 0.8133333333333332},
	{"dwayne", "duane", 0.8400000000000001},
	{"jones", "johnson", 0.8323809523809523},
	{"abcvwxyz", "cabvwxyz", 0.9583333333333334},
	{"", "", 1},
	{"a", "", 0},
	{"", "a", 0},
	{"a", "a", 1},
	{"a", "b", 0},
	{"ab", "ba", 0},
	{"łódź", "lodz", 0.5},
	{"\U0001f600x", "x\U0001f600", 0},
	{strings.Repeat("a", 70), strings.Repeat("a", 69) + "b", 0.9942857142857143},
	{strings.Repeat("abcd", 20), strings.Repeat("dcba", 20), 0.8333333333333334},
}

func TestScoresEqualRapidFuzz(t *testing.T) {
	for _, known := range knownScores {
		hits := screen(t, []string{known.query}, []string{known.name}, 0, 1, 1)
		if hits.Rows[0] != 0 || hits.Scores[0] != known.score {
			t.Errorf("%.12q, %.12q: row %d score %v, want row 0 score %v", known.query, known.name, hits.Rows[0], hits.Scores[0], known.score)
		}
	}
}

func TestHitsAreSortedByScoreThenRow(t *testing.T) {
	names := []string{"marhta", "other", "martha", "marhta", "martha"}
	hits := screen(t, []string{"martha"}, names, 0.9, 3, 1)
	if want := []int32{2, 4, 0}; !slices.Equal(hits.Rows, want) {
		t.Errorf("rows %v, want %v", hits.Rows, want)
	}
	if want := []float64{1, 1, 0.9611111111111111}; !slices.Equal(hits.Scores, want) {
		t.Errorf("scores %v, want %v", hits.Scores, want)
	}
}

func TestUnusedPlacesHoldRowMinusOne(t *testing.T) {
	for _, names := range [][]string{nil, {"", "xyz"}, {"xyz", "abc"}} {
		hits := screen(t, []string{"abc"}, names, 0.9, 4, 1)
		last := len(hits.Rows) - 1
		if hits.Rows[last] != -1 || hits.Scores[last] != 0 {
			t.Errorf("%v: last place %d %v, want -1 0", names, hits.Rows[last], hits.Scores[last])
		}
	}
}

func TestNoQueriesGiveNoHits(t *testing.T) {
	for _, threads := range []int{1, 4} {
		if hits := screen(t, nil, []string{"abc"}, 0.9, 4, threads); len(hits.Rows) != 0 {
			t.Errorf("threads %d: %v", threads, hits)
		}
	}
}

func TestHitsEqualBruteForce(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 9 {
		alphabet := []rune([]string{"ab ", "abcdefghijklmnopqrstuvwxyz ", "aбя中\U0001f600\U0001f620Ġ "}[round%3])
		longest := []int{6, 30, 100}[round/3%3]
		names := randomNames(random, 150, longest, alphabet)
		queries := append(randomNames(random, 6, longest, alphabet), misspelt(random, names[7]), misspelt(random, names[100]))
		for _, cutoff := range []float64{0, 0.3, 0.7, 0.72, 0.85, 0.9, 1} {
			for _, limit := range []int{1, 5, 400} {
				want := bruteForce(queries, names, cutoff, limit)
				for _, threads := range []int{1, 3} {
					if got := screen(t, queries, names, cutoff, limit, threads); !reflect.DeepEqual(got, want) {
						t.Fatalf("round %d cutoff %v limit %d threads %d: hits differ from brute force", round, cutoff, limit, threads)
					}
				}
			}
		}
	}
}

func TestCancelledContextStopsTheWork(t *testing.T) {
	names := randomNames(rand.New(rand.NewPCG(3, 4)), 5000, 40, []rune("abcd "))
	index := indexOf(t, names)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	for _, threads := range []int{1, 2} {
		start := time.Now()
		_, err := Screen(ctx, packed.Text(append(names, names...)), index, 0, 10, threads)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("threads %d: %v, want the deadline's error", threads, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("threads %d: gave up after %v", threads, took)
		}
	}
}

func TestIndexRefusesArraysThatDisagree(t *testing.T) {
	cases := map[string]func(*arrays){
		"offsets: expected to start at 0":             func(a *arrays) { a.names.Offsets[0] = 1 },
		"offsets: expected never to fall":             func(a *arrays) { a.names.Offsets[1] = 9 },
		"offsets: expected to end at":                 func(a *arrays) { a.names.Data = a.names.Data[1:] },
		"offsets: expected int32[n+1]":                func(a *arrays) { a.names.Offsets = nil },
		"offsets: expected names sorted":              func(a *arrays) { *a = arraysInOrder([]string{"abc", "de"}) },
		"heads, rows: expected 512 words and 2 rows":  func(a *arrays) { a.rows = a.rows[1:] },
		"heads, rows: expected 512 words and 2 rows,": func(a *arrays) { a.heads = a.heads[1:] },
		"rows: expected each of 0 to 1 once":          func(a *arrays) { a.rows[0] = a.rows[1] },
		"rows: expected each of 0 to 1 once, got 2":   func(a *arrays) { a.rows[1] = 2 },
		"plane_starts: expected 33 numbers":           func(a *arrays) { a.planeStarts = a.planeStarts[1:] },
		"plane_starts: expected never to fall":        func(a *arrays) { a.planeStarts[7] = -1 },
		"plane_starts: expected to end at":            func(a *arrays) { a.planes = a.planes[1:] },
	}
	for want, breakIt := range cases {
		a := arraysInOrder([]string{"de", "abc"})
		breakIt(&a)
		if _, err := NewNameIndex(a.names, a.planes, a.planeStarts, a.heads, a.rows); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// The bound is an optimisation that a brute-force comparison cannot miss when it discards
// too much, but can when it discards nothing.
func TestBoundDiscardsAlmostEverything(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	names := randomNames(random, 20000, 30, []rune("abcdefghijklmnopqrstuvwxyz "))
	index := indexOf(t, names)
	b := newBound(index, 0.9)
	candidates := 0
	for _, name := range names[:50] {
		if name == "" {
			continue
		}
		from, to := b.set(packed.Text([]string{name}).Data)
		k := 0
		for word := from; word < to; word++ {
			for index.blocks[k].to <= word*wordBits {
				k++
			}
			candidates += bits.OnesCount64(b.candidates(word, k))
		}
	}
	if share := float64(candidates) / 50 / 20000; share > 0.005 {
		t.Errorf("%v of all pairs are candidates", share)
	}
}

func FuzzScoreEqualsDefinition(f *testing.F) {
	for _, known := range knownScores {
		f.Add(known.query, known.name)
	}
	f.Fuzz(func(t *testing.T, query, name string) {
		hits := screen(t, []string{query}, []string{name}, 0, 1, 1)
		if want := definition([]rune(query), []rune(name)); hits.Scores[0] != want {
			t.Errorf("%q, %q: %v, want %v", query, name, hits.Scores[0], want)
		}
	})
}

func screen(t *testing.T, queries, names []string, cutoff float64, limit, threads int) Hits {
	t.Helper()
	hits, err := Screen(context.Background(), packed.Text(queries), indexOf(t, names), cutoff, limit, threads)
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

type arrays struct {
	names       packed.CodePoints
	planes      []uint64
	planeStarts []int32
	heads       []uint64
	rows        []int32
}

func arraysInOrder(names []string) arrays {
	n, width := len(names), PlaneWords(len(names))
	a := arrays{names: packed.Text(names), heads: make([]uint64, 2*32*width), planeStarts: []int32{0}}
	counts := make([][32]int, n)
	for i, name := range names {
		for j, r := range []rune(name) {
			counts[i][r%32]++
			if j < 2 {
				a.heads[(32*j+int(r%32))*width+i/64] |= 1 << (i % 64)
			}
		}
		a.rows = append(a.rows, int32(i))
	}
	for bin := range 32 {
		for depth, some := 0, true; some; depth++ {
			plane := make([]uint64, width)
			some = false
			for i := range names {
				if counts[i][bin] > depth {
					plane[i/64] |= 1 << (i % 64)
					some = true
				}
			}
			if some {
				a.planes = append(a.planes, plane...)
			}
		}
		planes := 0
		if width > 0 {
			planes = len(a.planes) / width
		}
		a.planeStarts = append(a.planeStarts, int32(planes))
	}
	return a
}

func indexOf(t testing.TB, names []string) *NameIndex {
	t.Helper()
	order := make([]int32, len(names))
	for i := range order {
		order[i] = int32(i)
	}
	length := func(row int32) int { return len([]rune(names[row])) }
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(length(a), length(b)) })
	sorted := make([]string, len(names))
	for i, row := range order {
		sorted[i] = names[row]
	}
	a := arraysInOrder(sorted)
	index, err := NewNameIndex(a.names, a.planes, a.planeStarts, a.heads, order)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func bruteForce(queries, names []string, cutoff float64, limit int) Hits {
	hits := Hits{Rows: []int32{}, Scores: []float64{}}
	for _, query := range queries {
		type hit struct {
			row   int32
			score float64
		}
		var found []hit
		for row, name := range names {
			if score := definition([]rune(query), []rune(name)); score >= cutoff {
				found = append(found, hit{int32(row), score})
			}
		}
		slices.SortStableFunc(found, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
		for i := range limit {
			best := hit{-1, 0}
			if i < len(found) {
				best = found[i]
			}
			hits.Rows, hits.Scores = append(hits.Rows, best.row), append(hits.Scores, best.score)
		}
	}
	return hits
}

// definition is Jaro-Winkler as the contract words it, sharing no code with the kernel.
func definition(a, b []rune) float64 {
	if len(a) == 0 && len(b) == 0 {
		return 1
	}
	reach := max(len(a), len(b))/2 - 1
	if reach < 0 {
		reach = 0
	}
	partner := make(map[int]rune)
	var inB []rune
	for j, r := range b {
		for i := range a {
			if _, used := partner[i]; !used && a[i] == r && i >= j-reach && i <= j+reach {
				partner[i] = r
				inB = append(inB, r)
				break
			}
		}
	}
	m := float64(len(inB))
	if m == 0 {
		return 0
	}
	var inA []rune
	for i := range a {
		if r, used := partner[i]; used {
			inA = append(inA, r)
		}
	}
	misplaced := 0
	for k := range inA {
		if inA[k] != inB[k] {
			misplaced++
		}
	}
	s := m / float64(len(a))
	s += m / float64(len(b))
	s += (m - float64(misplaced/2)) / m
	s /= 3
	if s > 0.7 {
		p := 0
		for p < 4 && p < len(a) && p < len(b) && a[p] == b[p] {
			p++
		}
		weight := float64(p) * 0.1
		bonus := float64(weight * (1 - s))
		s += bonus
	}
	return s
}

func randomNames(random *rand.Rand, n, longest int, alphabet []rune) []string {
	names := make([]string, n)
	for i := range names {
		name := make([]rune, random.IntN(longest+1))
		for j := range name {
			name[j] = alphabet[random.IntN(len(alphabet))]
		}
		names[i] = string(name)
	}
	return names
}

func misspelt(random *rand.Rand, name string) string {
	letters := []rune(name)
	for range 2 {
		if len(letters) > 1 {
			i := random.IntN(len(letters) - 1)
			letters[i], letters[i+1] = letters[i+1], letters[i]
		}
	}
	return fmt.Sprintf("%se", string(letters))
}
