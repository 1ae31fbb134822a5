package kernels

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"
)

func nearest(t *testing.T, points, places []float64, threads int) Found {
	t.Helper()
	found, err := Nearest(context.Background(), points, places, threads)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The vectors that all engines share, which come from outside of them; the file tells its source.
func TestVectorsOfNearest(t *testing.T) {
	content, err := os.ReadFile("../../../tests/conformance/vectors/nearest.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID       string
			Input    struct{ Points, Places [][]float64 }
			Expected Found
		}
	}
	if err := json.Unmarshal(content, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			if got := nearest(t, slices.Concat(v.Input.Points...), slices.Concat(v.Input.Places...), 1); !reflect.DeepEqual(got, v.Expected) {
				t.Errorf("got %v, want %v", got, v.Expected)
			}
		})
	}
}

func TestWithoutPlacesThereIsNone(t *testing.T) {
	got := nearest(t, []float64{1, 0, 0}, nil, 1)
	if want := (Found{[]int32{-1}, []float64{math.Inf(1)}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestThreadsFindTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) []float64 {
		drawn := make([]float64, 3*n)
		for i := range drawn {
			drawn[i] = random.Float64()
		}
		return drawn
	}
	points, places := draw(100), draw(500)
	one := nearest(t, points, places, 1)
	for _, threads := range []int{2, 3, 64} {
		if got := nearest(t, points, places, threads); !reflect.DeepEqual(got, one) {
			t.Errorf("%d threads: %v, want %v", threads, got, one)
		}
	}
}

func TestACallThatWasGivenUpEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Nearest(ctx, make([]float64, 3), make([]float64, 3), 1); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}
