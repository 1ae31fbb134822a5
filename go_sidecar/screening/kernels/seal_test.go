package kernels

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels/kernelstest"
)

// The leaves of Certificate Transparency's reference tests (merkle_tree_test.cc), and the roots
// of their first 0 to 8; the full digests were made with pymerkle 7 and, alike, by the
// recursion of RFC 9162 on Python's hashlib. The proofs come from that recursion.
var (
	ctLeaves = []string{"", "\x00", "\x10", " !", "01", "@ABC", "PQRSTUVW", "`abcdefghijklmno"}
	ctRoots  = []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	ctProofs = []struct {
		place int32
		size  int
		nodes string
	}{
		{0, 1, ""},
		{0, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7" +
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e" +
			"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"},
		{5, 8, "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" +
			"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0" +
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
		{2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
		{1, 5, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" +
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e" +
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"},
	}
)

func TestRootsEqualCertificateTransparency(t *testing.T) {
	for size, want := range ctRoots {
		if got := seal(t, ctLeaves[:size], 1); hex.EncodeToString(got[:]) != want {
			t.Errorf("size %d: %x, want %s", size, got, want)
		}
	}
}

func TestProofsEqualCertificateTransparency(t *testing.T) {
	for _, known := range ctProofs {
		proof := prove(t, ctLeaves[:known.size], []int32{known.place}, 1)[0]
		if hex.EncodeToString(proof) != known.nodes {
			t.Errorf("place %d of %d: %x, want %s", known.place, known.size, proof, known.nodes)
		}
		root, _ := hex.DecodeString(ctRoots[known.size])
		if !kernelstest.IsIncluded([]byte(ctLeaves[known.place]), int(known.place), known.size, proof, root) {
			t.Errorf("place %d of %d is refused", known.place, known.size)
		}
	}
}

// Sizes around powers of two and chunks, with any number of goroutines.
func TestRootsAndProofsEqualTheRecursion(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, 2, 3, 9, 31, 33, 1023, 1024, 1025, 1027, 2048, 2049, 3000, 5121} {
		records := randomRecords(random, size)
		root := definitionRoot(records)
		places := []int32{0, int32(size - 1), int32(size / 2), int32(random.IntN(size)), 0}
		for _, threads := range []int{1, 2, 7} {
			if got := seal(t, records, threads); got != root {
				t.Errorf("%d records, %d threads: %x, want %x", size, threads, got, root)
			}
			for k, proof := range prove(t, records, places, threads) {
				if want := definitionPath(int(places[k]), records); !bytes.Equal(proof, want) {
					t.Errorf("%d records, %d threads, place %d: %x, want %x", size, threads, places[k], proof, want)
				}
				if !kernelstest.IsIncluded([]byte(records[places[k]]), int(places[k]), size, proof, root[:]) {
					t.Errorf("%d records, place %d: the proof is refused", size, places[k])
				}
			}
		}
	}
}

func TestNoPlacesAndNoRecordsGiveNoProofs(t *testing.T) {
	for _, records := range [][]string{nil, {"a"}, {"a", "b"}} {
		if proofs := prove(t, records, nil, 1); len(proofs) != 0 {
			t.Errorf("%x", proofs)
		}
	}
}

func TestSealAndProveEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	records := blobs(randomRecords(rand.New(rand.NewPCG(1, 1)), 3000))
	for _, threads := range []int{1, 3} {
		if _, err := Seal(ctx, records, threads); !errors.Is(err, context.Canceled) {
			t.Errorf("seal: %v", err)
		}
		if _, err := Prove(ctx, records, []int32{1}, threads); !errors.Is(err, context.Canceled) {
			t.Errorf("prove: %v", err)
		}
	}
}

func TestSealAllocatesNothingPerRecord(t *testing.T) {
	records := blobs(randomRecords(rand.New(rand.NewPCG(1, 1)), 10000))
	allocations := testing.AllocsPerRun(5, func() {
		if _, err := Seal(context.Background(), records, 1); err != nil {
			t.Error(err)
		}
	})
	if allocations > 100 {
		t.Errorf("%v allocations for %d records", allocations, records.Len())
	}
}

// BenchmarkSeal measures records of 150 bytes, about as long as a payment.
func BenchmarkSeal(b *testing.B) {
	for _, n := range []int{100, 10000, 100000} {
		records := blobs(slices.Repeat([]string{strings.Repeat("x", 150)}, n))
		places := []int32{0, int32(n / 2), int32(n - 1)}
		for _, threads := range []int{1, 2} {
			name := fmt.Sprintf("records=%d/threads=%d", n, threads)
			perRecord := func(b *testing.B) {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
			}
			b.Run("seal/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Seal(context.Background(), records, threads); err != nil {
						b.Fatal(err)
					}
				}
				perRecord(b)
			})
			b.Run("prove/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Prove(context.Background(), records, places, threads); err != nil {
						b.Fatal(err)
					}
				}
				perRecord(b)
			})
		}
	}
}

func seal(t *testing.T, records []string, threads int) Hash {
	t.Helper()
	root, err := Seal(context.Background(), blobs(records), threads)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func prove(t *testing.T, records []string, places []int32, threads int) [][]byte {
	t.Helper()
	proofs, err := Prove(context.Background(), blobs(records), places, threads)
	if err != nil {
		t.Fatal(err)
	}
	return proofs
}

func blobs(items []string) packed.Blobs {
	b := packed.Blobs{Offsets: []int32{0}}
	for _, item := range items {
		b.Data = append(b.Data, item...)
		b.Offsets = append(b.Offsets, int32(len(b.Data)))
	}
	return b
}

func randomRecords(random *rand.Rand, n int) []string {
	records := make([]string, n)
	for i := range records {
		record := make([]byte, 1+random.IntN(200))
		for j := range record {
			record[j] = byte(random.Uint32())
		}
		records[i] = string(record)
	}
	return records
}

// definitionRoot is MTH(D[n]) as RFC 9162, section 2.1.1, words it.
func definitionRoot(records []string) Hash {
	switch n := len(records); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256([]byte("\x00" + records[0]))
	default:
		k := largestPowerBelow(n)
		left, right := definitionRoot(records[:k]), definitionRoot(records[k:])
		return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
	}
}

// definitionPath is PATH(m, D[n]) as RFC 9162, section 2.1.3.1, words it.
func definitionPath(m int, records []string) []byte {
	if len(records) == 1 {
		return []byte{}
	}
	k := largestPowerBelow(len(records))
	if m < k {
		right := definitionRoot(records[k:])
		return append(definitionPath(m, records[:k]), right[:]...)
	}
	left := definitionRoot(records[:k])
	return append(definitionPath(m-k, records[k:]), left[:]...)
}

func largestPowerBelow(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}
