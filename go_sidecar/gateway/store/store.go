// Package store is what routes see of a database: records that are created, once for an
// idempotency key, and read again. The tables are made and owned by the service in Python; both
// servers may share one database.
package store

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("not found")

// ErrUnavailable is what every Unavailable is.
var ErrUnavailable = errors.New("database unavailable")

// Unavailable is what a database says that cannot be used: locked, slow, gone, or not as the
// service needs it.
type Unavailable struct {
	Words string // for the caller
	Cause error  // for the log
}

func (u *Unavailable) Error() string { return u.Words + ": " + u.Cause.Error() }

func (u *Unavailable) Unwrap() []error { return []error{ErrUnavailable, u.Cause} }

// ErrKeyInUse says that another process carries out a request with the same key.
var ErrKeyInUse = errors.New("key in use")

// Row is a row to be inserted: what Table.Row returns.
type Row struct {
	Insert string
	Values []any // of the types that Column lists
}

// Statement is SQL in the dialect of each database, with $1, $2, … for the arguments in both.
type Statement struct{ Postgres, SQLite string }

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

// World is a row of the bench routes' table world.
type World struct {
	ID           int32 `json:"id"`
	RandomNumber int32 `json:"randomNumber"`
}

// Fortune is a row of the bench routes' table fortune.
type Fortune struct {
	ID      int32
	Message string
}

// Store is a database. Its methods take the database's timeout at most, or what the context
// leaves, and return Unavailable where it cannot be used; the next call tries anew.
type Store interface {
	// Ping reads something.
	Ping(ctx context.Context) error

	Create(ctx context.Context, row Row) error

	// CreateOnce stores the row and the keyed answer in one transaction, unless the key was
	// used: then it returns what is stored for it. Errors: ErrKeyInUse besides, on PostgreSQL;
	// on SQLite it waits for the other process. Within this process one call for a key at a
	// time is the caller's concern.
	CreateOnce(ctx context.Context, row Row, keyed *Keyed) (earlier *Keyed, err error)

	// Answered returns what is stored for a key, nil if nothing is.
	Answered(ctx context.Context, operation, key string) (*Keyed, error)

	// Read reads row after row into the fields, pointers as those of Column, and calls each for
	// every one. The arguments are UUIDs, instants, and what both drivers know. It may change
	// both slices. Query is the way to read records.
	Read(ctx context.Context, statement Statement, arguments, fields []any, each func()) error

	// Worlds reads one row for each id, by one query each, in the order of the ids.
	Worlds(ctx context.Context, ids []int32) ([]World, error)

	// UpdateWorlds writes the rows, which are sorted by id so that no two calls deadlock.
	UpdateWorlds(ctx context.Context, worlds []World) error

	Fortunes(ctx context.Context) ([]Fortune, error)

	Close()
}
