// Package store keeps payments, screenings, idempotency keys and the rows of the bench routes
// in PostgreSQL or SQLite. The schema is made and owned by the service in Python; both servers
// may share one database.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"uuid"
)

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("not found")

// ErrUnavailable wraps what a database says that is locked, slow or gone.
var ErrUnavailable = errors.New("database unavailable")

// ErrKeyInUse says that another process carries out a request with the same key.
var ErrKeyInUse = errors.New("key in use")

// Payment is a stored payment. CreatedAt is in UTC, with microseconds.
type Payment struct {
	ID           uuid.UUID
	EndToEndID   string
	DebtorName   string
	DebtorIBAN   string
	CreditorName string
	CreditorIBAN string
	CreditorBIC  string
	Currency     string
	AmountMinor  int64
	CreatedAt    time.Time
}

func (p *Payment) row() (insert string, values []any) {
	return insertPayment, []any{p.ID, p.EndToEndID, p.DebtorName, p.DebtorIBAN, p.CreditorName, p.CreditorIBAN, p.CreditorBIC, p.Currency, p.AmountMinor, p.CreatedAt}
}

// Record is what can be stored: a *Payment or a *Screening.
type Record interface {
	// row returns values of which a driver may have a form of its own: UUIDs and instants.
	row() (insert string, values []any)
}

// Keyed is what an idempotency key stands for: the request by its operation and the SHA-256
// of its body, and the answer that it got.
type Keyed struct {
	Operation   string
	Key         string
	Fingerprint [32]byte
	Status      int
	Location    string
	Body        []byte
	CreatedAt   time.Time
}

// World is a row of the table world.
type World struct {
	ID           int32 `json:"id"`
	RandomNumber int32 `json:"randomNumber"`
}

// Fortune is a row of the table fortune.
type Fortune struct {
	ID      int32
	Message string
}

// Store is a database. Its methods take the database's timeout at most, or what the context
// leaves, and return ErrUnavailable where it is locked, slow or gone; the next call tries anew.
type Store interface {
	// Ping reads something.
	Ping(ctx context.Context) error

	Create(ctx context.Context, record Record) error

	// CreateOnce stores the record and the keyed answer in one transaction, unless the key was
	// used: then it returns what is stored for it. Errors: ErrKeyInUse besides, on PostgreSQL;
	// on SQLite it waits for the other process. Within this process one call for a key at a
	// time is the caller's concern.
	CreateOnce(ctx context.Context, record Record, keyed *Keyed) (earlier *Keyed, err error)

	// Answered returns what is stored for a key, nil if nothing is.
	Answered(ctx context.Context, operation, key string) (*Keyed, error)

	// Payment returns ErrNotFound where there is none.
	Payment(ctx context.Context, id uuid.UUID) (*Payment, error)

	// Payments returns the newest payments, older than `after` unless that is nil.
	Payments(ctx context.Context, after *uuid.UUID, limit int) ([]Payment, error)

	// ScreeningResults returns ErrNotFound where there is no such screening.
	ScreeningResults(ctx context.Context, id uuid.UUID) (*ScreeningSummary, []byte, error)

	// ScreeningRecords returns ErrNotFound where there is no such screening.
	ScreeningRecords(ctx context.Context, id uuid.UUID) (*ScreeningSummary, []byte, error)

	// Screenings returns the newest screenings, older than `after` unless that is nil.
	Screenings(ctx context.Context, after *uuid.UUID, limit int) ([]ScreeningSummary, error)

	// Worlds reads one row for each id, by one query each, in the order of the ids.
	Worlds(ctx context.Context, ids []int32) ([]World, error)

	// UpdateWorlds writes the rows, which are sorted by id so that no two calls deadlock.
	UpdateWorlds(ctx context.Context, worlds []World) error

	Fortunes(ctx context.Context) ([]Fortune, error)

	Close()
}

// Open returns the store at a URL: sqlite:///relative.db, sqlite:////absolute.db or
// postgresql://user:pw@host/db. It does not wait for the database, which may come later.
func Open(url string, poolSize int, timeout time.Duration) (Store, error) {
	if path, is := strings.CutPrefix(url, "sqlite:///"); is && path != "" {
		return openSQLite(path, poolSize, timeout)
	}
	if strings.HasPrefix(url, "postgresql://") || strings.HasPrefix(url, "postgres://") {
		return openPostgres(url, poolSize, timeout)
	}
	scheme, _, _ := strings.Cut(url, "//") // the rest may hold a password
	return nil, fmt.Errorf("HOTPATH_DATABASE_URL: expected sqlite:///… or postgresql://…, got %.20q", scheme)
}
