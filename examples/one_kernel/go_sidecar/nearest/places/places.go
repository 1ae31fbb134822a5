// Package places reads the places, and knows the sphere that they are on.
package places

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
)

// Places has n places, 1 at least.
type Places struct {
	Names   []string
	Vectors []float64 // [n, 3], on the unit sphere
}

// Load reads a CSV file with the columns name, lat, lon, which the service has checked before.
func Load(path string) (*Places, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) < 2 || len(rows[0]) != 3 {
		return nil, fmt.Errorf("%s: expected name, lat, lon and a place at least, got %d lines", path, len(rows))
	}
	places := &Places{}
	for i, row := range rows[1:] {
		lat, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, i+2, err)
		}
		lon, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, i+2, err)
		}
		places.Names = append(places.Names, row[0])
		places.Vectors = AppendVector(places.Vectors, lat, lon)
	}
	return places, nil
}
