package kernels

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// The vectors that all engines share, which come from outside of them; the files tell their
// sources. `go test` does not watch files outside its module: after a change of vectors
// alone, run it with -count=1.
func readVectors[V any](t *testing.T, kernel string, header any) []V {
	t.Helper()
	content, err := os.ReadFile("../../../tests/conformance/vectors/" + kernel + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []V }
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatalf("%s.json: no vectors", kernel)
	}
	if header != nil {
		if err := json.Unmarshal(content, header); err != nil {
			t.Fatal(err)
		}
	}
	return file.Vectors
}

func unhex(t *testing.T, digits string) string {
	t.Helper()
	content, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestVectorsOfScreen(t *testing.T) {
	type vector struct {
		ID    string
		Input struct {
			Queries, Names []string
			Cutoff         float64
			Limit          int
		}
		Expected [][][2]float64 // each query's hits as row and score, best first
	}
	for _, v := range readVectors[vector](t, "screen", nil) {
		t.Run(v.ID, func(t *testing.T) {
			limit := v.Input.Limit
			for _, threads := range []int{1, 3} {
				hits := screen(t, v.Input.Queries, v.Input.Names, v.Input.Cutoff, limit, threads)
				if want := len(v.Expected) * limit; len(v.Expected) != len(v.Input.Queries) || len(hits.Rows) != want || len(hits.Scores) != want {
					t.Fatalf("%d rows and %d scores, want %d", len(hits.Rows), len(hits.Scores), want)
				}
				for place := range hits.Rows {
					row, score := int32(-1), 0.0
					if expected := v.Expected[place/limit]; place%limit < len(expected) {
						hit := expected[place%limit]
						row, score = int32(hit[0]), hit[1]
					}
					if hits.Rows[place] != row || hits.Scores[place] != score {
						t.Fatalf("%d threads, query %d, place %d: row %d score %v, want row %d score %v",
							threads, place/limit, place%limit, hits.Rows[place], hits.Scores[place], row, score)
					}
				}
			}
		})
	}
}

func TestVectorsOfValidate(t *testing.T) {
	type vector struct {
		ID       string
		Input    []map[string]string
		Expected [][]string
	}
	var header struct {
		Rules        []string
		ValidPayment map[string]string `json:"valid_payment"`
	}
	vectors := readVectors[vector](t, "validate", &header)
	bits := map[string]uint32{}
	for bit, rule := range header.Rules {
		bits[rule] = 1 << bit
	}
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			var payments []payment
			for _, fields := range v.Input {
				field := func(name string) string {
					if text, is := fields[name]; is {
						return text
					}
					return header.ValidPayment[name]
				}
				payments = append(payments, payment{
					field("end_to_end_id"), field("debtor_iban"), field("creditor_iban"),
					field("creditor_bic"), field("currency"), field("amount"),
				})
			}
			found := validate(t, payments, 1)
			if len(found) != len(v.Expected) {
				t.Fatalf("%d payments judged, want %d", len(found), len(v.Expected))
			}
			for i, rules := range v.Expected {
				want := uint32(0)
				for _, rule := range rules {
					if bits[rule] == 0 {
						t.Fatalf("no rule is called %q", rule)
					}
					want |= bits[rule]
				}
				if found[i] != want {
					t.Errorf("payment %d: %016b, want %016b", i, found[i], want)
				}
			}
		})
	}
}

func TestVectorsOfSeal(t *testing.T) {
	type vector struct {
		ID       string
		Input    []string
		Expected struct {
			Root   string
			Proofs []string
		}
	}
	for _, v := range readVectors[vector](t, "seal", nil) {
		t.Run(v.ID, func(t *testing.T) {
			var records []string
			var places []int32
			for place, record := range v.Input {
				records, places = append(records, unhex(t, record)), append(places, int32(place))
			}
			if root := seal(t, records, 1); hex.EncodeToString(root[:]) != v.Expected.Root {
				t.Errorf("root %x, want %s", root, v.Expected.Root)
			}
			proofs := prove(t, records, places, 1)
			if len(proofs) != len(v.Expected.Proofs) {
				t.Fatalf("%d proofs, want %d", len(proofs), len(v.Expected.Proofs))
			}
			for place, want := range v.Expected.Proofs {
				if hex.EncodeToString(proofs[place]) != want {
					t.Errorf("place %d: %x, want %s", place, proofs[place], want)
				}
			}
		})
	}
}
