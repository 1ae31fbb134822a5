package kernels

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"hotpath/go_sidecar/packed"
)

// BenchmarkScreen measures ns per pair at cutoff 0.90 on a synthetic list, or on the
// US Treasury's SDN list (sdn.csv and alt.csv) in the directory that WATCHLIST names.
func BenchmarkScreen(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 6))
	names := syntheticList(random, 20000)
	if directory := os.Getenv("WATCHLIST"); directory != "" {
		names = append(column(b, filepath.Join(directory, "sdn.csv"), 1), column(b, filepath.Join(directory, "alt.csv"), 3)...)
	}
	var queries []string
	for range 32 {
		queries = append(queries, misspelt(random, names[random.IntN(len(names))]))
	}
	queries = append(queries, syntheticList(random, 32)...)
	index := indexOf(b, names)
	for _, perCall := range []int{1, len(queries)} {
		var calls []packed.CodePoints
		for chunk := range slices.Chunk(queries, perCall) {
			calls = append(calls, packed.Text(chunk))
		}
		b.Run(fmt.Sprintf("queries=%d", perCall), func(b *testing.B) {
			for b.Loop() {
				for _, call := range calls {
					if _, err := Screen(context.Background(), call, index, 0.9, 5, 1); err != nil {
						b.Fatal(err)
					}
				}
			}
			pairs := float64(b.N) * float64(len(queries)) * float64(len(names))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/pairs, "ns/pair")
		})
	}
}

func syntheticList(random *rand.Rand, n int) []string {
	syllables := strings.Fields("al an ar ba be da di el en fa ga ha in ja ka la li ma mo na no or pa ra ri sa se ta to va")
	names := make([]string, n)
	for i := range names {
		var tokens []string
		for range 2 + random.IntN(3) {
			token := ""
			for range 2 + random.IntN(3) {
				token += syllables[random.IntN(len(syllables))]
			}
			tokens = append(tokens, token)
		}
		slices.Sort(tokens)
		names[i] = strings.Join(tokens, " ")
	}
	return names
}

func column(b *testing.B, path string, at int) (names []string) {
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	rows := csv.NewReader(file)
	rows.FieldsPerRecord, rows.LazyQuotes = -1, true
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return names
		}
		if err != nil {
			b.Fatal(err)
		}
		if len(row) > at { // the last line is a lone 0x1A
			tokens := strings.FieldsFunc(strings.ToLower(row[at]), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
			slices.Sort(tokens)
			names = append(names, strings.Join(tokens, " "))
		}
	}
}
