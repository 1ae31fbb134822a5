package database

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
	"uuid"

	"modernc.org/sqlite"
	sqlitecodes "modernc.org/sqlite/lib"

	"hotpath/go_sidecar/gateway/store"
)

const sqliteTime = "2006-01-02 15:04:05.000000" // as SQLAlchemy writes it

// sqliteDB has one connection that writes: SQLite has one writer at a time, and a queue
// within the process is fair where its busy handler is not.
type sqliteDB struct {
	path           string
	reader, writer *sql.DB
	timeout        time.Duration
}

func openSQLite(path string, poolSize int, timeout time.Duration) (store.Store, error) {
	// mode=rw: a file that is gone is an error, not a new and empty database.
	options := url.Values{
		"mode":          {"rw"},
		"_busy_timeout": {strconv.FormatInt(max(1, timeout.Milliseconds()), 10)},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_txlock":       {"immediate"},
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode()
	reader, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	writer, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	reader.SetMaxOpenConns(poolSize)
	reader.SetMaxIdleConns(poolSize)
	writer.SetMaxOpenConns(1)
	return &sqliteDB{path: path, reader: reader, writer: writer, timeout: timeout}, nil
}

func (s *sqliteDB) Close() {
	s.reader.Close()
	s.writer.Close()
}

func (s *sqliteDB) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var tables int
	return s.failed(s.reader.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables))
}

func (s *sqliteDB) Create(ctx context.Context, row store.Row) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.writer.ExecContext(ctx, row.Insert, sqliteValues(row.Values)...)
	return s.failed(err)
}

func (s *sqliteDB) CreateOnce(ctx context.Context, row store.Row, keyed *store.Keyed) (earlier *store.Keyed, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	values := sqliteValues(row.Values)
	err = s.write(ctx, func(tx *sql.Tx) error {
		earlier, err = scanSQLiteKeyed(tx.QueryRowContext(ctx, selectKey, keyed.Operation, keyed.Key))
		if earlier != nil || err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, row.Insert, values...); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, insertKey, keyed.Operation, keyed.Key, keyed.Fingerprint[:], keyed.Status, keyed.Location, keyed.Body, keyed.CreatedAt.Format(sqliteTime))
		return err
	})
	return earlier, err
}

func (s *sqliteDB) Answered(ctx context.Context, operation, key string) (*store.Keyed, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	earlier, err := scanSQLiteKeyed(s.reader.QueryRowContext(ctx, selectKey, operation, key))
	return earlier, s.failed(err)
}

// scanSQLiteKeyed returns nil where there is no row.
func scanSQLiteKeyed(row *sql.Row) (*store.Keyed, error) {
	var fingerprint []byte
	var location sql.NullString
	earlier := &store.Keyed{}
	err := row.Scan(&fingerprint, &earlier.Status, &location, &earlier.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	copy(earlier.Fingerprint[:], fingerprint)
	earlier.Location = location.String
	return earlier, nil
}

// write runs a transaction, which _txlock=immediate makes the writer from its begin on.
func (s *sqliteDB) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return s.failed(err)
	}
	defer tx.Rollback() // does nothing after the commit
	if err := do(tx); err != nil {
		return s.failed(err)
	}
	return s.failed(tx.Commit())
}

func (s *sqliteDB) Read(ctx context.Context, statement store.Statement, arguments, fields []any, each func()) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.reader.QueryContext(ctx, statement.SQLite, sqliteValues(arguments)...)
	if err != nil {
		return s.failed(err)
	}
	defer rows.Close()
	targets := sqliteTargets(fields)
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return s.failed(err)
		}
		each()
	}
	return s.failed(rows.Err())
}

// sqliteValues has UUIDs and instants as SQLAlchemy writes them; the targets read them again.
func sqliteValues(values []any) []any {
	for i, value := range values {
		switch value := value.(type) {
		case uuid.UUID:
			values[i] = hex.EncodeToString(value[:])
		case time.Time:
			values[i] = value.Format(sqliteTime)
		}
	}
	return values
}

