// Package kernels holds the CPU-bound functions of the hot path, pure functions on slices. The
// contract (methods, shapes, order of the float operations) is the one in Python; the comments
// here tell only what differs.
package kernels

import (
	"context"
	"math"

	"hotpath/go_sidecar/parallel"
)

// Found has for each point the row of its nearest place, and the square of their distance.
type Found struct {
	Rows    []int32
	Squares []float64
}

// chunk of points is looked at by one goroutine in one go.
const chunk = 16

// Nearest returns the nearest place of each point; three numbers are one of them. The points are
// shared out to at most `threads` goroutines, whose number does not change the result.
// Errors: only the context's; it is looked at before every chunk of points.
func Nearest(ctx context.Context, points, places []float64, threads int) (Found, error) {
	count := len(points) / 3
	found := Found{make([]int32, count), make([]float64, count)}
	err := parallel.Chunks(ctx, parallel.Count(count, chunk), threads, func(k int) {
		for i := k * chunk; i < min((k+1)*chunk, count); i++ {
			found.Rows[i], found.Squares[i] = find([3]float64(points[3*i:]), places)
		}
	})
	return found, err
}

func find(point [3]float64, places []float64) (row int32, least float64) {
	row, least = -1, math.Inf(1)
	for i := range len(places) / 3 {
		place := places[3*i : 3*i+3]
		x, y, z := point[0]-place[0], point[1]-place[1], point[2]-place[2]
		// Each conversion rounds its product, which Go may fuse with the sum otherwise.
		square := float64(x*x) + float64(y*y) + float64(z*z)
		if square < least {
			row, least = int32(i), square
		}
	}
	return row, least
}
