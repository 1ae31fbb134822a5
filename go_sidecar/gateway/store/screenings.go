package store

import (
	"time"
	"uuid"
)

const (
	summaryColumns  = "id, created_at, root, size, engine"
	insertScreening = "INSERT INTO screenings (" + summaryColumns + ", watchlist, cutoff, hits_per_name, records, results) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)

// ScreeningSummary is what can be said of a screening without its documents. CreatedAt is in
// UTC, with microseconds.
type ScreeningSummary struct {
	ID        uuid.UUID
	CreatedAt time.Time
	Root      []byte
	Size      int
	Engine    string
}

// Screening is a stored screening.
type Screening struct {
	ScreeningSummary
	Watchlist   string // the version of its index
	Cutoff      float64
	HitsPerName int
	Records     []byte // canonical JSON, a line each
	Results     []byte // JSON, as it goes out
}

func (s *Screening) row() (insert string, values []any) {
	return insertScreening, []any{s.ID, s.CreatedAt, s.Root, s.Size, s.Engine, s.Watchlist, s.Cutoff, s.HitsPerName, s.Records, s.Results}
}
