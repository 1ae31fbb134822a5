// Package store keeps payments, idempotency keys and the rows of the bench routes in
// PostgreSQL or SQLite. The schema is made and owned by the service in Python; both servers
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

// ErrKeyInUse says that a request with the same key is being carried out.
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

	CreatePayment(ctx context.Context, payment *Payment) error

	// CreatePaymentOnce stores the payment and the keyed answer in one transaction, unless the
	// key was used: then it returns what is stored for it. Errors: ErrKeyInUse besides.
	CreatePaymentOnce(ctx context.Context, payment *Payment, keyed *Keyed) (earlier *Keyed, err error)

	// Payment returns ErrNotFound where there is none.
	Payment(ctx context.Context, id uuid.UUID) (*Payment, error)

	// Payments returns the newest payments, older than `after` unless that is nil.
	Payments(ctx context.Context, after *uuid.UUID, limit int) ([]Payment, error)

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
