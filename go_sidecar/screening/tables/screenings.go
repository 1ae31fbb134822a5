package tables

import (
	"time"
	"uuid"

	"hotpath/go_sidecar/gateway/store"
)

// Screening is a stored screening. CreatedAt is in UTC, with microseconds.
type Screening struct {
	ID          uuid.UUID
	CreatedAt   time.Time
	Root        []byte
	Size        int
	Engine      string
	Watchlist   string // the version of its index
	Cutoff      float64
	HitsPerName int
	Records     []byte // canonical JSON, a line each
	Results     []byte // JSON, as it goes out
}

// Screenings is the table; the queries below read it.
var Screenings = store.NewTable("screenings", func(s *Screening) []store.Column {
	return []store.Column{
		{Name: "id", Field: &s.ID},
		{Name: "created_at", Field: &s.CreatedAt},
		{Name: "root", Field: &s.Root},
		{Name: "size", Field: &s.Size},
		{Name: "engine", Field: &s.Engine},
		{Name: "watchlist", Field: &s.Watchlist},
		{Name: "cutoff", Field: &s.Cutoff},
		{Name: "hits_per_name", Field: &s.HitsPerName},
		{Name: "records", Field: &s.Records},
		{Name: "results", Field: &s.Results},
	}
})

// The summary, and one of the documents or none: they are as large as the request was.
var (
	ScreeningResults = Screenings.Select("WHERE id = $1", "id", "created_at", "root", "size", "engine", "results")
	ScreeningRecords = Screenings.Select("WHERE id = $1", "id", "created_at", "root", "size", "engine", "records")
	ScreeningList    = Screenings.List("id", "created_at", "root", "size", "engine")
)
