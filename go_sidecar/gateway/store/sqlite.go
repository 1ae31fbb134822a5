package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
	"uuid"

	"modernc.org/sqlite"
	sqlitecodes "modernc.org/sqlite/lib"
)

const sqliteTime = "2006-01-02 15:04:05.000000" // as SQLAlchemy writes it

// sqliteStore has one connection that writes: SQLite has one writer at a time, and a queue
// within the process is fair where its busy handler is not.
type sqliteStore struct {
	reader, writer *sql.DB
	timeout        time.Duration
}

func openSQLite(path string, poolSize int, timeout time.Duration) (Store, error) {
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
	return &sqliteStore{reader: reader, writer: writer, timeout: timeout}, nil
}

func (s *sqliteStore) Close() {
	s.reader.Close()
	s.writer.Close()
}

func (s *sqliteStore) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var tables int
	return sqliteError(s.reader.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables))
}

func (s *sqliteStore) Create(ctx context.Context, record Record) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	insert, values := sqliteRow(record)
	_, err := s.writer.ExecContext(ctx, insert, values...)
	return sqliteError(err)
}

func (s *sqliteStore) CreateOnce(ctx context.Context, record Record, keyed *Keyed) (earlier *Keyed, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	insert, values := sqliteRow(record)
	err = s.write(ctx, func(tx *sql.Tx) error {
		earlier, err = scanSQLiteKeyed(tx.QueryRowContext(ctx, selectKey, keyed.Operation, keyed.Key))
		if earlier != nil || err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insert, values...); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, insertKey, keyed.Operation, keyed.Key, keyed.Fingerprint[:], keyed.Status, keyed.Location, keyed.Body, keyed.CreatedAt.Format(sqliteTime))
		return err
	})
	return earlier, err
}

func (s *sqliteStore) Answered(ctx context.Context, operation, key string) (*Keyed, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	earlier, err := scanSQLiteKeyed(s.reader.QueryRowContext(ctx, selectKey, operation, key))
	return earlier, sqliteError(err)
}

// scanSQLiteKeyed returns nil where there is no row.
func scanSQLiteKeyed(row *sql.Row) (*Keyed, error) {
	var fingerprint []byte
	var location sql.NullString
	earlier := &Keyed{}
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
func (s *sqliteStore) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return sqliteError(err)
	}
	defer tx.Rollback() // does nothing after the commit
	if err := do(tx); err != nil {
		return sqliteError(err)
	}
	return sqliteError(tx.Commit())
}

// The instant as text: the driver would otherwise parse columns declared as DATETIME.
const sqlitePaymentColumns = "id, end_to_end_id, debtor_name, debtor_iban, creditor_name, creditor_iban, creditor_bic, currency, amount_minor, created_at || ''"

func (s *sqliteStore) Payment(ctx context.Context, id uuid.UUID) (*Payment, error) {
	payments, err := s.payments(ctx, "WHERE id = ?", hex.EncodeToString(id[:]))
	if err == nil && len(payments) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &payments[0], nil
}

func (s *sqliteStore) Payments(ctx context.Context, after *uuid.UUID, limit int) ([]Payment, error) {
	which, arguments := sqlitePage(after, limit)
	return s.payments(ctx, which, arguments...)
}

func sqlitePage(after *uuid.UUID, limit int) (which string, arguments []any) {
	if after == nil {
		return "ORDER BY id DESC LIMIT ?", []any{limit}
	}
	return "WHERE id < ? ORDER BY id DESC LIMIT ?", []any{hex.EncodeToString(after[:]), limit}
}

func (s *sqliteStore) payments(ctx context.Context, which string, arguments ...any) ([]Payment, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.reader.QueryContext(ctx, "SELECT "+sqlitePaymentColumns+" FROM payments "+which, arguments...)
	if err != nil {
		return nil, sqliteError(err)
	}
	defer rows.Close()
	var payments []Payment
	for rows.Next() {
		var p Payment
		var id, createdAt string
		if err := rows.Scan(&id, &p.EndToEndID, &p.DebtorName, &p.DebtorIBAN, &p.CreditorName, &p.CreditorIBAN, &p.CreditorBIC, &p.Currency, &p.AmountMinor, &createdAt); err != nil {
			return nil, sqliteError(err)
		}
		if p.ID, p.CreatedAt, err = parseSQLite(id, createdAt); err != nil {
			return nil, err
		}
		payments = append(payments, p)
	}
	return payments, sqliteError(rows.Err())
}

func (s *sqliteStore) Worlds(ctx context.Context, ids []int32) ([]World, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	worlds := make([]World, len(ids))
	for i, id := range ids {
		if err := s.reader.QueryRowContext(ctx, selectWorld, id).Scan(&worlds[i].ID, &worlds[i].RandomNumber); err != nil {
			return nil, sqliteError(err)
		}
	}
	return worlds, nil
}

func (s *sqliteStore) UpdateWorlds(ctx context.Context, worlds []World) error {
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

func (s *sqliteStore) Fortunes(ctx context.Context) ([]Fortune, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.reader.QueryContext(ctx, selectFortunes)
	if err != nil {
		return nil, sqliteError(err)
	}
	defer rows.Close()
	var fortunes []Fortune
	for rows.Next() {
		var fortune Fortune
		if err := rows.Scan(&fortune.ID, &fortune.Message); err != nil {
			return nil, sqliteError(err)
		}
		fortunes = append(fortunes, fortune)
	}
	return fortunes, sqliteError(rows.Err())
}

// sqliteRow has UUIDs and instants as SQLAlchemy writes them; parseSQLite reads them again.
func sqliteRow(record Record) (insert string, values []any) {
	insert, values = record.row()
	for i, value := range values {
		switch value := value.(type) {
		case uuid.UUID:
			values[i] = hex.EncodeToString(value[:])
		case time.Time:
			values[i] = value.Format(sqliteTime)
		}
	}
	return insert, values
}

func parseSQLite(id, createdAt string) (uuid.UUID, time.Time, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return parsed, time.Time{}, fmt.Errorf("id %q: %w", id, err)
	}
	instant, err := time.Parse(sqliteTime, createdAt)
	return parsed, instant, err
}

// sqliteError tells a database that is locked, slow or gone from a fault of ours.
func sqliteError(err error) error {
	var fromSQLite *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case errors.As(err, &fromSQLite):
		switch fromSQLite.Code() & 0xff { // the primary code
		case sqlitecodes.SQLITE_BUSY, sqlitecodes.SQLITE_LOCKED, sqlitecodes.SQLITE_INTERRUPT,
			sqlitecodes.SQLITE_CANTOPEN, sqlitecodes.SQLITE_IOERR, sqlitecodes.SQLITE_FULL,
			sqlitecodes.SQLITE_READONLY, sqlitecodes.SQLITE_NOTADB, sqlitecodes.SQLITE_CORRUPT, sqlitecodes.SQLITE_PROTOCOL:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return err
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
