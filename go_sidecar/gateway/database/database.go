// Package database keeps a store.Store in PostgreSQL or SQLite.
package database

import (
	"errors"
	"net/url"
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

// Open returns the store at a URL, in the form that `hotpath gateway` passes: sqlite:////absolute.db
// or libpq's postgresql://. It does not wait for the database, which may come later. No error has
// a value of the URL, because what is wrong in it may be a password.
func Open(address string, poolSize int, timeout time.Duration) (store.Store, error) {
	if rest, is := strings.CutPrefix(address, "sqlite:///"); is {
		path, err := url.PathUnescape(rest)
		if err != nil || path == "" || strings.Contains(rest, "?") || strings.HasPrefix(path, ":memory:") {
			return nil, errors.New("HOTPATH_DATABASE_URL: expected sqlite:///… with the path of a file, and no parameters")
		}
		return openSQLite(path, poolSize, timeout)
	}
	if strings.HasPrefix(address, "postgresql://") || strings.HasPrefix(address, "postgres://") {
		return openPostgres(address, poolSize, timeout)
	}
	return nil, errors.New("HOTPATH_DATABASE_URL: expected sqlite:///… or postgresql://…, got another scheme")
}

// What the caller is told of a database that cannot be used, as in service/store/faults.py.
const (
	busy       = "the database is busy or gone; retry later"
	readOnly   = "the database is read-only"
	login      = "the database refuses the service's login"
	missing    = "there is no such database"
	forbidden  = "the database does not permit the service to do this"
	full       = "the database has no room left"
	insecure   = "the connection to the database cannot be secured"
	unreadable = "the database's file cannot be opened"
	damaged    = "the database's file is not a database, or is damaged"
)
