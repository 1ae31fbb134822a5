// Package database keeps a store.Store in PostgreSQL or SQLite.
package database

import (
	"fmt"
	"strings"
	"time"

	"hotpath/go_sidecar/gateway/store"
)

const (
	keyColumns     = "fingerprint, status, location, body"
	insertKey      = "INSERT INTO idempotency_keys (operation, key, " + keyColumns + ", created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
	selectKey      = "SELECT " + keyColumns + " FROM idempotency_keys WHERE operation = $1 AND key = $2"
	selectWorld    = "SELECT id, randomnumber FROM world WHERE id = $1"
	updateWorld    = "UPDATE world SET randomnumber = $2 WHERE id = $1"
	selectFortunes = "SELECT id, message FROM fortune"
)

// Open returns the store at a URL: sqlite:///relative.db, sqlite:////absolute.db or
// postgresql://user:pw@host/db. It does not wait for the database, which may come later.
func Open(url string, poolSize int, timeout time.Duration) (store.Store, error) {
	if path, is := strings.CutPrefix(url, "sqlite:///"); is && path != "" {
		return openSQLite(path, poolSize, timeout)
	}
	if strings.HasPrefix(url, "postgresql://") || strings.HasPrefix(url, "postgres://") {
		return openPostgres(url, poolSize, timeout)
	}
	scheme, _, _ := strings.Cut(url, "//") // the rest may hold a password
	return nil, fmt.Errorf("HOTPATH_DATABASE_URL: expected sqlite:///… or postgresql://…, got %.20q", scheme)
}
