package places

import (
	"math"
	"strconv"
)

const earthRadiusM = 6_371_008.8 // as in the service

// AppendVector appends the unit vector of a position in degrees. Its last bits may be others than
// Python's, as each library rounds sines in its own way: hence the millimetre in the contract.
func AppendVector(vectors []float64, lat, lon float64) []float64 {
	phi, lambda := lat*math.Pi/180, lon*math.Pi/180
	return append(vectors, math.Cos(phi)*math.Cos(lambda), math.Cos(phi)*math.Sin(lambda), math.Sin(phi))
}

// Metres is the length along the great circle, to the millimetre, for the square of the straight
// line through the unit sphere.
func Metres(square float64) float64 {
	length := 2 * earthRadiusM * math.Asin(min(1, math.Sqrt(square)/2))
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(length, 'f', 3, 64), 64) // of a number, a number
	return rounded
}