func sqliteTargets(fields []any) []any {
	for i, field := range fields {
		switch field := field.(type) {
		case *uuid.UUID:
			fields[i] = (*hexUUID)(field)
		case *time.Time:
			fields[i] = (*textInstant)(field)
		}
	}
	return fields
}

type hexUUID uuid.UUID

// Scan is for database/sql.
func (u *hexUUID) Scan(column any) error {
	text, is := column.(string)
	if !is {
		return fmt.Errorf("expected a UUID as text, got %T", column)
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return fmt.Errorf("id %q: %w", text, err)
	}
	*u = hexUUID(id)
	return nil
}

type textInstant time.Time

// Scan is for database/sql.
func (t *textInstant) Scan(column any) error {
	text, is := column.(string)
	if !is {
		return fmt.Errorf("expected an instant as text, got %T", column)
	}
	instant, err := time.Parse(sqliteTime, text)
	*t = textInstant(instant)
	return err
}

func (s *sqliteDB) Worlds(ctx context.Context, ids []int32) ([]store.World, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	worlds := make([]store.World, len(ids))
	for i, id := range ids {
		if err := s.reader.QueryRowContext(ctx, selectWorld, id).Scan(&worlds[i].ID, &worlds[i].RandomNumber); err != nil {
			return nil, s.failed(err)
		}
	}
	return worlds, nil
}

func (s *sqliteDB) UpdateWorlds(ctx context.Context, worlds []store.World) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.write(ctx, func(tx *sql.Tx) error {
		update, err := tx.PrepareContext(ctx, updateWorld) // the transaction closes it
		if err != nil {
			return err
		}
		for _, world := range worlds {
			if _, err := update.ExecContext(ctx, world.ID, world.RandomNumber); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sqliteDB) Fortunes(ctx context.Context) ([]store.Fortune, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.reader.QueryContext(ctx, selectFortunes)
	if err != nil {
		return nil, s.failed(err)
	}
	defer rows.Close()
	var fortunes []store.Fortune
	for rows.Next() {
		var fortune store.Fortune
		if err := rows.Scan(&fortune.ID, &fortune.Message); err != nil {
			return nil, s.failed(err)
		}
		fortunes = append(fortunes, fortune)
	}
	return fortunes, s.failed(rows.Err())
}

// failed tells a database that cannot be used from a fault of ours.
func (s *sqliteDB) failed(err error) error {
	var fromSQLite *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return store.ErrNotFound
	case errors.As(err, &fromSQLite):
		words := ""
		switch fromSQLite.Code() & 0xff { // the primary code
		case sqlitecodes.SQLITE_BUSY, sqlitecodes.SQLITE_LOCKED, sqlitecodes.SQLITE_INTERRUPT,
			sqlitecodes.SQLITE_IOERR, sqlitecodes.SQLITE_PROTOCOL:
			words = busy
		case sqlitecodes.SQLITE_READONLY:
			words = readOnly
		case sqlitecodes.SQLITE_CANTOPEN, sqlitecodes.SQLITE_PERM:
			words = unreadable
		case sqlitecodes.SQLITE_NOTADB, sqlitecodes.SQLITE_CORRUPT:
			words = damaged
		case sqlitecodes.SQLITE_FULL:
			words = full
		default:
			return err
		}
		return &store.Unavailable{Words: words, Cause: fmt.Errorf("%s: %w%s", s.path, err, s.explained())}
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return &store.Unavailable{Words: busy, Cause: err}
	}
	return err
}

// explained says what can be seen of the file; SQLite has one code for most of it.
func (s *sqliteDB) explained() string {
	folder := filepath.Dir(s.path)
	const read, write, enter = 4, 2, 1
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "; there is no folder " + folder
	}
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "; there is no such file; hotpath db upgrade makes it"
	case err == nil && info.IsDir():
		return "; it is a folder, not a file"
	// Not opened to see: closing it again would take away the locks of this process's connections.
	case syscall.Access(s.path, read|write) != nil:
		return "; the file may not be read and written by this user"
	case syscall.Access(folder, write|enter) != nil:
		return "; in the folder " + folder + " this user may not write, where SQLite keeps its log"
	}
	return ""
}
